"""Scenarios: asked, cancelled, asked again. What solves them is in `fabriek.access.solving`; who chooses one proposes a
decision (`decisions.py`)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from fabriek.access.change_words import words_of_changes
from fabriek.access.changes import Change, read_changes, stored
from fabriek.access.errors import DecisionStale, NothingToDecide, NotReal, WrongState
from fabriek.access.models import Application, ApplicationState, Call, RunState, Scenario, ScenarioRun
from fabriek.access.problem import build
from fabriek.access.scenarios import facts_of, reality_of, with_what_stands
from fabriek.access.solving import LINE
from fabriek.allocation.problem import Problem, problem_sha256
from fabriek.audit.actions import record
from fabriek.conf.errors import Invalid
from fabriek.conf.leases import back_in_line
from fabriek.people.models import Person
from fabriek.people.permissions import require

GAP = 1e-4
SECONDS = 45.0


def ask_scenario(
    actor: Person, calls: Sequence[Call], changes: Any = (), why: str = "", *, is_demo: bool = False
) -> Scenario:
    """Keep a question to the optimiser. Nothing is decided by it; the solver takes it up.

    changes: `Change`s or their JSON values; none asks the calls as they stand. A what-if is compared with the calls as
    they stand at this moment: where nobody asked those yet, they are asked too.
    Errors: NothingToDecide; Invalid where the calls can't be decided together, or a change has nothing to do with them.
    """
    require(actor, "ask scenarios")
    calls = sorted(calls, key=lambda call: call.code)
    if not calls or len({call.value for call in calls}) != 1:
        raise Invalid(_("Choose calls that make the same value as great as possible; they are decided together."))
    if not Application.objects.filter(call__in=calls, state=ApplicationState.REVIEWED).exists():
        raise NothingToDecide(_("No application of these calls has its score yet. Settle the scores first."))
    wanted = read_changes([c.model_dump(mode="json") if hasattr(c, "model_dump") else c for c in changes])
    today = timezone.now().date()
    as_they_stand = build(calls, today)
    supposed = with_what_stands(wanted, facts_of(calls, as_they_stand, today)) if wanted else []
    if wanted and not supposed:
        raise Invalid(
            _("Nothing differs from what is so now. Change something."), faults={"changes": [_("Nothing differs.")]}
        )
    if supposed and not why.strip():
        raise Invalid(_("Say why you ask: it stays with the scenario."), faults={"why": [_("Say why.")]})
    changed = build(calls, today, supposed) if supposed else as_they_stand
    if supposed and problem_sha256(changed) == problem_sha256(as_they_stand):
        raise Invalid(
            _("These changes change nothing for these calls: the problem stays the same."),
            faults={"changes": [_("Nothing differs.")]},
        )
    with transaction.atomic():
        base = _base(actor, calls, as_they_stand, today, is_demo) if supposed else None
        return _kept(actor, calls, changed, supposed, base, why.strip()[:500], is_demo)


def _base(actor: Person, calls: list[Call], problem: Problem, today: date, is_demo: bool) -> Scenario:
    """The same calls as they stand now: what somebody asked already, else asked with it."""
    same = Scenario.objects.filter(problem_sha256=problem_sha256(problem), base__isnull=True, asked_at__date=today)
    for known in same.select_related("run").prefetch_related("calls"):
        if {call.code for call in known.calls.all()} == {call.code for call in calls}:
            if known.run.state in (RunState.CANCELLED, RunState.FAILED):
                back_in_line(known.run)
            return known
    return _kept(actor, calls, problem, [], None, "", is_demo)


def _kept(
    actor: Person,
    calls: list[Call],
    problem: Problem,
    changes: list[Change],
    base: Scenario | None,
    why: str,
    is_demo: bool,
) -> Scenario:
    scenario = _numbered(
        base=base,
        changes=stored(changes),
        problem=problem.to_json().decode(),
        problem_sha256=problem_sha256(problem),
        gap=GAP,
        seconds=SECONDS,
        why=why,
        asked_by=actor,
        is_demo=is_demo,
    )
    scenario.calls.set(calls)
    ScenarioRun.objects.create(scenario=scenario)
    record(
        actor,
        "access.ask_scenario",
        scenario,
        why=why,
        calls=[call.code for call in calls],
        changes=scenario.changes,
        problem_sha256=scenario.problem_sha256,
    )
    return scenario


def _numbered(**values: Any) -> Scenario:
    """A new scenario with the next number of the day. Of two at once, one takes the number after."""
    prefix = f"scenario-{timezone.now().date():%Y-%m-%d}-"
    for attempt in range(10):
        number = Scenario.objects.filter(code__startswith=prefix).count() + 1 + attempt
        try:
            with transaction.atomic():
                return Scenario.objects.create(code=f"{prefix}{number:02d}", **values)
        except IntegrityError:
            continue
    raise WrongState(_("Too many scenarios were asked at this moment. Try again."))


@transaction.atomic
def cancel_scenario(actor: Person, scenario: Scenario, why: str = "") -> ScenarioRun:
    """Stop asking: the solver lets go of it at once. The scenario stays, and can be asked again."""
    require(actor, "ask scenarios")
    if not LINE.cancel(scenario.pk):
        raise WrongState(_("It is not being solved any more. Load the page again to see what came of it."))
    record(actor, "access.cancel_scenario", scenario, why=why)
    return ScenarioRun.objects.get(pk=scenario.pk)


@transaction.atomic
def ask_again(actor: Person, scenario: Scenario) -> ScenarioRun:
    """Put a scenario that was cancelled, that failed, or whose solver was lost, in the line again: the very same
    question. One that waits or is solved stays as it is."""
    require(actor, "ask scenarios")
    run = ScenarioRun.objects.select_for_update().get(pk=scenario.pk)
    if LINE.is_broken_off(run):
        back_in_line(run)
        record(actor, "access.ask_scenario_again", scenario)
    return run


def refuse_unreal(scenario: Scenario) -> None:
    """Refuse a scenario whose problem is not the one of today, with what differs. Errors: NotReal, DecisionStale."""
    reality = reality_of(scenario)
    if reality.holds:
        return
    if reality.terms:
        raise NotReal(
            _(
                "This what-if changes what applicants were told when they applied, so it can be studied and not "
                "decided on: %(changes)s. Give the next call these terms."
            )
            % {"changes": "; ".join(words_of_changes(reality.terms))},
            changes=stored(reality.untrue),
        )
    if reality.untrue:
        raise NotReal(
            _(
                "This what-if supposes what is not so: %(changes)s. Make it so first (capacity under Operations, "
                "shares and promises under Programmes); then it can be decided on."
            )
            % {"changes": "; ".join(words_of_changes(reality.untrue))},
            changes=stored(reality.untrue),
        )
    raise DecisionStale(
        _("Scores, shares, promises or applications have changed since this was proposed. Propose again.")
    )
