"""A sample of the fault harness, of which `make faults` is the whole. It runs apart: it forks and has its own data."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.usefixtures("slurm_installed")
def test_one_fault_of_each_kind_is_survived() -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "FABRIEK"))}
    environment["PYTHONPATH"] = os.pathsep.join([str(ROOT / "src"), str(ROOT)])
    done = subprocess.run(
        [sys.executable, "-m", "tests.slurm.faults", "--short"],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=3_000,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-4_000:] + done.stderr[-2_000:]
    table = re.findall(r"^(.{44}) +(\d+) +(\d+) +(\d+)$", done.stdout, re.MULTILINE)
    assert len(table) >= 9
    for kind, _tried, reached, survived in table:
        assert int(reached) >= 1, f"{kind.strip()} was never tried"
        assert survived == reached
