"""Two officers decide at once; one is killed in the middle; the disk fills up. Real processes, a real database."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path
from typing import Any

import psycopg
import pytest

ROOT = Path(__file__).parents[2]

START = """
import os, sys, time, pathlib
os.environ["DJANGO_SETTINGS_MODULE"] = "fabriek.conf.settings"
import django
django.setup()
from fabriek.access import actions
from fabriek.access.models import Application, Decision, Outcome
from fabriek.ledger.queries import check
from fabriek.people.models import Person
folder = pathlib.Path(os.environ["FABRIEK_FOLDER"])
def meet(name, others):
    (folder / name).touch()
    while not all((folder / other).exists() for other in others):
        time.sleep(0.001)
"""

WORLD = """
from django.core.management import call_command
call_command("migrate", verbosity=0)
from tests.factories.world import make_organisation, make_person, make_submitted, make_world
world = make_world()
make_person("reviewer")
second = make_person("officer", organisation=make_organisation("public-sector", "FR"))
for _ in range(int(sys.argv[1])):
    application = make_submitted(world, gpu_hours=1)
    actions.check_eligibility(world.officer, application)
    for review in actions.assign_reviewers(world.officer, [application]):
        scores = {c["code"]: 4 for c in world.call.criteria}
        actions.submit_review(review.reviewer, review, scores, "Good.")
    actions.settle_consensus(world.officer, application)
for officer in (world.officer, second):
    actions.propose_decision(officer, [world.call])
print(world.officer.email, second.email)
"""

PUBLISH = """
officer, code, me, other = sys.argv[1:]
person, decision = Person.objects.get(email=officer), Decision.objects.get(code=code)
meet(me, [other])
from fabriek.conf.errors import Refused
try:
    actions.publish_decision(person, decision)
    print("published")
except Refused as refusal:
    print("refused", type(refusal).__name__)
"""

TELL = """
print(Decision.objects.filter(state="published").count(), Application.objects.filter(state="awarded").count(),
      Outcome.objects.count(), len(check()))
"""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """An empty platform of its own: SQLite in a temporary folder, or a new database of the PostgreSQL under test."""
    ours = {**os.environ, "FABRIEK_FOLDER": str(tmp_path), "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'src'}"}
    server = os.environ.get("FABRIEK_DATABASE")
    if server:
        name = f"test_{uuid.uuid4().hex}"
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        ours["FABRIEK_DATABASE"] = f"{server.rpartition('/')[0]}/{name}"
    return ours


def start(environment: dict[str, str], script: str, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", START + script, *arguments]
    pipe: Any = subprocess.PIPE
    return subprocess.Popen(command, env=environment, cwd=ROOT, stdout=pipe, stderr=pipe, text=True)


def run(environment: dict[str, str], script: str, *arguments: str) -> str:
    process = start(environment, script, *arguments)
    # Making a database of its own takes long on a machine with load.
    output, errors = process.communicate(timeout=400)
    assert process.returncode == 0, errors[-3000:]
    return output.strip()


def proposals(environment: dict[str, str]) -> list[str]:
    return run(environment, 'print(*Decision.objects.order_by("code").values_list("code", flat=True))').split()


def test_two_officers_publish_at_once_and_one_is_told(environment: dict[str, str]) -> None:
    officers = run(environment, WORLD, "5").split()
    codes = proposals(environment)
    assert len(codes) == 2
    both = [
        start(environment, PUBLISH, officers[0], codes[0], "first", "second"),
        start(environment, PUBLISH, officers[1], codes[1], "second", "first"),
    ]
    said = []
    for process in both:
        output, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors[-3000:]
        said.append(output.strip())
    assert sorted(said) == ["published", "refused DecisionStale"]
    assert run(environment, TELL) == "1 5 5 0"


def test_an_officer_who_is_killed_in_the_middle_has_decided_nothing_and_can_do_it_again(
    environment: dict[str, str], tmp_path: Path
) -> None:
    officer = run(environment, WORLD, "5").split()[0]
    code = proposals(environment)[0]
    slow = """
from fabriek.access.actions import decisions
award = decisions._award
def slowly(*arguments):
    award(*arguments)
    (folder / "in the middle").touch()
    time.sleep(60)
decisions._award = slowly
actions.publish_decision(Person.objects.get(email=sys.argv[1]), Decision.objects.get(code=sys.argv[2]))
"""
    process = start(environment, slow, officer, code)
    for _ in range(3000):
        if (tmp_path / "in the middle").exists():
            break
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=30)
    assert (tmp_path / "in the middle").exists()
    assert run(environment, TELL) == "0 0 0 0"
    again = "actions.publish_decision(Person.objects.get(email=sys.argv[1]), Decision.objects.get(code=sys.argv[2]))"
    run(environment, again, officer, code)
    assert run(environment, TELL) == "1 5 5 0"


MOVE = """
officer, me, other = sys.argv[1:]
from fabriek.programmes.models import Programme
from fabriek.programmes.moving import reallocate
from fabriek.register.models import Partition
from tests.factories.world import MONTH
from fabriek.conf.errors import Refused
one, another = (Programme.objects.get(code=code) for code in ("eu-science", "eu-industrial-entry"))
person, partition = Person.objects.get(email=officer), Partition.objects.get()
hours = partition.nodes * 4 * 100 * 3600
meet(me, [other])
try:
    print(reallocate(person, partition, MONTH, one, another, hours, "unused").code)
except Refused as refusal:
    print("refused", type(refusal).__name__)
"""


def test_two_officers_move_hours_at_once_and_both_are_on_record(environment: dict[str, str]) -> None:
    officers = run(environment, WORLD, "1").split()
    both = [
        start(environment, MOVE, officers[0], "first", "second"),
        start(environment, MOVE, officers[1], "second", "first"),
    ]
    said = []
    for process in both:
        output, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors[-3000:]
        said.append(output.strip())
    assert [code.rpartition("-")[2] for code in sorted(said)] == ["0001", "0002"]
    assert run(environment, "print(len(check()))") == "0"


def test_a_worker_that_is_killed_leaves_its_task_to_the_next_one(environment: dict[str, str], tmp_path: Path) -> None:
    officer = run(environment, WORLD, "1").split()[0]
    ask = """
from fabriek.access.actions import tasks
from fabriek.access.models import Call
import itertools
from tests.factories import world as factories
from tests.factories.world import World, make_draft
factories._numbers = itertools.count(1000)
from fabriek.register.models import Factory, Partition
call, person = Call.objects.get(), Person.objects.get(email=sys.argv[1])
world = World(person, person, Factory.objects.get(), Partition.objects.get(), None, call)
for _ in range(4):
    draft = make_draft(world, gpu_hours=1)
    actions.submit_application(draft.applicant, draft)
tasks.AT_ONCE = 0
print(actions.do_with_all(person, call, "check").pk)
"""
    run(environment, ask, officer)
    slow = """
from fabriek.access.actions import applications
check = applications.check_eligibility
def slowly(*given):
    if (folder / "one").exists():
        (folder / "in the middle").touch()
        time.sleep(60)
    (folder / "one").touch()
    return check(*given)
applications.check_eligibility = slowly
from fabriek.cli.work import work
work(folder)
"""
    process = start(environment, slow)
    for _ in range(3000):
        if (tmp_path / "in the middle").exists():
            break
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=30)
    tell = """
from fabriek.access.models import Task
task = Task.objects.get()
print(task.state, Application.objects.filter(state="eligible").count())
"""
    assert run(environment, tell) == "running 1"
    assert run(environment, "from fabriek.cli.work import work; print(work(folder, once=True))") == "1"
    assert run(environment, tell) == "done 4"


@pytest.mark.skipif("FABRIEK_DATABASE" in os.environ, reason="fills a database file of SQLite")
def test_a_full_disk_is_told_and_loses_nothing(environment: dict[str, str]) -> None:
    officer = run(environment, WORLD, "60").split()[0]
    code = proposals(environment)[0]
    # SQLite refuses to grow beyond max_page_count as it does on a full disk: SQLITE_FULL.
    full = """
from django.conf import settings
from django.db import OperationalError, connection
from django.test import Client
settings.ALLOWED_HOSTS = ["testserver"]
client = Client()
client.force_login(Person.objects.get(email=sys.argv[1]))
with connection.cursor() as cursor:
    cursor.execute("CREATE TABLE filling (x)")
    pages = cursor.execute("PRAGMA page_count").fetchone()[0]
    cursor.execute(f"PRAGMA max_page_count = {pages}")
    # What is free inside the file is filled first, large pieces and then small ones.
    for size in (3000, 10):
        try:
            while True:
                cursor.execute(f"INSERT INTO filling VALUES (zeroblob({size}))")
        except OperationalError:
            pass
page = client.post(f"/decisions/{sys.argv[2]}/publish/", {"why": "", "confirm": "yes"})
print(page.status_code, "disk is full" in page.content.decode())
"""
    assert run(environment, full, officer, code) == "507 True"
    assert run(environment, TELL) == "0 0 0 0"
    run(
        environment,
        'from django.db import connection\nconnection.cursor().execute("DROP TABLE filling")\n'
        "actions.publish_decision(Person.objects.get(email=sys.argv[1]), Decision.objects.get(code=sys.argv[2]))",
        officer,
        code,
    )
    assert run(environment, TELL) == "1 60 60 0"
