"""Changes to Slurm's database: many in one session of sacctmgr, each by itself where something failed or is odd."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from fabriek.compute.slurm.commands import CommandFailed, NoAnswer
from fabriek.compute.slurm.steps import SACCTMGR, Step, apply


class Commands:
    """Takes down what is run. `says`: what a command prints as an error, or a session's line; '' where it works."""

    def __init__(self, says: Callable[[str], str] = lambda _line: "") -> None:
        self.ran: list[tuple[tuple[str, ...], str]] = []
        self._says = says

    def run(self, words: Sequence[str], *, stdin: str = "") -> str:
        self.ran.append((tuple(words), stdin))
        lines = stdin.splitlines() if tuple(words) == SACCTMGR else [" ".join(words)]
        said = " ".join(filter(None, map(self._says, lines)))
        if said:
            raise (NoAnswer if "refused" in said else CommandFailed)(words, said)
        return ""


def change(account: str, *more: str) -> Step:
    words = (*SACCTMGR, "modify", "qos", "where", f"name={account}", "set", *more)
    return Step(words, "because", frozenset({(account, "gpu")}))


def test_many_changes_are_lines_of_one_session_in_their_order():
    commands = Commands()
    assert apply(commands, [change(f"p{n}", f"GrpTRESMins=cpu={n}") for n in range(3)]) == {}  # type: ignore[arg-type]
    ((words, given),) = commands.ran
    assert words == SACCTMGR
    assert given.splitlines() == [f"modify qos where name=p{n} set GrpTRESMins=cpu={n}" for n in range(3)]


def test_one_change_is_a_command_and_sessions_have_an_end():
    commands = Commands()
    apply(commands, [change("one")])  # type: ignore[arg-type]
    assert commands.ran == [(change("one").words, "")]
    commands.ran.clear()
    apply(commands, [change(f"p{n}") for n in range(100)])  # type: ignore[arg-type]
    assert [len(given.splitlines()) for _words, given in commands.ran] == [40, 40, 20]


def test_where_one_fails_each_is_tried_by_itself_and_only_that_one_is_said():
    commands = Commands(lambda line: "Unknown limit" if "name=bad " in line else "")
    failed = apply(commands, [change("good"), change("bad"), change("also-good")])  # type: ignore[arg-type]
    assert failed.keys() == {("bad", "gpu")}
    assert failed["bad", "gpu"].endswith("Unknown limit")
    assert len(commands.ran) == 4


def test_what_was_so_already_is_no_fault():
    commands = Commands(lambda line: " Nothing modified" if "name=same" in line else "")
    assert apply(commands, [change("same")]) == {}  # type: ignore[arg-type]
    assert apply(commands, [change("same"), change("other")]) == {}  # type: ignore[arg-type]


def test_without_an_answer_nothing_is_tried_on():
    commands = Commands(lambda line: "Connection refused")
    with pytest.raises(NoAnswer):
        apply(commands, [change("a"), change("b")])  # type: ignore[arg-type]
    assert len(commands.ran) == 1


@pytest.mark.parametrize("name", ["o'neill", "two\nlines", 'a"b', "#hash", "x" * 4_000])
def test_a_name_that_a_line_cant_say_stays_a_word_of_a_command(name):
    commands = Commands()
    assert apply(commands, [change("a"), change(name), change("b"), change("c")]) == {}  # type: ignore[arg-type]
    assert commands.ran[0] == (change("a").words, "")
    assert commands.ran[1] == (change(name).words, "")
    assert commands.ran[2][0] == SACCTMGR


def test_a_value_with_a_blank_is_one_value():
    commands = Commands()
    apply(commands, [change("a", "Description=a gpu"), change("b")])  # type: ignore[arg-type]
    assert commands.ran[0][1].splitlines()[0] == "modify qos where name=a set Description='a gpu'"
