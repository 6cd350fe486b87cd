"""What audit events are about: each kind in words, and the page of a subject where its reader may open one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from django.urls import resolve, reverse
from django.utils.translation import gettext_lazy as _

from fabriek.access.models import Application, ApplicationState
from fabriek.audit.models import Event
from fabriek.catalogue.models import Entry, EntryState
from fabriek.events import models as events
from fabriek.foresight.models import Study
from fabriek.people.models import Person
from fabriek.people.permissions import may
from fabriek.portal.access import EVERYBODY, SIGNED_IN


def _no_drafts(codes: Iterable[str]) -> Iterable[str]:
    return (
        Application.objects.filter(code__in=codes).exclude(state=ApplicationState.DRAFT).values_list("code", flat=True)
    )


def _published(codes: Iterable[str]) -> Iterable[str]:
    return Entry.objects.filter(code__in=codes, state=EntryState.PUBLISHED).values_list("code", flat=True)


def _announced(codes: Iterable[str]) -> Iterable[str]:
    found = events.Event.objects.filter(code__in=codes).exclude(state=events.EventState.DRAFT)
    return found.values_list("code", flat=True)


def _not_deleted(codes: Iterable[str]) -> Iterable[str]:
    return Study.objects.filter(code__in=codes, deleted_at=None).values_list("code", flat=True)


def _whole(code: str) -> list[str]:
    return [code]


@dataclass(frozen=True)
class Kind:
    """A kind of subject. page: the name of its page, '' where it has none; arguments: those of the page's address.

    open_to_readers: of these codes, those whose page any reader of the record finds; None: all.
    """

    words: Any
    page: str = ""
    arguments: Callable[[str], list[str]] = _whole
    open_to_readers: Callable[[Iterable[str]], Iterable[str]] | None = None


KINDS: dict[str, Kind] = {
    "access.application": Kind(_("Application"), "judge_application", open_to_readers=_no_drafts),
    "access.call": Kind(_("Call"), "call"),
    "access.decision": Kind(_("Decision"), "decision"),
    "access.scenario": Kind(_("Scenario"), "scenario"),
    "catalogue.entry": Kind(_("Entry of the catalogue"), "entry", open_to_readers=_published),
    "catalogue.search": Kind(_("Saved search")),
    "events.event": Kind(_("Event"), "event", open_to_readers=_announced),
    "events.registration": Kind(_("Registration")),
    "foresight.study": Kind(_("Study"), "study", open_to_readers=_not_deleted),
    "foresight.workload": Kind(_("Workload")),
    "harvest.source": Kind(_("Source of the catalogue"), "harvest_source"),
    "operations.cluster": Kind(_("Cluster"), "operations", lambda _code: []),
    "people.organisation": Kind(_("Organisation")),
    "people.person": Kind(_("Person"), "person"),
    "people.token": Kind(_("Token")),
    "programmes.programme": Kind(_("Programme"), "programmes", lambda _code: []),
    "programmes.promise": Kind(_("Promise"), "promise"),
    "projects.project": Kind(_("Project"), "project"),
    "register.factory": Kind(_("Factory"), "factory"),
    "register.partition": Kind(_("Partition"), "system", lambda code: [code.partition("/")[0]]),
    "register.site": Kind(_("Site")),
    "register.system": Kind(_("System"), "system"),
    "support.ticket": Kind(_("Question")),
}


def kind_choices() -> list[tuple[str, Any]]:
    """Every kind to choose from, in order of its words."""
    return [
        ("", _("Anything")),
        *sorted(((kind, str(known.words)) for kind, known in KINDS.items()), key=itemgetter(1)),
    ]


@dataclass(frozen=True)
class Subject:
    """What an event is about: its name, its kind in words, and the page of it that its reader may open ('': none)."""

    name: str
    kind: str
    url: str


def subjects_of(reader: Any, about: Iterable[Event]) -> dict[int, Subject]:
    """Event number -> its subject, for one page of events. At most one query a kind."""
    codes: dict[str, set[str]] = defaultdict(set)
    about = list(about)
    for event in about:
        codes[event.subject_kind].add(event.subject)
    numbers = [code for code in codes["people.person"] if code.isdecimal()]
    names = {str(number): name for number, name in Person.objects.filter(pk__in=numbers).values_list("pk", "name")}
    found = {
        kind: set(known.open_to_readers(codes[kind]))
        for kind, known in KINDS.items()
        if known.open_to_readers is not None and codes[kind]
    }
    subjects = {}
    for event in about:
        kind, code = event.subject_kind, event.subject
        known = KINDS.get(kind, Kind(kind))
        is_open = bool(known.page) and code in found.get(kind, codes[kind])
        subjects[event.pk] = Subject(
            names.get(code, code) if kind == "people.person" else code,
            str(known.words),
            _page(reader, known, code) if is_open else "",
        )
    return subjects


def _page(reader: Any, kind: Kind, code: str) -> str:
    """The address, where the page's own rule lets the reader in."""
    url = reverse(f"portal:{kind.page}", args=kind.arguments(code))
    rule = resolve(url).func.access_rule  # type: ignore[attr-defined]
    return url if rule in (EVERYBODY, SIGNED_IN) or may(reader, rule) else ""
