"""How many of Slurm's job records are read, kept and booked a second, from what sacct prints to the ledger?

    sacct_booking.py [NUMBER] [--slurm]

The whole way: sacct's output in windows, the agent's journal, batches of a thousand, the ledger. Beside it in the same
run, the plain approach: `csv` reads the same text, one INSERT a record, no ledger, no check.

Without --slurm the text is made here, in the columns that metering asks for and the values that Slurm 22.05.8 prints
for them (seen from a real cluster): of 1,000 jobs, 700 are single, 200 tasks of arrays, 40 components of heterogeneous
jobs, 30 are requeued (two runs), 20 suspended for a while, 10 cancelled before they ran, and 5 wait. With --slurm two
hundred jobs run on a real cluster first, which is brought up for it; its database multiplies them to the number, a
minute apart, and the real sacct prints them.
"""

from __future__ import annotations

import csv
import io
import os
import random
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

os.environ["FABRIEK_FOLDER"] = tempfile.mkdtemp(prefix="fabriek-bench-")
os.environ["DJANGO_SETTINGS_MODULE"] = "fabriek.conf.settings"
sys.path.insert(0, str(Path(__file__).parents[1]))

import django

django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from tests.factories.slurm_books import as_file  # noqa: E402
from tests.factories.world import make_allocation, make_world  # noqa: E402

from fabriek.compute.sacct import ASKED  # noqa: E402
from fabriek.compute.slurm.metering import Metering  # noqa: E402
from fabriek.ledger.queries import check  # noqa: E402
from fabriek.operations.actions import Line, book_usage  # noqa: E402

DAYS = 30
BATCH = 1_000
PLAIN = 20_000


def main() -> None:
    words = [word for word in sys.argv[1:] if not word.startswith("-")]
    number = int(words[0]) if words else 100_000
    call_command("migrate", verbosity=0)
    world = make_world()
    accounts = [make_allocation(world, gpu_hours=1).project.code for _ in range(20)]
    if "--slurm" in sys.argv:
        from benchmarks.peers.slurm_records import real_cluster

        with real_cluster(accounts, number) as (run, text):
            measure(world.cluster, run, text, number)
    else:
        rows = sorted(made_up(accounts, number), key=lambda row: int(row[1]))
        text = "\n".join("|".join(row) for row in [list(ASKED), *rows]) + "\n"
        measure(world.cluster, printer(rows), text, number)


def measure(cluster, run: Callable[[list[str]], str], text: str, number: int) -> None:  # type: ignore[no-untyped-def]
    """Meter and book all there is, and print what it took."""
    metering = Metering(as_file(run), "alpha", Path(tempfile.mkdtemp(prefix="fabriek-bench-")), interval=1e9)
    wall, cpu = time.perf_counter(), time.process_time()
    records, cursor = metering.usage_since("", BATCH)
    assert not metering.notes(), metering.notes()
    scan, scan_cpu = time.perf_counter() - wall, time.process_time() - cpu
    memory, booked, windows = [], 0, metering.last.windows
    wall, cpu = time.perf_counter(), time.process_time()
    while records:
        batch = book_usage(cluster, cursor, [Line(n, r) for n, r in enumerate(records, 1)], "benchmark")
        assert not batch.broken, batch.broken[:1]
        booked += batch.booked
        memory.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
        records, cursor = metering.usage_since(cursor, BATCH)
    book, book_cpu = time.perf_counter() - wall, time.process_time() - cpu
    wall = time.perf_counter()
    metering.scan()
    again = time.perf_counter() - wall
    assert metering.usage_since(cursor, 1)[0] == []
    plain, plain_cpu, plain_rows = plainly(text)
    whole, whole_cpu = (scan + book) / booked, (scan_cpu + book_cpu) / booked
    assert check() == []
    print(f"{booked:,} records of {number:,} jobs: {1 / whole:,.0f} a second from sacct's text to the ledger")
    print(f"  read and kept in the journal: {booked / scan:,.0f} a second ({windows} windows)")
    print(f"  booked in the ledger: {booked / book:,.0f} a second, in batches of {BATCH:,}")
    print(f"  the next scan, of the last hour: {again:.2f} s")
    print(
        f"plain, csv and one INSERT a record, no ledger: {plain_rows / plain:,.0f} a second; "
        f"ours takes {whole / (plain / plain_rows):.2f} x as long ({whole_cpu / (plain_cpu / plain_rows):.2f} x of "
        "processor time)"
    )
    tenth = memory[len(memory) // 10]
    print(f"memory at a tenth of the batches {tenth / 1024:,.0f} MiB, at the end {memory[-1] / 1024:,.0f} MiB")


def plainly(text: str) -> tuple[float, float, int]:
    """Read the same text with csv and insert each record by itself, in one transaction."""
    lines = text.split("\n", PLAIN + 1)[: PLAIN + 1]
    wall, cpu, rows = time.perf_counter(), time.process_time(), 0
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE plain (job TEXT, submit INTEGER, begins INTEGER, ends INTEGER, gpus INTEGER)")
        for row in csv.DictReader(io.StringIO("\n".join(lines)), delimiter="|"):
            if not row["Start"].isdecimal() or not row["End"].isdecimal():
                continue
            tres = dict(part.split("=") for part in row["AllocTRES"].split(",") if part)
            values = [row["JobIDRaw"], row["Submit"], row["Start"], row["End"], tres.get("gres/gpu", "0")]
            cursor.execute("INSERT INTO plain VALUES (%s, %s, %s, %s, %s)", values)
            rows += 1
    return time.perf_counter() - wall, time.process_time() - cpu, rows


def made_up(accounts: list[str], number: int) -> Iterator[list[str]]:
    """Rows of `ASKED`, as many jobs as asked for over the last month, in the proportions that are told on top."""
    chance = random.Random(1)
    now = int(time.time())
    for job in range(1, number + 1):
        kind = job % 1_000
        submit = now - DAYS * 86_400 + job * (DAYS * 86_400 - 90_000) // number
        start = submit + chance.randrange(600)
        end = start + chance.randrange(1, 80_000)
        gpus, cores = chance.choice([(1, 16), (4, 64), (2, 32), (0, 8)])
        account = accounts[job % len(accounts)]
        nothing = ["ann", "gpu", "", "1", "1", str(job)]
        if kind < 5:
            yield [str(job), str(submit), "Unknown", "Unknown", "0", "PENDING", account, *nothing]
            continue
        if kind < 15:
            state = "CANCELLED by 1000"
            yield [str(job), str(submit), "None", str(end), "0", state, account, *nothing]
            continue
        suspended = chance.randrange(1, end - start + 1) if kind < 35 else 0
        if kind < 65 and kind >= 35:
            middle = (start + end) // 2 + 1
            yield row(job, submit, start, middle, 0, "REQUEUED", account, gpus, cores)
            submit, start, end = middle, middle + 120, max(end, middle + 121)
        state = chance.choice(["COMPLETED", "COMPLETED", "COMPLETED", "FAILED", "TIMEOUT"])
        yield row(job, submit, start, end, suspended, state, account, gpus, cores)


def row(
    job: int, submit: int, start: int, end: int, suspended: int, state: str, account: str, gpus: int, cores: int
) -> list[str]:
    """A run as sacct prints it."""
    held = f"billing={cores},cpu={cores}," + (f"gres/gpu:h100={gpus},gres/gpu={gpus}," if gpus else "")
    return [
        str(job), str(submit), str(start), str(end), str(end - start - suspended), state, account, "ann", "gpu",
        f"{held}mem={cores * 4096}M,node=1", str(cores), "1", str(job),
    ]  # fmt: skip


def printer(rows: list[list[str]]) -> Callable[[list[str]], str]:
    """sacct over these rows: the windows and columns that are asked for."""
    places = {name: place for place, name in enumerate(ASKED)}

    def second(text: str) -> int:
        return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())

    def run(words: list[str]) -> str:
        if words[0] == "sacctmgr":
            return "alpha\n"
        if words[0] == "squeue":
            return ""
        if "--helpformat" in words:
            return " ".join(ASKED)
        since, until = second(words[words.index("-S") + 1]), second(words[words.index("-E") + 1])
        columns = next(word for word in words if word.startswith("--format="))[9:].split(",")
        wanted = [places[column] for column in columns]
        within = (r for r in rows if int(r[1]) < until and (not r[3].isdecimal() or int(r[3]) >= since))
        return "\n".join("|".join(line) for line in [columns, *([r[p] for p in wanted] for r in within)]) + "\n"

    return run


if __name__ == "__main__":
    main()
