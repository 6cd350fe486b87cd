"""Audit: who did what, when and why; and whether the ledger balances."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from fabriek.audit.models import Event
from fabriek.audit.queries import events_found
from fabriek.conf.amounts import number_text
from fabriek.conf.sorting import ordered
from fabriek.ledger.queries import check, totals
from fabriek.portal.access import requires
from fabriek.portal.components.amounts import hours_text
from fabriek.portal.components.states import STATES
from fabriek.portal.pages.decide.forms import AuditFilter
from fabriek.portal.pages.decide.replies import csv_file, page
from fabriek.portal.pages.decide.verbs import DATA, VERBS, words_of

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
    return page(
        request,
        "audit",
        filters=filters,
        shown=shown,
        lines=[Line(event, words_of(event.verb), _data(event.data)) for event in shown],
        verbs=sorted({str(words) for words in VERBS.values()}),
        totals=totals(),
        is_filtered=any(filters.data.get(name) for name in filters.fields),
    )


@requires("read audit")
def ledger(request: HttpRequest) -> HttpResponse:
    """Recompute the ledger from its entries, and say what doesn't hold."""
    return page(request, "ledger_check", faults=check(), totals=totals())


def _events(said: dict[str, Any]) -> QuerySet[Event]:
    """A verb may be named in its own words, or as the record has it."""
    text = said["verb"].lower()
    spoken = [verb for verb, words in VERBS.items() if text and text in str(words).lower()]
    others = {name: said[name] for name in ("actor", "subject", "since", "until")}
    return events_found(verb=[text, *spoken], **others)


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
    """Amounts of seconds in hours; the rest as it stands."""
    if name in ("accelerator_seconds", "core_seconds") and isinstance(value, int):
        return hours_text(value)
    return _value(value)


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
