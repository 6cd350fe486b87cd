"""From the solver's fractions to decimals: nothing is lost to rounding, and what fits exactly is awarded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fabriek.allocation.plan import Plan
from fabriek.allocation.problem import Problem, load_problem, parse_problem
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
