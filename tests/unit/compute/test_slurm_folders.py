"""A job's folder is its user's, whoever made it, and whenever that was killed."""

from __future__ import annotations

import os
import pwd
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fabriek.compute.slurm.commands import CommandFailed, Commands, NoAnswer
from fabriek.compute.slurm.output import Output
from fabriek.compute.slurm.settings import SlurmSettings
from fabriek.compute.slurm.store import Store
from fabriek.demo.slurm import ordinary_user

USER = ordinary_user()
AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")


@pytest.fixture
def place() -> Iterator[Path]:
    """Through which everybody may pass, unlike pytest's own folders."""
    made = Path(tempfile.mkdtemp(prefix="fabriek-"))
    made.chmod(0o755)
    (made / "jobs").mkdir()
    (made / "jobs").chmod(0o1777)
    yield made
    shutil.rmtree(made)


@pytest.fixture
def commands() -> Commands:
    become = "runuser" if os.geteuid() == 0 else "self"
    return Commands(SlurmSettings.model_validate({"cluster": "alpha", "jobs": {"become": become}}))


@pytest.fixture
def folder(place: Path) -> Path:
    return place / "jobs" / "job"


def is_theirs(folder: Path) -> bool:
    found = folder.lstat()
    return (pwd.getpwuid(found.st_uid).pw_name, found.st_mode & 0o777) == (USER, 0o700)


def test_it_is_made_for_its_user_who_begins_there(commands: Commands, folder: Path) -> None:
    said = commands.run_in(
        str(folder), ["sh", "-c", "pwd; id -un; touch file; read line; echo $line"], user=USER, stdin="in\n"
    )
    assert said.split() == [str(folder), USER, "in"]
    assert is_theirs(folder)
    # Again, as after an answer that was lost.
    assert commands.run_in(str(folder), ["ls"], user=USER) == "file\n"


@AS_ROOT
def test_what_was_made_and_not_given_away_is_given_away(commands: Commands, folder: Path) -> None:
    folder.mkdir(0o700)
    assert commands.run_in(str(folder), ["pwd"], user=USER) == f"{folder}\n"
    assert is_theirs(folder)


@AS_ROOT
@pytest.mark.parametrize("left", [False, True])
def test_where_root_can_give_nothing_away_its_user_makes_it(
    commands: Commands, folder: Path, monkeypatch: pytest.MonkeyPatch, left: bool
) -> None:
    def refused(*_words: Any, **_named: Any) -> None:
        raise PermissionError

    if left:
        folder.mkdir(0o700)
    monkeypatch.setattr(os, "chown", refused)
    assert commands.run_in(str(folder), ["pwd"], user=USER) == f"{folder}\n"
    assert is_theirs(folder)


@AS_ROOT
@pytest.mark.parametrize("kind", ["folder", "link", "file"])
def test_what_is_somebody_elses_is_left_to_them(commands: Commands, folder: Path, place: Path, kind: str) -> None:
    daemon = pwd.getpwnam("daemon")
    secret = place / "secret"
    secret.mkdir(0o700)
    if kind == "folder":
        folder.mkdir(0o700)
    elif kind == "link":
        folder.symlink_to(secret)
    else:
        folder.write_text("")
    os.chown(folder, daemon.pw_uid, daemon.pw_gid, follow_symlinks=False)
    with pytest.raises(CommandFailed):
        commands.run_in(str(folder), ["touch", "file"], user=USER)
    assert folder.lstat().st_uid == daemon.pw_uid
    assert secret.stat().st_uid == 0
    assert list(secret.iterdir()) == []


@AS_ROOT
def test_a_link_of_roots_own_is_not_followed(commands: Commands, folder: Path, place: Path) -> None:
    secret = place / "secret"
    secret.mkdir(0o700)
    folder.symlink_to(secret)
    with pytest.raises(CommandFailed):
        commands.run_in(str(folder), ["touch", "file"], user=USER)
    assert secret.stat().st_uid == 0


@AS_ROOT
@pytest.mark.parametrize("how", ["folder", "link"])
def test_what_somebody_else_made_is_refused(commands: Commands, folder: Path, place: Path, how: str) -> None:
    other = "daemon" if USER != "daemon" else "bin"
    made = folder if how == "folder" else place / "elsewhere"
    made.mkdir()
    made.chmod(0o777)
    shutil.chown(made, other)
    if how == "link":
        folder.symlink_to(made)
        os.chown(folder, pwd.getpwnam(other).pw_uid, -1, follow_symlinks=False)
    with pytest.raises(CommandFailed, match="somebody else's"):
        commands.run_in(str(folder), ["touch", "file"], user=USER)
    with pytest.raises(CommandFailed, match="somebody else's"):
        commands.make_folder(str(folder), USER)
    assert not list(made.iterdir())


def test_a_job_is_given_nothing_of_the_agents_own(commands: Commands, folder: Path) -> None:
    said = commands.run_in(str(folder), ["env"], user=USER)
    names = {line.partition("=")[0] for line in said.splitlines()}
    assert names >= {"PATH", "HOME", "USER", "LOGNAME"}
    assert names <= {"PATH", "HOME", "USER", "LOGNAME", "PWD", "SHLVL", "_", "MAIL", "SHELL"}


def test_what_does_not_answer_in_time_is_ended_and_not_left_behind(place: Path) -> None:
    become = "runuser" if os.geteuid() == 0 else "self"
    settings = {"cluster": "alpha", "commands": {"timeout": 0.5}, "jobs": {"become": become}}
    commands = Commands(SlurmSettings.model_validate(settings))
    with pytest.raises(NoAnswer, match=r"no answer within 0.5 s; waiting") as caught:
        commands.run(["sh", "-c", f"echo waiting >&2; exec sleep 600 {'0' * 9}"], user=USER)
    assert caught.value.code is None
    running = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists()]
    assert not any(b"0" * 9 in words for words in running)


def test_pipes_among_an_array_s_output_are_passed_over_and_files_are_read(
    commands: Commands, folder: Path, tmp_path: Path
) -> None:
    commands.run_in(str(folder), ["sh", "-c", "mkfifo a.out; echo one > 'b c.out'; ln -s b d.out"], user=USER)
    output = Output(commands, Store(tmp_path / "slurm.sqlite3"))
    said = output.of_tasks({"uuid": "u", "user": USER, "folder": str(folder)})["output"]  # type: ignore[arg-type]
    assert said == f"==> {folder}/b c.out <==\none\n"
