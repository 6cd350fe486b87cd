"""Asking sacct what ran in a window of time, and believing only a whole answer (https://slurm.schedmd.com/sacct.html).

`printed(words)` gives a file of what a command printed, with SLURM_TIME_FORMAT=%s and TZ=UTC in its environment, so
that times come as seconds since 1970 and windows go in UTC; it raises with a sentence when the command fails. Answers
are read from it run by run: a busy cluster's hour takes no more memory than an idle one's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from itertools import zip_longest
from typing import TextIO

from fabriek.compute.engine import EngineError
from fabriek.compute.records import RecordError, UsageRecord
from fabriek.compute.sacct import Observed, columns_to_ask, read_sacct

Printed = Callable[[list[str]], AbstractContextManager[TextIO]]
Resized = Callable[[str, int], bool]
ATTEMPTS = 3
# A command line holds so many job numbers with ease.
NUMBERS = 500
# A version whose every line is unreadable is told by some of them.
MOST_BROKEN = 20


class CutAnswer(EngineError):
    """sacct's answer was not whole, each time that it was asked."""


class UnknownSlurmCluster(EngineError):
    """slurmdbd knows no cluster of this name. sacct itself would print nothing, and say that all went well."""


class Answer(Iterator[UsageRecord]):
    """What ran, one run that has ended after another. `ended`: how many there are.

    What else is told is known as far as was read: `running`, runs that have no end yet; `resizes`, (job, second) of
    each change of size; `begun`, when the job of a resized run began, by the run's key; `broken`, lines that can't be
    read, with their text, MOST_BROKEN at most.
    """

    def __init__(self, file: TextIO, ended: int, resized: Resized) -> None:
        observed = Observed(resized=resized)
        self._file, self._line = file, ""
        self._log = read_sacct(self._lines(), UTC, observed)
        self.ended = ended
        self.running, self.begun = observed.running, self._log.begun
        self.broken: list[str] = []

    def __next__(self) -> UsageRecord:
        for record in self._log:
            if isinstance(record, UsageRecord):
                return record
            if len(self.broken) < MOST_BROKEN:
                self.broken.append(f"{record.why} It was: {self._line[:200]}")
        raise StopIteration

    @property
    def resizes(self) -> list[tuple[str, int]]:
        return [(job, second) for job, seconds in self._log.resizes.items() for second in seconds]

    def _lines(self) -> Iterator[str]:
        for line in self._file:
            self._line = line.rstrip("\n")
            yield line


class Accounting:
    """sacct of one cluster. resized: whether a job is known to have changed its size at a second."""

    def __init__(self, printed: Printed, cluster: str, resized: Resized = lambda _job, _second: False) -> None:
        self._printed, self._cluster, self._resized = printed, cluster, resized
        self._columns: list[str] = []

    def window(self, since: int, until: int) -> AbstractContextManager[Answer]:
        """All runs that held anything, or waited, in [since, until). A run that touches two windows is in both.

        Without -s, sacct selects jobs in any state that were eligible or ran in the window (sacct, -S and -E).
        Errors: CutAnswer, UnknownSlurmCluster, and what `printed` raises.
        """
        return self._whole(["-S", _moment(since), "-E", _moment(until)])

    def jobs(self, numbers: Iterable[str]) -> Iterator[Answer]:
        """All runs of these jobs, whenever they ran: with -j, the window starts at 0 (sacct, DEFAULT TIME WINDOW)."""
        wanted = sorted(set(numbers))
        for first in range(0, len(wanted), NUMBERS):
            with self._whole(["-j", ",".join(wanted[first : first + NUMBERS])]) as answer:
                yield answer

    def running_now(self) -> set[str]:
        """Numbers of the jobs that the controller itself knows, in any state (https://slurm.schedmd.com/squeue.html)."""
        with self._printed(["squeue", "-M", self._cluster, "-h", "-a", "-t", "all", "-o", "%A"]) as lines:
            return {number for line in lines if (number := line.strip()).isdecimal()}

    def text(self, words: list[str]) -> str:
        """What a command prints that has little to say."""
        with self._printed(words) as file:
            return file.read()

    @contextmanager
    def _whole(self, which: list[str]) -> Iterator[Answer]:
        """Ask twice: first for the keys alone, then for all. The second holds at least the keys of the first, or it was
        cut: rows are added to accounting and changed, not taken away. Each answer ends with the end of a line."""
        self._look_once()
        why = ""
        for _attempt in range(ATTEMPTS):
            with self._ask(which, self._columns[:3]) as keys, self._ask(which, self._columns) as rows:
                try:
                    ended = _compared(keys, rows)
                except _Cut as cut:
                    why = str(cut)
                    continue
                rows.seek(0)
                yield Answer(rows, ended, self._resized)
                return
        raise CutAnswer(
            f"sacct's answer about {self._cluster} was cut {ATTEMPTS} times ({why}), so nothing of it was taken. It is "
            "asked again in the next round."
        )

    def _ask(self, which: list[str], columns: list[str]) -> AbstractContextManager[TextIO]:
        options = ["-a", "-X", "-P", "-D", "--noconvert", "--format=" + ",".join(columns)]
        return self._printed(["sacct", "-M", self._cluster, *which, *options])

    def _look_once(self) -> None:
        """Which columns this version has, and whether slurmdbd knows the cluster."""
        if self._columns:
            return
        shown = self.text(["sacctmgr", "-nP", "show", "cluster", self._cluster, "format=cluster"])
        if self._cluster not in shown.split():
            raise UnknownSlurmCluster(
                f"Slurm's accounting knows no cluster {self._cluster}, so nothing that runs there can be metered. "
                "Compare its name with that of `sacctmgr show cluster`."
            )
        try:
            self._columns = columns_to_ask(self.text(["sacct", "--helpformat"]).split())
        except RecordError as error:
            raise EngineError(str(error)) from error


class _Cut(Exception):
    """An answer that isn't whole; how that was seen."""


def _compared(keys: TextIO, rows: TextIO) -> int:
    """How many of the rows have ended, where they hold the keys that were printed before. Errors: _Cut.

    Read side by side: only what one has told and the other hasn't yet is remembered, and sacct prints both in the same
    order. Both begin with job, submit and start; keys without a start needn't be among the rows, because jobs that
    wait may be held meanwhile, and leave the window.
    """
    asked: dict[tuple[str, str], bool] = {}
    told: set[tuple[str, str]] = set()
    ended, last_key, last_row = 0, "", ""
    for short, long in zip_longest(keys, rows, fillvalue=""):
        if short:
            job, submit, start = _beginning(last_key := short, 3)
            if (job, submit) in told:
                told.remove((job, submit))
            else:
                asked[job, submit] = start.isdecimal()
        if long:
            job, submit, _start, end = _beginning(last_row := long, 4)
            ended += end.isdecimal()
            if asked.pop((job, submit), None) is None:
                told.add((job, submit))
    if not (last_key.endswith("\n") and last_row.endswith("\n")):
        raise _Cut("it ended in the middle of a line")
    if lacking := [job for (job, _submit), started in asked.items() if started]:
        raise _Cut(f"{len(lacking)} of its runs lacked, such as that of job {min(lacking)}")
    return ended


def _beginning(line: str, columns: int) -> list[str]:
    """The first columns of a line, empty where it has fewer."""
    found = line.rstrip("\n").split("|", columns)[:columns]
    return found + [""] * (columns - len(found))


def _moment(second: int) -> str:
    """A second as sacct takes it: it knows no seconds since 1970 in -S and -E (seen in 22.05.8)."""
    return datetime.fromtimestamp(max(second, 0), tz=UTC).strftime("%Y-%m-%dT%H:%M:%S")
