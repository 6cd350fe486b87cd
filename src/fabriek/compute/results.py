"""What a job made, as it says itself: the file `fabriek-result.json` in its folder, read with every caution.

The job may have made it a link to what only the agent can read, a pipe that never ends, or a gigabyte: only a regular
file of its own, of a bounded size, is taken. Its content is the platform's to judge (docs/reference/recipes.md).
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

FILE = "fabriek-result.json"
MOST_BYTES = 256 * 1024


@dataclass(frozen=True)
class Results:
    """The file's text, or why there is none; neither where there is no file."""

    text: str | None = None
    problem: str = ""


def read_results(path: Path, owner: int | None = None) -> Results:
    """Read a job's result file. owner: the user number that the job runs as; a file of anybody else is refused."""
    try:
        # No link is followed, and a pipe opens without waiting for who writes.
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return Results()
    except OSError as error:
        return Results(problem=f"{FILE} can't be opened: {error.strerror}; links are not followed")
    try:
        about = os.fstat(file)
        if not stat.S_ISREG(about.st_mode):
            return Results(problem=f"{FILE} is not a regular file")
        if owner is not None and about.st_uid != owner:
            return Results(problem=f"{FILE} belongs to another user than the job's")
        if about.st_size > MOST_BYTES:
            return Results(problem=f"{FILE} holds {about.st_size:,} bytes; at most {MOST_BYTES:,} are taken")
        content = _read(file)
    except OSError as error:
        return Results(problem=f"{FILE} can't be read: {error.strerror}")
    finally:
        os.close(file)
    return results_of(content)


def results_of(content: bytes) -> Results:
    """The same for content that came another way, over SSH for one."""
    if len(content) > MOST_BYTES:
        return Results(problem=f"{FILE} holds more than {MOST_BYTES:,} bytes")
    try:
        return Results(text=content.decode("utf-8"))
    except UnicodeDecodeError as error:
        return Results(problem=f"{FILE} is not UTF-8 (byte {error.start})")


def _read(file: int) -> bytes:
    """One byte more than is taken, so that a file that grew meanwhile is noticed."""
    parts, most = [], MOST_BYTES + 1
    while most > 0 and (part := os.read(file, most)):
        parts.append(part)
        most -= len(part)
    return b"".join(parts)
