"""What a program is told: the parameters of its run, as JSON in a file whose name is its only argument."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path
from types import FrameType
from typing import Any

LAST_WORDS = 0.1
"""The part of the time limit that is kept to write down what there is, at most `MOST_LAST_WORDS` seconds of it."""
MOST_LAST_WORDS = 120.0


class Trouble(Exception):
    """Something that the reader of the job's error output can mend; the sentence says what."""


def settings() -> dict[str, Any]:
    """The parameters of this run."""
    found: dict[str, Any] = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    return found


def folder() -> Path:
    """Where this job's files go: under FABRIEK_RESULTS, which the site sets, or in the job's own folder."""
    # Sites may share a file system, and each counts its jobs from 1.
    name = f"{os.environ.get('SLURM_CLUSTER_NAME', 'job')}-{os.environ.get('SLURM_JOB_ID', '0')}"
    made = Path(os.environ.get("FABRIEK_RESULTS") or ".").absolute() / name
    made.mkdir(parents=True, exist_ok=True)
    return made


class Clock:
    """How much of the job's time is left, and whether it was told to stop."""

    def __init__(self, seconds: float) -> None:
        """seconds: the time limit. A part of it is kept for the end."""
        began = float(os.environ.get("FABRIEK_STARTED") or time.time())
        self._until = began + seconds - min(seconds * LAST_WORDS, MOST_LAST_WORDS)
        self._told: list[int] = []
        signal.signal(signal.SIGTERM, self._take_note)

    def _take_note(self, number: int, _frame: FrameType | None) -> None:
        self._told.append(number)

    def is_over(self) -> bool:
        """Whether to come to an end now."""
        return bool(self._told) or time.time() >= self._until


def run(main: Any) -> None:
    """Run a program: what can be mended is told in a sentence, without a traceback, and the job has failed."""
    try:
        main()
    except Trouble as trouble:
        print(f"fabriek: {trouble}", file=sys.stderr, flush=True)
        sys.exit(1)
