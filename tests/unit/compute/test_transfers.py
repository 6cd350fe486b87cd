"""Data between two sites' agents: what comes over is what was there, and nothing leaves a project's folder."""

from __future__ import annotations

import os
import pwd
import subprocess
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import pytest

from fabriek.compute.engine import AsUser, EngineError
from fabriek.compute.transfers import rsync
from fabriek.compute.transfers.paths import PathRefused, clean_path
from fabriek.compute.transfers.settings import TransferSettings
from fabriek.compute.transfers.tasks import Task
from fabriek.compute.wire import TransferOrder, TransferReport

ME = pwd.getpwuid(os.geteuid()).pw_name


class Oneself:
    """An engine as far as transfers need one: everybody is who runs this, but for `nobody-here`."""

    def cannot_move(self) -> str:
        return ""

    def as_user(self, user: str) -> AsUser:
        if user == "nobody-here":
            raise EngineError("there is no user nobody-here on this machine")
        return AsUser(ME, (), {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/", "LC_ALL": "C.UTF-8"})


class Ends:
    """Two sites' folders for the project `abc`, and the steps at each.

    The transfer is called after the folder, because who begins to carry first ends whatever runs under the same name:
    tests beside each other would end each other's copies.
    """

    def __init__(self, folder: Path, peer: dict[str, Any] | None = None) -> None:
        self.folder, self.here, self.there = folder, folder / "here", folder / "there"
        for end in (self.here, self.there):
            (end / "abc").mkdir(parents=True)
            (end / "notes").mkdir()
        self.peer = {"folder": str(self.here), **(peer or {})}

    @property
    def uuid(self) -> str:
        return str(uuid5(NAMESPACE_URL, str(self.folder)))

    def order(self, task: str, path: str = "data", **more: Any) -> TransferOrder:
        said = {"uuid": self.uuid, "attempt": 1, "task": task, "account": "abc", "user": "u000001", "path": path}
        return TransferOrder.model_validate({**said, "other": "alpha", "other_user": ME, **more})

    def task(self, where: Path, order: TransferOrder) -> Task:
        tables = {"fetch": {"alpha": self.peer}} if where == self.there else {}
        settings = TransferSettings.model_validate({"folder": str(where), **tables})
        return Task(order, settings, Oneself(), where / "notes")  # type: ignore[arg-type]

    def at_source(self, task: str, path: str = "data", **more: Any) -> TransferReport:
        return self.task(self.here, self.order(task, path, **more)).work()

    def at_target(self, task: str, path: str = "data", **more: Any) -> TransferReport:
        return self.task(self.there, self.order(task, path, **more)).work()

    def moved(self, path: str = "data", **more: Any) -> tuple[TransferReport, TransferReport]:
        """All steps of a copy; the two sites' checksums."""
        measured = self.at_source("measure", path)
        assert measured.state == "done", measured
        assert (prepared := self.at_target("prepare", path, **more)).state == "done", prepared
        carried = self.at_target("carry", path, kind=measured.kind, bytes=measured.bytes, **more)
        assert carried.state == "done", carried
        return self.at_source("digest", path, **more), self.at_target("digest", path, **more)


@pytest.fixture
def ends(tmp_path: Path) -> Ends:
    return Ends(tmp_path)


def fill(folder: Path) -> None:
    """Files that are awkward to name, an empty folder, links in and out."""
    (folder / "deep" / "er").mkdir(parents=True)
    (folder / "empty").mkdir()
    (folder / "a file").write_text("one")
    (folder / "-rf").write_text("two")
    (folder / "new\nline").write_text("three")
    (folder / "deep" / "er" / "$(touch hostile); é'\"").write_bytes(os.urandom(100_000))
    (folder / "run.sh").write_text("#!/bin/sh\n")
    (folder / "run.sh").chmod(0o755)
    (folder / "nothing").touch()
    (folder / "in").symlink_to("a file")
    (folder / "out").symlink_to("/etc/passwd")


def test_what_comes_over_is_what_was_there_by_checksums_at_both_ends(ends):
    fill(ends.here / "abc" / "data")
    measured = ends.at_source("measure")
    assert (measured.files, measured.kind, measured.user, measured.passed_over) == (6, "folder", ME, 0)
    assert measured.bytes == 100_000 + len("onetwothree#!/bin/sh\n")
    here, there = ends.moved()
    assert here.state == there.state == "done"
    assert here.digest == there.digest != ""
    data = ends.there / "abc" / "data"
    assert (data / "empty").is_dir()
    assert os.access(data / "run.sh", os.X_OK)
    assert (data / "out").is_symlink(), "a link comes as a link: what it points at doesn't"
    assert [path.name for path in (ends.there / "abc").iterdir()] == ["data"], "nothing of the work is left behind"


def test_the_digest_is_what_anybody_finds_by_hand(ends):
    fill(ends.here / "abc" / "data")
    for link in ("in", "out"):
        (ends.here / "abc" / "data" / link).unlink()
    words = "find ./data -type f -exec sha256sum -z {} + | LC_ALL=C sort -z | sha256sum"
    by_hand = subprocess.run(words, shell=True, cwd=ends.here / "abc", capture_output=True, text=True, check=True)
    assert ends.at_source("digest").digest == by_hand.stdout.split()[0]


def test_a_single_file_comes_over_into_its_folder(ends):
    (ends.here / "abc" / "sets").mkdir()
    (ends.here / "abc" / "sets" / "one.bin").write_bytes(b"x" * 1000)
    here, there = ends.moved("sets/one.bin")
    assert here.digest == there.digest
    assert (ends.there / "abc" / "sets" / "one.bin").read_bytes() == b"x" * 1000


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: (data / "a file").write_text("ONE"),
        lambda data: (data / "nothing").unlink(),
        lambda data: (data / "more").write_text("more"),
        lambda data: (data / "a file").rename(data / "another"),
        lambda data: ((data / "in").unlink(), (data / "in").symlink_to("-rf")),
    ],
)
def test_checksums_differ_whatever_is_not_the_same(ends, spoil):
    fill(ends.here / "abc" / "data")
    here, _there = ends.moved()
    spoil(ends.there / "abc" / "data")
    assert ends.at_target("digest").digest != here.digest


def test_what_size_and_time_don_t_show_a_thorough_copy_mends(ends):
    fill(ends.here / "abc" / "data")
    here, _there = ends.moved()
    spoilt = ends.there / "abc" / "data" / "a file"
    when = spoilt.stat().st_mtime
    spoilt.write_text("eno")
    os.utime(spoilt, (when, when))
    ends.at_target("prepare", resumes=True)
    ends.at_target("carry")
    assert ends.at_target("digest").digest != here.digest
    assert ends.at_target("prepare", resumes=True).state == "done"
    assert ends.at_target("carry", thorough=True).state == "done"
    assert ends.at_target("digest").digest == here.digest


# Paths


HOSTILE = [
    ("", "empty"), ("/", "absolute"), ("/etc", "absolute"), (".", "empty"), ("..", "climbs"), ("../x", "climbs"),
    ("a/../../x", "climbs"), ("a/./b", "climbs"), ("a\nb", "controls"), ("a\0b", "controls"), ("a\x7fb", "controls"),
    ("x" * 256, "long"), ("/".join(["abcdefgh"] * 200), "long"), (".fabriek/u1", "ours"), ("\ud800", "controls"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "why"), HOSTILE)
def test_a_path_that_could_leave_the_project_is_refused_before_anything_is_looked_at(ends, path, why):
    with pytest.raises(PathRefused) as refused:
        clean_path(path)
    assert refused.value.code == why
    if why != "controls" or path.isprintable():
        for report in (ends.at_source("measure", path), ends.at_target("prepare", path)):
            assert (report.state, report.error, report.detail) == ("failed", "outside", why)


def test_what_is_only_untidy_is_put_right():
    assert clean_path("a//b/") == "a/b"
    assert clean_path("..a/b..") == "..a/b.."


@pytest.mark.parametrize("task", ["measure", "digest", "remove"])
def test_no_step_follows_a_link_out_of_the_project(ends, tmp_path, task):
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "key").write_text("secret")
    (ends.here / "abc" / "data").symlink_to(secret)
    (ends.here / "notes" / f"{ends.uuid}.json").write_text('{"stamp": "", "removing": true}')
    for path in ("data", "data/key"):
        report = ends.at_source(task, path)
        assert (report.error, report.detail) == ("outside", "link")
    assert (secret / "key").exists()


def test_nothing_is_written_through_a_link_at_the_target(ends, tmp_path):
    fill(ends.here / "abc" / "data")
    (tmp_path / "elsewhere").mkdir()
    (ends.there / "abc" / "data").symlink_to(tmp_path / "elsewhere")
    for task in ("prepare", "carry"):
        assert (ends.at_target(task).error, ends.at_target(task, "data/deep").error) == ("outside", "outside")
    assert list((tmp_path / "elsewhere").iterdir()) == []


@pytest.mark.parametrize("account", ["..", "../abc", "a/b", "", "-rf", "a b", "$(id)"])
def test_a_hostile_account_is_refused(ends, account):
    assert ends.at_source("measure", account=account).error == "outside"


@pytest.mark.parametrize("user", ["-oProxyCommand=touch /tmp/hostile", "a b", "a;id", "", "a@b", "$(id)"])
def test_a_hostile_user_of_the_other_site_is_refused(ends, user):
    fill(ends.here / "abc" / "data")
    assert ends.at_target("carry", other_user=user).error == "outside"


@pytest.mark.parametrize(
    "name", ["-rf", "--rsh=touch hostile", "$(touch hostile)", "a;b", "a:b", "a'b", 'a"b', " ", "~", "*"]
)
def test_a_name_is_only_ever_a_name(ends, name):
    (ends.here / "abc" / name).mkdir()
    (ends.here / "abc" / name / "f").write_text("x")
    here, there = ends.moved(name, overwrite=True)
    assert here.digest == there.digest
    assert [path.name for path in (ends.there / "abc").iterdir()] == [name]


# What can go wrong, as codes


def test_what_can_t_be_done_is_told_by_its_code(ends):
    assert ends.at_source("measure", "not-there").error == "missing"
    assert ends.at_source("measure", account="xyz").error == "no-folder"
    assert ends.at_source("measure", user="nobody-here").error == "no-user"
    os.mkfifo(ends.here / "abc" / "pipe")
    assert ends.at_source("measure", "pipe").error == "not-files"
    (ends.there / "abc" / "data").mkdir()
    assert ends.at_target("prepare").error == "exists"
    assert ends.at_target("prepare", overwrite=True).state == "done"
    assert ends.at_target("prepare").state == "done", "who began may come back"
    assert ends.at_target("carry", other="gamma").error == "no-way"


@pytest.mark.parametrize(
    ("code", "said", "fault"),
    [
        (255, "Host key verification failed.\nrsync: connection unexpectedly closed", "host-key"),
        (255, "u1@beta: Permission denied (publickey).", "key-refused"),
        (255, "ssh: connect to host beta port 22: Connection refused", "unreachable"),
        (12, "rsync error: error in rsync protocol data stream (code 12)", "unreachable"),
        (11, 'rsync: write failed on "/x": No space left on device (28)', "no-room"),
        (23, 'rsync: [sender] send_files failed to open "/x": Permission denied (13)', "denied"),
        (24, "file has vanished", "changed"),
        (30, "", "silent"),
        (127, "bash: line 1: rsync: command not found", "no-rsync"),
        (-9, "", "interrupted"),
        (20, "", "interrupted"),
        (1, "something new", "failed"),
    ],
)
def test_rsyncs_ends_have_their_codes(code, said, fault):
    assert rsync.fault_of(code, said) == fault


def test_progress_is_read_as_it_comes_in_pieces():
    heard = rsync.Heard()
    for part in (b"\r      1,234  12%    1.2MB/s", b"   0:00:01  \r      567", b"8  50%  1.2MB/s 0:00:01\n"):
        heard.take(part)
    assert heard.sent == 5678
    heard.take(b"Total transferred file size: 60000000 bytes\nLiteral data: 5 bytes\nMatched data: 6 bytes\n")
    assert (heard.to_send, heard.literal, heard.matched) == (60_000_000, 5, 6)


# Moving


def test_the_original_goes_only_after_its_checksums_and_only_unchanged(ends):
    fill(ends.here / "abc" / "data")
    assert ends.at_source("remove", moves=True).error == "unchecked"
    ends.moved(moves=True)
    (ends.here / "abc" / "data" / "deep" / "late").write_text("written since")
    assert ends.at_source("remove", moves=True).error == "changed-since"
    assert (ends.here / "abc" / "data" / "deep" / "late").exists()
    assert ends.at_source("digest", moves=True).state == "done"
    assert ends.at_source("remove", moves=True).state == "done"
    assert not (ends.here / "abc" / "data").exists()


def test_a_removal_that_was_cut_short_is_finished(ends, monkeypatch):
    fill(ends.here / "abc" / "data")
    ends.moved(moves=True)
    cut = ends.task(ends.here, ends.order("remove", moves=True))
    original = cut.children.capture

    def killed_before_rm(who: Any, words: Any, **more: Any) -> Any:
        if words[0] == "rm":
            (ends.here / "abc" / "data" / "a file").unlink()
            raise KeyboardInterrupt
        return original(who, words, **more)

    monkeypatch.setattr(cut.children, "capture", killed_before_rm)
    with pytest.raises(KeyboardInterrupt):
        cut.work()
    assert ends.at_source("remove", moves=True).state == "done"
    assert not (ends.here / "abc" / "data").exists()
