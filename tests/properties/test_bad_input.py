"""Whatever is in a file: a problem that means what the file says, or a sentence with the place of the fault."""

from __future__ import annotations

import copy
import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from fabriek.allocation.faults import FormatError
from fabriek.allocation.generate import random_problem
from fabriek.allocation.greedy import by_rank
from fabriek.allocation.plan import load_plan
from fabriek.allocation.problem import canonical_rows, load_problem
from fabriek.cli.main import app

PROBLEM = json.loads(random_problem(3, 4, partitions=2, months=2, programmes=2).to_json())
PLAN = json.loads(by_rank(random_problem(3, 4, partitions=2, months=2, programmes=2)).to_json())

numbers = st.one_of(
    st.integers(-(10**6), 10**6),
    st.floats(),
    st.sampled_from([10**12, 10**400, -1, 0, 1, 2**63, 1e308, -0.0, 5e-324, float("nan"), float("inf")]),
)
texts = st.one_of(st.text(max_size=5), st.sampled_from(["", "x" * 301, "\ud800", "A00001", "system-0/gpu", "P0", "0"]))
leaves = st.one_of(st.none(), st.booleans(), numbers, texts)
values = st.recursive(
    leaves,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(texts, inner, max_size=3)),
    max_leaves=5,
)


def places(data: Any, steps: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [steps]
    inside = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for step, inner in inside:
        found += places(inner, (*steps, step))
    return found


def mutated(data: Any, draw: st.DataObject) -> Any:
    """Some places changed: another value, none, a row twice, a new field."""
    data = copy.deepcopy(data)
    for _ in range(draw.draw(st.integers(1, 3))):
        *path, last = draw.draw(st.sampled_from(places(data)[1:] or [("format",)]))
        into = data
        for step in path:
            into = into[step]
        what = draw.draw(st.sampled_from(["value", "drop", "twice", "field", "swap"]))
        if what == "drop":
            del into[last]
        elif what == "twice" and isinstance(into, list):
            into.append(copy.deepcopy(into[last]))
        elif what == "field" and isinstance(into, dict):
            into[draw.draw(texts)] = draw.draw(values)
        elif what == "swap":
            *other, step = draw.draw(st.sampled_from(places(data)[1:]))
            value: Any = data
            for one in (*other, step):
                value = value[one]
            into[last] = copy.deepcopy(value)
        else:
            into[last] = draw.draw(values)
        if not isinstance(data, dict) or not data:
            break
    return data


DEFAULTS: dict[str, Any] = {"commercial": False, "least": 1.0, "overbooking": 1.0, "rank": 1}
DEFAULTS |= {"reached_before": 0.0, "base_before": 0.0, "promises": []}


def meaning(data: Any, key: str = "") -> Any:
    """What a file says: fields that are null or have their default say nothing, and the order of rows neither."""
    if isinstance(data, dict):
        said = {k: meaning(v, k) for k, v in data.items() if v is not None or key == "shares"}
        return said if key == "shares" else {k: v for k, v in said.items() if k not in DEFAULTS or v != DEFAULTS[k]}
    if isinstance(data, list):
        rows = [meaning(row) for row in data]
        if rows and isinstance(rows[0], dict) and "id" in rows[0]:
            return sorted(rows, key=lambda row: row["id"])
        return (
            sorted(set(rows))
            if key in ("partitions", "programmes", "base") and all(isinstance(row, str) for row in rows)
            else rows
        )
    return data


def is_there(path: str, data: Any) -> bool:
    """Whether the path leads to a place in the file, or to a field that is missing at one."""
    if path == "$":
        return True
    steps = re.findall(r'\.?([A-Za-z_][A-Za-z0-9_]*)|\[(\d+)\]|\["((?:[^"\\]|\\.)*)"\]', path)
    value: Any = data
    for n, (name, number, quoted) in enumerate(steps):
        step: Any = int(number) if number else name or json.loads(f'"{quoted}"')
        in_list = isinstance(value, list) and isinstance(step, int) and step < len(value)
        if in_list or (isinstance(value, dict) and step in value):
            value = value[step]
        else:
            return n == len(steps) - 1 and isinstance(value, dict) and isinstance(step, str)
    return bool(steps)


def read(load: Callable[[bytes], Any], text: str) -> tuple[Any, FormatError | None]:
    try:
        return load(text.encode()), None
    except FormatError as fault:
        return None, fault


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_a_changed_problem_means_what_it_says_or_is_refused_with_its_place(draw: st.DataObject) -> None:
    data = mutated(PROBLEM, draw)
    problem, fault = read(load_problem, json.dumps(data))
    if fault is not None:
        assert is_there(fault.path, data), str(fault)
        assert fault.sentence
        return
    assert meaning(canonical_rows(problem)) == meaning(data)
    assert load_problem(problem.to_json()) is not None


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_a_changed_plan_is_read_or_refused_with_its_place(draw: st.DataObject) -> None:
    data = mutated(PLAN, draw)
    _plan, fault = read(load_plan, json.dumps(data))
    assert fault is None or is_there(fault.path, data), str(fault)


@settings(max_examples=200, deadline=None)
@given(st.one_of(st.binary(max_size=200), st.text(max_size=100).map(lambda text: text.encode("utf-8", "replace"))))
def test_any_bytes_are_refused_with_a_sentence(raw: bytes) -> None:
    for load in (load_problem, load_plan):
        with pytest.raises(FormatError):
            load(raw)


def valid() -> Any:
    return copy.deepcopy(PROBLEM)


def changed(**fields: Any) -> Any:
    rows = valid()
    rows["applications"][1].update(fields)
    return rows


def asked(**fields: Any) -> Any:
    rows = valid()
    rows["applications"][1]["alternatives"][0].update(fields)
    return rows


def preferences(hours: float) -> Any:
    rows = valid()
    first = rows["applications"][1]["alternatives"][0]
    rows["applications"][1]["alternatives"] = [first, {**first, "hours": hours}]
    return rows


def all_of_it_twice() -> Any:
    rows = valid()
    for programme in rows["programmes"]:
        programme["shares"]["system-0/gpu"] = [0.7, 0.7]
    return rows


def promised(**fields: Any) -> Any:
    rows = valid()
    rows["promises"][0] |= fields
    return rows


FAULTS: dict[str, tuple[Any, str]] = {
    "a promise of a programme that isn't there": (promised(programme="x"), "promises[0].programme"),
    "a promise of programmes of which one isn't there": (promised(programmes=["P0", "x"]), "promises[0].programmes[1]"),
    "a promise on a partition that isn't there": (promised(partitions=["x"]), "promises[0].partitions[0]"),
    "a promise that is a part of a programme that isn't there": (
        promised(base=["P0", "P1", "x"]),
        "promises[0].base[2]",
    ),
    "a promise of one and of several": (
        promised(programme="P0", programmes=["P1"]),
        "promises[0].programmes",
    ),
    "a promise of no programmes": (promised(programmes=[]), "promises[0].programmes"),
    "a promise of programmes in no list": (promised(programmes="P0"), "promises[0].programmes"),
    "a part of a whole that doesn't hold it": (promised(programme="P0", base=["P1"]), "promises[0].base"),
    "a part of some of the whole": (promised(base=["P1"]), "promises[0].base"),
    "a negative request": (asked(hours=-1), "applications[1].alternatives[0].hours"),
    "a request of nothing": (asked(hours=0), "applications[1].alternatives[0].hours"),
    "a partition that isn't there": (asked(partition="x"), "applications[1].alternatives[0].partition"),
    "a million million hours": (asked(hours=10**12), "applications[1].alternatives[0].hours"),
    "a number of four hundred digits": (asked(hours=10**400), "applications[1].alternatives[0].hours"),
    "an end beyond the horizon": (asked(start=10**30), "applications[1].alternatives[0].months"),
    "half a month": (asked(months=1.5), "applications[1].alternatives[0].months"),
    "true for a number": (asked(start=True), "applications[1].alternatives[0].start"),
    "two applications of one id": (changed(id=PROBLEM["applications"][0]["id"]), "applications[1].id"),
    "a score that is no number": (changed(score=float("nan")), "applications[1].score"),
    "a score without end": (changed(score=float("inf")), "applications[1].score"),
    "a score in quotes": (changed(score="81"), "applications[1].score"),
    "yes for true": (changed(commercial=1), "applications[1].commercial"),
    "half a character": (changed(country="\ud800"), "applications[1].country"),
    "a field by another name": (changed(class_="sme"), "applications[1].class_"),
    "a preference over itself": (
        preferences(PROBLEM["applications"][1]["alternatives"][0]["hours"]),
        "applications[1].alternatives[1]",
    ),
    "less preferred over more": (preferences(1e9), "applications[1].alternatives[1]"),
    "shares of 140 per cent": (all_of_it_twice(), 'programmes[1].shares["system-0/gpu"][0]'),
}


@pytest.mark.parametrize(("data", "path"), FAULTS.values(), ids=FAULTS)
def test_a_fault_is_told_with_its_place(tmp_path: Path, data: Any, path: str) -> None:
    file = tmp_path / "problem.json"
    file.write_text(json.dumps(data))
    assert_refused(file, tmp_path, f"{path} ")


def test_a_smaller_request_for_the_same_months_is_a_fallback() -> None:
    assert load_problem(json.dumps(preferences(1.0)).encode()).applications[1].alternatives[1].hours == 1.0


FILES: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "$ is not JSON"),
    "nested a hundred thousand deep": (b'{"a":[' * 50_000, "$ is nested too deeply"),
    "a key twice": (b'{"format": "x", "months": [{"a": 1, "b": 2, "a": 1}]}', "months[0].a is named twice"),
    "Latin-1": ('{"format": "\xe9"}'.encode("latin-1"), "$ is not UTF-8"),
    "UTF-16": ("{}".encode("utf-16"), "$ is not UTF-8"),
    "ten thousand digits": (b'{"format": ' + b"9" * 10_000 + b"}", "$ holds a number of thousands of digits"),
    "cut off": (json.dumps(PROBLEM).encode()[:-20], "$ is not JSON"),
    "two files in one": (b"{}{}", "$ is not JSON"),
    "nothing": (b"null", "$ is not a JSON object"),
    "a list": (b"[]", "$ is not a JSON object"),
    "another format": (b'{"format": "fabriek/plan/1"}', "format is 'fabriek/plan/1'"),
    "zeros": (bytes(1000), "$ is not JSON"),
    "a hundred megabytes of junk": (b"\x93\x00junk" * 17_000_000, "$ is not UTF-8"),
    "a hundred megabytes of spaces": (b" " * 100_000_000, "$ is not JSON"),
}


@pytest.mark.parametrize(("raw", "told"), FILES.values(), ids=FILES)
def test_a_file_that_is_none_is_told(tmp_path: Path, raw: bytes, told: str) -> None:
    file = tmp_path / "problem.json"
    file.write_bytes(raw)
    assert_refused(file, tmp_path, told)


def test_a_mark_of_byte_order_is_no_fault() -> None:
    raw = json.dumps(PROBLEM).encode()
    assert load_problem(b"\xef\xbb\xbf" + raw) == load_problem(raw)


def test_a_folder_a_pipe_and_a_name_of_nothing_are_told(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    assert_refused(tmp_path, tmp_path, "directory")
    assert_refused(pipe, tmp_path, "regular file")
    assert_refused(tmp_path / "nothing", tmp_path, "No such file")
    assert_refused(Path("/dev/null"), tmp_path, "regular file")


def assert_refused(file: Path, folder: Path, told: str) -> None:
    """By every command that reads it, in one line, with exit status 2, and nothing is written."""
    good, plan = folder / "good.json", folder / "good-plan.json"
    good.write_text(json.dumps(PROBLEM))
    plan.write_text(json.dumps(PLAN))
    target = folder / "out.json"
    for command in (["allocate", file, "-o", target], ["verify", file, plan]):
        result = CliRunner().invoke(app, [str(part) for part in command])
        assert result.exit_code == 2, result.output
        assert result.stderr.startswith(f"{file}: "), result.stderr
        assert told in result.stderr
        assert result.stderr.count("\n") == 1
    assert not target.exists()
    if not told.startswith(("$", "regular", "No such", "directory")):
        return
    read = told if told != "$ is not a JSON object" else "format"
    result = CliRunner().invoke(app, ["verify", str(good), str(file)])
    assert result.exit_code == 2
    assert read in result.stderr
