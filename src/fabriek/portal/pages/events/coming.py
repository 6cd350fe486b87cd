"""Coming along: register and withdraw, one's own events, and one's own calendar."""

from __future__ import annotations

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from fabriek.conf.errors import Refused
from fabriek.events import actions, queries
from fabriek.events.calendars import own_address
from fabriek.events.models import RegistrationState
from fabriek.portal.access import SIGNED_IN, requires
from fabriek.portal.pages.decide.replies import person_of, see_other, show_refusal
from fabriek.portal.pages.events.calendars import base_of

PER_PAGE = 25
_NEW_CALENDAR = "new_calendar"
"""In the session: the address of one's own calendar, to be shown once."""


@requires(SIGNED_IN, "POST")
def register(request: HttpRequest, code: str) -> HttpResponse:
    """A seat, or a place on the waiting list."""
    event = queries.event_of(request.user, code)
    url = reverse("portal:event", args=[code])
    try:
        made = actions.register(person_of(request), event)
    except Refused as refusal:
        return show_refusal(request, refusal, url)
    if made.state == RegistrationState.SEAT:
        messages.success(request, _("You have a seat. A mail confirms it."))
    else:
        messages.success(request, _("All seats are taken: you are on the waiting list. A mail confirms it."))
    return see_other(url)


@requires(SIGNED_IN, "GET", "POST")
def withdraw(request: HttpRequest, code: str) -> HttpResponse:
    """Not come after all, once asked whether."""
    event = queries.event_of(request.user, code)
    if request.method == "POST":
        url = reverse("portal:event", args=[code])
        try:
            actions.withdraw(person_of(request), event)
        except Refused as refusal:
            return show_refusal(request, refusal, url)
        messages.success(request, _("You withdrew. Your seat goes to who waits longest."))
        return see_other(url)
    context = {
        "event": event,
        "heading": _("Withdraw from this event?"),
        "lead": _("Your seat goes to who waits longest. Who registers again is at the end of the line."),
        "submit": _("Withdraw from the event"),
    }
    return render(request, "events/ask_once_more.html", context)


@requires(SIGNED_IN)
def mine(request: HttpRequest) -> HttpResponse:
    """What one registered for: what comes, or was (`?when=past`)."""
    person = person_of(request)
    when: queries.When = "past" if request.GET.get("when") == "past" else "coming"
    shown = Paginator(queries.registrations_of(person, when), PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "when": when,
        "shown": shown,
        "rows": [(one, queries.place_in_line(one)) for one in shown],
        "has_feed": queries.has_feed(person),
        "address": request.session.pop(_NEW_CALENDAR, ""),
    }
    return render(request, "events/mine.html", context)


@requires(SIGNED_IN, "POST")
def renew(request: HttpRequest) -> HttpResponse:
    """A new address of one's own calendar, which is shown once; the one before opens nothing any more."""
    request.session[_NEW_CALENDAR] = own_address(actions.renew_feed(person_of(request)), base_of(request))
    return see_other(reverse("portal:my_events"))
