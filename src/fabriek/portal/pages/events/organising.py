"""Who organises: the desk, planning and changing, publishing and cancelling, and who comes."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from fabriek.conf.errors import Refused
from fabriek.events import actions, queries
from fabriek.events.models import Event, EventState, Registration, RegistrationState
from fabriek.events.rules import ORGANISES, forgotten_on
from fabriek.portal.access import requires
from fabriek.portal.pages.decide.replies import acted, csv_file, page, person_of, posted, see_other, show_refusal
from fabriek.portal.pages.events.forms import DeskFilter, PlanForm, WhyForm

PER_PAGE = 25
_FIELDS = {"sessions": "starts-0"}
"""What is wrong with sessions stands at the first."""


@requires(ORGANISES)
def desk(request: HttpRequest) -> HttpResponse:
    """All events with their drafts; of a state or factory."""
    filters = DeskFilter(request.GET)
    said: dict[str, Any] = filters.cleaned_data if filters.is_valid() else {}
    factory = said.get("factory")
    found = queries.desk(
        state=said.get("state", ""), factory=factory.code if factory else "", sort=request.GET.get("sort", "")
    )
    shown = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "events/desk.html", {"filters": filters, "shown": shown})


@requires(ORGANISES, "GET", "POST")
def new(request: HttpRequest) -> HttpResponse:
    """Plan an event."""
    form = PlanForm(None, posted(request))
    done = acted(
        request,
        form,
        lambda: actions.draft_event(person_of(request), form.plan()),
        lambda made: (_("Planned, as a draft. Look at it, and publish it."), _url(made)),
        _FIELDS,
    )
    return done or _plan_page(request, form, None, _("Plan an event"), _("Save as a draft"))


@requires(ORGANISES, "GET", "POST")
def change(request: HttpRequest, code: str) -> HttpResponse:
    """Change an event."""
    event = queries.event_of(request.user, code)
    form = PlanForm(event, posted(request))

    def act() -> Event:
        return actions.change_event(person_of(request), event, form.plan(), read=form.cleaned_data["read"])

    done = acted(request, form, act, lambda made: (_("Saved."), _url(made)), _FIELDS)
    return done or _plan_page(request, form, event, _("Change the event"), _("Save"))


def _plan_page(request: HttpRequest, form: PlanForm, event: Event | None, heading: str, submit: str) -> HttpResponse:
    up = _url(event) if event else reverse("portal:events_desk")
    context = {
        "form": form,
        "event": event,
        "heading": heading,
        "submit": submit,
        "up": up,
        "up_words": event.title if event else _("Plan events"),
    }
    return render(request, "events/plan.html", context, status=422 if form.is_bound and form.errors else 200)


@requires(ORGANISES, "GET", "POST")
def publish(request: HttpRequest, code: str) -> HttpResponse:
    """Show it to everybody, once asked whether."""
    event = queries.event_of(request.user, code)
    if request.method == "POST":
        try:
            actions.publish_event(person_of(request), event)
        except Refused as refusal:
            return _show_lacks(request, refusal, event)
        messages.success(request, _("Published. It stands in the list and in calendars."))
        return see_other(_url(event))
    context = {
        "event": event,
        "heading": _("Publish this event?"),
        "lead": _(
            "Everybody sees it then, in the list and in calendars, and may register as it says. "
            "Who registered is mailed where the time or the place changes."
        ),
        "submit": _("Publish"),
    }
    return render(request, "events/ask_once_more.html", context)


def _show_lacks(request: HttpRequest, refusal: Refused, event: Event) -> HttpResponse:
    """What it lacks, each in its sentence."""
    for sentences in getattr(refusal, "faults", {}).values():
        for sentence in sentences:
            messages.error(request, sentence)
    if getattr(refusal, "faults", {}):
        return see_other(_url(event))
    return show_refusal(request, refusal, _url(event))


@requires(ORGANISES, "GET", "POST")
def cancel(request: HttpRequest, code: str) -> HttpResponse:
    """It is off."""
    event = queries.event_of(request.user, code)
    form = WhyForm(posted(request))
    return acted(
        request,
        form,
        lambda: actions.cancel_event(person_of(request), event, form.cleaned_data["why"]),
        lambda made: (_("Cancelled. Everybody who registered is told."), _url(made)),
    ) or page(
        request,
        "declare",
        form,
        up=_url(event),
        up_words=event.title,
        kicker=event.title,
        heading=_("Cancel the event"),
        lead=_("It stays in the list as cancelled, and calendars show it so. This can't be undone."),
        submit=_("Cancel the event"),
        tone="danger",
    )


@requires(ORGANISES, "GET", "POST")
def discard(request: HttpRequest, code: str) -> HttpResponse:
    """Throw away a draft, once asked whether."""
    event = queries.event_of(request.user, code)
    if request.method == "POST":
        try:
            actions.discard_event(person_of(request), event)
        except Refused as refusal:
            return show_refusal(request, refusal, _url(event))
        messages.success(request, _("“%(title)s” is discarded.") % {"title": event.title})
        return see_other(reverse("portal:events_desk"))
    context = {
        "event": event,
        "heading": _("Discard this draft?"),
        "lead": _("It is gone then. Nobody but who organises ever saw it."),
        "submit": _("Discard"),
        "tone": "danger",
    }
    return render(request, "events/ask_once_more.html", context)


@requires(ORGANISES, "GET", "POST")
def participants(request: HttpRequest, code: str) -> HttpResponse:
    """Who comes and who waits; a file of them (`?format=csv`); who was there."""
    event = queries.event_of(request.user, code)
    if request.method == "POST":
        return _mark(request, event)
    state = request.GET.get("state", "")
    state = state if state in RegistrationState.values else ""
    found = queries.participants(event, state=state, sort=request.GET.get("sort", ""))
    if request.GET.get("format") == "csv":
        return csv_file(f"participants-{event.code}", CSV_COLUMNS, (csv_row(one) for one in found))
    context = {
        "event": event,
        "tabs": _tabs(event, state),
        "found": found,
        "waiting": queries.waiting_for(event),
        "may_mark": _has_begun(event),
        "forgotten_on": forgotten_on(event),
    }
    return render(request, "events/participants.html", context)


def _tabs(event: Event, state: str) -> list[tuple[str, str, bool]]:
    """The participants by what their registration is: label, address, whether it is this one."""
    here = reverse("portal:event_participants", args=[event.code])
    ways = [("", _("Who comes and who waits")), *RegistrationState.choices]
    return [(str(label), f"{here}?state={value}" if value else here, value == state) for value, label in ways]


CSV_COLUMNS = ("number", "name", "email", "organisation", "class", "country", "state", "asked_at", "came")


def csv_row(one: Registration) -> tuple[Any, ...]:
    """A participant as a line of the file."""
    organisation = one.person.organisation
    where = (organisation.name, organisation.organisation_class, organisation.country) if organisation else ("", "", "")
    came = {None: "", True: "yes", False: "no"}[one.came]
    return (one.pk, one.person.name, one.person.email, *where, one.state, one.asked_at.isoformat(), came)


def _mark(request: HttpRequest, event: Event) -> HttpResponse:
    """What the boxes say: `came-12=yes`, `no`, or empty for not known."""
    marks = {"yes": True, "no": False, "": None}
    came = {
        int(name.removeprefix("came-")): marks[value]
        for name, value in request.POST.items()
        if name.startswith("came-") and name.removeprefix("came-").isdigit() and value in marks
    }
    url = reverse("portal:event_participants", args=[event.code])
    try:
        changed = actions.mark_attendance(person_of(request), event, came)
    except Refused as refusal:
        return show_refusal(request, refusal, url)
    said = ngettext("%(number)s mark changed.", "%(number)s marks changed.", changed) % {"number": changed}
    messages.success(request, said)
    return see_other(url)


def _has_begun(event: Event) -> bool:
    begun = event.starts is not None and event.starts <= timezone.now()
    return begun and event.state == EventState.PUBLISHED and event.forgotten_at is None


def _url(event: Event) -> str:
    return reverse("portal:event", args=[event.code])
