"""Who may use a project, what it is called, and how an award lies over its months. Pure but for the models' fields."""

from __future__ import annotations

import hashlib
from datetime import date, datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _

from fabriek.people.permissions import may
from fabriek.projects.models import Project

LONGEST_ACCOUNT = 42
"""Characters of a project's code. It is its account's name in Slurm, whose database tells names apart by so many."""


def shortened(code: str, most: int = LONGEST_ACCOUNT) -> str:
    """A code of at most `most` characters, always the same one. One that is too long keeps its beginning and ends in a
    digest of the whole, so that it can be told from every other that begins alike."""
    if len(code) <= most:
        return code
    digest = hashlib.sha256(code.encode()).hexdigest()[:8]
    return f"{code[: most - len(digest) - 1].rstrip('-')}-{digest}"


def spread_evenly(seconds: int, months: int) -> list[int]:
    """Split seconds over months so that they add up exactly; the first months get the odd seconds."""
    each, odd = divmod(seconds, months)
    return [each + (1 if number < odd else 0) for number in range(months)]


def months_between(starts: date, ends: date) -> list[date]:
    """First days of the months in [starts, ends)."""
    months, month = [], starts.replace(day=1)
    while month < ends:
        months.append(month)
        month = (month + timedelta(days=32)).replace(day=1)
    return months


def month_after(month: date, number: int) -> date:
    """The first day of the month that lies `number` months later (or earlier)."""
    index = month.year * 12 + month.month - 1 + number
    return date(index // 12, index % 12 + 1, 1)


def is_running(project: Project, on: date | datetime) -> bool:
    """Whether the project's hours may be used on this day."""
    day = on.date() if isinstance(on, datetime) else on
    return project.ended_at is None and project.starts <= day < project.ends


def is_member(person: Any, project: Project) -> bool:
    """Whether this person is in the project now."""
    if person is None or not person.is_authenticated:
        return False
    return project.members.filter(person=person, left_at__isnull=True).exists()


def leads(person: Any, project: Project) -> bool:
    """Whether this person leads the project."""
    return bool(
        person is not None
        and person.is_authenticated
        and project.members.filter(person=person, left_at__isnull=True, role="lead").exists()
    )


def may_read(person: Any, project: Project) -> bool:
    """Members, and the roles that may read all projects."""
    return may(person, "read projects") or is_member(person, project)


def report_is_due(project: Project, on: date) -> bool:
    """Whether a final report may be handed in: from the project's last month on, or once it was ended."""
    return project.ended_at is not None or on >= month_after(project.ends.replace(day=1), -1)


def report_faults(results: str, unused_why: str, unused_seconds: int) -> dict[str, list[str]]:
    """What a final report lacks: results, and the reason where hours stay unused."""
    faults: dict[str, list[str]] = {}
    if not results.strip():
        faults["results"] = [_("Tell what came of it.")]
    if unused_seconds > 0 and not unused_why.strip():
        faults["unused_why"] = [_("Hours were not used. Say why.")]
    return faults
