"""Jobs of the platform in Slurm: submitted once, as their user; followed with one squeue a round; stopped."""

from __future__ import annotations

import re
import sqlite3
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fabriek.compute.array_tasks import told_of
from fabriek.compute.engine import EngineError, SubmitRefused
from fabriek.compute.slurm.accounts import qos_name
from fabriek.compute.slurm.commands import CommandFailed, Commands, NoAnswer
from fabriek.compute.slurm.controller import NUMBER, Controller, Queued, Submission, mark_of
from fabriek.compute.slurm.formats import cpu_seconds, moment, rows, size, state_of, tres
from fabriek.compute.slurm.output import Output, Task
from fabriek.compute.slurm.settings import SlurmSettings
from fabriek.compute.slurm.store import Store
from fabriek.compute.slurm.task_states import Forgotten, is_of_array, states_in
from fabriek.compute.wire import ENDED, JobOrder, JobReport, ResourcesUsed, State, TaskOrder, TaskReport

# A submission whose answer was lost shows so many seconds after its last moment to be made, or never. On a full queue
# sbatch tries again for two minutes ("temporarily unable to accept job, sleeping and retrying"), but it is ended before
# (see `Commands`); slurmctld may still be busy with what it asked. Until then it isn't tried again.
SETTLED_AFTER = 30.0
# A job that slurmctld has forgotten and slurmdbd doesn't know is lost after so many seconds: slurmctld tells slurmdbd
# what happened while that was away in the minutes after its return.
LOST_AFTER = 120.0
# Looking at a running job's files takes some 10 ms, of which most is becoming its user.
LOOKS_A_SECOND = 20
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
_TASK = ("JobIDRaw", "State")
_ENDED = ("JobID", "State")
_STEP = ("JobIDRaw", "TotalCPU", "MaxRSS", "TRESUsageInAve")
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
        self._output = Output(commands, store)
        self._queue: dict[str, list[Queued]] | None = None
        self._new: set[str] = set()
        self._positions: dict[str, int] = {}
        self._forgotten: dict[str, Forgotten] = {}
        # When the files of a job that runs were looked at.
        self._looked: dict[str, float] = {}
        # Since when a job is neither in the queue nor accounted.
        self._missing: dict[str, float] = {}

    def forget(self) -> None:
        """A round is over: what Slurm said may have changed."""
        self._queue = None
        self._new.clear()

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
            qos = qos_name(self._settings, order.account, order.partition)
            number = self._controller.submit(Submission(order, user, folder, qos))
        except CommandFailed as error:
            if isinstance(error, NoAnswer):
                raise
            with self._store.change() as change:
                change.execute("DELETE FROM job WHERE uuid = ?", (order.uuid,))
            raise SubmitRefused(_refusal(error.said)) from error
        self._note(order.uuid, number)
        # Nothing of it has ended before it was followed here.
        self._forgotten[number] = Forgotten()
        return number

    def find(self, uuid: str) -> str | None:
        """Errors: EngineError while it can't be told whether the job arrived."""
        row = self._store.job(uuid=uuid)
        if row is None:
            return None
        if row["number"] is not None:
            return str(row["number"])
        number = self._search(row)
        if number is not None:
            self._note(uuid, number)
            return number
        wait = row["asked"] + self._settings.longest_answer + SETTLED_AFTER - self._clock()
        if wait > 0:
            raise EngineError(f"the answer to its submission was lost; it is looked for {wait:.0f} s more")
        return None

    def _search(self, job: sqlite3.Row) -> str | None:
        """The number of a job whose submission was not answered: by its comment, in the queue, then in what was
        accounted (sacct knows the submission's own words, also where AccountingStoreFlags holds no job_comment).

        Comments may hold line ends, and so lines that look like another's job: what is found must be this user's, in
        this account, by an answer in which nobody's words are.
        """
        mark, whose = mark_of(job["uuid"]), [f"--user={job['user']}", f"--account={job['account']}"]
        squeue = ["squeue", "--noheader", "--all", "--states=all", *whose]
        for line in self._commands.run([*squeue, "--format=%F %k"]).splitlines():
            number, _, comment = line.partition(" ")
            if comment.strip() == mark and NUMBER.fullmatch(number):
                theirs = self._commands.run([*squeue, "--format=%F"]).split()
                if number in theirs:
                    return number
        since = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(job["asked"] - 86_400))
        sacct = ["sacct", "--allocations", "--noheader", "--parsable2", f"--starttime={since}", *whose]
        for line in self._commands.run([*sacct, "--format=JobID,SubmitLine,Comment"]).splitlines():
            # 12_3 is a task of the array 12.
            number, said = line.partition("|")[0].partition("_")[0], re.split(r"[ |]", line.partition("|")[2])
            if (f"--comment={mark}" in said or said[-1] == mark) and NUMBER.fullmatch(number):
                theirs = self._commands.run([*sacct, "--format=JobID"]).split()
                if number in {known.partition("_")[0] for known in theirs}:
                    return number
        return None

    def _note(self, uuid: str, number: str) -> None:
        with self._store.change() as change:
            # Slurm that lost its state, or came to MaxJobId, counts from the beginning: who had the number is over.
            change.execute("DELETE FROM job WHERE number = ? AND uuid != ?", (number, uuid))
            change.execute("UPDATE job SET number = ?, submitted = ? WHERE uuid = ?", (number, self._clock(), uuid))
        self._new.add(number)

    # Stopping

    def cancel(self, number: str) -> None:
        """Only what was submitted here: another's job is never touched, whoever names its number."""
        if self._store.job(number=number) is None:
            raise CommandFailed(["scancel"], f"{number!r} is no job that was submitted through this agent", 1)
        self._controller.cancel(number)

    # Following

    def report(self, number: str, told: Mapping[str, int]) -> JobReport:
        """told: up to which byte each stream is known. Errors: EngineError while Slurm can't be asked."""
        job = self._store.job(number=number)
        if job is None:
            return JobReport(
                state="NODE_FAIL", engine_job=number, reason="this agent has no memory of the job: its folder was lost"
            )
        queued = self._in_queue().get(number, [])
        if not queued and number in self._new:
            # Submitted after the queue was asked, which isn't asked again for each.
            return JobReport(uuid=job["uuid"], state="PENDING", engine_job=number)
        if any(state_of(line.state) not in ENDED for line in queued):
            self._missing.pop(number, None)
            return self._living(job, queued, told)
        return self._accounted(job, queued, told)

    def _in_queue(self) -> dict[str, list[Queued]]:
        """What slurmctld remembers, by number of the job or its array. Asked once a round."""
        if self._queue is None:
            queue: dict[str, list[Queued]] = defaultdict(list)
            lines = self._controller.queue()
            for line in lines:
                queue[line.array].append(line)
            self._queue, self._positions = queue, _positions(lines)
        return self._queue

    def _living(self, job: sqlite3.Row, queued: Sequence[Queued], told: Mapping[str, int]) -> JobReport:
        tasks = self._tasks(job["number"], queued)
        state: State = "RUNNING" if any(state_of(line.state) == "RUNNING" for line in queued) else "PENDING"
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
            **(told_of(tasks) if len(tasks) > 1 else {}),
            cores=line.cores,
            accelerators=line.accelerators,
            time_limit_seconds=line.limit,
            **(self._output_of(job, len(tasks) > 1, told) if state == "RUNNING" else {}),
        )

    def _tasks(self, number: str, queued: Sequence[Queued]) -> dict[int, str]:
        """The state of each task of an array; none of a job that is none."""
        if not is_of_array(queued):
            return {}
        known = self._forgotten.setdefault(number, Forgotten(look_at=0.0))
        return known.whole(queued, self._clock(), lambda: self._runs(number, _ENDED))

    def _runs(self, number: str, columns: Sequence[str]) -> list[dict[str, str]]:
        """What slurmdbd knows of a job and of each task of an array."""
        words = ["sacct", f"--jobs={number}", "--allocations", "--noheader", "--parsable2"]
        return rows(self._commands.run([*words, f"--format={','.join(columns)}"]), columns)

    def _accounted(self, job: sqlite3.Row, queued: Sequence[Queued], told: Mapping[str, int]) -> JobReport:
        """A job that is over, from slurmdbd; or what becomes of one that Slurm has lost."""
        number = job["number"]
        try:
            runs = self._runs(number, _RUN)
        except EngineError:
            # As long as slurmdbd can't be asked nothing is missing there, and when it can it has yet to be told.
            self._missing.pop(number, None)
            raise
        living = [run for run in runs if state_of(run["State"]) not in ENDED]
        # Of an array, slurmdbd may have heard of some tasks only.
        if not runs or living or len(runs) < len(queued):
            return self._not_accounted(job, queued, living)
        tasks = states_in(runs)
        states = set(tasks.values()) or {state_of(run["State"]) for run in runs}
        worst = next(
            (s for s in ("NODE_FAIL", "OUT_OF_MEMORY", "TIMEOUT", "FAILED", "CANCELLED") if s in states), "COMPLETED"
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
            **(told_of(tasks) if len(tasks) > 1 else {}),
            cores=resources.get("cpu"),
            accelerators=resources.get("gres/gpu", 0) if resources else None,
            used=self._used(number, runs),
            **self._final_output_of(job, len(tasks) > 1, told),
        )

    def _output_of(self, job: sqlite3.Row, array: bool, told: Mapping[str, int]) -> dict[str, Any]:
        """What a job that runs wrote and made, for a report. Where many run, each is looked at less often, so that a
        round ends before the next is due. Tasks of an array would write over each other's results."""
        now, number = self._clock(), job["number"]
        if now - self._looked.get(number, 0.0) < len(self._looked) / LOOKS_A_SECOND:
            return self._output.as_told(job, told)
        self._looked[number] = now
        return self._output.of_tasks(job) if array else self._output.of_job(job, told, final=False)

    def _final_output_of(self, job: sqlite3.Row, array: bool, told: Mapping[str, int]) -> dict[str, Any]:
        found = self._output.of_tasks(job) if array else self._output.of_job(job, told, final=True)
        self._let_go(job)
        return found

    def _let_go(self, job: sqlite3.Row) -> None:
        """Of a job that is over, or lost, nothing is remembered."""
        for known in (self._forgotten, self._looked, self._missing):
            known.pop(job["number"], None)
        self._output.forget(job)

    def report_task(self, order: TaskOrder) -> TaskReport:
        """Errors: EngineError while Slurm can't be asked."""
        job = self._store.job(number=order.engine_job)
        words = ["sacct", f"--jobs={order.engine_job}_{order.task}", "--allocations", "--noheader", "--parsable2"]
        found = rows(self._commands.run([*words, f"--format={','.join(_TASK)}"]), _TASK) if job is not None else []
        if job is None:
            return TaskReport(state="NODE_FAIL", problem="unknown-task")
        if not found:
            # slurmdbd hears of it in a moment.
            return TaskReport(state="PENDING")
        state: State = state_of(found[-1]["State"])  # type: ignore[assignment]
        task = Task(order.engine_job, str(order.task), found[-1]["JobIDRaw"], job["user"], job["folder"])
        places = task.places(order.script, order.name)
        if places is None:
            return TaskReport(state=state, problem="unknown-file")
        known = {"output": order.output_from, "error_output": order.error_output_from}
        told = {name: place for name, place in known.items() if place is not None}
        return TaskReport(state=state, **self._output.at(job["user"], places, told, final=state in ENDED))

    def _not_accounted(self, job: sqlite3.Row, queued: Sequence[Queued], living: Sequence[dict[str, str]]) -> JobReport:
        """Gone from the queue, and not over in slurmdbd: it may be late; after a while Slurm has lost the job (its
        controller was killed before it had written it down)."""
        now, number = self._clock(), job["number"]
        if queued or now - self._missing.setdefault(number, now) < LOST_AFTER:
            # The controller knows that it ended; its database will in a moment.
            running = any(run["Start"].isdecimal() for run in living) or bool(queued)
            return JobReport(uuid=job["uuid"], state="RUNNING" if running else "PENDING", engine_job=number)
        self._let_go(job)
        return JobReport(uuid=job["uuid"], state="NODE_FAIL", reason="SlurmLostJob", engine_job=number)

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
            runs=sum(run["Start"].isdecimal() for run in runs),
            cpu_seconds=sum(times) if times else None,
            memory_bytes_peak=max(peaks, default=None),
            memory_bytes_asked=_asked_memory(runs[0]),
            accelerator_percent=max(known, default=None),
        )


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
