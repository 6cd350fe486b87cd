"""Jobs as equally long arrays: what readers and synthetic workloads make, and what a simulation takes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, slots=True)
class Jobs:
    """Jobs in the order of a queue: by submit time, and of one instant in the order of the file.

    All arrays are one-dimensional and equally long. Times are whole seconds of the trace (`submit` from any start),
    `run` >= 0, `estimate` >= 1 and `processors` >= 1. `estimate` is the time that was asked for, as the trace has it,
    and the run time where it has none; it may be below `run`: `held_to_estimates` settles that. `memory` is in MiB for
    the whole job, `data` the bytes that it works on; None: the trace has none.

    `user` … `qos` are places in the tuples of names beside them; a trace without one of these has every job at 0 and
    one name. `klass` is the class of an applicant (startup, academia, ...), `account` the programme or project that
    pays.
    """

    number: NDArray[np.int64]
    submit: NDArray[np.int64]
    run: NDArray[np.int64]
    estimate: NDArray[np.int64]
    processors: NDArray[np.int64]
    gpus: NDArray[np.int64]
    user: NDArray[np.int32]
    group: NDArray[np.int32]
    account: NDArray[np.int32]
    klass: NDArray[np.int32]
    partition: NDArray[np.int32]
    qos: NDArray[np.int32]
    users: tuple[str, ...] = ("",)
    groups: tuple[str, ...] = ("",)
    accounts: tuple[str, ...] = ("",)
    klasses: tuple[str, ...] = ("",)
    partitions: tuple[str, ...] = ("",)
    qoses: tuple[str, ...] = ("",)
    memory: NDArray[np.int64] | None = None
    data: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.submit)

    def taken(self, chosen: NDArray[np.bool_] | NDArray[np.int64]) -> Jobs:
        """The chosen jobs (a mask or places, in the order of the queue); names stay."""
        columns: dict[str, Any] = {one.name: getattr(self, one.name) for one in fields(self)}
        chosen_of: dict[str, Any] = {
            name: column[chosen] for name, column in columns.items() if isinstance(column, np.ndarray)
        }
        return replace(self, **chosen_of)


def jobs_of(
    submit: ArrayLike,
    run: ArrayLike,
    processors: ArrayLike,
    *,
    number: ArrayLike | None = None,
    estimate: ArrayLike | None = None,
    gpus: ArrayLike | None = None,
    user: ArrayLike | None = None,
    group: ArrayLike | None = None,
    account: ArrayLike | None = None,
    klass: ArrayLike | None = None,
    partition: ArrayLike | None = None,
    qos: ArrayLike | None = None,
    memory: ArrayLike | None = None,
    users: tuple[str, ...] = ("",),
    groups: tuple[str, ...] = ("",),
    accounts: tuple[str, ...] = ("",),
    klasses: tuple[str, ...] = ("",),
    partitions: tuple[str, ...] = ("",),
    qoses: tuple[str, ...] = ("",),
) -> Jobs:
    """Jobs from columns in the order of the file, put in the order of the queue.

    Without `number` they are numbered from 1 in the order of the file; without `estimate` a job asks what it runs.
    Raises ValueError where a column's length or a value is none that a job can have.
    """
    times = {"submit": submit, "run": run, "processors": processors, "number": number, "estimate": estimate}
    whole = {name: np.asarray(column, np.int64) for name, column in times.items() if column is not None}
    count = len(whole["submit"])
    whole.setdefault("number", np.arange(1, count + 1, dtype=np.int64))
    whole.setdefault("estimate", np.maximum(whole["run"], 1))
    whole["gpus"] = np.zeros(count, np.int64) if gpus is None else np.asarray(gpus, np.int64)
    places = {
        "user": (user, users),
        "group": (group, groups),
        "account": (account, accounts),
        "klass": (klass, klasses),
        "partition": (partition, partitions),
        "qos": (qos, qoses),
    }
    indices = {
        name: np.zeros(count, np.int32) if column is None else np.asarray(column, np.int32)
        for name, (column, _names) in places.items()
    }
    kept = None if memory is None else np.asarray(memory, np.int64)
    for name, column in (whole | indices | ({} if kept is None else {"memory": kept})).items():
        if column.shape != (count,):
            raise ValueError(f"{name} has the shape {column.shape}, and {count} jobs are submitted")
    for name, least in (("run", 0), ("estimate", 1), ("processors", 1), ("gpus", 0)):
        if count and whole[name].min() < least:
            raise ValueError(f"{name} of a job is {whole[name].min()}; the least is {least}")
    for name, (_column, names) in places.items():
        if count and not 0 <= indices[name].min() <= indices[name].max() < len(names):
            raise ValueError(f"{name} of a job is none of the {len(names)} names")
    order = np.argsort(whole["submit"], kind="stable")
    columns: dict[str, Any] = {**whole, **indices}
    return Jobs(
        **{name: column[order] for name, column in columns.items()},
        memory=None if kept is None else kept[order],
        users=users,
        groups=groups,
        accounts=accounts,
        klasses=klasses,
        partitions=partitions,
        qoses=qoses,
    )


def held_to_estimates(jobs: Jobs, *, kill_at_limit: bool = False) -> Jobs:
    """Jobs of which none runs longer than it asked: estimates are raised to run times, or, with `kill_at_limit`, run
    times cut to estimates, as a scheduler does that kills."""
    if kill_at_limit:
        return replace(jobs, run=np.minimum(jobs.run, jobs.estimate))
    return replace(jobs, estimate=np.maximum(jobs.run, jobs.estimate))


@dataclass(frozen=True, slots=True)
class Skipped:
    """A job that is left out: its number in the trace (or its line, where it has none), and why."""

    number: int
    reason: str


@dataclass(slots=True)
class Repairs:
    """What was done to a trace so that it could be read: repairs by name, and jobs that were left out."""

    repaired: Counter[str] = field(default_factory=Counter)
    skipped: list[Skipped] = field(default_factory=list)

    def repair(self, name: str, count: int = 1) -> None:
        """Count a repair under its name, a plain phrase ("no requested time: the run time")."""
        if count:
            self.repaired[name] += count

    def skip(self, number: int, reason: str) -> None:
        """Leave a job out."""
        self.skipped.append(Skipped(int(number), reason))

    def reasons(self) -> Counter[str]:
        """How many jobs were left out, by reason."""
        return Counter(one.reason for one in self.skipped)
