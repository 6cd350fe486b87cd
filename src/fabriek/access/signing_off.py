"""The sign-off route of a proposal: who has given initials, whose turn it is, and why somebody can't give theirs.

A route is set for a programme, copied when something is proposed, and walked in turn by as many people as it has steps,
none of whom made the proposal. Answers of continuous calls and hours offered again follow a rule and have no route.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.translation import gettext as _

from fabriek.access.errors import ConflictOfInterest, NotSignedOff, NotYourTurn
from fabriek.access.models import Application, Decision, DecisionOrigin, DecisionState, Initial
from fabriek.access.rules import conflicts
from fabriek.people.models import Person, Role
from fabriek.programmes.models import Programme


@dataclass(frozen=True)
class Turn:
    """A step of a route (`number` from 0), and its initials once they are given."""

    number: int
    title: str
    role: str
    initial: Initial | None = None

    @property
    def role_words(self) -> str:
        """The role that gives these initials, in the reader's language."""
        return str(Role(self.role).label)


def route_of(programmes: Iterable[Programme]) -> list[dict[str, str]]:
    """The route of a decision over these programmes: each one's steps and then those of what it is part of, by code.

    The same step is walked once. A query for each programme that one is part of.
    """
    steps = [step for programme in sorted(programmes, key=lambda one: one.code) for step in _steps_of(programme)]
    return [step for number, step in enumerate(steps) if step not in steps[:number]]


def _steps_of(programme: Programme) -> list[dict[str, str]]:
    return [*programme.sign_off, *(_steps_of(programme.parent) if programme.parent else [])]


def turns(decision: Decision) -> list[Turn]:
    """The steps of a decision's route with what was given. One query, or none where `initials` were read before."""
    given = {initial.step: initial for initial in decision.initials.all()}
    return [Turn(number, **step, initial=given.get(number)) for number, step in enumerate(decision.sign_off)]


def next_turn(decision: Decision) -> Turn | None:
    """The first step without initials. None: signed off, or nothing was asked, or it is no proposal any more."""
    if decision.state != DecisionState.PROPOSED:
        return None
    return next((turn for turn in turns(decision) if turn.initial is None), None)


def refuse_unsigned(decision: Decision) -> None:
    """Errors: NotSignedOff, which tells whose turn it is, of a proposal that still waits for initials."""
    turn = next_turn(decision)
    if turn is not None:
        raise NotSignedOff(
            _("This proposal still waits for initials: %(step)s (%(role)s).")
            % {"step": turn.title, "role": turn.role_words},
            step=turn.title,
            role=turn.role,
        )


def refuse_out_of_turn(person: Person, decision: Decision, turn: Turn) -> None:
    """Four eyes: initials are of somebody with the step's role who has not seen the proposal through before.

    Errors: NotYourTurn.
    """
    if turn.role not in person.role_names():
        said = _("It is the turn of %(step)s (%(role)s).") % {"step": turn.title, "role": turn.role_words}
    elif decision.proposed_by_id == person.pk:
        said = _("You made this proposal. Somebody else gives initials to it.")
    elif any(given.initial and given.initial.person_id == person.pk for given in turns(decision)):
        said = _("You gave your initials before. The next ones are of somebody else.")
    else:
        return
    raise NotYourTurn(said, step=turn.title, role=turn.role)


def refuse_interested(person: Person, applications: list[Application]) -> None:
    """Nobody takes part in a decision about an application that they have an interest in (rule 8).

    Errors: ConflictOfInterest.
    """
    interests = conflicts(applications, [person])
    if interests:
        (number, _person), why = next(iter(sorted(interests.items())))
        application = next(a for a in applications if a.pk == number)
        raise ConflictOfInterest(
            _("%(person)s %(why)s in %(application)s and can't take part in this decision. Let somebody else do so.")
            % {"person": person.name, "why": why, "application": application.code},
            application=application.code,
        )


def waiting_for(person: Person) -> list[tuple[Decision, Turn]]:
    """Proposals that wait for this person's initials, oldest first, with the step. Interests aside. Two queries."""
    proposed = Decision.objects.filter(state=DecisionState.PROPOSED).exclude(sign_off=[]).order_by("proposed_at")
    found = []
    for decision in proposed.defer("problem", "plan").prefetch_related("initials"):
        turn = next_turn(decision)
        if turn is None:
            continue
        try:
            refuse_out_of_turn(person, decision, turn)
        except NotYourTurn:
            continue
        found.append((decision, turn))
    return found


def versions(decision: Decision) -> list[Decision]:
    """All proposals after a cut-off about one of this decision's calls, oldest first, itself among them. 2 queries."""
    return list(
        Decision.objects.filter(calls__in=decision.calls.all(), origin=DecisionOrigin.CUT_OFF)
        .select_related("proposed_by")
        .defer("problem", "plan")
        .prefetch_related("initials__person")
        .distinct()
        .order_by("proposed_at", "pk")
    )
