"""Commands that may take hours: run as their user, read while they run, stopped at any moment, never left behind."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from fabriek.compute.engine import AsUser

_KEPT = 8_192
_PATIENCE = 10.0
MARK = "FABRIEK_TRANSFER"


class Stopped(Exception):
    """Somebody doesn't want it any more."""


@dataclass(frozen=True)
class Ended:
    """Exit status (negative: the signal; 127 where the command isn't there), and the last of standard error."""

    code: int
    said: str


class Children:
    """The commands of one transfer, one after the other. `stop` may be called from another thread."""

    def __init__(self, uuid: str) -> None:
        self._uuid = uuid
        self._stop = threading.Event()

    def stop(self) -> None:
        """End what runs, and start nothing more."""
        self._stop.set()

    def pause(self, seconds: float) -> None:
        """Errors: Stopped."""
        if self._stop.wait(seconds):
            raise Stopped

    def run(
        self, who: AsUser, words: Sequence[str], *, inside: str = "", read: Callable[[bytes], None] | None = None
    ) -> Ended:
        """Run a command as somebody, in a folder of theirs. `read` gets what it prints, as it comes. Errors: Stopped.

        Where this process is killed, nobody reads any more and the command ends at its next word (EPIPE); what lingers
        is found by its mark, see `end_leftovers`.
        """
        if self._stop.is_set():
            raise Stopped
        into = ["env", f"--chdir={inside}"] if inside else ["env"]
        whole = [*who.before, *into, f"{MARK}={self._uuid}", *words]
        try:
            process = subprocess.Popen(
                whole,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=who.environment,
                cwd="/",
                start_new_session=True,
            )
        except OSError as error:
            return Ended(127, str(error))
        with process:
            said = self._follow(process, read or (lambda _part: None))
        return Ended(process.returncode, said)

    def capture(self, who: AsUser, words: Sequence[str], *, inside: str = "") -> tuple[Ended, bytes]:
        """As `run`, with all that it printed: for what is short."""
        parts: list[bytes] = []
        ended = self.run(who, words, inside=inside, read=parts.append)
        return ended, b"".join(parts)

    def _follow(self, process: subprocess.Popen[bytes], read: Callable[[bytes], None]) -> str:
        said = b""
        try:
            with selectors.DefaultSelector() as ready:
                for stream in filter(None, (process.stdout, process.stderr)):
                    ready.register(stream, selectors.EVENT_READ)
                while ready.get_map():
                    if self._stop.is_set():
                        raise Stopped
                    for key, _events in ready.select(0.2):
                        part = os.read(key.fd, 65_536)
                        if not part:
                            ready.unregister(key.fileobj)
                        elif key.fileobj is process.stdout:
                            read(part)
                        else:
                            said = (said + part)[-_KEPT:]
            process.wait()
        except BaseException:
            _end(process)
            self._end_children()
            raise
        return said.decode(errors="replace").strip()

    def _end_children(self) -> None:
        """rsync's other half may still be putting away what it has."""
        mark, last = _mark(self._uuid), time.monotonic() + _PATIENCE
        while _marked(mark) and time.monotonic() < last:
            time.sleep(0.05)
        end_leftovers(self._uuid)


def _mark(uuid: str) -> bytes:
    return f"{MARK}={uuid}".encode()


def _end(process: subprocess.Popen[bytes]) -> None:
    """SIGTERM lets rsync keep what it has of a file; then SIGKILL. A command of sudo's isn't ours to signal: it ends
    when nobody reads it."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(OSError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_PATIENCE)
            break
    for stream in (process.stdout, process.stderr):
        if stream is not None:
            stream.close()
    process.wait()


def end_leftovers(uuid: str, patience: float = 30.0) -> bool:
    """End what an agent that was killed left running for this transfer; whether nothing runs any more.

    Two copies into one place at once would spoil each other's half files.
    """
    began = time.monotonic()
    while left := _marked(_mark(uuid)):
        for pid in left:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        if time.monotonic() - began > patience:
            return False
        time.sleep(0.05)
    return True


def _marked(mark: bytes) -> list[int]:
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and int(folder.name) != os.getpid():
            with contextlib.suppress(OSError):
                if mark in (folder / "environ").read_bytes().split(b"\0"):
                    found.append(int(folder.name))
    return found
