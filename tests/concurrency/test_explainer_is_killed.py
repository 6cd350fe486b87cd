"""The worker is killed while it finds out why: nothing is lost, the next one answers. Real processes and database."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.concurrency.test_two_officers import ROOT, WORLD, environment, run, start

__all__ = ["environment"]

ASK = """
from fabriek.access.models import Scenario
actions.ask_prices(Person.objects.get(email=sys.argv[1]), Scenario.objects.first(), "partitions")
"""

# Takes it up, by a process apart that is never heard of.
HANG = """
import socket
from fabriek.access.actions import Explainer
explainer = Explainer(socket.gethostname())
explainer.tick()
assert explainer.is_busy
(folder / "in the middle").touch()
time.sleep(600)
"""

TELL = """
from fabriek.access.models import Inquiry
one = Inquiry.objects.get()
print(one.state, len(one.answer) > 0)
"""

WORK = [sys.executable, "-m", "fabriek.cli.main", "work"]


def test_a_worker_that_is_killed_loses_nothing_and_the_next_one_answers(
    environment: dict[str, str], tmp_path: Path
) -> None:
    officer = run(environment, WORLD, "2").split()[-1]
    run(environment, ASK, officer)
    process = start(environment, HANG)
    for _ in range(6000):
        if (tmp_path / "in the middle").exists() or process.poll() is not None:
            break
        time.sleep(0.01)
    assert (tmp_path / "in the middle").exists(), process.communicate()[1][-3000:]
    assert run(environment, TELL).split() == ["solving", "False"]
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=30)
    subprocess.run([*WORK, "--once"], env=environment, cwd=ROOT, check=True, timeout=120)
    assert run(environment, TELL).split() == ["done", "True"]
