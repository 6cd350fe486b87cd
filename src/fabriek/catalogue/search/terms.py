"""What the field's terms mean, in any language: 'spraakherkenning', 'reconnaissance vocale' and 'ASR' are one concept.

Pure. `data/terms.json` says each concept's labels by language, and which tasks, sectors and kinds of the records are
it; it was written by hand for this catalogue. `data/names.json` holds names of languages and countries from the Unicode
CLDR. This is a dictionary and no model: what it doesn't list, it doesn't know.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from functools import lru_cache
from importlib import resources
from itertools import product
from typing import NamedTuple

from fabriek.catalogue.record import Record
from fabriek.catalogue.search.words import COMPOUNDING, LANGUAGES, Word, stems, words_of

LONGEST_LABEL = 5
"""Words."""

_Labels = dict[str, dict[tuple[str, ...], frozenset[str]]]


class Meant(NamedTuple):
    """That words [start, end) of a text name a concept."""

    start: int
    end: int
    concept: str


def _data(name: str) -> bytes:
    return (resources.files("fabriek.catalogue.search") / "data" / name).read_bytes()


def digest() -> str:
    """The same as long as the terms are."""
    return hashlib.sha256(_data("terms.json") + _data("names.json")).hexdigest()


@lru_cache(maxsize=1)
def concepts() -> dict[str, dict[str, list[str]]]:
    """Each concept's labels by language, the first its name; 'is': what a record says for it."""
    told: dict[str, dict[str, str]] = json.loads(_data("terms.json"))["concepts"]
    found = {
        name: {language: said.split("|") for language, said in labels.items() if said} for name, labels in told.items()
    }
    names: dict[str, dict[str, dict[str, str]]] = json.loads(_data("names.json"))["names"]
    for kind, by_code in names.items():
        for code, labels in by_code.items():
            found[f"{kind}:{code.lower()}"] = {language: [name] for language, name in labels.items()}
    return found


def label(concept: str, language: str) -> str:
    """The concept's name in a language, else in English."""
    return (names(concept, language) or names(concept, "en"))[0]


def label_of(kind: str, value: str, language: str) -> str:
    """A task's or sector's name in a language, by how the records write it; itself where no concept is called so."""
    concept = f"{kind}:{value}"
    return label(concept, language) if concept in concepts() else value


def names(concept: str, language: str) -> list[str]:
    """What the concept is called in a language; empty: no name is known."""
    return concepts()[concept].get(language, [])


@lru_cache(maxsize=1)
def _by_stems() -> _Labels:
    found: dict[str, dict[tuple[str, ...], set[str]]] = {language: {} for language in LANGUAGES}
    for concept, labels in concepts().items():
        for language, said in labels.items():
            if language == "is":
                continue
            for words in map(words_of, said):
                for key in product(*(stems(word.written, language) for word in words)):
                    found[language].setdefault(key, set()).add(concept)
    return {language: {key: frozenset(named) for key, named in by_key.items()} for language, by_key in found.items()}


@lru_cache(maxsize=1)
def _declaring() -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for concept, labels in concepts().items():
        for said in labels.get("is", ()):
            found.setdefault(said, set()).add(concept)
    return {said: frozenset(named) for said, named in found.items()}


def declared(record: Record) -> set[str]:
    """The concepts that the record's own lists name: kind, tasks, sectors, languages, countries."""
    said = [f"kind={record.kind}"]
    said += [f"{word.lower().replace(' ', '-')}" for word in (*record.tasks, *record.sectors)]
    said += [word.lower().replace(" ", "-") for word in getattr(record.details, "modalities", ())]
    found = {concept for one in said for concept in _declaring().get(one, ())}
    parties = [record.owner] if record.owner else []
    countries = [*(one.country for one in parties if one.country), *getattr(record.details, "countries", ())]
    found |= {f"language:{code}" for code in record.languages} | {f"country:{code.lower()}" for code in countries}
    return found & concepts().keys()


def heard(texts: Iterable[tuple[str, str]]) -> set[str]:
    """The concepts that texts name, each (language, text) by the labels of its own language and of English.

    Kinds aside: a text that has the word 'data' is no dataset.
    """
    found: set[str] = set()
    for language, text in texts:
        found |= {one.concept for one in meant(words_of(text), {language, "en"})}
    return {one for one in found if not one.startswith("kind:")}


def meant(words: Sequence[Word], languages: Iterable[str] = LANGUAGES) -> list[Meant]:
    """What is named in a row of words, the longest names first; shorter ones within them are not told."""
    found: list[Meant] = []
    for language in languages:
        labels = _by_stems().get(language)
        if not labels:
            continue
        of_words = [stems(word.written, language) for word in words]
        start = 0
        while start < len(words):
            for end in range(min(len(words), start + LONGEST_LABEL), start, -1):
                named = {concept for key in product(*of_words[start:end]) for concept in labels.get(key, ())}
                if named:
                    found += [Meant(start, end, concept) for concept in sorted(named)]
                    start = end - 1
                    break
            start += 1
    return _longest(found)


def within(word: Word) -> set[str]:
    """The concepts that a part of a long word names, in a language that writes words together: 'Strompreise' is of
    energy. The end, which says what it is, before the beginning."""
    whole = word.written
    if len(whole) < 8 or not whole.isalpha():
        return set()
    for part in (
        *(whole[at:] for at in range(3, len(whole) - 3)),
        *(whole[:at] for at in range(len(whole) - 3, 3, -1)),
    ):
        found = {
            concept
            for language in COMPOUNDING
            for stem in stems(part, language)
            for concept in _by_stems()[language].get((stem,), ())
        }
        if found:
            return found
    return set()


def _longest(found: list[Meant]) -> list[Meant]:
    told = sorted(set(found), key=lambda one: (one.start - one.end, one.start, one.concept))
    kept: list[Meant] = []
    for one in told:
        within = any(
            other.start <= one.start and one.end <= other.end and (other.start, other.end) != (one.start, one.end)
            for other in kept
        )
        if not within:
            kept.append(one)
    return kept
