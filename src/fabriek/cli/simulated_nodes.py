"""Which nodes each job had, as a file: what a plot of the machine through time is drawn from."""

from __future__ import annotations

import csv
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fabriek.simulation.simulate import Schedule


def spans(nodes: NDArray[np.int32]) -> str:
    """Numbers in rising order as Slurm writes them: "0-3,7"."""
    if not len(nodes):
        return ""
    edges = [0, *(np.flatnonzero(np.diff(nodes) != 1) + 1).tolist(), len(nodes)]
    ends = [(int(nodes[first]), int(nodes[last - 1])) for first, last in pairwise(edges)]
    return ",".join(str(low) if low == high else f"{low}-{high}" for low, high in ends)


def write_nodes(path: Path, schedule: Schedule) -> None:
    """A row for each job that ran, in the order of job number, and for each outage, which has no job: from when to when
    which nodes of which partition. A file that is there stays whole until the new one is.

    Raises OSError, and ValueError where jobs were put on no nodes.
    """
    if schedule.placed is None:
        raise ValueError("jobs were put on no nodes: the rules' partitions name none")
    jobs, pools, away = schedule.jobs, schedule.machine.pools, schedule.away
    several = len(pools) > 1
    ran = np.flatnonzero(schedule.ran)
    partial = path.with_name(f"{path.name}.partial")
    with partial.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("job", "start", "end", "partition", "nodes"))
        for job in ran[np.argsort(jobs.number[ran], kind="stable")].tolist():
            partition = jobs.partitions[jobs.partition[job]] if several else pools[0].name
            nodes = spans(schedule.placed.of(job))
            writer.writerow((jobs.number[job], schedule.start[job], schedule.end[job], partition, nodes))
        for since, until, pool, node in zip(away.since, away.until, away.pool, away.node, strict=True):
            writer.writerow(("", since, until, pools[pool].name, node))
    partial.replace(path)
