"""What jobs of Slurm write: read as their user, so that a path which they chose never shows them what isn't theirs."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from fabriek.compute.directives import DirectiveError, read_directives
from fabriek.compute.engine import EngineError
from fabriek.compute.results import FILE, MOST_BYTES, results_of
from fabriek.compute.slurm.commands import CommandFailed, Commands, NoAnswer
from fabriek.compute.slurm.controller import printable
from fabriek.compute.slurm.formats import FormatError
from fabriek.compute.slurm.store import Store
from fabriek.compute.tail import TAIL_OF_TASKS, Part, placed, readable, start_in

_TASKS_SHOWN = 16
_PATTERN = re.compile(r"%(\d*)(.)")
_DEFAULT = "slurm-%A_%a.out"


@dataclass(frozen=True)
class Task:
    """One task of an array: the array's number, its own place in it, the number that it has as a job, whose it is."""

    array: str
    task: str
    number: str
    user: str
    folder: str

    def places(self, script: str, name: str) -> tuple[str, str] | None:
        """Where its output and its errors go, as sbatch's patterns say; None where that is known on its node only.

        https://slurm.schedmd.com/sbatch.html#SECTION_%3CB%3Efilename-pattern%3C/B%3E
        """
        try:
            asked = read_directives(script)
        except DirectiveError:
            return None
        name = asked.name or printable(name)
        output = self._path(asked.output or _DEFAULT, name)
        error = self._path(asked.error, name) if asked.error else output
        return None if output is None or error is None else (output, error)

    def _path(self, pattern: str, name: str) -> str | None:
        said = {"A": self.array, "a": self.task, "j": self.number, "x": name, "u": self.user, "%": "%"}
        if any(found[2] not in said for found in _PATTERN.finditer(pattern)) or "\\" in pattern:
            return None

        def expand(found: re.Match[str]) -> str:
            text = said[found[2]]
            return text.zfill(min(int(found[1]), 10)) if found[1] and found[2] in "jAa" else text

        # Relative to where it was submitted, which is its own folder.
        return str(PurePosixPath(self.folder) / _PATTERN.sub(expand, pattern))


@dataclass(frozen=True)
class _Measure:
    """How a file looks: bytes, and when it was changed."""

    length: int
    changed: str


def places_in(shown: str) -> tuple[str, str]:
    """Where a job's output and its errors go, by `scontrol --oneliner show job`; the same where both are one.

    A path may hold blanks. What follows it begins with a name of Slurm's own, another one in each version: Power until
    23.02, OOMKillStep in 24.11, what was asked of each TRES, nothing in 26.05. Since 25.11 no place for errors is said
    that go with the output. Errors: FormatError.
    """
    out = re.search(r" StdOut=(.*?)(?= [A-Z][A-Za-z]+=|$)", shown, re.M)
    err = re.search(r" StdErr=(.*?)(?= StdIn=)", shown)
    if out is None or err is None:
        raise FormatError("scontrol show job shows no StdOut and StdErr")
    return out[1].strip(), err[1].strip() or out[1].strip()


class Output:
    """Reads streams, and the file in which a job says what it made.

    Becoming a job's user takes as long as submitting it: so its files are measured in one go, and only what grew or
    changed is read.
    """

    def __init__(self, commands: Commands, store: Store) -> None:
        self._commands, self._store = commands, store
        # By job: its results as they were last read, and how its file looked then.
        self._made: dict[str, tuple[_Measure, dict[str, Any]]] = {}
        # By array: what its tasks' files last ended with.
        self._tails: dict[str, str | None] = {}

    def of_job(self, job: sqlite3.Row, told: Mapping[str, int], *, final: bool) -> dict[str, Any]:
        """What follows what was told of a job's streams, and what it made, for a report."""
        try:
            places = self._places(job)
        except EngineError:
            places = ("", "")
        results = f"{job['folder']}/{FILE}"
        measures = self._measured(job["user"], (*places, results))
        return {
            **self._streams(job["user"], places, measures, told, final=final),
            **(self._results(job) if final else self._made_by(job, measures.get(results))),
        }

    def as_told(self, job: sqlite3.Row, told: Mapping[str, int]) -> dict[str, Any]:
        """The same of a job, or an array, at whose files nobody looks now: nothing new."""
        if job["uuid"] in self._tails:
            return {"output": self._tails[job["uuid"]]}
        found = {name: value for stream, end in told.items() for name, value in placed(stream, Part(end, "")).items()}
        return {**found, **self._made.get(job["uuid"], (None, {}))[1]}

    def at(self, user: str, places: tuple[str, str], told: Mapping[str, int], *, final: bool) -> dict[str, Any]:
        """What follows what was told of two files; where both are one, as output alone."""
        return self._streams(user, places, self._measured(user, places), told, final=final)

    def _streams(
        self,
        user: str,
        places: tuple[str, str],
        measures: Mapping[str, _Measure],
        told: Mapping[str, int],
        *,
        final: bool,
    ) -> dict[str, Any]:
        output, error = places
        found = placed("output", self._part(user, output, measures, told.get("output"), final))
        if error != output:
            found |= placed("error_output", self._part(user, error, measures, told.get("error_output"), final))
        return found

    def forget(self, job: sqlite3.Row) -> None:
        """It is over: nobody looks again."""
        self._made.pop(job["uuid"], None)
        self._tails.pop(job["uuid"], None)

    def of_tasks(self, job: sqlite3.Row) -> dict[str, Any]:
        """Of an array, for a report: the last part of the first tasks' output, each under its file's name."""
        tail = self._tails[job["uuid"]] = self._tail_of_tasks(job)
        return {"output": tail}

    def _tail_of_tasks(self, job: sqlite3.Row) -> str | None:
        user = job["user"]
        try:
            # Files alone: who reads a pipe waits for whoever made it.
            words = ["find", job["folder"], "-maxdepth", "1", "-type", "f", "-name", "*.out", "-print0"]
            listed = self._commands.read(words, user=user).decode(errors="surrogateescape").split("\0")
            names = sorted(filter(None, listed))[:_TASKS_SHOWN]
            if not names:
                return ""
            most = str(TAIL_OF_TASKS // len(names))
            return self._commands.run(["tail", "--verbose", "--bytes", most, "--", *names], user=user)
        except CommandFailed:
            return None

    def _made_by(self, job: sqlite3.Row, measure: _Measure | None) -> dict[str, Any]:
        """What a job that runs says that it made (see `results.py`), for a report."""
        if measure is None:
            return {}
        if self._made.get(job["uuid"], (None,))[0] != measure:
            self._made[job["uuid"]] = measure, self._results(job)
        return self._made[job["uuid"]][1]

    def _results(self, job: sqlite3.Row) -> dict[str, Any]:
        """By dd, which follows no link, waits for no pipe and stops after so many bytes
        (https://www.gnu.org/software/coreutils/dd).
        """
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
        places = places_in(text)
        with self._store.change() as change:
            change.execute("UPDATE job SET output = ?, error = ? WHERE uuid = ?", (*places, job["uuid"]))
        return places

    def _measured(self, user: str, paths: Iterable[str]) -> dict[str, _Measure]:
        """Those of some files that are there and may be read by their user."""
        wanted = [path for path in dict.fromkeys(paths) if path not in ("", "/dev/null")]
        if not wanted:
            return {}
        try:
            printed = self._commands.read(["stat", "--dereference", r"--printf=%s %.9Y %n\0", "--", *wanted], user=user)
        except NoAnswer:
            return {}
        except CommandFailed as error:
            # Of those that aren't there it says so, and goes on.
            printed = error.printed
        found = {}
        for line in printed.decode(errors="surrogateescape").split("\0"):
            length, _, rest = line.partition(" ")
            changed, _, path = rest.partition(" ")
            if length.isdecimal():
                found[path] = _Measure(int(length), changed)
        return found

    def _part(
        self, user: str, path: str, measures: Mapping[str, _Measure], since: int | None, final: bool
    ) -> Part | None:
        """What follows a byte of a file; None where there is none yet, or where it can't be read."""
        if path not in measures:
            return None
        length = measures[path].length
        start = start_in(length, since)
        if start == length:
            return Part(start, "")
        try:
            # No more than was there when it was measured: what is written meanwhile comes next time. See `_results`.
            part = [f"bs={length - start}", "count=1", f"skip={start}", "iflag=skip_bytes,nonblock,fullblock"]
            data = self._commands.read(["dd", f"if={path}", *part, "status=none"], user=user)
        except CommandFailed:
            return None
        return readable(data, start, final=final, goes_on=start == since)
