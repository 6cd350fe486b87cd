"""The worker is killed while it simulates a study: the next one takes it up. Real processes, a real database."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.concurrency.test_two_officers import ROOT, environment, run, start

__all__ = ["environment"]

ASK = """
from django.core.management import call_command
call_command("migrate", verbosity=0)
from tests.factories.traces import UNITS, kept_workload
from tests.factories.world import make_person
from fabriek.foresight.actions import ask_study
from fabriek.foresight.asking import Asked
from fabriek.foresight.policies import StudyPolicy
board = make_person("board")
question = Asked("Does it go on?", StudyPolicy(backfill="none"), StudyPolicy(), units=UNITS, count=2)
ask_study(board, kept_workload(board), question)
"""

# Takes it up in a process of its own, and is never heard of again.
HANG = """
from fabriek.foresight import working
simulator = working.Simulator()
simulator.tick()
(folder / "pid").write_text(str(simulator.works[0].apart.process.pid))
time.sleep(600)
"""

LATER = """
from datetime import timedelta
from django.utils import timezone
from fabriek.foresight.models import StudyRun
StudyRun.objects.filter(state="simulating").update(lease_until=timezone.now() - timedelta(seconds=1))
"""

TELL = """
from fabriek.foresight.models import StudyAnswer, StudyRun
print(StudyRun.objects.get().state, StudyRun.objects.get().attempts, StudyAnswer.objects.count())
"""


def _waited_for(path: Path, process: subprocess.Popen[str]) -> str:
    for _ in range(6000):
        if path.exists() and path.read_text():
            return path.read_text()
        assert process.poll() is None, process.communicate()[1][-3000:]
        time.sleep(0.01)
    raise AssertionError("it never took anything up")


@pytest.mark.slow
def test_a_killed_worker_loses_no_study_and_its_process_ends_with_it(
    environment: dict[str, str], tmp_path: Path
) -> None:
    run(environment, ASK)
    process = start(environment, HANG)
    simulating = int(_waited_for(tmp_path / "pid", process))
    assert run(environment, TELL).split() == ["simulating", "0", "0"]
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=30)
    run(environment, LATER)
    subprocess.run(
        [sys.executable, "-m", "fabriek.cli.main", "work", "--once"],
        env=environment, cwd=ROOT, check=True, timeout=600,
    )  # fmt: skip
    assert run(environment, TELL).split() == ["simulated", "1", "1"]
    # The orphan ends when it says something and nobody listens, which it did at the latest with its next step.
    for _ in range(6000):
        if not Path(f"/proc/{simulating}").exists():
            break
        time.sleep(0.01)
    assert not Path(f"/proc/{simulating}").exists()
