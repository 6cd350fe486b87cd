"""Is a whole accounting log booked once, how fast, and does the same file again change nothing?

A new folder each time: the database is made, the log imported twice as `fabriek usage import` does it, and the whole
ledger recomputed. Ends with 1 unless the second import books nothing and the ledger balances both times.

    python benchmarks/usage_import.py [FILE] [--format swf|sacct]

FILE: plain or .gz. Without one: 5,000 lines of SWF, made up here, of which every 500th never ran and every 1,000th is
broken; the counts are then checked too.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

FOLDER = Path(tempfile.mkdtemp(prefix="fabriek-bench-"))
os.environ["FABRIEK_FOLDER"] = str(FOLDER)
os.environ["DJANGO_SETTINGS_MODULE"] = "fabriek.conf.settings"
sys.path.insert(0, str(Path(__file__).parents[1]))

import django  # noqa: E402

django.setup()

from django.core.management import call_command  # noqa: E402
from tests.factories.world import make_world  # noqa: E402

from fabriek.cli.imports import run_import  # noqa: E402
from fabriek.ledger.queries import check, totals  # noqa: E402
from fabriek.operations.imports import ImportReport  # noqa: E402

LINES = 5_000
EXPECTED = {"booked": 4_985, "never_ran": 10, "broken": 5}


def made_up() -> Path:
    """A log of 40 groups. Every 1,000th line is cut short; of the others every 500th never ran."""
    rows = ["; UnixStartTime: 1700000000\n", "; MaxProcs: 4096\n"]
    for n in range(1, LINES + 1):
        if n % 1_000 == 0:
            rows.append(f"{n} 1 2\n")
            continue
        run, status = (-1, 5) if n % 500 == 250 else (60 + n * 37 % 7_200, 1)
        cores = 1 << n % 8
        rows.append(f"{n} {n * 30} 5 {run} {cores} -1 -1 {cores} 7200 -1 {status} {n % 90} {n % 40} -1 1 1 -1 -1\n")
    file = FOLDER / "made-up.swf"
    file.write_text("".join(rows), encoding="utf-8")
    return file


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("file", type=Path, nargs="?")
    options.add_argument("--format", choices=("swf", "sacct"), default="swf")
    given = options.parse_args()
    call_command("migrate", verbosity=0)
    world = make_world()
    file = given.file or made_up()
    faults: list[str] = []

    def once(title: str) -> ImportReport:
        wall, processor = time.perf_counter(), time.process_time()
        report = run_import(
            file, "imported", world.partition.code, "eu-science", given.format, world.operator.email, lambda _done: None
        )
        wall, processor = time.perf_counter() - wall, time.process_time() - processor
        print(
            f"{title}: {report.booked:,} booked, {report.repeated:,} booked before, {report.never_ran:,} never ran, "
            f"{len(report.broken):,} broken; {wall:.1f} s, of which processor {processor:.1f} s"
        )
        began = time.perf_counter()
        faults.extend(check())
        print(f"  {totals()['entries']:,} entries; the whole ledger recomputed in {time.perf_counter() - began:.1f} s")
        return report

    first, second = once("first"), once("again")
    if not first.booked:
        faults.append("nothing was booked")
    if second.booked:
        faults.append(f"the same file again booked {second.booked:,} records")
    if second.repeated != first.booked:
        faults.append(f"of {first.booked:,} booked records, {second.repeated:,} were known again")
    found = {"booked": first.booked, "never_ran": first.never_ran, "broken": len(first.broken)}
    if given.file is None and found != EXPECTED:
        faults.append(f"of the made-up log {found} instead of {EXPECTED}")
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    try:
        status = main()
    finally:
        shutil.rmtree(FOLDER, ignore_errors=True)
    sys.exit(status)
