"""Starts JupyterLab on loopback until the job's time is over, where the environment has it, and says so where not.

python -m fabriek_recipe.notebook PARAMETERS.json
"""

from __future__ import annotations

import importlib.util
import os
import platform
import secrets
import socket
import subprocess
import sys
import time
import urllib.request

from . import records
from .settings import Clock, Trouble, folder, run, settings

KINDS = ("jupyterlab", "notebook")
PATIENCE = 60.0


def main() -> None:
    told = settings()
    kind = next((name for name in KINDS if importlib.util.find_spec(name)), None)
    if kind is None:
        raise Trouble(
            f"The environment of this job ({sys.executable}) has no Jupyter. Ask your site to install jupyterlab "
            "in it, or to set FABRIEK_TORCH_PYTHON to a Python that has it; nothing was started."
        )
    clock = Clock(told["limit_seconds"])
    key, kept = secrets.token_urlsafe(32), folder() / "notebook-key"
    os.close(os.open(kept, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
    kept.write_text(key, encoding="ascii")
    port = told["port"] or _free_port()
    work = folder() / "notebooks"
    work.mkdir(exist_ok=True)
    command = [
        sys.executable, "-m", "jupyterlab" if kind == "jupyterlab" else "notebook", "--no-browser",
        "--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}", "--ServerApp.port_retries=0",
        f"--ServerApp.root_dir={work}",
    ]  # fmt: skip
    if os.getuid() == 0:
        command.append("--allow-root")
    # The key goes by the environment: command lines are read by everybody on the node.
    jupyter = subprocess.Popen(command, env={**os.environ, "JUPYTER_TOKEN": key})
    record = records.Record("notebook", told["name"], told["code"])
    record.environment |= {"kind": kind, "node": platform.node(), "port": str(port)}
    began = time.monotonic()
    try:
        _wait(jupyter, port, clock)
        print(
            f"{kind} answers on 127.0.0.1:{port} of {platform.node()}, until its time is over or it is stopped.",
            f"From your machine: ssh -L {port}:127.0.0.1:{port} {platform.node()}, then http://127.0.0.1:{port}/",
            f"The key to sign in with is in {kept} there.",
            sep="\n",
            flush=True,
        )
        while not clock.is_over() and jupyter.poll() is None:
            record.metrics["uptime_seconds"] = time.monotonic() - began
            record.goes_on()
            time.sleep(0.2)
    finally:
        jupyter.terminate()
        try:
            jupyter.wait(10)
        except subprocess.TimeoutExpired:
            jupyter.kill()
        kept.unlink(missing_ok=True)
    for path in sorted(work.glob("*.ipynb"))[:50]:
        record.output(path, "notebook")
    record.metrics["uptime_seconds"] = time.monotonic() - began
    record.summary = f"{kind} ran for {time.monotonic() - began:.0f} s; {len(record.outputs)} notebooks were kept."
    record.ends()
    print(record.summary, flush=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(jupyter: subprocess.Popen[bytes], port: int, clock: Clock) -> None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and not clock.is_over():
        if jupyter.poll() is not None:
            raise Trouble(f"Jupyter ended at once with status {jupyter.returncode}; what it said stands above.")
        try:
            with opener.open(f"http://127.0.0.1:{port}/api", timeout=2):
                return
        except OSError:
            time.sleep(0.3)
    raise Trouble(f"Jupyter did not answer on port {port} within {PATIENCE:.0f} seconds.")


if __name__ == "__main__":
    run(main)
