"""The names that authorities give to languages, access rights and themes, and a record's own.

Sources: the Publications Office's authority tables `language`, `access-right` and `data-theme`
(http://publications.europa.eu/resource/authority/), IANA's media types. Licences are in `licences`.
"""

from __future__ import annotations

import re
import unicodedata
from hashlib import sha256

AUTHORITY = "http://publications.europa.eu/resource/authority/"
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
