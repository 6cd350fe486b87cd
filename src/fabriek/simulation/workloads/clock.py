"""When jobs come, by the clock on the wall where their users are."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from fabriek.simulation.workloads.trace import Trace

HOUR, DAY, WEEK = 3_600, 86_400, 604_800
HOURS_OF_WEEK = 168
# 1970-01-01 was a Thursday: UNIX time begins three days after a Monday.
_EPOCH_IN_WEEK = 3 * DAY


def wall_seconds(trace: Trace) -> NDArray[np.int64]:
    """When each job was submitted, in seconds on a clock on the wall that began on a Monday at midnight.

    Summer time is followed where the trace names its zone; a zone that isn't known is UTC. A trace that doesn't say
    when it began is taken to begin on such a Monday.
    """
    submit = trace.jobs.submit
    if trace.start is None:
        return submit
    moment = submit + trace.start
    hours, place = np.unique(moment // HOUR, return_inverse=True)
    offsets = np.fromiter((_offset(trace.zone, int(hour) * HOUR) for hour in hours), np.int64, len(hours))
    return moment + offsets[place] + _EPOCH_IN_WEEK


def hourly_profile(trace: Trace) -> NDArray[np.float64]:
    """Jobs submitted an hour, for each of the 168 hours of a week from Monday at midnight.

    Each hour's count is divided by how often the time from the first job to the last has seen it. nan: never.
    """
    wall = wall_seconds(trace)
    if not len(wall):
        return np.full(HOURS_OF_WEEK, np.nan)
    hours = wall // HOUR
    first, last = int(hours.min()), int(hours.max())
    seen = np.bincount(np.arange(first, last + 1) % HOURS_OF_WEEK, minlength=HOURS_OF_WEEK)
    counts = np.bincount(hours % HOURS_OF_WEEK, minlength=HOURS_OF_WEEK)
    return np.divide(counts, seen, out=np.full(HOURS_OF_WEEK, np.nan), where=seen > 0)


def _offset(zone: str, moment: int) -> int:
    """Seconds that the wall is ahead of UTC at this UNIX second."""
    try:
        offset = datetime.fromtimestamp(moment, UTC).astimezone(ZoneInfo(zone)).utcoffset() if zone else None
    except (KeyError, ValueError, OverflowError, OSError):
        return 0
    return int(offset.total_seconds()) if offset else 0
