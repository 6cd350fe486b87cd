"""Metering, whatever happens: what the platform was told last of each run is what Slurm's books say of it."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.factories.slurm_books import Books, Row, as_file

from fabriek.compute.records import UsageRecord
from fabriek.compute.slurm.metering import DAY, Metering

NOW = 1_780_000_000
JOBS = st.integers(1, 4).map(str)
SECONDS = st.integers(1, 3 * DAY)

STEP = st.one_of(
    st.tuples(st.just("submit"), JOBS, SECONDS, st.booleans()),
    st.tuples(st.just("end"), JOBS, SECONDS),
    st.tuples(st.just("correct"), JOBS, SECONDS),
    st.tuples(st.just("clock"), st.integers(-DAY, 2 * DAY)),
    st.tuples(st.just("cut"), st.lists(st.one_of(st.none(), st.integers(1, 400)), max_size=8)),
    st.tuples(st.just("down"), st.booleans()),
    st.tuples(st.just("kill")),
    st.tuples(st.just("tell"), st.integers(1, 3), st.booleans()),
)


class World:
    def __init__(self, folder: Path) -> None:
        self.books, self.folder, self.now = Books(), folder, NOW
        self.cursor = ""
        self.told: dict[str, UsageRecord] = {}
        self.kill()

    def kill(self) -> None:
        self.metering = Metering(as_file(self.books.run), "alpha", self.folder, interval=0, clock=lambda: self.now)

    def submit(self, job: str, ago: int, over: bool) -> None:
        start = self.now - ago
        self.books.add(
            Row(job, start, start, start + ago // 2 if over else None, state="FAILED" if over else "RUNNING")
        )

    def end(self, job: str, after: int) -> None:
        for row in [r for r in self.books.rows.values() if r.job == job and r.end is None]:
            self.books.change(row.job, row.submit, end=row.start + after, state="TIMEOUT")

    def correct(self, job: str, seconds: int) -> None:
        for row in [r for r in self.books.rows.values() if r.job == job and r.end is not None]:
            self.books.change(row.job, row.submit, end=row.start + seconds, suspended=seconds // 3)

    def clock(self, by: int) -> None:
        self.now += by

    def cut(self, cuts: list[int | None]) -> None:
        self.books.cuts = cuts

    def down(self, down: bool) -> None:
        self.books.down = "slurmdbd is down" if down else ""

    def tell(self, most: int, answered: bool) -> None:
        """One batch; where the platform's answer is lost, the cursor stays and the batch is sent again."""
        records, cursor = self.metering.usage_since(self.cursor, most)
        self.told |= {record.key: record for record in records}
        if answered:
            self.cursor = cursor

    def settle(self) -> None:
        self.cut([])
        self.down(False)
        self.kill()
        self.now += 2 * DAY
        while True:
            records, self.cursor = self.metering.usage_since(self.cursor, 2)
            self.told |= {record.key: record for record in records}
            if not records:
                return


@settings(max_examples=60, deadline=None)
@given(st.lists(STEP, max_size=25))
def test_the_last_word_on_each_run_is_that_of_slurms_books(steps):
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder))
        for name, *arguments in steps:
            getattr(world, name)(*arguments)
        world.settle()
        ended = {
            (r.job, r.submit): (r.end - r.start - r.suspended) for r in world.books.rows.values() if r.end is not None
        }
        assert {(r.job_id, r.submit): r.seconds for r in world.told.values()} == ended
        assert world.metering.running() == len(world.books.rows) - len(ended)
        world.metering.close()
