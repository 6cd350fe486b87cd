"""Audit: who did what, when and why; and whether the ledger balances."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from fabriek.audit.actions import SYSTEM
from fabriek.audit.models import Event
from fabriek.audit.queries import events_found
from fabriek.conf.amounts import number_text
from fabriek.conf.sorting import ordered
from fabriek.ledger.queries import check, totals
from fabriek.people.models import OrganisationClass, Role
from fabriek.people.queries import people_with_roles
from fabriek.portal.access import requires
from fabriek.portal.components.amounts import hours_text
from fabriek.portal.components.countries import country_name
from fabriek.portal.components.states import STATES
from fabriek.portal.pages.decide.forms import AuditFilter
from fabriek.portal.pages.decide.replies import csv_file, page
from fabriek.portal.pages.decide.subjects import Subject, subjects_of
from fabriek.portal.pages.decide.verbs import DATA, words_of

PER_PAGE = 25
CSV_ROWS = 100_000
"""The newest that go into one file; narrow the dates for older ones."""
COLUMNS = {"at": "id", "who": "actor_name", "what": "verb", "about": "subject"}
"""What the list is sorted by; events are numbered as they happen."""


@dataclass(frozen=True)
class Line:
    """An event in words; `data` as names and values that read."""

    event: Event
    words: str
    about: Subject
    data: list[tuple[str, str]]


@requires("read audit")
def index(request: HttpRequest) -> HttpResponse:
    """Events, newest first or by a column."""
    filters = AuditFilter(request.GET)
    found = _events(filters.cleaned_data) if filters.is_valid() else Event.objects.none()
    found = ordered(found, request.GET.get("sort", ""), COLUMNS, ("-id",))
    if request.GET.get("format") == "csv":
        return _as_csv(found)
    shown = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    subjects = subjects_of(request.user, shown)
    return page(
        request,
        "audit",
        filters=filters,
        shown=shown,
        lines=[Line(event, words_of(event.verb), subjects[event.pk], _data(event.data)) for event in shown],
        actors=[*people_with_roles().values_list("name", flat=True), SYSTEM],
        totals=totals(),
        is_filtered=any(filters.data.get(name) for name in filters.fields),
    )


@requires("read audit")
def ledger(request: HttpRequest) -> HttpResponse:
    """Recompute the ledger from its entries, and say what doesn't hold."""
    return page(request, "ledger_check", faults=check(), totals=totals())


def _events(said: dict[str, Any]) -> QuerySet[Event]:
    return events_found(
        exactly=said["verb"], **{name: said[name] for name in ("kind", "actor", "subject", "since", "until")}
    )


def _data(data: dict[str, Any]) -> list[tuple[str, str]]:
    before, after = data.get("before"), data.get("after")
    said = {name: value for name, value in data.items() if value not in (None, "", [], {})}
    if isinstance(before, str) and isinstance(after, str):
        said = {"change": f"{_state(before)} → {_state(after)}"} | {
            name: value for name, value in said.items() if name not in ("before", "after")
        }
    return [(str(DATA.get(name, name.replace("_", " "))), _said(name, value)) for name, value in said.items()]


def _state(value: str) -> str:
    """A state in the reader's words; a name, or what else changed, as it is."""
    known = STATES.get(value.replace("-", "_"))
    return str(known.label) if known else value


def _said(name: str, value: Any) -> str:
    """Amounts of seconds in hours; what has a word in that word; the rest as it stands."""
    if name in _WORDS and isinstance(value, str):
        return _WORDS[name](value)
    if name in ("accelerator_seconds", "core_seconds") and isinstance(value, int):
        return hours_text(value)
    return _value(value)


_WORDS: dict[str, Callable[[str], str]] = {
    "country": country_name,
    "organisation_class": lambda value: str(dict(OrganisationClass.choices).get(value, value)),
    "role": lambda value: str(dict(Role.choices).get(value, value)),
    "state": lambda value: _state(value.lower()),
}


def _value(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(_value(one) for one in value)
    if isinstance(value, dict):
        return "; ".join(f"{name}: {_value(one)}" for name, one in value.items())
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return number_text(value) if isinstance(value, int | float) else str(value)


def _as_csv(found: QuerySet[Event]) -> HttpResponse:
    return csv_file(
        "audit",
        ["at", "actor", "verb", "subject_kind", "subject", "why", "data"],
        [
            (
                event.at.isoformat(),
                event.actor_name,
                event.verb,
                event.subject_kind,
                event.subject,
                event.why,
                json.dumps(event.data, sort_keys=True, ensure_ascii=False),
            )
            for event in found[:CSV_ROWS]
        ],
    )
