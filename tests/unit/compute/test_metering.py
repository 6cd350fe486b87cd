"""Metering: each run of Slurm's books is told once, and again when it changed; a cut answer is no answer."""

from __future__ import annotations

import gc
import io
import json
import sqlite3
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

import pytest
from tests.factories.slurm_books import HELP, Books, Row, as_file

from fabriek.compute.records import UsageRecord
from fabriek.compute.sacct import ASKED
from fabriek.compute.slurm import metering as metering_module
from fabriek.compute.slurm.journal import Journal
from fabriek.compute.slurm.metering import CORRECTED, DAY, HOUR, LATE, Metering

NOW = 1_780_000_000


class Clock:
    def __init__(self) -> None:
        self.now = float(NOW)

    def __call__(self) -> float:
        return self.now


class Site:
    """Slurm's books, the agent's metering of them, and what the platform was told."""

    def __init__(self, folder: Path, **options: object) -> None:
        self.books, self.clock, self.folder, self.options = Books(), Clock(), folder, options
        self.cursor = ""
        self.told: list[UsageRecord] = []
        self.start_agent()

    def start_agent(self) -> None:
        self.metering = Metering(
            as_file(self.books.run), "alpha", self.folder, interval=0, clock=self.clock, **self.options  # type: ignore[arg-type]
        )  # fmt: skip

    def tell(self, most: int = 1_000) -> list[UsageRecord]:
        """What the platform is told now, until there is no more."""
        before = len(self.told)
        while True:
            records, self.cursor = self.metering.usage_since(self.cursor, most)
            if not records:
                return self.told[before:]
            self.told += records

    def latest(self) -> dict[str, UsageRecord]:
        return {record.key: record for record in self.told}


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def windows(books: Books) -> list[list[str]]:
    return [words for words in books.asked if "-S" in words]


def test_each_run_is_told_once_however_often_it_is_read(site: Site) -> None:
    site.books.add(Row("1", NOW - 900, NOW - 800, NOW - 700), Row("2", NOW - 90, NOW - 80, NOW - 70, gpus=2))
    assert [(r.job_id, r.accelerator_seconds) for r in site.tell()] == [("1", 100), ("2", 20)]
    assert site.tell() == []
    site.start_agent()
    assert site.tell() == []


def test_a_run_that_changed_is_told_again(site: Site) -> None:
    site.books.add(Row("1", NOW - 900, NOW - 800, NOW - 700))
    site.tell()
    site.books.change("1", NOW - 900, end=NOW - 750, state="NODE_FAIL")
    assert [(r.key, r.seconds, r.state) for r in site.tell()] == [(f"1/{NOW - 900}", 50, "NODE_FAIL")]


def test_a_requeued_job_is_told_run_by_run(site: Site) -> None:
    site.books.add(Row("1", NOW - 900, NOW - 800, NOW - 700, state="REQUEUED"), Row("1", NOW - 700, NOW - 600, None))
    assert [r.seconds for r in site.tell()] == [100]
    site.books.change("1", NOW - 700, end=NOW - 500)
    assert [r.seconds for r in site.tell()] == [100]
    assert len(site.latest()) == 2


def test_a_resized_job_counts_each_second_once_and_with_what_it_had(site: Site) -> None:
    first, second = NOW - 900, NOW - 600
    site.books.add(Row("6", first, first, second, gpus=4, state="RESIZING"), Row("6", second, first, NOW - 500, gpus=1))
    assert [r.accelerator_seconds for r in site.tell()] == [4 * 300, 100]


def test_a_change_of_size_is_remembered_when_only_the_rest_is_read(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    first = NOW - 900
    site.books.add(Row("6", first, first, NOW - 600, gpus=4, state="RESIZING"), Row("6", NOW - 600, first, None))
    site.tell()
    site.clock.now += 10 * DAY
    site.books.add(Row("9", NOW + 10 * DAY, NOW + 10 * DAY, NOW + 10 * DAY + 1))
    site.books.change("6", NOW - 600, end=NOW + 10 * DAY)
    site.tell()
    assert site.latest()[f"6/{NOW - 600}"].seconds == 600 + 10 * DAY


def test_a_clock_that_stepped_back_between_submission_and_start_is_no_change_of_size(site: Site) -> None:
    site.books.add(Row("7", NOW - 100, NOW - 300, NOW - 200))
    assert [r.seconds for r in site.tell()] == [100]


def test_suspended_time_does_not_count(site: Site) -> None:
    site.books.add(Row("1", NOW - 900, NOW - 800, NOW - 700, suspended=40))
    assert [(r.seconds, r.suspended, r.accelerator_seconds, r.core_seconds) for r in site.tell()] == [(60, 40, 60, 240)]


def test_waiting_and_revoked_jobs_are_not_told_and_running_ones_when_they_end(site: Site) -> None:
    site.books.add(
        Row("1", NOW - 900, 0, None, state="PENDING"),
        Row("2", NOW - 900, NOW - 800, None, state="RUNNING"),
        Row("3", NOW - 900, 0, NOW - 800, state="REVOKED"),
    )
    assert site.tell() == []
    assert site.metering.running() == 1
    site.books.change("2", NOW - 900, end=NOW - 10, state="TIMEOUT")
    assert len(site.tell()) == 1
    assert site.metering.running() == 0


@pytest.mark.parametrize("cut", [1, 30, 95, 200, 10_000])
def test_a_cut_answer_is_asked_again_and_never_half_believed(site: Site, cut: int) -> None:
    site.books.add(*[Row(str(n), NOW - 900 + n, NOW - 800, NOW - 700) for n in range(20)])
    # Each window is asked twice; the last has the runs. All answers are cut for a while, then none.
    site.books.cuts = [cut] * 6
    assert site.tell() == [] or len(site.told) == 20
    site.books.cuts = []
    site.tell()
    assert len(site.told) == 20


def test_an_answer_that_ends_at_the_end_of_a_line_but_lacks_runs_is_found_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = Site(tmp_path)
    site.books.add(*[Row(str(n), NOW - 900 + n, NOW - 800, NOW - 700) for n in range(5)])
    whole = site.books.run

    def cut(words: list[str]) -> str:
        printed = whole(words)
        return printed if words[0] != "sacct" or "Account" not in printed else "".join(printed.splitlines(True)[:3])

    monkeypatch.setattr(site.books, "run", cut)
    site.start_agent()
    assert site.tell() == []
    assert "lacked" in site.metering.notes()[0]
    monkeypatch.undo()
    site.start_agent()
    assert len(site.tell()) == 5


def test_a_command_that_fails_is_told_and_what_was_read_before_goes_on_being_sent(site: Site) -> None:
    site.books.add(Row("1", NOW - 900, NOW - 800, NOW - 700), Row("2", NOW - 900, NOW - 800, NOW - 700))
    records, site.cursor = site.metering.usage_since("", 1)
    site.books.down = "slurmdbd doesn't answer"
    assert [r.job_id for r in records + site.tell()] == ["1", "2"]
    assert "slurmdbd doesn't answer" in site.metering.notes()[0]
    site.books.down = ""
    site.tell()
    assert site.metering.notes() == []


def test_a_record_that_arrives_late_is_found_by_the_hourly_look_back(site: Site) -> None:
    site.books.add(Row("0", NOW - 900, NOW - 800, NOW - 700))
    site.tell()
    site.books.add(Row("1", NOW - 2 * DAY, NOW - 2 * DAY, NOW - 2 * DAY + 60))
    site.books.add(Row("2", NOW - 60, NOW - 60, NOW - 50))
    assert [r.job_id for r in site.tell()] == ["2"]
    site.clock.now += HOUR
    assert [r.job_id for r in site.tell()] == ["1"]


def test_a_correction_of_weeks_ago_is_found_by_the_daily_one(site: Site) -> None:
    begun = NOW - 30 * DAY
    site.books.add(Row("1", begun, begun, begun + 600), Row("2", NOW - 60, NOW - 60, NOW - 50))
    site.tell()
    site.books.change("1", begun, end=begun + 60)
    site.clock.now += HOUR
    assert site.tell() == []
    site.clock.now += DAY
    assert [r.seconds for r in site.tell()] == [60]


def test_a_runaway_that_gets_an_end_in_the_far_past_is_asked_for_by_its_number(site: Site) -> None:
    begun = NOW - 39 * DAY
    site.books.add(Row("1", begun, begun, None, state="RUNNING"))
    site.tell()
    site.clock.now += 100 * DAY
    site.books.add(Row("2", NOW + 100 * DAY - 9, NOW + 100 * DAY - 8, NOW + 100 * DAY - 7))
    site.tell()
    assert site.metering.running() == 1
    site.books.change("1", begun, end=begun + 5, state="CANCELLED")
    assert [(r.job_id, r.seconds) for r in site.tell()] == [("1", 5)]


def test_a_runaway_is_said_to_be_one_after_an_hour_of_not_being_known(site: Site) -> None:
    site.books.add(Row("1", NOW - 900, NOW - 800, None), Row("2", NOW - 900, NOW - 800, None))
    site.books.known = {"2"}
    site.tell()
    assert site.metering.notes() == []
    site.clock.now += HOUR
    site.tell()
    (note,) = site.metering.notes()
    assert note.startswith("1 jobs run according to slurmdbd, but slurmctld doesn't know them: 1.")


def test_runs_from_the_future_are_booked_and_the_clock_is_told(site: Site) -> None:
    site.books.add(Row("1", NOW + 500, NOW + 500, NOW + 600))
    assert len(site.tell()) == 1
    assert "ahead" in site.metering.notes()[0]


def test_an_agent_whose_clock_is_ahead_skips_nothing(site: Site) -> None:
    site.books.add(Row("1", NOW - 900, NOW - 800, NOW - 700))
    site.clock.now = NOW + 5 * DAY
    site.tell()
    site.books.add(Row("2", NOW - 90, NOW - 80, NOW - 70))
    assert [r.job_id for r in site.tell()] == ["2"]


def test_a_clock_that_steps_back_for_the_cluster_and_the_agent_skips_nothing(site: Site) -> None:
    site.clock.now = NOW + 5 * DAY
    site.books.add(Row("1", NOW + 5 * DAY - 90, NOW + 5 * DAY - 80, NOW + 5 * DAY - 70))
    site.tell()
    site.clock.now = NOW
    site.books.add(Row("2", NOW - 90, NOW - 80, NOW - 70))
    assert [r.job_id for r in site.tell()] == ["2"]
    site.clock.now = NOW + 60
    site.books.add(Row("3", NOW, NOW, NOW + 50))
    assert [r.job_id for r in site.tell()] == ["3"]


def test_an_agent_that_was_away_for_weeks_reads_from_where_it_stopped(site: Site) -> None:
    site.books.add(Row("1", NOW - 900, NOW - 800, NOW - 700))
    site.tell()
    site.books.add(Row("2", NOW + DAY, NOW + DAY, NOW + DAY + 9))
    site.clock.now += 60 * DAY
    assert [r.job_id for r in site.tell()] == ["2"]


def test_how_far_back_is_read_at_each_scan(site: Site) -> None:
    def first() -> str:
        return windows(site.books)[0][windows(site.books)[0].index("-S") + 1]

    site.books.add(Row("1", NOW - 900, NOW - 800, NOW - 700))
    starts = []
    for later in (0, 60, HOUR, DAY):
        site.clock.now = NOW + later
        site.books.asked.clear()
        site.metering.scan()
        starts.append(first())
    reached = NOW - 700
    wanted = [NOW - CORRECTED, reached - HOUR, reached - LATE, reached - CORRECTED]
    assert starts == [datetime.fromtimestamp(w, tz=UTC).strftime("%Y-%m-%dT%H:%M:%S") for w in wanted]


def test_windows_with_too_many_runs_are_halved_and_none_is_lost(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metering_module, "MOST_RECORDS", 10)
    rows = [Row(str(n), NOW - n * 900 - 60, NOW - n * 900 - 50, NOW - n * 900) for n in range(400)]
    site.books.add(*rows)
    site.tell(most=7)
    assert sorted(int(r.job_id) for r in site.told) == list(range(400))


def test_a_killed_scan_leaves_whole_windows_and_the_next_one_ends_in_the_same_state(site: Site) -> None:
    site.books.add(*[Row(str(n), NOW - n * DAY, NOW - n * DAY, NOW - n * DAY + 9) for n in range(1, 30)])
    whole = site.books.run
    calls = 0

    def killed(words: list[str]) -> str:
        nonlocal calls
        calls += 1
        if calls > 9:
            raise KeyboardInterrupt
        return whole(words)

    site.metering = Metering(as_file(killed), "alpha", site.folder, interval=0, clock=site.clock)
    with pytest.raises(KeyboardInterrupt):
        site.tell()
    site.start_agent()
    assert len(site.tell()) == 29


def test_another_journal_does_not_believe_the_cursor_of_one_that_was_lost(site: Site) -> None:
    site.books.add(Row("1", NOW - 900, NOW - 800, NOW - 700))
    site.tell()
    for file in site.folder.glob("journal*"):
        file.unlink()
    site.start_agent()
    assert len(site.tell()) == 1


def test_runs_of_other_accounts_are_told_once_their_account_is_ours(tmp_path: Path) -> None:
    ours = {"vision"}
    site = Site(tmp_path, ours=lambda: ours)
    site.books.add(Row("1", NOW - 90, NOW - 80, NOW - 70), Row("2", NOW - 90, NOW - 80, NOW - 70, account="speech"))
    assert [r.account for r in site.tell()] == ["vision"]
    ours.add("speech")
    site.metering.scan()
    assert [r.account for r in site.tell()] == ["speech"]
    assert site.tell() == []


def test_a_cluster_that_slurmdbd_does_not_know_is_said(site: Site) -> None:
    metering = Metering(as_file(site.books.run), "alfa", site.folder / "other", interval=0, clock=site.clock)
    assert metering.usage_since("", 10) == ([], "")
    assert "no cluster alfa" in metering.notes()[0]


def test_a_version_that_lacks_a_column_is_said_and_another_name_is_found(site: Site) -> None:
    site.books.help = site.books.help.replace("AllocCPUS", "NCPUS").replace("AllocTRES ", "")
    site.tell()
    assert "AllocTRES" in site.metering.notes()[0]


def test_a_line_that_can_not_be_read_is_told_and_holds_nothing_up(site: Site) -> None:
    site.books.add(Row("1", NOW - 90, NOW - 80, NOW - 70, state="c0mpleted"), Row("2", NOW - 90, NOW - 80, NOW - 70))
    assert [r.job_id for r in site.tell()] == ["2"]
    assert "c0mpleted" in site.metering.notes()[0]


def test_old_runs_that_the_platform_has_leave_the_journal(site: Site) -> None:
    begun = NOW - 39 * DAY
    site.books.add(Row("1", begun, begun, begun + 5), Row("2", NOW - 9, NOW - 8, NOW - 7))
    site.tell()
    site.clock.now += 60 * DAY
    site.books.add(Row("3", NOW + 60 * DAY - 9, NOW + 60 * DAY - 8, NOW + 60 * DAY - 7))
    site.tell()
    site.clock.now += DAY
    site.tell()
    with sqlite3.connect(site.folder / "journal.sqlite3") as file:
        assert [job for (job,) in file.execute("SELECT job FROM run")] == ["3"]
    assert len(site.told) == 3


def test_a_change_while_a_batch_is_under_way_gets_a_number_of_its_own(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j")
    record = UsageRecord("1", "a", "u", "gpu", "COMPLETED", 1, 2, 3, 1, 1)
    other = UsageRecord("2", "a", "u", "gpu", "COMPLETED", 1, 2, 3, 1, 1)
    assert journal.take([record, other]) == 2
    first, cursor = journal.since("", 1)
    changed = UsageRecord("1", "a", "u", "gpu", "COMPLETED", 1, 2, 9, 1, 1)
    assert journal.take([changed, other]) == 1
    rest, cursor = journal.since(cursor, 10)
    assert (first, rest) == ([record], [other, changed])
    assert json.loads(json.dumps(journal.since(cursor, 10))) == [[], cursor]


def test_a_scan_takes_no_more_memory_for_ten_times_the_runs(tmp_path: Path) -> None:
    assert peak_of_a_scan(tmp_path / "many", 20_000) < 1.3 * peak_of_a_scan(tmp_path / "few", 2_000)


def peak_of_a_scan(folder: Path, runs: int) -> int:
    """Bytes that Python holds at most while an hour of so many runs is read again, every one of them known."""
    folder.mkdir()
    columns = {"JobIDRaw,Submit,Start": folder / "keys", ",".join(ASKED): folder / "rows"}
    for names, path in columns.items():
        with path.open("w") as file:
            print(names.replace(",", "|"), file=file)
            for job in range(runs):
                row = Row(str(job), NOW - 900, NOW - 800, NOW - 700).columns
                print("|".join(row[name] for name in names.split(",")), file=file)

    @contextmanager
    def printed(words: list[str]) -> Iterator[TextIO]:
        if words[0] == "sacct" and "-S" in words and windows_end(words) > NOW:
            with columns[words[-1].removeprefix("--format=")].open() as file:
                yield file
        elif words[0] == "sacct" and "-S" in words:
            yield io.StringIO(words[-1].removeprefix("--format=").replace(",", "|") + "\n")
        else:
            yield io.StringIO("alpha\n" if words[0] == "sacctmgr" else HELP if words[0] == "sacct" else "")

    metering = Metering(printed, "alpha", folder, interval=0, clock=lambda: NOW)
    assert metering.scan().changed == runs
    gc.collect()
    tracemalloc.start()
    scan = metering.scan()
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (scan.why, scan.records, scan.changed) == ("", runs, 0)
    metering.close()
    return peak


def windows_end(words: list[str]) -> float:
    return datetime.fromisoformat(words[words.index("-E") + 1]).replace(tzinfo=UTC).timestamp()
