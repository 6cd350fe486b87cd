"""The newest part of a growing file as text that can be put together again: of as many bytes as it had in the file.

So a place in the file is a place in the text (in UTF-8), and who has the text up to a place needs only what follows.
"""

from __future__ import annotations

import codecs
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TAIL = 256 * 1024
"""Bytes of a stream that are read at most: as many as the platform keeps, so that it lacks none of its last ones,
however fast it grows."""
TAIL_OF_TASKS = 64 * 1024
"""The same of all tasks of an array together, which come whole each time."""
_ONE_FOR_ONE = "fabriek.one_for_one"
codecs.register_error(_ONE_FOR_ONE, lambda fault: ("?" * (fault.end - fault.start), fault.end))  # type: ignore[attr-defined]


@dataclass(frozen=True)
class Part:
    """A part of a stream: the byte of the file at which it starts, and its text."""

    start: int
    text: str

    @property
    def end(self) -> int:
        """The byte after it."""
        return self.start + len(self.text.encode())

    def after(self, place: int) -> Part:
        """What follows a place: all of it, where the place lies before it or is none of its own."""
        if not self.start <= place <= self.end:
            return self
        rest = self.text.encode()[place - self.start :]
        return Part(place, rest.decode("utf-8", errors=_ONE_FOR_ONE))


def placed(name: str, part: Part | None) -> dict[str, Any]:
    """A part as a report carries it: its text under `name`, and at which byte it starts."""
    return {} if part is None else {name: part.text, f"{name}_from": part.start}


def start_in(length: int, since: int | None, most: int = TAIL) -> int:
    """From which byte on a file of this length is read: from where it was read up to, `since`, where that is one of its
    last `most` bytes. A file that is shorter than that by now is another one."""
    first = max(0, length - most)
    return since if since is not None and first <= since <= length else first


def readable(data: bytes, start: int, *, final: bool = False, goes_on: bool = False) -> Part:
    """Bytes of a file from `start` on as text. What is no UTF-8, and NUL, which no database holds, become `?`, one for
    one. A character that is cut at the beginning is left out, unless this `goes_on` where reading ended before; one at
    the end too: its rest is being written, unless this is the file's `final` end."""
    skipped = 0
    if start and not goes_on:
        while skipped < min(3, len(data)) and data[skipped] & 0b1100_0000 == 0b1000_0000:
            skipped += 1
    text = codecs.getincrementaldecoder("utf-8")(_ONE_FOR_ONE).decode(data[skipped:], final=final)
    return Part(start + skipped, text.replace("\x00", "?"))


def tail_of(path: Path, *, final: bool = False, most: int = TAIL, since: int | None = None) -> Part | None:
    """The last part of a file, or what follows the byte `since`; None where there is none, or it isn't a file."""
    if not path.is_file():
        return None
    try:
        with path.open("rb") as file:
            length = file.seek(0, os.SEEK_END)
            start = start_in(length, since, most)
            file.seek(start)
            # No more than was there when it was measured: what is written meanwhile comes next time.
            return readable(file.read(length - start), start, final=final, goes_on=start == since)
    except FileNotFoundError:
        return None
