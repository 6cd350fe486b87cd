"""Who is of which class: named in a file, or shared out for a trial."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fabriek.simulation.jobs import jobs_of
from fabriek.simulation.workloads.classes import read_classes, shared_out, with_classes
from fabriek.simulation.workloads.trace import WorkloadBroken

JOBS = jobs_of([0, 1, 2], [10, 10, 10], [1, 1, 1], account=[0, 1, 2], accounts=("g1", "g2", "g3"))


def test_a_job_has_the_class_of_its_account():
    jobs = with_classes(JOBS, {"g1": "startup", "g3": "academia"}, others="industry")
    assert [jobs.klasses[place] for place in jobs.klass] == ["startup", "industry", "academia"]


def test_classes_are_read_from_lines_of_a_name_and_a_class(tmp_path: Path):
    file = tmp_path / "classes.csv"
    file.write_text('g1, startup\n\n"g,2",academia\n')
    assert read_classes(file) == {"g1": "startup", "g,2": "academia"}
    for text, what in (("g1\n", "1 values"), ("g1,a\ng1,b\n", "line 2: 'g1' comes twice"), ('g1,"a', "can't be read")):
        file.write_text(text)
        with pytest.raises(WorkloadBroken, match=what):
            read_classes(file)


def test_accounts_are_shared_out_so_that_the_classes_have_about_their_parts():
    """Of 200 accounts with log-normal use: within 1 % of all use, the most that one small account has."""
    random = np.random.default_rng(1)
    account = random.integers(0, 200, 5000)
    run = np.ceil(random.lognormal(3, 1, 5000) * random.lognormal(0, 1, 200)[account])
    names = tuple(f"a{n}" for n in range(200))
    jobs = jobs_of(np.arange(5000), run, random.integers(1, 9, 5000), account=account, accounts=names)
    parts = {"startup": 0.2, "academia": 0.7, "industry": 0.1, "none": 0.0}
    found = shared_out(jobs, parts, seed=4)
    assert found.keys() == set(names)
    divided = with_classes(jobs, found)
    work = np.bincount(divided.klass, weights=divided.run * divided.processors)
    shares = dict(zip(divided.klasses, work / work.sum(), strict=True))
    assert {name: pytest.approx(part, abs=0.01) for name, part in parts.items() if part} == shares
    assert found == shared_out(jobs, parts, seed=4)
    assert found != shared_out(jobs, parts, seed=5)


@pytest.mark.parametrize("parts", [{}, {"a": 0.0}, {"a": -1.0, "b": 2.0}, {"a": float("nan")}])
def test_parts_that_are_none_are_refused(parts: dict[str, float]):
    with pytest.raises(ValueError, match="parts of the classes"):
        shared_out(JOBS, parts, seed=1)
