"""Scenarios as they are read: one, the list, and whether what one supposes is real."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from fabriek.access.changes import (
    TERMS_OF_THE_CALL,
    CapacityChange,
    Change,
    OverbookingChange,
    PromiseChange,
    ShareChange,
    ThresholdChange,
    read_changes,
)
from fabriek.access.comparison import SolvedScenario
from fabriek.access.errors import NotSolved
from fabriek.access.models import Call, Scenario, ScenarioRun
from fabriek.access.problem import build, horizon
from fabriek.access.solving import LINE
from fabriek.access.standing import Standing, standing
from fabriek.allocation.problem import Problem, problem_sha256
from fabriek.conf.errors import Invalid, NotFound
from fabriek.programmes.models import Promise
from fabriek.programmes.queries import promises_on


def scenario_of(code: str) -> Scenario | None:
    """A scenario with its run, answer, base and calls. Two queries."""
    return (
        Scenario.objects.select_related("run", "answer", "asked_by", "base__run", "base__answer")
        .prefetch_related("calls__programme", "calls__factory", "calls__partitions", "decisions")
        .filter(code=code)
        .first()
    )


def scenarios(calls: Sequence[str] = ()) -> QuerySet[Scenario]:
    """All, newest first; or those of one of these calls. Without their problems and plans."""
    found = (
        Scenario.objects.defer("problem")
        .select_related("run", "answer", "asked_by", "base")
        .defer("problem", "answer__plan", "base__problem")
        .prefetch_related("calls", "decisions")
    )
    return found.filter(calls__code__in=list(calls)).distinct() if calls else found


def is_unsolved_by_nobody(run: ScenarioRun, now: datetime | None = None) -> bool:
    """Whether it waits for a solver that doesn't seem to be there."""
    return LINE.is_left_waiting(run, now)


def state_now(run: ScenarioRun, now: datetime | None = None) -> str:
    """The state as it is: who holds it and has been silent since its lease has lost it, and it is asked again."""
    return LINE.state_now(run, now)


# What there is to change


@dataclass(frozen=True)
class Facts:
    """What stands now of all that a what-if about some calls may change."""

    calls: list[Call]
    months: list[date]
    partitions: list[str]
    promises: list[Promise]
    stands: Standing

    @property
    def value(self) -> str:
        """What is made as great as possible."""
        return self.calls[0].value

    @property
    def programmes(self) -> list[str]:
        """Whose hours these calls give."""
        return sorted({call.programme.code for call in self.calls})


def facts_of(calls: Sequence[Call], problem: Problem, on: date) -> Facts:
    """What stands now. problem: of these calls as they stand, which tells what promises speak of them."""
    months = horizon(calls)
    partitions = sorted({p.code for call in calls for p in call.partitions.all()})
    concerned = {promise.id.split(":")[0] for promise in problem.promises}
    promises = [promise for promise in promises_on(on) if promise.code in concerned]
    return Facts(list(calls), months, partitions, promises, standing(partitions, months))


def with_what_stands(changes: Iterable[Change], facts: Facts) -> list[Change]:
    """The changes with what stands there now. What changes nothing is left out.

    Errors: Invalid for what these calls have nothing to do with.
    """
    found = []
    for change in changes:
        was = _was(change, facts)
        if was is None or not _same(change, was):
            found.append(change.model_copy(update={"was": was}))
    return found


def _was(change: Change, facts: Facts) -> Decimal | str | None:
    """What stands there now; None where it differs by month."""
    if isinstance(change, CapacityChange):
        _known(change.partition in facts.partitions, change.partition)
        return Decimal(100)
    if isinstance(change, ShareChange):
        _known(change.partition in facts.partitions, change.partition)
        shares = {
            row.get(change.programme, Decimal(0)) * 100
            for (partition, month), row in facts.stands.fractions.items()
            if partition == change.partition and change.month in (None, f"{month:%Y-%m}")
        }
        return shares.pop().normalize() if len(shares) == 1 else None
    if isinstance(change, OverbookingChange):
        _known(change.programme in facts.programmes, change.programme)
        return facts.stands.overbooking[change.programme]
    if isinstance(change, PromiseChange):
        known = {promise.code: promise for promise in facts.promises}
        _known(change.promise in known, change.promise)
        fraction = known[change.promise].fraction
        return (fraction * 100).normalize() if fraction is not None else None
    if isinstance(change, ThresholdChange):
        thresholds = {call.code: call.threshold for call in facts.calls}
        _known(change.call in thresholds, change.call)
        return thresholds[change.call]
    return facts.value


def _known(is_known: bool, code: str) -> None:
    if not is_known:
        raise Invalid(
            _("These calls have nothing to do with %(what)s.") % {"what": code},
            faults={"changes": [_("Not among what these calls can change: %(what)s") % {"what": code}]},
        )


def _same(change: Change, was: Decimal | str) -> bool:
    new: Any = getattr(change, "value", None)
    for name in ("percent", "overbooking", "threshold"):
        new = getattr(change, name, new)
    return bool(new == was)


# Whether it is real


@dataclass(frozen=True)
class Reality:
    """How a scenario compares with what is so now.

    holds: its problem is today's problem, to the byte. untrue: the changes that are not so. terms: those of them that
    change a call's own terms, and can't become so.
    """

    holds: bool
    untrue: list[Change]
    terms: list[Change]


def reality_of(scenario: Scenario) -> Reality:
    """Compare a scenario's problem with the one that its calls give now, under the promises of the day it was asked."""
    calls = list(scenario.calls.all())
    day = scenario.asked_at.date()
    now = problem_sha256(build(calls, day))
    if now == scenario.problem_sha256:
        return Reality(True, [], [])
    untrue = [
        change
        for change in read_changes(scenario.changes)
        # What is so already changes nothing.
        if problem_sha256(build(calls, day, [change])) != now
    ]
    return Reality(False, untrue, [change for change in untrue if change.kind in TERMS_OF_THE_CALL])


# Side by side


def solved(scenario: Scenario) -> SolvedScenario:
    """A scenario with its plan, to compare. Errors: NotSolved."""
    answer = getattr(scenario, "answer", None)
    if answer is None:
        raise NotSolved(_("%(code)s has no plan yet.") % {"code": scenario.code}, state=scenario.run.state)
    return SolvedScenario(scenario.code, scenario.problem, answer.plan)


MOST_COMPARED = 3


def compared(codes: Sequence[str]) -> list[Scenario]:
    """Two or three solved scenarios, in this order. Errors: Invalid, NotFound, NotSolved."""
    wanted = list(dict.fromkeys(codes))
    if not 2 <= len(wanted) <= MOST_COMPARED:
        raise Invalid(_("Choose two or three scenarios to compare."))
    found = [scenario_of(code) for code in wanted]
    there = [scenario for scenario in found if scenario is not None]
    if len(there) != len(wanted):
        raise NotFound(_("There is no such scenario."))
    for scenario in there:
        solved(scenario)
    return there
