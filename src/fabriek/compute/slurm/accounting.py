"""Asking sacct what ran in a window of time, and believing only a whole answer (https://slurm.schedmd.com/sacct.html).

`run(words)` gives what a command printed, with SLURM_TIME_FORMAT=%s and TZ=UTC in its environment, so that times come
as seconds since 1970 and windows go in UTC; it raises with a sentence when the command fails.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from fabriek.compute.engine import EngineError
from fabriek.compute.records import BrokenRecord, RecordError, UsageRecord
from fabriek.compute.sacct import Observed, OpenRun, columns_to_ask, read_sacct

Run = Callable[[list[str]], str]
ATTEMPTS = 3
# A command line holds so many job numbers with ease.
NUMBERS = 500


class CutAnswer(EngineError):
    """sacct's answer was not whole, each time that it was asked."""


class UnknownSlurmCluster(EngineError):
    """slurmdbd knows no cluster of this name. sacct itself would print nothing, and say that all went well."""


@dataclass
class Answer:
    """What ran in a window. `lines`: how many sacct printed; `running`: runs that have no end yet; `resizes`: (job,
    second) of each change of size; `begun`: when the job of a resized run began, by the run's key; `broken`: lines that
    can't be read, with their text."""

    records: list[UsageRecord] = field(default_factory=list)
    running: list[OpenRun] = field(default_factory=list)
    resizes: list[tuple[str, int]] = field(default_factory=list)
    begun: dict[str, int] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)
    lines: int = 0


class Accounting:
    """sacct of one cluster. resized: whether a job is known to have changed its size at a second."""

    def __init__(
        self, run: Run, cluster: str, resized: Callable[[str, int], bool] = lambda _job, _second: False
    ) -> None:
        self._run, self._cluster, self._resized = run, cluster, resized
        self._columns: list[str] = []

    def window(self, since: int, until: int) -> Answer:
        """All runs that held anything, or waited, in [since, until). A run that touches two windows is in both.

        Without -s, sacct selects jobs in any state that were eligible or ran in the window (sacct, -S and -E).
        Errors: CutAnswer, UnknownSlurmCluster, and what `run` raises.
        """
        return self._whole(["-S", _moment(since), "-E", _moment(until)])

    def jobs(self, numbers: Iterable[str]) -> Answer:
        """All runs of these jobs, whenever they ran: with -j, the window starts at 0 (sacct, DEFAULT TIME WINDOW)."""
        wanted, answer = sorted(set(numbers)), Answer()
        for first in range(0, len(wanted), NUMBERS):
            some = self._whole(["-j", ",".join(wanted[first : first + NUMBERS])])
            answer.records += some.records
            answer.running += some.running
            answer.resizes += some.resizes
            answer.begun |= some.begun
            answer.broken += some.broken
            answer.lines += some.lines
        return answer

    def running_now(self) -> set[str]:
        """Numbers of the jobs that the controller itself knows, in any state (https://slurm.schedmd.com/squeue.html)."""
        printed = self._run(["squeue", "-M", self._cluster, "-h", "-a", "-t", "all", "-o", "%A"])
        return {word for word in printed.split() if word.isdecimal()}

    def _whole(self, which: list[str]) -> Answer:
        """Ask twice: first for the keys alone, then for all. The second holds at least the keys of the first, or it was
        cut: rows are added to accounting and changed, not taken away. Each answer ends with the end of a line."""
        self._look_once()
        why = ""
        for _attempt in range(ATTEMPTS):
            keys = self._ask(which, ["JobIDRaw", "Submit", "Start"])
            printed = self._ask(which, self._columns)
            if not keys.endswith("\n") or not printed.endswith("\n"):
                why = "it ended in the middle of a line"
                continue
            answer, observed = self._read(printed)
            lacking = _started(keys) - observed.seen
            if not lacking:
                return answer
            why = f"{len(lacking)} of its runs lacked, such as that of job {min(lacking)[0]}"
        raise CutAnswer(
            f"sacct's answer about {self._cluster} was cut {ATTEMPTS} times ({why}), so nothing of it was taken. It is "
            "asked again in the next round."
        )

    def _ask(self, which: list[str], columns: list[str]) -> str:
        options = ["-a", "-X", "-P", "-D", "--noconvert", "--format=" + ",".join(columns)]
        return self._run(["sacct", "-M", self._cluster, *which, *options])

    def _look_once(self) -> None:
        """Which columns this version has, and whether slurmdbd knows the cluster."""
        if self._columns:
            return
        shown = self._run(["sacctmgr", "-nP", "show", "cluster", self._cluster, "format=cluster"])
        if self._cluster not in shown.split():
            raise UnknownSlurmCluster(
                f"Slurm's accounting knows no cluster {self._cluster}, so nothing that runs there can be metered. "
                "Compare its name with that of `sacctmgr show cluster`."
            )
        try:
            self._columns = columns_to_ask(self._run(["sacct", "--helpformat"]).split())
        except RecordError as error:
            raise EngineError(str(error)) from error

    def _read(self, printed: str) -> tuple[Answer, Observed]:
        observed = Observed(resized=self._resized)
        lines = printed.splitlines()
        log, answer = read_sacct(lines, UTC, observed), Answer(lines=len(lines))
        for record in log:
            if isinstance(record, BrokenRecord):
                answer.broken.append(f"{record.why} It was: {lines[record.line - 1][:200]}")
            else:
                answer.records.append(record)
        answer.running, answer.begun = observed.running, log.begun
        answer.resizes = [(job, second) for job, seconds in log.resizes.items() for second in seconds]
        return answer, observed


def _started(keys: str) -> set[tuple[str, str]]:
    """(job, submit) of each line that has a start. Those that wait may be held meanwhile, and leave the window."""
    found = set()
    for line in keys.splitlines()[1:]:
        job, _bar, rest = line.partition("|")
        submit, _bar, start = rest.partition("|")
        if start.isdecimal():
            found.add((job, submit))
    return found


def _moment(second: int) -> str:
    """A second as sacct takes it: it knows no seconds since 1970 in -S and -E (seen in 22.05.8)."""
    return datetime.fromtimestamp(max(second, 0), tz=UTC).strftime("%Y-%m-%dT%H:%M:%S")
