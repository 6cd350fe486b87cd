"""How many jobs of an SWF file are read a second, with all checks? Beside it, in the same run: the plainest readings.

Those are csv.reader with int() of each field, and numpy.loadtxt, both without a check, names, order or repairs. Each is
done three times in turn and the best counts, in processor time. Ends with 1 unless all three read as many lines, and
unless what was read is written and read again the same.

    python benchmarks/workload_reading.py [FILE]

FILE: SWF, plain or .gz; unpacking counts for none of them. Without one: 200,000 jobs made up here.
"""

from __future__ import annotations

import csv
import io
import sys
import time
from collections.abc import Callable

import numpy as np

from fabriek.simulation.workloads.swf import parse_swf
from fabriek.simulation.workloads.swf_writing import swf_text
from fabriek.simulation.workloads.trace import content_of

JOBS, TIMES = 200_000, 3


def made_up() -> bytes:
    random = np.random.default_rng(1)
    submit = np.sort(random.integers(0, 10**7, JOBS))
    run, size, user = random.integers(1, 10**5, JOBS), 2 ** random.integers(0, 10, JOBS), random.integers(1, 200, JOBS)
    columns = zip(submit.tolist(), run.tolist(), size.tolist(), user.tolist(), strict=True)
    rows = (
        f"{n} {at} 0 {ran} {procs} -1 -1 {procs} 86400 -1 1 {who} {who % 40} -1 1 -1 -1 -1"
        for n, (at, ran, procs, who) in enumerate(columns, 1)
    )
    return "\n".join(["; MaxProcs: 8192", "; UnixStartTime: 1272639895", *rows, ""]).encode()


def by_csv(content: bytes) -> int:
    lines = (line for line in io.StringIO(content.decode("latin-1")) if not line.startswith(";"))
    return len([[int(field) for field in row if field] for row in csv.reader(lines, delimiter=" ")])


def by_loadtxt(content: bytes) -> int:
    return len(np.loadtxt(io.BytesIO(content), comments=";"))


def by_fabriek(content: bytes) -> int:
    trace = parse_swf(content)
    return len(trace.jobs) + len(trace.repairs.skipped)


def seconds_of(read: Callable[[bytes], int], content: bytes) -> tuple[float, int]:
    began = time.process_time()
    count = read(content)
    return time.process_time() - began, count


def main() -> int:
    content = content_of(sys.argv[1]) if len(sys.argv) > 1 else made_up()
    ways = {"fabriek": by_fabriek, "csv and int": by_csv, "numpy.loadtxt": by_loadtxt}
    measured = {name: [seconds_of(read, content) for _ in range(TIMES)] for name, read in ways.items()}
    best = {name: min(seconds for seconds, _count in found) for name, found in measured.items()}
    counts = {count for found in measured.values() for _seconds, count in found}
    print(f"{max(counts):,} jobs, {len(content) / 2**20:.1f} MiB unpacked")
    for name, seconds in best.items():
        print(
            f"{name:14s} {seconds:6.2f} s  {max(counts) / seconds:12,.0f} a second  {seconds / best['fabriek']:5.2f} x"
        )
    began = time.process_time()
    trace = parse_swf(content)
    text = swf_text(trace)
    print(f"written: {len(trace.jobs) / (time.process_time() - began - best['fabriek']):,.0f} a second")
    again = parse_swf(text.encode()).jobs
    same = all(
        np.array_equal(getattr(trace.jobs, name), getattr(again, name)) for name in ("number", "submit", "run", "user")
    )
    return 0 if len(counts) == 1 and same else 1


if __name__ == "__main__":
    sys.exit(main())
