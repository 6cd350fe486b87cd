"""Classes of applicants, for traces that know accounts and users alone: a scheduler isn't told who is a start-up."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np

from fabriek.simulation.jobs import Jobs
from fabriek.simulation.workloads.trace import WorkloadBroken, content_of, text_of

By = Literal["account", "group", "user", "partition", "qos"]
_NAMES = {"account": "accounts", "group": "groups", "user": "users", "partition": "partitions", "qos": "qoses"}


def with_classes(jobs: Jobs, class_of: Mapping[str, str], by: By = "account", others: str = "") -> Jobs:
    """The jobs with the class of their account (or group, user, partition, QOS). others: of those that `class_of`
    doesn't name."""
    said = [class_of.get(name, others) for name in getattr(jobs, _NAMES[by])]
    klasses = tuple(sorted(set(said)))
    place = np.array([klasses.index(klass) for klass in said], np.int32)
    return replace(jobs, klass=place[getattr(jobs, by)], klasses=klasses)


def read_classes(path: Path | str) -> dict[str, str]:
    """A name's class, from a CSV file of two columns (name, class), without a header.

    Errors: WorkloadBroken with the line, where one has other than two values or a name comes twice; OSError.
    """
    found: dict[str, str] = {}
    reader = csv.reader(io.StringIO(text_of(content_of(path)), newline=""), strict=True)
    try:
        for row in reader:
            if not row:
                continue
            if len(row) != 2:
                raise WorkloadBroken(
                    f"{len(row)} values; a line has a name and its class, like 'g12,startup'.", reader.line_num
                )
            name, klass = (value.strip() for value in row)
            if name in found:
                raise WorkloadBroken(f"{name!r} comes twice. Name its class once.", reader.line_num)
            found[name] = klass
    except csv.Error as error:
        raise WorkloadBroken(f"it can't be read as CSV: {error}.", reader.line_num) from None
    return found


def shared_out(jobs: Jobs, parts: Mapping[str, float], seed: int, by: By = "account") -> dict[str, str]:
    """A class for each account that submitted jobs, such that the classes' parts of all processor-seconds come near
    `parts`: a made-up division, for trying a policy on a trace of which nobody knows the classes.

    Accounts come in a random order, each to the class that then lacks most, the largest hundredth first, so that no
    late large one upsets the parts. Errors: ValueError where a part is negative or all are 0.
    """
    total = sum(parts.values())
    if not parts or min(parts.values()) < 0 or not 0 < total < float("inf"):
        raise ValueError("The parts of the classes must be 0 or more, and one of them more than 0.")
    names = getattr(jobs, _NAMES[by])
    used = np.bincount(getattr(jobs, by), weights=jobs.run.astype(float) * jobs.processors, minlength=len(names))
    random = np.random.default_rng(seed).permutation(len(names))
    order = sorted(random.tolist(), key=lambda place: used[place] <= 0.01 * used.sum())
    lacks = {klass: part / total * float(used.sum()) for klass, part in parts.items() if part > 0}
    found = {}
    for place in order:
        klass = max(lacks, key=lambda name: lacks[name])
        found[names[place]] = klass
        lacks[klass] -= float(used[place])
    return found
