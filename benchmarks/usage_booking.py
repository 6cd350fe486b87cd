"""How many usage records are booked a second, all checks on? Beside it: plain inserts of the same rows, no ledger.

The records are those of a real log where one is given (SWF, plain or .gz), else made up.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path

os.environ["FABRIEK_FOLDER"] = tempfile.mkdtemp(prefix="fabriek-bench-")
os.environ["DJANGO_SETTINGS_MODULE"] = "fabriek.conf.settings"
sys.path.insert(0, str(Path(__file__).parents[1]))

import django

django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from tests.factories.world import make_allocation, make_world  # noqa: E402

from fabriek.compute.records import UsageRecord  # noqa: E402
from fabriek.compute.swf import read_swf  # noqa: E402
from fabriek.ledger.queries import check, totals  # noqa: E402
from fabriek.operations.actions import Line, book_usage  # noqa: E402
from fabriek.operations.imports import opened  # noqa: E402


def main() -> None:
    number = int(sys.argv[2]) if len(sys.argv) > 2 else 50_000
    call_command("migrate", verbosity=0)
    world = make_world()
    allocations = [make_allocation(world, gpu_hours=1) for _ in range(20)]
    records = list(islice(some_records(allocations, number), number))
    began = time.perf_counter()
    for first in range(0, len(records), 5_000):
        lines = [Line(n, record) for n, record in enumerate(records[first : first + 5_000])]
        book_usage(world.cluster, f"batch {first}", lines, "benchmark")
    booked = time.perf_counter() - began
    began = time.perf_counter()
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE plain (key TEXT, start INTEGER, finish INTEGER, gpus INTEGER, cores INTEGER)")
        for first in range(0, len(records), 5_000):
            cursor.executemany(
                "INSERT INTO plain VALUES (%s, %s, %s, %s, %s)",
                [(r.key, r.start, r.end, r.accelerators, r.cores) for r in records[first : first + 5_000]],
            )
    plain = time.perf_counter() - began
    began = time.perf_counter()
    assert check() == []
    checked = time.perf_counter() - began
    print(f"{len(records):,} records booked in {booked:.1f} s: {len(records) / booked:,.0f} a second")
    print(f"plain inserts of the same rows: {len(records) / plain:,.0f} a second; booking takes {booked / plain:.1f} x")
    print(f"{totals()['entries']:,} entries; the whole ledger recomputed in {checked:.1f} s")


def some_records(allocations, number):  # type: ignore[no-untyped-def]
    """A log's records, given to our allocations in turn."""
    if len(sys.argv) > 1:
        with opened(Path(sys.argv[1])) as text:
            for n, record in enumerate(read_swf(text)):
                if isinstance(record, UsageRecord):
                    account = allocations[n % len(allocations)].project.code
                    yield UsageRecord(
                        record.job_id, account, record.user, "gpu", record.state, record.submit, record.start,
                        record.end, 1, record.cores,
                    )  # fmt: skip
        return
    for n in range(number):
        start = 1_780_000_000 + n
        account = allocations[n % len(allocations)].project.code
        yield UsageRecord(str(n), account, "u1", "gpu", "COMPLETED", start - 9, start, start + 60 + n % 900, 1, 16)


if __name__ == "__main__":
    main()
