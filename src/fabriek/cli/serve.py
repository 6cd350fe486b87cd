"""`fabriek serve`: the portal under gunicorn; beside it the worker and the engine's agent.

One parent looks after them: when it is told to stop it stops all, and when one of them dies by itself it says so.
None needs the others to be right: a killed agent, worker or server is simply started again.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

WORKERS = 2
THREADS = 4


def portal_command(port: int) -> list[str]:
    """gunicorn on loopback. Threads, so that a slow reader does not hold a worker."""
    return [
        sys.executable, "-m", "gunicorn", "fabriek.conf.wsgi:application",
        "--bind", f"127.0.0.1:{port}", "--workers", str(WORKERS), "--threads", str(THREADS),
        "--worker-class", "gthread", "--max-requests", "10000", "--max-requests-jitter", "1000",
        "--graceful-timeout", "10", "--log-level", "warning", "--preload",
    ]  # fmt: skip


def run_together(commands: Sequence[tuple[str, list[str], dict[str, str]]]) -> int:
    """Run named commands until a signal, or until one ends; then stop the others. Returns the exit status."""
    children: dict[str, subprocess.Popen[bytes]] = {}
    asked_to_stop: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda received, _frame: asked_to_stop.append(received))
    try:
        for name, command, extra in commands:
            # A session of its own: Ctrl-C in the terminal reaches this parent only, which then stops them in order.
            children[name] = subprocess.Popen(command, env={**os.environ, **extra}, start_new_session=True)
        while not asked_to_stop:
            time.sleep(0.2)
            for name, child in children.items():
                if child.poll() is not None:
                    print(f"The {name} ended with status {child.returncode}; stopping the rest.", file=sys.stderr)
                    return child.returncode or 1
        return 0
    finally:
        for child in reversed(children.values()):
            if child.poll() is None:
                child.terminate()
        for child in children.values():
            try:
                child.wait(timeout=15)
            except subprocess.TimeoutExpired:
                child.kill()


def serve_all(port: int, *, slurm: bool = False) -> int:
    """The portal, the worker and, where the demonstration was set up, its agents; until a signal.

    slurm: the demonstration's Slurm clusters are up; otherwise their agents would have nobody to talk to.
    """
    from fabriek.conf.configuration import configuration

    if not _is_free(port):
        print(f"Port {port} is taken. Stop what listens there, or choose another: --port 8001", file=sys.stderr)
        return 2
    commands: list[tuple[str, list[str], dict[str, str]]] = [
        ("portal", portal_command(port), {}),
        ("worker", [sys.executable, "-m", "fabriek.cli.main", "work"], {}),
    ]
    for token in sorted(configuration().folder.glob("agent*/token")):
        on_slurm = (token.parent / "slurm.toml").exists()
        if on_slurm and not slurm:
            print(f"{token.parent.name} is not started: its cluster comes up with `fabriek demo --slurm`.", flush=True)
            continue
        commands.append(_agent(token, port, "slurm" if on_slurm else "local"))
    print(f"Fabriek serves on http://127.0.0.1:{port} (Ctrl-C stops it)", flush=True)
    return run_together(commands)


def _agent(token: Path, port: int, engine: str) -> tuple[str, list[str], dict[str, str]]:
    """The agent in the folder of this token: `agent` is the embedded engine's, `agent-alpha` the cluster alpha's."""
    folder = token.parent
    cluster = folder.name.removeprefix("agent-") if engine == "slurm" else "molen"
    command = [sys.executable, "-m", "fabriek.cli.main", "agent", "--engine", engine, "--cluster", cluster]
    # The demonstration may be started as root, and its jobs are its own.
    command += ["--folder", str(folder), *(["--root-jobs"] if engine == "local" else [])]
    told = {"FABRIEK_URL": f"http://127.0.0.1:{port}", "FABRIEK_TOKEN_FILE": str(token)}
    return folder.name, command, told


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
