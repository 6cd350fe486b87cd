"""The daily proof: what sacct says of a whole day, added up apart from metering, and sreport beside it.

Lines are of runs that ended on the day, as the ledger's records are found. sreport
(https://slurm.schedmd.com/sreport.html, cluster AccountUtilizationByUser) is of seconds that fall in the day, of all
runs, those under way too; so sacct's records are counted that way as well. Two things make sreport say more, and both
are named:

- accelerators of a suspended job are still its own ("CPUs have been released for other jobs", sacct, JOB STATE CODES):
  sreport counts them, ElapsedRaw doesn't;
- in 22.05 (no longer in 24.11) a job that was resized is in slurmdbd's table twice from its first second: sreport
  counts its first part twice.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime

from fabriek.compute.records import UsageRecord
from fabriek.compute.sacct import OpenRun
from fabriek.compute.slurm.accounting import Accounting
from fabriek.compute.wire import MOST_RECORDS, DailyProof, ProofLine, ProofPlace, ProofRuns, ProvenRun, RollUp

DAY = 86_400
# Six hours at a time: a day of a large cluster is some hundred megabytes as sacct prints it.
PIECE = 6 * 3_600


@dataclass
class _InDay:
    """Seconds of an account that fall in a day."""

    accelerators: int = 0
    cores: int = 0
    more_accelerators: int = 0
    more_cores: int = 0


class Prover:
    """Asks a cluster's accounting about whole days."""

    def __init__(self, cluster: str, accounting: Accounting) -> None:
        self._cluster, self._accounting = cluster, accounting

    def prove(self, day: date) -> DailyProof:
        """The day's totals. Errors: as `Accounting.window`."""
        sums: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0, 0])
        within: dict[str, _InDay] = defaultdict(_InDay)
        for since, until in _pieces(day):
            with self._accounting.window(since, until) as answer:
                for record in answer:
                    _add(within[record.account], record, answer.begun.get(record.key, record.start), since, until)
                    if since <= record.end < until:
                        line = sums[record.account, record.partition]
                        line[0] += 1
                        line[1] += record.accelerator_seconds
                        line[2] += record.core_seconds
                for run in answer.running:
                    _add_open(within[run.account], run, since, until)
        return DailyProof(
            day=day,
            lines=[
                ProofLine(account=account, partition=partition, runs=n, accelerator_seconds=a, core_seconds=c)
                for (account, partition), (n, a, c) in sorted(sums.items())
            ],
            roll_up=self._roll_up(day, within),
        )

    def runs(self, day: date, places: Collection[ProofPlace]) -> ProofRuns:
        """The runs of some lines of a day, as many as may be sent."""
        wanted = {(place.account, place.partition) for place in places}
        runs: list[ProvenRun] = []
        for record in self._ended_on(day):
            if (record.account, record.partition) not in wanted:
                continue
            if len(runs) >= MOST_RECORDS:
                return ProofRuns(places=list(places), runs=runs, cut=True)
            runs.append(ProvenRun.of(record))
        return ProofRuns(places=list(places), runs=runs, cut=False)

    def _ended_on(self, day: date) -> Iterator[UsageRecord]:
        for since, until in _pieces(day):
            with self._accounting.window(since, until) as answer:
                yield from (record for record in answer if since <= record.end < until)

    def _roll_up(self, day: date, within: dict[str, _InDay]) -> list[RollUp] | None:
        """sreport's figures beside ours; None where slurmdbd hasn't rolled up the day: it does so every hour."""
        reported = self._reported(day)
        if not reported:
            return None if within else []
        ours = {account for account, seconds in within.items() if seconds.accelerators or seconds.cores}
        return [
            RollUp(
                account=account,
                accelerator_seconds=reported.get((account, "gres/gpu"), 0),
                core_seconds=reported.get((account, "cpu"), 0),
                records_accelerator_seconds=within[account].accelerators,
                records_core_seconds=within[account].cores,
                explained_accelerator_seconds=within[account].more_accelerators,
                explained_core_seconds=within[account].more_cores,
            )
            for account in sorted(ours | {account for account, _tres in reported})
        ]

    def _reported(self, day: date) -> dict[tuple[str, str], int]:
        """Seconds by account and TRES: the lines of users, which a parent's line would add up again."""
        first = datetime(day.year, day.month, day.day, tzinfo=UTC)
        end = datetime.fromtimestamp(first.timestamp() + DAY, tz=UTC)
        printed = self._accounting.text(
            [
                "sreport", "-P", "-n", "-t", "Seconds", "-T", "cpu,gres/gpu", "cluster", "AccountUtilizationByUser",
                f"clusters={self._cluster}", f"start={first:%Y-%m-%dT%H:%M:%S}", f"end={end:%Y-%m-%dT%H:%M:%S}",
                "format=Accounts,Login,TresName,Used",
            ]
        )  # fmt: skip
        found: dict[tuple[str, str], int] = defaultdict(int)
        for line in printed.splitlines():
            account, login, tres, used = (*line.split("|"), "", "", "", "")[:4]
            if login and used.isdecimal():
                found[account, tres] += int(used)
        return found


def _pieces(day: date) -> Iterator[tuple[int, int]]:
    """The seconds from which and until which a day is asked for."""
    first = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())
    for since in range(first, first + DAY, PIECE):
        yield since, since + PIECE


def _add(into: _InDay, record: UsageRecord, begun: int, since: int, until: int) -> None:
    """The seconds of a run in [since, until). What it was suspended is taken evenly from it, as in the ledger.

    begun: when its job began; before the run where that was resized, and slurmdbd has this run from then on.
    """
    length = record.end - record.start
    first, last = max(record.start, since), min(record.end, until)
    if last > first and length:
        counted = (last - record.start) * record.seconds // length - (first - record.start) * record.seconds // length
        into.accelerators += counted * record.accelerators
        into.cores += counted * record.cores
        into.more_accelerators += (last - first - counted) * record.accelerators
    again = min(record.start, until) - max(begun, since)
    if again > 0:
        into.more_accelerators += again * record.accelerators
        into.more_cores += again * record.cores


def _add_open(into: _InDay, run: OpenRun, since: int, until: int) -> None:
    seconds = max(until - max(run.start, since), 0)
    into.accelerators += seconds * run.accelerators
    into.cores += seconds * run.cores
