"""From the solver's fractions to decimals: nothing is lost to rounding, and what fits exactly is awarded."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.factories.plain_allocation import plainly

from fabriek.allocation import highs
from fabriek.allocation.formulation import formulate
from fabriek.allocation.plan import Plan
from fabriek.allocation.problem import Problem, canonical, load_problem, parse_problem
from fabriek.allocation.rounding import exact_awards
from fabriek.allocation.solve import solve
from fabriek.allocation.verify import verify

PROBLEMS = Path(__file__).parent / "problems"


def asks(who: str, hours: float, *, least: float = 1.0, on: str = "p", months: int = 1, score: float = 70.0) -> Any:
    """A request from the first month on. Its class is the first letter of its name, in small."""
    return {
        "id": who,
        "programme": "q",
        "class": who[0].lower(),
        "organisation": who,
        "country": "NL",
        "score": score,
        "least": least,
        "alternatives": [{"partition": on, "start": 0, "months": months, "hours": hours}],
    }


def floor(who: str, fraction: float, of: str = "awarded", rank: int = 1) -> Any:
    return {"id": f"f-{who}", "kind": "floor", "class": who, "fraction": fraction, "of": of, "rank": rank}


def problem_of(
    requests: list[Any],
    promises: list[Any] | None = None,
    *,
    months: int = 1,
    share: float = 1.0,
    value: str = "score",
    **capacity: float,
) -> Problem:
    """One programme with this share of each partition. capacity: hours a month of each."""
    return parse_problem(
        {
            "format": "fabriek/problem/1",
            "months": [f"2027-{month:02}" for month in range(1, months + 1)],
            "partitions": [{"id": name, "capacity": [hours] * months} for name, hours in capacity.items()],
            "programmes": [{"id": "q", "shares": {name: [share] * months for name in capacity}}],
            "threshold": 60,
            "value": value,
            "applications": requests,
            "promises": promises or [],
        }
    )


def solved(problem: Problem) -> Plan:
    """The plan, which has to be optimal and to verify."""
    plan = solve(problem)
    assert verify(problem, plan) == []
    assert plan.status == "optimal"
    return plan


def hours(plan: Plan) -> dict[str, float]:
    return {award.application: award.hours for award in plan.awards}


def lacks(plan: Plan) -> dict[str, float]:
    return {result.id: result.shortfall for result in plan.promises}


def test_a_request_that_fits_to_the_last_decimal_is_awarded() -> None:
    """0.55 x 100 and 2.1 / 3 are more than 55 and 0.7 in floating-point numbers."""
    part = problem_of([asks("A", 100, least=0.55)], p=55)
    assert hours(solved(part)) == {"A": 55.0}
    months = problem_of([asks("A", 2.1, months=3)], months=3, p=0.7)
    assert hours(solved(months)) == {"A": 2.1}


def test_a_partition_that_five_fill_to_the_tenth_is_filled() -> None:
    assert solved(load_problem(PROBLEMS / "filled_to_the_tenth.json")).value == pytest.approx(302_259.1)


def test_half_an_hour_of_a_floor_costs_nobody_an_award() -> None:
    """Z gets the share's 49,865.5 hours, seven tenths of which let Y have its 20,000."""
    promises = [floor("z", 0.7)]
    requests = [asks("Z", 60_000, least=0.1), asks("Y", 400_000, on="p2", score=90)]
    plan = solved(problem_of(requests, promises, share=0.5, value="score*sqrt(hours)", p=99_731, p2=1_000_000))
    # Z's class gets all that it could: the floor asks no more, so that nobody is held up.
    assert hours(plan) == {"Y": 400_000.0, "Z": 49_865.5}
    assert lacks(plan) == {"f-z": 0.0}


def test_a_floor_that_comes_first_is_not_opened_for_one_that_comes_later() -> None:
    promises = [floor("y", 0.8, "capacity", rank=0), floor("x", 0.4, rank=1)]
    plan = solved(problem_of([asks("Y", 900_000), asks("X", 500_000, least=0.1)], promises, share=0.5, p=2_000_001))
    assert hours(plan) == {"Y": 900_000.0, "X": 100_000.5}
    assert lacks(plan) == {"f-x": pytest.approx(299_999.7), "f-y": 0.0}


def test_a_floor_gets_the_half_hour_that_it_asks() -> None:
    plan = solved(problem_of([asks("Z", 2000, least=0.5)], [floor("z", 1.0, "capacity")], p=1000.5))
    assert hours(plan) == {"Z": 1000.5}
    assert lacks(plan) == {"f-z": 0.0}


def test_sixteen_ordinary_requests_under_two_floors_and_a_cap() -> None:
    plan = solved(load_problem(PROBLEMS / "sixteen_ask.json"))
    assert plan.value == pytest.approx(110_246_449.154)
    assert all(result.shortfall == 0.0 for result in plan.promises)


@pytest.mark.parametrize(("of_another", "kept"), [(100.000002, ["Y", "Z"]), (101.0, ["Z"])])
def test_a_floor_that_lacks_what_the_solver_cannot_tell_costs_no_award(of_another: float, kept: list[str]) -> None:
    """Half of what is awarded is a millionth of an hour more than Z's 100, or half an hour: that is a shortfall."""
    requests = [asks("Y", of_another), asks("Z", 100), asks("Z2", 200)]
    formulation = formulate(canonical(problem_of(requests, [floor("z", 0.5)], p=201)))
    awards = exact_awards(formulation, np.array([1.0, 1.0, 0.0]), {"f-z": 0.0})
    assert [award.application for award in awards] == kept


def test_the_smallest_useful_part_is_awarded_where_no_more_fits() -> None:
    assert hours(solved(problem_of([asks("A", 101, least=0.5)], share=0.5, p=101))) == {"A": 50.5}
    both = problem_of([asks("A", 101, least=0.5), asks("B", 50.5)], p=101)
    assert hours(solved(both)) == {"A": 50.5, "B": 50.5}
    tiny = problem_of([asks("A", 0.9, least=0.5)], p=0.6)
    assert hours(solved(tiny)) == {"A": 0.6}


@pytest.mark.parametrize("asked", [0.3, 7.0, 123_456.789, 9_999_999_999.0])
def test_a_part_is_as_much_as_fifteen_digits_tell(asked: float) -> None:
    """The share itself has more digits; the award is the most that a plan can tell, and that verifies."""
    problem = problem_of([asks("A", asked, least=0.01, months=3)], months=3, share=0.7, p=asked / 7)
    award = hours(solved(problem))["A"]
    assert award == pytest.approx(0.3 * asked, rel=1e-13)


def ordinary(seed: int) -> Problem:
    """Whole hours, parts, shares that aren't whole, floors with ranks, and a cap."""
    draw = Random(seed)
    months, places = draw.randint(1, 3), ("p", "p2")[: draw.randint(1, 2)]
    size = 10 ** draw.randint(1, 5)
    rows = []
    for number in range(draw.randint(2, 8)):
        where = {(place, draw.randint(1, months)) for place in draw.choices(places, k=draw.randint(1, 2))}
        rows.append(
            {
                **asks(f"A{number}", 1, least=draw.choice([0.1, 0.25, 0.4, 0.55, 1.0]), score=draw.randint(50, 100)),
                "programme": draw.choice("qr"),
                "class": draw.choice("xyz"),
                "country": draw.choice(["NL", "DE"]),
                "alternatives": [
                    {
                        "partition": place,
                        "start": draw.randint(0, months - length),
                        "months": length,
                        "hours": draw.randint(1, 9 * size),
                    }
                    for place, length in sorted(where)
                ],
            }
        )
    kinds = draw.sample("xyz", draw.randint(0, 3))
    promises = [
        floor(kind, draw.choice([0.1, 0.3, 0.55, 0.7]), draw.choice(["awarded", "capacity"]), draw.randint(0, 2))
        for kind in kinds
    ]
    if draw.random() < 0.5:
        of = draw.choice(["awarded", "capacity"])
        promises.append({"id": "cap", "kind": "cap", "country": "NL", "fraction": draw.choice([0.3, 0.6]), "of": of})
    return parse_problem(
        {
            "format": "fabriek/problem/1",
            "months": [f"2027-{month:02}" for month in range(1, months + 1)],
            "partitions": [{"id": p, "capacity": [draw.randint(0, 12 * size) for _ in range(months)]} for p in places],
            "programmes": [
                {"id": q, "shares": {p: [draw.choice([0.25, 0.333, 0.5])] * months for p in places}} for q in "qr"
            ],
            "threshold": 60,
            "value": draw.choice(["score", "score*hours", "score*sqrt(hours)"]),
            "applications": rows,
            "promises": promises,
        }
    )


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 10**6))
def test_ordinary_problems_are_solved_as_highs_solves_them(seed: int) -> None:
    problem = ordinary(seed)
    plan = solve(problem, gap=0.0)
    assert verify(problem, plan) == []
    least, value = plainly(problem)
    told = lacks(plan)
    for name, hours_short in least.items():
        # One part in ten million is what the solver can't tell.
        assert told[name] == pytest.approx(hours_short, rel=1e-6, abs=1e-3), name
    assert plan.value == pytest.approx(value, rel=1e-5, abs=1e-3)
    assert plan.bound >= value * (1 - 1e-6) - 1e-3
    assert plan.status == "optimal"


def test_what_highs_says_from_a_start_is_what_its_columns_are_worth() -> None:
    """HiGHS 1.16 calls the start of this one optimal, at five times its value."""
    formulation = formulate(canonical(ordinary(273)))
    none_lacks = {"f-y": 0.0, "f-z": 0.0}
    start = np.array([0.55, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0])
    answer = highs.solve(formulation, allowed_shortfall=none_lacks, relaxed=False, seconds=20, start=start)
    assert answer.value == pytest.approx(float(formulation.worth @ answer.fractions))
    assert answer.bound == pytest.approx(383.0977, abs=1e-3)
