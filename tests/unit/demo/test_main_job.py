"""The main job: from a promise to accounted hours, once, whatever interrupts it."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings

from fabriek.access.models import Application, Decision
from fabriek.allocation.plan import load_plan
from fabriek.allocation.problem import load_problem
from fabriek.allocation.verify import verify
from fabriek.catalogue.models import Entry
from fabriek.demo import main_job
from fabriek.demo.export import export_all
from fabriek.demo.figures import lines
from fabriek.foresight.models import Study, Workload
from fabriek.ledger.queries import allocation_hours, check, totals
from fabriek.operations.models import Job, UsageProof, UsageRecord
from fabriek.operations.queries import differences
from fabriek.people.models import Person
from fabriek.projects.models import Allocation
from fabriek.promises.queries import measured_promises
from fabriek.register.models import Link
from fabriek.reports.access_time import Amounts, access_time, together
from fabriek.reports.access_time import total as access_total
from fabriek.reports.periods import Period

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, settings: Any) -> None:
    settings.FABRIEK_FOLDER = tmp_path
    assert tmp_path == django_settings.FABRIEK_FOLDER


def run(until: int | None = None) -> None:
    for step in main_job.steps()[:until]:
        step.run(lambda: None)


def test_the_whole_way_and_a_second_time(tmp_path: Path) -> None:
    run()
    assert main_job.is_finished()
    decision = Decision.objects.get(state="published")
    assert verify(load_problem(decision.problem.encode()), load_plan(decision.plan)) == []
    assert load_plan(decision.plan).value >= decision.greedy_value
    assert not Job.objects.exclude(state="COMPLETED").exists()
    assert UsageRecord.objects.count() == Job.objects.count() > 10
    assert all(one.holds for one in measured_promises())
    [baseline] = [one for one in measured_promises() if one.terms.kind == "baseline"]
    assert baseline.share > baseline.required["decided"] > 0
    scientist = Person.objects.get(email="scientist@demo.example")
    assert scientist.applications.filter(state="awarded", organisation_class="academia").exists()
    proof = UsageProof.objects.get()
    assert not proof.differs
    midnight = datetime.combine(proof.day, time(tzinfo=UTC)).timestamp()
    ended = UsageRecord.objects.filter(end__gte=midnight)
    assert sum(line["accounted"][0] for line in proof.lines) == ended.count()
    assert list(Link.objects.filter(is_demo=True).values_list("to_site__code", flat=True)) == ["demo-utrecht"]
    assert check() == []
    from fabriek.operations.models import Cluster

    assert differences(Cluster.objects.get()) == []
    used = sum(line.used for line in lines() if not line.organisation_class)
    assert round(used * 3600) == sum(UsageRecord.objects.values_list("accelerator_seconds", flat=True))

    # The reports that the law demands say the same, state by state.
    cells = access_time(Period(date(2000, 1, 1), date(2100, 1, 1)))
    assert access_total(cells).used == round(used * 3600)
    awarded = sum(one.awarded for one in allocation_hours(Allocation.objects.values("code")).values())
    assert access_total(cells).granted == sum(together(cells, "country").values(), Amounts()).granted == awarded

    assert Entry.objects.filter(is_demo=True, state="published").count() == 4

    before = (totals(), Application.objects.count(), Decision.objects.count(), Job.objects.count())
    run()
    assert (totals(), Application.objects.count(), Decision.objects.count(), Job.objects.count()) == before

    files = export_all(tmp_path / "export")
    manifest = json.loads((tmp_path / "export" / "manifest.json").read_text())
    assert {row["file"] for row in manifest["files"]} == {name for name, _rows in files}
    assert not any("fbk_" in path.read_text() for path in (tmp_path / "export").iterdir())


def test_interrupted_after_any_step_it_ends_in_the_same_state() -> None:
    """Rule 10: each step can be repeated; the decision is that of an uninterrupted run (rule 7)."""
    for until in range(1, len(main_job.steps()) + 1):
        run(until)
    assert main_job.is_finished()
    assert Decision.objects.filter(state="published").count() == 1
    assert Application.objects.exclude(state="draft").count() == 50
    assert UsageRecord.objects.count() == Job.objects.count()
    assert (Study.objects.count(), Workload.objects.count()) == (1, 1)
    assert check() == []
