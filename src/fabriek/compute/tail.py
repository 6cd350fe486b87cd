"""The last part of a growing file as text that can be put together again: of as many bytes as it had in the file.

So a place in the file is a place in the text (in UTF-8), and who has the text up to a place needs only what follows.
"""

from __future__ import annotations

import codecs
import os
from dataclasses import dataclass
from pathlib import Path

TAIL = 64 * 1024
"""Bytes of a stream that are looked at, at most."""
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


def readable(data: bytes, start: int, *, final: bool = False) -> Part:
    """Bytes of a file from `start` on as text. What is no UTF-8, and NUL, which no database holds, become `?`, one for
    one. A character that is cut at the beginning is left out, one at the end too: its rest is being written, unless
    this is the file's `final` end."""
    skipped = 0
    if start:
        while skipped < min(3, len(data)) and data[skipped] & 0b1100_0000 == 0b1000_0000:
            skipped += 1
    text = codecs.getincrementaldecoder("utf-8")(_ONE_FOR_ONE).decode(data[skipped:], final=final)
    return Part(start + skipped, text.replace("\x00", "?"))


def tail_of(path: Path, *, final: bool = False, most: int = TAIL) -> Part | None:
    """The last part of a file; None where there is none, or it isn't a file."""
    if not path.is_file():
        return None
    try:
        with path.open("rb") as file:
            start = max(0, file.seek(0, os.SEEK_END) - most)
            file.seek(start)
            # No more than was there when it was measured: what is written meanwhile comes next time.
            return readable(file.read(most), start, final=final)
    except FileNotFoundError:
        return None
