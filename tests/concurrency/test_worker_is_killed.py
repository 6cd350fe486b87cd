"""The worker is killed in the middle: nothing is lost, and the next one answers. Real processes, a real database."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.concurrency.test_two_officers import ROOT, WORLD, environment, run, start

__all__ = ["environment"]

ASK = """
from fabriek.access.models import Call
for email in sys.argv[1:]:
    print(actions.ask_scenario(Person.objects.get(email=email), list(Call.objects.all())).code)
"""

# Takes up what is asked and is never heard of again.
HANG = """
from fabriek.access import solving
solver = solving.Solver(at_once=2)
solver.tick()
assert len(solver.works) == 2
(folder / "in the middle").touch()
time.sleep(600)
"""

TELL = """
from fabriek.access.models import ScenarioRun, ScenarioAnswer
print(*ScenarioRun.objects.order_by("pk").values_list("state", flat=True), ScenarioAnswer.objects.count())
"""

LATER = """
from datetime import timedelta
from django.utils import timezone
from fabriek.access.models import ScenarioRun
ScenarioRun.objects.filter(state="solving").update(lease_until=timezone.now() - timedelta(seconds=1))
"""


def test_a_worker_that_is_killed_loses_nothing_and_the_next_one_answers_both_officers(
    environment: dict[str, str], tmp_path: Path
) -> None:
    officers = run(environment, WORLD, "3").split()[-2:]
    run(environment, ASK, *officers)
    process = start(environment, HANG)
    for _ in range(6000):
        if (tmp_path / "in the middle").exists() or process.poll() is not None:
            break
        time.sleep(0.01)
    assert (tmp_path / "in the middle").exists(), process.communicate()[1][-3000:]
    assert "solving" in run(environment, TELL)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=30)
    # Its lease runs out, as it does by itself after some seconds.
    run(environment, LATER)
    subprocess.run(
        [sys.executable, "-m", "fabriek.cli.main", "work", "--once"],
        env=environment, cwd=ROOT, check=True, timeout=120,
    )  # fmt: skip
    states = run(environment, TELL).split()
    assert set(states[:-1]) == {"solved"}
    assert int(states[-1]) == len(states) - 1


# The worker itself, with a task that doesn't end and a solver that never answers.
BUSY = """
from fabriek.access import solving
from fabriek.access.actions import applications
def for_ever(*_given):
    (folder / "at a task").touch()
    time.sleep(600)
applications.check_eligibility = for_ever
from multiprocessing import Pipe
class Silent:
    pipe, other = Pipe()
    def messages(self):
        (folder / "at a scenario").touch()
        return []
    def stop(self):
        pass
solving.Solver.__init__.__defaults__ = (2, lambda _question: Silent())
from fabriek.cli.work import work
work(folder)
"""

TASK = """
from fabriek.access.actions import tasks
from fabriek.access.models import Call
from tests.factories import world as factories
from tests.factories.world import World, make_draft
import itertools
factories._numbers = itertools.count(1000)
from fabriek.register.models import Factory, Partition
call, person = Call.objects.get(), Person.objects.get(email=sys.argv[1])
world = World(person, person, Factory.objects.get(), Partition.objects.get(), None, call)
draft = make_draft(world, gpu_hours=1)
actions.submit_application(draft.applicant, draft)
tasks.AT_ONCE = 0
print(actions.do_with_all(person, call, "check").pk)
"""

BOTH = """
from fabriek.access.models import ScenarioRun, Task
print(Task.objects.get().state, *ScenarioRun.objects.order_by("pk").values_list("state", flat=True))
"""


def test_one_worker_is_at_a_task_and_a_scenario_at_once_and_both_survive_its_death(
    environment: dict[str, str], tmp_path: Path
) -> None:
    officers = run(environment, WORLD, "1").split()[-2:]
    run(environment, ASK, officers[0])
    run(environment, TASK, officers[0])
    process = start(environment, BUSY)
    marks = [tmp_path / "at a task", tmp_path / "at a scenario"]
    for _ in range(6000):
        if all(mark.exists() for mark in marks) or process.poll() is not None:
            break
        time.sleep(0.01)
    assert all(mark.exists() for mark in marks), process.communicate()[1][-3000:]
    task, *scenarios = run(environment, BOTH).split()
    assert task == "running"
    assert "solving" in scenarios
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=30)
    run(environment, LATER)
    command = [sys.executable, "-m", "fabriek.cli.main", "work", "--once", "--json"]
    done = subprocess.run(command, env=environment, cwd=ROOT, check=True, timeout=120, capture_output=True, text=True)
    assert json.loads(done.stdout)["ended"] == 2, "the task and the scenario"
    task, *scenarios = run(environment, BOTH).split()
    assert task == "done"
    assert set(scenarios) == {"solved"}


def test_a_worker_stops_when_it_is_told_and_puts_its_work_back(environment: dict[str, str]) -> None:
    officers = run(environment, WORLD, "1").split()[-2:]
    process = subprocess.Popen(
        [sys.executable, "-m", "fabriek.cli.main", "work"], env=environment, cwd=ROOT, stderr=subprocess.PIPE
    )
    run(environment, ASK, officers[0])
    # Until it has begun nobody knows whether it hears signals yet.
    for _ in range(60):
        if "asked" not in run(environment, TELL) or process.poll() is not None:
            break
        time.sleep(0.5)
    process.send_signal(signal.SIGTERM)
    _output, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert "solving" not in run(environment, TELL)
