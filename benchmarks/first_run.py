"""How long does a newcomer wait: `make run SERVE=0` in a new folder, and again in the same one?

What is installed is installed before (`make .venv/runtime`, its time apart); then both runs are timed and printed
beside their limits, with the processor time that they took, which other work on the machine doesn't lengthen. Ends
with 1 where a run fails, or where the second one changed a figure of the first.

    python benchmarks/first_run.py [--installed] [--keep]

--installed: take `.venv` as it is. --keep: leave the folder.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parents[1]
LIMITS = {"new folder": 90.0, "again": 5.0}
"""Seconds, after the packages are installed."""


def spent() -> float:
    """Processor seconds of the programs that have ended so far."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def timed(command: list[str], folder: Path) -> tuple[float, float]:
    """Seconds on the clock and of the processor. Errors: SystemExit with what it printed, where it fails."""
    start, before = time.monotonic(), spent()
    done = subprocess.run(
        command,
        cwd=HERE,
        env={**os.environ, "FABRIEK_FOLDER": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}")
    return time.monotonic() - start, spent() - before


def figures(folder: Path) -> str:
    """What the platform tells of its promises, and that its ledger balances."""
    fabriek = str(HERE / ".venv/bin/fabriek")
    environment = {**os.environ, "FABRIEK_FOLDER": str(folder)}
    told = ""
    for words in (["ledger", "check"], ["promises", "--json"]):
        told += subprocess.run(
            [fabriek, *words], cwd=HERE, env=environment, check=True, capture_output=True, text=True
        ).stdout
    return told


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--installed", action="store_true")
    options.add_argument("--keep", action="store_true")
    asked = options.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="fabriek-first-run-"))
    # -o: that target is taken as made, whatever is newer.
    run = ["make", "run", "SERVE=0", *(["-o", ".venv/runtime"] if asked.installed else [])]
    if not asked.installed:
        wall, _processor = timed(["make", ".venv/runtime"], folder)
        print(f"installed in {wall:.1f} s")
    found, told = {}, {}
    try:
        for name in LIMITS:
            found[name] = timed(run, folder)
            told[name] = figures(folder)
    finally:
        if asked.keep:
            print(f"folder: {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    load = os.getloadavg()[0]
    print(f"{'run':<12}{'seconds':>9}{'limit':>8}{'processor':>11}")
    for name, (wall, processor) in found.items():
        word = "" if wall < LIMITS[name] else "  over the limit"
        print(f"{name:<12}{wall:>9.1f}{LIMITS[name]:>8.0f}{processor:>11.1f}{word}")
    same = told["new folder"] == told["again"]
    kept = "kept every figure" if same else "CHANGED figures"
    print(f"load {load:.1f} on {os.cpu_count()} cores; the second run {kept}")
    return 0 if same else 1


if __name__ == "__main__":
    raise SystemExit(main())
