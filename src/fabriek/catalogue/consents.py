"""What the owner of a profile agreed to, purpose by purpose, and to which words.

Consent is one of the grounds on which personal data may be used (Regulation (EU) 2016/679, Article 6(1)(a)); here it is
the only one. It is asked apart from other things and in plain words, and is as easy to withdraw as to give (Article 7).
The words are data with a version: who agreed to other words is asked again.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from django.db.models import Q, QuerySet

from fabriek.catalogue.models import Consent, Entry, Purpose
from fabriek.catalogue.rules import PROFILES

FILE = Path(__file__).parent / "consents.json"


@dataclass(frozen=True)
class Wording:
    """The words of a purpose as they are now. texts: by language, English always among them."""

    version: int
    texts: dict[str, str]

    def shown(self, language: str) -> tuple[str, str]:
        """The words for a reader of this language, and the language that they are in."""
        found = language if language in self.texts else "en"
        return self.texts[found], found


@lru_cache(maxsize=1)
def wordings() -> dict[str, Wording]:
    """By purpose. A change of what is agreed to is a new version (tests pin the words of each)."""
    told = json.loads(FILE.read_text(encoding="utf-8"))
    return {purpose: Wording(one["version"], one["texts"]) for purpose, one in told.items()}


def purposes_of(kind: str) -> list[Purpose]:
    """What is asked about a profile of this kind. Only ventures have hours to tell of."""
    return [one for one in Purpose if one != Purpose.HOURS or kind == "venture"]


def standing() -> QuerySet[Consent]:
    """The consents that hold: not withdrawn, and given to the words as they are now."""
    now = Q()
    for purpose, wording in wordings().items():
        now |= Q(purpose=purpose, version=wording.version)
    # Of none that has no profile any more: a null among keys would make every `NOT IN` of them unknown.
    return Consent.objects.filter(now, withdrawn_at=None, entry__isnull=False).order_by()


def agreed(purpose: Purpose) -> QuerySet[Consent]:
    """The keys of the profiles whose owner agrees to this: for a filter of entries."""
    return standing().filter(purpose=purpose).values("entry")  # type: ignore[return-value]


def agrees(entry: Entry, purpose: Purpose) -> bool:
    """Whether this may be done with an entry. Of what is no profile nothing is asked. One query for a profile."""
    return entry.kind not in PROFILES or standing().filter(entry=entry, purpose=purpose).exists()


def agreed_of(entry: Entry) -> set[str]:
    """What the owner of a profile agrees to now. One query."""
    return set(standing().filter(entry=entry).values_list("purpose", flat=True))


def outside(entries: Iterable[Entry], purpose: Purpose) -> set[int]:
    """The keys of those profiles among these entries of which the owner doesn't agree to this. A query, where there is
    a profile."""
    profiles = {entry.pk for entry in entries if entry.kind in PROFILES}
    if not profiles:
        return set()
    return profiles - set(standing().filter(purpose=purpose, entry__in=profiles).values_list("entry_id", flat=True))
