"""What the demonstration has none of, so that its pages can be looked at: done on the pages, as people would."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

from tests.browser.test_whole_way import REVIEWERS, apply

TITLE = "Bicycle bells, told apart"


class Happened(NamedTuple):
    """The addresses of the draft, the open review (and whose it is), the task, and of data that moves."""

    draft: str
    review: str
    reviewer: str
    task: str
    data: list[str]


def let_things_happen(enter: Any, folder: Path) -> Happened:
    """A draft, an application in review, an objection, a change that was asked, maintenance, a link, moved hours,
    questions, a task."""
    founder, officer = enter("founder"), enter("officer")
    draft = founder_asks(founder)
    officer.goto("/decisions/")
    officer.get_by_role("link", name=re.compile("Playground")).last.click()
    officer.get_by_role("button", name="Check all").click()
    officer.get_by_role("button", name="Assign reviewers").click()
    move_hours(officer)
    declare(enter("operator"))
    ask_the_experts(founder)
    for who in REVIEWERS:
        page = enter(who)
        page.goto("/reviews/")
        if (link := page.get_by_role("link", name=TITLE)).count():
            return Happened(draft, str(link.get_attribute("href")), who, ask_for_a_task(folder), move_data(folder))
    raise AssertionError("nobody was given the review")


def founder_asks(page: Any) -> str:
    """One application submitted, one begun, an objection, a change."""
    apply(page, TITLE)
    page.goto("/calls/")
    page.get_by_role("link", name=re.compile("^Playground")).click()
    page.get_by_role("button", name="Apply").click()
    draft: str = re.sub(r"^https?://[^/]+|[a-z]+/$", "", page.url)
    page.goto("/applications/")
    page.get_by_role("row").filter(has_text="Not awarded").get_by_role("link").first.click()
    page.locator("details:has(textarea[name=text]) > summary").click()
    page.locator("textarea[name=text]").fill("The score of the method does not fit its remark.")
    page.locator("form[action$='/object/'] button").click()
    page.get_by_text("Your objection was received").wait_for()
    page.goto("/projects/")
    page.locator("tbody a").first.click()
    page.goto(f"{page.url}hours/")
    page.locator("[name=change-hours]").fill("1")
    page.locator("[name=change-months]").fill("1")
    page.locator("[name=change-why]").fill("The data came a month late.")
    page.get_by_role("button", name="Ask", exact=True).click()
    page.get_by_role("heading", name="So far").wait_for()
    return draft


def ask_the_experts(page: Any) -> None:
    """From a project's page two questions, of which one is closed."""
    page.goto("/projects/")
    page.locator("tbody a").first.click()
    page.wait_for_url("**/projects/*/")
    project = page.url
    for subject in ("What does a checkpoint cost?", "Where does the data lie?"):
        page.goto(project)
        page.get_by_role("link", name="Ask an expert").click()
        page.locator("[name=factory]").select_option(index=1)
        page.locator("[name=subject]").fill(subject)
        page.locator("[name=text]").fill("In hours, for a model of a billion parameters.")
        page.locator("main form button[type=submit]").click()
        page.get_by_role("heading", name="What was said").wait_for()
    page.get_by_role("link", name="Close it").click()
    page.locator("main form button[type=submit]").click()
    page.get_by_role("link", name="Open it again").wait_for()


def move_hours(page: Any) -> None:
    """A reallocation, small enough to be in nobody's way."""
    page.goto("/programmes/reallocate/")
    page.locator("[name=partition]").select_option("molen/gpu")
    page.locator("[name=from_programme]").select_option("nl-demo")
    page.locator("[name=to_programme]").select_option("eu-science")
    page.locator("[name=hours]").fill("1")
    page.locator("[name=why]").fill("To see it on the pages.")
    page.locator("main form button[type=submit]").last.click()
    page.get_by_text("Moved: 1").wait_for()


def declare(page: Any) -> None:
    """Maintenance and a link."""
    page.goto("/operations/maintenance/")
    page.locator("[name=partition]").select_option("molen/gpu")
    page.locator("[name=nodes]").fill("1")
    page.locator("[name=why]").fill("A leaking pump")
    page.locator("main form button[type=submit]").last.click()
    page.get_by_text("Planned.").wait_for()
    page.goto("/operations/links/new/")
    page.locator("[name=site]").select_option(index=1)
    page.locator("[name=other]").select_option(index=2)
    page.locator("[name=network]").fill("SURF and RCTS")
    page.locator("[name=gigabits_per_second]").fill("100")
    page.locator("[name=source]").fill("The operator's own word")
    page.locator("main form button[type=submit]").last.click()
    page.get_by_text("The link is declared").wait_for()


ASK = """
from fabriek.access.models import Call, Task, TaskVerb
from fabriek.people.models import Person
from datetime import date, timedelta
from django.utils import timezone
from fabriek.harvest.models import Run, Source
from fabriek.compute.wire import DailyProof, ProofLine, ProofRuns, ProvenRun, RollUp
from fabriek.operations.actions import note_proof_runs, prove_usage
from fabriek.operations.models import Cluster
from fabriek.projects.models import Project
cluster, day, who = Cluster.objects.first(), date(2026, 1, 5), {"account": Project.objects.first().code}
seconds = {"accelerator_seconds": 60, "core_seconds": 960}
told = {"records_accelerator_seconds": 60, "records_core_seconds": 960}
line = ProofLine(**who, partition="gpu", runs=1, **seconds)
_proof, places = prove_usage(cluster, DailyProof(day=day, lines=[line], roll_up=[RollUp(**who, **seconds, **told)]))
note_proof_runs(cluster, day, ProofRuns(places=places, runs=[ProvenRun(**who, partition="gpu", key="7/9", **seconds)]))
elsewhere = Source.objects.create(code="elsewhere", name="Elsewhere", kind="hub",
    address="https://hub.example/api/models", next_run=timezone.now() + timedelta(days=1))
run = Run.objects.create(source=elsewhere, state="failed", why="hub.example is not known", broken=1,
    started_at=timezone.now(), ended_at=timezone.now())
run.remarks.create(identifier="somebody/a-model", text="it is private or disabled", is_fault=True)
officer = Person.objects.get(email="officer@demo.example")
print(Task.objects.create(call=Call.objects.first(), verb=TaskVerb.SETTLE, total=0, asked_by=officer).pk)
"""


MOVE = """
import json
from datetime import date
from django.utils import timezone
from fabriek.operations.models import Cluster, ClusterPartition, Drift, Transfer
from fabriek.projects.models import Allocation, Project
from fabriek.register.models import Partition, Site, System
project = Project.objects.filter(members__person__email__startswith="founder").order_by("-id").first()
here = Cluster.objects.filter(partitions__allocations__project=project).first()
site = Site.objects.create(code="other-site", name="The other site", country="NL", is_demo=True)
system = System.objects.create(code="other", name="Other (demo)", site=site, country="NL", stage="operating",
    is_demo=True)
partition = Partition.objects.create(code="other/gpu", system=system, name="gpu", kind="gpu")
there = Cluster.objects.create(code="other", site=site, engine="slurm")
ClusterPartition.objects.create(cluster=there, partition=partition, name="gpu")
# Long over, so that nobody is offered its hours: data may still be there.
Allocation.objects.create(code=f"{project.code}-other", project=project, partition=partition, starts=date(2024, 1, 1),
    ends=date(2024, 2, 1), settled_at=timezone.now())
Cluster.objects.filter(pk=here.pk).update(transfer_ability={"storage": True})
Cluster.objects.filter(pk=there.pk).update(transfer_ability={"storage": True, "fetches_from": [here.code]})
who = project.members.get(role="lead").person
ends = {"project": project, "from_cluster": here, "to_cluster": there, "asked_by": who, "carried_by": "fetch"}
known = {"kind": "folder", "bytes_total": 10**12, "files_total": 1234, "measured_at": timezone.now(),
    "prepared_at": timezone.now(), "free_bytes": 10**13}
running = Transfer.objects.create(path="checkpoints", mode="move", state="running", bytes_done=4 * 10**11, speed=1e8,
    started_at=timezone.now(), **known, **ends)
failed = Transfer.objects.create(path="data/old", state="failed", error="no-room", error_detail="No space left",
    error_at=there, ended_at=timezone.now(), **known, **ends)
Drift.objects.create(cluster=there, account=project.code, partition="gpu",
    found=[{"what": "accelerator-seconds", "made": "3600", "found": "7200"}])
print(json.dumps([f"/projects/{project.code}/transfers/", f"/projects/{project.code}/transfers/new/",
    f"/transfers/{running.uuid}/", f"/transfers/{failed.uuid}/"]))
"""


def move_data(folder: Path) -> list[str]:
    """Addresses of pages of data that moves to a second site, which the demonstration has not. Beside it, an account
    there that somebody changed by hand."""
    return [str(address) for address in json.loads(_in_django(folder, MOVE))]


def ask_for_a_task(folder: Path) -> str:
    """The address of a task that the worker does: the pages make one of more than a hundred applications only, which
    the demonstration has not. Beside it, a day on which the ledger and the scheduler differ."""
    return f"/desk/tasks/{int(_in_django(folder, ASK))}/"


def _in_django(folder: Path, script: str) -> str:
    environment = {**os.environ, "FABRIEK_FOLDER": str(folder), "DJANGO_SETTINGS_MODULE": "fabriek.conf.settings"}
    command = [sys.executable, "-m", "django", "shell", "--no-imports", "-c", script]
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True, timeout=60).stdout
