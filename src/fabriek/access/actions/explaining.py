"""Why, asked of a scenario's plan: what takes solving again is asked once, answered by the worker and kept."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import wait

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from fabriek.access import apart
from fabriek.access.apart import Apart, Fault, Step, Told, Why
from fabriek.access.errors import NothingToExplain, NotSolved
from fabriek.access.explaining import inquiry_about, needed_in, place_of, row_in
from fabriek.access.models import Application, Inquiry, InquiryOf, InquiryState, Scenario
from fabriek.access.queries import outcome_of
from fabriek.audit.actions import record
from fabriek.conf.errors import Invalid, NotAllowed
from fabriek.people.models import Person
from fabriek.people.permissions import may, require

SOLVES = 60
"""So many problems are solved again for an application, at most."""


def ask_why(actor: Person, scenario: Scenario, application: Application) -> Inquiry:
    """What would have changed a refusal in this scenario's plan. Who may: officers and the board; the applicant once it
    is published. Asked before: the same inquiry; one that failed is put in the line again.

    Errors: NotAllowed, NotSolved, NothingToExplain (it is awarded, or has nothing to do with the scenario).
    """
    if not (may(actor, "ask scenarios") or is_told(actor, scenario, application)):
        raise NotAllowed(_("You can ask this of your own application, once its answer is published."))
    _solved(scenario)
    if place_of(scenario, application) != "refused":
        raise NothingToExplain(_("In this plan %(code)s is not refused.") % {"code": application.code})
    return _asked(actor, scenario, InquiryOf.APPLICATION, application, SOLVES)


def is_told(actor: Person, scenario: Scenario, application: Application) -> bool:
    """Whether this is the applicant, and the plan is the one that the published answer comes from."""
    outcome = outcome_of(application)
    return application.applicant_id == actor.pk and outcome is not None and outcome.decision.scenario_id == scenario.pk


def ask_prices(actor: Person, scenario: Scenario, of: str) -> Inquiry:
    """What keeping each promise costs (`promises`), or what more of each partition adds (`partitions`).

    Errors: NotAllowed, NotSolved, NothingToExplain (there is no promise).
    """
    require(actor, "ask scenarios")
    _solved(scenario)
    problem = json.loads(scenario.problem)
    if of not in (InquiryOf.PROMISES, InquiryOf.PARTITIONS):
        raise Invalid(_("Ask about promises or about partitions."), faults={"of": [_("promises or partitions")]})
    if not problem.get(of):
        raise NothingToExplain(_("No promise speaks of who gets the hours of these calls."))
    return _asked(actor, scenario, of, None, len(problem[of]))


def _solved(scenario: Scenario) -> None:
    if not hasattr(scenario, "answer"):
        raise NotSolved(_("%(code)s has no plan yet.") % {"code": scenario.code}, state=scenario.run.state)


def _asked(actor: Person, scenario: Scenario, of: str, application: Application | None, most: int) -> Inquiry:
    known = inquiry_about(scenario, of, application)
    if known is None:
        # The savepoint is for two who ask at once: the second finds the first one's.
        with suppress(IntegrityError), transaction.atomic():
            made = Inquiry.objects.create(scenario=scenario, of=of, application=application, most=most, asked_by=actor)
            _record(actor, scenario, of, application)
            return made
        known = Inquiry.objects.get(scenario=scenario, of=of, application=application)
    failed = Inquiry.objects.filter(pk=known.pk, state=InquiryState.FAILED)
    if failed.update(state=InquiryState.ASKED, done=0, fault="", ended_at=None, worker="", asked_by=actor):
        _record(actor, scenario, of, application)
        known.refresh_from_db()
    return known


def _record(actor: Person, scenario: Scenario, of: str, application: Application | None) -> None:
    record(actor, "access.ask_why", application or scenario, scenario=scenario.code, of=of)


# The worker's side


def question_of(inquiry: Inquiry) -> Why:
    """What the process apart is asked: the stored problem and plan, and the settings that the plan was made with."""
    scenario, application = inquiry.scenario, inquiry.application
    row = row_in(scenario, application) if application is not None else ""
    return Why(
        problem=scenario.problem,
        plan=scenario.answer.plan,
        gap=scenario.gap,
        seconds=scenario.seconds,
        seed=scenario.seed,
        of=inquiry.of,
        code=application.code if application is not None else "",
        application=row,
        threshold=float(needed_in(scenario, application)) if application is not None and row else 0.0,
        solves=inquiry.most,
    )


def resume_inquiries(worker: str) -> int:
    """Put back in the line what this machine was at when it stopped. How many."""
    return Inquiry.objects.filter(state=InquiryState.SOLVING, worker=worker).update(
        state=InquiryState.ASKED, worker="", done=0
    )


def claim_inquiry(worker: str) -> Inquiry | None:
    """Take up the one that waits longest; officers' first: many applicants may ask on the day of publication."""
    waiting = Inquiry.objects.filter(state=InquiryState.ASKED).select_related("application").order_by("id")
    for one in sorted(waiting, key=lambda row: _is_of_applicant(row)):
        taken = Inquiry.objects.filter(pk=one.pk, state=InquiryState.ASKED)
        if taken.update(state=InquiryState.SOLVING, worker=worker, done=0):
            return (
                Inquiry.objects.select_related("scenario__answer", "application__call", "application__organisation")
                .prefetch_related("application__alternatives__partition", "scenario__calls")
                .get(pk=one.pk)
            )
    return None


def _is_of_applicant(inquiry: Inquiry) -> bool:
    return inquiry.application is not None and inquiry.application.applicant_id == inquiry.asked_by_id


def keep_told(inquiry: Inquiry, said: Told | Fault, steps: int = 0) -> None:
    """Keep the answer, or why there is none. steps: what was solved since the last time."""
    told, failed = (said.text, "") if isinstance(said, Told) else ("", said.words[:2000])
    Inquiry.objects.filter(pk=inquiry.pk, state=InquiryState.SOLVING).update(
        state=InquiryState.DONE if isinstance(said, Told) else InquiryState.FAILED,
        answer=told,
        fault=failed,
        ended_at=timezone.now(),
        done=F("done") + steps,
    )


def answer_here(inquiry: Inquiry) -> Inquiry:
    """Answer it in this process while one waits (demonstration, tests)."""
    Inquiry.objects.filter(pk=inquiry.pk).update(state=InquiryState.SOLVING, worker="here")
    keep_told(inquiry, apart.explain(question_of(inquiry)))
    return Inquiry.objects.get(pk=inquiry.pk)


@dataclass
class _Work:
    inquiry: Inquiry
    apart: Apart


class Explainer:
    """Answers inquiries one at a time, each in a process of its own. `tick` is one round, and never waits."""

    def __init__(self, worker: str, start: Callable[[Why], Apart] = apart.start) -> None:
        self.worker = worker
        self._start = start
        self._work: _Work | None = None

    def tick(self) -> bool:
        """One round. Whether one ended in it."""
        if self._work is None and (inquiry := claim_inquiry(self.worker)) is not None:
            self._work = _Work(inquiry, self._start(question_of(inquiry)))
        return self._work is not None and self._listen(self._work)

    def _listen(self, work: _Work) -> bool:
        steps = 0
        for message in work.apart.messages():
            if isinstance(message, Step):
                steps += 1
            elif isinstance(message, Told | Fault):
                keep_told(work.inquiry, message, steps)
                self.stop()
                return True
        if steps:
            Inquiry.objects.filter(pk=work.inquiry.pk).update(done=F("done") + steps)
        return False

    @property
    def is_busy(self) -> bool:
        """Whether it is at one."""
        return self._work is not None

    def wait(self, seconds: float) -> None:
        """Wait until there is something to hear, at most so long."""
        if self._work is not None:
            wait([self._work.apart.pipe], timeout=seconds)

    def stop(self) -> None:
        """Let go of what it is at; what was not answered stays in the line after `resume_inquiries`."""
        if self._work is not None:
            self._work.apart.stop()
            self._work = None
