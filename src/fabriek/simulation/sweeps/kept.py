"""What is kept of a sweep in its folder: a file for each point that ended, whole or not there at all."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from fabriek.simulation.tables import Row


class Kept:
    """`FOLDER/points/KEY.json`, the rows of one point. Several processes, on several machines, may write at once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._points = folder / "points"

    def make(self) -> None:
        """Make the folder. Errors: OSError."""
        self._points.mkdir(parents=True, exist_ok=True)

    def keep(self, key: str, rows: list[Row]) -> None:
        """All of it or nothing, also when the power fails: written beside, and then named."""
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", dir=self._points, prefix=f"{key}.", suffix=".partial", delete=False
        ) as file:
            json.dump(rows, file)
            file.flush()
            os.fsync(file.fileno())
        Path(file.name).replace(self._points / f"{key}.json")

    def keys(self) -> set[str]:
        """Of the points that ended."""
        with os.scandir(self._points) as found:
            return {one.name.removesuffix(".json") for one in found if one.name.endswith(".json")}

    def rows(self, key: str) -> list[Row]:
        """Of a point that ended."""
        found: list[Row] = json.loads((self._points / f"{key}.json").read_text(encoding="utf-8"))
        return found

    def tidy(self) -> None:
        """Take away what was left by processes that were killed in the middle of a file; only when none is at work."""
        for partial in self._points.glob("*.partial"):
            partial.unlink(missing_ok=True)

    def done_of(self, keys: Iterable[str]) -> int:
        """How many of these points ended."""
        return len(self.keys().intersection(keys))
