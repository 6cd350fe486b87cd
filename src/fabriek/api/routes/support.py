"""Questions to a factory's experts: asked, answered, handed over, closed."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from django.http import HttpRequest
from ninja import Field, Query, Router, Schema

from fabriek.api.authentication import Scope, actor_of
from fabriek.api.paging import PageOf, Paging, page_of
from fabriek.register.models import Factory
from fabriek.register.queries import factory_of
from fabriek.support import actions
from fabriek.support.models import AboutKind, Handover, Message, Ticket, TicketState
from fabriek.support.queries import (
    address_of_desk,
    desk,
    desks,
    handovers_of,
    messages_of,
    ticket_of,
    tickets_of,
)
from fabriek.support.rules import ANSWERS, LONGEST, LONGEST_ABOUT, LONGEST_PAGE, LONGEST_SUBJECT

router = Router(tags=["support"])
READ, WRITE = Scope("read"), Scope("ask")


class QuestionIn(Schema):
    factory: str = Field(description="the code of the factory whose experts are asked")
    subject: str = Field(min_length=1, max_length=LONGEST_SUBJECT)
    text: str = Field(min_length=1, max_length=LONGEST)
    page: str = Field("", max_length=LONGEST_PAGE, description="where it was asked from, as /projects/aurora/")
    about_kind: AboutKind | None = Field(None, description="with `about`: the thing that it is about")
    about: str = Field("", max_length=LONGEST_ABOUT, description="its code")


class TextIn(Schema):
    text: str = Field(min_length=1, max_length=LONGEST)


class TicketWhyIn(Schema):
    why: str = Field(min_length=1, max_length=LONGEST)


class CloseIn(Schema):
    why: str = Field("", max_length=LONGEST, description="needed of an expert where it waits for an answer")


class HandOverIn(TicketWhyIn):
    factory: str = Field(description="the code of the factory that gets it")


class TicketOut(Schema):
    number: int
    factory: str = Field(description="whose experts have it")
    subject: str
    page: str
    about_kind: str
    about: str
    state: TicketState
    state_since: datetime
    asked_by: str
    asked_at: datetime


class DeskIn(Schema):
    email: str = Field(max_length=254, description="empty: nobody is mailed")


class DeskOut(DeskIn):
    factory: str


class Desks(PageOf):
    items: list[DeskOut]


class HandoverOut(Schema):
    from_factory: str
    to_factory: str
    why: str
    by: str
    at: datetime


class TicketDetail(TicketOut):
    handovers: list[HandoverOut]


class Tickets(PageOf):
    items: list[TicketOut]


class MessageOut(Schema):
    number: int
    text: str
    is_answer: bool = Field(description="an expert's word; otherwise of who asked")
    by: str
    at: datetime


class Messages(PageOf):
    items: list[MessageOut]


def _row(ticket: Ticket) -> dict[str, Any]:
    same = TicketOut.model_fields.keys() - {"number", "factory", "asked_by"}
    named = {"number": ticket.pk, "factory": ticket.factory.code, "asked_by": ticket.asked_by.name}
    return {**named, **{name: getattr(ticket, name) for name in same}}


def _message(one: Message) -> dict[str, Any]:
    said = {"number": one.pk, "text": one.text, "is_answer": one.is_answer}
    return {**said, "by": one.written_by.name, "at": one.written_at}


def _handover(one: Handover) -> dict[str, Any]:
    way = {"from_factory": one.from_factory.code, "to_factory": one.to_factory.code, "why": one.why}
    return {**way, "by": one.handed_by.name, "at": one.handed_at}


def _desk(factory: Factory) -> dict[str, str]:
    return {"factory": factory.code, "email": address_of_desk(factory)}


def _detail(request: HttpRequest, number: int) -> dict[str, Any]:
    found = ticket_of(actor_of(request), number)
    return {**_row(found), "handovers": [_handover(one) for one in handovers_of(found)]}


@router.get("/tickets", response=Tickets, auth=READ, summary="Your questions")
def mine(request: HttpRequest, paging: Query[Paging], sort: str = "") -> dict[str, Any]:
    """What the token's person asked, the newest first."""
    return page_of(tickets_of(actor_of(request), sort), paging, _row)


@router.post("/tickets", response=TicketDetail, auth=WRITE, summary="Ask a factory's experts")
def ask(request: HttpRequest, body: QuestionIn) -> dict[str, Any]:
    """The same again, while it waits for an answer, is the same ticket."""
    said = body.dict()
    factory, about_kind = factory_of(said.pop("factory")), said.pop("about_kind") or ""
    return _detail(request, actions.ask(actor_of(request), factory, about_kind=about_kind, **said).pk)


@router.get("/desk/tickets", response=Tickets, auth=Scope("read", ANSWERS), summary="Questions to be answered")
def waiting(
    request: HttpRequest,
    paging: Query[Paging],
    state: TicketState | Literal["all"] = TicketState.OPEN,
    factory: str = "",
    sort: str = "",
) -> dict[str, Any]:
    """The longest waiting first; of one factory, in another state."""
    return page_of(desk(state="" if state == "all" else state, factory=factory[:80], sort=sort), paging, _row)


@router.get("/desk/addresses", response=Desks, auth=Scope("read", ANSWERS), summary="Where experts are mailed")
def addresses(request: HttpRequest, paging: Query[Paging]) -> dict[str, Any]:
    """Of each factory: who is told by mail of what waits for its experts."""
    return page_of(desks(), paging, _desk)


@router.put(
    "/desk/addresses/{factory}", response=DeskOut, auth=Scope("ask", ANSWERS), summary="Have a factory's experts mailed"
)
def mail_desk(request: HttpRequest, factory: str, body: DeskIn) -> dict[str, str]:
    """New questions, and what is asked more before somebody answered, go there too."""
    actions.mail_desk(actor_of(request), factory_of(factory), body.email)
    return _desk(factory_of(factory))


@router.get("/tickets/{number}", response=TicketDetail, auth=READ, summary="A question")
def one(request: HttpRequest, number: int) -> dict[str, Any]:
    """Of one's own, or of the desk. With the factories that had it."""
    return _detail(request, number)


@router.get("/tickets/{number}/messages", response=Messages, auth=READ, summary="What was said on a question")
def messages(request: HttpRequest, number: int, paging: Query[Paging]) -> dict[str, Any]:
    """In order, the question first."""
    return page_of(messages_of(ticket_of(actor_of(request), number)), paging, _message)


@router.post("/tickets/{number}/messages", response=TicketDetail, auth=WRITE, summary="Answer, or ask more")
def write(request: HttpRequest, number: int, body: TextIn) -> dict[str, Any]:
    """An expert's word answers; that of who asked makes it wait again."""
    actor = actor_of(request)
    actions.write(actor, ticket_of(actor, number), body.text)
    return _detail(request, number)


@router.post(
    "/tickets/{number}/hand-over",
    response=TicketDetail,
    auth=Scope("ask", ANSWERS),
    summary="Give a question to another factory's experts",
)
def hand_over(request: HttpRequest, number: int, body: HandOverIn) -> dict[str, Any]:
    """It waits for their answer. Who asked is told why."""
    actor = actor_of(request)
    actions.hand_over(actor, ticket_of(actor, number), factory_of(body.factory), body.why)
    return _detail(request, number)


@router.post("/tickets/{number}/close", response=TicketDetail, auth=WRITE, summary="Close a question")
def close(request: HttpRequest, number: int, body: CloseIn) -> dict[str, Any]:
    """Nothing more is to be said."""
    actor = actor_of(request)
    actions.close(actor, ticket_of(actor, number), body.why)
    return _detail(request, number)


@router.post("/tickets/{number}/reopen", response=TicketDetail, auth=WRITE, summary="Open a question again")
def reopen(request: HttpRequest, number: int, body: TicketWhyIn) -> dict[str, Any]:
    """It waits for an answer again."""
    actor = actor_of(request)
    actions.reopen(actor, ticket_of(actor, number), body.why)
    return _detail(request, number)
