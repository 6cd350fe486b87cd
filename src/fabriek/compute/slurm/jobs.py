"""Jobs of the platform in Slurm: submitted once, as their user; followed with one squeue a round; stopped."""

from __future__ import annotations

import re
import sqlite3
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from typing import Any

from fabriek.compute.engine import EngineError, SubmitRefused
from fabriek.compute.results import FILE, MOST_BYTES, results_of
from fabriek.compute.slurm.accounts import qos_name
from fabriek.compute.slurm.commands import CommandFailed, Commands, NoAnswer
from fabriek.compute.slurm.controller import NUMBER, Controller, Queued, Submission, mark_of
from fabriek.compute.slurm.formats import FormatError, cpu_seconds, moment, rows, size, state_of, tres
from fabriek.compute.slurm.settings import SlurmSettings
from fabriek.compute.slurm.store import Store
from fabriek.compute.tail import TAIL, Part, readable
from fabriek.compute.wire import ENDED, JobOrder, JobReport, ResourcesUsed, State

# A submission whose answer was lost shows within this many seconds, or never: sbatch itself gives up before
# (MessageTimeout, 10 s by default; https://slurm.schedmd.com/slurm.conf.html). Until then it isn't tried again.
SETTLED_AFTER = 30.0
# slurmctld forgets an ended job after MinJobAge; slurmdbd may be told of it some seconds after its start.
LOST_AFTER = 120.0
_RUN = (
    "JobIDRaw",
    "JobID",
    "State",
    "ExitCode",
    "Submit",
    "Start",
    "End",
    "ElapsedRaw",
    "AllocTRES",
    "ReqMem",
    "Reason",
)
_STEP = ("JobIDRaw", "TotalCPU", "MaxRSS", "TRESUsageInAve")
_TASKS_SHOWN = 16
_REASONS_OF_STATE = {
    "SUSPENDED": "suspended by an operator",
    "PREEMPTED": "stopped for a job that goes before it",
    "DEADLINE": "its deadline passed",
    "BOOT_FAIL": "its node did not start",
    "CONFIGURING": "its nodes are being made ready",
    "REQUEUE_HOLD": "put back into the queue and held",
}


class Jobs:
    """See `Engine`'s methods of the same names. What squeue and sacct say is asked once, until `forget`."""

    def __init__(
        self,
        commands: Commands,
        controller: Controller,
        settings: SlurmSettings,
        store: Store,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._commands, self._controller = commands, controller
        self._settings, self._store, self._clock = settings, store, clock
        self._queue: dict[str, list[Queued]] | None = None
        self._positions: dict[str, int] = {}

    def forget(self) -> None:
        """A round is over: what Slurm said may have changed."""
        self._queue = None

    # Submitting

    def submit(self, order: JobOrder) -> str:
        """Errors: SubmitRefused; EngineError when Slurm can't be asked (nothing is lost: it is tried again)."""
        number = self.find(order.uuid)
        if number is not None:
            return number
        user = self._settings.unix_user(order.user)
        folder = f"{self._settings.jobs.folder.rstrip('/')}/{order.uuid}"
        with self._store.change() as change:
            change.execute(
                """INSERT OR REPLACE INTO job (uuid, account, user, partition, folder, asked)
                VALUES (?, ?, ?, ?, ?, ?)""",
                (order.uuid, order.account, user, order.partition, folder, self._clock()),
            )
        try:
            # As the user: the folder is theirs, and nobody else's to read.
            self._commands.run(["mkdir", "-p", "-m", "700", "--", folder], user=user)
            qos = qos_name(self._settings, order.account, order.partition)
            number = self._controller.submit(Submission(order, user, folder, qos))
        except CommandFailed as error:
            if isinstance(error, NoAnswer):
                raise
            with self._store.change() as change:
                change.execute("DELETE FROM job WHERE uuid = ?", (order.uuid,))
            raise SubmitRefused(_refusal(error.said)) from error
        self._note(order.uuid, number)
        return number

    def find(self, uuid: str) -> str | None:
        """Errors: EngineError while it can't be told whether the job arrived."""
        row = self._store.job(uuid=uuid)
        if row is None:
            return None
        if row["number"] is not None:
            return str(row["number"])
        number = self._search(uuid)
        if number is not None:
            self._note(uuid, number)
            return number
        wait = row["asked"] + SETTLED_AFTER - self._clock()
        if wait > 0:
            raise EngineError(f"the answer to its submission was lost; it is looked for {wait:.0f} s more")
        return None

    def _search(self, uuid: str) -> str | None:
        """The number of a job whose submission was not answered: by its comment, in the queue, then in what was
        accounted (sacct knows the submission's own words, also where AccountingStoreFlags holds no job_comment)."""
        mark = mark_of(uuid)
        for line in self._commands.run(
            ["squeue", "--noheader", "--all", "--states=all", "--format=%F %k"]
        ).splitlines():
            number, _, comment = line.partition(" ")
            if comment.strip() == mark and NUMBER.fullmatch(number):
                return number
        since = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(self._clock() - 86_400))
        words = ["sacct", "--allusers", "--allocations", "--noheader", "--parsable2", f"--starttime={since}"]
        found = self._commands.run([*words, "--format=JobID,SubmitLine,Comment"])
        for line in found.splitlines():
            # 12_3 is a task of the array 12.
            number, said = line.partition("|")[0].partition("_")[0], re.split(r"[ |]", line.partition("|")[2])
            if (f"--comment={mark}" in said or said[-1] == mark) and NUMBER.fullmatch(number):
                return number
        return None

    def _note(self, uuid: str, number: str) -> None:
        with self._store.change() as change:
            change.execute("UPDATE job SET number = ?, submitted = ? WHERE uuid = ?", (number, self._clock(), uuid))
        self._queue = None

    # Stopping

    def cancel(self, number: str) -> None:
        """Only what was submitted here: another's job is never touched, whoever names its number."""
        if self._store.job(number=number) is None:
            raise CommandFailed(["scancel"], f"{number!r} is no job that was submitted through this agent", 1)
        self._controller.cancel(number)
        self._queue = None

    # Following

    def report(self, number: str) -> JobReport:
        """Errors: EngineError while Slurm can't be asked."""
        job = self._store.job(number=number)
        if job is None:
            return JobReport(
                state="NODE_FAIL", engine_job=number, reason="this agent has no memory of the job: its folder was lost"
            )
        queued = self._in_queue().get(number, [])
        if any(state_of(line.state) not in ENDED for line in queued):
            return self._living(job, queued)
        return self._accounted(job, queued)

    def _in_queue(self) -> dict[str, list[Queued]]:
        """What slurmctld remembers, by number of the job or its array. Asked once a round."""
        if self._queue is None:
            queue: dict[str, list[Queued]] = defaultdict(list)
            lines = self._controller.queue()
            for line in lines:
                queue[line.array].append(line)
            self._queue, self._positions = queue, _positions(lines)
        return self._queue

    def _living(self, job: sqlite3.Row, queued: Sequence[Queued]) -> JobReport:
        states = Counter(state_of(line.state) for line in queued)
        state: State = "RUNNING" if states["RUNNING"] else "PENDING"
        line = next(line for line in queued if state_of(line.state) == state)
        reason = _REASONS_OF_STATE.get(line.state, "" if line.reason in ("None", "") else line.reason)
        return JobReport(
            uuid=job["uuid"],
            state=state,
            reason=reason,
            engine_job=job["number"],
            started_at=moment(line.start) if state == "RUNNING" else None,
            expected_start_at=moment(line.start) if state == "PENDING" else None,
            queue_position=self._positions.get(line.number) if state == "PENDING" else None,
            tasks=dict(states) if len(queued) > 1 else {},
            cores=line.cores,
            accelerators=line.accelerators,
            time_limit_seconds=line.limit,
            **(self._told_by(job, len(queued) > 1, final=False) if state == "RUNNING" else {}),
            **(self._made_by(job, len(queued) > 1) if state == "RUNNING" else {}),
        )

    def _accounted(self, job: sqlite3.Row, queued: Sequence[Queued]) -> JobReport:
        """A job that is over, from slurmdbd; or what becomes of one that Slurm has lost."""
        number = job["number"]
        text = self._commands.run(
            ["sacct", f"--jobs={number}", "--allocations", "--noheader", "--parsable2", f"--format={','.join(_RUN)}"]
        )
        runs = rows(text, _RUN)
        living = [run for run in runs if state_of(run["State"]) not in ENDED]
        # Of an array, slurmdbd may have heard of some tasks only.
        if not runs or living or len(runs) < len(queued):
            return self._not_accounted(job, queued, living)
        states = Counter(state_of(run["State"]) for run in runs)
        worst = next(
            (s for s in ("NODE_FAIL", "OUT_OF_MEMORY", "TIMEOUT", "FAILED", "CANCELLED") if states[s]), "COMPLETED"
        )
        last = max(runs, key=lambda run: run["End"])
        resources = tres(last["AllocTRES"])
        return JobReport(
            uuid=job["uuid"],
            state=worst,  # type: ignore[arg-type]
            reason=_end_reason(last),
            engine_job=number,
            started_at=min((m for run in runs if (m := moment(run["Start"]))), default=None),
            ended_at=max((m for run in runs if (m := moment(run["End"]))), default=None),
            tasks=dict(states) if len(runs) > 1 else {},
            cores=resources.get("cpu"),
            accelerators=resources.get("gres/gpu", 0) if resources else None,
            used=self._used(number, runs),
            **self._told_by(job, len(runs) > 1, final=True),
            **self._made_by(job, len(runs) > 1),
        )

    def _not_accounted(self, job: sqlite3.Row, queued: Sequence[Queued], living: Sequence[dict[str, str]]) -> JobReport:
        """Gone from the queue, and not over in slurmdbd: it may be late; after a while Slurm has lost the job (its
        controller was killed before it had written it down)."""
        late = self._clock() - job["submitted"] < LOST_AFTER
        if queued or late:
            # The controller knows that it ended; its database will in a moment.
            running = any(run["Start"].isdecimal() for run in living) or bool(queued)
            return JobReport(uuid=job["uuid"], state="RUNNING" if running else "PENDING", engine_job=job["number"])
        return JobReport(uuid=job["uuid"], state="NODE_FAIL", reason="SlurmLostJob", engine_job=job["number"])

    def _used(self, number: str, runs: Sequence[dict[str, str]]) -> ResourcesUsed | None:
        """What the job did with what it had: the sum of its steps' processor time, the largest step's memory.

        https://slurm.schedmd.com/sacct.html (TotalCPU, MaxRSS of steps; ReqMem of the job).
        """
        text = self._commands.run(
            ["sacct", f"--jobs={number}", "--noheader", "--parsable2", f"--format={','.join(_STEP)}"]
        )
        steps = [row for row in rows(text, _STEP) if "." in row["JobIDRaw"]]
        times = [seconds for row in steps if (seconds := cpu_seconds(row["TotalCPU"])) is not None]
        peaks = [peak for row in steps if (peak := size(row["MaxRSS"])) is not None]
        use = [_gpu_use(row["TRESUsageInAve"]) for row in steps]
        known = [percent for percent in use if percent is not None]
        return ResourcesUsed(
            elapsed_seconds=sum(_number(run["ElapsedRaw"]) for run in runs),
            cpu_seconds=sum(times) if times else None,
            memory_bytes_peak=max(peaks, default=None),
            memory_bytes_asked=_asked_memory(runs[0]),
            accelerator_percent=max(known, default=None),
        )

    # Output

    def _told_by(self, job: sqlite3.Row, array: bool, *, final: bool) -> dict[str, Any]:
        """The last part of what a job wrote, for a report. Read as its user: a path that they chose never shows them
        what isn't theirs to read."""
        if array:
            return {"output": self._tail_of_tasks(job)}
        try:
            output, error = self._places(job)
        except EngineError:
            return {}
        told = {"output": self._tail(job, output, final)}
        if error != output:
            told["error_output"] = self._tail(job, error, final)
        found: dict[str, Any] = {}
        for name, part in told.items():
            if part is not None:
                found |= {name: part.text, f"{name}_from": part.start}
        return found

    def _made_by(self, job: sqlite3.Row, array: bool) -> dict[str, Any]:
        """What a job says that it made (see `results.py`), for a report. Tasks of an array would write over each other.

        Read as its user, so that it shows nothing that isn't theirs; by dd, which follows no link, waits for no pipe
        and stops after so many bytes (https://www.gnu.org/software/coreutils/dd).
        """
        if array:
            return {}
        words = ["dd", f"if={job['folder']}/{FILE}", f"bs={MOST_BYTES + 1}", "count=1", "status=none"]
        try:
            content = self._commands.read([*words, "iflag=nofollow,nonblock,fullblock"], user=job["user"])
        except NoAnswer:
            return {}
        except CommandFailed as error:
            if "No such file" in error.said:
                return {}
            why = error.said.rpartition(": ")[2][:200]
            return {"results_problem": f"{FILE} can't be read: {why}; links are not followed"}
        found = results_of(content)
        return {"results": found.text, "results_problem": found.problem}

    def _places(self, job: sqlite3.Row) -> tuple[str, str]:
        """Where its output goes, which slurmctld knows for MinJobAge after its end only: asked once, and kept."""
        if job["output"] is not None:
            return job["output"], job["error"]
        text = self._commands.run(["scontrol", "--oneliner", "show", "job", "--", job["number"]])
        # A path may hold blanks; what follows it has a known name.
        out = re.search(r" StdOut=(.*?)(?= Power=| CpusPerTres| TresPerNode| MailUser| NtasksPerTRES|$)", text, re.M)
        err = re.search(r" StdErr=(.*?)(?= StdIn=)", text)
        if out is None or err is None:
            raise FormatError("scontrol show job shows no StdOut and StdErr")
        places = out[1].strip(), err[1].strip()
        with self._store.change() as change:
            change.execute("UPDATE job SET output = ?, error = ? WHERE uuid = ?", (*places, job["uuid"]))
        return places

    def _tail(self, job: sqlite3.Row, path: str, final: bool) -> Part | None:
        """The last part of a file; None where there is none yet, or where it can't be read."""
        if path in ("", "/dev/null"):
            return None
        try:
            length = int(self._commands.run(["stat", "--dereference", "--format=%s", "--", path], user=job["user"]))
            start = max(0, length - TAIL)
            # No more than was there when it was measured: what is written meanwhile comes next time.
            data = self._commands.read(["tail", f"--bytes=+{start + 1}", "--", path], user=job["user"])
        except (CommandFailed, ValueError):
            return None
        return readable(data[: length - start], start, final=final)

    def _tail_of_tasks(self, job: sqlite3.Row) -> str | None:
        """Of an array: the last part of the first tasks' output, each under its file's name."""
        try:
            listed = self._commands.run(["ls", "-1", "--", job["folder"]], user=job["user"]).splitlines()
            names = [f"{job['folder']}/{name}" for name in listed if name.endswith(".out")][:_TASKS_SHOWN]
            if not names:
                return ""
            return self._commands.run(
                ["tail", "--verbose", "--bytes", str(TAIL // len(names)), "--", *names], user=job["user"]
            )
        except CommandFailed:
            return None


def _refusal(said: str) -> str:
    """What sbatch says, without the name of the program before each line."""
    lines = [re.sub(r"^sbatch: (error: )?(Batch job submission failed: )?", "", line) for line in said.splitlines()]
    return "; ".join(line for line in lines if line) or "Slurm refused the job and did not say why"


def _end_reason(run: dict[str, str]) -> str:
    state = run["State"]
    if state.startswith("CANCELLED by "):
        return f"cancelled by user {state.removeprefix('CANCELLED by ')}"
    if state in _REASONS_OF_STATE:
        return _REASONS_OF_STATE[state]
    code, _, signal = run["ExitCode"].partition(":")
    if state_of(state) == "FAILED" and signal not in ("", "0"):
        return f"ended by signal {signal}"
    return f"ended with exit status {code}" if state_of(state) == "FAILED" else ""


def _positions(lines: Sequence[Queued]) -> dict[str, int]:
    """Place of each waiting job among those of its partition, by priority; of the same priority, the older first."""
    waiting: dict[str, list[Queued]] = defaultdict(list)
    for line in lines:
        if state_of(line.state) == "PENDING":
            waiting[line.partition].append(line)
    return {
        line.number: place
        for some in waiting.values()
        for place, line in enumerate(sorted(some, key=lambda line: (-line.priority, int(line.number))), 1)
    }


def _number(text: str) -> int:
    return int(text) if text.isdecimal() else 0


def _gpu_use(text: str) -> float | None:
    match = re.search(r"gres/gpuutil=(\d+(?:\.\d+)?)", text)
    return min(100.0, float(match[1])) if match else None


def _asked_memory(run: dict[str, str]) -> int | None:
    """ReqMem of the job; before 21.08 of a core or a node (suffixes c, n)."""
    return size(run["ReqMem"])
