"""What every reader is asked, and what it answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from fabriek.catalogue.record import Record
from fabriek.harvest.network import Fetched


@dataclass(frozen=True)
class Asked:
    """What a source is asked for. `part`: a set (OAI-PMH), a filter (Hub), kinds of asset (AIoD). `since`: what didn't
    change after it may be left out; None: all."""

    address: str
    part: str = ""
    since: datetime | None = None


@dataclass(frozen=True)
class Found:
    """One thing that a document tells of. `record` None: it can't be used, `remarks` say why. With a record they tell
    what was left out or cut."""

    identifier: str
    record: Record | None
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Page:
    """A document, understood. `next` empty: this was the last one. `passed_over`: what is of no kind that a catalogue
    has a place for (an article, a picture), which is no fault."""

    found: tuple[Found, ...] = ()
    gone: tuple[str, ...] = ()
    next: str = ""
    passed_over: int = 0


@dataclass(frozen=True)
class Reader:
    """`whole`: each sweep tells all that there is, so that what it doesn't name is gone."""

    first: Callable[[Asked], str]
    read: Callable[[Fetched, Asked], Page]
    accept: str
    whole: bool


def summary_of(text: str) -> str:
    """The first paragraph of a text, cut at a word where it is long."""
    first = text.split("\n\n", 1)[0].replace("\n", " ").strip()
    return first if len(first) <= 500 else f"{first[:500].rsplit(' ', 1)[0]} …"


def words_of(said: Iterable[object]) -> list[str]:
    """Texts among what a stranger put in a list."""
    return [one.strip() for one in said if isinstance(one, str) and one.strip()]
