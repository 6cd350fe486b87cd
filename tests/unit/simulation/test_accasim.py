"""Beside AccaSim on the same jobs: FCFS is the same job for job; what it calls EASY is another policy, that two defects
explain job for job."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.unit.simulation.accasim_easy import accasim_easy

from fabriek.simulation.jobs import Jobs, jobs_of
from fabriek.simulation.policy import EASY, FCFS, Machine
from fabriek.simulation.simulate import simulate

_WHOLE = 1_024


@pytest.fixture(scope="module")
def recorded() -> tuple[Jobs, np.ndarray, np.ndarray]:
    """The jobs, and AccaSim's starts by FCFS and by its EASY."""
    file = Path(__file__).parent / "data" / "accasim_starts.csv"
    rows = np.loadtxt(file, np.int64, delimiter=",", skiprows=4)
    jobs = jobs_of(rows[:, 1], rows[:, 2], rows[:, 4], number=rows[:, 0], estimate=rows[:, 3])
    return jobs, rows[:, 5], rows[:, 6]


def test_fcfs_is_the_same_job_for_job(recorded: tuple[Jobs, np.ndarray, np.ndarray]) -> None:
    jobs, fcfs, _easy = recorded
    np.testing.assert_array_equal(simulate(jobs, Machine.of(_WHOLE), FCFS).start, fcfs)


def test_its_easy_is_explained_by_two_defects_job_for_job(recorded: tuple[Jobs, np.ndarray, np.ndarray]) -> None:
    jobs, _fcfs, easy = recorded
    assert accasim_easy(jobs, _WHOLE) == easy.tolist()


def test_without_the_defects_the_longest_wait_is_shorter(recorded: tuple[Jobs, np.ndarray, np.ndarray]) -> None:
    jobs, _fcfs, easy = recorded
    mine = simulate(jobs, Machine.of(_WHOLE), EASY).start
    assert (mine != easy).any()
    assert (mine - jobs.submit).max() < (easy - jobs.submit).max()
