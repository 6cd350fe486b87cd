"""The embedded engine with real, short processes: limits, ends of every kind, and what it remembers after a crash."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest

from fabriek.compute.engine import SubmitRefused, difference
from fabriek.compute.local import LocalEngine, LocalPartition, load_engine, supervisor
from fabriek.compute.wire import AccountState, JobOrder

PARTITIONS = {"gpu": LocalPartition(nodes=1, accelerators_per_node=4, cores_per_node=8)}
PATIENCE = 120.0


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[LocalEngine]:
    made = LocalEngine(tmp_path, "bench", PARTITIONS)
    made.provision([account()])
    yield made
    for row in made._store.rows("SELECT id FROM job WHERE state IN ('PENDING', 'RUNNING')"):
        made.cancel(str(row["id"]))
    until(made, made.is_idle)
    made.close()


def account(seconds: int = 100_000, cores: int = 1_000_000, **other) -> AccountState:
    values = {"account": "vision", "partition": "gpu", "users": ["ann"]} | other
    return AccountState(accelerator_seconds_limit=seconds, core_seconds_limit=cores, **values)


def order(uuid: str, body: str = "true", directives: str = "--gpus=1 -t 1", **other) -> JobOrder:
    script = f"#!/bin/bash\n#SBATCH {directives}\n{body}\n"
    values = {"account": "vision", "user": "ann", "partition": "gpu", "name": "job"} | other
    return JobOrder(uuid=uuid, script=script, **values)


def until(engine: LocalEngine, what: Callable[[], bool]) -> None:
    """Tick until it is so. Fails after a long while; nothing is asserted about how long it took."""
    last = time.monotonic() + PATIENCE
    while not what():
        assert time.monotonic() < last, "it did not happen"
        engine.tick()
        time.sleep(0.02)


def state(engine: LocalEngine, job: str) -> str:
    return engine.report(job).state


def ended(engine: LocalEngine, job: str) -> bool:
    return state(engine, job) not in ("PENDING", "RUNNING")


def test_a_job_runs_and_its_output_and_its_record_are_there(engine):
    job = engine.submit(order("a", "echo out $SLURM_JOB_ID $SLURM_GPUS $SLURM_JOB_ACCOUNT; echo err >&2", "--gpus=2"))
    until(engine, engine.is_idle)
    report = engine.report(job)
    assert (report.state, report.output, report.error_output) == ("COMPLETED", f"out {job} 2 vision\n", "err\n")
    (record,), _cursor = engine.usage_since("", 10)
    assert (record.job_id, record.account, record.accelerators) == (job, "vision", 2)
    assert record.accelerator_seconds == 2 * (record.end - record.start) > 0


def test_a_script_sees_nothing_of_the_platforms_environment(engine, monkeypatch):
    monkeypatch.setenv("FABRIEK_TOKEN", "secret")
    job = engine.submit(order("a", "env"))
    until(engine, engine.is_idle)
    assert "secret" not in engine.report(job).output


def test_a_script_that_fails_or_cannot_start_is_a_failed_job(engine):
    failing = engine.submit(order("a", "exit 3"))
    broken = engine.submit(order("b").model_copy(update={"script": "#!/no/such/shell\ntrue\n"}))
    until(engine, engine.is_idle)
    assert [state(engine, failing), state(engine, broken)] == ["FAILED", "FAILED"]
    assert "could not be started" in engine.report(broken).error_output


def test_the_same_uuid_is_submitted_once(engine):
    first = engine.submit(order("a"))
    assert engine.submit(order("a")) == first == engine.find("a")
    assert engine.find("b") is None


def test_a_job_is_stopped_at_its_time_limit_with_all_that_it_started(engine):
    job = engine.submit(order("a", "sleep 600 & echo $!; sleep 600", "--gpus=1 -t 0:01"))
    until(engine, engine.is_idle)
    assert state(engine, job) == "TIMEOUT"
    assert not is_alive(int(engine.report(job).output))


def test_a_running_job_is_cancelled_and_billed_for_what_it_ran(engine):
    job = engine.submit(order("a", "sleep 600"))
    until(engine, lambda: state(engine, job) == "RUNNING")
    engine.cancel(job)
    until(engine, engine.is_idle)
    assert state(engine, job) == "CANCELLED"
    (record,), _cursor = engine.usage_since("", 10)
    assert record.state == "CANCELLED"


def test_a_waiting_job_is_cancelled_at_once_and_costs_nothing(engine):
    job = engine.submit(order("a"))
    engine.cancel(job)
    engine.tick()
    assert state(engine, job) == "CANCELLED"
    assert engine.usage_since("", 10) == ([], "")


def test_jobs_wait_for_room_in_the_order_in_which_they_came(engine):
    running = engine.submit(order("a", "sleep 600", "--gpus=3"))
    large = engine.submit(order("b", directives="--gpus=4"))
    small = engine.submit(order("c", directives="--gpus=1 -t 2:00:00"))
    engine.tick()
    assert [state(engine, job) for job in (running, large, small)] == ["RUNNING", "PENDING", "PENDING"]
    assert [engine.report(job).reason for job in (large, small)] == ["Resources", "Priority"]
    engine.cancel(running)
    until(engine, engine.is_idle)
    assert [state(engine, job) for job in (large, small)] == ["COMPLETED", "COMPLETED"]


def test_a_short_job_passes_one_that_waits_for_room_and_does_not_hold_it_up(engine):
    running = engine.submit(order("a", "sleep 600", "--gpus=3"))
    large = engine.submit(order("b", directives="--gpus=4"))
    short = engine.submit(order("c", directives="--gpus=1 -t 10"))
    until(engine, lambda: ended(engine, short))
    assert [state(engine, job) for job in (running, large, short)] == ["RUNNING", "PENDING", "COMPLETED"]


def test_a_job_that_takes_only_what_the_waiting_one_leaves_over_passes(engine):
    engine.submit(order("a", "sleep 600", "--gpus=3"))
    large = engine.submit(order("b", directives="--gpus=2"))
    long = engine.submit(order("c", directives="--gpus=1 -t 10:00:00"))
    second = engine.submit(order("d", directives="--gpus=1 -t 10:00:00"))
    until(engine, lambda: ended(engine, long) and ended(engine, second))
    assert state(engine, large) == "PENDING"


def test_a_job_passes_none_of_its_own_account_whose_budget_it_would_take(engine):
    engine.provision([account(seconds=400)])
    engine.provision([account(account="other")])
    engine.submit(order("a", "sleep 600", "--gpus=3", account="other"))
    large = engine.submit(order("b", directives="--gpus=4 -t 1:30"))
    short = engine.submit(order("c", directives="--gpus=1 -t 1"))
    engine.tick()
    assert [state(engine, job) for job in (large, short)] == ["PENDING", "PENDING"]


@pytest.mark.parametrize(
    ("directives", "output", "error"),
    [
        ("-o result-%j.txt", "work/result-1.txt", ""),
        ("-o logs/%x.%u -e logs/%4j.err", "work/logs/job.ann", "work/logs/0001.err"),
        ("-e only.err", "output", "work/only.err"),
        ("-o /dev/null -e wrong", "/dev/null", "work/wrong"),
    ],
)
def test_output_and_error_go_where_the_script_says(engine, tmp_path, directives, output, error):
    job = engine.submit(order("a", "echo out; echo err >&2", directives))
    until(engine, engine.is_idle)
    report = engine.report(job)
    folder = tmp_path / "jobs" / job
    both = not error
    assert report.state == "COMPLETED"
    if output != "/dev/null":
        assert (folder / output).read_text() == report.output == ("out\nerr\n" if both else "out\n")
    else:
        assert not report.output
    if error:
        assert (folder / error).read_text() == report.error_output == "err\n"


@pytest.mark.parametrize("path", ["/etc/passwd", "../other", "a/../../b", ".", "logs/", "x" * 300])
def test_output_outside_the_jobs_folder_is_refused(engine, path):
    for option in ("--output", "--error"):
        with pytest.raises(SubmitRefused, match="file"):
            engine.submit(order(f"{option}{path}", directives=f"{option}={path}"))


def test_a_name_with_a_slash_leads_nowhere_else(engine, tmp_path):
    job = engine.submit(order("a", "echo out", "-o %x -J ../../../escaped"))
    until(engine, engine.is_idle)
    assert (tmp_path / "jobs" / job / "work" / ".._.._.._escaped").read_text() == "out\n"


def test_output_that_cannot_be_opened_is_a_failed_job_that_says_so(engine):
    job = engine.submit(order("a", "echo out", "-o a -e a/b"))
    until(engine, engine.is_idle)
    assert state(engine, job) == "FAILED"
    assert "could not be started" in engine.report(job).error_output


def test_folders_of_jobs_that_ended_long_ago_go_and_their_records_stay(engine, tmp_path):
    old, new = engine.submit(order("a")), engine.submit(order("b"))
    until(engine, engine.is_idle)
    with engine._store.change() as change:
        change.execute('UPDATE job SET "end" = "end" - 40 * 86400, start = start - 40 * 86400 WHERE id = ?', (old,))
    running = engine.submit(order("c", "sleep 600"))
    again = LocalEngine(tmp_path, "bench", PARTITIONS, keep_days=30)
    again.tick()
    assert {path.name for path in (tmp_path / "jobs").iterdir()} == {new, running}
    records, _cursor = again.usage_since("", 10)
    assert {record.job_id for record in records} == {old, new}
    assert again.report(old).state == "COMPLETED"
    again.close()


def test_a_job_that_running_ones_may_leave_too_little_for_waits_until_they_end(engine):
    """Slurm's 'safe': running jobs count with their whole time limit."""
    engine.provision([account(seconds=100)])
    first = engine.submit(order("a", "sleep 600", "--gpus=1 -t 1"))
    second = engine.submit(order("b", "true", "--gpus=1 -t 1"))
    engine.tick()
    assert (state(engine, first), state(engine, second)) == ("RUNNING", "PENDING")
    assert engine.report(second).reason == "AssocGrpGRESMinutes"
    engine.cancel(first)
    until(engine, engine.is_idle)
    assert state(engine, second) == "COMPLETED"


def test_a_job_that_its_budget_holds_back_does_not_keep_others_from_the_machine(engine):
    engine.provision([account(seconds=100)])
    engine.provision([account(account="poor", seconds=400)])
    engine.submit(order("a", "sleep 600", "--gpus=1 -t 1"))
    held = engine.submit(order("b", directives="--gpus=1 -t 1"))
    free = engine.submit(order("c", directives="--gpus=1 -t 1", account="poor"))
    until(engine, lambda: ended(engine, free))
    assert (state(engine, held), state(engine, free)) == ("PENDING", "COMPLETED")


def test_core_hours_are_a_budget_too(engine):
    engine.provision([account(cores=100)])
    with pytest.raises(SubmitRefused, match="core-hours"):
        engine.submit(order("a", directives="-c 2 -t 1"))
    first = engine.submit(order("b", "sleep 600", "-c 1 -t 1"))
    second = engine.submit(order("c", directives="-c 1 -t 1"))
    engine.tick()
    assert (state(engine, first), state(engine, second)) == ("RUNNING", "PENDING")
    assert engine.report(second).reason == "AssocGrpCPUMinutesLimit"


def test_a_raised_limit_lets_the_waiting_job_start_and_keeps_what_was_used(engine):
    engine.provision([account(seconds=60)])
    engine.submit(order("a"))
    until(engine, engine.is_idle)
    with pytest.raises(SubmitRefused, match="left"):
        engine.submit(order("b"))
    engine.provision([account(seconds=600)])
    second = engine.submit(order("b"))
    until(engine, engine.is_idle)
    assert state(engine, second) == "COMPLETED"


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"directives": "--gpus=4 -t 10:00:00"}, "40.00 GPU-hours and 27.78 are left"),
        ({"directives": "--gpus=5"}, "5 GPUs"),
        ({"directives": "-N 2"}, "2 nodes"),
        ({"directives": "-c 9"}, "9 cores"),
        ({"directives": "--nonsense"}, "Line 2"),
        ({"directives": "-A other"}, "other"),
        ({"account": "nobody"}, "Invalid account"),
        ({"user": "bob"}, "bob is not a member"),
        ({"partition": "cpu"}, "no partition cpu"),
    ],
)
def test_what_can_never_run_is_refused_with_the_reason(engine, change, word):
    with pytest.raises(SubmitRefused) as refusal:
        engine.submit(order("a", **change))
    assert word in str(refusal.value)
    assert engine.is_idle()


def test_a_closed_or_ended_account_neither_submits_nor_starts(engine):
    waiting = engine.submit(order("a"))
    engine.provision([account(active=False)])
    engine.tick()
    assert state(engine, waiting) == "PENDING"
    engine.provision([account(ends=date(2020, 1, 1))])
    engine.tick()
    assert engine.report(waiting).reason == "InvalidAccount"
    with pytest.raises(SubmitRefused, match="Invalid account"):
        engine.submit(order("b"))


def test_usage_is_read_in_portions_from_a_cursor(engine):
    for uuid in "abc":
        engine.submit(order(uuid))
    until(engine, engine.is_idle)
    first, cursor = engine.usage_since("", 2)
    second, last = engine.usage_since(cursor, 2)
    assert len({record.key for record in first + second}) == 3
    assert engine.usage_since(last, 2) == ([], last)


def test_what_is_enforced_reads_back_as_it_was_set(engine):
    wanted = [account(seconds=5, users=["ann", "bob"], ends=date(2030, 1, 1))]
    engine.provision([wanted[0]])
    assert engine.enforced() == wanted
    assert difference(wanted, engine.enforced()) == []


def test_every_difference_is_told():
    wanted = [account(seconds=5), account(account="new")]
    there = [account(seconds=6, active=False, users=[]), account(account="old")]
    told = {(d.account, d.what) for d in difference(wanted, there)}
    assert told == {
        ("vision", "accelerator-seconds"), ("vision", "active"), ("vision", "users"), ("new", "account"),
        ("old", "account"),
    }  # fmt: skip


def test_a_description_that_makes_no_sense_says_what_to_write(tmp_path):
    size = '{"nodes": 1, "accelerators_per_node": 1, "cores_per_node": 1}'
    kept = '{"partitions": {"gpu": ' + size + '}, "keep_days": 0}'
    for text in ("", "[]", '{"partitions": {"gpu": {"nodes": 0}}}', kept):
        (tmp_path / "engine.json").write_text(text)
        with pytest.raises(ValueError, match="accelerators_per_node"):
            load_engine(tmp_path, "bench")


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def kill_ticking(folder: Path, when: Callable[[], bool]) -> None:
    """Tick the engine in another process, and kill that with SIGKILL as soon as `when` is so."""
    program = textwrap.dedent(f"""
        import time
        from pathlib import Path
        from fabriek.compute.local import LocalEngine, LocalPartition
        size = LocalPartition(**{PARTITIONS["gpu"].model_dump()})
        engine = LocalEngine(Path({str(folder)!r}), "bench", {{"gpu": size}})
        while True:
            engine.tick()
            time.sleep(0.01)
    """)
    ticking = subprocess.Popen([sys.executable, "-c", program], env={**os.environ, "PYTHONPATH": "src"})
    try:
        last = time.monotonic() + PATIENCE
        while not when():
            assert ticking.poll() is None
            assert time.monotonic() < last, "it did not happen"
            time.sleep(0.01)
    finally:
        ticking.kill()
        ticking.wait()


def test_a_job_outlives_a_killed_agent_and_is_booked_once(engine, tmp_path):
    job = engine.submit(order("a", "echo begun; touch begun; while [ ! -e end ]; do sleep 0.05; done; echo done"))
    work = tmp_path / "jobs" / job / "work"
    kill_ticking(tmp_path, (work / "begun").exists)
    (work / "end").touch()
    until(engine, engine.is_idle)
    assert engine.report(job).output == "begun\ndone\n"
    records, _cursor = engine.usage_since("", 10)
    assert [record.state for record in records] == ["COMPLETED"]


def test_a_job_that_ended_while_nobody_looked_is_booked_with_its_own_end(engine, tmp_path):
    job = engine.submit(order("a", "touch begun; sleep 0.3"))
    folder = tmp_path / "jobs" / job
    kill_ticking(tmp_path, (folder / "work" / "begun").exists)
    last = time.monotonic() + PATIENCE
    while not (folder / "result.json").exists():
        assert time.monotonic() < last
        time.sleep(0.02)
    engine.tick()
    assert state(engine, job) == "COMPLETED"


DIES = """
import os, runpy, subprocess
class Popen(subprocess.Popen):
    def __init__(self, *words, **named):
        super().__init__(*words, **named)
        os.kill(os.getpid(), 9)
subprocess.Popen = Popen
runpy.run_path({supervisor!r}, run_name="__main__")
"""


def test_a_supervisor_that_is_killed_as_soon_as_the_script_runs_leaves_nothing_behind(engine, tmp_path, monkeypatch):
    dies = tmp_path / "dies.py"
    dies.write_text(DIES.format(supervisor=supervisor.__file__))
    monkeypatch.setattr(supervisor, "__file__", str(dies))
    job = engine.submit(order("a", "exec sleep 600"))
    until(engine, lambda: ended(engine, job))
    assert state(engine, job) == "NODE_FAIL"
    script = json.loads((tmp_path / "jobs" / job / "started.json").read_text())["pid"]
    assert script > 0, "nobody could end what goes on"
    until(engine, lambda: not is_alive(script))


def test_a_job_whose_supervisor_was_killed_is_a_node_failure_and_its_processes_are_gone(engine, tmp_path):
    job = engine.submit(order("a", "echo $$ $PPID; touch begun; exec sleep 600"))
    until(engine, (tmp_path / "jobs" / job / "work" / "begun").exists)
    script, looking_after = map(int, engine.report(job).output.split())
    os.kill(looking_after, signal.SIGKILL)
    until(engine, engine.is_idle)
    assert state(engine, job) == "NODE_FAIL"
    until(engine, lambda: not is_alive(script))
    (record,), _cursor = engine.usage_since("", 10)
    assert record.state == "NODE_FAIL"


def test_a_failed_node_is_billed_until_it_was_last_seen_and_not_until_somebody_looked(engine, tmp_path):
    job = engine.submit(order("a", "echo $PPID; touch begun; exec sleep 600"))
    until(engine, (tmp_path / "jobs" / job / "work" / "begun").exists)
    os.kill(int(engine.report(job).output), signal.SIGKILL)
    seen = int(time.time()) + 40
    os.utime(tmp_path / "jobs" / job / "lock", (seen, seen))
    until(engine, engine.is_idle)
    (record,), _cursor = engine.usage_since("", 10)
    assert record.end == seen


def test_a_job_that_was_marked_running_but_never_started_starts_after_the_crash(engine, tmp_path):
    job = engine.submit(order("a", "echo once"))
    with engine._store.change() as change:
        change.execute("UPDATE job SET state = 'RUNNING', start = 1 WHERE id = ?", (job,))
    until(engine, engine.is_idle)
    assert (state(engine, job), engine.report(job).output) == ("COMPLETED", "once\n")


def test_what_a_script_leaves_running_in_the_background_goes_with_it(engine):
    job = engine.submit(order("a", "sleep 600 & echo $!"))
    until(engine, engine.is_idle)
    left = int(engine.report(job).output)
    assert state(engine, job) == "COMPLETED"
    until(engine, lambda: not is_alive(left))


def test_what_a_job_used_is_told_when_it_ended(engine):
    busy = "import time; block = b'x' * (64 << 20)\nwhile time.process_time() < 0.3: pass"
    job = engine.submit(order("a", f'{sys.executable} -c "{busy}" &\nwait', "-c 4 --mem=1G -t 5"))
    assert engine.report(job).used is None
    until(engine, engine.is_idle)
    used = engine.report(job).used
    assert used.cpu_seconds >= 0.3, "also of what the script started and waited for"
    assert 64 << 20 <= used.memory_bytes_peak < 1 << 30 == used.memory_bytes_asked
    assert used.elapsed_seconds >= 1


def test_waiting_jobs_know_their_place_and_when_they_are_expected_to_start(engine):
    running = engine.submit(order("a", "sleep 600", "--gpus=3 -t 10"))
    large = engine.submit(order("b", directives="--gpus=4 -t 20"))
    after = engine.submit(order("c", directives="--gpus=4 -t 5"))
    engine.tick()
    began = engine.report(running).started_at
    first, second = engine.report(large), engine.report(after)
    assert engine.report(running).queue_position is None
    assert [first.queue_position, second.queue_position] == [1, 2]
    assert (first.expected_start_at - began).total_seconds() == 600 + 4
    assert (second.expected_start_at - first.expected_start_at).total_seconds() == 1200 + 4


def test_a_job_that_its_budget_holds_back_is_not_expected_at_any_time(engine):
    engine.provision([account(seconds=100)])
    engine.submit(order("a", "sleep 600", "--gpus=1 -t 1"))
    held = engine.submit(order("b", directives="--gpus=1 -t 1"))
    engine.tick()
    report = engine.report(held)
    assert (report.queue_position, report.expected_start_at) == (1, None)


def test_an_array_runs_each_task_with_its_number_and_its_own_record(engine, tmp_path):
    body = "echo $SLURM_ARRAY_JOB_ID $SLURM_ARRAY_TASK_ID of $SLURM_ARRAY_TASK_COUNT"
    job = engine.submit(order("a", body, "--array=2,5,7 --gpus=1 -t 1 -o out-%A-%a.txt"))
    assert engine.submit(order("a", body)) == job == engine.find("a")
    assert engine.report(job).tasks == {"PENDING": 3}
    until(engine, engine.is_idle)
    report = engine.report(job)
    assert (report.state, report.tasks, report.engine_job) == ("COMPLETED", {"COMPLETED": 3}, job)
    assert [f"==> {job}_{n} <==\n{job} {n} of 3\n" in report.output for n in (2, 5, 7)] == [True] * 3
    assert report.output_from is None, "parts of several files have no places in one"
    assert (tmp_path / "jobs" / job / "work" / f"out-{job}-2.txt").exists()
    records, _cursor = engine.usage_since("", 10)
    assert sorted(record.job_id for record in records) == [f"{job}_2", f"{job}_5", f"{job}_7"]
    assert report.used.elapsed_seconds == sum(record.seconds for record in records)


def test_an_array_runs_no_more_tasks_at_once_than_it_says(engine):
    job = engine.submit(order("a", "sleep 600", "--array=1-4%2 --gpus=1 -t 1"))
    engine.tick()
    report = engine.report(job)
    assert (report.state, report.tasks, report.reason) == ("RUNNING", {"RUNNING": 2, "PENDING": 2}, "JobArrayTaskLimit")
    other = engine.submit(order("b"))
    until(engine, lambda: ended(engine, other))


def test_an_array_that_is_cancelled_ends_with_all_its_tasks(engine):
    job = engine.submit(order("a", "sleep 600", "--array=1-6 --gpus=1 -t 1"))
    engine.tick()
    engine.cancel(job)
    until(engine, engine.is_idle)
    assert (engine.report(job).state, engine.report(job).tasks) == ("CANCELLED", {"CANCELLED": 6})
    records, _cursor = engine.usage_since("", 10)
    assert len(records) == 4, "those that ran"


def test_an_array_ends_as_its_worst_task_does_and_that_task_is_told_first(engine):
    job = engine.submit(order("a", "echo at work; [ $SLURM_ARRAY_TASK_ID != 3 ]", "--array=1-30 --gpus=1 -t 1"))
    until(engine, engine.is_idle)
    report = engine.report(job)
    assert (report.state, report.tasks) == ("FAILED", {"COMPLETED": 29, "FAILED": 1})
    assert report.failed_tasks == [3]
    assert f"==> {job}_3 <==" in report.output


@pytest.mark.parametrize(
    ("directives", "word"),
    [("--array=1-100 --gpus=4 -t 20", "133.33 GPU-hours and 27.78 are left"), ("--array=0-2000", "1,001")],
)
def test_an_array_beyond_what_is_left_or_can_be_run_is_refused(engine, directives, word):
    with pytest.raises(SubmitRefused, match=word):
        engine.submit(order("a", directives=directives))
    assert engine.is_idle()


def test_a_folder_of_an_earlier_version_is_taken_on(tmp_path):
    old = sqlite3.connect(tmp_path / "engine.sqlite3")
    old.execute(
        """CREATE TABLE job (id INTEGER PRIMARY KEY AUTOINCREMENT, uuid TEXT NOT NULL UNIQUE, account TEXT NOT NULL,
        user TEXT NOT NULL, partition TEXT NOT NULL, name TEXT NOT NULL, script TEXT NOT NULL, nodes INTEGER NOT NULL,
        accelerators INTEGER NOT NULL, cores INTEGER NOT NULL, seconds INTEGER NOT NULL,
        state TEXT NOT NULL DEFAULT 'PENDING', reason TEXT NOT NULL DEFAULT '', submit INTEGER NOT NULL, start INTEGER,
        "end" INTEGER, cancel INTEGER NOT NULL DEFAULT 0, accounted INTEGER UNIQUE)"""
    )
    old.execute(
        "INSERT INTO job VALUES (1,'a','vision','ann','gpu','j','#!/bin/bash',1,1,1,60,'COMPLETED','',1,1,2,0,1)"
    )
    old.commit()
    old.close()
    engine = LocalEngine(tmp_path, "bench", PARTITIONS)
    engine.provision([account()])
    assert engine.report("1").used.cpu_seconds is None
    second = engine.submit(order("b"))
    until(engine, engine.is_idle)
    assert state(engine, second) == "COMPLETED"
    engine.close()
