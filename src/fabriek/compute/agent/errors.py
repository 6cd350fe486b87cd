"""What may stop an agent, or one thing that it does, and how it is told."""

from __future__ import annotations

import errno
import sqlite3
from pathlib import Path

from fabriek.compute.engine import EngineError


class AgentError(Exception):
    """The platform can't be talked to; the sentence says what to look at."""


class PlatformRefused(AgentError):
    """The platform won't take this one request; others may go on."""


class AlreadyRunning(AgentError):
    """Another agent works in this folder."""


TROUBLES = (AgentError, EngineError, OSError, sqlite3.Error, ValueError)
"""What may stop a round, or an agent before its first: the platform, the scheduler, the disk, a file that makes no
sense."""


def sentence_of(error: Exception, folder: Path) -> str:
    """What stopped it, and what becomes of what it has."""
    full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
    if full or (isinstance(error, sqlite3.Error) and "disk is full" in str(error)):
        return f"The agent can't write in {folder}: the disk is full. Nothing is lost; it goes on once there is room."
    if isinstance(error, OSError | sqlite3.Error):
        return f"The agent can't work in {folder}: {error}. Nothing is lost; it goes on once that is mended."
    return str(error)
