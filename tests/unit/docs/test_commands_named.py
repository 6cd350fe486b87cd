"""Every command of `fabriek` is on its page of the reference, in a code span."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from fabriek.cli.main import app

PAGE = (Path(__file__).parents[3] / "docs" / "reference" / "commands.md").read_text(encoding="utf-8")


def _words(command: object, before: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    below = getattr(command, "commands", None)
    if below is None:
        yield before
    for name, one in (below or {}).items():
        yield from _words(one, (*before, name))


COMMANDS = list(_words(typer.main.get_command(app)))
# A row's code span may leave out the group that an earlier one of the row named: `call show`, `close`.
NAMED: set[tuple[str, ...]] = set()
for row in PAGE.splitlines():
    group = ""
    if not row.startswith("|"):
        continue
    for span in re.findall(r"`([^`]+)`", row.split(" | ")[0]):
        first, *rest = re.findall(r"^[a-z-]+|(?<= )[a-z-]+", span.removeprefix("fabriek ")) or [""]
        if rest and (first, rest[0]) in COMMANDS:
            group = first
            NAMED.add((first, rest[0]))
        else:
            NAMED |= {(first,), (group, first)}


def test_there_are_commands_to_look_for() -> None:
    assert len(COMMANDS) > 100


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_it_is_named_in_the_reference(words: tuple[str, ...]) -> None:
    assert words in NAMED
