"""The agent against a platform that keeps what it is told: killed anywhere, nothing is lost or counted twice."""

from __future__ import annotations

import errno
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import Result
from typer.testing import CliRunner

from fabriek.cli.main import app
from fabriek.compute import command
from fabriek.compute.agent import Agent, AgentError, AlreadyRunning, Lock, outbox, run
from fabriek.compute.agent.proofs import due_days
from fabriek.compute.local import LocalEngine, LocalPartition, supervisor
from fabriek.compute.local.supervisor import write_whole
from fabriek.compute.records import record_of
from fabriek.compute.wire import AccountState

ENDED = ("COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL", "REFUSED")
LIMIT = {"accelerator_seconds_limit": 100_000, "core_seconds_limit": 1_000_000}


class Platform:
    """Answers as the platform does. `before` and `after` are called around each request, with its number."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.requests = 0
        self.before = self.after = lambda number, request: None
        self.state: dict[str, Any] = {"accounts": [], "jobs": {}, "batches": {}, "records": {}, "enforced": None}
        if file.exists():
            self.state = json.loads(file.read_text())

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests += 1
        number = self.requests
        early = self.before(number, request)
        if early is not None:
            return early
        answer = self._answer(request.method, request.url.path.split("/sites/bench/")[1], request.content)
        partial = self.file.with_suffix(".partial")
        partial.write_text(json.dumps(self.state))
        partial.replace(self.file)
        return self.after(number, request) or httpx.Response(200, json=answer)

    def _answer(self, method: str, path: str, content: bytes) -> Any:
        state, body = self.state, json.loads(content or b"null")
        if path == "desired-state":
            return {"cluster": "bench", "generation": "1", "accounts": state["accounts"]}
        if path == "enforced-state":
            state["enforced"] = body
        elif path == "jobs":
            going = [job["order"] for job in state["jobs"].values() if job["report"].get("state") not in ENDED]
            return {"jobs": going, "tasks": state.get("tasks", [])}
        elif "/tasks/" in path:
            state.setdefault("told_of_tasks", {})[path] = body
        elif path == "transfer-ability":
            state["ability"] = body
        elif path.startswith("proofs/"):
            state.setdefault("proofs", {})[path] = body
            return state.get("proof_answer") or {"differs": False}
        elif path.startswith("transfer"):
            return {"transfers": []}
        elif path == "usage-batches":
            return self._book(body)
        else:
            job = state["jobs"][path.split("/")[1]]
            job["told"] = [*job.get("told", []), body]
            before = job["report"].get("output") or ""
            text, place = body["output"], body.get("output_from")
            job["report"] = {**body, "output": before if text is None else before[: place or 0] + text}
            job["order"]["engine_job"] = body.get("engine_job") or ""
        return None

    def _book(self, batch: dict[str, Any]) -> dict[str, Any]:
        if batch["key"] in self.state["batches"]:
            return self.state["batches"][batch["key"]]
        booked, repeated, broken = 0, 0, []
        projects = {account["account"] for account in self.state["accounts"]}
        for place, row in enumerate(batch["records"], 1):
            record = record_of(row)
            if record.account not in projects:
                broken.append({"line": place, "why": "no such project"})
            elif record.key in self.state["records"]:
                repeated += 1
            else:
                self.state["records"][record.key] = row
                booked += 1
        answer = {"booked": booked, "repeated": repeated, "broken": broken}
        self.state["batches"][batch["key"]] = answer
        return answer

    def awards(self, account: str = "vision") -> None:
        self.state["accounts"].append(
            {"account": account, "partition": "gpu", "active": True, "users": ["ann"], "ends": None, **LIMIT}
        )

    def orders(self, uuid: str, body: str = "true", directives: str = "--gpus=1 -t 1") -> dict[str, Any]:
        order = {
            "uuid": uuid, "account": "vision", "user": "ann", "partition": "gpu", "name": uuid, "action": "submit",
            "script": f"#!/bin/bash\n#SBATCH {directives}\n{body}\n", "engine_job": "",
        }  # fmt: skip
        self.state["jobs"][uuid] = {"order": order, "report": {}}
        return order

    def report(self, uuid: str) -> dict[str, Any]:
        return self.state["jobs"][uuid]["report"]


def at_work(platform: Platform, folder: Path) -> Agent:
    engine = LocalEngine(folder, "bench", {"gpu": LocalPartition(nodes=1, accelerators_per_node=4, cores_per_node=8)})
    client = httpx.Client(transport=httpx.MockTransport(platform), base_url="http://platform")
    return Agent(engine, client, "bench", folder, patience=1)


def rounds_until(agent: Agent, what) -> None:
    last = time.monotonic() + 15
    while not what():
        assert time.monotonic() < last, "it did not happen"
        agent.round()
        time.sleep(0.02)


@pytest.fixture
def platform(tmp_path: Path) -> Platform:
    made = Platform(tmp_path / "platform.json")
    made.awards()
    return made


@pytest.fixture
def agent(platform: Platform, tmp_path: Path):
    made = at_work(platform, tmp_path / "site")
    yield made
    made.engine.close()


def test_output_is_told_as_it_grows_and_each_part_once(agent, platform, tmp_path):
    platform.orders("a", "echo first; while [ ! -e go ]; do sleep 0.02; done; echo second")
    rounds_until(agent, lambda: platform.report("a").get("output") == "first\n")
    (tmp_path / "site" / "jobs" / "1" / "work" / "go").touch()
    rounds_until(agent, lambda: platform.report("a").get("state") == "COMPLETED")
    assert platform.report("a")["output"] == "first\nsecond\n"
    told = [body["output"] for body in platform.state["jobs"]["a"]["told"] if body["output"]]
    assert told == ["first\n", "second\n"]


def test_output_that_grows_by_much_between_two_rounds_leaves_no_gap(agent, platform, tmp_path):
    """The platform keeps 256 KiB of a stream, and so much is read; what was told is not told again."""
    job = tmp_path / "site" / "jobs" / "1" / "work"
    platform.orders("a", "echo first; while [ ! -e go ]; do sleep 0.02; done; seq 30000; touch written; sleep 600")
    rounds_until(agent, lambda: platform.report("a").get("output") == "first\n")
    (job / "go").touch()
    rounds_until(agent, (job / "written").exists)
    whole = "first\n" + "".join(f"{number}\n" for number in range(1, 30_001))
    rounds_until(agent, lambda: platform.report("a")["output"] == whole)
    told = [body["output"] for body in platform.state["jobs"]["a"]["told"] if body["output"]]
    assert "".join(told) == whole
    platform.state["jobs"]["a"]["order"]["action"] = "cancel"
    rounds_until(agent, lambda: platform.report("a")["state"] == "CANCELLED")


def test_a_task_that_somebody_looks_at_is_told_until_it_has_ended(agent, platform, tmp_path):
    order = platform.orders("a", "echo task $SLURM_ARRAY_TASK_ID", "--gpus=1 -t 1 --array=2-4")
    rounds_until(agent, lambda: platform.report("a").get("state") == "COMPLETED")
    said = {"uuid": "a", "engine_job": "1", "name": "a", "script": order["script"]}
    platform.state["tasks"] = [{**said, "task": 3}, {**said, "task": 9}]
    agent.round()
    tasks = platform.state["told_of_tasks"]
    assert (tasks["jobs/a/tasks/3"]["state"], tasks["jobs/a/tasks/3"]["output"]) == ("COMPLETED", "task 3\n")
    assert tasks["jobs/a/tasks/9"]["problem"] == "unknown-task"
    platform.state["tasks"] = [{**said, "task": 3, "output_from": 5}]
    agent.round()
    assert (tasks["jobs/a/tasks/3"]["output"], tasks["jobs/a/tasks/3"]["output_from"]) == ("3\n", 5)


def test_an_order_becomes_a_job_its_report_and_its_record(agent, platform):
    platform.orders("a", "echo hello")
    rounds_until(agent, lambda: platform.report("a").get("state") == "COMPLETED" and platform.state["records"])
    assert platform.report("a")["output"] == "hello\n"
    assert platform.report("a")["time_limit_seconds"] == 60
    (enforced,), (desired,) = platform.state["enforced"]["accounts"], platform.state["accounts"]
    assert {name: enforced[name] for name in desired} == desired


def test_what_cannot_run_is_reported_as_refused_with_the_sentence(agent, platform):
    platform.orders("a", directives="--gpus=9")
    summary = agent.round()
    assert summary.refused == 1
    assert platform.report("a")["state"] == "REFUSED"
    assert "9 GPUs" in platform.report("a")["reason"]


def test_what_is_too_odd_to_be_told_of_an_account_holds_up_neither_jobs_nor_usage(agent, platform, monkeypatch):
    agent.round()

    def odd():
        return [AccountState(account="vision", partition="gpu", **LIMIT, fairshare=10**9)]

    monkeypatch.setattr(agent.engine, "enforced", odd)
    platform.orders("a")
    rounds_until(agent, lambda: platform.state["records"])
    assert "fairshare" in agent.round().error


def test_an_account_that_the_platform_no_longer_knows_is_closed(agent, platform):
    agent.round()
    platform.state["accounts"].clear()
    agent.round()
    (account,) = agent.engine.enforced()
    assert not account.active


def test_a_running_job_is_cancelled_when_the_platform_says_so(agent, platform):
    order = platform.orders("a", "sleep 600")
    rounds_until(agent, lambda: platform.report("a").get("state") == "RUNNING")
    order["action"] = "cancel"
    rounds_until(agent, lambda: platform.report("a")["state"] == "CANCELLED")


def test_a_job_whose_number_never_reached_the_platform_can_still_be_cancelled(agent, platform):
    order = platform.orders("a", "sleep 600")
    lost = httpx.Response(503)
    platform.before = lambda number, request: lost if request.url.path.endswith("/status") else None
    with pytest.raises(AgentError):
        agent.round()
    order["action"], platform.before = "cancel", lambda number, request: None
    agent.round()
    rounds_until(agent, agent.engine.is_idle)
    assert agent.engine.report(agent.engine.find("a")).state == "CANCELLED"


def test_a_cancelled_job_that_never_arrived_is_not_submitted(agent, platform):
    platform.orders("a")["action"] = "cancel"
    agent.round()
    assert platform.report("a")["state"] == "CANCELLED"
    assert agent.engine.find("a") is None


def test_jobs_go_on_while_the_platform_is_away_and_are_booked_when_it_is_back(agent, platform):
    platform.orders("a")
    agent.round()

    def away(number, request):
        raise httpx.ConnectError("nobody there", request=request)

    platform.before = away
    last = time.monotonic() + 30
    while not agent.engine.is_idle():
        assert time.monotonic() < last
        with pytest.raises(AgentError, match="can't be reached"):
            agent.round()
        time.sleep(0.02)
    assert platform.state["records"] == {}
    platform.before = lambda number, request: None
    agent.round()
    assert len(platform.state["records"]) == 1


def test_one_report_that_the_platform_refuses_does_not_hold_up_the_others(agent, platform):
    platform.orders("a")
    platform.orders("b")
    gone = httpx.Response(404, json={"detail": "no such job"})
    platform.before = lambda number, request: gone if "/jobs/a/status" in request.url.path else None
    rounds_until(agent, lambda: platform.report("b").get("state") == "COMPLETED")
    assert "no such job" in agent.round().error


def test_a_lost_answer_makes_the_same_batch_arrive_again_under_the_same_key(agent, platform):
    platform.orders("a")

    def lost(number, request):
        if request.url.path.endswith("usage-batches"):
            raise httpx.ReadError("the line broke", request=request)

    platform.after = lost
    last = time.monotonic() + 30
    while not platform.state["records"]:
        assert time.monotonic() < last
        try:
            agent.round()
        except AgentError:
            break
        time.sleep(0.02)
    platform.after = lambda number, request: None
    agent.round()
    assert len(platform.state["batches"]) == 1
    assert len(platform.state["records"]) == 1
    assert list((agent.folder / "outbox").iterdir()) == []


def test_a_record_that_could_not_be_booked_is_kept_and_sent_again(agent, platform, monkeypatch):
    platform.orders("a")
    agent.round()
    project = platform.state["accounts"].pop()
    rounds_until(agent, lambda: platform.state["batches"])
    assert platform.state["records"] == {}
    platform.state["accounts"].append(project)
    monkeypatch.setattr(outbox, "AGAIN", 0.0)
    agent.round()
    assert len(platform.state["records"]) == 1
    assert list((agent.folder / "returned").iterdir()) == []


def no_room(path: Path, values: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device", str(path))


@pytest.fixture
def _signals():
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("_signals")
def test_an_outbox_that_cannot_be_written_is_told_and_tried_again_and_nothing_is_lost(agent, platform, monkeypatch):
    platform.orders("a")
    told = []
    last = time.monotonic() + 30

    def tell(summary):
        told.append(summary.error)
        if summary.error:
            # Somebody makes room.
            monkeypatch.undo()
        if platform.state["records"] or time.monotonic() > last:
            signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(supervisor, "write_whole", no_room)
    run(agent, 0.02, tell)
    (error,) = [error for error in told if error]
    assert (
        error
        == f"The agent can't write in {agent.folder}: the disk is full. Nothing is lost; it goes on once there is room."
    )
    assert len(platform.state["records"]) == 1
    assert [answer["booked"] for answer in platform.state["batches"].values()] == [1]


def test_a_cursor_that_cannot_be_written_makes_the_batch_come_again_and_count_once(agent, platform, monkeypatch):
    platform.orders("a")
    rounds_until(agent, lambda: platform.report("a").get("state") == "COMPLETED" and platform.state["records"])
    platform.orders("b")

    def no_room_for_cursors(path, values):
        if path.name == "cursor.json":
            no_room(path, values)
        write_whole(path, values)

    monkeypatch.setattr(supervisor, "write_whole", no_room_for_cursors)
    with pytest.raises(OSError, match="No space left"):
        rounds_until(agent, lambda: False)
    assert len(platform.state["records"]) == 2
    monkeypatch.undo()
    agent.round()
    assert list((agent.folder / "outbox").iterdir()) == []
    assert sum(answer["booked"] for answer in platform.state["batches"].values()) == 2


def test_half_a_file_does_not_stay_on_a_full_disk(tmp_path, monkeypatch):
    def full(_descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_whole(tmp_path / "batch.json", {"records": []})
    assert list(tmp_path.iterdir()) == []


ENGINE = {"cluster": "bench", "partitions": {"gpu": {"nodes": 1, "accelerators_per_node": 4, "cores_per_node": 8}}}


def called(folder: Path, *words: str) -> Result:
    """The command itself, with the embedded engine."""
    where = ["--url", "http://127.0.0.1:9", "--cluster", "bench", "--engine", "local", "--folder", str(folder)]
    return CliRunner().invoke(app, ["agent", *where, *words], env={"FABRIEK_TOKEN": None, "FABRIEK_TOKEN_FILE": None})


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "the disk is full. Nothing is lost"),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "the disk is full. Nothing is lost"),
        (sqlite3.OperationalError("database or disk is full"), "the disk is full. Nothing is lost"),
        (sqlite3.OperationalError("database is locked"), "database is locked. Nothing is lost"),
        (PermissionError(errno.EACCES, "Permission denied"), "Permission denied. Nothing is lost"),
        (AgentError("The platform can't be reached."), "The platform can't be reached."),
    ],
)
def test_one_round_by_the_command_tells_the_trouble_in_a_sentence(tmp_path, monkeypatch, platform, error, sentence):
    at_work(platform, tmp_path / "site").engine.close()

    def fails(_agent):
        raise error

    monkeypatch.setattr(Agent, "round", fails)
    (tmp_path / "site" / "engine.json").write_text(json.dumps(ENGINE))
    result = called(tmp_path / "site", "--token", "t", "--root-jobs", "--once")
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit)
    assert sentence in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_the_token_is_read_from_a_file_that_others_cant_read(tmp_path, monkeypatch):
    site, token = tmp_path / "site", tmp_path / "token"
    site.mkdir()
    (site / "engine.json").write_text(json.dumps(ENGINE))
    spoken = []
    monkeypatch.setattr(Agent, "round", lambda agent: spoken.append(agent.client.headers["authorization"]))
    monkeypatch.setattr(command, "refuse_root", lambda: None)
    words = ("--token-file", str(token), "--once")
    assert "No such file" in called(site, *words).stderr
    token.write_text("from-the-file\n")
    token.chmod(0o644)
    refused = called(site, *words)
    assert (refused.exit_code, spoken) == (2, [])
    assert f"chmod 600 {token}" in refused.stderr
    token.chmod(0o600)
    called(site, *words, "--token", "another")
    assert spoken == ["Bearer from-the-file"]
    token.write_text("\n")
    assert "There is no token in" in called(site, *words).stderr
    assert "--token-file FILE" in called(site, "--once").stderr


def test_the_embedded_engine_runs_nobodys_jobs_as_root_unasked(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    result = called(tmp_path / "site", "--token", "t", "--once")
    assert result.exit_code == 2
    assert "this agent is root" in result.stderr
    assert "--engine slurm" in result.stderr
    assert not (tmp_path / "site").exists()
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert "does not describe an engine" in called(tmp_path / "site", "--token", "t", "--once").stderr


def test_which_engine_it_is_has_to_be_said(tmp_path):
    result = CliRunner().invoke(app, ["agent", "--url", "http://x", "--cluster", "x", "--folder", str(tmp_path)])
    assert result.exit_code == 2
    assert "--engine" in result.stderr


def test_nobody_else_looks_into_an_agents_folder(tmp_path, platform):
    folder = tmp_path / "site"
    folder.mkdir(mode=0o755)
    Lock(folder).release()
    agent = at_work(platform, folder)
    platform.orders("a")
    rounds_until(agent, lambda: platform.report("a").get("state") == "COMPLETED")
    agent.engine.close()
    assert folder.stat().st_mode & 0o777 == 0o700
    written = [path for path in folder.iterdir() if path.is_file()]
    assert {path.name for path in written} >= {"agent.lock", "desired.json", "engine.sqlite3", "proved.json"}
    assert {path.name: oct(path.stat().st_mode & 0o077) for path in written} == {path.name: "0o0" for path in written}


def test_a_folder_of_everybodys_is_not_closed_to_them(tmp_path):
    tmp_path.chmod(0o1777)
    with pytest.raises(AgentError, match="a folder of everybody's"):
        Lock(tmp_path)
    assert tmp_path.stat().st_mode & 0o7777 == 0o1777


def test_two_agents_cannot_work_in_one_folder(tmp_path):
    first = Lock(tmp_path)
    with pytest.raises(AlreadyRunning, match="Another agent"):
        Lock(tmp_path)
    first.release()
    Lock(tmp_path).release()


# One agent, in a process of its own, that kills itself with SIGKILL at its Nth request, before or after the platform
# took it in. What follows must be as if nothing had happened.
_LIFE = """
import os, signal, sys
from pathlib import Path
from tests.unit.compute.test_agent import Platform, at_work
folder, fatal, side = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
platform = Platform(folder / "platform.json")
def die(number, request):
    if number == fatal:
        os.kill(os.getpid(), signal.SIGKILL)
setattr(platform, side, die)
agent = at_work(platform, folder / "site")
import time
for _ in range(400):
    agent.round()
    if len(platform.state["records"]) == 2:
        break
    time.sleep(0.02)
"""


@pytest.mark.slow
@pytest.mark.parametrize("side", ["before", "after"])
def test_killed_at_any_request_every_job_runs_once_and_is_booked_once(tmp_path, side):
    for fatal in range(1, 12):
        folder = tmp_path / f"{side}-{fatal}"
        folder.mkdir()
        platform = Platform(folder / "platform.json")
        platform.awards()
        for uuid in "ab":
            platform.orders(uuid, f"echo {uuid} >> ../../../ran; sleep 0.1")
        platform.file.write_text(json.dumps(platform.state))
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(["src", "."])}
        life = [sys.executable, "-c", _LIFE, str(folder), str(fatal), side]
        killed = subprocess.run(life, env=environment, timeout=60, check=False)
        if killed.returncode == 0:
            # On a slow machine a round sees more happen, and all is done in fewer requests.
            assert fatal > 6
            break
        assert killed.returncode == -signal.SIGKILL
        again = Platform(folder / "platform.json")
        survivor = at_work(again, folder / "site")
        rounds_until(survivor, lambda again=again: len(again.state["records"]) == 2)
        rounds_until(survivor, lambda again=again: all(again.report(uuid).get("state") == "COMPLETED" for uuid in "ab"))
        survivor.engine.close()
        assert sorted((folder / "site" / "ran").read_text().split()) == ["a", "b"]
        assert sum(answer["booked"] for answer in again.state["batches"].values()) == 2


# The daily proof

NOON = datetime(2030, 5, 10, 12, tzinfo=UTC)


def test_days_are_proved_when_they_are_over_again_each_day_and_each_hour_while_they_differ() -> None:
    def days(now: datetime, since: str = "2030-05-01", **known: dict[str, Any]) -> list[int]:
        proved = {"since": since, "days": {f"2030-05-{day[1:]}": said for day, said in known.items()}}
        return [day.day for day in due_days(now, proved)]

    assert days(NOON) == [3, 4, 5, 6, 7, 8, 9]
    assert days(NOON, since="2030-05-08") == [8, 9]
    assert days(NOON.replace(hour=0, minute=59), since="2030-05-08") == [8]
    an_hour_ago = (NOON - timedelta(hours=1)).timestamp()
    assert days(NOON, "2030-05-08", d08={"at": an_hour_ago, "differs": True}) == [8, 9]
    assert days(NOON, "2030-05-08", d08={"at": an_hour_ago, "differs": False}) == [9]
    assert days(NOON, "2030-05-09", d09={"at": NOON.timestamp() + 99, "differs": False}) == [9], "a clock stepped back"


def test_the_totals_of_a_day_are_sent_and_the_runs_of_what_differs(platform: Platform, agent: Agent) -> None:
    platform.orders("one")
    rounds_until(agent, lambda: platform.report("one").get("state") in ENDED)
    agent.round()
    # The same job, a day ago.
    with sqlite3.connect(agent.folder / "engine.sqlite3") as file:
        file.execute('UPDATE job SET submit = submit - 86400, start = start - 86400, "end" = "end" - 86400')
    yesterday = (datetime.now(UTC) - timedelta(days=1)).date()
    write_whole(agent.folder / "proved.json", {"since": str(yesterday), "days": {}})
    wanted = [{"account": "vision", "partition": "gpu"}]
    platform.state["proof_answer"] = {"differs": True, "wanted": wanted}
    now = datetime.now(UTC)
    agent.round()
    if now.hour < 1:
        pytest.skip("yesterday is not over for an hour")
    totals, runs = platform.state["proofs"][f"proofs/{yesterday}"], platform.state["proofs"][f"proofs/{yesterday}/runs"]
    assert [(line["account"], line["runs"]) for line in totals["lines"]] == [("vision", 1)]
    assert [run["key"].split("/")[0] for run in runs["runs"]] == ["1"]
    assert json.loads((agent.folder / "proved.json").read_text())["days"][str(yesterday)]["differs"]


def test_a_platform_that_takes_no_proofs_stops_nothing_else(platform: Platform, agent: Agent) -> None:
    write_whole(agent.folder / "proved.json", {"since": "2020-01-01", "days": {}})
    platform.before = lambda _number, request: (
        httpx.Response(404, json={"detail": "no such page"}) if "/proofs/" in request.url.path else None
    )
    summary = agent.round()
    assert "no such page" in summary.error
    assert platform.state["enforced"] is not None


def test_what_never_can_be_booked_is_told_once_and_not_sent_again(
    platform: Platform, agent: Agent, monkeypatch
) -> None:
    monkeypatch.setattr(outbox, "AGAIN", 0.0)
    fault = {"line": 1, "why": "before the award", "record": "a", "final": True}
    sent = []

    def never(_number: int, request: httpx.Request) -> httpx.Response | None:
        if not request.url.path.endswith("usage-batches"):
            return None
        sent.append(request)
        return httpx.Response(200, json={"booked": 0, "repeated": 0, "broken": [fault]})

    platform.before = never
    platform.orders("a")
    rounds_until(agent, lambda: sent)
    assert [*(agent.folder / "returned").iterdir(), *(agent.folder / "outbox").iterdir()] == []
    assert agent.round().error == ""
    assert len(sent) == 1


def test_what_came_back_is_forgotten_once_it_is_told_anew(platform: Platform, agent: Agent) -> None:
    """Else the old word on a run would be sent after the new one, and count as the last."""
    old = {"job_id": "7", "submit": 1, "end": 5}
    other = {"job_id": "8", "submit": 1, "end": 5}
    write_whole(agent.folder / "returned" / "a.json", {"records": [old, other], "broken": []})
    write_whole(agent.folder / "returned" / "b.json", {"records": [old], "broken": []})
    record = {
        "account": "vision", "user": "ann", "partition": "gpu", "state": "FAILED", "start": 2, "accelerators": 1,
        "cores": 1,
    }  # fmt: skip
    batch = {"key": "0", "cursor": "3", "records": [{**old, **record, "end": 9}]}
    write_whole(agent.folder / "outbox" / "0.json", batch)
    agent.round()
    left = [json.loads(path.read_text())["records"] for path in (agent.folder / "returned").glob("*.json")]
    assert left == [[other]]


def test_a_job_waits_until_its_account_is_set_up(agent, platform, monkeypatch):
    """A scheduler that doesn't know the account would refuse the job, and that would be its end."""
    platform.state["accounts"].clear()
    platform.orders("a")
    for _ in range(2):
        assert "waits until vision is set up" in agent.round().error
    assert platform.report("a") == {}
    platform.awards()
    rounds_until(agent, lambda: platform.report("a").get("state") == "COMPLETED")
