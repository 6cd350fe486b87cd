"""Estimates for jobs that asked for no time: as wrong as people's are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from fabriek.simulation.jobs import Jobs

_NEAREST = 0.005
"""The part of the other jobs, on either side of a run time, from which an estimate is drawn."""


def with_estimates(jobs: Jobs, like: Jobs, seed: int) -> Jobs:
    """The jobs, each with an estimate as wrong as one that somebody gave for a job of `like` that ran about as long.

    For traces whose jobs asked for no time. The ratio of estimate to run time is drawn from `like`'s jobs of nearly the
    same run time (half a percent of them on either side). Errors: ValueError where `like` has no jobs.
    """
    if not len(like):
        raise ValueError("Estimates can't be drawn from a trace without jobs.")
    order = np.argsort(like.run, kind="stable")
    run, ratio = like.run[order], (like.estimate / np.maximum(like.run, 1))[order]
    near = max(int(len(run) * _NEAREST), 1)
    draw = np.random.default_rng(seed).integers(-near, near + 1, len(jobs))
    # In the middle of those that ran just as long, or the first of many equal ones would always be drawn.
    middle = (np.searchsorted(run, jobs.run, "left") + np.searchsorted(run, jobs.run, "right")) // 2
    chosen = np.clip(middle + draw, 0, len(run) - 1)
    return replace(jobs, estimate=np.maximum(np.ceil(jobs.run * ratio[chosen]), 1).astype(np.int64))
