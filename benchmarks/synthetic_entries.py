"""Entries for speed alone: made up from a seed, in the shape and size of real ones. They describe nothing that exists.

Words come from a vocabulary with the spread of a natural language (Zipf), from labels of the field's terms in four
languages, and from each other: titles of 3 to 8 words, summaries of 15 to 30, descriptions of 60 to 140.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import accumulate
from typing import Any

from fabriek.catalogue.models import Entry, EntryState
from fabriek.catalogue.record import read_record
from fabriek.catalogue.rules import columns_of
from fabriek.catalogue.search import terms

LANGUAGES = ("en", "en", "en", "nl", "de", "fr")
LICENCES = ("CC-BY-4.0", "CC0-1.0", "Apache-2.0", "MIT", "CC-BY-NC-4.0", "EUPL-1.2")
KINDS = ("dataset", "dataset", "dataset", "model", "model", "software", "training", "service", "funding")
_BEGINS = [
    "ba", "be", "bo", "da", "de", "do", "fa", "fe", "ga", "ge", "go", "ka", "ke", "ko",
    "la", "le", "li", "lo", "ma", "me", "mi", "mo", "na", "ne", "no", "pa", "pe", "po",
    "ra", "re", "ri", "ro", "sa", "se", "so", "ta", "te", "ti", "to", "va", "ve", "vo",
]  # fmt: skip
_ENDS = ("", "n", "r", "s", "t", "l", "ing", "er", "tion", "ment", "heid", "ung")


def fill(number: int, seed: int = 7) -> None:
    """Write so many published entries, past their verbs."""
    rows: list[Entry] = []
    for entry in made(number, seed):
        rows.append(entry)
        if len(rows) == 2_000:
            Entry.objects.bulk_create(rows)
            rows = []
    Entry.objects.bulk_create(rows)


def made(number: int, seed: int) -> Iterator[Entry]:
    """The entries, always the same for a seed."""
    chance = random.Random(seed)
    words = _vocabulary(chance, 30_000)
    weights = list(accumulate(1 / (place + 10) for place in range(len(words))))
    labels = {
        language: [said[0] for labels in terms.concepts().values() if (said := labels.get(language))]
        for language in set(LANGUAGES)
    }
    declared = sorted(one for labels in terms.concepts().values() for one in labels.get("is", []) if "=" not in one)
    for n in range(number):
        language = chance.choice(LANGUAGES)

        def text(least: int, most: int, language: str = language) -> str:
            said = chance.choices(words, cum_weights=weights, k=chance.randint(least, most))
            for _ in range(len(said) // 10 + 1):
                said[chance.randrange(len(said))] = chance.choice(labels[language])
            return " ".join(said)

        said: dict[str, Any] = {
            "code": f"synthetic-{n}",
            "title": f"{text(3, 8)} {n}",
            "language": language,
            "summary": text(15, 30),
            "description": text(60, 140),
            "keywords": [text(1, 2) for _ in range(5)],
            "tasks": chance.sample(declared, 2),
            "sectors": chance.sample(declared, 1),
            "languages": chance.sample(sorted(set(LANGUAGES)), chance.randint(1, 3)),
            "licence": chance.choice(LICENCES),
            "access": chance.choice(["open", "open", "registered", "on-request"]),
            "owner": {"name": text(2, 3)},
            "homepage": f"https://example.org/{n}",
            "details": {"kind": chance.choice(KINDS)},
        }
        yield Entry(
            code=said["code"], origin="synthetic", origin_identifier=str(n), state=EntryState.PUBLISHED, published=1,
            **columns_of(read_record(said)),
        )  # fmt: skip


def queries(number: int, seed: int = 11) -> list[str]:
    """What one may ask of them: one to four words, of the vocabulary or of the field, some mistyped."""
    chance = random.Random(seed)
    words = _vocabulary(random.Random(7), 30_000)
    labels = [
        label for labels in terms.concepts().values() for language in ("en", "nl", "de", "fr")
        for label in labels.get(language, [])
    ]  # fmt: skip
    asked = []
    for n in range(number):
        said = [chance.choice(labels) if chance.random() < 0.6 else words[int(chance.paretovariate(0.5)) % 30_000]]
        said += [words[int(chance.paretovariate(0.5)) % 30_000] for _ in range(chance.randint(0, 3))]
        query = " ".join(said)
        if n % 10 == 0:
            place = chance.randrange(len(query))
            query = query[:place] + query[place + 1 :]
        asked.append(query)
    return asked


def _vocabulary(chance: random.Random, number: int) -> list[str]:
    found: dict[str, None] = {}
    while len(found) < number:
        found["".join(chance.choices(_BEGINS, k=chance.randint(1, 4))) + chance.choice(_ENDS)] = None
    return list(found)
