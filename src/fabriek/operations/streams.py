"""What a job or a task of one wrote, put together from the parts that its agent tells. Pure."""

from __future__ import annotations

from typing import Protocol

from fabriek.compute.tail import TAIL, Part

MOST = TAIL
"""Bytes of a stream that are kept here, its last ones; all of it stays in the job's folder on the cluster."""


class Writer(Protocol):
    """What has streams: `output` and `error_output`, each from a byte of its file on, `output_from`."""

    output: str
    output_from: int
    error_output: str
    error_output_from: int


STREAMS = {"output": "output", "error": "error_output"}
"""What a stream is called, and where it is kept."""


def take_in(writer: Writer, name: str, text: str, place: int | None, *, anew: bool = False) -> None:
    """Put a new part of a stream to what is kept of it. anew: what is kept is of another run, and goes."""
    before = Part(0, "") if anew else Part(getattr(writer, f"{name}_from"), getattr(writer, name))
    told = None if place is None else Part(place, text.replace("\x00", "?"))
    kept = joined(before, told, text)
    setattr(writer, name, kept.text)
    setattr(writer, f"{name}_from", kept.start)


def kept_of(writer: Writer, stream: str) -> Part:
    """What is kept of a stream."""
    name = STREAMS[stream]
    return Part(getattr(writer, f"{name}_from"), getattr(writer, name))


def joined(kept: Part, told: Part | None, text: str, most: int = MOST) -> Part:
    """What is kept once a part came in. told: the part with its place; None: an agent that says no places, whose `text`
    is put where it overlaps with what is kept, or behind it.

    A part that begins before the end of what is kept and doesn't say the same is another file (a job that started
    over): it replaces what was kept. Between parts with a gap the earlier one goes.
    """
    part = told if told is not None else _placed(kept, text)
    if kept.start <= part.start <= kept.end:
        overlap = kept.text.encode()[part.start - kept.start :]
        new = part.text.encode()
        if new.startswith(overlap):
            return _last(Part(kept.start, (kept.text.encode() + new[len(overlap) :]).decode()), most)
        if overlap.startswith(new):
            return kept
    return _last(part, most)


def _placed(kept: Part, text: str) -> Part:
    """Where a part without a place belongs: where it begins in what is kept, else behind it."""
    text = text.replace("\x00", "?")
    if text.startswith(kept.text):
        return Part(kept.start, text)
    # By its first line: a text that was cut begins within one, which is as good.
    line = text[: (text.find("\n") + 1 or len(text))][:256]
    begins = kept.text.find(line) if line else -1
    while begins >= 0:
        rest = kept.text[begins:]
        if text.startswith(rest) or rest.startswith(text):
            return Part(kept.start + len(kept.text[:begins].encode()), text)
        begins = kept.text.find(line, begins + 1)
    return Part(kept.end, text)


def _last(part: Part, most: int) -> Part:
    """The last bytes of a part, from the beginning of a character on."""
    data = part.text.encode()
    if len(data) <= most:
        return part
    cut = len(data) - most
    while cut < len(data) and data[cut] & 0b1100_0000 == 0b1000_0000:
        cut += 1
    return Part(part.start + cut, data[cut:].decode())
