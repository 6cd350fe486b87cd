"""`make run SLURM=1`: the main job on two real clusters, again from where it was, and nothing stays behind."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from fabriek.conf.errors import Refused
from fabriek.demo import on_slurm
from fabriek.demo.machines import EMBEDDED, ON_SLURM, bed_clusters
from fabriek.demo.slurm import Bed


def demo(folder: Path, *options: str) -> str:
    environment = {**os.environ, "FABRIEK_FOLDER": str(folder), "COLUMNS": "200"}
    done = subprocess.run(
        [sys.executable, "-m", "fabriek.cli.main", "demo", "--no-serve", *options],
        env=environment, capture_output=True, text=True, timeout=1_800,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3_000:] + done.stderr[-3_000:]
    return done.stdout


def rows(folder: Path, query: str) -> list[Any]:
    connection = sqlite3.connect(f"file:{folder / 'fabriek.sqlite3'}?mode=ro", uri=True)
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


@pytest.mark.slow
def test_the_whole_way_on_two_clusters_and_every_second_that_slurm_accounted(folder: Path) -> None:
    first = demo(folder, "--slurm")
    assert "the main job on a demonstration" in first
    states = dict(rows(folder, "SELECT state, COUNT(*) FROM operations_job GROUP BY state"))
    assert set(states) == {"COMPLETED"}
    assert states["COMPLETED"] > 40
    engines = rows(folder, "SELECT code, engine FROM operations_cluster ORDER BY code")
    assert engines == [("alpha", "slurm"), ("beta", "slurm")]
    both = "SELECT project_id FROM operations_job GROUP BY project_id HAVING COUNT(DISTINCT cluster_id) > 1"
    assert rows(folder, both), "no project ran on both clusters"
    query = (
        "SELECT f.code, t.code, m.state, m.error, m.files_total, m.carried_bytes >= 8388608, m.carried_seconds >= 5, "
        "m.from_digest <> '' AND m.from_digest = m.to_digest FROM operations_transfer m "
        "JOIN operations_cluster f ON f.id = m.from_cluster_id JOIN operations_cluster t ON t.id = m.to_cluster_id"
    )
    assert rows(folder, query) == [("alpha", "beta", "done", "", 9, 1, 1, 1)], "long enough to measure the link"
    assert "8 MB copied from alpha to beta" in first
    (there,) = (folder / "bed" / "projects" / "beta").glob("*/samples")
    assert len(list(there.iterdir())) == 9
    bed = Bed(folder / "bed", bed_clusters())
    assert bed.leftovers() == {}

    assert "the main job on a demonstration" not in demo(folder, "--slurm")
    assert dict(rows(folder, "SELECT state, COUNT(*) FROM operations_job GROUP BY state")) == states

    with bed:
        told = bed.run("alpha", "sacct", "-XanPDM", "alpha,beta", "--format=cluster,jobidraw,elapsedraw,alloctres")
    accounted = {(c, number): int(elapsed) * gpus(tres) for c, number, elapsed, tres in map(split, told.splitlines())}
    booked = {
        (cluster, number): seconds
        for cluster, number, seconds in rows(
            folder,
            "SELECT c.code, r.job_id, r.accelerator_seconds FROM operations_usagerecord r "
            "JOIN operations_cluster c ON c.id = r.cluster_id",
        )
    }
    assert booked == accounted
    assert len(booked) == states["COMPLETED"]


def split(line: str) -> list[str]:
    return line.split("|")


def gpus(tres: str) -> int:
    """The GPUs in sacct's AllocTRES."""
    return int(dict(part.split("=") for part in tres.split(",")).get("gres/gpu", 0))


def test_a_folder_of_the_embedded_engine_is_left_alone(folder: Path, settings: Any, db: None) -> None:
    from fabriek.demo.world import build_the_machines, check_the_folder, gather_people, load_the_register

    settings.FABRIEK_FOLDER = folder
    load_the_register()
    check_the_folder(ON_SLURM)
    build_the_machines(gather_people(), EMBEDDED)
    check_the_folder(EMBEDDED)
    with pytest.raises(Refused, match="FABRIEK_FOLDER"):
        check_the_folder(ON_SLURM)


def test_the_clusters_live_with_the_data_unless_that_will_not_do(settings: Any, tmp_path: Path) -> None:
    settings.FABRIEK_FOLDER = Path("/usr/share")
    assert on_slurm.bed_folder() == Path("/usr/share/bed")
    closed = tmp_path / "home" / "var"
    closed.mkdir(parents=True)
    closed.parent.chmod(0o700)
    settings.FABRIEK_FOLDER = closed
    elsewhere = on_slurm.bed_folder()
    try:
        assert elsewhere.parent == Path("/var/tmp")
        assert elsewhere == on_slurm.bed_folder()
        elsewhere.rmdir()
        elsewhere.symlink_to(tmp_path)
        with pytest.raises(Refused, match="somebody else"):
            on_slurm.bed_folder()
    finally:
        elsewhere.unlink() if elsewhere.is_symlink() else elsewhere.rmdir()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has others to run jobs as")
@pytest.mark.parametrize(
    ("sudo_user", "expected"), [("", "games"), ("daemon", "daemon"), ("root", "games"), ("no-such", "games")]
)
def test_jobs_never_run_as_root(sudo_user: str, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUDO_USER", sudo_user)
    assert on_slurm.job_user() == expected
