"""Several sites, for `fabriek simulate`: the data of each job in, figures by site out."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from fabriek.simulation.answers import by_site
from fabriek.simulation.jobs import Jobs
from fabriek.simulation.simulate import Schedule


def with_data(jobs: Jobs, path: Path) -> Jobs:
    """Jobs with the bytes of a file of `job,bytes`; nought for jobs that it doesn't name.

    Raises OSError, and ValueError with the line of a fault.
    """
    known: dict[int, int] = {}
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.reader(file)
        if next(rows, None) != ["job", "bytes"]:
            raise ValueError("its first line isn't job,bytes")
        for row in rows:
            try:
                number, amount = (int(field) for field in row)
            except ValueError:
                raise ValueError(f"line {rows.line_num}: a job's number and its bytes, in whole numbers") from None
            if not 0 <= amount < 2**63:
                raise ValueError(f"line {rows.line_num}: {amount} bytes")
            known[number] = amount
    return replace(jobs, data=np.array([known.get(number, 0) for number in jobs.number.tolist()], np.int64))


def site_rows(schedule: Schedule) -> list[dict[str, Any]]:
    """A row for each site; none where jobs aren't sent to sites."""
    return [
        {
            "site": one.site,
            "jobs": one.jobs,
            "from_elsewhere": one.from_elsewhere,
            "moving_seconds": one.moving_seconds,
            "mean_wait": one.waiting.mean_wait,
            "median_wait": one.waiting.median_wait,
            "wait_95": one.waiting.wait_95,
            "mean_bounded_slowdown": one.waiting.mean_slowdown,
            "utilisation": one.utilisation,
        }
        for one in by_site(schedule)
    ]
