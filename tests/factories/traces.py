"""Small workloads, made up: jobs of two classes that come so often that some have to wait."""

from __future__ import annotations

import gzip
import json
from functools import cache
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import numpy as np

from fabriek.foresight.actions import keep_workload
from fabriek.foresight.computing import Answer, Question, answer
from fabriek.foresight.models import Workload
from fabriek.foresight.policies import ClassRules, StudyPolicy
from fabriek.foresight.repeats import Repeats
from fabriek.foresight.trace_files import packed
from fabriek.people.models import Person
from fabriek.simulation.jobs import jobs_of
from fabriek.simulation.workloads.trace import Trace

UNITS = 8
"""A machine on which these jobs have to wait."""

CLASSES = ("academia", "startup")


def crowded_trace(days: int = 14, an_hour: float = 1.5, seed: int = 1) -> Trace:
    """Jobs of 1 to 4 units and up to eight hours, two thirds of them academia's, of four users and two programmes."""
    random = np.random.default_rng(seed)
    count = int(days * 24 * an_hour)
    jobs = jobs_of(
        submit=np.sort(random.integers(0, days * 86_400, count)),
        run=random.integers(60, 8 * 3600, count),
        processors=random.integers(1, 5, count),
        klass=(random.random(count) < 1 / 3).astype(int),
        klasses=CLASSES,
        account=random.integers(0, 2, count),
        accounts=("eu-science", "nl-ai"),
        user=random.integers(0, 4, count),
        users=("u1", "u2", "u3", "u4"),
    )
    return Trace(jobs, format="made", start=0, zone="UTC", processors=UNITS)


def kept_workload(actor: Person, name: str = "Made up", **changes: object) -> Workload:
    """A crowded trace as a workload."""
    return keep_workload(actor, name, crowded_trace(), "sent", "told", **changes)  # type: ignore[arg-type]


SWF = "; MaxProcs: 8\n" + "".join(
    f"{number} {number * 600} -1 {1800 + number % 7 * 600} {1 + number % 4} -1 -1 {1 + number % 4} 14400 -1 1 "
    f"{number % 3} {number % 3} 1 -1 1 -1 -1\n"
    for number in range(1, 301)
)
"""A short trace in SWF: two days, three users, of groups of their own."""


def swf_file() -> bytes:
    """It as a file, packed."""
    return gzip.compress(SWF.encode())


@cache
def simulated_figures() -> dict[str, Any]:
    """`fabriek/study/1` of these jobs, a floor of a quarter for start-ups against none; three parts."""
    with NamedTemporaryFile(suffix=".npz") as file:
        Path(file.name).write_bytes(packed(crowded_trace()))
        tried = StudyPolicy(classes={"startup": ClassRules(floor=25)})
        said = answer(Question(Path(file.name), UNITS, StudyPolicy(), tried, Repeats(count=3)), lambda _step: None)
    assert isinstance(said, Answer)
    found: dict[str, Any] = json.loads(said.text)
    return found
