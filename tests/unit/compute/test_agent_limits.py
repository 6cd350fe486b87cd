"""What the agent makes so, what waits for an operator's choice, and what it tells of both."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import pytest

from fabriek.compute.agent.limits import Limits
from fabriek.compute.agent.line import Line
from fabriek.compute.agent.summary import RoundSummary
from fabriek.compute.engine import Difference, Engine, difference, less
from fabriek.compute.wire import LONGEST_SAID, AccountState

MADE = AccountState(
    account="vision", partition="gpu", accelerator_seconds_limit=600, core_seconds_limit=0, users=["ann", "bob"]
)
RAISED = MADE.model_copy(update={"accelerator_seconds_limit": 6_000})
Refusals = dict[tuple[str, str], str]


class Scheduler:
    """An account as it was made, and as it is since somebody changed it by hand."""

    def __init__(self, made: AccountState, now: AccountState) -> None:
        self.made, self.now = made, now
        self.provisioned: list[AccountState] = []
        self.why_not = ""
        self.booked: list[int | None] = []

    def note_booked(self, desired: Sequence[AccountState]) -> None:
        self.booked = [state.booked_accelerator_seconds for state in desired]

    def enforced(self) -> list[AccountState]:
        return [self.now]

    def drift(self) -> list[Difference]:
        return difference([self.made], [self.now])

    def provision(self, accounts: Sequence[AccountState]) -> Refusals:
        self.provisioned += accounts
        return {}

    def withdraw(self, accounts: Sequence[AccountState]) -> tuple[int, Refusals]:
        (wanted,) = accounts
        if self.why_not:
            return 0, {(wanted.account, wanted.partition): self.why_not}
        before, self.made = self.made, less(self.made, wanted)
        gone = set(before.users) - set(self.made.users)
        users = [user for user in self.now.users if user not in gone]
        self.now = self.now.model_copy(update={"active": self.now.active and wanted.active, "users": users})
        return int(self.made != before), {}


class Platform:
    """Says what it wants, and keeps what it is told."""

    def __init__(self, *wanted: AccountState) -> None:
        self.wanted = wanted
        self.told: dict[str, Any] = {}

    def call(self, method: str, path: str, body: str | None = None) -> Any:
        if path == "desired-state":
            accounts = [account.model_dump(mode="json") for account in self.wanted]
            return {"cluster": "alpha", "generation": "1", "accounts": accounts}
        self.told = json.loads(body or "{}")
        return None


def a_round(scheduler: Scheduler, platform: Platform, folder: Path) -> tuple[RoundSummary, list[str]]:
    summary, errors = RoundSummary(), list[str]()
    limits = Limits(cast(Engine, scheduler), cast(Line, platform), folder, errors)
    limits.provision(summary)
    limits.report(summary)
    return summary, errors


@pytest.mark.parametrize("changed", [{"active": False}, {"users": ["ann"]}, {"active": False, "users": []}])
def test_an_end_and_who_left_wait_for_nobodys_choice(tmp_path: Path, changed: dict[str, Any]) -> None:
    wanted = MADE.model_copy(update={**changed, "accelerator_seconds_limit": 1_200, "correct_drift": False})
    scheduler = Scheduler(MADE, RAISED)
    summary, errors = a_round(scheduler, platform := Platform(wanted), tmp_path)
    assert (summary.provisioned, errors, scheduler.provisioned) == (1, [], [])
    assert scheduler.now == RAISED.model_copy(update=changed)
    assert [(d["what"], d["made"], d["found"]) for d in platform.told["drift"]] == [
        ("accelerator-seconds", "600", "6000")
    ]
    again, _errors = a_round(scheduler, platform, tmp_path)
    assert again.provisioned == 0


def test_a_top_up_waits_and_one_that_may_be_corrected_is_made_whole(tmp_path: Path) -> None:
    topped_up = MADE.model_copy(update={"accelerator_seconds_limit": 1_200, "users": ["ann", "bob", "carl"]})
    scheduler = Scheduler(MADE, RAISED)
    a_round(scheduler, Platform(topped_up.model_copy(update={"correct_drift": False})), tmp_path)
    assert (scheduler.now, scheduler.provisioned) == (RAISED, [])
    booked = topped_up.model_copy(update={"booked_accelerator_seconds": 60})
    a_round(scheduler, Platform(booked), tmp_path)
    assert (scheduler.provisioned, scheduler.booked) == ([booked], [60])


def test_why_it_could_not_be_closed_is_told(tmp_path: Path) -> None:
    scheduler = Scheduler(MADE, RAISED)
    scheduler.why_not = "slurmdbd says no"
    platform = Platform(MADE.model_copy(update={"active": False, "correct_drift": False}))
    summary, errors = a_round(scheduler, platform, tmp_path)
    assert summary.provisioned == 0
    assert errors == ["account vision on gpu: slurmdbd says no"]


def test_changes_among_more_people_than_can_be_told_arrive_and_are_told_apart(tmp_path: Path) -> None:
    people = [f"u{number:06d}" for number in range(1_000)]
    made = MADE.model_copy(update={"users": people})
    told = []
    for guest in ("zara", "zoe"):
        now = made.model_copy(update={"users": [*people, guest]})
        platform = Platform(made.model_copy(update={"correct_drift": False}))
        a_round(Scheduler(made, now), platform, tmp_path)
        (drift,) = platform.told["drift"]
        assert drift["what"] == "users"
        assert drift["found"].startswith("u000000, u000001")
        assert len(drift["made"]) <= LONGEST_SAID >= len(drift["found"])
        told += [drift["made"], drift["found"]]
    assert len(set(told)) == 3
