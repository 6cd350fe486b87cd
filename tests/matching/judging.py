"""The judged projects: what they are about, and how well each entry fits. How it was judged: judged.json itself.

nDCG@6, as many as a page shows of a section; see tests/search/judging.py for the measure. The peer is what somebody
would do without matching: search the catalogue, among the kinds of the section, for the project's title.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

from fabriek.catalogue.search import feeding
from fabriek.catalogue.search.finding import find
from fabriek.matching.queries import SHOWN, matches_of
from fabriek.matching.rules import SECTIONS
from fabriek.people.models import Organisation
from fabriek.projects.models import Project
from tests.factories.catalogue import make_entry
from tests.factories.world import make_allocation, make_person, make_world
from tests.search.judging import load_entries, ndcg

TODAY = date(2026, 12, 1)
KINDS = {section.code: list(section.kinds) for section in SECTIONS}


@dataclass(frozen=True)
class Judged:
    """A project, and of each judged section the grades 1 to 3 by entry; what isn't named is 0."""

    said: dict[str, Any]
    grades: dict[str, dict[str, int]]

    @property
    def title(self) -> str:
        return str(self.said["title"])


@lru_cache(maxsize=1)
def told() -> dict[str, Any]:
    """The file."""
    read: dict[str, Any] = json.loads((Path(__file__).parent / "judged.json").read_text())
    return read


def judged() -> tuple[Judged, ...]:
    """All of them."""
    return tuple(Judged(one, one["grades"]) for one in told()["projects"])


def compare() -> dict[str, dict[tuple[str, str], float]]:
    """nDCG@6 by project and section, of matching and of a plain search for the title."""
    load_entries()
    codes = _make_people()
    ours: dict[tuple[str, str], float] = {}
    plain: dict[tuple[str, str], float] = {}
    projects = [(one, _make_project(one)) for one in judged()]
    feeding.reconcile()
    for one, project in projects:
        fitting = matches_of(project, project.members.get().person, TODAY)
        found = {section.code: [row.entry.code for row in rows] for section, rows in fitting.sections}
        for section, grades in one.grades.items():
            by_code = {codes.get(name, name): grade for name, grade in grades.items()}
            hits = find(one.title, {"kind": KINDS[section]}, size=SHOWN).hits
            ours[one.title, section] = _of(found[section], by_code)
            plain[one.title, section] = _of([hit.entry.code for hit in hits], by_code)
    return {"ours": ours, "search for the title": plain}


def _of(found: list[str], grades: dict[str, int]) -> float:
    """1 where the best six that there are come in the best order: no more can be shown."""
    best = sorted(grades, key=lambda code: -grades[code])[:SHOWN]
    return ndcg(found[:SHOWN], grades) / ndcg(best, grades)


def _make_people() -> dict[str, str]:
    """The codes of the profiles, which the platform chooses, by the names of the file."""
    month = (TODAY + timedelta(days=31)).strftime("%Y-%m")
    text = json.dumps(told()["people"]).replace("NEXT", month)
    made = {}
    for said in json.loads(text):
        name, kind = said.pop("code"), said.pop("kind")
        made[name] = make_entry(kind, **said).code
    return made


def _make_project(one: Judged) -> Project:
    said = one.said
    organisation = Organisation.objects.create(
        code=f"judged-{Organisation.objects.count()}",
        name=one.title[:60],
        organisation_class=said["class"],
        country=said["country"],
    )
    lead = make_person(organisation=organisation)
    project = make_allocation(make_world(), lead=lead).project
    about = {"title": one.title, "summary": said["summary"], "organisation_class": said["class"]}
    Project.objects.filter(pk=project.pk).update(**about, country=said["country"], application="")
    project.refresh_from_db()
    if "seeks" in said:
        details = {"project": project.code, "seeks_amount": said["seeks"], "round": said["round"]}
        make_entry("venture", steward=lead, title=one.title, sectors=said["sectors"], details=details)
    return project


def lines(results: dict[str, dict[tuple[str, str], float]]) -> Iterator[str]:
    """A table by section, for people to read."""
    yield f"{'section':<12}{'judged':>8}" + "".join(f"{name:>24}" for name in results)
    first = next(iter(results.values()))
    for section in [*dict.fromkeys(section for _title, section in first), ""]:
        keys = [key for key in first if section in ("", key[1])]
        means = [sum(gains[key] for key in keys) / len(keys) for gains in results.values()]
        yield f"{section or 'all':<12}{len(keys):>8}" + "".join(f"{mean:>24.3f}" for mean in means)
