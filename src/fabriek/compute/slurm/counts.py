"""Slurm's own count of what was used, against the ledger's: what a limit holds back is what is left of this count.

slurmctld counts for each QOS, in whole minutes, and GrpTRESMins less its count is what may still be used. It keeps the
count in a file of its own, minutes late: killed, it has lost some; `sacctmgr modify qos ... set RawUsage=0` sets it to
0; a UsageFactor other than 1 counts too little or too much; and what ran outside the award's QOS is booked and not
counted. So what was booked is told with each award, and compared.

**Less** was counted than booked: as much is taken off the limit, so that what is left in Slurm is what is left in the
ledger. That holds in any order and repetition, because it is found anew from the two figures: `short` is no state. Jobs
under way don't disturb it: Slurm counts them as they run, and they are booked when they are over, so that its count is
never honestly behind what was booked before it was read. Only a minute is let go, to which it is rounded down.

**More** was counted than booked: that is so of every job that runs and of any that isn't booked yet, so it's only told,
once no job of the award runs and both figures have stood still for an hour.

Sources: https://slurm.schedmd.com/resource_limits.html, /sacctmgr.html (RawUsage, UsageFactor), /scontrol.html (show
assoc_mgr).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from fabriek.compute.engine import EngineError
from fabriek.compute.slurm.accounts import STEP_SECONDS, Key, Tree, qos_name, wanted_limits
from fabriek.compute.slurm.commands import Commands
from fabriek.compute.slurm.formats import Count, counts_shown
from fabriek.compute.slurm.settings import SlurmSettings
from fabriek.compute.wire import UNLIMITED, AccountState

# Minutes of GPUs or cores from which on the two differ.
TOLERANCE = 2
# Seconds from one reading to the next: at least, and for each award. What is printed of 10,000 QOS is 20 MB.
READ_EVERY, READ_EVERY_OF_EACH = 60.0, 0.06
# For so long must a count that is too high have stood, and is one that was too low told after it was mended.
STOOD, TOLD_FOR = 3_600.0, 86_400.0
_NAMED = 5


@dataclass(frozen=True)
class Gap:
    """What was booked less what Slurm counted, in whole minutes; 0 where they agree or nothing is limited. At most the
    limit, of which no more can be taken. idle: no job of the award ran when it was read."""

    accelerator_minutes: int = 0
    core_minutes: int = 0
    idle: bool = field(default=True, compare=False)


NO_GAP = Gap()
Short = Mapping[Key, Gap]
"""By how much limits are lowered, by account and partition."""


def compare(
    desired: Collection[AccountState], counted: Mapping[str, Count], settings: SlurmSettings, *, has_gpus: bool
) -> dict[Key, Gap]:
    """The awards of which booked and counted differ. desired: with what was booked before it was counted; counted: by
    the QOS' names. What the platform doesn't tell, or Slurm doesn't know, is not compared. Pure."""
    found = {}
    for state in desired:
        count = counted.get(qos_name(settings, state.account, state.partition))
        if count is None:
            continue
        limits = wanted_limits(state, has_gpus)
        gap = Gap(
            _gap(limits.accelerator_minutes, state.booked_accelerator_seconds, count.accelerator_minutes),
            _gap(limits.core_minutes, state.booked_core_seconds, count.core_minutes),
            count.running == 0,
        )
        if (gap.accelerator_minutes, gap.core_minutes) != (0, 0):
            found[state.account, state.partition] = gap
    return found


def _gap(limit: int | None, booked: int | None, counted: int | None) -> int:
    if limit is None or booked is None or counted is None:
        return 0
    gap = booked // STEP_SECONDS - counted
    return min(gap, limit) if abs(gap) >= TOLERANCE else 0


def short_of(gaps: Mapping[Key, Gap]) -> dict[Key, Gap]:
    """What of it is taken off limits: what Slurm lacks. Pure."""
    lacking = {
        key: Gap(max(gap.accelerator_minutes, 0), max(gap.core_minutes, 0), gap.idle) for key, gap in gaps.items()
    }
    return {key: gap for key, gap in lacking.items() if (gap.accelerator_minutes, gap.core_minutes) != (0, 0)}


def as_limited(state: AccountState, short: Short) -> AccountState:
    """An award as it stands in Slurm: its limits less what Slurm lacks; and without what was booked of it."""
    return _moved(state, short, -1).model_copy(update={"booked_accelerator_seconds": None, "booked_core_seconds": None})


def as_awarded(state: AccountState, short: Short) -> AccountState:
    """What stands in Slurm as an award: how much it lets be used in all, with what Slurm has forgotten."""
    return _moved(state, short, 1)


def _moved(state: AccountState, short: Short, sign: int) -> AccountState:
    gap = short.get((state.account, state.partition))
    if gap is None:
        return state

    def moved(seconds: int, minutes: int) -> int:
        return seconds if seconds >= UNLIMITED else min(seconds + sign * minutes * STEP_SECONDS, UNLIMITED)

    return state.model_copy(
        update={
            "accelerator_seconds_limit": moved(state.accelerator_seconds_limit, gap.accelerator_minutes),
            "core_seconds_limit": moved(state.core_seconds_limit, gap.core_minutes),
        }
    )


class Counts:
    """Reads what slurmctld counted, about once a minute. clock: seconds, as `time.monotonic`."""

    def __init__(
        self, commands: Commands, settings: SlurmSettings, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._commands, self._settings, self._clock = commands, settings, clock
        self._desired: list[AccountState] = []
        self._read_at = 0.0
        self._gaps: dict[Key, tuple[Gap, float]] = {}
        self._unread = ""

    def note_booked(self, desired: Sequence[AccountState]) -> None:
        """What was booked of each award by now: `booked_*` of what is desired."""
        self._desired = [state for state in desired if state.booked_accelerator_seconds is not None]

    def short(self, *, has_gpus: bool) -> dict[Key, Gap]:
        """See `short_of`; it is read where that is due. Where it can't be, it is as it was."""
        if self._desired and self._clock() >= self._read_at:
            self._read(has_gpus)
        return short_of({key: gap for key, (gap, _since) in self._gaps.items()})

    def _read(self, has_gpus: bool) -> None:
        now = self._clock()
        self._read_at = now + max(READ_EVERY, READ_EVERY_OF_EACH * len(self._desired))
        try:
            counted = counts_shown(self._commands.run(["scontrol", "--oneliner", "show", "assoc_mgr", "flags=qos"]))
        except EngineError as error:
            self._unread = f"What Slurm counts as used can't be compared with what is booked: {error}"
            return
        self._unread = ""
        before = self._gaps
        gaps = compare(self._desired, counted, self._settings, has_gpus=has_gpus)
        self._gaps = {
            key: (gap, before[key][1] if key in before and before[key][0] == gap else now) for key, gap in gaps.items()
        }

    def notes(self, tree: Tree) -> Iterator[str]:
        """What the operator should know of it, each a sentence with what to do."""
        if self._unread:
            yield self._unread
        yield from self._weighed(tree)
        now = self._clock()
        lost, over = [], []
        for (account, partition), (gap, since) in sorted(self._gaps.items()):
            for minutes, unit in ((gap.accelerator_minutes, "GPU-minutes"), (gap.core_minutes, "core-minutes")):
                said = f"{abs(minutes)} {unit} of {account} on {partition}"
                if minutes > 0 and now < since + TOLD_FOR:
                    lost.append(said)
                elif minutes < 0 and gap.idle and now >= since + STOOD:
                    over.append(f"{said} (QOS {qos_name(self._settings, account, partition)})")
        if lost:
            yield (
                f"Slurm has not counted what is booked: {_some(lost)}. Its count was lost (slurmctld killed), set back "
                "by hand, or something ran outside the award's QOS. The limits in Slurm are kept lower by as much, so "
                "that what is left is what the ledger says: there is nothing to do but to find out why"
            )
        if over:
            yield (
                f"Slurm has counted what isn't booked: {_some(over)}. These awards end so much early. Time for which "
                "jobs were suspended is counted and never booked. While none of its jobs runs, say sacctmgr modify qos "
                "NAME set RawUsage=0: what is booked is taken off its limit instead"
            )

    def _weighed(self, tree: Tree) -> Iterator[str]:
        """Awards of which not all, or more than all, counts."""
        factors = {name: limits.usage_factor for name, limits in tree.limits.items() if limits.usage_factor != 1}
        # Names of ten thousand awards aren't made in each round for nothing.
        for state in self._desired if factors else ():
            name = qos_name(self._settings, state.account, state.partition)
            if name in factors:
                yield (
                    f"Slurm counts {factors[name]:g} of what {state.account} uses on {state.partition} "
                    f"(UsageFactor of its QOS), so that more or less than was awarded may be used. Say sacctmgr modify "
                    f"qos {name} set UsageFactor=1, or have what was changed by hand corrected on the cluster's page"
                )


def _some(what: Sequence[str]) -> str:
    return ", ".join(what[:_NAMED]) + (f" and {len(what) - _NAMED} more" if len(what) > _NAMED else "")
