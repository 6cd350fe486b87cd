"""The file of a sweep: what it may say, and what is told of a fault."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
import yaml

from fabriek.simulation.sweeps.plan import SweepBroken, published, schema, sweep_in

WHOLE = """
format: fabriek/sweep/1
traces:
  ricc: {file: ricc.swf.gz, classes: classes.csv, class_of: group}
machines:
  2027: {nodes: 8192}
policies:
  easy: {}
  fair: {policy: multifactor, rules: fair.toml}
floors:
  none: {}
  a fifth: {startup: 0.2}
loads: [1, 1.5, {startup: 2}]
seeds: 10
leave_out:
  - {policy: fair, floor: a fifth}
"""


def test_a_whole_one_in_yaml_and_in_json() -> None:
    sweep = sweep_in(WHOLE)
    assert sweep == sweep_in(json.dumps(yaml.safe_load(WHOLE)), as_json=True)
    assert list(sweep.machines) == ["2027"]
    assert sweep.loads == (1.0, 1.5, {"startup": 2.0})
    assert sweep.policies["fair"].policy == "multifactor"


def test_the_schema_is_the_models() -> None:
    assert published() == schema(), "write it anew: fabriek.simulation.sweeps.plan.schema"
    jsonschema.validate(sweep_in(WHOLE).model_dump(mode="json", exclude_none=True), published())


def without(name: str) -> dict[str, Any]:
    said: dict[str, Any] = yaml.safe_load(WHOLE)
    del said[name]
    return said


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"format": "fabriek/sweep/2"}, "format: "),
        ({"traces": {}}, "traces: "),
        ({"traces": {"ricc": {"file": "a", "zone": "Nowhere/At_all"}}}, "traces.ricc.zone: "),
        ({"policies": {"easy": {"policy": "eazy"}}}, "'eazy' is no policy; there are fcfs, easy,"),
        ({"policies": {"easy": {"rule": "a.toml"}}}, "policies.easy.rule: Extra inputs"),
        ({"machines": {"m": {"nodes": 0}}}, "machines.m.nodes: "),
        ({"floors": {"much": {"startup": 1.2}}}, "floors.much.startup: "),
        ({"loads": [float("nan")]}, "loads.0"),
        ({"seeds": 0}, "seeds."),
        ({"weeks": 0}, "weeks: "),
        ({"seeds": None}, "loads: a trace that is run as it is has a load of 1"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(change: dict[str, Any], told: str) -> None:
    with pytest.raises(SweepBroken) as fault:
        sweep_in(yaml.safe_dump(yaml.safe_load(WHOLE) | change))
    assert told in str(fault.value)


@pytest.mark.parametrize("name", ["format", "traces", "machines", "policies"])
def test_what_lacks(name: str) -> None:
    with pytest.raises(SweepBroken, match=f"{name}: Field required"):
        sweep_in(yaml.safe_dump(without(name)))


@pytest.mark.parametrize(
    ("text", "as_json", "told"),
    [
        ("a: [", False, "it is no YAML"),
        ('{"a": 1,}', True, "it is no JSON"),
        ("- 1\n", False, "the file: "),
        ("policies: {easy: {}, easy: {policy: fcfs}}", False, "'easy' comes twice"),
        ('{"policies": {"easy": {}, "easy": {}}}', True, "'easy' comes twice"),
        ("floors: {no: {}}", False, "False can't be a name; put it in quotes"),
    ],
)
def test_texts_that_are_none(text: str, as_json: bool, told: str) -> None:
    with pytest.raises(SweepBroken, match=told):
        sweep_in(text, as_json=as_json)


def test_many_faults_are_counted() -> None:
    many = {"policies": {f"p{number}": {"policy": "none"} for number in range(9)}}
    with pytest.raises(SweepBroken, match="and 4 more"):
        sweep_in(yaml.safe_dump(yaml.safe_load(WHOLE) | many))
