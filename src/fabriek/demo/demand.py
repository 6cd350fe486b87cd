"""Real demand for the demonstration: what fifteen groups used of a GPU cluster, a month.

Made from Microsoft's Philly trace (Jeon et al., 'Analysis of Large-Scale Multi-Tenant GPU Clusters for DNN Training
Workloads', USENIX ATC 2019), in the form that petuum/adaptdl derived (CC-BY-4.0). The trace itself isn't shipped: only
the table below, with one row a virtual cluster and month. Made again by

    python -m fabriek.demo.demand philly-2017.csv.gz > src/fabriek/demo/data/demand.csv
"""

from __future__ import annotations

import csv
import gzip
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TextIO

COLUMNS = ("cluster", "month", "jobs", "gpu_seconds", "largest_job_gpus", "median_job_seconds")


@dataclass(frozen=True)
class Demand:
    """What one virtual cluster used in one month. `gpu_seconds` is exact: seconds times GPUs, summed over its jobs."""

    cluster: str
    month: str
    jobs: int
    gpu_seconds: int
    largest_job_gpus: int
    median_job_seconds: int

    @property
    def gpu_hours(self) -> int:
        """Whole GPU-hours, rounded up: what somebody would ask for."""
        return -(-self.gpu_seconds // 3600)


def derive(trace: TextIO) -> list[Demand]:
    """Sum the trace (columns timestamp, duration in s, num_gpus, gpu_time, cluster) per virtual cluster and month."""
    jobs: dict[tuple[str, str], list[tuple[int, int]]] = defaultdict(list)
    for row in csv.DictReader(trace):
        jobs[row["cluster"], row["timestamp"][:7]].append((round(float(row["duration"])), int(row["num_gpus"])))
    return [
        Demand(
            cluster,
            month,
            jobs=len(runs),
            gpu_seconds=sum(seconds * gpus for seconds, gpus in runs),
            largest_job_gpus=max(gpus for _, gpus in runs),
            median_job_seconds=sorted(seconds for seconds, _ in runs)[len(runs) // 2],
        )
        for (cluster, month), runs in sorted(jobs.items())
    ]


def demand() -> Iterator[Demand]:
    """The table that comes with the package, in its own order."""
    text = resources.files("fabriek.demo").joinpath("data/demand.csv").read_text(encoding="utf-8")
    for row in csv.DictReader(line for line in text.splitlines() if not line.startswith("#")):
        yield Demand(row["cluster"], row["month"], **{name: int(row[name]) for name in COLUMNS[2:]})


def write(rows: list[Demand], out: TextIO) -> None:
    """Write the table as CSV, its origin first."""
    out.write("# Derived from Microsoft's Philly trace (CC-BY-4.0) by fabriek.demo.demand; see that module.\n")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([getattr(row, name) for name in COLUMNS] for row in rows)


if __name__ == "__main__":
    path = Path(sys.argv[1])
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as opened:
        write(derive(opened), sys.stdout)
