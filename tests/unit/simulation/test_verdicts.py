"""A change of waits in a sentence."""

from __future__ import annotations

from math import inf

import pytest

from fabriek.simulation.comparing import Difference
from fabriek.simulation.verdict_words import Speech, sentence, span
from fabriek.simulation.verdicts import verdict

SAME = Difference(7_200, 7_300, 100, -300, 500, 9)


def test_a_sure_change_is_said_with_its_bounds() -> None:
    shorter = Difference(7_200, 3_600, -3_600, -4_800, -2_400, 9)
    assert sentence(verdict("startup", shorter, SAME)) == (
        "startup: typical waits are shorter by 40 min to 80 min (95 % sure); half of the jobs start within 60 min "
        "(2 h before), and 19 of 20 within 2 h (2 h before)."
    )
    longer = Difference(0, 9, 3_600, 2_400, 4_800, 9)
    assert "the longest waits are longer by 40 min to 80 min" in sentence(verdict("a", SAME, longer))
    assert verdict("a", SAME, longer).direction == "longer"
    assert verdict("a", shorter, longer).direction == "mixed"
    assert ") and the longest waits are longer" in sentence(verdict("a", shorter, longer))


def test_what_is_not_sure_is_not_called_a_change() -> None:
    assert sentence(verdict("", SAME, SAME)).startswith("all jobs: waits are not surely longer or shorter; ")
    assert verdict("", SAME, SAME).direction == "unsure"
    alone = Difference(1, 2, 1, -inf, inf, 1)
    assert "more than chance" in sentence(verdict("a", alone, SAME))
    assert verdict("a", alone, alone).direction == "unknown"


def test_another_language_writes_the_whole_sentence() -> None:
    dutch = {"%(number)s h": "%(number)s u", "waits are not surely longer or shorter": "niets staat vast"}
    speech = Speech(lambda text: dutch.get(text, text), lambda number: f"{number:g}".replace(".", ","), {"a": "Wie?"})
    assert sentence(verdict("a", SAME, SAME), speech).startswith("Wie?: niets staat vast; half")
    assert span(9_000, speech) == "2,5 u"


def test_for_a_board_a_minute_is_at_once() -> None:
    none = Difference(0, 0, 0, 0, 0, 9)
    assert "start within 0 s (0 s before)" in sentence(verdict("a", none, none))
    assert "start within 60 s (60 s before)" in sentence(verdict("a", none, none), Speech(shortest=60))


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 s"),
        (119, "119 s"),
        (120, "2 min"),
        (725, "12 min"),
        (7_199, "120 min"),
        (9_000, "2.5 h"),
        (864_000, "10 d"),
    ],
)
def test_spans(seconds: float, said: str) -> None:
    assert span(seconds) == said
