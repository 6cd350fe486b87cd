"""Licences as others write them, and as SPDX does (https://spdx.org/licenses/, list 3.26)."""

from __future__ import annotations

import re

_IDS = """
    MIT MIT-0 Apache-2.0 BSD-2-Clause BSD-3-Clause BSD-3-Clause-Clear ISC Unlicense CC0-1.0 CC-BY-2.0 CC-BY-2.5
    CC-BY-3.0 CC-BY-4.0 CC-BY-SA-3.0 CC-BY-SA-4.0 CC-BY-NC-2.0 CC-BY-NC-3.0 CC-BY-NC-4.0 CC-BY-ND-4.0 CC-BY-NC-ND-3.0
    CC-BY-NC-ND-4.0 CC-BY-NC-SA-3.0 CC-BY-NC-SA-4.0 GPL-2.0-only GPL-2.0-or-later GPL-3.0-only GPL-3.0-or-later
    LGPL-2.1-only LGPL-3.0-only LGPL-3.0-or-later AGPL-3.0-only AGPL-3.0-or-later MPL-2.0 EPL-1.0 EPL-2.0 EUPL-1.1
    EUPL-1.2 ODbL-1.0 ODC-By-1.0 PDDL-1.0 AFL-3.0 Artistic-2.0 BSL-1.0 CDLA-Permissive-1.0 CDLA-Permissive-2.0
    CDLA-Sharing-1.0 ECL-2.0 LPPL-1.3c MS-PL MulanPSL-2.0 NCSA OFL-1.1 OSL-3.0 PostgreSQL WTFPL Zlib ZPL-2.1 Ruby
    C-UDA-1.0 etalab-2.0 OGL-UK-3.0 DL-DE-BY-2.0 DL-DE-ZERO-2.0 NLOD-2.0 IODL-2.0 OGC-1.0"""
_BY_NAME = {one.lower(): one for one in _IDS.split()}
_OTHERWISE = {
    "gpl": "GPL-3.0-or-later", "gpl-2.0": "GPL-2.0-only", "gpl-3.0": "GPL-3.0-only", "lgpl-3.0": "LGPL-3.0-only",
    "lgpl-2.1": "LGPL-2.1-only", "agpl-3.0": "AGPL-3.0-only", "odbl": "ODbL-1.0", "odc-by": "ODC-By-1.0",
    "pddl": "PDDL-1.0", "bsd": "BSD-3-Clause", "apache license 2.0": "Apache-2.0", "cc0": "CC0-1.0",
    "mit license": "MIT", "cc-zero": "CC0-1.0",
}  # fmt: skip
_CREATIVE = re.compile(r"creativecommons\.org/licenses/([a-z-]+)/(\d\.\d)")


def spdx(said: str) -> str:
    """The SPDX identifier of a licence that somebody names or gives the address of. Empty: not known here."""
    text = said.strip().lower().rstrip("/")
    if found := _CREATIVE.search(text):
        return _BY_NAME.get(f"cc-{found[1]}-{found[2]}", "")
    if "creativecommons.org/publicdomain/zero/1.0" in text:
        return "CC0-1.0"
    name = text.rpartition("/")[2].removesuffix(".html").removesuffix(".txt") if "://" in text else text
    return _BY_NAME.get(name) or _OTHERWISE.get(name, "")
