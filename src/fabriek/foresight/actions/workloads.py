"""Workloads: taken in from a file, from what ran here, or as an example; deleted where no study is about them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any
from uuid import uuid4

from django.db import IntegrityError, transaction
from django.utils.text import slugify
from django.utils.translation import gettext as _

from fabriek.audit.actions import record
from fabriek.foresight import storage
from fabriek.foresight.actions.studies import KEPT
from fabriek.foresight.errors import WorkloadInUse, WorkloadInvalid
from fabriek.foresight.models import ClassesAre, Workload, WorkloadOrigin
from fabriek.foresight.recorded import recorded
from fabriek.foresight.trace_files import classes_in, days_of, packed, read_sent
from fabriek.people.models import Person
from fabriek.people.permissions import require
from fabriek.register.models import Partition
from fabriek.simulation.workloads.classes import By, shared_out, with_classes
from fabriek.simulation.workloads.trace import Trace, WorkloadBroken

MOST_WORKLOADS = 200
MOST_CLASSES = 12
_CLASS = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,39}")
"""What is also a name in Slurm."""


@dataclass(frozen=True)
class Classes:
    """Who is of which class: told by name (others: `others`), or made up so that the classes have these parts of all
    use. by: what the names are of. Neither: nobody knows."""

    told: Mapping[str, str] = field(default_factory=dict)
    others: str = ""
    made_up: Mapping[str, float] = field(default_factory=dict)
    by: By = "account"


def send_workload(actor: Person, name: str, content: bytes, classes: Classes, note: str = "") -> Workload:
    """Take in a file: SWF, sacct's output, a GPU trace; plain or gzip. Errors: WorkloadInvalid."""
    require(actor, "study policies")
    try:
        trace = read_sent(content)
    except WorkloadBroken as broken:
        raise WorkloadInvalid(str(broken), faults={"file": [str(broken)]}) from None
    trace, known = _classed(trace, classes)
    return keep_workload(actor, name, trace, WorkloadOrigin.SENT, known, note=note, left_out=len(trace.repairs.skipped))


def record_workload(actor: Person, name: str, partition: Partition, since: date, until: date) -> Workload:
    """Take what was submitted to a partition from a day until another, with programmes and classes; people are
    numbered. Errors: WorkloadInvalid."""
    require(actor, "study policies")
    if until <= since:
        raise WorkloadInvalid(_("The last day is before the first."), faults={"until": [_("Choose a later day.")]})
    trace = recorded(partition, since, until)
    if not len(trace.jobs):
        sentence = _("No job that was submitted to %(partition)s in these days has been recorded.")
        sentence %= {"partition": partition.code}
        raise WorkloadInvalid(sentence, faults={"since": [sentence]})
    return keep_workload(
        actor,
        name,
        trace,
        WorkloadOrigin.RECORDED,
        ClassesAre.RECORDED,
        partition=partition,
        note=f"{partition.code}, {since} – {until}",
        left_out=len(trace.repairs.skipped),
    )


def keep_workload(
    actor: Person,
    name: str,
    trace: Trace,
    origin: str,
    classes_are: str,
    *,
    partition: Partition | None = None,
    note: str = "",
    left_out: int = 0,
    is_demo: bool = False,
) -> Workload:
    """Keep a trace. Its file is there before its row, and goes with it. Errors: WorkloadInvalid; OSError."""
    require(actor, "study policies")
    name = name.strip()[:120]
    if not name:
        raise WorkloadInvalid(_("Give it a name."), faults={"name": [_("Give it a name.")]})
    if Workload.objects.count() >= MOST_WORKLOADS:
        raise WorkloadInvalid(_("There are too many workloads. Delete one first."))
    content, key = packed(trace), uuid4()
    storage.write(key, content)
    try:
        with transaction.atomic():
            workload = _coded(
                key=key,
                name=name,
                origin=origin,
                sha256=hashlib.sha256(content).hexdigest(),
                format=trace.format,
                jobs=len(trace.jobs),
                days=days_of(trace.jobs),
                units=trace.processors,
                classes=[{"class": one.klass, "jobs": one.jobs, "part": one.part} for one in classes_in(trace.jobs)],
                classes_are=classes_are,
                partition=partition,
                left_out=left_out,
                note=note.strip()[:500],
                made_by=actor,
                is_demo=is_demo,
            )
            record(actor, "foresight.keep_workload", workload, jobs=workload.jobs, sha256=workload.sha256)
    except BaseException:
        storage.erase(key)
        raise
    return workload


def _coded(**values: Any) -> Workload:
    """A new workload, called by its name; of two with one name, the later has a number."""
    wanted = slugify(values["name"])[:50] or "workload"
    for attempt in range(1, MOST_WORKLOADS + 2):
        code = wanted if attempt == 1 else f"{wanted}-{attempt}"
        if Workload.objects.filter(code=code).exists():
            continue
        try:
            with transaction.atomic():
                return Workload.objects.create(code=code, **values)
        except IntegrityError:
            continue
    raise WorkloadInvalid(_("There are too many workloads of this name."), faults={"name": [_("Choose another.")]})


def _classed(trace: Trace, classes: Classes) -> tuple[Trace, str]:
    """The trace with its classes, and how they are known."""
    jobs, told = trace.jobs, dict(classes.told)
    if not told and not classes.made_up:
        return trace, ClassesAre.NONE
    names = {*told.values(), *([classes.others] if told else []), *classes.made_up} - {""}
    for name in sorted(names):
        if not _CLASS.fullmatch(name):
            sentence = _("%(name)s can't be the name of a class: letters, digits, '-' and '_', at most 40.")
            raise WorkloadInvalid(sentence % {"name": name}, faults={"classes": [sentence % {"name": name}]})
    if len(names) > MOST_CLASSES:
        sentence = _("There can be %(most)s classes at most.") % {"most": MOST_CLASSES}
        raise WorkloadInvalid(sentence, faults={"classes": [sentence]})
    if told:
        if not told.keys() & set(getattr(jobs, f"{classes.by}s" if classes.by != "qos" else "qoses")):
            sentence = _("None of these names is in the file. Is it accounts, groups or users that they name?")
            raise WorkloadInvalid(sentence, faults={"classes": [sentence]})
        jobs = with_classes(jobs, told, classes.by, classes.others or "others")
        return replace(trace, jobs=jobs), ClassesAre.TOLD
    try:
        told = shared_out(jobs, classes.made_up, seed=1, by=classes.by)
    except ValueError as fault:
        raise WorkloadInvalid(str(fault), faults={"classes": [str(fault)]}) from None
    return replace(trace, jobs=with_classes(jobs, told, classes.by)), ClassesAre.MADE_UP


@transaction.atomic
def delete_workload(actor: Person, workload: Workload) -> None:
    """Delete a workload and its file. Errors: WorkloadInUse where studies are about it, deleted ones too."""
    require(actor, "study policies")
    about = workload.studies.count()
    if about:
        raise WorkloadInUse(
            _("%(number)s studies are about this workload, with those deleted in the last %(days)s days.")
            % {"number": about, "days": KEPT.days},
            studies=about,
        )
    record(actor, "foresight.delete_workload", workload, sha256=workload.sha256)
    key = workload.key
    workload.delete()
    transaction.on_commit(lambda: storage.erase(key))
