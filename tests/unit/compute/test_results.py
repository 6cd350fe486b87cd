"""What a job made comes with its report: from a regular file of its own, of a bounded size, and from nothing else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.unit.compute.test_agent import Platform, at_work, rounds_until
from tests.unit.compute.test_local_engine import account, ended, order, until

from fabriek.compute.environment import torch_python
from fabriek.compute.local import LocalEngine, LocalPartition, load_engine
from fabriek.compute.results import FILE, MOST_BYTES, Results, read_results


def test_there_is_no_file(tmp_path: Path) -> None:
    assert read_results(tmp_path / FILE) == Results()


def test_a_file_is_read_as_text(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text('{"name": "é"}', encoding="utf-8")
    assert read_results(tmp_path / FILE, os.getuid()) == Results('{"name": "é"}')


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    """A job could have the agent read what only the agent may."""
    (tmp_path / "secret").write_text("the agent's token")
    (tmp_path / FILE).symlink_to(tmp_path / "secret")
    found = read_results(tmp_path / FILE)
    assert found.text is None
    assert "links are not followed" in found.problem


def test_a_pipe_a_folder_and_a_device_are_no_files_and_nobody_waits_for_them(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    for path in (tmp_path / "pipe", tmp_path / "folder", Path("/dev/zero")):
        assert "is not a regular file" in read_results(path).problem, path


def test_the_file_of_somebody_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("{}")
    assert "another user" in read_results(tmp_path / FILE, os.getuid() + 1).problem


@pytest.mark.parametrize(("size", "is_taken"), [(MOST_BYTES, True), (MOST_BYTES + 1, False), (10**9, False)])
def test_a_large_file_is_not_read(tmp_path: Path, size: int, is_taken: bool) -> None:
    with (tmp_path / FILE).open("wb") as file:
        file.truncate(size)
    found = read_results(tmp_path / FILE)
    assert (found.text is not None) == is_taken
    assert is_taken or "at most 262,144 are taken" in found.problem


def test_what_is_not_utf_8_is_told(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"{\xff}")
    assert read_results(tmp_path / FILE).problem == f"{FILE} is not UTF-8 (byte 1)"


@pytest.fixture
def engine(tmp_path: Path):
    described = {"FABRIEK_TORCH_PYTHON": "/opt/torch/bin/python"}
    partition = LocalPartition(nodes=1, accelerators_per_node=4, cores_per_node=8, environment=described)
    made = LocalEngine(tmp_path, "bench", {"gpu": partition})
    made.provision([account()])
    yield made
    until(made, made.is_idle)
    made.close()


def test_the_engine_reports_what_its_job_wrote_where_the_environment_says(engine: LocalEngine) -> None:
    body = 'echo "{\\"python\\": \\"$FABRIEK_TORCH_PYTHON\\"}" > "$FABRIEK_RESULT_FILE"'
    job = engine.submit(order("a", body))
    until(engine, lambda: ended(engine, job))
    report = engine.report(job)
    assert (report.state, report.results_problem) == ("COMPLETED", "")
    assert report.results == '{"python": "/opt/torch/bin/python"}\n'


def test_a_job_that_makes_its_result_a_link_has_ended_all_the_same(engine: LocalEngine) -> None:
    job = engine.submit(order("a", 'ln -s /etc/passwd "$FABRIEK_RESULT_FILE"; echo done'))
    until(engine, lambda: ended(engine, job))
    report = engine.report(job)
    assert (report.state, report.output, report.results) == ("COMPLETED", "done\n", None)
    assert "links are not followed" in report.results_problem


def test_the_agent_tells_again_when_the_result_changed(tmp_path: Path) -> None:
    platform = Platform(tmp_path / "platform.json")
    platform.awards()
    platform.orders(
        "a", 'echo 1 > "$FABRIEK_RESULT_FILE"; while [ ! -e go ]; do sleep 0.05; done; echo 2 > "$FABRIEK_RESULT_FILE"'
    )
    agent = at_work(platform, tmp_path / "agent")
    rounds_until(agent, lambda: platform.report("a").get("results") == "1\n")
    assert platform.report("a")["state"] == "RUNNING"
    (tmp_path / "agent" / "jobs" / "1" / "work" / "go").touch()
    rounds_until(agent, lambda: platform.report("a").get("state") == "COMPLETED")
    assert platform.report("a")["results"] == "2\n"


def test_jobs_of_a_partition_see_what_the_site_says_of_it(tmp_path: Path) -> None:
    gpu = '{"nodes": 1, "accelerators_per_node": 1, "cores_per_node": 1, "environment": {"A": "of gpu"}}'
    text = f'{{"partitions": {{"gpu": {gpu}}}, "environment": {{"A": "of all", "B": "of all"}}}}'
    (tmp_path / "engine.json").write_text(text)
    made = load_engine(tmp_path, "bench")
    assert made.partitions["gpu"].environment == {"A": "of gpu", "B": "of all"}
    made.close()


@pytest.mark.parametrize(
    "said", ['{"SLURM_JOB_ID": "1"}', '{"HOME": "/"}', '{"a b": "1"}', '{"A": "x\\ny"}', '{"A": 1}', "[]"]
)
def test_what_can_t_be_said_to_jobs_is_told_where_it_stands(tmp_path: Path, said: str) -> None:
    gpu = '{"nodes": 1, "accelerators_per_node": 1, "cores_per_node": 1}'
    (tmp_path / "engine.json").write_text(f'{{"partitions": {{"gpu": {gpu}}}, "environment": {said}}}')
    with pytest.raises(ValueError, match=r"engine\.json does not describe an engine"):
        load_engine(tmp_path, "bench")


def test_the_python_with_pytorch_is_the_one_that_was_named_or_made(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.delenv("FABRIEK_TORCH_PYTHON", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert torch_python() == ""
    made = tmp_path / "fabriek" / "torch" / "bin" / "python"
    made.parent.mkdir(parents=True)
    made.touch(0o755)
    assert torch_python() == str(made)
    monkeypatch.setenv("FABRIEK_TORCH_PYTHON", "/bin/true")
    assert torch_python() == "/bin/true"
