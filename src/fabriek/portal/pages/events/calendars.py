"""Calendars for programs that read them (iCalendar): of all events, of one, and one's own by its secret address."""

from __future__ import annotations

from collections.abc import Iterable

from django.http import HttpRequest, HttpResponse
from django.utils import translation
from django.utils.translation import gettext as _

from fabriek.events import queries
from fabriek.events.calendars import MEDIA_TYPE, Shown, calendar
from fabriek.events.rules import may_see_link
from fabriek.portal.access import EVERYBODY, requires
from fabriek.register.queries import factory_of


@requires(EVERYBODY)
def all_events(request: HttpRequest) -> HttpResponse:
    """All events that are open to see, or those of a factory (`?factory=`)."""
    code = request.GET.get("factory", "")[:80].replace("\x00", "")
    name = factory_of(code).name if code else _("Events of the AI factories")
    return _answer(request, name, (Shown(event) for event in queries.in_calendar(factory=code)), "events")


@requires(EVERYBODY)
def one(request: HttpRequest, code: str) -> HttpResponse:
    """One event: for who holds a seat with its online address."""
    event = queries.with_dropped(queries.event_of(request.user, code))
    mine = queries.registration_of(request.user, event)
    shown = Shown(event, mine.state if mine else "", may_see_link(request.user, mine))
    return _answer(request, event.title, [shown], event.code)


@requires(EVERYBODY)
def own(request: HttpRequest, secret: str) -> HttpResponse:
    """What somebody registered for, in their language: whoever knows the address reads it."""
    person = queries.person_of_feed(secret)
    with translation.override(person.language):
        shown = [Shown(*one) for one in queries.own_calendar(person)]
        response = _answer(request, _("My events at the AI factories"), shown, "my-events")
    response["Cache-Control"] = "private"
    return response


def base_of(request: HttpRequest) -> str:
    """The platform's address, as its reader knows it."""
    return request.build_absolute_uri("/").rstrip("/")


def _answer(request: HttpRequest, name: str, shown: Iterable[Shown], file: str) -> HttpResponse:
    headers = {"Content-Disposition": f'attachment; filename="{file}.ics"', "X-Robots-Tag": "noindex"}
    return HttpResponse(calendar(name, shown, base_of(request)), content_type=MEDIA_TYPE, headers=headers)
