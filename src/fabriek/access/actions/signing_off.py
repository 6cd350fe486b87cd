"""Initials under a proposal, and sending it back."""

from __future__ import annotations

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from fabriek.access.errors import ChangedMeanwhile, WrongState
from fabriek.access.models import Decision, DecisionState, Initial
from fabriek.access.problem import candidates
from fabriek.access.signing_off import next_turn, refuse_interested, refuse_out_of_turn
from fabriek.audit.actions import record
from fabriek.conf.errors import Invalid
from fabriek.people.models import Person
from fabriek.people.permissions import require


def initial_decision(actor: Person, decision: Decision, remark: str = "") -> Decision:
    """Give the initials whose turn it is. The last ones let it be published.

    Errors: WrongState, NotYourTurn, ConflictOfInterest; ChangedMeanwhile where somebody else was first.
    """
    return _give(actor, decision, agrees=True, remark=remark.strip())


def send_back_decision(actor: Person, decision: Decision, why: str) -> Decision:
    """Don't agree: the proposal is put aside, with why, and another one can be made.

    Errors: Invalid without a reason; WrongState, NotYourTurn, ConflictOfInterest, ChangedMeanwhile.
    """
    if not why.strip():
        raise Invalid(_("The proposal stays as it is for now."), faults={"remark": [_("Say why: it stays on record.")]})
    return _give(actor, decision, agrees=False, remark=why.strip())


@transaction.atomic
def _give(actor: Person, decision: Decision, *, agrees: bool, remark: str) -> Decision:
    require(actor, "initial decisions")
    decision = Decision.objects.select_for_update(of=("self",)).get(pk=decision.pk)
    turn = next_turn(decision)
    if turn is None:
        raise WrongState(_("This proposal waits for nobody's initials. Load the page again to see what happened."))
    refuse_out_of_turn(actor, decision, turn)
    refuse_interested(actor, candidates(list(decision.calls.all())))
    try:
        with transaction.atomic():
            Initial.objects.create(decision=decision, step=turn.number, person=actor, agrees=agrees, remark=remark)
    except IntegrityError as error:
        raise ChangedMeanwhile(_("Somebody else was first. Load the page again to see what happened.")) from error
    if not agrees:
        # On a database without row locks it may have been published or discarded since it was read.
        sent_back = Decision.objects.filter(pk=decision.pk, state=DecisionState.PROPOSED)
        if not sent_back.update(state=DecisionState.DISCARDED):
            raise ChangedMeanwhile(_("Somebody else was first. Load the page again to see what happened."))
        decision.state = DecisionState.DISCARDED
    verb = "access.initial_decision" if agrees else "access.send_back_decision"
    record(actor, verb, decision, why=remark, step=turn.title, role=turn.role)
    return decision
