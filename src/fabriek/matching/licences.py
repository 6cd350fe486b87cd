"""What a licence says of commercial use, as far as its SPDX expression tells. Pure; no legal advice."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal

Commercial = Literal["allowed", "refused", "unknown"]

# Families of SPDX identifiers whose licences allow commercial use (https://spdx.org/licenses/).
_ALLOWING = re.compile(
    r"(0BSD|AFL-|AGPL-|Apache-|Artistic-|BSD-|BSL-1\.0|CC-BY-\d|CC-BY-SA-\d|CC-BY-ND-\d|CC0-|CDLA-|CECILL-|ECL-|EPL-"
    r"|etalab-|EUPL-|GPL-|ISC|LGPL-|MIT|MPL-|MulanPSL-|NCSA|ODbL-|ODC-By-|OGL-|PDDL-|PSF-|Python-|Unlicense|Zlib)",
    re.IGNORECASE,
)
_REFUSING = re.compile(r"(^|[-_ ])NC([-_ ]|$)|non-?commercial", re.IGNORECASE)


def commercial_use(licence: str) -> Commercial:
    """Whether it may be used commercially. Of `A OR B` one may choose; `A AND B` binds to both; a `WITH` adds to what
    is allowed. Within parentheses only what all parts agree on is told. An address, a name that isn't known here and
    nothing at all are unknown."""
    text = licence.strip()
    if not text or "://" in text:
        return "unknown"
    if "(" in text:
        parts = {_one(part) for part in re.split(r"\s+(?:AND|OR)\s+", text.replace("(", " ").replace(")", " "))}
        return parts.pop() if len(parts) == 1 else "unknown"
    return _any(_all(re.split(r"\s+AND\s+", way)) for way in re.split(r"\s+OR\s+", text))


def _any(ways: Iterable[Commercial]) -> Commercial:
    found = set(ways)
    return "allowed" if "allowed" in found else "unknown" if "unknown" in found else "refused"


def _all(parts: list[str]) -> Commercial:
    found = {_one(part) for part in parts}
    return "refused" if "refused" in found else "unknown" if "unknown" in found else "allowed"


def _one(part: str) -> Commercial:
    name = re.split(r"\s+WITH\s+", part)[0].strip()
    if _REFUSING.search(name):
        return "refused"
    return "allowed" if _ALLOWING.match(name) else "unknown"
