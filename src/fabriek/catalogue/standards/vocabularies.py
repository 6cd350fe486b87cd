"""The names that authorities give to languages, licences, access rights and themes, and a record's own.

Sources: the Publications Office's authority tables `language`, `licence`, `access-right` and `data-theme`
(http://publications.europa.eu/resource/authority/), SPDX's list of licences, Creative Commons, IANA's media types.
"""

from __future__ import annotations

import re
import unicodedata
from hashlib import sha256

AUTHORITY = "http://publications.europa.eu/resource/authority/"
SPDX = "http://spdx.org/licenses/"
MEDIA_TYPES = "https://www.iana.org/assignments/media-types/"

# ISO 639-1 and the authority's own code (ISO 639-3).
_LANGUAGE_CODES = """
    bg=BUL cs=CES da=DAN de=DEU el=ELL en=ENG es=SPA et=EST fi=FIN fr=FRA ga=GLE hr=HRV hu=HUN it=ITA lt=LIT
    lv=LAV mt=MLT nl=NLD pl=POL pt=POR ro=RON sk=SLK sl=SLV sv=SWE ar=ARA bn=BEN bs=BOS ca=CAT cy=CYM eu=EUS
    fa=FAS fy=FRY gl=GLG he=HEB hi=HIN id=IND is=ISL ja=JPN ka=KAT ko=KOR lb=LTZ mk=MKD nb=NOB nn=NNO no=NOR
    oc=OCI ru=RUS sq=SQI sr=SRP sw=SWA ta=TAM th=THA tr=TUR uk=UKR ur=URD vi=VIE zh=ZHO"""
_LANGUAGES = dict(pair.split("=") for pair in _LANGUAGE_CODES.split())
_SHORT = {long: short for short, long in _LANGUAGES.items()}

_RIGHTS = {"open": "PUBLIC", "registered": "RESTRICTED", "on-request": "RESTRICTED", "closed": "NON_PUBLIC"}
_ACCESS = {"PUBLIC": "open", "RESTRICTED": "on-request", "NON_PUBLIC": "closed", "CONFIDENTIAL": "closed"}

THEMES = {
    "AGRI": "agriculture", "ECON": "economy and finance", "EDUC": "education, culture and sport", "ENER": "energy",
    "ENVI": "environment", "GOVE": "government and public sector", "HEAL": "health", "INTR": "international issues",
    "JUST": "justice and safety", "OP_DATPRO": "provisional data", "REGI": "regions and cities",
    "SOCI": "population and society", "TECH": "science and technology", "TRAN": "transport",
}  # fmt: skip
"""The authority's themes of data, in words."""

_EU_LICENCES = {
    "CC0": "CC0-1.0", "CC_BY_4_0": "CC-BY-4.0", "CC_BY": "CC-BY-4.0", "CC_BYSA_4_0": "CC-BY-SA-4.0",
    "CC_BYNC_4_0": "CC-BY-NC-4.0", "CC_BYND_4_0": "CC-BY-ND-4.0", "CC_BYNCSA_4_0": "CC-BY-NC-SA-4.0",
    "CC_BYNCND_4_0": "CC-BY-NC-ND-4.0", "ODC_BY": "ODC-By-1.0", "ODC_BL": "ODbL-1.0", "ODC_PDDL": "PDDL-1.0",
    "EUPL_1_2": "EUPL-1.2", "EUPL_1_1": "EUPL-1.1", "MIT": "MIT", "APACHE_2_0": "Apache-2.0", "GPL_3_0": "GPL-3.0-only",
    "AGPL_3_0": "AGPL-3.0-only", "LGPL_3_0": "LGPL-3.0-only", "BSD_3_CLAUSE": "BSD-3-Clause",
}  # fmt: skip
_COMMONS = re.compile(r"https?://creativecommons\.org/(licenses|publicdomain)/([a-z-]+)/(\d\.\d)", re.IGNORECASE)
_OTHERS = {
    "https://www.apache.org/licenses/license-2.0": "Apache-2.0",
    "http://www.apache.org/licenses/license-2.0": "Apache-2.0",
    "https://opensource.org/licenses/mit": "MIT",
    "https://opensource.org/license/mit": "MIT",
}
_SPDX_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+-]*")


def language_address(code: str) -> str:
    """The address of a language: the authority's where it has the code, else one of ISO 639-1 at the Library of
    Congress."""
    if code in _LANGUAGES:
        return f"{AUTHORITY}language/{_LANGUAGES[code]}"
    return f"{AUTHORITY}language/{code.upper()}" if len(code) == 3 else f"http://id.loc.gov/vocabulary/iso639-1/{code}"


def language_code(said: str) -> str | None:
    """ISO 639 code of an address (authority, Library of Congress), a tag (`en-GB`) or a code; None: not known."""
    last = said.strip().rstrip("/").rsplit("/", 1)[-1].rsplit("#", 1)[-1].split("-")[0].split("_")[0]
    if last.upper() in _SHORT:
        return _SHORT[last.upper()]
    return last.lower() if re.fullmatch(r"[A-Za-z]{2,3}", last) else None


def licence_address(licence: str) -> str | None:
    """The address of a licence that has one: what is one already, or one SPDX licence. None: a longer expression."""
    if licence.startswith(("http://", "https://")):
        return licence
    return SPDX + licence if _SPDX_PLAIN.fullmatch(licence) and "/" not in licence else None


def licence_of(said: str) -> str:
    """A licence as SPDX names it where it is known by its address or name; else as it is said."""
    said = said.strip()
    if said.startswith((SPDX, "https://spdx.org/licenses/")):
        return said.rsplit("/", 1)[-1].removesuffix(".html").removesuffix(".json")
    if said.startswith(AUTHORITY + "licence/"):
        return _EU_LICENCES.get(said.rsplit("/", 1)[-1], said)
    if match := _COMMONS.match(said):
        if match[1].lower() == "publicdomain":
            return f"CC0-{match[3]}" if match[2].lower() == "zero" else said
        return f"CC-{match[2].upper()}-{match[3]}"
    return _OTHERS.get(said.lower().rstrip("/").removesuffix(".html").removesuffix(".txt"), said)


def rights_address(access: str) -> str | None:
    """The authority's access right; None: not known."""
    return f"{AUTHORITY}access-right/{_RIGHTS[access]}" if access in _RIGHTS else None


def access_of(said: str) -> str:
    """How one gets it, from the authority's access right; 'unknown' for any other."""
    return _ACCESS.get(said.rstrip("/").rsplit("/", 1)[-1].upper(), "unknown")


def code_of(*said: str) -> str:
    """A code for what a stranger names: of the first text that has a letter or digit, else of a digest of all."""
    for text in said:
        bare = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
        code = re.sub(r"[^a-z0-9]+", "-", bare).strip("-")
        if code:
            return code[:120].strip("-")
    return "entry-" + sha256("\n".join(said).encode()).hexdigest()[:12]
