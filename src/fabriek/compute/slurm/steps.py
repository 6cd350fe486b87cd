"""Commands that bring Slurm nearer to what was awarded (`changes.py` says which), carried out many at a time.

Without a command of its own sacctmgr reads commands from its input, a line each, over one connection, and ends with 1
if one of them failed (https://slurm.schedmd.com/sacctmgr.html, DESCRIPTION). Starting it and signing in to slurmdbd
takes longer than most of what it is asked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fabriek.compute.slurm.accounts import Key
from fabriek.compute.slurm.commands import CommandFailed, Commands, NoAnswer

SACCTMGR = ("sacctmgr", "--immediate")
# So many in a session, which is to end well within `timeout`. Where it was built without readline a line holds 4,096.
_AT_ONCE, _LONGEST_LINE = 40, 4_000
# What a line can say as it stands. Names that are in Slurm's database may hold anything: they go as a command's words.
_PLAIN = re.compile(r"[A-Za-z0-9_.,:=/@+ -]*")


@dataclass(frozen=True)
class Step:
    """A command that brings Slurm nearer to what was awarded, why, and for whose sake. given: what it reads; instead:
    what does the same one by one, should it fail for all."""

    words: tuple[str, ...]
    why: str
    keys: frozenset[Key]
    given: str = ""
    instead: tuple[Step, ...] = ()


def apply(commands: Commands, todo: Sequence[Step]) -> dict[Key, str]:
    """Carry the steps out, and say, by account and partition, why one could not be. A step whose earlier one failed
    is tried all the same: it may be another account's too. Errors: NoAnswer, with the rest undone.

    One after another: slurmdbd 22.05 was seen to go down when four sacctmgr wrote side by side.
    """
    failed: dict[Key, str] = {}
    for some in _sessions(todo):
        # Of a session only that something failed is known: then each by itself, and what was done stays as it is.
        if len(some) > 1 and not _failure(commands, _session(some)):
            continue
        for step in some:
            error = _failure(commands, step)
            if error and step.instead:
                failed |= apply(commands, step.instead)
            elif error:
                for key in step.keys:
                    failed.setdefault(key, f"{' '.join(step.words)}: {error}")
    return failed


def _failure(commands: Commands, step: Step) -> str:
    """Why a step failed; '' where it did not. Errors: NoAnswer."""
    try:
        commands.run(step.words, stdin=step.given)
    except NoAnswer:
        raise
    except CommandFailed as error:
        # sacctmgr ends with 1 where all was so already (another agent, an answer that was lost): that is no fault.
        so_already = "Nothing new added" in error.said or "Nothing modified" in error.said
        return "" if so_already and step.words != SACCTMGR else error.said or f"ended with {error.code}"
    return ""


def _sessions(todo: Sequence[Step]) -> Iterator[list[Step]]:
    """The steps in order, those together that one sacctmgr can read."""
    some: list[Step] = []
    for step in todo:
        alone = not _is_line(step)
        if some and (alone or len(some) == _AT_ONCE):
            yield some
            some = []
        if alone:
            yield [step]
        else:
            some.append(step)
    if some:
        yield some


def _is_line(step: Step) -> bool:
    whole = " ".join(step.words)
    is_sacctmgr = step.words[: len(SACCTMGR)] == SACCTMGR and not step.given
    return is_sacctmgr and len(whole) < _LONGEST_LINE and _PLAIN.fullmatch(whole) is not None


def _session(some: Sequence[Step]) -> Step:
    given = "".join(f"{_line(step)}\n" for step in some)
    return Step(SACCTMGR, f"{len(some)} changes", frozenset().union(*(step.keys for step in some)), given)


def _line(step: Step) -> str:
    """A command as sacctmgr reads it: a value with a blank stands in quotes."""
    pairs = (word.partition("=") for word in step.words[len(SACCTMGR) :])
    return " ".join(f"{name}='{value}'" if " " in value else name + equals + value for name, equals, value in pairs)
