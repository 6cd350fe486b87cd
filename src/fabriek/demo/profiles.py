"""Profiles of the demonstration: two experts, a team and a venture. Made up, marked as demo, and saying so themselves.

They are written and shown the way in which people do it: drafted, and agreed to by their owners.
"""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from fabriek.catalogue.actions import agree, draft_entry, look
from fabriek.catalogue.consents import purposes_of
from fabriek.catalogue.models import Entry
from fabriek.catalogue.words import record_from
from fabriek.demo.world import World
from fabriek.people.models import Person
from fabriek.projects.models import Project
from fabriek.projects.rules import month_after

MADE_UP = {"en": "Made up for the demonstration.", "nl": "Verzonnen voor de demonstratie."}

# address, kind, title, in Dutch, summary, in Dutch, more of the record
PEOPLE: tuple[tuple[str, str, str, str, str, str, dict[str, Any]], ...] = (
    (
        "sigrid@demo.example", "expert", "Sigrid, speech and language", "Sigrid, spraak en taal",
        "Trains speech recognition for languages with little data.",
        "Traint spraakherkenning voor talen met weinig data.",
        {"skills": ["speech recognition", "language models"], "countries": ["DE"], "seeks": ["recordings of dialects"]},
    ),
    (
        "marco@demo.example", "expert", "Marco, medical imaging", "Marco, medische beelden",
        "Segments scans with models that fit on one GPU.",
        "Segmenteert scans met modellen die op één GPU passen.",
        {"skills": ["image segmentation", "medical imaging"], "countries": ["FR"]},
    ),
    (
        "reviewer@demo.example", "team", "A team for forecasts", "Een team voor voorspellingen",
        "Five people who forecast demand and weather for energy.",
        "Vijf mensen die vraag en weer voorspellen voor energie.",
        {"skills": ["time series forecasting"], "countries": ["NL"], "seeks": ["pilot sites with meters"]},
    ),
)  # fmt: skip


def describe_people(world: World) -> str:
    """The profiles; what is there stays as it is."""
    month = timezone.localdate().replace(day=1)
    months = [{"month": f"{month_after(month, ahead):%Y-%m}", "hours": 40 * ahead} for ahead in (1, 2)]
    made = 0
    for address, kind, title, titel, summary, samenvatting, details in PEOPLE:
        person = Person.objects.get(email=address)
        if not Entry.objects.filter(steward=person, kind=kind).exists():
            _show(person, kind, (title, titel), (summary, samenvatting), {**details, "months": months})
            made += 1
    project = Project.objects.filter(is_demo=True, ended_at=None, organisation_class="startup").order_by("code").first()
    if project is not None and not project.ventures.exists():
        _venture(project, world.officer)
        made += 1
    return f"{made} profiles"


def _venture(project: Project, viewer: Person) -> None:
    """One page of a start-up's project, at which somebody has looked."""
    lead = project.members.get(role="lead").person
    details = {
        "project": project.code,
        "stage": "prototype",
        "round": "seed",
        "seeks_amount": 600_000,
        "seeks": ["a first customer"],
        "built": "A model that reads meter data, trained on the factory's GPUs.",
        "countries": ["NL"],
    }
    entry = _show(
        lead,
        "venture",
        ("A demonstration venture", "Een onderneming ter demonstratie"),
        (
            "Foresees what a neighbourhood's grid will need tomorrow.",
            "Voorziet wat het stroomnet morgen vraagt.",
        ),
        details,
        sectors=["energy"],
    )
    look(viewer, entry)


def _show(
    person: Person, kind: str, title: tuple[str, str], summary: tuple[str, str], details: dict[str, Any], **said: Any
) -> Entry:
    record = record_from(
        {
            "code": kind,
            "title": title[0],
            "summary": f"{summary[0]} {MADE_UP['en']}",
            "language": "en",
            "languages": ["en", "nl"],
            "translations": {"nl": {"title": title[1], "summary": f"{summary[1]} {MADE_UP['nl']}"}},
            **said,
            "details": {"kind": kind, **details},
        }
    )
    return agree(person, draft_entry(person, record, is_demo=True), purposes_of(kind))
