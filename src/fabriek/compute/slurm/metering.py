"""Metering: what Slurm accounted for, read so that none is lost and each run is told once, and again when it changed.

How far back is read, at each scan, from where the last one came to:

- the last hour, at every scan. Runs reach slurmdbd some seconds after they end;
- the last three days, every hour. slurmctld keeps what it can't send while slurmdbd is down, and sends it later
  (https://slurm.schedmd.com/accounting.html, "slurmctld will queue the accounting records");
- the last forty days, once a day, and in the very first scan: what an administrator corrected;
- a run that was under way and is not in the window any more is asked for by its number, however long ago it ended.
  So a runaway job (https://slurm.schedmd.com/sacctmgr.html, RunawayJobs) that is repaired after months is found.

The window starts from Slurm's own times: from the latest that its records tell, and not later than now. So neither an
agent's clock that is ahead nor a cluster without jobs makes a gap, and a clock that steps back moves the window back.
It ends a day past now, because a cluster's clock may be ahead. A scan that fails leaves everything as it was but for
whole windows, which are kept: reading them again changes nothing.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from fabriek.compute.records import UsageRecord
from fabriek.compute.slurm.accounting import MOST_BROKEN, Accounting, Answer, CutAnswer, Printed, UnknownSlurmCluster
from fabriek.compute.slurm.journal import Journal

HOUR, DAY = 3_600, 86_400
INTERVAL = 20.0
RECENT, LATE, CORRECTED = HOUR, 3 * DAY, 40 * DAY
LATE_EVERY, CORRECTED_EVERY = HOUR, DAY
AHEAD = DAY
# A window with more records is cut in halves, so that an answer is some megabytes and not some gigabytes; so many of
# them are in memory at once.
MOST_RECORDS, AT_ONCE = 50_000, 1_000
SHORTEST, LONGEST = 600, 10 * DAY
# A run that slurmctld doesn't know is only said to be a runaway when slurmdbd had an hour to hear that it ended.
ORPHANED_AFTER = HOUR
MOST_NOTES = 20
# Clocks of a cluster and of its agent differ by less where both keep time.
SKEW = 120


@dataclass
class Scan:
    """What one scan did. `why`: what stopped it; `notes`: what somebody should know, each a sentence."""

    records: int = 0
    changed: int = 0
    windows: int = 0
    why: str = ""
    notes: list[str] = field(default_factory=list)


class Metering:
    """One cluster's accounting. `ours`: the accounts whose runs are the platform's business; None: all of them."""

    def __init__(
        self,
        printed: Printed,
        cluster: str,
        folder: Path,
        *,
        interval: float = INTERVAL,
        ours: Callable[[], Collection[str] | None] = lambda: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.journal = Journal(folder / "journal.sqlite3")
        self.accounting = Accounting(printed, cluster, self.journal.resized)
        self.last = Scan()
        self._cluster, self._interval, self._ours, self._clock = cluster, interval, ours, clock
        self._scanned_at: float | None = None
        self._cursor = ""

    def close(self) -> None:
        """Let go of the journal's file."""
        self.journal.close()

    def usage_since(self, cursor: str, most: int) -> tuple[list[UsageRecord], str]:
        """See Engine.usage_since. Scans first where that is due.

        A scan that fails doesn't hold up what was read before: `notes` says what stopped it. Errors: sqlite3.Error
        where the journal can't be written.
        """
        self._cursor = cursor
        if self._scanned_at is None or time.monotonic() - self._scanned_at >= self._interval:
            self.scan()
            self._scanned_at = time.monotonic()
        return self.journal.since(cursor, most)

    def notes(self) -> list[str]:
        """What stopped the last scan, and what somebody should know of what was read."""
        return [*([self.last.why] if self.last.why else []), *self.last.notes]

    def running(self) -> int:
        """How many runs are under way: they are told when they have ended."""
        return len(self.journal.open_runs())

    def scan(self) -> Scan:
        """Read what is due. What Slurm's commands raise stops it, and is told in `why`."""
        scan = self.last = Scan()
        try:
            self._scan(scan)
        except (CutAnswer, UnknownSlurmCluster) as error:
            scan.why = str(error)
        except sqlite3.Error:
            raise
        except Exception as error:
            # Whatever the commands raise: the cluster may be out of reach, slurmdbd down. The next round tries again.
            scan.why = f"The accounting of {self._cluster} could not be read: {error}"
        return scan

    def _scan(self, scan: Scan) -> None:
        now, known = int(self._clock()), self.journal.number("reached")
        back = self._how_far_back(now)
        ours = self._ours()
        seen = _Seen(before=set(self.journal.open_runs()), ours=None if ours is None else set(ours))
        # Before anything was ever read, there is only the agent's own clock to start from.
        latest = self._read_windows(min(known or now, now) - back, now + AHEAD, scan, seen)
        self._ask_by_number(seen, scan)
        self._done(now, max(latest, min(known, now)), back, seen)
        if back >= LATE:
            self._look_for_runaways(now)
        scan.notes += self._notes(now, seen)

    def _how_far_back(self, now: int) -> int:
        """Seconds before the latest time that is known."""

        def due(name: str, every: int) -> bool:
            # A clock that stepped back makes the last time lie ahead: then too.
            return not 0 <= now - self.journal.number(name) < every

        if not self.journal.number("reached") or due("corrected_at", CORRECTED_EVERY):
            return CORRECTED
        return LATE if due("late_at", LATE_EVERY) else RECENT

    def _read_windows(self, since: int, horizon: int, scan: Scan, seen: _Seen) -> int:
        """Window after window, each in a transaction of its own. Returns the latest time that the records tell."""
        width, latest = self.journal.number("width", DAY), 0
        while since < horizon:
            until = min(since + width, horizon)
            with self.accounting.window(since, until) as answer:
                if answer.ended > MOST_RECORDS and until - since > SHORTEST:
                    width = max((until - since) // 2, SHORTEST)
                    continue
                latest = max(latest, self._take(answer, scan, seen))
            scan.windows += 1
            if answer.ended < MOST_RECORDS // 4:
                width = min(width * 2, LONGEST)
            since = until
        self.journal.write_note("width", width)
        return latest

    def _done(self, now: int, latest: int, back: int, seen: _Seen) -> None:
        """Write down how far was read. Never past now: what lies there may be the word of a clock that steps back."""
        with self.journal.change():
            if seen.ours is not None:
                self.journal.claim(seen.ours)
            if latest:
                self.journal.write_note("reached", min(latest, now))
            if back >= LATE:
                self.journal.write_note("late_at", now)
            if back >= CORRECTED:
                self.journal.write_note("corrected_at", now)
                self.journal.forget(self._cursor, min(latest, now) - CORRECTED - 10 * DAY)
            self.journal.write_note(f"broken {back}", json.dumps(sorted(seen.broken)[:MOST_BROKEN]))

    def _take(self, answer: Answer, scan: Scan, seen: _Seen, of: Collection[str] | None = None) -> int:
        """Write an answer down, some records at a time, all of it or nothing. of: the jobs of which runs that go on are
        meant; None: all. Returns the latest time that it tells."""
        latest = 0
        with self.journal.change():
            while records := list(islice(answer, AT_ONCE)):
                closed = [(record.job_id, record.submit) for record in records]
                scan.records += len(records)
                scan.changed += self.journal.take(records, seen.ours)
                self.journal.close_runs(closed)
                seen.met(closed)
                latest = max(latest, *(record.end for record in records))
            running = [run for run in answer.running if of is None or run.job_id in of]
            self.journal.note_resizes(answer.resizes)
            self.journal.open_also(running)
        seen.met((run.job_id, run.submit) for run in running)
        seen.broken |= set(answer.broken)
        seen.latest_end = max(seen.latest_end, latest)
        return max([latest, *(run.start for run in running)])

    def _ask_by_number(self, seen: _Seen, scan: Scan) -> None:
        """Runs that were under way and that no window showed."""
        lost = {job for job, _submit in seen.before - seen.shown}
        for answer in self.accounting.jobs(lost):
            self._take(answer, scan, seen, lost)
        # What sacct no longer tells at all was purged, or made a run of another kind, such as a resized one.
        with self.journal.change():
            self.journal.close_runs(seen.before - seen.shown)

    def _look_for_runaways(self, now: int) -> None:
        known = self.accounting.running_now()
        with self.journal.change():
            self.journal.missing({job for job, _submit in self.journal.open_runs()} - known, now)

    def _notes(self, now: int, seen: _Seen) -> list[str]:
        texts = [json.loads(self.journal.note(f"broken {back}", "[]")) for back in (RECENT, LATE, CORRECTED)]
        notes = [f"sacct printed a line that can't be read: {text}" for text in sorted(set().union(*texts))]
        orphans = sorted(
            run.job_id
            for run, missing in self.journal.open_runs().values()
            if missing is not None and now - missing >= ORPHANED_AFTER
        )
        if orphans:
            some = ", ".join(orphans[:MOST_NOTES]) + (" and others" if len(orphans) > MOST_NOTES else "")
            notes.append(
                f"{len(orphans)} jobs run according to slurmdbd, but slurmctld doesn't know them: {some}. They are "
                "booked when they have an end: let an operator of the cluster look with `sacctmgr show runawayjobs`."
            )
        if seen.latest_end > now + SKEW:
            notes.append(
                f"Runs end up to {seen.latest_end - now} s in the future: the clock of {self._cluster} is ahead of the "
                "agent's. They are booked as Slurm tells them."
            )
        return notes


@dataclass
class _Seen:
    """What one scan saw. `before`: the runs that were under way before it; `shown`: those of them that it met; `ours`:
    the accounts that are told of."""

    before: set[tuple[str, int]]
    ours: set[str] | None
    shown: set[tuple[str, int]] = field(default_factory=set)
    broken: set[str] = field(default_factory=set)
    latest_end: int = 0

    def met(self, runs: Iterable[tuple[str, int]]) -> None:
        """These were told, as over or as going on."""
        self.shown |= self.before.intersection(runs)
