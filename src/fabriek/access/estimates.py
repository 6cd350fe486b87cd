"""How many GPU-hours a language model takes, for who doesn't know: an estimate, and what it follows from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.translation import gettext as _

from fabriek.conf.errors import Invalid
from fabriek.register.models import Partition
from fabriek.register.queries import accelerators, middling
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


@dataclass(frozen=True)
class Asked:
    """What an estimate is asked of: billions of parameters and of tokens, a partition by its code (None: a middling
    one), the percent of its peak that is reached (None: by the purpose)."""

    purpose: str
    parameters: float | None
    tokens: float | None
    accelerator: str | None = None
    efficiency: int | None = None


def estimate_of(asked: Asked, among: Mapping[str, Partition] | None = None) -> Estimate:
    """The estimate that is asked. among: the accelerators by their code, where they are known already.

    Errors: Invalid with all that it lacks, by `Asked`'s names.
    """
    faults: dict[str, list[str]] = {}
    if asked.purpose not in EFFICIENCY:
        faults["purpose"] = [_("This can be estimated for language models only. Give GPU-hours, or say so.")]
    if not asked.parameters or asked.parameters <= 0:
        faults["parameters"] = [_("Give the size of your model in billions of parameters.")]
    if not asked.tokens or asked.tokens <= 0:
        faults["tokens"] = [_("Give the size of your data in billions of tokens.")]
    known = {partition.code: partition for partition in accelerators()} if among is None else among
    partition = known.get(asked.accelerator) if asked.accelerator else middling(known.values())
    if partition is None or partition.accelerator_petaflops is None:
        faults["accelerator"] = [_("The peak of this one is not known. Choose another, or give GPU-hours.")]
    if faults or partition is None or asked.parameters is None or asked.tokens is None:
        raise Invalid(_("This can't be estimated yet."), faults=faults)
    return estimate(asked.purpose, asked.parameters, asked.tokens, partition, asked.efficiency)


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
