"""A trace as it was read: jobs, what was repaired in it, and what its file says of the machine and the clock."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fabriek.simulation.jobs import Jobs, Repairs, jobs_of

MOST_SECONDS = 10**12
"""A time beyond this (31,700 years) is a fault of the file. Slurm's own 'no limit' in minutes is below it."""

MOST_PROCESSORS = 10**10
"""Beyond any machine, and small enough that processor-seconds of what runs stay exact."""

MOST_NUMBER = 2**53
"""Job numbers are read as doubles, which are exact up to here."""

UNSORTED = "jobs that stood after a later one: sorted by submit time"
RENUMBERED = "job numbers that came twice: all jobs numbered anew, in the order of the file"
NO_ESTIMATE = "no time asked for: the run time taken for it"
ROUNDED = "times or counts with a fraction: rounded to whole ones"
NEVER_RAN = "it never ran"
NO_SUBMIT = "it has no submit time"
NO_PROCESSORS = "it has no number of processors"


class WorkloadBroken(ValueError):
    """A file that can't be read as a workload: what is wrong, on which line (from 1; None: the file as a whole), and
    what to do about it."""

    def __init__(self, what: str, line: int | None = None) -> None:
        self.what = what
        self.line = line
        super().__init__(what if line is None else f"line {line:,}: {what}")


@dataclass(frozen=True, slots=True)
class Trace:
    """Jobs and what is known beside them.

    waits: as recorded, in seconds, -1 where the file doesn't say; None: it never does. start: UNIX seconds of the
    trace's second 0; zone: the IANA name of where its users are, so that their working hours can be seen. processors,
    nodes: the machine's, as the file says. header: the file's other comments, in its order.
    """

    jobs: Jobs
    repairs: Repairs = field(default_factory=Repairs)
    format: str = ""
    waits: NDArray[np.int64] | None = None
    start: int | None = None
    zone: str = ""
    processors: int | None = None
    nodes: int | None = None
    header: tuple[str, ...] = ()


def content_of(path: Path | str) -> bytes:
    """What is in a file, unpacked where it is gzip, whatever its name.

    Errors: OSError where it can't be read; WorkloadBroken where it is empty or its gzip is cut or damaged.
    """
    raw = Path(path).read_bytes()
    if raw.startswith(b"\x1f\x8b"):
        try:
            raw = gzip.decompress(raw)
        except EOFError:
            raise WorkloadBroken("the gzip file ends before its end: it was cut. Fetch or pack it again.") from None
        except (OSError, zlib.error) as error:
            raise WorkloadBroken(f"the gzip file is damaged ({error}). Fetch or pack it again.") from None
    if not raw.strip():
        raise WorkloadBroken("the file is empty. A trace has at least one job.")
    return raw.removeprefix(b"\xef\xbb\xbf")


def text_of(content: bytes) -> str:
    """UTF-8, or Latin-1 where it isn't: some logs of the archive are older than UTF-8."""
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def queued(columns: Mapping[str, Any], keep: NDArray[np.bool_], repairs: Repairs) -> tuple[Jobs, NDArray[np.int64]]:
    """The kept jobs in the order of the queue, and the place of each in the file's columns.

    columns: the arguments of `jobs_of`, arrays in the order of the file. What isn't sorted or numbered twice is
    repaired and counted.
    """
    places = np.flatnonzero(keep)
    submit = columns["submit"][places]
    repairs.repair(UNSORTED, int((submit < np.maximum.accumulate(submit)).sum()) if len(submit) else 0)
    number = columns["number"][places]
    twice = len(number) - len(np.unique(number))
    if twice:
        repairs.repair(RENUMBERED, twice)
        number = np.arange(1, len(places) + 1)
    order = np.argsort(submit, kind="stable")
    places = places[order]
    taken: dict[str, Any] = {
        name: value[places] if isinstance(value, np.ndarray) else value for name, value in columns.items()
    }
    return jobs_of(**(taken | {"number": number[order]})), places


def skip_where(
    repairs: Repairs, keep: NDArray[np.bool_], numbers: NDArray[np.int64], why: NDArray[np.bool_], reason: str
) -> None:
    """Leave out the jobs `why` that are still kept, each named with this reason."""
    chosen = keep & why
    for number in numbers[chosen].tolist():
        repairs.skip(number, reason)
    keep[chosen] = False


def names_of(texts: list[str]) -> tuple[NDArray[np.int32], tuple[str, ...]]:
    """Places and the names that they are places in, in the order of the alphabet."""
    names = sorted(set(texts)) or [""]
    place = {name: index for index, name in enumerate(names)}
    return np.fromiter((place[text] for text in texts), np.int32, len(texts)), tuple(names)
