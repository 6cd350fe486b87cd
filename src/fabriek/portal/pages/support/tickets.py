"""Questions: ask, one's own, and what was said on one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from fabriek.portal.access import SIGNED_IN, requires
from fabriek.portal.asked_from import about, carried
from fabriek.portal.pages.decide.replies import acted, form_about, page, person_of, posted
from fabriek.portal.pages.support.forms import (
    AnswerForm,
    AskForm,
    CloseForm,
    HandOverForm,
    ReopenForm,
)
from fabriek.support import actions, queries
from fabriek.support.models import Message, Ticket
from fabriek.support.rules import ANSWERS, is_expert

PER_PAGE = 25


@dataclass(frozen=True)
class Line:
    """Something that happened on a question, in words."""

    words: str
    at: datetime
    by: str
    text: str


@requires(SIGNED_IN)
def mine(request: HttpRequest) -> HttpResponse:
    """What one asked."""
    found = queries.tickets_of(person_of(request), request.GET.get("sort", ""))
    shown = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "support/mine.html", {"shown": shown})


@requires(SIGNED_IN, "GET", "POST")
def ask(request: HttpRequest) -> HttpResponse:
    """A question, with the page that one comes from (`?from=`) unless its box is cleared."""
    address = carried(request.GET.get("from", ""))
    kind, code = about(address)
    factory = queries.factory_for(kind, code)
    form = AskForm(address, posted(request), initial={"factory": factory.code if factory else ""})

    def act() -> Ticket:
        said = form.cleaned_data
        where = {"page": address, "about_kind": kind, "about": code} if said.get("carries") else {}
        return actions.ask(person_of(request), said["factory"], said["subject"], said["text"], **where)

    return acted(
        request, form, act, lambda made: (_("Asked. The answer comes by mail, and stands here."), _url(made))
    ) or page(
        request,
        "declare",
        form,
        up=reverse("portal:my_tickets"),
        up_words=_("My questions"),
        heading=_("Ask an expert"),
        lead=_("Who works at the factory answers, by mail and here. Nobody else reads it."),
        submit=_("Ask"),
    )


@requires(SIGNED_IN, "GET", "POST")
def show(request: HttpRequest, number: int) -> HttpResponse:
    """What was said on a question; answer it, or ask more."""
    found = queries.ticket_of(person_of(request), number)
    expert = is_expert(request.user, found)
    form = AnswerForm(posted(request))
    if not expert:
        form.fields["text"].label = _("Ask more, or answer what they ask")
    done = acted(
        request,
        form,
        lambda: actions.write(person_of(request), found, form.cleaned_data["text"]),
        lambda said: (_("Answered.") if said.is_answer else _("Added. It waits for an answer."), _url(found)),
    )
    context = {"ticket": found, "lines": _lines(found), "form": form, "is_expert": expert}
    return done or render(request, "support/ticket.html", context, status=422 if form.errors else 200)


@requires(ANSWERS, "GET", "POST")
def hand_over(request: HttpRequest, number: int) -> HttpResponse:
    """To another factory's experts."""
    found = queries.ticket_of(person_of(request), number)
    form = HandOverForm(found, posted(request))
    return acted(
        request,
        form,
        lambda: actions.hand_over(person_of(request), found, form.cleaned_data["factory"], form.cleaned_data["why"]),
        lambda made: (_("%(name)s has it now.") % {"name": made.factory.name}, _url(found)),
    ) or form_about(
        request,
        form,
        _about(found),
        _("Hand it over"),
        _("Now at %(name)s. It waits for the other factory's answer; who asked is told by mail.")
        % {"name": found.factory.name},
        _("Hand it over"),
    )


@requires(SIGNED_IN, "GET", "POST")
def close(request: HttpRequest, number: int) -> HttpResponse:
    """Nothing more is to be said."""
    found = queries.ticket_of(person_of(request), number)
    form = CloseForm(posted(request))
    return acted(
        request,
        form,
        lambda: actions.close(person_of(request), found, form.cleaned_data["why"]),
        lambda _made: (_("Closed."), _url(found)),
    ) or form_about(
        request,
        form,
        _about(found),
        _("Close the question"),
        _("It can be opened again. An expert who closes what was not answered says why."),
        _("Close it"),
    )


@requires(SIGNED_IN, "GET", "POST")
def reopen(request: HttpRequest, number: int) -> HttpResponse:
    """Ask again."""
    found = queries.ticket_of(person_of(request), number)
    form = ReopenForm(posted(request))
    return acted(
        request,
        form,
        lambda: actions.reopen(person_of(request), found, form.cleaned_data["why"]),
        lambda _made: (_("Opened again. It waits for an answer."), _url(found)),
    ) or form_about(
        request,
        form,
        _about(found),
        _("Open the question again"),
        _("It waits for an answer then, on the experts' desk."),
        _("Open it again"),
    )


def _lines(ticket: Ticket) -> list[Line]:
    """What was said and who had it, in order."""
    said = list(queries.messages_of(ticket))
    lines = [Line(_words(one, one is said[0]), one.written_at, one.written_by.name, one.text) for one in said]
    for one in queries.handovers_of(ticket):
        words = _("Handed over from %(before)s to %(after)s") % {
            "before": one.from_factory.name,
            "after": one.to_factory.name,
        }
        lines.append(Line(words, one.handed_at, one.handed_by.name, one.why))
    return sorted(lines, key=lambda line: line.at)


def _words(message: Message, is_first: bool) -> str:
    if is_first:
        return _("Question")
    return _("Answer") if message.is_answer else _("More asked")


def _url(ticket: Ticket) -> str:
    return reverse("portal:ticket", args=[ticket.pk])


def _about(ticket: Ticket) -> tuple[str, str]:
    return ticket.subject, _url(ticket)
