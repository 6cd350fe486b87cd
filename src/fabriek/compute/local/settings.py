"""What an embedded engine offers: `engine.json` in its folder."""

from __future__ import annotations

import json
import math
from pathlib import Path

from pydantic import BaseModel, Field, ValidationError

from fabriek.compute.environment import Environment

KEEP_DAYS = 30


class LocalPartition(BaseModel):
    """Declared slots: what the queue hands out. `environment`: what its jobs see beside what all jobs see."""

    nodes: int = Field(ge=1)
    accelerators_per_node: int = Field(ge=0)
    cores_per_node: int = Field(ge=1)
    environment: Environment = {}


def read_settings(folder: Path) -> tuple[dict[str, LocalPartition], float]:
    """Partitions and keep_days of `folder/engine.json`: {"partitions": {"gpu": {"nodes": 4, ...}}, "keep_days": 30}.

    `environment`, of the whole engine or of a partition, is what jobs see: {"FABRIEK_TORCH_PYTHON": "/opt/..."}.
    Errors: ValueError with what to write.
    """
    path = folder / "engine.json"
    try:
        described = json.loads(path.read_text(encoding="utf-8"))
        for_all = described.get("environment", {})
        partitions = {
            name: LocalPartition.model_validate({**one, "environment": {**for_all, **one.get("environment", {})}})
            for name, one in described["partitions"].items()
        }
        keep_days = float(described.get("keep_days", KEEP_DAYS))
        if not 0 < keep_days < math.inf:
            raise ValueError("keep_days is a number of days above 0")
    except (OSError, ValueError, KeyError, TypeError, AttributeError, ValidationError) as error:
        raise ValueError(
            f"{path} does not describe an engine ({type(error).__name__}: {error}). Write, for example: "
            '{"partitions": {"gpu": {"nodes": 4, "accelerators_per_node": 4, "cores_per_node": 64}}, '
            '"keep_days": 30}'
        ) from error
    return partitions, keep_days
