"""What may be filled in: texts of a form and values of JSON alike, each fault with its name."""

from __future__ import annotations

import pytest

from fabriek.recipes.parameters import Fault, check
from fabriek.recipes.recipe import BOOK, read_book
from fabriek.recipes.words import FAULTS, faults_of, sentence_of

RECIPES = read_book(BOOK)
TRAIN, EVALUATE = RECIPES["train-small-lm"], RECIPES["evaluate-lm"]


def faults(recipe=TRAIN, per_node: int | None = None, **said: object) -> dict[str, str]:
    _asked, found = check(recipe, said, accelerators_per_node=per_node)
    return {fault.name: fault.what for fault in found}


def test_what_is_left_out_is_as_by_default() -> None:
    asked, found = check(TRAIN, {"steps": "", "seed": None})
    assert found == []
    assert asked is not None
    assert (asked.name, asked.nodes, asked.accelerators, asked.cores, asked.minutes) == ("train-small-lm", 1, 1, 1, 10)
    assert asked.parameters == {
        "size": "tiny", "text": "made-en", "stories": 2_000, "steps": 300, "batch": 16, "learning_rate": 0.003,
        "seed": 1,
    }  # fmt: skip
    assert asked.accelerator_seconds == asked.core_seconds == 600


def test_texts_and_values_say_the_same() -> None:
    typed, _ = check(TRAIN, {"steps": " 20 ", "learning_rate": "0,01", "cores": "4", "size": "small"})
    told, _ = check(TRAIN, {"steps": 20, "learning_rate": 0.01, "cores": 4, "size": "small"})
    assert typed == told


@pytest.mark.parametrize(
    ("name", "value", "what"),
    [
        ("steps", "many", "no whole number"),
        ("steps", "1e3", "no whole number"),
        ("steps", True, "no whole number"),
        ("steps", 1.5, "no whole number"),
        ("steps", [1], "no whole number"),
        ("steps", 0, "out of range"),
        ("steps", "9" * 15, "out of range"),
        ("steps", "9" * 5_000, "no whole number"),
        ("learning_rate", "nan", "no number"),
        ("learning_rate", float("nan"), "no number"),
        ("learning_rate", float("inf"), "no number"),
        ("learning_rate", {}, "no number"),
        ("learning_rate", "-1.0", "out of range"),
        ("size", "huge", "no such choice"),
        ("size", 3, "no text"),
        ("minutes", "", None),
        ("minutes", 2881, "out of range"),
        ("cores", "two", "no whole number"),
        ("accelerators", 2, "out of range"),
        ("surprise", 1, "unknown"),
        ("code", "x", "unknown"),
        ("limit_seconds", 1, "unknown"),
        ("name", "", "missing"),
        ("name", "   ", "missing"),
        ("name", 7, "missing"),
        ("name", "x" * 121, "too long"),
        ("name", "two\nlines", "control characters"),
        ("name", "nul\x00", "control characters"),
        ("name", "half \ud800", "control characters"),
    ],
)
def test_a_fault_is_named(name: str, value: object, what: str | None) -> None:
    assert faults(**{name: value}) == ({name: what} if what else {})


@pytest.mark.parametrize(
    ("value", "what"),
    [
        ("/project/texts", None),
        ("/project/with a space/é", None),
        ("project/texts", "no path"),
        ("/project/../../etc/shadow", "no path"),
        ("/project\n/x", "no path"),
        ("/project\x00", "no path"),
        ("/" + "x" * 1_000, "too long"),
        ("", "missing"),
    ],
)
def test_a_path_goes_straight_there(value: str, what: str | None) -> None:
    assert faults(text="own", path=value) == ({"path": what} if what else {})


def test_what_is_not_asked_is_not_looked_at() -> None:
    asked, found = check(TRAIN, {"text": "made-nl", "path": "no path at all"})
    assert found == []
    assert asked is not None
    assert "path" not in asked.parameters


def test_a_checkpoint_is_the_number_of_a_job() -> None:
    assert faults(EVALUATE) == {"checkpoint": "missing"}
    assert faults(EVALUATE, checkpoint="/etc/passwd") == {"checkpoint": "no checkpoint"}
    asked, _ = check(EVALUATE, {"checkpoint": "8D8A8F3E-0000-4000-8000-000000000001"})
    assert asked is not None
    assert asked.parameters["checkpoint"] == "8d8a8f3e-0000-4000-8000-000000000001"


def test_a_node_has_what_it_has() -> None:
    spread = RECIPES["train-distributed"]
    assert faults(spread, per_node=4, accelerators=8) == {"accelerators": "too many on a node"}
    assert faults(spread, per_node=8, accelerators=8) == {}
    asked, _ = check(TRAIN, {}, accelerators_per_node=0)
    assert asked is not None
    assert asked.accelerators == 0, "on cores alone, where there is nothing else"
    assert faults(TRAIN, per_node=0, accelerators=1) == {"accelerators": "too many on a node"}


def test_a_recipe_that_needs_gpus_is_not_for_a_partition_without() -> None:
    needs = TRAIN.needs.model_copy(
        update={
            "accelerators_are": "required",
            "accelerators": TRAIN.needs.accelerators.model_copy(update={"least": 1}),
        }
    )
    assert faults(TRAIN.model_copy(update={"needs": needs}), per_node=0) == {"accelerators": "no accelerators here"}


def test_every_fault_has_its_sentence() -> None:
    values = {"least": 1, "most": 2, "choices": "a, b", "cluster": "c"}
    for what in FAULTS:
        assert "%(" not in sentence_of(Fault("x", what, values))
    assert faults_of([Fault("steps", "out of range", {"least": 1, "most": 2})]) == {"steps": ["From 1 to 2."]}
    tiny = Fault("learning_rate", "out of range", {"least": 1e-06, "most": 1_000_000})
    assert sentence_of(tiny) == "From 0.000001 to 1,000,000."
