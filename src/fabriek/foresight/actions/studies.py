"""Studies: asked, cancelled, asked again, deleted and taken back. What simulates them is in `foresight.working`."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from fabriek.audit.actions import record
from fabriek.conf.leases import back_in_line
from fabriek.foresight.asking import Asked, faults_of, units_of
from fabriek.foresight.errors import StudyInvalid, StudyUnderWay
from fabriek.foresight.models import Study, StudyRun, Workload
from fabriek.foresight.working import LINE
from fabriek.people.models import Person
from fabriek.people.permissions import require

MOST_WAITING = 20
"""Studies of one person."""

KEPT = timedelta(days=30)
"""How long what was deleted can be taken back."""


@transaction.atomic
def ask_study(
    actor: Person, workload: Workload, asked: Asked, *, copied_from: Study | None = None, is_demo: bool = False
) -> Study:
    """Keep a question; the worker takes it up. Nothing real changes. Errors: StudyInvalid, with faults by field."""
    require(actor, "study policies")
    units = asked.units or (units_of(asked.partition) if asked.partition else None)
    faults = faults_of(asked, workload, units)
    if StudyRun.objects.filter(study__asked_by=actor, state="asked").count() >= MOST_WAITING:
        faults.setdefault("name", []).append(_("Many studies of yours still wait. Ask again when some are simulated."))
    if faults:
        raise StudyInvalid(next(iter(faults.values()))[0], faults=faults)
    study = _numbered(
        name=asked.name.strip()[:160],
        why=asked.why.strip()[:500],
        workload=workload,
        partition=asked.partition,
        units=units,
        before=asked.before.model_dump(mode="json"),
        after=asked.after.model_dump(mode="json"),
        way=asked.way,
        count=asked.count,
        weeks=asked.weeks,
        demand=asked.changed_demand,
        demand_before=asked.demand_before,
        copied_from=copied_from,
        asked_by=actor,
        is_demo=is_demo,
    )
    StudyRun.objects.create(study=study)
    record(actor, "foresight.ask_study", study, why=study.why, workload=workload.code, after=study.after)
    return study


def _numbered(**values: Any) -> Study:
    """A new study with the next number of the day. Of two at once, one takes the number after."""
    prefix = f"study-{timezone.now().date():%Y-%m-%d}-"
    for attempt in range(10):
        number = Study.objects.filter(code__startswith=prefix).count() + 1 + attempt
        try:
            with transaction.atomic():
                return Study.objects.create(code=f"{prefix}{number:02d}", **values)
        except IntegrityError:
            continue
    raise StudyUnderWay(_("Too many studies were asked at this moment. Try again."))


@transaction.atomic
def cancel_study(actor: Person, study: Study) -> None:
    """Stop simulating: the worker lets go of it at once. The study stays. Errors: StudyUnderWay."""
    require(actor, "study policies")
    if not LINE.cancel(study.pk):
        raise StudyUnderWay(_("It is not being simulated any more. Load the page again to see what came of it."))
    record(actor, "foresight.cancel_study", study)


@transaction.atomic
def ask_study_again(actor: Person, study: Study) -> None:
    """Put a study that was cancelled, that failed, or whose worker was lost, in the line again. One that waits or is
    simulated stays as it is."""
    require(actor, "study policies")
    run = StudyRun.objects.select_for_update().get(pk=study.pk)
    if LINE.is_broken_off(run):
        back_in_line(run)
        record(actor, "foresight.ask_study_again", study)


@transaction.atomic
def delete_study(actor: Person, study: Study) -> None:
    """Take a study out of the list; what still waits is cancelled. It can be taken back for `KEPT`."""
    require(actor, "study policies")
    if Study.objects.filter(pk=study.pk, deleted_at__isnull=True).update(deleted_at=timezone.now()):
        LINE.cancel(study.pk)
        record(actor, "foresight.delete_study", study)


@transaction.atomic
def restore_study(actor: Person, study: Study) -> None:
    """Take back a deleted study, with its figures. One that is there stays."""
    require(actor, "study policies")
    if Study.objects.filter(pk=study.pk, deleted_at__isnull=False).update(deleted_at=None):
        record(actor, "foresight.restore_study", study)


def forget_deleted() -> int:
    """Delete for good what was deleted longer than `KEPT` ago: when a worker starts. Returns how many."""
    with transaction.atomic():
        return Study.objects.filter(deleted_at__lt=timezone.now() - KEPT).delete()[1].get("foresight.Study", 0)
