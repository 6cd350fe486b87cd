"""What a run will take, before it is submitted: the time expected, and what the scheduler sets aside for it.

Arithmetic of training is 6 operations for each parameter and token, of reading 2 (Kaplan et al., Scaling Laws for
Neural Language Models, 2020, section 2.1). How fast a machine does them is a guess that errs on the slow side; a small
model keeps no GPU busy, hence the least time a step takes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fabriek.recipes.parameters import Asked
from fabriek.recipes.recipe import Recipe

# Starting Python, PyTorch and the device, reading the text, writing the checkpoint.
BEGIN_AND_END = 30.0
# Of one core, with PyTorch's float32 arithmetic on a small model: measured 25e9 on a loaded machine.
CORE_OPERATIONS = 10e9
# Of an accelerator whose peak the register doesn't know.
UNKNOWN_PEAK = 50e12
# What plain PyTorch reaches of the peak with a model of these sizes.
EFFICIENCY = 0.2
LEAST_STEP = {"accelerator": 0.02, "cores": 0.01}
MAKING_BYTES_PER_SECOND = 5e6
# layers, width, context, as in programs/model.py (a test compares)
SIZES = {"tiny": (2, 64, 64), "small": (6, 256, 256), "medium": (12, 512, 512), "large": (12, 768, 1024)}
BYTES_OF_A_STORY = 250


@dataclass(frozen=True)
class Estimate:
    """expected_seconds: of wall clock, None where it runs until its time is over. The rest as the scheduler counts."""

    expected_seconds: int | None
    limit_seconds: int
    accelerators: int
    cores: int

    @property
    def fits(self) -> bool:
        """Whether it is expected to end within its time limit."""
        return self.expected_seconds is None or self.expected_seconds <= self.limit_seconds

    @property
    def _seconds(self) -> int:
        seconds = self.limit_seconds if self.expected_seconds is None else self.expected_seconds
        return min(seconds, self.limit_seconds)

    @property
    def expected_accelerator_seconds(self) -> int:
        return self._seconds * self.accelerators

    @property
    def expected_core_seconds(self) -> int:
        return self._seconds * self.cores

    @property
    def most_accelerator_seconds(self) -> int:
        return self.limit_seconds * self.accelerators

    @property
    def most_core_seconds(self) -> int:
        return self.limit_seconds * self.cores

    @property
    def minutes_to_ask(self) -> int:
        """A time limit with a quarter to spare."""
        return -(-(self.expected_seconds or 0) * 5 // 4 // 60)


def parameters_of(size: str) -> int:
    """Parameters of a model of this size: tables of bytes and places, layers with their norms, the last norm."""
    layers, width, context = SIZES[size]
    return 256 * width + context * width + layers * (12 * width * width + 13 * width) + 2 * width


def estimate(
    recipe: Recipe,
    asked: Asked,
    *,
    petaflops: float | None = None,
    shape: Mapping[str, Any] | None = None,
) -> Estimate:
    """For a run on accelerators of this peak (16 bits, PFLOP/s). shape: {"parameters": ...} of the checkpoint that it
    starts from, where that is known; else a small one is assumed."""
    return Estimate(
        expected_seconds=_expected(recipe, asked, petaflops, shape or {}),
        limit_seconds=asked.seconds,
        accelerators=asked.nodes * asked.accelerators,
        cores=asked.nodes * asked.cores,
    )


def _expected(recipe: Recipe, asked: Asked, petaflops: float | None, shape: Mapping[str, Any]) -> int | None:
    if recipe.estimate == "time":
        return None
    size = asked.parameters.get("size") or _size_like(float(shape.get("parameters") or 0))
    parameters, context = float(shape.get("parameters") or parameters_of(size)), SIZES[size][2]
    on_accelerators = asked.accelerators > 0
    if on_accelerators:
        rate = (petaflops * 1e15 if petaflops else UNKNOWN_PEAK) * EFFICIENCY * asked.accelerators
    else:
        rate = CORE_OPERATIONS * asked.cores
    least = LEAST_STEP["accelerator" if on_accelerators else "cores"]
    making = asked.parameters.get("stories", 0) * BYTES_OF_A_STORY / MAKING_BYTES_PER_SECOND
    if recipe.estimate == "training":
        # `batch` is of each process: more processes do more, not faster.
        processes = max(asked.accelerators, 1)
        operations = 6 * parameters * asked.parameters["batch"] * context * processes
        work = asked.parameters["steps"] * max(operations / rate, least)
    else:
        operations = 2 * parameters * context
        work = asked.parameters["windows"] * max(operations / rate, least / 32)
    return round(BEGIN_AND_END + making + work)


def _size_like(parameters: float) -> str:
    """The size whose number of parameters is nearest."""
    return min(SIZES, key=lambda size: abs(parameters_of(size) - parameters))
