"""One process a job: starts it, holds it to its time limit, and writes down how it ended.

It outlives the agent, in a session of its own. While it lives it holds the lock on the job's folder that it inherited;
`result.json` appears whole or not at all. Standard library only, so that it starts fast.

    python supervisor.py FOLDER SECONDS OUTPUT ERROR

OUTPUT and ERROR are paths under FOLDER, or /dev/null; an empty ERROR: where the output goes.
"""

from __future__ import annotations

import contextlib
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
from typing import Any, BinaryIO

# More than a job's text needs, less than what fills a disk unnoticed.
MOST_OUTPUT = 256 * 1024 * 1024
GRACE = 2.0


def write_whole(path: Path, values: dict[str, Any]) -> None:
    """Write JSON so that a reader sees all of it or none, also after a power cut; for its owner alone."""
    partial = path.with_suffix(".partial")
    try:
        with open(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            json.dump(values, file)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError:
        # On a full disk half a file only takes room.
        with contextlib.suppress(OSError):
            partial.unlink()
        raise


def process_birth(pid: int) -> str:
    """When a process started, in clock ticks since boot: tells it from a later one with the same number."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except OSError:
        return ""


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (MOST_OUTPUT, MOST_OUTPUT))


def _opened(folder: Path, name: str) -> BinaryIO:
    path = folder / name  # an absolute one, /dev/null, stays what it is
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.open("wb")


def supervise(folder: Path, seconds: float, output_name: str = "output", error_name: str = "error") -> None:
    """Run `folder/script` for at most `seconds`; then `folder/result.json` says how it ended."""
    told: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _frame: told.append(number))
    environment = json.loads((folder / "environment.json").read_text(encoding="utf-8"))
    started = time.time()

    def announce() -> None:
        # In the child, before it becomes the script. It holds the job's lock until then (it is closed at exec): so
        # where the lock is free, either the script's own pid is on disk or it never ran, whoever is killed when.
        _limit()
        values = {"pid": os.getpid(), "birth": process_birth(os.getpid()), "start": int(started)}
        write_whole(folder / "started.json", values)

    try:
        with contextlib.ExitStack() as streams:
            output = streams.enter_context(_opened(folder, output_name))
            error = streams.enter_context(_opened(folder, error_name)) if error_name else subprocess.STDOUT
            job = subprocess.Popen(
                [str(folder / "script")],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=error,
                cwd=folder / "work",
                env=environment,
                start_new_session=True,
                preexec_fn=announce,
            )
    except subprocess.SubprocessError:
        # It could not announce itself (a full disk), so it did not run: the engine starts it again.
        return
    except OSError as fault:
        (folder / "error").write_text(f"The script could not be started: {fault}\n", encoding="utf-8")
        _write_result(
            folder,
            {"state": "FAILED", "exit": 127, "start": int(started), "end": math.ceil(time.time())},
        )
        return
    state = _wait(job, started + seconds, folder, lambda: bool(told) or (folder / "cancel").exists())
    if state is None:
        state = "COMPLETED" if job.returncode == 0 else "FAILED"
    # Slots are held for whole seconds: the second in which it started until the second after it ended.
    result = {"state": state, "exit": job.returncode, "start": int(started), "end": math.ceil(time.time())}
    _write_result(folder, {**result, **_used()})


def _used() -> dict[str, Any]:
    """What the script and all that it waited for used: processor seconds, and the largest process's memory in bytes
    (at least this supervisor's own few MiB, which a process holds before it becomes another program)."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {"cpu": round(used.ru_utime + used.ru_stime, 3), "peak": used.ru_maxrss * 1024}


def _write_result(folder: Path, values: dict[str, Any]) -> None:
    """Write down how the job ended. On a full disk, wait for room: a job that ended must not look like a dead node."""
    while True:
        try:
            write_whole(folder / "result.json", values)
        except OSError:
            time.sleep(1.0)
        else:
            return


def _wait(job: subprocess.Popen[bytes], until: float, folder: Path, cancelled: Callable[[], bool]) -> str | None:
    pause, seen = 0.01, 0.0
    while job.poll() is None:
        # The lock's time says when the job was last looked after: until then it is billed, should all of this die.
        if time.time() - seen >= 1.0:
            seen = time.time()
            with contextlib.suppress(OSError):
                os.utime(folder / "lock")
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
    with contextlib.suppress(subprocess.TimeoutExpired):
        job.wait(GRACE)
    _signal(job.pid, signal.SIGKILL)
    job.wait()


def _signal(group: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, number)


if __name__ == "__main__":
    supervise(Path(sys.argv[1]), float(sys.argv[2]), *sys.argv[3:])
