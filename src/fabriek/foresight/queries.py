"""Reads: studies, workloads, what a study may be about. With the number of queries."""

from __future__ import annotations

import json
from typing import Any

from django.db.models import Count, F, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from fabriek.conf.errors import NotFound
from fabriek.conf.sorting import Column, ordered, place_among
from fabriek.foresight.errors import NotComputed
from fabriek.foresight.models import Study, StudyState, Workload
from fabriek.foresight.working import LINE
from fabriek.programmes.models import Promise
from fabriek.programmes.queries import promises_on
from fabriek.register.models import Partition

STUDY_COLUMNS: dict[str, Column] = {
    "name": "name",
    "workload": "workload__name",
    "units": "units",
    "asked_at": "asked_at",
    "asked_by": F("asked_by__name"),
    "state": place_among("run__state", StudyState.values),
}

WORKLOAD_COLUMNS: dict[str, Column] = {
    "name": "name",
    "jobs": "jobs",
    "days": "days",
    "made_at": "made_at",
    "studies": F("about"),
}


def studies(sort: str = "") -> QuerySet[Study]:
    """Those that aren't deleted, newest first, without their figures. One query."""
    found = Study.objects.filter(deleted_at__isnull=True).select_related("run", "workload", "asked_by", "partition")
    return ordered(found, sort, STUDY_COLUMNS, ("-asked_at", "-id"))


def study_of(code: str, *, deleted: bool = False) -> Study:
    """A study with its run, answer and workload. deleted: also one that was deleted. Errors: NotFound. One query."""
    found = Study.objects.filter(code=code).select_related(
        "run", "answer", "workload", "asked_by", "partition", "copied_from"
    )
    study = found.first()
    if study is None or (study.deleted_at is not None and not deleted):
        raise NotFound(_("There is no such study."))
    return study


def figures_of(study: Study) -> dict[str, Any]:
    """What came out: `fabriek/study/1`. Errors: NotComputed."""
    answer = getattr(study, "answer", None)
    if answer is None:
        raise NotComputed(_("%(code)s has no figures yet.") % {"code": study.code}, state=LINE.state_now(study.run))
    found: dict[str, Any] = json.loads(answer.figures)
    return found


def workloads(sort: str = "") -> QuerySet[Workload]:
    """All, by name, with how many studies are `about` each. One query."""
    about = Count("studies", filter=Q(studies__deleted_at__isnull=True))
    found = Workload.objects.select_related("made_by", "partition").annotate(about=about)
    return ordered(found, sort, WORKLOAD_COLUMNS, ("name", "id"))


def workload_of(code: str) -> Workload:
    """A workload. Errors: NotFound. One query."""
    found = Workload.objects.filter(code=code).select_related("partition", "made_by").first()
    if found is None:
        raise NotFound(_("There is no such workload."))
    return found


def machines() -> list[Partition]:
    """Partitions whose size is known, with their systems. Two queries."""
    found = Partition.objects.filter(nodes__isnull=False).exclude(accelerators_per_node=0, cores_per_node=None)
    return list(
        found.filter(Q(accelerators_per_node__gt=0) | Q(cores_per_node__gt=0))
        .select_related("system")
        .prefetch_related("sizes")
        .order_by("system__name", "name")
    )


def promised_floors() -> list[Promise]:
    """The floors that are promised today, for who wants to try them in the queue. One query."""
    return [promise for promise in promises_on(timezone.now().date()) if promise.kind == "floor"]
