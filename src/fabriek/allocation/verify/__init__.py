"""Check a plan against its problem without any solver: a second reading of the format, in exact arithmetic.

Nothing here uses the code that makes plans; import-linter sees to it. Each sentence names the place in the plan file.

reading.py   what the problem's fields mean: shares, sizes, worth, who counts for a promise
awards.py    every application once, awards within what was asked, shares, promises, value
refusals.py  whether each refusal's reason is true
bound.py     whether the certificate proves the bound
"""

from __future__ import annotations

from fabriek.allocation.plan import Plan
from fabriek.allocation.problem import Problem, problem_sha256
from fabriek.allocation.verify.awards import (
    Booked,
    award_faults,
    number_faults,
    promise_faults,
    row_faults,
    share_faults,
    value_faults,
)
from fabriek.allocation.verify.bound import certificate_faults
from fabriek.allocation.verify.reading import Reading
from fabriek.allocation.verify.refusals import refusal_faults

__all__ = ["verify"]


def verify(problem: Problem, plan: Plan) -> list[str]:
    """What is wrong with a plan, each with its place in the file; empty: all that it claims holds."""
    sha256 = problem_sha256(problem)
    if plan.problem_sha256 != sha256:
        return [f"problem_sha256 is {plan.problem_sha256}; this problem's is {sha256}: the plan is of another problem"]
    # What is not a number, or names what isn't there, can't be counted: the rest is checked once these hold.
    faults = number_faults(plan)
    if faults:
        return faults
    reading = Reading(problem)
    faults = row_faults(reading, plan) or award_faults(reading, plan)
    if faults:
        return faults
    booked = Booked(reading, plan)
    faults += share_faults(reading, booked)
    faults += promise_faults(reading, booked, plan)
    faults += refusal_faults(reading, booked, plan)
    faults += value_faults(reading, plan)
    faults += certificate_faults(reading, plan)
    return faults
