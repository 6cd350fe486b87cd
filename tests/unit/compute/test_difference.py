"""Differences between what was awarded and what a scheduler enforces."""

from __future__ import annotations

from typing import Any

import pytest

from fabriek.compute.engine import difference
from fabriek.compute.wire import AccountState


def state(**changed: Any) -> AccountState:
    whole = {
        "account": "vision",
        "partition": "gpu",
        "accelerator_seconds_limit": 3_599,
        "core_seconds_limit": 60,
        "users": ["ann", "bob"],
        "programme": "science",
        "fairshare": 200,
    }
    return AccountState.model_validate({**whole, **changed})


def test_the_rest_of_a_minute_is_no_difference_where_limits_go_by_the_minute():
    enforced = state(accelerator_seconds_limit=3_540, limit_step_seconds=60)
    assert difference([state()], [enforced]) == []
    (found,) = difference([state(accelerator_seconds_limit=3_600)], [enforced])
    assert (found.what, found.desired, found.enforced) == ("accelerator-seconds", "3600", "3540")


def test_what_a_scheduler_has_no_notion_of_is_no_difference():
    assert difference([state(ends="2027-01-01")], [state(programme="", fairshare=0)]) == []


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ({"fairshare": 199}, "fair share"),
        ({"programme": "industry"}, "programme"),
        ({"users": ["ann"]}, "users"),
        ({"active": False}, "active"),
    ],
)
def test_each_field_that_a_scheduler_holds_is_compared(changed, what):
    assert [found.what for found in difference([state()], [state(**changed)])] == [what]
    assert difference([state()], [state(users=["bob", "ann"])]) == []
