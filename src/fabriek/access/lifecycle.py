"""The life of an application, in one table: which step, from where to where, by whom, under which condition.

`advance` is the only code that changes an application's state. It locks the row first, so that of two people who act
at once one is told that the state has changed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from fabriek.access.errors import WrongState
from fabriek.access.models import Application
from fabriek.access.models import ApplicationState as S
from fabriek.access.rules import refuse_conflict
from fabriek.audit.actions import record
from fabriek.conf.errors import NotAllowed
from fabriek.people.permissions import require

APPLICANT = "applicant"


@dataclass(frozen=True)
class Transition:
    """A step. `who`: a permission, or the applicant. `impartial`: nobody with an interest in the application."""

    name: str
    sources: tuple[str, ...]
    target: str
    who: str
    sentence: Any
    impartial: bool = True


TRANSITIONS: tuple[Transition, ...] = (
    Transition("submit", (S.DRAFT,), S.SUBMITTED, APPLICANT, _("submitted"), impartial=False),
    Transition(
        "withdraw",
        (S.DRAFT, S.SUBMITTED, S.ELIGIBLE, S.ASSESSED, S.IN_REVIEW, S.REVIEWED),
        S.WITHDRAWN,
        APPLICANT,
        _("withdrawn by the applicant"),
        impartial=False,
    ),
    Transition("find_eligible", (S.SUBMITTED,), S.ELIGIBLE, "check eligibility", _("found eligible")),
    Transition("find_ineligible", (S.SUBMITTED,), S.INELIGIBLE, "check eligibility", _("found not eligible")),
    # Under calls with peer review only; elsewhere the review itself is the technical assessment.
    Transition("find_feasible", (S.ELIGIBLE,), S.ASSESSED, "assess technically", _("found technically sound")),
    Transition("find_infeasible", (S.ELIGIBLE,), S.INFEASIBLE, "assess technically", _("found not feasible")),
    Transition("send_to_review", (S.ELIGIBLE, S.ASSESSED), S.IN_REVIEW, "assign reviewers", _("sent to reviewers")),
    Transition("settle_score", (S.IN_REVIEW,), S.REVIEWED, "assign reviewers", _("given its score")),
    Transition("award", (S.REVIEWED,), S.AWARDED, "decide", _("awarded")),
    Transition("reject", (S.REVIEWED,), S.REJECTED, "decide", _("not awarded")),
    # From hours that came back: a fresh plan awards what there was no room for before.
    Transition("offer_again", (S.REJECTED,), S.AWARDED, "decide", _("awarded from hours that came back")),
    Transition("reopen", (S.REJECTED,), S.REVIEWED, "answer objections", _("reopened: the objection was upheld")),
)

BY_NAME = {transition.name: transition for transition in TRANSITIONS}


def possible(application: Application) -> list[Transition]:
    """The steps that lead on from where an application is."""
    return [transition for transition in TRANSITIONS if application.state in transition.sources]


def advance(
    actor: Any,
    application: Application,
    step: str,
    *,
    why: str = "",
    guard: Callable[[Application], None] | None = None,
    trusted: bool = False,
    **changes: Any,
) -> Application:
    """Take one step, inside the caller's transaction; the application that was given shows it afterwards.

    guard: raises what stands in the way, given the row as it is now. changes: fields that are set with the step.
    trusted: conflicts of interest of this actor were checked for all applications together.
    Errors: WrongState, NotAllowed, ConflictOfInterest, and the guard's own.
    """
    transition = BY_NAME[step]
    now = (
        Application.objects.select_for_update(of=("self",))
        .select_related("call__factory", "organisation")
        .get(pk=application.pk)
    )
    if now.state not in transition.sources:
        raise WrongState(
            _("%(code)s is %(state)s; it can't be %(step)s. Load the page again to see what happened.")
            % {"code": now.code, "state": now.get_state_display().lower(), "step": transition.sentence},
            state=now.state,
            step=step,
        )
    if transition.who == APPLICANT:
        if getattr(actor, "pk", None) != now.applicant_id:
            raise NotAllowed(_("Only the applicant may do this."))
    else:
        require(actor, transition.who)
        if transition.impartial and not trusted:
            refuse_conflict(actor, now)
    if guard is not None:
        guard(now)
    before = now.state
    changes = {"state": transition.target, "version": now.version + 1, "saved_at": timezone.now(), **changes}
    # The condition on the version is what holds where a database has no row locks (SQLite).
    changed = Application.objects.filter(pk=now.pk, state=before, version=now.version).update(**changes)
    if not changed:
        raise WrongState(_("%(code)s was changed by somebody else meanwhile. Load it again.") % {"code": now.code})
    for name, value in changes.items():
        setattr(application, name, value)
    record(actor, f"access.{step}", application, why=why, before=before, after=transition.target)
    return application
