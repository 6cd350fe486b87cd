"""The questions of who plans an event. Times are typed as clocks show them in the event's time zone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from fabriek.catalogue.models import Entry, EntryKind, EntryState
from fabriek.events.models import Audience, Event, EventKind, EventState, Level
from fabriek.events.plan import Meeting, Plan, plan_of
from fabriek.events.rules import LONGEST, MOST_HOURS_BEFORE, MOST_SEATS, MOST_SESSIONS, zones
from fabriek.portal.components.numbers import IntegerField
from fabriek.portal.pages.decide.declaring_forms import Declaring
from fabriek.register.models import Factory

SPARE_ROWS = 3
"""Empty rows for sessions below those that there are."""
USUAL_ZONE = "Europe/Amsterdam"
_TYPED = "%Y-%m-%dT%H:%M"


class ClockField(forms.DateTimeField):
    """A day and a time, as they are typed: which moment that is the form's time zone tells."""

    widget = forms.DateTimeInput(format=_TYPED, attrs={"type": "datetime-local"})

    def __init__(self, **more: Any) -> None:
        super().__init__(input_formats=[_TYPED, "%Y-%m-%dT%H:%M:%S"], **more)

    def to_python(self, value: Any) -> datetime | None:
        """Without a time zone."""
        found = super().to_python(value)
        return timezone.make_naive(found) if found is not None and timezone.is_aware(found) else found


class PlanForm(Declaring):
    """All that is said of an event, and a row of two times for each session."""

    title = forms.CharField(label=_("Title"), max_length=LONGEST["title"])
    kind = forms.ChoiceField(label=_("Kind"), choices=EventKind)
    factory = forms.ModelChoiceField(
        label=_("Factory"), queryset=Factory.objects.order_by("name"), to_field_name="code", empty_label=_("Choose")
    )
    entry = forms.ModelChoiceField(
        label=_("Training of the catalogue"),
        queryset=Entry.objects.filter(kind=EntryKind.TRAINING, state=EntryState.PUBLISHED).order_by("title"),
        to_field_name="code",
        empty_label="–",
        required=False,
        help_text=_("Whose dates these are: its page shows them."),
    )
    summary = forms.CharField(
        label=_("Summary"),
        max_length=LONGEST["summary"],
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("A sentence or two: what it is and whom it is for."),
    )
    description = forms.CharField(
        label=_("Description"),
        max_length=LONGEST["description"],
        required=False,
        widget=forms.Textarea(attrs={"rows": 10}),
        help_text=_("The programme, what to bring, what to know before. Markdown."),
    )
    languages = forms.CharField(
        label=_("Languages"), max_length=100, required=False, help_text=_("As codes with commas: nl, en.")
    )
    level = forms.ChoiceField(label=_("Level"), required=False, choices=[("", "–"), *Level.choices])
    zone = forms.ChoiceField(
        label=_("Time zone"), initial=USUAL_ZONE, help_text=_("All times on this page are of this zone.")
    )
    place = forms.CharField(
        label=_("Place"), max_length=LONGEST["place"], required=False, help_text=_("For everybody.")
    )
    link = forms.CharField(
        label=_("Online address"),
        max_length=LONGEST["link"],
        required=False,
        help_text=_("Only who has a seat sees it."),
        widget=forms.URLInput,
    )
    seats = IntegerField(
        label=_("Seats"), min_value=1, max_value=MOST_SEATS, required=False, help_text=_("Empty: no limit.")
    )
    audience = forms.ChoiceField(label=_("Who may come"), choices=Audience)
    companies_first_until = ClockField(
        label=_("Start-ups and SMEs first, until"), required=False, help_text=_("Others register from then on.")
    )
    opens = ClockField(label=_("Registration opens"), required=False, help_text=_("Empty: at once."))
    closes = ClockField(label=_("Registration closes"), required=False, help_text=_("Empty: when it starts."))
    remind_hours = IntegerField(
        label=_("Remind so many hours before each session"),
        min_value=0,
        max_value=MOST_HOURS_BEFORE,
        initial=24,
        help_text=_("0: no reminder."),
    )
    contact_name = forms.CharField(label=_("Contact"), max_length=LONGEST["contact_name"], required=False)
    contact_email = forms.EmailField(label=_("E-mail address for questions"), required=False)
    read = IntegerField(widget=forms.HiddenInput, required=False)

    def __init__(self, event: Event | None, data: Any = None) -> None:
        plan = plan_of(event) if event is not None else None
        self._meetings = sorted(plan.meetings, key=lambda one: one.starts) if plan else []
        super().__init__(data, initial=_initial(event, plan) if event is not None and plan is not None else None)
        self.fields["zone"].choices = [(one, one.replace("_", " ")) for one in sorted(zones())]  # type: ignore[attr-defined]
        self.rows = min(len(self._meetings) + SPARE_ROWS, MOST_SESSIONS)
        for number in range(self.rows):
            meeting = self._meetings[number] if number < len(self._meetings) else None
            for name, label in (("starts", _("Starts")), ("ends", _("Ends"))):
                at = (
                    getattr(meeting, name).astimezone(ZoneInfo(plan.zone)).replace(tzinfo=None)
                    if meeting and plan
                    else None
                )
                self.fields[f"{name}-{number}"] = ClockField(label=label, required=False, initial=at)

    def session_rows(self) -> Iterator[tuple[int, forms.BoundField, forms.BoundField]]:
        """Each row's number from 1, with its two questions."""
        for number in range(self.rows):
            yield number + 1, self[f"starts-{number}"], self[f"ends-{number}"]

    def clean(self) -> dict[str, Any]:
        """A session has both of its times; a row without any is none."""
        said = super().clean() or {}
        for number in range(self.rows):
            starts, ends = said.get(f"starts-{number}"), said.get(f"ends-{number}")
            if starts and not ends:
                self.add_error(f"ends-{number}", _("Say when it ends."))
            elif ends and not starts:
                self.add_error(f"starts-{number}", _("Say when it starts."))
        return said

    def plan(self) -> Plan:
        """What was said, once the form is valid."""
        said = dict(self.cleaned_data)
        zone = ZoneInfo(said["zone"])
        rows = [(number, said.pop(f"starts-{number}"), said.pop(f"ends-{number}")) for number in range(self.rows)]
        meetings = tuple(
            Meeting(
                starts.replace(tzinfo=zone),
                ends.replace(tzinfo=zone),
                self._meetings[number].uuid if number < len(self._meetings) else None,
            )
            for number, starts, ends in rows
            if starts
        )
        for name in ("companies_first_until", "opens", "closes"):
            said[name] = said[name] and said[name].replace(tzinfo=zone)
        said["languages"] = tuple(dict.fromkeys(one for one in re.split(r"[,;\s]+", said["languages"].lower()) if one))
        said.pop("read")
        return Plan(**said, meetings=meetings)


def _initial(event: Event, plan: Plan) -> dict[str, Any]:
    zone = ZoneInfo(plan.zone)
    moments = {name: getattr(plan, name) for name in ("companies_first_until", "opens", "closes")}
    return {
        **{name: getattr(event, name) for name in PlanForm.base_fields if hasattr(event, name)},
        "factory": plan.factory.code,
        "entry": plan.entry.code if plan.entry else "",
        "languages": ", ".join(plan.languages),
        **{name: at and at.astimezone(zone).replace(tzinfo=None) for name, at in moments.items()},
        "read": event.sequence,
    }


class WhyForm(Declaring):
    """Why an event is cancelled."""

    why = forms.CharField(
        label=_("Why is it cancelled?"),
        max_length=LONGEST["why"],
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Everybody who registered is mailed this, and the page shows it."),
    )


class DeskFilter(forms.Form):
    """Which events the desk shows."""

    state = forms.ChoiceField(label=_("State"), required=False, choices=[("", _("All")), *EventState.choices])
    factory = forms.ModelChoiceField(
        label=_("Factory"),
        queryset=Factory.objects.order_by("name"),
        to_field_name="code",
        required=False,
        empty_label=_("All"),
    )
