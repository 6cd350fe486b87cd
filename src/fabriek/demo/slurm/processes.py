"""The daemons of a bed: each a child in a session of its own, known by its pid and the moment it started."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterable
from pathlib import Path

STOPPING = 60.0


class BedError(Exception):
    """Something did not come up or would not stop. The sentence says what, with the end of its log."""


class Processes:
    """Starts, finds and ends daemons by name. `kept` is the file in which they are remembered between programs.

    tied: the daemons end with this program, however it ends (Linux: PR_SET_PDEATHSIG, by util-linux' setpriv; it goes
    by the thread that started them, so start them in a thread that lives as long as the bed).
    """

    def __init__(self, kept: Path, logs: Path, tied: bool) -> None:
        self._kept, self._logs = kept, logs
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._tie = [setpriv, "--pdeathsig", "TERM", "--"] if tied and (setpriv := shutil.which("setpriv")) else []
        self._known: dict[str, tuple[int, int]] = {}
        if kept.exists():
            self._known = {name: (pid, began) for name, (pid, began) in json.loads(kept.read_text()).items()}

    @property
    def pids(self) -> dict[str, int]:
        """The pid of each daemon that runs."""
        return {name: pid for name, (pid, began) in self._known.items() if self._runs(name, pid, began)}

    def start(self, name: str, command: list[str], environment: dict[str, str]) -> None:
        """Start a daemon that stays in the foreground. Errors: BedError if it runs already."""
        if name in self.pids:
            raise BedError(f"{name} runs already, as process {self.pids[name]}")
        with (self._logs / f"{name}.out").open("ab") as output:
            child = subprocess.Popen(
                [*self._tie, *command],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=self._logs,
                start_new_session=True,
            )
        self._children[name] = child
        self._known[name] = (child.pid, _began(child.pid) or 0)
        self._keep()

    def end(self, names: Iterable[str], number: int = signal.SIGTERM, patience: float = STOPPING) -> list[str]:
        """Send a signal to some and wait until they are gone; those that stay are killed, and returned."""
        asked = set(names)
        ending = {name: pid for name, pid in self.pids.items() if name in asked}
        for pid in ending.values():
            send(pid, number)
        stubborn = [] if self._gone(ending, patience) else [name for name in ending if name in self.pids]
        for name in stubborn:
            send(ending[name], signal.SIGKILL)
        if not self._gone(stubborn, STOPPING):
            raise BedError(f"{', '.join(n for n in stubborn if n in self.pids)} can't be ended, not even by SIGKILL")
        for name in ending:
            self._known.pop(name, None)
        self._keep()
        return stubborn

    def wait(self, name: str, ready: Callable[[], bool], patience: float) -> None:
        """Wait until a daemon is ready. Errors: BedError if it ends before, or isn't in time."""
        until = time.monotonic() + patience
        while not ready():
            if name not in self.pids:
                raise BedError(f"{name} ended while it was starting: {self._told(name)}")
            if time.monotonic() > until:
                raise BedError(f"{name} was not ready within {patience:.0f} seconds: {self._told(name)}")
            time.sleep(0.03)

    def _told(self, name: str) -> str:
        """The end of what it said."""
        path = self._logs / f"{name}.out"
        text = path.read_text(errors="replace")[-1_500:].strip() if path.exists() else ""
        return text or f"it said nothing in {path}"

    def _gone(self, names: Iterable[str], patience: float) -> bool:
        wanted = set(names)
        until = time.monotonic() + patience
        while wanted & set(self.pids):
            if time.monotonic() > until:
                return False
            time.sleep(0.02)
        return True

    def _runs(self, name: str, pid: int, began: int) -> bool:
        child = self._children.get(name)
        if child is not None and child.pid == pid:
            return child.poll() is None
        return _began(pid) == began

    def _keep(self) -> None:
        partial = self._kept.with_suffix(".partial")
        partial.write_text(json.dumps(self._known))
        partial.replace(self._kept)


def send(pid: int, number: int) -> None:
    """Send a signal to a process, if it is still there."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def _began(pid: int) -> int | None:
    """When a process started, in ticks since the machine's start; None: no such process, or a zombie.

    With the pid it names a process for ever: pids come again.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] == "Z" else int(fields[19])


def stepping_of(folder: Path) -> dict[int, str]:
    """What jobs left: slurmstepd and its descendants, of clusters whose configuration lies in the folder.

    A shell that merely exports SLURM_CONF is no job, so the environment alone does not count.
    """
    parents: dict[int, int] = {}
    found: dict[int, str] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        pid = int(entry.name)
        try:
            state, parent = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
            environment = b"\0" + (entry / "environ").read_bytes()
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
        except OSError:
            continue
        parents[pid] = int(parent)
        ours = f"\0SLURM_CONF={folder}/".encode() in environment
        if state != "Z" and ours and (b"\0SLURM_JOB_ID=" in environment or command.startswith("slurmstepd")):
            found[pid] = command
    grown = True
    while grown:
        grown = False
        for pid, above in parents.items():
            if above in found and pid not in found:
                found[pid], grown = f"child of {above}", True
    found.pop(os.getpid(), None)
    return found
