"""An agent at work: alone in its folder, round after round."""

from __future__ import annotations

import fcntl
import os
import signal
import stat
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from fabriek.compute.agent.errors import TROUBLES, AgentError, AlreadyRunning, sentence_of
from fabriek.compute.agent.rounds import Agent
from fabriek.compute.agent.summary import RoundSummary


class Lock:
    """Lets one agent at a time work in a folder, and nobody else look into it: it tells who may use what, and what
    everybody's jobs used. The system lets go of it when the process ends, however it ends. Errors: AlreadyRunning;
    AgentError for a folder of everybody's, such as /tmp."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        mode = folder.stat().st_mode
        if mode & stat.S_ISVTX:
            raise AgentError(f"{folder} is a folder of everybody's. Give the agent one of its own.")
        # Made by hand, or by an agent of before, others could look into it.
        if mode & 0o077:
            folder.chmod(0o700)
        self._file = os.open(folder / "agent.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._file)
            raise AlreadyRunning(
                f"Another agent works in {folder}. Stop it first, or give this one its own folder."
            ) from None

    def release(self) -> None:
        """Let another agent in."""
        os.close(self._file)


def run(agent: Agent, interval: float, tell: Callable[[RoundSummary], None]) -> None:
    """Round after round until SIGTERM or SIGINT, which ends it after the round at hand."""
    stop: list[int] = []

    def asked(number: int, _frame: FrameType | None) -> None:
        stop.append(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, asked)
    while not stop:
        began = time.monotonic()
        try:
            summary = agent.round()
        except TROUBLES as error:
            # No platform, an answer that makes no sense, or no room on the disk: what was done stays done, and the
            # next round goes on from there.
            summary = RoundSummary(error=sentence_of(error, agent.folder))
        tell(summary)
        while not stop and time.monotonic() - began < interval:
            time.sleep(min(0.2, interval))
