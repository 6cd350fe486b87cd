"""How many GPU-hours a language model takes, for who doesn't know: an estimate, and what it follows from."""

from __future__ import annotations

from dataclasses import dataclass

from fabriek.register.models import Partition
from fabriek.register.rules import RUNNING, TRAINING, gpu_hours_for_running, gpu_hours_for_training

# What well-made code reaches of the peak, in percent: training keeps the arithmetic busy, writing tokens waits for
# memory.
EFFICIENCY = {"train": 35, "tune": 35, "run": 10}
AT_ONCE = 16
"""GPUs, for an idea of how long it takes."""


@dataclass(frozen=True)
class Estimate:
    """GPU-hours for a model and its tokens, and what they follow from.

    operations: floating-point ones for each parameter and token. efficiency: the part of the peak, in percent. days: on
    `AT_ONCE` GPUs.
    """

    gpu_hours: int
    partition: Partition
    operations: int
    petaflops: float
    efficiency: int
    days: float


def estimate(
    purpose: str, parameters: float, tokens: float, partition: Partition, efficiency: int | None = None
) -> Estimate:
    """For a purpose out of `EFFICIENCY`, billions of parameters and of tokens, on a partition whose peak is known.

    Errors: ValueError where a number is not positive, KeyError for a purpose that can't be estimated.
    """
    percent = efficiency or EFFICIENCY[purpose]
    of = gpu_hours_for_running if purpose == "run" else gpu_hours_for_training
    peak = partition.accelerator_petaflops or 0.0
    hours = of(parameters * 1e9, tokens * 1e9, petaflops=peak, efficiency=percent / 100)
    return Estimate(
        gpu_hours=max(1, round(hours)),
        partition=partition,
        operations=RUNNING if purpose == "run" else TRAINING,
        petaflops=peak,
        efficiency=percent,
        days=hours / AT_ONCE / 24,
    )
