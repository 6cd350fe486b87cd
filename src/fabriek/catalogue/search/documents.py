"""What is looked for in an entry: its record as tokens, in the fields of the index.

Pure: from a record to a document. Four fields of words weigh differently (title, tags, summary, text); each holds the
folded words in their order, so that a phrase is found, and after them their stems. `parts` helps with compounds,
`concepts` carries what the words mean across languages (terms.py): declared in the record's own lists, or heard in its
texts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from pydantic import BaseModel

from fabriek.catalogue.record import Record
from fabriek.catalogue.search import terms
from fabriek.catalogue.search.words import COMPOUNDING, joined, parts, stems, words_of

MOST_WORDS = 5_000
"""Of the texts of an entry; a card of 200,000 letters doesn't push the others out of the index."""

FACETS = ("kind", "licence", "access", "language", "task", "sector", "factory")


@dataclass(frozen=True)
class Document:
    """An entry as the index holds it. key: the entry's UUID. stamp: which state of it this is, in one word without
    spaces. published: seconds since 1970. facets: values by the names in FACETS."""

    key: str
    stamp: str
    published: int
    title: str
    tags: str
    summary: str
    text: str
    spelling: str
    parts: str
    concepts: list[str]
    heard: list[str]
    facets: dict[str, list[str]] = field(default_factory=dict)


class Head(NamedTuple):
    """What an entry says of itself in one language."""

    language: str
    title: str
    summary: str
    description: str


def heads_of(record: Record) -> list[Head]:
    """In its own language first, then in those that it's translated to."""
    own = Head(record.language, record.title, record.summary, record.description)
    others = record.translations.items()
    return [own, *(Head(language, said.title, said.summary, said.description) for language, said in others)]


class _Tokens:
    """Tokens of a field, text by text, each in its own language."""

    def __init__(self) -> None:
        self.words: list[str] = []
        self._besides: list[str] = []

    def add(self, text: str, language: str) -> None:
        for word in words_of(text)[: MOST_WORDS - len(self.words)]:
            self.words.append(word.folded)
            self._besides.extend(stems(word.written, language))
        self._besides.extend(joined(text))

    def __str__(self) -> str:
        return " ".join([*self.words, *self._besides])


def document_of(record: Record, *, key: str, stamp: str, published: int) -> Document:
    """The record as tokens."""
    title, tags, summary, text = _Tokens(), _Tokens(), _Tokens(), _Tokens()
    heads = heads_of(record)
    for head in heads:
        title.add(head.title, head.language)
        summary.add(head.summary, head.language)
        text.add(head.description, head.language)
    for word in tags_of(record):
        tags.add(word, record.language)
    for more in _texts(record):
        text.add(more, record.language)
    declared = terms.declared(record)
    short = [(head.language, f"{head.title}\n{head.summary}") for head in heads]
    heard = terms.heard([*short, (record.language, "\n".join(record.keywords))]) - declared
    compounds = {word.folded for language, said in short if language in COMPOUNDING for word in words_of(said)}
    return Document(
        key=key,
        stamp=stamp,
        published=published,
        title=str(title),
        tags=str(tags),
        summary=str(summary),
        text=str(text),
        spelling=" ".join(sorted({*title.words, *tags.words, *summary.words, *text.words[:100]})),
        parts=" ".join(sorted({part for word in compounds for part in parts(word)})),
        concepts=sorted(declared),
        heard=sorted(heard),
        facets=facets_of(record),
    )


def facets_of(record: Record) -> dict[str, list[str]]:
    """What the entry is counted under, by facet."""
    return {
        "kind": [record.kind],
        "licence": [record.licence] if record.licence else [],
        "access": [record.access],
        "language": list(record.languages),
        "task": list(dict.fromkeys(slug(one) for one in record.tasks)),
        "sector": list(dict.fromkeys(slug(one) for one in record.sectors)),
        "factory": [record.factory] if record.factory else [],
    }


def slug(words: str) -> str:
    """One way of writing for 'Text generation' and 'text-generation'."""
    return "-".join(word.folded for word in words_of(words))


def tags_of(record: Record) -> Iterator[str]:
    """The words and names that say what it is and whose, without its texts."""
    yield from record.keywords
    yield from (one.replace("-", " ") for one in (*record.tasks, *record.sectors))
    yield from (party.name for party in (*([record.owner] if record.owner else []), *record.creators))
    yield record.code.replace("-", " ")
    yield record.licence
    yield from _strings(record.details, lists=True)


def _texts(record: Record) -> Iterator[str]:
    yield record.conditions
    yield from _strings(record.details, lists=False)
    yield from (one.name for one in record.distributions)
    yield from (one.title for one in record.relations)


def _strings(part: BaseModel, *, lists: bool) -> Iterator[str]:
    """What a part says in words: its lists of words, or its texts (also of the parts in it), addresses aside."""
    for name, value in part:
        if name == "kind":
            continue
        if isinstance(value, BaseModel):
            yield from _strings(value, lists=lists)
        elif isinstance(value, list):
            yield from _of_list(value, lists)
        elif isinstance(value, str) and not lists and "://" not in value[:12]:
            yield value


def _of_list(values: Iterable[Any], lists: bool) -> Iterator[str]:
    for value in values:
        if isinstance(value, BaseModel):
            yield from _strings(value, lists=lists)
        elif isinstance(value, str) and lists:
            yield value
