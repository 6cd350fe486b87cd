"""Initials under a proposal, sending it back, and the sign-off route of a programme."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja import Field, Schema

from fabriek.access import actions
from fabriek.api.authentication import Scope, actor_of

# One address, one router: a router answers 405 for methods that it does not know itself.
from fabriek.api.routes import programmes
from fabriek.api.routes.access import DecisionRow, decision_of, decision_row, router
from fabriek.people.permissions import require
from fabriek.programmes.actions import set_sign_off
from fabriek.programmes.models import Programme


class RemarkIn(Schema):
    remark: str = Field("", max_length=2000, description="stands in the minutes")


class SendBackIn(Schema):
    why: str = Field(min_length=1, max_length=2000, description="stands in the minutes")


class RouteIn(Schema):
    steps: list[programmes.Step] = Field(description="in turn; none: whoever may decide publishes alone")
    why: str = Field(min_length=1, max_length=1000)


@router.post(
    "/decisions/{code}/initial",
    response=DecisionRow,
    auth=Scope("decide", "initial decisions"),
    summary="Give initials to a proposal",
)
def initial(request: HttpRequest, code: str, body: RemarkIn) -> dict[str, Any]:
    """The ones whose turn it is. Nobody gives them twice, and none who made the proposal."""
    return decision_row(actions.initial_decision(actor_of(request), decision_of(request, code), body.remark))


@router.post(
    "/decisions/{code}/send-back",
    response=DecisionRow,
    auth=Scope("decide", "initial decisions"),
    summary="Send a proposal back",
)
def send_back(request: HttpRequest, code: str, body: SendBackIn) -> dict[str, Any]:
    """By whose turn it is, instead of initials: the proposal is put aside, and another one can be made."""
    return decision_row(actions.send_back_decision(actor_of(request), decision_of(request, code), body.why))


@programmes.router.put(
    "/programmes/{code}/sign-off",
    response=programmes.ProgrammeRow,
    auth=Scope("decide", "set sign-off"),
    summary="Set a programme's sign-off route",
)
def sign_off(request: HttpRequest, code: str, body: RouteIn) -> dict[str, Any]:
    """Who gives initials to a proposal before it is published, in turn. What was proposed before keeps its route."""
    actor = actor_of(request)
    require(actor, "set sign-off")
    steps = [step.dict() for step in body.steps]
    return programmes.programme_row(set_sign_off(actor, programmes.one_of(Programme, code), steps, body.why))
