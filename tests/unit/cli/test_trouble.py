"""No room, or a database that is locked or away: one sentence and an exit status, never a traceback."""

from __future__ import annotations

import errno
import sys
from pathlib import Path
from typing import Any

import pytest
from django.db import DataError, OperationalError

from fabriek.cli import machine
from fabriek.cli import main as command

FULL = OSError(errno.ENOSPC, "No space left on device")


@pytest.fixture(autouse=True)
def _no_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "ready", lambda quiet=False: None)


def run(monkeypatch: pytest.MonkeyPatch, *words: str) -> Any:
    monkeypatch.setattr(sys, "argv", ["fabriek", *words])
    with pytest.raises(SystemExit) as ended:
        command.main()
    return ended.value.code


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (FULL, "The disk is full"),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "The disk is full"),
        (OperationalError("database or disk is full"), "The disk is full"),
        (OperationalError("database is locked"), "The database is locked"),
        (OperationalError("connection refused: could not connect"), "The database can't be reached"),
    ],
)
def test_the_machine_s_trouble_is_told_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: Exception, sentence: str
) -> None:
    def fails() -> None:
        raise error

    monkeypatch.setattr("fabriek.ledger.queries.check", fails)
    assert run(monkeypatch, "ledger", "check") == 4
    told = capsys.readouterr()
    assert told.err.startswith(sentence)
    assert len(told.err.splitlines()) == 1
    assert told.out == ""


def test_an_export_without_room_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def full(_folder: Path, _progress: object) -> None:
        raise FULL

    monkeypatch.setattr("fabriek.demo.export.export_all", full)
    assert run(monkeypatch, "export", str(tmp_path)) == 4
    assert "Make room and do it again" in capsys.readouterr().err


@pytest.mark.parametrize(
    "mistake", [DataError("out of range"), FileNotFoundError(errno.ENOENT, "no such file"), KeyError("x")]
)
def test_a_mistake_of_ours_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch, mistake: Exception) -> None:
    def fails() -> None:
        raise mistake

    monkeypatch.setattr("fabriek.ledger.queries.check", fails)
    monkeypatch.setattr(sys, "argv", ["fabriek", "ledger", "check"])
    with pytest.raises(type(mistake)):
        command.main()
