"""Matches of any records: the same whatever their order, from those alone that are of the section, each with why."""

from __future__ import annotations

import random
from datetime import date
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.factories.records import records

from fabriek.catalogue.record import Record
from fabriek.catalogue.search import terms
from fabriek.matching.needs import CLASSES, Needs
from fabriek.matching.rules import SECTIONS, best, weigh
from fabriek.matching.words import sentence

_CONCEPTS = sorted(one for one in terms.concepts() if not one.startswith(("kind:", "country:")))
_WORDS = st.sampled_from(
    ["translation", "text-generation", "automatic-speech-recognition", "health", "energy", "public sector"]
)
NEEDS = st.builds(
    Needs,
    named=st.frozensets(st.sampled_from(_CONCEPTS), max_size=20),
    heard=st.frozensets(st.sampled_from(_CONCEPTS), max_size=20),
    known=st.frozensets(st.sampled_from(_CONCEPTS), max_size=5),
    organisation_class=st.sampled_from(["", *sorted(CLASSES)]),
    country=st.sampled_from(["", "NL", "DE", "FI"]),
    commercial=st.booleans(),
    amount=st.none() | st.integers(0, 10**7),
    round=st.sampled_from(["", "seed"]),
)


@st.composite
def about(draw: st.DrawFn) -> Record:
    """A random record that has tasks and sectors of the field now and then, so that some fit."""
    said = st.lists(_WORDS, max_size=3)
    return draw(records()).model_copy(update={"tasks": draw(said), "sectors": draw(said)})


@settings(max_examples=60, deadline=None)
@given(NEEDS, st.lists(about(), max_size=8, unique_by=lambda one: one.code), st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing(needs: Needs, found: list[Record], mix: random.Random) -> None:
    today = date(2030, 1, 1)
    shuffled = mix.sample(found, len(found))
    for section in SECTIONS:
        told = best(section, needs, found, today, 4)
        assert told == best(section, needs, shuffled, today, 4)
        assert [one.score for one in told] == sorted((one.score for one in told), reverse=True)
        for match in told:
            assert match.record.kind in section.kinds
            assert match.reasons
            assert all(sentence(one) for one in (*match.reasons, *match.remarks))


@settings(max_examples=60, deadline=None)
@given(NEEDS, records("funding", "investor", "expert", "service"))
def test_what_is_not_said_is_never_a_no(needs: Needs, record: Record) -> None:
    """Of an entry that fits, taking away what rules others out leaves it fitting, as long as something is shared."""
    unsaid: dict[str, Any] = dict.fromkeys(("opens", "closes", "free_from", "hours_a_month", "ticket_least"))
    silent = unsaid | {"months": []}
    details = record.details.model_copy(update={k: v for k, v in silent.items() if hasattr(record.details, k)})
    for section in SECTIONS:
        match = weigh(section, needs, record, date(2030, 1, 1))
        if match and {one.code for one in match.reasons} & {"task", "sector", "topic", "skill"}:
            assert weigh(section, needs, record.model_copy(update={"details": details}), date(2030, 1, 1))
