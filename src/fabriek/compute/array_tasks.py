"""What a report tells of the tasks of a job array: how many are in which state, and which went wrong. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from fabriek.compute.wire import MOST_FAILED, WENT_WRONG


def told_of(states: Mapping[int, str]) -> dict[str, Any]:
    """Of the state of each task, by its number, those fields of a JobReport."""
    wrong = sorted(number for number, state in states.items() if state in WENT_WRONG)
    return {"tasks": dict(Counter(states.values())), "failed_tasks": wrong[:MOST_FAILED]}
