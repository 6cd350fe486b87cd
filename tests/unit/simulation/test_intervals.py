"""How often an interval of 95 % over seeds holds what is true: counted, on a thousand small traces drawn one by one."""

from __future__ import annotations

import warnings
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import bootstrap

from fabriek.simulation.comparing import Measure, compared
from fabriek.simulation.jobs import Jobs, jobs_of
from fabriek.simulation.policy import EASY, Held, Machine, Policy
from fabriek.simulation.simulate import Schedule, simulate

FLOOR = Policy(held=(Held(1, "startup"),))
COUNT = 1_000
MEASURES: tuple[Measure, ...] = ("median_wait", "wait_95", "mean_slowdown", "share")
FIGURES = [(klass, measure) for klass in ("academia", "startup") for measure in MEASURES]


def drawn(seed: int) -> Jobs:
    """Sixty jobs, a third of them of start-ups, with run times that are far from normal."""
    draws = np.random.default_rng(seed)
    run = np.ceil(draws.lognormal(2.5, 1.2, 60)).astype(np.int64)
    return jobs_of(
        np.sort(draws.integers(0, 900, 60)),
        run,
        draws.integers(1, 4, 60),
        estimate=run * draws.integers(1, 4, 60),
        klass=draws.integers(0, 3, 60) // 2,
        klasses=("academia", "startup"),
    )


@cache
def ran(policy: str) -> list[Schedule]:
    """All traces on a machine of four."""
    chosen = {"easy": EASY, "floor": FLOOR}[policy]
    return [simulate(drawn(seed), Machine.of(4), chosen) for seed in range(COUNT)]


@cache
def changes(klass: str, measure: Measure) -> NDArray[np.float64]:
    """What the floor changes, by trace."""
    pairs = zip(ran("easy"), ran("floor"), strict=True)
    return np.array([compared([one], [other], "klass", measure)[klass].change for one, other in pairs])


def held_by_t(klass: str, measure: Measure, count: int) -> float:
    """The part of the intervals, each over so many traces of its own, that hold the mean of all."""
    true = changes(klass, measure).mean()
    found = [
        compared(ran("easy")[first : first + count], ran("floor")[first : first + count], "klass", measure)[klass]
        for first in range(0, COUNT, count)
    ]
    return float(np.mean([one.low <= true <= one.high for one in found]))


def held_by_bootstrap(klass: str, measure: Measure, count: int, method: str) -> float:
    """The same with intervals of 999 resamples."""
    all_of_them = changes(klass, measure)
    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of samples that are all the same
        for seed, sample in enumerate(all_of_them.reshape(-1, count)):
            random = np.random.default_rng(seed)
            resampled = bootstrap((sample,), np.mean, n_resamples=999, method=method, random_state=random)
            found.append(resampled.confidence_interval)
    return float(np.mean([one.low <= all_of_them.mean() <= one.high for one in found]))


@pytest.mark.slow
def test_over_twenty_seeds_nine_of_ten_intervals_hold_what_is_true() -> None:
    """Not nineteen of twenty: differences of waits are skewed, and their mean over twenty is not normal yet."""
    found = {figure: held_by_t(*figure, 20) for figure in FIGURES}
    assert min(found.values()) >= 0.88, found
    assert np.mean(list(found.values())) >= 0.92, found


@pytest.mark.slow
@pytest.mark.parametrize("method", ["percentile", "BCa"])
def test_a_bootstrap_holds_it_less_often(method: str) -> None:
    by_t = np.mean([held_by_t(*figure, 10) for figure in FIGURES])
    by_bootstrap = np.mean([held_by_bootstrap(*figure, 10, method) for figure in FIGURES])
    assert by_bootstrap < by_t - 0.05
