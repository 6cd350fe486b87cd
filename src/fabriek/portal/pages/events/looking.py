"""What there is: events as a list and as a month, and one with what it says to its reader."""

from __future__ import annotations

from calendar import Calendar
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext_lazy as _

from fabriek.catalogue.standards.schema_org import embedded
from fabriek.events import queries
from fabriek.events.models import Event, EventKind, EventState, Registration, Session
from fabriek.events.queries import Asked
from fabriek.events.rules import (
    FIRST_YEAR,
    LAST_YEAR,
    closes_at,
    forgotten_on,
    may_organise,
    may_see_link,
    reason_closed,
    reason_refused,
    seats_left,
)
from fabriek.events.structured import document
from fabriek.events.words import reason_text
from fabriek.people.models import Person
from fabriek.portal.access import EVERYBODY, requires
from fabriek.portal.components.entry_lines import language_name
from fabriek.portal.components.prose import prose
from fabriek.portal.pages.events.calendars import base_of

PER_PAGE = 25


class EventFilter(forms.Form):
    """What the list and the month are narrowed to: values that some event has."""

    factory = forms.ChoiceField(label=_("Factory"), required=False)
    kind = forms.ChoiceField(label=_("Kind"), required=False, choices=[("", _("All")), *EventKind.choices])
    language = forms.ChoiceField(label=_("Language"), required=False)

    def __init__(self, data: Any) -> None:
        super().__init__(data)
        there = queries.choices()
        factories = [(one.code, one.name) for one in there.factories]
        self.fields["factory"].choices = [("", _("All")), *factories]  # type: ignore[attr-defined]
        spoken = [(code, language_name(code)) for code in there.languages]
        self.fields["language"].choices = [("", _("All")), *spoken]  # type: ignore[attr-defined]

    def asked(self, when: queries.When = "coming") -> Asked:
        """What is asked; a value that no event has asks nothing."""
        self.is_valid()
        return Asked(when, **{name: self.cleaned_data.get(name, "") for name in self.fields})


@requires(EVERYBODY)
def index(request: HttpRequest) -> HttpResponse:
    """What comes, or was (`?when=past`), narrowed by factory, kind and language."""
    when: queries.When = "past" if request.GET.get("when") == "past" else "coming"
    filters = EventFilter(request.GET)
    asked = filters.asked(when)
    shown = Paginator(queries.shown(asked), PER_PAGE).get_page(request.GET.get("page"))
    states = queries.states_of(request.user, shown)
    context = {
        "filters": filters,
        "asked": asked,
        "tabs": tabs_of(asked, "events"),
        "query": query_of(asked),
        "shown": shown,
        "rows": [(event, states.get(event.pk, ""), seats_left(event)) for event in shown],
        "may_organise": may_organise(request.user),
    }
    return render(request, "events/index.html", context)


def query_of(asked: Asked) -> str:
    """What asks the same of another of these pages, after the `?`."""
    said = {"factory": asked.factory, "kind": asked.kind, "language": asked.language}
    return urlencode({name: value for name, value in said.items() if value})


def tabs_of(asked: Asked, here: str) -> list[tuple[str, str, bool]]:
    """The three ways to look at the same events: label, address, whether it is this one."""
    query = query_of(asked)
    is_past = asked.when == "past"
    ways = [
        (_("Coming"), "events", query, here == "events" and not is_past),
        (_("By month"), "events_month", query, here == "events_month"),
        (_("Past"), "events", f"when=past&{query}".rstrip("&"), here == "events" and is_past),
    ]
    return [
        (str(label), reverse(f"portal:{name}") + (f"?{asks}" if asks else ""), current)
        for label, name, asks, current in ways
    ]


@dataclass(frozen=True)
class Day:
    """A day of the month as it is shown, with its sessions."""

    on: date
    in_month: bool
    is_today: bool
    sessions: list[Session]


@requires(EVERYBODY)
def month(request: HttpRequest) -> HttpResponse:
    """A month as a calendar (`?month=2026-12`): each session on its day there."""
    filters = EventFilter(request.GET)
    asked = filters.asked("all")
    today = timezone.localdate()
    first = _first_of(request.GET.get("month", "")) or today.replace(day=1)
    found = queries.month_of(first, asked)
    weeks = [
        [Day(day, day.month == first.month, day == today, found.get(day, [])) for day in week]
        for week in Calendar().monthdatescalendar(first.year, first.month)
    ]
    before, after = (first - timedelta(days=1)).replace(day=1), (first + timedelta(days=32)).replace(day=1)
    context = {
        "filters": filters,
        "tabs": tabs_of(asked, "events_month"),
        "query": query_of(asked),
        "first": first,
        "before": before if before.year >= FIRST_YEAR else None,
        "after": after if after.year <= LAST_YEAR else None,
        "weeks": weeks,
        "days": sorted(found.items()),
        "may_organise": may_organise(request.user),
    }
    return render(request, "events/month.html", context)


def _first_of(text: str) -> date | None:
    """The first day of a month such as 2026-12; None: it is none that is shown."""
    try:
        first = date.fromisoformat(f"{text[:7]}-01")
    except ValueError:
        return None
    return first if FIRST_YEAR <= first.year <= LAST_YEAR else None


@requires(EVERYBODY)
def show(request: HttpRequest, code: str) -> HttpResponse:
    """An event, with a way in or out, as its reader may."""
    event = queries.event_of(request.user, code)
    mine = queries.registration_of(request.user, event)
    organises = may_organise(request.user)
    context = {
        "event": event,
        "sessions": event.sessions.all(),
        "description": prose(event.description, 2),
        "mine": mine,
        "place_in_line": queries.place_in_line(mine) if mine else None,
        "waiting": queries.waiting_for(event) if event.seats is not None else 0,
        "left": seats_left(event),
        "link": event.link if may_see_link(request.user, mine) else "",
        "refusal": _refusal(request.user, event, mine),
        "is_open": reason_closed(event, timezone.now()) is None,
        "is_leavable": mine is not None and event.state == EventState.PUBLISHED and _is_to_come(event),
        "is_to_come": _is_to_come(event),
        "closes": closes_at(event),
        "forgotten_on": forgotten_on(event),
        "organises": organises,
        "structured": "" if event.state == EventState.DRAFT else _structured(request, event),
        "feed_url": base_of(request) + reverse("portal:event_calendar", args=[event.code]),
    }
    return render(request, "events/event.html", context)


def _is_to_come(event: Event) -> bool:
    return event.starts is not None and event.starts > timezone.now()


def _refusal(person: Any, event: Event, mine: Registration | None) -> str:
    """Why this reader can't register, in a sentence; empty: they may, or are registered."""
    if mine is not None:
        return ""
    now = timezone.now()
    reason = reason_closed(event, now)
    if reason is None and isinstance(person, Person):
        reason = reason_refused(event, queries.visitor_of(person, now), now)
    return reason_text(reason, event) if reason else ""


def _structured(request: HttpRequest, event: Event) -> SafeString:
    """What the page tells, in schema.org's words, for search engines."""
    # `embedded` lets no text end the script that it stands in.
    return mark_safe(embedded(document(event, base_of(request))))  # noqa: S308
