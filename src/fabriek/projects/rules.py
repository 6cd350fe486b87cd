"""Who may use a project, and how an award lies over its months. Pure but for the models' fields."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from fabriek.people.permissions import may
from fabriek.projects.models import Project


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
