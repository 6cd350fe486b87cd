"""Two real Slurm clusters, alpha (GPUs and CPUs) and beta (GPUs), started once for all tests that ask for `bed`."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from fabriek.demo.slurm import Bed, ordinary_user
from fabriek.demo.slurm.packages import advice, missing

ROOM = 2 * 1024**3


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.slurm)


@pytest.fixture(scope="session")
def slurm_installed() -> None:
    """Skips without Slurm, and says what to install. In CI that is an error: nothing is left out unseen."""
    if lacking := missing(rest=True):
        if os.environ.get("CI"):
            pytest.fail(f"Slurm is not installed; {advice(lacking)}")
        pytest.skip(f"Slurm is not installed; {advice(lacking)}")


def short_folder() -> Path:
    """A new folder with a short name, in memory where there is room for a database."""
    memory = Path("/dev/shm")
    there = memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > ROOM
    return Path(tempfile.mkdtemp(prefix="fabriek-", dir=memory if there else "/tmp"))


@pytest.fixture(scope="session")
def bed(slurm_installed: None) -> Iterator[Bed]:
    """Both clusters. Whoever ends a daemon starts it again; accounts and jobs of one test don't disturb another's."""
    found = Bed(short_folder())
    try:
        yield found.up()
    finally:
        found.down(remove=True)


@pytest.fixture
def new_folder(slurm_installed: None) -> Iterator[Path]:
    """A folder for a bed of the test's own."""
    folder = short_folder()
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def folder(new_folder: Path) -> Path:
    """One that everybody may pass through: job users, and clusters that live with their data."""
    new_folder.chmod(0o755)
    return new_folder


@pytest.fixture(scope="session")
def job_user() -> str:
    """Whose jobs run: as root an account without rights, otherwise one's own, which is the only one that can."""
    return ordinary_user()
