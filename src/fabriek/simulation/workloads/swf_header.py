"""What the comments of an SWF file say: the machine, the clock, and the names that its numbers stand for."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from fabriek.simulation.workloads.trace import MOST_PROCESSORS, MOST_SECONDS, text_of

EXTRA = "ExtraFields: gpus account class"
# A number's name where no comment gives one: user 3 is u3.
PREFIXES = {"User": "u", "Group": "g", "Account": "a", "Class": "c", "Partition": "p", "Queue": "q"}
# Comments and empty lines before the first job.
_FRONT = re.compile(rb"(?:[ \t\r]*(?:;[^\n]*)?\n)*(?:[ \t]*;[^\n]*\Z)?")
_NAMED = re.compile(r"\s*(-?\d{1,10})(?:\s+(.*))?")


@dataclass(slots=True)
class Header:
    """start, zone, processors, nodes: as of a Trace. names: kind -> number -> name. others: all other comments, each
    with its semicolon. extra: jobs have three numbers more."""

    start: int | None = None
    zone: str = ""
    processors: int | None = None
    nodes: int | None = None
    extra: bool = False
    names: dict[str, dict[int, str]] = field(default_factory=lambda: {kind: {} for kind in PREFIXES})
    others: tuple[str, ...] = ()

    def named(
        self, kind: str, numbers: NDArray[np.float64], keep: NDArray[np.bool_]
    ) -> tuple[NDArray[np.int32], tuple[str, ...]]:
        """Places in the names of this kind: of all that a comment names or a kept job has, in the order of their
        numbers. -1 is "" and so are other negative ones."""
        whole = np.maximum(np.rint(numbers), -1).astype(np.int64)
        known = self.names[kind]
        used = np.union1d(whole[keep], np.array(sorted(known), np.int64))
        if not len(used):
            return np.zeros(len(whole), np.int32), ("",)
        names = tuple(known.get(n, f"{PREFIXES[kind]}{n}" if n >= 0 else "") for n in used.tolist())
        places = np.clip(np.searchsorted(used, whole), 0, len(used) - 1).astype(np.int32)
        return places, names


def header_of(content: bytes) -> tuple[Header, bytes, int]:
    """The header, what follows the comments in front, and on how many lines those are."""
    header, front = Header(), _FRONT.match(content)
    end = front.end() if front else 0
    comments = [line for line in content[:end].split(b"\n") if line.strip()]
    body = content[end:]
    if b";" in body:
        comments += [line for line in body.split(b"\n") if line.lstrip().startswith(b";")]
    header.others = tuple(text for text in map(text_of, map(bytes.strip, comments)) if not _taken(header, text))
    return header, body, content.count(b"\n", 0, end)


def _taken(header: Header, comment: str) -> bool:
    """Whether the comment is one that the header has a place for. What it can't be read as stays a comment."""
    key, colon, value = comment.lstrip("; \t").partition(":")
    key, value = key.strip(), value.strip()
    if not colon:
        return False
    match key:
        case "MaxJobs" | "MaxRecords":
            # They count the lines of this file, and say nothing of the jobs.
            pass
        case "UnixStartTime" if (number := _whole(value, MOST_SECONDS)) is not None:
            header.start = number
        case "MaxProcs" if number := _whole(value, MOST_PROCESSORS):
            header.processors = number
        case "MaxNodes" if number := _whole(value, MOST_PROCESSORS):
            header.nodes = number
        case "TimeZoneString" if value:
            header.zone = value
        case "ExtraFields" if value == EXTRA.partition(": ")[2]:
            header.extra = True
        case _ if key in PREFIXES and (match := _NAMED.fullmatch(value)):
            name = _unquoted(match[2] or "")
            if name is None or not -1 <= int(match[1]) < 2**31:
                return False
            header.names[key][int(match[1])] = name
        case _:
            return False
    return True


def _whole(text: str, most: int) -> int | None:
    """The first whole number of a comment's value; files add words behind it ('1024 (8 cores each)')."""
    match = re.match(r"\d{1,15}\b", text)
    return int(match[0]) if match and int(match[0]) <= most else None


def quoted(name: str) -> str:
    """A name as a comment gives it: as it is where that can be read back, else as a string of JSON."""
    plain = name and name == " ".join(name.split()) and name.isprintable() and not name.startswith('"')
    return name if plain else json.dumps(name)


def _unquoted(text: str) -> str | None:
    """None: no name, as in archives' '; Queue: 1'."""
    if not text.startswith('"'):
        return text.strip() or None
    try:
        name = json.loads(text)
    except ValueError:
        return text.strip()
    return name if isinstance(name, str) else text.strip()
