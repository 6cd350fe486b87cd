"""Licences as others write them, and as SPDX does: one table for all standards and sources.

Sources: SPDX's list of licences 3.26 (https://spdx.org/licenses/), the Publications Office's authority table `licence`
(http://publications.europa.eu/resource/authority/licence), Creative Commons, the Hub's list
(https://huggingface.co/docs/hub/repositories-licenses).
"""

from __future__ import annotations

import re

SPDX = "http://spdx.org/licenses/"

_IDS = """
    MIT MIT-0 Apache-2.0 BSD-2-Clause BSD-3-Clause BSD-3-Clause-Clear ISC Unlicense CC0-1.0 GPL-2.0-only
    GPL-2.0-or-later GPL-3.0-only GPL-3.0-or-later LGPL-2.1-only LGPL-2.1-or-later LGPL-3.0-only LGPL-3.0-or-later
    AGPL-3.0-only AGPL-3.0-or-later MPL-2.0 EPL-1.0 EPL-2.0 EUPL-1.1 EUPL-1.2 ODbL-1.0 ODC-By-1.0 PDDL-1.0 AFL-3.0
    Artistic-2.0 BSL-1.0 CDLA-Permissive-1.0 CDLA-Permissive-2.0 CDLA-Sharing-1.0 ECL-2.0 LPPL-1.3c MS-PL MulanPSL-2.0
    NCSA OFL-1.1 OSL-3.0 PostgreSQL WTFPL Zlib ZPL-2.1 Ruby C-UDA-1.0 etalab-2.0 OGL-UK-3.0 DL-DE-BY-2.0
    DL-DE-ZERO-2.0 NLOD-2.0 IODL-2.0"""
_COMMONS = [f"CC-{terms}-{version}" for terms in ("BY", "BY-SA", "BY-NC", "BY-ND", "BY-NC-SA", "BY-NC-ND")
            for version in ("1.0", "2.0", "2.5", "3.0", "4.0")]  # fmt: skip
_OTHERWISE = {
    # in short
    "gpl": "GPL-3.0-or-later", "gpl-2.0": "GPL-2.0-only", "gpl-3.0": "GPL-3.0-only", "lgpl-3.0": "LGPL-3.0-only",
    "lgpl-2.1": "LGPL-2.1-only", "agpl-3.0": "AGPL-3.0-only", "odbl": "ODbL-1.0", "odc-by": "ODC-By-1.0",
    "pddl": "PDDL-1.0", "bsd": "BSD-3-Clause", "cc0": "CC0-1.0", "cc-zero": "CC0-1.0",
    "apache license 2.0": "Apache-2.0", "mit license": "MIT",
    # the last part of an address, at apache.org and opensource.org
    "license-2.0": "Apache-2.0",
    # the Publications Office's codes
    "cc_by": "CC-BY-4.0", "cc_by_4_0": "CC-BY-4.0", "cc_bysa_4_0": "CC-BY-SA-4.0", "cc_bync_4_0": "CC-BY-NC-4.0",
    "cc_bynd_4_0": "CC-BY-ND-4.0", "cc_byncsa_4_0": "CC-BY-NC-SA-4.0", "cc_byncnd_4_0": "CC-BY-NC-ND-4.0",
    "odc_by": "ODC-By-1.0", "odc_bl": "ODbL-1.0", "odc_pddl": "PDDL-1.0", "eupl_1_1": "EUPL-1.1",
    "eupl_1_2": "EUPL-1.2", "apache_2_0": "Apache-2.0", "gpl_3_0": "GPL-3.0-only", "agpl_3_0": "AGPL-3.0-only",
    "lgpl_3_0": "LGPL-3.0-only", "bsd_3_clause": "BSD-3-Clause",
}  # fmt: skip
_KNOWN = {**{one.lower(): one for one in (*_IDS.split(), *_COMMONS)}, **_OTHERWISE}

_AT_SPDX = re.compile(r"https?://spdx\.org/licenses/([A-Za-z0-9.+-]+?)(\.html|\.json)?")
_AT_COMMONS = re.compile(
    r"https?://(?:www\.)?creativecommons\.org/(?:licenses/([a-z-]+)/(\d\.\d)|publicdomain/(zero)/(1\.0))(?:/|$)", re.I
)
# Whose addresses end in the name of the licence that is there.
_PUBLISHERS = re.compile(
    r"https?://(?:www\.)?(?:(?:opensource|apache|gnu)\.org|publications\.europa\.eu/resource/authority/licence)/", re.I
)
_ADDRESSES = {
    "opendatacommons.org/licenses/odbl": "ODbL-1.0", "opendatacommons.org/licenses/by": "ODC-By-1.0",
    "opendatacommons.org/licenses/pddl": "PDDL-1.0", "govdata.de/dl-de/by-2-0": "DL-DE-BY-2.0",
    "govdata.de/dl-de/zero-2-0": "DL-DE-ZERO-2.0",
}  # fmt: skip
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+-]*")

_ON_THE_HUB = """
    apache-2.0 mit eupl-1.1 eupl-1.2 gpl-2.0 gpl-3.0 agpl-3.0 lgpl-3.0 bsd-2-clause bsd-3-clause mpl-2.0 isc unlicense
    zlib artistic-2.0 odbl odc-by pddl cdla-permissive-2.0 etalab-2.0 cc0-1.0"""
_HUB_NAMES = {_KNOWN[name]: name for name in _ON_THE_HUB.split()} | {one: one.lower() for one in _COMMONS}


def spdx_of(said: str) -> str:
    """The SPDX identifier of a licence that somebody names or gives the address of. Empty: not known here."""
    said = said.strip()
    if at_spdx := _AT_SPDX.fullmatch(said):
        return at_spdx[1]
    if commons := _AT_COMMONS.match(said):
        return "CC0-1.0" if commons[3] else _KNOWN.get(f"cc-{commons[1]}-{commons[2]}".lower(), "")
    name = said.lower().rstrip("/")
    if "://" not in name:
        return _KNOWN.get(name, "")
    if _PUBLISHERS.match(name):
        return _KNOWN.get(name.rpartition("/")[2].removesuffix(".html").removesuffix(".txt"), "")
    return _ADDRESSES.get(re.sub(r"^https?://(www\.)?|/(1-0|1\.0)$", "", name), "")


def licence_of(said: str) -> str:
    """A licence as SPDX names it where it is known by its address or name; else as it is said."""
    return spdx_of(said) or said.strip()


def licence_address(licence: str) -> str | None:
    """The address of a licence that has one: what is one already, or one SPDX licence. None: a longer expression."""
    if licence.startswith(("http://", "https://")):
        return licence
    return SPDX + licence if _PLAIN.fullmatch(licence) else None


def hub_name(licence: str) -> str:
    """What the Hub calls an SPDX licence. Empty: it has no word for it."""
    return _HUB_NAMES.get(licence, "")
