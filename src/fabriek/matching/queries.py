"""What fits a project or an application: candidates from the search index and columns, weighed by the rules.

Nothing is read but what is published, so that a match never tells of a draft; and of people and ventures only what they
agreed to be used so. What a project's application says is used
only for a reader who may read that application too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from fabriek.access import rules as access_rules
from fabriek.access.models import Application
from fabriek.catalogue.consents import agreed, outside
from fabriek.catalogue.models import Entry, EntryState, Purpose
from fabriek.catalogue.record import Record, RecordBroken, TalentDetails, VentureDetails, read_record
from fabriek.catalogue.search import terms
from fabriek.catalogue.search.finding import keys_of
from fabriek.catalogue.using import recipes_that_take
from fabriek.conf.errors import NotFound
from fabriek.matching.needs import Needs, needs_of
from fabriek.matching.rules import SECTIONS, Match, Section, best
from fabriek.people.models import Person
from fabriek.projects import rules as project_rules
from fabriek.projects.models import Project
from fabriek.recipes.recipe import Recipe

SHOWN = 6
"""Matches of a section."""
CONCEPTS = 3
"""Concepts of a project by which each section is searched, those named first."""
CANDIDATES = 24
"""Entries that each search adds to what is weighed."""
OPEN_FUNDING = 200
"""Programmes that are open, those that close first, which are weighed whatever they are about."""


@dataclass(frozen=True)
class Found:
    """An entry that fits, why, and the recipes that take it."""

    entry: Entry
    match: Match
    recipes: tuple[Recipe, ...] = ()


@dataclass(frozen=True)
class Fitting:
    """What fits, by section, in the order of `rules.SECTIONS`, empty ones too; and what it was looked for by."""

    needs: Needs
    sections: list[tuple[Section, list[Found]]]

    @property
    def is_empty(self) -> bool:
        """Whether nothing fits at all."""
        return not any(found for _section, found in self.sections)


def matches_of(subject: Project | Application, person: Any, today: date | None = None) -> Fitting:
    """What fits a project or an application, for somebody who may read it.

    Nine queries at most, whatever is in the catalogue (without an index one more for each search). Errors: NotFound,
    the same whether it isn't there or isn't for this person.
    """
    today = today or timezone.localdate()
    if isinstance(subject, Project):
        if not project_rules.may_read(person, subject):
            raise _no_project(subject.code)
        people = list(Person.objects.filter(memberships__project=subject, memberships__left_at__isnull=True))
        application = Application.objects.select_related("applicant", "call").filter(code=subject.application).first()
        if application is not None and not access_rules.may_read(person, application):
            application = None
    else:
        if not access_rules.may_read(person, subject):
            raise _no_application(subject.code)
        people, application = [subject.applicant], subject
    own = _own_entries(people)
    needs = _needs(subject, application, people, [record for _entry, record in own])
    pool, places = _candidates(subject.title, needs, today, {entry.pk for entry, _record in own})
    return Fitting(needs, [(section, _best(section, needs, pool, today, places[section.code])) for section in SECTIONS])


def matches_of_project(code: str, person: Any) -> tuple[Project, Fitting]:
    """A project and what fits it. Errors: NotFound. One query more than `matches_of`."""
    project = Project.objects.filter(code=code).first()
    if project is None:
        raise _no_project(code)
    return project, matches_of(project, person)


def matches_of_application(code: str, person: Any) -> tuple[Application, Fitting]:
    """An application and what fits it. Errors: NotFound. One query more than `matches_of`."""
    application = Application.objects.select_related("applicant", "call").filter(code=code).first()
    if application is None:
        raise _no_application(code)
    return application, matches_of(application, person)


def _no_project(code: str) -> NotFound:
    return NotFound(_("There is no project %(code)s.") % {"code": code})


def _no_application(code: str) -> NotFound:
    return NotFound(_("There is no application %(code)s.") % {"code": code})


def _needs(
    subject: Project | Application, application: Application | None, people: Iterable[Person], own: Sequence[Record]
) -> Needs:
    skills = [word for record in own if isinstance(record.details, TalentDetails) for word in record.details.skills]
    project = subject.code if isinstance(subject, Project) else ""
    ventures = [
        one for one in own if project and isinstance(one.details, VentureDetails) and one.details.project == project
    ]
    return needs_of(
        named=[subject.title, subject.summary, *((application.title, application.summary) if application else ()),
               *(application.keywords if application else ()),
               *(word for one in ventures for word in (*one.sectors, *one.keywords, one.summary))],
        heard=[application.method, application.data_statement] if application else [],
        known=[*skills, *(word for person in people for word in person.expertise)],
        organisation_class=subject.organisation_class,
        country=subject.country,
        commercial=subject.commercial,
        venture=next((one.details for one in ventures if isinstance(one.details, VentureDetails)), None),
    )  # fmt: skip


def _own_entries(people: Sequence[Person]) -> list[tuple[Entry, Record]]:
    """What its people publish of themselves and of their ventures: it tells what they know and seek, and isn't
    offered to them. One query."""
    kinds = ("expert", "team", "venture")
    entries = Entry.objects.filter(
        steward__in=people, kind__in=kinds, state=EntryState.PUBLISHED, pk__in=agreed(Purpose.MATCHING)
    )
    return list(_readable(entries.order_by("code")))


Places = dict[str, dict[str, int]]
"""By section and code: at which place a search for the project's title found it."""


def _candidates(title: str, needs: Needs, today: date, own: set[int]) -> tuple[list[tuple[Entry, Record]], Places]:
    """All that is weighed: what the searches find, and what is open by its columns. Five queries at most."""
    searches = [asked for section in SECTIONS for asked in _searches(section, needs)]
    # Without words a search finds what is newest, which says nothing.
    titled = SECTIONS if title.strip() else ()
    titles = [(title, {"kind": list(section.kinds)}) for section in titled]
    lists = keys_of([*titles, *searches], CANDIDATES)
    keys = {key for found in lists for key in found}
    funding = Entry.objects.filter(
        Q(closes__isnull=True) | Q(closes__gte=today), state=EntryState.PUBLISHED, kind="funding"
    ).order_by(F("closes").asc(nulls_last=True), "code")
    keys |= {str(key) for key in funding.values_list("uuid", flat=True)[:OPEN_FUNDING]}
    # In no order and with no other condition, so that SQLite takes the index on the keys instead of reading all.
    there = Entry.objects.filter(uuid__in=keys).order_by()
    published = [one for one in there if one.state == EntryState.PUBLISHED and one.pk not in own]
    # Profiles, of those who agree to be found so.
    out = outside(published, Purpose.MATCHING)
    pool = list(_readable(one for one in published if one.pk not in out))
    codes = {str(entry.uuid): entry.code for entry, _record in pool}
    places: Places = {section.code: {} for section in SECTIONS}
    for section, found in zip(titled, lists[: len(titles)], strict=True):
        places[section.code] = {codes[key]: place for place, key in enumerate(found) if key in codes}
    return pool, places


def _searches(section: Section, needs: Needs) -> Iterator[tuple[str, dict[str, list[str]]]]:
    """The strongest concepts together, and each of them alone, among the kinds of a section."""
    filters = {"kind": list(section.kinds)}
    found = needs.ordered(*section.families, but=section.but)
    # What is known needs no course.
    wanted = [one for one in found if not (section.code == "training" and one in needs.known)]
    labels = [terms.label(one, "en") for one in wanted[:CONCEPTS]]
    together = [" ".join(labels)] if len(labels) > 1 else []
    for words in [*together, *labels]:
        yield words, filters
    if section.finds_all:
        yield "", filters


def _readable(entries: Iterable[Entry]) -> Iterator[tuple[Entry, Record]]:
    """Each with its record; one that another version of the platform wrote and that can't be read is passed over."""
    for entry in entries:
        try:
            yield entry, read_record(entry.record)
        except RecordBroken:
            continue


def _best(
    section: Section, needs: Needs, pool: Sequence[tuple[Entry, Record]], today: date, places: dict[str, int]
) -> list[Found]:
    by_code = {record.code: entry for entry, record in pool}
    chosen = best(section, needs, (record for _entry, record in pool), today, SHOWN, places)
    return [Found(by_code[one.record.code], one, _recipes(by_code[one.record.code], one)) for one in chosen]


def _recipes(entry: Entry, match: Match) -> tuple[Recipe, ...]:
    """Recipes that take it. Those of data read text, so that other data, also sound with its text, are not said to be
    taken."""
    details = match.record.details
    if details.kind == "dataset" and {one.casefold() for one in details.modalities} != {"text"}:
        return ()
    return tuple(recipe for recipe, _question in recipes_that_take(entry))
