"""Reads of harvesting."""

from __future__ import annotations

from uuid import UUID

from django.db.models import OuterRef, QuerySet, Subquery
from django.utils.translation import gettext as _

from fabriek.conf.errors import NotFound
from fabriek.harvest.models import Run, Source


def sources() -> QuerySet[Source]:
    """All, by name, each with its last run's state and start (`last_state`, `last_started`). One query."""
    last = Run.objects.filter(source=OuterRef("pk")).order_by("-started_at", "-id")
    return Source.objects.annotate(
        last_state=Subquery(last.values("state")[:1]), last_started=Subquery(last.values("started_at")[:1])
    ).order_by("name")


def source_of(code: str) -> Source:
    """The source of this code. Errors: NotFound. One query."""
    found = sources().filter(code=code).first()
    if found is None:
        raise NotFound(_("There is no source %(code)s.") % {"code": code})
    return found


def runs_of(source: Source) -> QuerySet[Run]:
    """Its runs, the newest first."""
    return source.runs.order_by("-started_at", "-id")


def run_of(uuid: UUID) -> Run:
    """The run of this uuid, with its source. Errors: NotFound. One query."""
    found = Run.objects.select_related("source").filter(uuid=uuid).first()
    if found is None:
        raise NotFound(_("There is no such run."))
    return found
