"""What a job asked against what it used, and what to ask next time. Pure.

The measures are those of `seff`, which comes with Slurm (contribs/seff): CPU efficiency is the processor time over the
run's length times its cores, memory efficiency the peak over what was asked. Where to advise, and what: as Princeton's
`jobstats` and `job_defense_shield` do (a fifth above the peak of memory; 80 % of it used is good; GPUs below half used
are looked into), and what Slurm's backfill rewards: jobs with short time limits fit gaps
(https://slurm.schedmd.com/sched_config.html).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from fabriek.compute.wire import ResourcesUsed

CORES, MEMORY, ACCELERATORS, TIME = "cores", "memory", "accelerators", "time"

SHORTEST_JUDGED = 60
"""Seconds; starting up and ending are too much of a shorter run to say anything of the rest."""
LOW = 0.5
HARDLY = 0.15
NEARLY_ALL = 0.95
HEADROOM = 1.2
GIB = 1024**3


@dataclass(frozen=True)
class Asked:
    """What one run of the script asked. runs: how many ended, an array's tasks. parts: tasks in one run (--ntasks):
    of several the scheduler tells the largest one's memory only."""

    cores: int
    accelerators: int
    seconds: int
    runs: int = 1
    parts: int = 1


@dataclass(frozen=True)
class Measure:
    """One thing that was asked: cores and accelerators in means over the run, memory in bytes, time in seconds."""

    what: str
    asked: float
    used: float

    @property
    def ratio(self) -> float:
        return self.used / self.asked


@dataclass(frozen=True)
class Advice:
    """What to ask next time, in a sentence. `change`: as a line of the script, where one can say it."""

    what: str
    sentence: str
    change: str = ""


@dataclass(frozen=True)
class Efficiency:
    """What was measured, and what to make of it. too_short: it ran too briefly to be judged.
    completed: it ended by itself; where it didn't, no advice doesn't mean that it asked what it needs."""

    measures: tuple[Measure, ...]
    advice: tuple[Advice, ...]
    too_short: bool
    completed: bool


def efficiency_of(asked: Asked, used: ResourcesUsed, *, completed: bool) -> Efficiency:
    """completed: it ended by itself, so that its time says what it needs."""
    measures = tuple(_measures(asked, used))
    runs = max(asked.runs, 1)
    too_short = used.elapsed_seconds / runs < SHORTEST_JUDGED
    advice = [] if too_short else [found for measure in measures if (found := _advice(measure, asked, completed))]
    return Efficiency(measures, tuple(advice), too_short, completed)


def _measures(asked: Asked, used: ResourcesUsed) -> list[Measure]:
    found = []
    elapsed = used.elapsed_seconds
    if asked.accelerators and used.accelerator_percent is not None:
        busy = asked.accelerators * used.accelerator_percent / 100
        found.append(Measure(ACCELERATORS, asked.accelerators, busy))
    if asked.cores and used.cpu_seconds is not None and elapsed:
        found.append(Measure(CORES, asked.cores, used.cpu_seconds / elapsed))
    if used.memory_bytes_asked and used.memory_bytes_peak is not None and asked.parts <= 1:
        found.append(Measure(MEMORY, used.memory_bytes_asked, used.memory_bytes_peak))
    if asked.seconds:
        found.append(Measure(TIME, asked.seconds, elapsed / max(asked.runs, 1)))
    return found


def _advice(measure: Measure, asked: Asked, completed: bool) -> Advice | None:
    match measure.what:
        case "accelerators":
            return _on_accelerators(measure)
        case "cores":
            return _on_cores(measure, asked)
        case "memory":
            return _on_memory(measure)
        case _:
            return _on_time(measure) if completed else None


def _on_accelerators(measure: Measure) -> Advice | None:
    numbers = {"percent": f"{measure.ratio:.0%}"}
    if measure.ratio < HARDLY:
        said = _(
            "The GPUs did next to nothing (%(percent)s). Does the program see them? Without one it costs no GPU-hours."
        )
        return Advice(ACCELERATORS, said % numbers)
    if measure.ratio < LOW:
        said = _(
            "The GPUs were busy for %(percent)s of the time. Larger batches, or more cores to feed them, make the same "
            "work cost fewer GPU-hours."
        )
        return Advice(ACCELERATORS, said % numbers)
    return None


def _on_cores(measure: Measure, asked: Asked) -> Advice | None:
    # Each GPU keeps a core that feeds it.
    enough = max(math.ceil(measure.used * HEADROOM), asked.accelerators, asked.parts, 1)
    if measure.ratio >= LOW or enough >= measure.asked:
        return None
    said = ngettext(
        "You asked %(asked)s cores and used %(used)s on average: ask %(enough)s and wait less.",
        "You asked %(asked)s cores and used %(used)s on average: ask %(enough)s and wait less.",
        enough,
    )
    change = f"--cpus-per-task={enough}" if asked.parts == 1 else f"--cpus-per-task={math.ceil(enough / asked.parts)}"
    return Advice(
        CORES, said % {"asked": int(measure.asked), "used": number_format(measure.used, 1), "enough": enough}, change
    )


def _on_memory(measure: Measure) -> Advice | None:
    enough = max(math.ceil(measure.used * HEADROOM / GIB), 1)
    numbers = {"asked": _gib(measure.asked), "used": _gib(measure.used), "enough": f"{enough} GiB"}
    if measure.ratio >= NEARLY_ALL:
        said = _("Its memory came to %(used)s of %(asked)s. Ask a little more: beyond what it asks, it is stopped.")
        return Advice(MEMORY, said % numbers, f"--mem={max(enough, math.ceil(measure.asked * 1.1 / GIB))}G")
    if measure.ratio < LOW and measure.asked - enough * GIB >= GIB:
        said = _("You asked %(asked)s of memory and used %(used)s at most: %(enough)s is enough.")
        return Advice(MEMORY, said % numbers, f"--mem={enough}G")
    return None


def _on_time(measure: Measure) -> Advice | None:
    enough = math.ceil(measure.used * 1.25 / 300) * 5
    if measure.ratio >= LOW or measure.asked - enough * 60 < 600:
        return None
    said = _(
        "It took %(used)s of the %(asked)s that you asked. Ask %(enough)s: a shorter job fits a gap in the queue, and "
        "waits less."
    )
    numbers = {"used": _lasting(measure.used), "asked": _lasting(measure.asked), "enough": _lasting(enough * 60)}
    return Advice(TIME, said % numbers, f"--time={enough // 60:02d}:{enough % 60:02d}:00")


def _gib(amount: float) -> str:
    """4 GiB, 1.3 GiB, 320 MiB."""
    if amount < GIB:
        return f"{math.ceil(amount / 1024**2)} MiB"
    whole = round(amount / GIB, 1)
    return number_format(whole, 0 if whole.is_integer() else 1) + " GiB"


def _lasting(seconds: float) -> str:
    """2 h 30 min, 45 min."""
    hours, minutes = divmod(math.ceil(seconds / 60), 60)
    parts = [_("%(n)s h") % {"n": hours}] if hours else []
    if minutes or not hours:
        parts.append(_("%(n)s min") % {"n": minutes})
    return " ".join(parts)
