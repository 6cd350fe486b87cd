"""Data over a real ssh and with real kills: what was cut short goes on from where it was."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.factories.sshd import INSTALLED, Sshd
from tests.unit.compute.test_transfers import Ends, fill

from fabriek.compute.transfers import tasks
from fabriek.compute.transfers.children import MARK, Stopped
from fabriek.compute.transfers.part import Work

MIB = 1024 * 1024


@pytest.fixture
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "PAUSES", (0.1, 0.1))


@pytest.fixture
def sshd(tmp_path: Path) -> Iterator[Sshd]:
    if not INSTALLED:
        if os.environ.get("CI"):
            pytest.fail("openssh-server and rsync are not installed")
        pytest.skip("openssh-server and rsync are not installed")
    found = Sshd(tmp_path / "sshd")
    yield found
    found.stop()


def until(what: Callable[[], object], patience: float = 30) -> None:
    last = time.monotonic() + patience
    while not what():
        assert time.monotonic() < last, "it did not happen"
        time.sleep(0.02)


def marked(ends: Ends) -> list[int]:
    """Processes of the transfer's commands."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                environ = (folder / "environ").read_bytes()
            except OSError:
                continue
            if f"{MARK}={ends.uuid}".encode() in environ.split(b"\0"):
                found.append(int(folder.name))
    return found


def one_big_file(ends: Ends, size: int = 24 * MIB) -> None:
    (ends.here / "abc" / "data").mkdir()
    (ends.here / "abc" / "data" / "big").write_bytes(os.urandom(size))


def test_data_is_fetched_over_ssh(tmp_path, sshd):
    ends = Ends(tmp_path)
    ends.peer = sshd.peer(ends.here)
    fill(ends.here / "abc" / "data")
    here, there = ends.moved()
    assert here.digest == there.digest != ""


def test_data_is_brought_over_ssh(tmp_path, sshd):
    ends = Ends(tmp_path)
    fill(ends.here / "abc" / "data")
    assert ends.at_target("prepare").state == "done"
    settings = {"folder": str(ends.here), "bring": {"beta": sshd.peer(ends.there)}}
    task = ends.task(ends.here, ends.order("carry", way="bring", other="beta"))
    task.settings = tasks.TransferSettings.model_validate(settings)
    assert task.work().state == "done"
    assert ends.at_source("digest").digest == ends.at_target("digest").digest


@pytest.mark.skipif(shutil.which("rrsync") is None, reason="rrsync comes with rsync 3.2.4 and later")
@pytest.mark.parametrize("name", ["data", "$(touch hostile); it's", "a b"])
def test_a_key_that_rrsync_holds_to_reading_one_folder_is_enough_to_fetch(tmp_path, name):
    ends = Ends(tmp_path)
    sshd = Sshd(tmp_path / "sshd", forced=f"rrsync -ro {ends.here}")
    try:
        ends.peer = sshd.peer("/", restricted=True)
        fill(ends.here / "abc" / name)
        here, there = ends.moved(name)
        assert here.digest == there.digest != ""
        assert not list(tmp_path.rglob("hostile"))
    finally:
        sshd.stop()


def test_a_machine_that_is_not_known_and_a_key_that_is_not_taken_are_told_apart(tmp_path, sshd, no_pauses):
    ends = Ends(tmp_path)
    ends.peer = sshd.peer(ends.here)
    fill(ends.here / "abc" / "data")
    assert ends.at_target("prepare").state == "done"
    known = (sshd.folder / "known_hosts").read_text()
    (sshd.folder / "known_hosts").write_text("")
    assert ends.at_target("carry").error == "host-key"
    (sshd.folder / "known_hosts").write_text(known)
    (sshd.folder / "authorized").write_text("")
    assert ends.at_target("carry").error == "key-refused"
    sshd.stop()
    assert ends.at_target("carry").error == "unreachable"
    sshd.start()


def test_what_kill_9_of_rsync_cut_short_goes_on_from_the_middle_of_a_file(tmp_path, sshd, no_pauses):
    ends = Ends(tmp_path)
    one_big_file(ends, 16 * MIB)
    # So slow that a busy machine comes in time to kill it.
    ends.peer = sshd.peer(ends.here, limit_kib_per_second=2 * 1024)
    assert ends.at_target("prepare").state == "done"
    work = Work(ends.task(ends.there, ends.order("carry", bytes=16 * MIB)))
    until(lambda: work.report().bytes and work.report().bytes > 6 * MIB)
    running = marked(ends)
    assert len(running) == 3, "rsync, ssh and rsync's other half"
    for pid in running:
        os.kill(pid, signal.SIGKILL)
    until(lambda: work.report().error == "interrupted" or not work.alive)
    until(lambda: not work.alive)
    ended = work.report()
    assert (ended.state, ended.bytes) == ("done", 16 * MIB), ended
    assert ended.carried_bytes is not None
    assert ended.carried_bytes < 12 * MIB, "it did not begin anew"
    assert ends.at_source("digest").digest == ends.at_target("digest").digest


AGENT = """
import sys
from pathlib import Path
sys.path[:0] = [sys.argv[2], sys.argv[2] + "/src"]
from tests.unit.compute.test_transfers import Ends
ends = Ends.__new__(Ends)
ends.folder = Path(sys.argv[1])
ends.here, ends.there = ends.folder / "here", ends.folder / "there"
ends.peer = {"folder": str(ends.here), "limit_kib_per_second": 4096}
ends.at_target("carry")
"""


def test_an_agent_that_is_killed_leaves_no_copy_running_and_the_next_one_goes_on(tmp_path):
    ends = Ends(tmp_path)
    one_big_file(ends)
    assert ends.at_target("prepare").state == "done"
    words = [sys.executable, "-c", AGENT, str(tmp_path), str(Path(__file__).parents[3])]
    agent = subprocess.Popen(words)
    coming = ends.there / "abc" / ".fabriek" / ends.uuid / "coming"
    until(lambda: sum(file.stat().st_size for file in coming.iterdir()) > 6 * MIB)
    agent.kill()
    agent.wait()
    until(lambda: not marked(ends))
    ended = ends.at_target("carry", resumes=True, bytes=24 * MIB)
    assert (ended.state, ended.bytes) == ("done", 24 * MIB)
    assert ended.carried_bytes is not None
    assert ended.carried_bytes < 20 * MIB
    assert ends.at_source("digest").digest == ends.at_target("digest").digest


def test_the_next_agent_first_ends_what_is_left_running(tmp_path):
    """As an rsync that hangs, and so never notices that nobody reads it."""
    ends = Ends(tmp_path)
    fill(ends.here / "abc" / "data")
    assert ends.at_target("prepare").state == "done"
    left = subprocess.Popen(["sleep", "600"], env={**os.environ, MARK: ends.uuid})
    reaping = threading.Thread(target=left.wait)
    reaping.start()
    assert ends.at_target("carry", resumes=True).state == "done"
    reaping.join(10)
    assert left.returncode == -signal.SIGKILL


def test_what_is_stopped_ends_at_once_and_keeps_what_it_has(tmp_path):
    ends = Ends(tmp_path)
    one_big_file(ends)
    ends.peer["limit_kib_per_second"] = 4096
    assert ends.at_target("prepare").state == "done"
    work = Work(ends.task(ends.there, ends.order("carry", bytes=24 * MIB)))
    until(lambda: work.report().bytes and work.report().bytes > 4 * MIB)
    work.stop(10)
    assert not work.alive
    assert marked(ends) == []
    assert not (ends.there / "abc" / "data" / "big").exists(), "half a file never has the file's name"
    kept = ends.there / "abc" / ".fabriek" / ends.uuid / "partial" / "big"
    assert kept.stat().st_size > 2 * MIB
    with pytest.raises(Stopped):
        work.task.children.pause(0)
