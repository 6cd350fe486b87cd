"""What a trace holds, in figures."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from fabriek.simulation.jobs import Jobs
from fabriek.simulation.workloads.clock import HOUR, hourly_profile
from fabriek.simulation.workloads.trace import Trace

_LEVELS = {"least": 0.0, "median": 0.5, "p90": 0.9, "p99": 0.99, "most": 1.0}


def described(trace: Trace) -> dict[str, Any]:
    """The figures of a trace, as plain values (format `fabriek/workload-figures/1`, docs/reference/workloads.md).

    Hours are of processors and GPUs; `load` is what the jobs ask of the machine, from the first submit to the last, as
    a part of what it has. `accuracy` is run time over estimate. None: there are no jobs, or the trace doesn't say.
    """
    jobs = trace.jobs
    count = len(jobs)
    seconds = int(jobs.submit[-1] - jobs.submit[0]) if count else 0
    hours = _hours(jobs, jobs.processors)
    known = trace.waits[trace.waits >= 0] if trace.waits is not None else np.empty(0)
    return {
        "format": "fabriek/workload-figures/1",
        "source": trace.format,
        "jobs": count,
        "days": round(seconds / 86_400, 3),
        "start": trace.start,
        "zone": trace.zone,
        "machine": {"nodes": trace.nodes, "processors": trace.processors},
        "larger_than_machine": int((jobs.processors > trace.processors).sum()) if trace.processors else None,
        "users": _used(jobs.user, jobs.users),
        "accounts": _used(jobs.account, jobs.accounts),
        "processor_hours": hours,
        "gpu_hours": _hours(jobs, jobs.gpus),
        "load": round(hours * HOUR / (seconds * trace.processors), 4) if seconds and trace.processors else None,
        "processors": _levels(jobs.processors),
        "gpus": _levels(jobs.gpus) if jobs.gpus.any() else None,
        "run_seconds": _levels(jobs.run),
        "estimate_seconds": _levels(jobs.estimate),
        "accuracy": _levels(jobs.run / jobs.estimate),
        "beyond_estimate": int((jobs.run > jobs.estimate).sum()),
        "wait_seconds": _levels(known),
        "classes": [_of_class(jobs, place) for place in range(len(jobs.klasses))] if jobs.klasses != ("",) else [],
        "jobs_an_hour": [None if np.isnan(rate) else round(float(rate), 3) for rate in hourly_profile(trace)],
        "repaired": dict(trace.repairs.repaired),
        "left_out": dict(trace.repairs.reasons()),
    }


def _of_class(jobs: Jobs, place: int) -> dict[str, Any]:
    own = jobs.taken(jobs.klass == place)
    return {
        "class": jobs.klasses[place],
        "jobs": len(own),
        "accounts": _used(own.account, own.accounts),
        "processor_hours": _hours(own, own.processors),
        "gpu_hours": _hours(own, own.gpus),
    }


def _hours(jobs: Jobs, held: np.ndarray) -> float:
    # As floats: 10^10 processors for 10^12 seconds are beyond 64 bits.
    return round(float((jobs.run.astype(float) * held).sum()) / HOUR, 3)


def _used(places: np.ndarray, names: tuple[str, ...]) -> int:
    """How many of the names jobs have; "" is nobody known."""
    return sum(names[place] != "" for place in np.unique(places).tolist())


def _levels(values: ArrayLike) -> dict[str, float] | None:
    found = np.asarray(values)
    if not len(found):
        return None
    levels = np.quantile(found, list(_LEVELS.values()))
    return {name: round(float(level), 4) for name, level in zip(_LEVELS, levels, strict=True)} | {
        "mean": round(float(found.mean()), 4)
    }
