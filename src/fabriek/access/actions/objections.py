"""Objections: an applicant's, and the answer by somebody who did not decide."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from fabriek.access.errors import TooLate, WrongState
from fabriek.access.lifecycle import advance
from fabriek.access.models import Application, Objection, Outcome
from fabriek.access.rules import objection_until, refuse_conflict
from fabriek.audit.actions import record
from fabriek.conf.errors import Invalid, NotAllowed
from fabriek.people.models import Person
from fabriek.people.permissions import require


@transaction.atomic
def make_objection(actor: Person, application: Application, text: str) -> Objection:
    """Object to a decision about one's own application. Once, within the days that the decision names.

    Errors: NotAllowed, WrongState, Invalid, TooLate.
    """
    if application.applicant_id != actor.pk:
        raise NotAllowed(_("Only the applicant may object."))
    outcome = (
        Outcome.objects.select_related("decision").filter(application=application, set_aside_at__isnull=True).first()
    )
    if outcome is None:
        raise WrongState(_("There is no decision to object to."), state=application.state)
    until = objection_until(outcome)
    if timezone.now() > until:
        raise TooLate(_("Objections to this decision were possible until %(day)s.") % {"day": f"{until:%Y-%m-%d}"})
    if not text.strip():
        raise Invalid(_("Say what you object to."), faults={"text": [_("Say what you object to, and why.")]})
    objection, created = Objection.objects.get_or_create(
        outcome=outcome, defaults={"text": text.strip()[:20_000], "made_by": actor}
    )
    if created:
        record(actor, "access.make_objection", application)
    return objection


@transaction.atomic
def answer_objection(actor: Person, objection: Objection, answer: str, *, upheld: bool) -> Objection:
    """Answer an objection. Upheld against a refusal: the application goes back to be decided on again."""
    require(actor, "answer objections")
    objection = (
        Objection.objects.select_for_update(of=("self",))
        .select_related("outcome__application", "outcome__decision")
        .get(pk=objection.pk)
    )
    outcome, application = objection.outcome, objection.outcome.application
    if objection.answered_at is not None:
        raise WrongState(_("This objection was answered already."))
    if outcome.decision.published_by_id == actor.pk:
        raise NotAllowed(_("You published this decision. Let another officer answer the objection."))
    refuse_conflict(actor, application)
    if not answer.strip():
        raise Invalid(_("Give an answer."), faults={"answer": [_("Give an answer.")]})
    objection.answer, objection.upheld = answer.strip(), upheld
    objection.answered_by, objection.answered_at = actor, timezone.now()
    objection.save()
    record(actor, "access.answer_objection", application, why=answer, upheld=upheld)
    if upheld and not outcome.awarded:
        outcome.set_aside_at = timezone.now()
        outcome.save(update_fields=["set_aside_at"])
        advance(actor, application, "reopen", why=answer, answered_at=None)
    return objection
