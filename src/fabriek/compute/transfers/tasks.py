"""The steps of a transfer at one site, each as its user: measure, prepare, carry, digest, remove. All can be repeated.

Security does not rest on the paths: whatever somebody names, it is their own unix user who reads and writes it. That no
path leaves the project's folder keeps the platform from being a way around what a project is.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fabriek.compute.engine import AsUser, Engine, EngineError
from fabriek.compute.local.supervisor import write_whole
from fabriek.compute.transfers import rsync
from fabriek.compute.transfers.children import Children, Ended, end_leftovers
from fabriek.compute.transfers.paths import STAGING, PathRefused, clean_path, is_account, is_unix_name
from fabriek.compute.transfers.settings import Peer, TransferSettings
from fabriek.compute.wire import TransferOrder, TransferReport

# After these many seconds what a lost connection stopped is tried again.
PAUSES = (2.0, 5.0, 15.0, 60.0, 120.0)
# The speed that is shown is that of the last seconds.
SPEED_OVER = 15.0
_CHECKSUMS = ("-type", "f", "-exec", "sha256sum", "--zero", "--", "{}", "+")
_LINKS = ("-type", "l", "-printf", "link:%l  %p\\0")


class Fault(Exception):
    """Why a step could not be done: a code, and what a command said."""

    def __init__(self, code: str, detail: str = "") -> None:
        self.code, self.detail = code, detail
        super().__init__(code)


@dataclass(frozen=True)
class Place:
    """A path of a project here, resolved: `whole` lies below `root`, and neither is nor goes through a link."""

    who: AsUser
    root: str
    path: str

    @property
    def whole(self) -> str:
        return f"{self.root}/{self.path}"

    @property
    def parent(self) -> str:
        return self.whole.rpartition("/")[0]

    @property
    def name(self) -> str:
        """Begins with ./, so that no name is an option."""
        return f"./{self.whole.rpartition('/')[2]}"

    def staging(self, uuid: str) -> str:
        return f"{self.root}/{STAGING}/{uuid}"


@dataclass
class Task:
    """One order at work. `progress` is what may be told while it runs."""

    order: TransferOrder
    settings: TransferSettings
    engine: Engine
    notes: Path
    children: Children = field(init=False)
    progress: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.children = Children(self.order.uuid)

    def work(self) -> TransferReport:
        """Do it. Errors: Stopped."""
        steps: dict[str, Callable[[], dict[str, Any]]] = {
            "measure": self._measure,
            "prepare": self._prepare,
            "carry": self._carry,
            "digest": self._digest,
            "remove": self._remove,
        }
        try:
            return self.report("done", **steps[self.order.task]())
        except Fault as fault:
            return self.report("failed", error=fault.code, detail=fault.detail)
        except EngineError as error:
            return self.report("failed", error="no-user", detail=str(error))

    def report(self, state: str, **said: Any) -> TransferReport:
        """What is told of it."""
        said["detail"] = said.get("detail", "").replace("\x00", "?")[-4_000:]
        return TransferReport.model_validate(
            {"attempt": self.order.attempt, "task": self.order.task, "state": state, **said}
        )

    # Places

    def _place(self, *, there: bool = True) -> Place:
        """Where the order's path is here. there: it must exist. Errors: Fault."""
        order = self.order
        try:
            path = clean_path(order.path)
        except PathRefused as refused:
            raise Fault("outside", refused.code) from refused
        if not is_account(order.account) or not is_unix_name(order.user):
            raise Fault("outside", "names")
        who = self.engine.as_user(order.user)
        if not is_unix_name(who.name):
            raise Fault("no-user", who.name)
        wanted = self.settings.root(order.account)
        root = self._resolved(who, wanted, "-e")
        if root is None:
            raise Fault("no-folder", wanted)
        place = Place(who, root.rstrip("/"), path)
        # -m takes what isn't there yet as it is written, and follows every link that is.
        found = self._resolved(who, place.whole, "-e" if there else "-m")
        if found is None:
            raise Fault("missing", order.path)
        if found != place.whole:
            raise Fault("outside", "link")
        return place

    def _resolved(self, who: AsUser, path: str, how: str) -> str | None:
        ended, out = self.children.capture(who, ["realpath", how, "-z", "--", path])
        return os.fsdecode(out.rstrip(b"\0")) if ended.code == 0 else None

    def _checked(self, place: Place, *words: str, fault: str = "failed") -> bytes:
        """A short command of the place's user. Errors: Fault."""
        ended, out = self.children.capture(place.who, words)
        if ended.code != 0:
            raise Fault(_fault_of(ended, fault), ended.said)
        return out

    # Measure, prepare

    def _measure(self) -> dict[str, Any]:
        place = self._place()
        kinds = self._checked(place, "stat", "--format=%F", "--", place.whole).decode().strip()
        if kinds not in ("directory", "regular file", "regular empty file"):
            raise Fault("not-files", kinds)
        size = files = others = 0
        rest = b""

        def read(part: bytes) -> None:
            nonlocal size, files, others, rest
            *rows, rest = (rest + part).split(b"\0")
            for row in rows:
                kind, _, count = row.partition(b" ")
                if kind == b"f":
                    size, files = size + int(count), files + 1
                elif kind not in (b"d", b"l"):
                    others += 1
            self.progress = {"bytes": size, "files": files}

        self._find(place, ["-printf", "%y %s\\0"], read)
        return {
            "bytes": size,
            "files": files,
            "passed_over": others,
            "kind": "folder" if kinds == "directory" else "file",
            "user": place.who.name,
        }

    def _prepare(self) -> dict[str, Any]:
        place = self._place(there=False)
        staging = place.staging(self.order.uuid)
        # Who comes back may finish what it began: its folder shows it, or the platform says so.
        known = self.order.resumes or self._resolved(place.who, staging, "-e") is not None
        if not known and not self.order.overwrite and self._resolved(place.who, place.whole, "-e") is not None:
            raise Fault("exists", self.order.path)
        self._checked(
            place, "mkdir", "-p", "--", place.parent, f"{staging}/coming", f"{staging}/partial", fault="denied"
        )
        self._checked(place, "chmod", "700", "--", staging, fault="denied")
        room = self._checked(place, "df", "--output=avail", "-B1", "--", place.root).split()[-1]
        return {"user": place.who.name, "free_bytes": max(int(room), 0) if room.isdigit() else None}

    def _find(self, place: Place, words: Sequence[str], read: Callable[[bytes], None]) -> None:
        """What find says of all that is there. Errors: Fault where something can't be read: half an answer is none."""
        ended = self.children.run(place.who, ["find", place.name, *words], inside=place.parent, read=read)
        if ended.code != 0:
            raise Fault(_fault_of(ended, "denied"), ended.said)

    # Carry

    def _carry(self) -> dict[str, Any]:
        order, fetches = self.order, self.order.way == "fetch"
        peer = (self.settings.fetch if fetches else self.settings.bring).get(order.other)
        if peer is None:
            raise Fault("no-way", order.other)
        if not is_unix_name(order.other_user):
            raise Fault("outside", "names")
        place = self._place(there=not fetches)
        if not end_leftovers(order.uuid):
            raise Fault("leftover")
        there = f"{peer.folder.replace('{account}', order.account)}/{place.path}"
        tail = "/" if order.kind == "folder" else ""
        ends = [f"{place.whole}{tail}", rsync.remote(peer, order.other_user, f"{there}{tail}")]
        # What is half copied lies where it is received, under the name that this side of the connection knows.
        root = place.root if fetches else peer.folder.replace("{account}", order.account)
        staging = f"{root}/{STAGING}/{order.uuid}"
        words = (ends[::-1] if fetches else ends), staging, peer
        again, resumes = 0, order.resumes
        while True:
            try:
                return self._copy(place, *words, resumes=resumes)
            except Fault as fault:
                if fault.code not in rsync.TEMPORARY or again == len(PAUSES):
                    raise
                self.progress = {**self.progress, "bytes_per_second": 0.0, "error": fault.code, "detail": fault.detail}
                self.children.pause(PAUSES[again])
                again, resumes = again + 1, True

    def _copy(self, place: Place, ends: list[str], staging: str, peer: Peer, *, resumes: bool) -> dict[str, Any]:
        """One run of rsync. Errors: Fault."""
        order, who = self.order, place.who
        reach = rsync.shell(peer, who.name)
        if order.way == "fetch":
            self._gather(place)
        before = 0
        if resumes:
            plan = rsync.Heard()
            asked = [*rsync.options(staging, peer, thorough=order.thorough, estimate=True), *reach, "--", *ends]
            self._ended_well(self.children.run(who, asked, read=plan.take))
            before = max((order.bytes or 0) - (plan.to_send or 0), 0)
        heard, began, spans = rsync.Heard(), time.monotonic(), deque([(time.monotonic(), 0)])

        def read(part: bytes) -> None:
            heard.take(part)
            now = time.monotonic()
            spans.append((now, heard.sent))
            while len(spans) > 2 and now - spans[0][0] > SPEED_OVER:
                spans.popleft()
            passed = now - spans[0][0]
            speed = (heard.sent - spans[0][1]) / passed if passed > 0.5 else None
            self.progress = {"bytes": before + heard.sent, "bytes_per_second": speed}

        asked = [*rsync.options(staging, peer, thorough=order.thorough), *reach, "--", *ends]
        self._ended_well(self.children.run(who, asked, read=read))
        seconds = time.monotonic() - began
        return {"bytes": before + heard.sent, "carried_bytes": heard.literal, "carried_seconds": seconds}

    def _ended_well(self, ended: Ended) -> None:
        if ended.code != 0:
            raise Fault(rsync.fault_of(ended.code, ended.said), ended.said)

    def _gather(self, place: Place) -> None:
        """What rsync itself was killed over lies in its temporary folder as NAME.XXXXXX: put it where rsync looks for
        what it began (--partial-dir), unless more of that file is there already."""
        staging = place.staging(self.order.uuid)
        where = ["coming", "partial", "-type", "f", "-printf", "%P\\0%s\\0%h\\0"]
        ended, out = self.children.capture(place.who, ["find", *where], inside=staging)
        if ended.code != 0:
            return
        words = os.fsdecode(out).split("\0")
        rows = list(zip(words[::3], words[1::3], words[2::3], strict=False))
        kept = {name: int(size) for name, size, folder in rows if folder == "partial"}
        for name, size, folder in rows:
            if folder == "coming" and len(name) > 7 and int(size) > kept.get(name[:-7], 0):
                moved = ["mv", "-f", "--", f"{staging}/coming/{name}", f"{staging}/partial/{name[:-7]}"]
                self.children.run(place.who, moved)

    # Digest, remove

    def _digest(self) -> dict[str, Any]:
        """The SHA-256 of the sorted list of SHA-256s of all files, and of where links point.

        By hand: find ./NAME -type f -exec sha256sum -z {} + | LC_ALL=C sort -z | sha256sum, where there are no links.
        """
        place = self._place()
        stamp = self._stamp(place) if self.order.moves else ""

        def count(part: bytes) -> None:
            self.progress = {"files": self.progress.get("files", 0) + part.count(b"\0")}

        digest = self._digest_of(place, _CHECKSUMS, _LINKS, also=count)
        files = self.progress.get("files", 0)
        if self.order.moves:
            if stamp != self._stamp(place):
                raise Fault("changed")
            write_whole(self._note, {"stamp": stamp, "removing": False})
            # Before the original goes, the copy is on the disk and not only in memory.
            self._checked(place, "sync", "--file-system", "--", place.whole)
        self._checked(place, "rm", "-rf", "--", place.staging(self.order.uuid))
        self.children.capture(place.who, ["rmdir", "--ignore-fail-on-non-empty", "--", f"{place.root}/{STAGING}"])
        return {"digest": digest, "files": files}

    def _stamp(self, place: Place) -> str:
        """What changes where anything is written: sizes, times (ctime, which nobody can set) and inodes."""
        return self._digest_of(place, ("-printf", "%P %y %s %T@ %C@ %i\\0"))

    def _digest_of(
        self, place: Place, *searches: Sequence[str], also: Callable[[bytes], None] = lambda _part: None
    ) -> str:
        """SHA-256 of what find says, sorted. sort(1) needs no more memory for a million files than for ten."""
        ours = AsUser("", (), {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C"})
        list_ = self.notes / f"{self.order.uuid}.list"
        whole = hashlib.sha256()
        try:
            with list_.open("wb") as file:

                def read(part: bytes) -> None:
                    file.write(part)
                    also(part)

                for words in searches:
                    self._find(place, words, read)
            asked = ["sort", "-z", f"--temporary-directory={self.notes}", "--", str(list_)]
            ended = self.children.run(ours, asked, read=whole.update)
            if ended.code != 0:
                raise Fault(_fault_of(ended, "failed"), ended.said)
        finally:
            list_.unlink(missing_ok=True)
        return whole.hexdigest()

    @property
    def _note(self) -> Path:
        return self.notes / f"{self.order.uuid}.json"

    def _remove(self) -> dict[str, Any]:
        """Remove the original, if it still is what was checked."""
        try:
            note = json.loads(self._note.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise Fault("unchecked") from None
        try:
            place = self._place()
        except Fault as fault:
            if fault.code == "missing" and note["removing"]:
                self._note.unlink(missing_ok=True)
                return {}
            raise
        if not note["removing"]:
            if self._stamp(place) != note["stamp"]:
                raise Fault("changed-since")
            write_whole(self._note, {**note, "removing": True})
        self._checked(place, "rm", "-rf", "--one-file-system", "--", place.whole, fault="denied")
        self._note.unlink(missing_ok=True)
        return {}


def _fault_of(ended: Ended, otherwise: str) -> str:
    said = ended.said
    if "No space left" in said or "quota exceeded" in said:
        return "no-room"
    if "Permission denied" in said or "Operation not permitted" in said:
        return "denied"
    if "No such file" in said and ended.code != 127:
        return "missing"
    return otherwise
