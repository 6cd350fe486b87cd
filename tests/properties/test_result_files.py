"""Whatever a job writes as its result, the platform reads it or says why not, and the job is as it was."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase
from tests.factories.world import World, make_allocation, make_world

from fabriek.compute.results import MOST_BYTES, results_of
from fabriek.compute.wire import JobReport
from fabriek.operations.actions import submit_job
from fabriek.operations.models import JobState
from fabriek.projects.models import Allocation
from fabriek.recipes.actions import take_report
from fabriek.recipes.models import Result
from fabriek.recipes.result_file import FORMAT, ResultBroken, ResultFile, read_result

JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
FIELDS = sorted(ResultFile.model_fields)
HEAD = {"format": FORMAT, "kind": "model", "name": "n"}
# Right, but for one field, which is anything.
NEARLY = st.tuples(st.sampled_from(FIELDS), JSON).map(lambda one: json.dumps({**HEAD, one[0]: one[1]}))
ANY = st.text(max_size=200) | JSON.map(json.dumps) | NEARLY
WORST = [
    "",
    json.dumps({**HEAD, "name": "  "}),
    json.dumps({**HEAD, "series": [{"name": " ", "points": []}]}),
    "null",
    "[" * 200_000,
    '{"a":' * 100_000,
    "1" * 100_000,
    json.dumps({**HEAD, "metrics": {"loss": 1e308}}).replace("1e+308", "1e999"),
    json.dumps({**HEAD, "metrics": {"loss": float("nan")}}),
    json.dumps({**HEAD, "name": "nul \x00"}),
    json.dumps({**HEAD, "name": "\ud800"}),
    json.dumps({**HEAD, "outputs": [{"path": "/x", "bytes": 2**63}]}),
    json.dumps({**HEAD, "outputs": [{"path": "relative"}]}),
    json.dumps({**HEAD, "metrics": {str(n): 1 for n in range(101)}}),
    json.dumps({**HEAD, "summary": "x" * 4_001}),
    json.dumps({**HEAD, "metrics": {"\x00": "a"}}),
    json.dumps({**HEAD, "series": [{"name": "l", "points": [[0, 1]] * 2_001}]}),
    "x" * (MOST_BYTES + 1),
    "\x00",
]


@given(ANY)
def test_reading_ends_in_a_result_or_a_sentence(text: str) -> None:
    told = ""
    try:
        told = read_result(text).name
    except ResultBroken as broken:
        told = str(broken)
    assert told.strip()


@given(st.binary(max_size=300))
def test_bytes_are_text_or_a_problem(content: bytes) -> None:
    found = results_of(content)
    assert (found.text is None) == bool(found.problem)


@pytest.mark.parametrize("text", WORST, ids=range(len(WORST)))
def test_the_worst_are_told_in_a_sentence(text: str) -> None:
    with pytest.raises(ResultBroken) as broken:
        read_result(text)
    assert 3 < len(str(broken.value)) <= 800
    assert "\x00" not in str(broken.value)


class AnyResultFile(TestCase):
    """In Django's own test case, so that each example begins with the same database."""

    world: World
    allocation: Allocation

    @classmethod
    def setUpTestData(cls) -> None:
        cls.world = make_world()
        cls.allocation = make_allocation(cls.world)

    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(ANY)
    @example(WORST[4])
    @example(WORST[9])
    @example(WORST[10])
    @example(WORST[15])
    @example(json.dumps({**HEAD, "outputs": [{"path": "/a"}, {"path": "/a", "kind": ""}]}))
    @example(json.dumps({**HEAD, "series": [{"name": "x", "points": []}, {"name": "x", "points": [[0, None]]}]}))
    def test_the_job_is_as_if_it_had_written_nothing_or_its_result_is_there(self, text: str) -> None:
        world, allocation = self.world, self.allocation
        lead = allocation.project.members.get(role="lead").person
        job = submit_job(lead, allocation, "j", "#!/bin/bash\n#SBATCH --gpus=1 --time=1\ntrue\n")
        report = JobReport(state="COMPLETED", engine_job="7", output="it ran", results=text)
        take_report(world.cluster, str(job.uuid), JobReport.model_validate_json(report.model_dump_json()))
        job.refresh_from_db()
        assert (job.state, job.output, job.engine_job) == (JobState.COMPLETED, "it ran", "7")
        result = Result.objects.get(job=job)
        assert bool(result.name) != bool(result.problem)
