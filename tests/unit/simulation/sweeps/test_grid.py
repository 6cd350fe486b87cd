"""Points, by what they are known, and pieces of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from fabriek.simulation.policy import Backfill, Held
from fabriek.simulation.sweeps.grid import Grid, Point, grid_of, pieces
from fabriek.simulation.sweeps.plan import SweepBroken

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """A sweep of a trace with two machines, two policies, two floors, two loads and three seeds, changed."""
    (tmp_path / "trace.swf").write_text("1 0 -1 10 1 -1 -1 1 10 -1 1 1 1 -1 1 -1 -1 -1\n")
    (tmp_path / "fair.toml").write_text("[weights]\nage = 7\n")

    def written(**changed: Any) -> Path:
        said = {
            "format": "fabriek/sweep/1",
            "traces": {"t": {"file": "trace.swf"}},
            "machines": {"small": {"nodes": 8}, "large": {"nodes": 16}},
            "policies": {"easy": {}, "fair": {"rules": "fair.toml"}},
            "floors": {"none": {}, "half": {"startup": 0.5}},
            "loads": [1, 2],
            "seeds": 3,
        } | changed
        file = tmp_path / "sweep.yaml"
        file.write_text(yaml.safe_dump(said, sort_keys=False))
        return file

    return written


def keys(grid: Grid) -> dict[Point, str]:
    return {point: grid.key(point) for point in grid.points}


def test_every_combination_is_a_point_with_a_key_of_its_own(write: Write) -> None:
    found = keys(grid_of(write()))
    assert len(found) == len(set(found.values())) == 2**4 * 3
    # Points of one workload stand together.
    workloads = [(point.seed, point.load) for point in found]
    assert len([one for one, before in zip(workloads, [None, *workloads], strict=False) if one != before]) == 6


def test_what_a_point_asks(write: Write) -> None:
    machine, policy = grid_of(write()).asked(Point("t", 1, "1", "large", "fair", "half"))
    assert machine.pools[0].processors == 16
    assert policy.backfill is Backfill.EASY
    assert policy.weights is not None
    assert policy.weights.age == 7
    assert policy.held == (Held(8, "startup"),)


def test_a_key_is_of_what_is_meant_and_not_of_names(write: Write, tmp_path: Path) -> None:
    before = keys(grid_of(write()))
    renamed = keys(grid_of(write(machines={"klein": {"nodes": 8}, "gross": {"nodes": 16}})))
    assert set(renamed.values()) == set(before.values())
    more = keys(grid_of(write(seeds=4, loads=[1, 2, 3])))
    assert set(before.values()) < set(more.values())
    (tmp_path / "fair.toml").write_text("[weights]\nage = 8\n")
    after = keys(grid_of(write()))
    assert {point.policy for point in before if before[point] != after[point]} == {"fair"}
    (tmp_path / "trace.swf").write_text("1 0 -1 11 1 -1 -1 1 11 -1 1 1 1 -1 1 -1 -1 -1\n")
    assert not set(keys(grid_of(write())).values()) & set(after.values())


def test_traces_as_they_are_don_t_depend_on_how_workloads_are_made(write: Write) -> None:
    alone = {"seeds": None, "loads": [1]}
    assert keys(grid_of(write(**alone))) == keys(grid_of(write(**alone, weeks=9)))
    assert keys(grid_of(write())) != keys(grid_of(write(weeks=9)))


def test_points_that_are_left_out(write: Write) -> None:
    grid = grid_of(write(leave_out=[{"machine": "small", "load": "2"}, {"floor": "half"}]))
    assert {(point.machine, point.load, point.floor) for point in grid.points} == {
        ("small", "1", "none"),
        ("large", "1", "none"),
        ("large", "2", "none"),
    }


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"leave_out": [{"policy": "eazy"}]}, "leave_out.0.policy: there is no 'eazy'; there are easy, fair"),
        ({"leave_out": [{}]}, "no point is left"),
        ({"loads": [1, 1.0]}, "one comes twice"),
        ({"seeds": [4, 4]}, "one comes twice"),
        ({"seeds": 10_000, "loads": list(range(1, 11))}, "800,000 points"),
        ({"policies": {"slow": {"policy": "conservative"}}}, "machine small, policy slow, floor half: conservative"),
        ({"policies": {"bad": {"rules": "trace.swf"}}}, "policy bad, floor none: it is no TOML"),
    ],
)
def test_grids_that_cannot_be_run(write: Write, change: dict[str, Any], told: str) -> None:
    with pytest.raises(SweepBroken, match=told):
        grid_of(write(**change))


def test_what_cannot_be_combined_can_be_left_out(write: Write) -> None:
    policies = {"slow": {"policy": "conservative"}, "easy": {}}
    grid = grid_of(write(policies=policies, leave_out=[{"policy": "slow", "floor": "half"}]))
    assert len(grid.points) == 2 * 2 * 3 * 3


def test_a_file_that_lacks(write: Write) -> None:
    with pytest.raises(SweepBroken, match=r"none\.swf: No such file"):
        grid_of(write(traces={"t": {"file": "none.swf"}}))


@pytest.mark.parametrize("count", [1, 2, 7, 30])
def test_pieces_are_all_points_once(write: Write, count: int) -> None:
    points = grid_of(write(loads=[1], seeds=1)).points
    cut = pieces(points, count)
    assert [point for piece in cut for point in piece] == points
    assert len(cut) == min(count, len(points))
    assert max(map(len, cut)) - min(map(len, cut)) <= 1
    assert pieces([], 3) == []


def test_a_grid_is_handed_to_processes_whole(write: Write) -> None:
    import pickle

    grid = grid_of(write())
    assert keys(pickle.loads(pickle.dumps(replace(grid)))) == keys(grid)
