"""A private MariaDB: a data folder and a Unix socket of its own, no port."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from fabriek.demo.slurm.packages import program
from fabriek.demo.slurm.processes import BedError


@dataclass(frozen=True)
class Database:
    """Where it lives, and as whom it runs."""

    folder: Path
    user: str

    @property
    def socket(self) -> Path:
        """What slurmdbd connects to."""
        return self.folder / "s.sock"

    def make(self) -> None:
        """Make the data folder, once. Its folder is closed to others: root of the database needs no password."""
        data = self.folder / "data"
        if (self.folder / "made").exists():
            return
        self.folder.mkdir(mode=0o700, exist_ok=True)
        command = [
            program("mariadb-install-db"), "--no-defaults", f"--datadir={data}", f"--user={self.user}",
            "--auth-root-authentication-method=normal", "--skip-test-db", "--innodb-log-file-size=32M",
        ]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise BedError(f"mariadb-install-db ended with status {done.returncode}: {done.stderr[-1_500:]}")
        (self.folder / "made").touch()

    def command(self) -> list[str]:
        """The server. A commit reaches the system's memory: it survives a killed server, not a power cut."""
        return [
            program("mariadbd"), "--no-defaults", f"--datadir={self.folder / 'data'}", f"--user={self.user}",
            f"--socket={self.socket}", "--skip-networking", f"--pid-file={self.folder / 'pid'}", "--skip-log-bin",
            # slurmdbd asks for these two, or complains at each start.
            "--innodb-buffer-pool-size=1G", "--innodb-lock-wait-timeout=900",
            "--innodb-log-file-size=32M", "--innodb-flush-log-at-trx-commit=2", "--max-allowed-packet=64M",
            "--skip-name-resolve", "--performance-schema=OFF", f"--tmpdir={self.folder}",
        ]  # fmt: skip

    def ready(self) -> bool:
        """Whether it answers."""
        return self._do("SELECT 1").returncode == 0

    def ask(self, question: str) -> str:
        """What slurmdbd's database answers. Errors: BedError."""
        return self._say(f"USE slurm_acct; {question}")

    def grant(self, password: str) -> None:
        """Let slurmdbd in. Errors: BedError."""
        self._say(
            "CREATE DATABASE IF NOT EXISTS slurm_acct; "
            f"CREATE OR REPLACE USER slurm@localhost IDENTIFIED BY '{password}'; "
            "GRANT ALL ON slurm_acct.* TO slurm@localhost;"
        )

    def _say(self, statements: str) -> str:
        done = self._do(statements)
        if done.returncode:
            raise BedError(f"MariaDB refused: {done.stderr.strip()}")
        return done.stdout.strip()

    def _do(self, statements: str) -> subprocess.CompletedProcess[str]:
        command = [program("mariadb"), "--no-defaults", f"--socket={self.socket}", "--user=root", "-N", "--batch"]
        return subprocess.run(command, input=statements, capture_output=True, text=True, check=False, timeout=60)
