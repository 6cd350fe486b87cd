"""What a job made, written down: `fabriek-result.json`, the format `fabriek/result/1` (docs/reference/recipes.md).

Written whole or not at all, and again while the job goes on, so that the platform shows how far it is.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import platform
import time
from pathlib import Path
from typing import Any

FORMAT = "fabriek/result/1"
MOST_POINTS = 500
# Not more often than the site's agent looks.
EVERY = 2.0


def sha256_of(path: Path) -> str:
    """The digest of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class Record:
    """What becomes the job's result."""

    def __init__(self, kind: str, name: str, code: dict[str, str]) -> None:
        """kind: model, evaluation, service, notebook, dataset or other. code: what ran, {"version": ..., ...}."""
        self._path = Path(os.environ.get("FABRIEK_RESULT_FILE") or "fabriek-result.json")
        self._written = 0.0
        self.summary = ""
        self.metrics: dict[str, float] = {}
        self.datasets: list[dict[str, Any]] = []
        self.inputs: list[dict[str, Any]] = []
        self.outputs: list[dict[str, Any]] = []
        self.environment = {"python": platform.python_version(), "machine": platform.machine()}
        self._head = {"format": FORMAT, "kind": kind, "name": name, "code": code}
        self._series: dict[str, dict[str, Any]] = {}

    def point(self, series: str, x: float, y: float, *, of: str = "step") -> None:
        """Add a point to a series of figures. Of a long series every second point goes, again and again."""
        line = self._series.setdefault(series, {"name": series, "x": of, "points": [], "every": 1, "seen": 0})
        line["seen"] += 1
        if (line["seen"] - 1) % line["every"] == 0:
            line["points"].append([x, y if math.isfinite(y) else None])
        if len(line["points"]) > MOST_POINTS:
            line["points"] = line["points"][::2]
            line["every"] *= 2

    def output(self, path: Path, kind: str, about: str = "") -> None:
        """A file that was made: where it lies, how large it is and its digest."""
        made = {
            "path": str(path.absolute()),
            "kind": kind,
            "bytes": path.stat().st_size,
            "sha256": sha256_of(path),
            "about": about,
        }
        self.outputs = [one for one in self.outputs if one["path"] != made["path"]] + [made]

    def goes_on(self) -> None:
        """Write down how far it is, now and then."""
        if time.monotonic() - self._written >= EVERY:
            self._write(complete=False)

    def ends(self) -> None:
        """Write down what there is in the end."""
        self._write(complete=True)

    def _write(self, *, complete: bool) -> None:
        series = [{key: line[key] for key in ("name", "x", "points")} for line in self._series.values()]
        told = {
            **self._head,
            "complete": complete,
            "summary": self.summary,
            "datasets": self.datasets,
            "inputs": self.inputs,
            "outputs": self.outputs,
            "metrics": {name: value for name, value in self.metrics.items() if math.isfinite(value)},
            "series": series,
            "environment": self.environment,
        }
        partial = self._path.with_suffix(".partial")
        partial.write_text(json.dumps(told, allow_nan=False), encoding="utf-8")
        partial.replace(self._path)
        self._written = time.monotonic()
