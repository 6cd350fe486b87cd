"""One process a job: starts it, holds it to its time limit, and writes down how it ended.

It outlives the agent, in a session of its own. While it lives it holds the lock on the job's folder that it inherited;
`result.json` appears whole or not at all. Standard library only, so that it starts fast.

    python -m fabriek.compute.local.supervisor FOLDER SECONDS
"""

from __future__ import annotations

import json
import math
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

# More than a job's text needs, less than what fills a disk unnoticed.
MOST_OUTPUT = 256 * 1024 * 1024
GRACE = 2.0


def write_whole(path: Path, values: dict[str, Any]) -> None:
    """Write JSON so that a reader sees all of it or none, also after a power cut."""
    partial = path.with_suffix(".partial")
    with partial.open("w", encoding="utf-8") as file:
        json.dump(values, file)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def process_birth(pid: int) -> str:
    """When a process started, in clock ticks since boot: tells it from a later one with the same number."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except OSError:
        return ""


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (MOST_OUTPUT, MOST_OUTPUT))


def supervise(folder: Path, seconds: float) -> None:
    """Run `folder/script` for at most `seconds`; then `folder/result.json` says how it ended."""
    told: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _frame: told.append(number))
    environment = json.loads((folder / "environment.json").read_text(encoding="utf-8"))
    started = time.time()
    with (folder / "output").open("wb") as output, (folder / "error").open("wb") as error:
        try:
            job = subprocess.Popen(
                [str(folder / "script")],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=error,
                cwd=folder / "work",
                env=environment,
                start_new_session=True,
                preexec_fn=_limit,
            )
        except OSError as fault:
            error.write(f"The script could not be started: {fault}\n".encode())
            write_whole(
                folder / "result.json",
                {"state": "FAILED", "exit": 127, "start": int(started), "end": math.ceil(time.time())},
            )
            return
        write_whole(folder / "started.json", {"pid": job.pid, "birth": process_birth(job.pid), "start": int(started)})
        state = _wait(job, started + seconds, lambda: bool(told) or (folder / "cancel").exists())
    if state is None:
        state = "COMPLETED" if job.returncode == 0 else "FAILED"
    # Slots are held for whole seconds: the second in which it started until the second after it ended.
    write_whole(
        folder / "result.json",
        {"state": state, "exit": job.returncode, "start": int(started), "end": math.ceil(time.time())},
    )


def _wait(job: subprocess.Popen[bytes], until: float, cancelled: Callable[[], bool]) -> str | None:
    pause = 0.01
    while job.poll() is None:
        state = "CANCELLED" if cancelled() else "TIMEOUT" if time.time() >= until else None
        if state is not None:
            _end(job)
            return state
        time.sleep(pause)
        pause = min(pause * 1.5, 0.2)
    # What the script left running in the background goes with it.
    _signal(job.pid, signal.SIGKILL)
    return None


def _end(job: subprocess.Popen[bytes]) -> None:
    """SIGTERM, a moment to write down what is worth keeping, SIGKILL: as Slurm does (KillWait)."""
    _signal(job.pid, signal.SIGTERM)
    try:
        job.wait(GRACE)
    except subprocess.TimeoutExpired:
        pass
    _signal(job.pid, signal.SIGKILL)
    job.wait()


def _signal(group: int, number: int) -> None:
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        pass


if __name__ == "__main__":
    supervise(Path(sys.argv[1]), float(sys.argv[2]))
