"""Everything that asks the database, again, on PostgreSQL: a server that this test starts and stops on loopback."""

from __future__ import annotations

import glob
import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = [pytest.mark.postgres, pytest.mark.slow]
ROOT = Path(__file__).parents[2]
# The rules that never break: what the API and the pages show of them is looked at on SQLite, for the time it takes.
RULES = [
    "tests/unit/events",
    "tests/unit/ledger",
    "tests/unit/operations",
    "tests/unit/people",
    "tests/unit/programmes",
    "tests/unit/projects",
    "tests/unit/recipes",
    "tests/unit/access/test_life.py",
    "tests/unit/access/test_reviewing.py",
    "tests/unit/catalogue/test_entries.py",
    "tests/unit/catalogue/test_from_results.py",
    "tests/unit/catalogue/search",
    "tests/unit/harvest/test_running.py",
    "tests/unit/matching",
    "tests/unit/support",
    "tests/unit/demo",
    "tests/properties",
    "tests/api/test_rest.py",
]


def binaries() -> Path | None:
    """Where Debian keeps PostgreSQL's own programs."""
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"))
    return Path(found[-1]).parent if found else None


@pytest.fixture(scope="module")
def postgresql() -> Iterator[str]:
    """The address of an empty database on loopback, in a temporary folder, of a user who may do little else."""
    programs = binaries()
    if programs is None:
        pytest.skip("postgresql is not installed")
    folder = Path(tempfile.mkdtemp(prefix="fabriek-postgresql-", dir="/tmp"))
    as_user: list[str] = []
    if os.geteuid() == 0:
        # PostgreSQL refuses to run as root.
        user = next(name for name in ("postgres", "nobody") if _exists(name))
        shutil.chown(folder, user)
        as_user = ["runuser", "-u", user, "--"]
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    data = str(folder / "data")

    def do(*command: str) -> None:
        done = subprocess.run([*as_user, *command], capture_output=True, text=True, cwd="/tmp", timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr

    do(str(programs / "initdb"), "-D", data, "-U", "fabriek", "-A", "trust", "-E", "UTF8", "--no-sync")
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c fsync=off"
    do(str(programs / "pg_ctl"), "-D", data, "-w", "-l", str(folder / "log"), "-o", options, "start")
    try:
        do(str(programs / "createdb"), "-h", "127.0.0.1", "-p", str(port), "-U", "fabriek", "fabriek")
        yield f"postgresql://fabriek@127.0.0.1:{port}/fabriek"
    finally:
        do(str(programs / "pg_ctl"), "-D", data, "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)


def _exists(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


def test_the_rules_hold_on_postgresql(postgresql: str, tmp_path: Path) -> None:
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("PYTEST")},
        "FABRIEK_DATABASE": postgresql,
        "FABRIEK_FOLDER": str(tmp_path),
    }
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-n", "2", "--dist", "loadfile", *RULES]
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=1_800)
    assert done.returncode == 0, done.stdout[-6_000:] + done.stderr[-2_000:]
    assert " passed" in done.stdout
