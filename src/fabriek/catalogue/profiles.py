"""Reads of profiles: what somebody says of themselves and their ventures, what they agreed to, who looked and wrote."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Count, F, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from fabriek.catalogue.consents import agreed_of, purposes_of, wordings
from fabriek.catalogue.models import Consent, Entry, Letter, Look, Purpose
from fabriek.catalogue.queries import published
from fabriek.catalogue.rules import PROFILES, is_owner
from fabriek.catalogue.search.finding import search_for
from fabriek.conf.errors import NotFound
from fabriek.conf.sorting import Column, ordered
from fabriek.ledger.models import Unit
from fabriek.ledger.queries import allocation_hours
from fabriek.people.models import Person
from fabriek.projects.models import Member, Project

FORMAT = "fabriek/my-catalogue/1"


@dataclass(frozen=True)
class Agreement:
    """What is asked about a profile, and the answer. text, version: as they are now, in the reader's language. given:
    the consent that stands, or the last that stood; `stands` tells which."""

    purpose: Purpose
    text: str
    language: str
    version: int
    stands: bool
    given: Consent | None

    @property
    def asks_again(self) -> bool:
        """Whether it was agreed to in other words, and nobody has withdrawn it."""
        return self.given is not None and not self.stands and self.given.ending in ("", "reworded")


def profiles_of(person: Person) -> QuerySet[Entry]:
    """What somebody publishes of themselves, their teams and the projects that they lead, by kind and title."""
    led = Q(project__members__person=person, project__members__role="lead", project__members__left_at__isnull=True)
    mine = Q(steward=person, project=None) | Q(led, kind="venture")
    return Entry.objects.filter(mine, kind__in=PROFILES).select_related("project").order_by("kind", "title").distinct()


def projects_without_a_venture(person: Person) -> QuerySet[Project]:
    """The projects that somebody leads and that have no page of their own yet."""
    return Project.objects.filter(
        members__person=person, members__role="lead", members__left_at__isnull=True, ventures=None
    ).order_by("title")


def profile_of(person: Any, code: str) -> Entry:
    """A profile for its owner. Errors: NotFound, the same whether it isn't there or is somebody else's."""
    found = Entry.objects.select_related("project", "steward").filter(code=code, kind__in=PROFILES).first()
    if found is None or not is_owner(person, found):
        raise NotFound(_("You have no profile %(code)s.") % {"code": code})
    return found


def agreements(entry: Entry, language: str) -> list[Agreement]:
    """All that is asked about a profile, with the answers. Two queries."""
    stands, last = agreed_of(entry), {one.purpose: one for one in entry.consents.order_by("pk")}
    found = []
    for purpose in purposes_of(entry.kind):
        wording = wordings()[purpose]
        text, shown = wording.shown(language)
        found.append(Agreement(purpose, text, shown, wording.version, purpose in stands, last.get(purpose)))
    return found


@dataclass(frozen=True)
class Hours:
    """What a project used so far, in seconds, as the ledger has it."""

    accelerator_seconds: int
    core_seconds: int


def factory_hours(entry: Entry) -> Hours | None:
    """What a venture's project used on the factory; None: its owner doesn't tell, or it names no project. Three
    queries for ventures."""
    if entry.project_id is None or Purpose.HOURS not in agreed_of(entry):
        return None
    codes = list(entry.project.allocations.values_list("code", flat=True)) if entry.project else []
    units = (Unit.ACCELERATOR_SECONDS, Unit.CORE_SECONDS)
    return Hours(*(sum(one.used for one in allocation_hours(codes, unit).values()) for unit in units))


@dataclass(frozen=True)
class Week:
    """Looks of a week that begins on this Monday: by people who are named, and by others."""

    monday: date
    named: int
    others: int


def named_looks(entry: Entry) -> QuerySet[Look]:
    """Who looked and was told that it's seen, the last first. Who is in the project now is its own."""
    named = entry.looks.exclude(person=None).select_related("person__organisation").order_by("-day", "-id")
    if entry.project_id is None:
        return named
    members = Member.objects.filter(project=entry.project_id, left_at=None)
    return named.exclude(person__in=members.values("person"))


def looks_by_week(entry: Entry, today: date | None = None) -> list[Week]:
    """From the first week with a look to this one, none left out. Two queries."""
    today = today or timezone.now().date()
    named, others = (_counted(rows) for rows in (named_looks(entry), entry.looks.filter(person=None)))
    first = min([*named, *others], default=_monday(today))
    weeks = range((_monday(today) - first).days // 7 + 1)
    mondays = [first + timedelta(weeks=number) for number in weeks]
    return [Week(monday, named[monday], others[monday]) for monday in mondays]


def _counted(looks: QuerySet[Look]) -> Counter[date]:
    found: Counter[date] = Counter()
    for day, count in looks.order_by().values_list("day").annotate(n=Count("pk")):
        found[_monday(day)] += count
    return found


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def letters_to(entry: Entry) -> QuerySet[Letter]:
    """What was written to its owner, the last first."""
    return entry.letters.select_related("sender__organisation")


@dataclass(frozen=True)
class Ventures:
    """Ventures that are shown, as investors look for them. sectors: with how many there are, whatever the amount."""

    rows: QuerySet[Entry]
    sectors: list[tuple[str, int]]


SORTS: dict[str, Column] = {"title": "title", "amount": F("seeks_amount"), "changed": "changed_at"}


def ventures(sector: str = "", least: int | None = None, most: int | None = None, sort: str = "") -> Ventures:
    """Ventures by sector and by what they seek, in whole euros. Where an amount is asked, those that tell none are left
    out. The last changed first. Three queries, and one for each slice."""
    search = search_for("", {"kind": ["venture"], "sector": [sector] if sector else []})
    rows = published().filter(uuid__in=search.keys())
    if least is not None:
        rows = rows.filter(seeks_amount__gte=least)
    if most is not None:
        rows = rows.filter(seeks_amount__lte=most)
    sectors = [(one.value, one.count) for one in search.facets().get("sector", []) if one.count]
    return Ventures(ordered(rows, sort, SORTS, ["-changed_at", "pk"]), sectors)


def my_data(person: Person) -> dict[str, Any]:
    """All that the catalogue keeps of somebody, as JSON: for them to read and to take elsewhere (Regulation (EU)
    2016/679, Articles 15 and 20). A dozen queries, and one for each profile."""
    return {
        "format": FORMAT,
        "made_at": timezone.now().isoformat(),
        "person": {
            "name": person.name,
            "email": person.email,
            "language": person.language,
            "organisation": person.organisation.name if person.organisation else None,
        },
        "profiles": [_profile_data(entry) for entry in profiles_of(person)],
        "consents": [_consent_data(one) for one in person.consents.select_related("entry").order_by("pk")],
        "letters_sent": [
            {"to": one.entry.code, "text": one.text, "sent_at": one.sent_at.isoformat()}
            for one in person.letters_sent.select_related("entry").order_by("pk")
        ],
        "looks": [
            {"at": one.entry.code, "day": one.day.isoformat()}
            for one in Look.objects.filter(person=person).select_related("entry").order_by("pk")
        ],
        "searches": [
            {"name": one.name, "asked": one.asked, "created_at": one.created_at.isoformat()}
            for one in person.saved_searches.order_by("pk")
        ],
        "entries": list(
            Entry.objects.filter(steward=person).exclude(kind__in=PROFILES).order_by("code").values("code", "state")
        ),
    }


def _profile_data(entry: Entry) -> dict[str, Any]:
    return {
        "code": entry.code,
        "state": entry.state,
        "hidden_at": _said(entry.hidden_at),
        "hidden_because": entry.remark if entry.hidden_at else "",
        "created_at": _said(entry.created_at),
        "changed_at": _said(entry.changed_at),
        "record": entry.record,
        "letters": [
            {"from": one.sender.name, "text": one.text, "sent_at": one.sent_at.isoformat()} for one in letters_to(entry)
        ],
    }


def _consent_data(consent: Consent) -> dict[str, Any]:
    return {
        "profile": consent.entry.code if consent.entry else None,
        "purpose": consent.purpose,
        "version": consent.version,
        "language": consent.language,
        "text": consent.text,
        "given_at": _said(consent.given_at),
        "withdrawn_at": _said(consent.withdrawn_at),
        "ending": consent.ending,
    }


def _said(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
