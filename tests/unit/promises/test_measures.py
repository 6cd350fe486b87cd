"""The arithmetic of promises, on numbers that one can check by hand."""

from dataclasses import replace
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from fabriek.promises.measures import Hours, Miss, Terms, measure


def hours(programme="industry", organisation_class="startup", **amounts) -> Hours:
    country, commercial = amounts.pop("country", "NL"), amounts.pop("commercial", False)
    return Hours(programme, "molen", organisation_class, country, commercial, **amounts)


WORLD = [
    hours(organisation_class="", country="", share=1000),
    hours(organisation_class="startup", share=300, decided=300, queued=10, used=100),
    hours(organisation_class="sme", share=500, decided=500, used=300, commercial=True),
    hours("science", "academia", share=700, decided=700, used=70, country="FI"),
]


def test_a_floor_of_awarded_hours_grows_with_what_is_awarded_and_used():
    floor = Terms(
        "f",
        "Room for start-ups",
        "floor",
        "industry",
        frozenset({"industry"}),
        frozenset({"industry"}),
        "startup",
        fraction=Fraction(3, 10),
        of="awarded",
    )
    measured = measure(floor, WORLD)
    assert measured.required == {"decided": 240, "queued": 3, "used": 120}
    assert measured.reached == {"decided": 300, "queued": 10, "used": 100}
    assert measured.holds_at == {"decided": True, "queued": True, "used": False}
    assert not measured.holds


def test_a_floor_is_not_met_by_rounding():
    floor = Terms("f", "n", "floor", organisation_class="startup", fraction=Fraction(1, 3), of="awarded")
    world = [hours(decided=33), hours(organisation_class="sme", decided=67)]
    assert measure(floor, world).required["decided"] == 34
    assert not measure(floor, world).holds_at["decided"]


def test_a_cap_on_paid_commercial_use_counts_only_that():
    cap = Terms("c", "n", "cap", commercial=True, fraction=Fraction(1, 5))
    measured = measure(cap, WORLD)
    assert measured.required["decided"] == 500
    assert measured.reached["decided"] == 500
    assert measured.holds


def test_a_cap_on_a_programme_binds_the_size_of_its_share_too():
    cap = Terms("c", "n", "cap", "science", frozenset({"science"}), None, fraction=Fraction(1, 10))
    measured = measure(cap, [hours(share=800), hours("science", "", share=200)])
    assert measured.reached["decided"] == 0
    assert not measured.holds_at["decided"]


def test_a_promise_of_every_system_holds_where_each_keeps_it():
    floor = Terms("f", "n", "floor", organisation_class="startup", fraction=Fraction(1, 5), of="awarded")
    world = [
        Hours("industry", "alder", "startup", "NL", False, decided=90, used=5),
        Hours("industry", "alder", "sme", "NL", False, decided=10),
        Hours("industry", "birch", "sme", "NL", False, decided=33, used=5),
        Hours("industry", "cedar", "", "", False, share=1000),
    ]
    measured = measure(floor, world)
    # Over all systems together 90 of 133 would be four times enough.
    assert measured.required["decided"] == 20 + 7
    assert measured.decided == 90
    assert not measured.holds
    assert measured.broken_on == ["birch"]
    assert [one.terms.system for one in measured.systems] == ["alder", "birch", "cedar"]
    on_alder = measure(replace(floor, system="alder"), world)
    assert on_alder.holds
    assert on_alder.systems == []
    assert measure(replace(floor, system="birch"), world).required == {"decided": 7, "queued": 0, "used": 1}


def test_a_baseline_is_kept_by_the_share_not_by_the_awards():
    baseline = Terms("b", "n", "baseline", "science", frozenset({"science"}), seconds=700)
    assert measure(baseline, WORLD).holds
    assert not measure(baseline, WORLD[:3]).holds


def test_awards_beyond_the_share_break_the_share():
    share = Terms("s", "n", "share", "science", frozenset({"science"}), seconds=699)
    assert not measure(share, WORLD).holds


FLOOR = Terms("f", "n", "floor", organisation_class="sme", fraction=Fraction(1, 5), of="awarded")
AWARDED = {"sme": 600, "startup": 400}


def used(seconds: int, by: str = "startup") -> list[Hours]:
    """Of a thousand seconds that were decided on, so many used by one class."""
    return [
        hours(organisation_class=one, decided=decided, used=seconds if one == by else 0)
        for one, decided in AWARDED.items()
    ]


def test_the_first_hours_of_one_break_no_promise_about_another():
    first = measure(FLOOR, used(1))
    assert (first.decided, first.used, first.required["used"]) == (600, 0, 1)
    assert first.holds
    assert not first.use_judged
    assert first.misses() == []
    cap = replace(FLOOR, kind="cap", organisation_class="startup", fraction=Fraction(1, 2))
    assert measure(cap, used(1)).holds


def test_use_is_judged_from_a_tenth_of_what_was_decided_on():
    assert measure(FLOOR, used(99)).holds
    tenth = measure(FLOOR, used(100))
    assert tenth.use_judged
    assert not tenth.holds
    assert tenth.misses() == [Miss("used", 0, 20, "molen")]
    assert measure(FLOOR, used(100, by="sme")).holds


def test_use_is_judged_when_the_months_are_over_however_little_it_was():
    over = measure(replace(FLOOR, is_over=True), used(1))
    assert not over.holds
    assert over.misses() == [Miss("used", 0, 1, "molen")]


def test_a_floor_of_the_capacity_is_judged_in_use_when_its_months_are_over():
    floor = replace(FLOOR, of="capacity")
    world = [hours(organisation_class="sme", share=1000, decided=600, used=150)]
    assert measure(floor, world).holds
    assert not measure(replace(floor, is_over=True), world).holds
    cap = replace(floor, kind="cap")
    assert measure(cap, [hours(organisation_class="sme", share=1000, decided=200, used=201)]).misses() == [
        Miss("used", 201, 200, "molen")
    ]


def test_what_nothing_was_awarded_of_is_neither_kept_nor_broken():
    share = Terms("s", "n", "share", "science", frozenset({"science"}), seconds=700)
    assert measure(share, [hours("science", "", share=700)]).state == "nothing_awarded"
    assert measure(share, WORLD).state == "kept"
    assert measure(replace(share, seconds=699), WORLD).state == "broken"
    assert measure(FLOOR, [hours(share=10)]).state == "nothing_awarded"
    assert measure(FLOOR, used(0)).state == "kept"


def test_a_broken_promise_says_by_which_figures():
    cap = Terms("c", "n", "cap", "science", frozenset({"science"}), None, fraction=Fraction(1, 10))
    too_large = measure(cap, [hours(share=800), hours("science", "", share=200)])
    assert too_large.misses() == [Miss("share", 200, 100, "molen")]
    assert measure(cap, [hours(share=900), hours("science", "", share=100)]).misses() == []
    too_much = measure(cap, [hours(share=900), hours("science", "", share=100, decided=101, used=101)])
    assert too_much.misses() == [Miss("decided", 101, 100, "molen"), Miss("used", 101, 100, "molen")]
    floor = Terms("f", "n", "floor", organisation_class="startup", fraction=Fraction(3, 10), of="awarded")
    short = measure(floor, WORLD)
    assert short.misses() == [Miss("decided", 300, 450, "molen"), Miss("used", 100, 141, "molen")]
    baseline = Terms("b", "n", "baseline", "science", frozenset({"science"}), seconds=800)
    assert measure(baseline, WORLD).misses() == [Miss("share", 700, 800)]


def test_what_was_reached_is_a_part_of_what_the_promise_is_a_fraction_of():
    cap = Terms("c", "n", "cap", commercial=True, fraction=Fraction(1, 5))
    assert measure(cap, WORLD).part("decided") == Fraction(1, 5)
    assert measure(cap, []).part("used") is None


@given(st.lists(st.integers(0, 1000), min_size=3, max_size=3), st.fractions(0, 1), st.sampled_from(["floor", "cap"]))
def test_a_promise_misses_something_when_and_only_when_it_is_broken(amounts, fraction, kind):
    share, decided, used = amounts
    terms = Terms("p", "n", kind, "science", frozenset({"science"}), None, fraction=fraction)
    measured = measure(terms, [hours(share=500), hours("science", "", share=share, decided=decided, used=used)])
    assert bool(measured.misses()) is not measured.holds


@given(
    st.lists(st.tuples(st.sampled_from(["startup", "sme"]), st.integers(0, 10**9)), min_size=1),
    st.fractions(min_value=0, max_value=1),
)
def test_a_floor_and_the_cap_on_the_others_are_two_sides_of_one_promise(awards, fraction):
    world = [hours(organisation_class=klass, decided=amount) for klass, amount in awards]
    floor = Terms("f", "n", "floor", organisation_class="startup", fraction=fraction, of="awarded")
    cap = Terms("c", "n", "cap", organisation_class="sme", fraction=1 - fraction, of="awarded")
    assert measure(floor, world).holds_at["decided"] == measure(cap, world).holds_at["decided"]
