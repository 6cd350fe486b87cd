"""Several traces as one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from fabriek.simulation.jobs import Jobs, Repairs, jobs_of
from fabriek.simulation.workloads.trace import Trace

_NAMED = {
    "user": "users", "group": "groups", "account": "accounts", "klass": "klasses", "partition": "partitions",
    "qos": "qoses",
}  # fmt: skip


def merged(*traces: Trace) -> Trace:
    """All jobs of several traces, each from its own second 0, numbered anew; the same name is the same user.

    Clock, zone and machine are the first one's. Errors: ValueError where there is none.
    """
    if not traces:
        raise ValueError("There is no trace to merge.")
    jobs = [trace.jobs for trace in traces]
    columns: dict[str, Any] = {
        name: np.concatenate([getattr(one, name) for one in jobs])
        for name in ("submit", "run", "processors", "estimate", "gpus")
    }
    if any(one.memory is not None for one in jobs):
        columns["memory"] = np.concatenate([_memory(one) for one in jobs])
    for name, plural in _NAMED.items():
        names = tuple(dict.fromkeys(name for one in jobs for name in getattr(one, plural)))
        at = {name: place for place, name in enumerate(names)}
        here = [np.array([at[name] for name in getattr(one, plural)], np.int32) for one in jobs]
        columns[plural] = names
        columns[name] = np.concatenate([new[getattr(one, name)] for new, one in zip(here, jobs, strict=True)])
    order = np.argsort(columns["submit"], kind="stable")
    columns = {name: value[order] if isinstance(value, np.ndarray) else value for name, value in columns.items()}
    return replace(traces[0], jobs=jobs_of(**columns), repairs=Repairs(), format="merged", waits=None, header=())


def _memory(jobs: Jobs) -> np.ndarray:
    return np.zeros(len(jobs), np.int64) if jobs.memory is None else jobs.memory
