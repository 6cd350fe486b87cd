"""Trouble of the machine under the platform, in words: the disk is full, the database busy, it or a storage away."""

from __future__ import annotations

import errno
from dataclasses import dataclass

from django.db import DatabaseError, InterfaceError, OperationalError
from django.utils.translation import gettext_lazy as _


class StorageAway(OSError):
    """The storage of uploaded files can't be reached, or refuses what it is asked."""


@dataclass(frozen=True)
class Trouble:
    """status: of HTTP. slug: of the API's problem. sentence: what to do."""

    status: int
    slug: str
    sentence: object


_FULL = Trouble(
    507,
    "disk-full",
    _("The platform can't write: its disk is full. Nothing of this was kept; send it again once there is room."),
)
_BUSY = Trouble(503, "busy", _("The platform is busy. Nothing of this was kept; try again in a minute."))
_AWAY = Trouble(503, "database-away", _("The platform's database can't be reached. Try again in a few minutes."))
_STORAGE = Trouble(
    503,
    "storage-away",
    _("The storage of the files can't be reached. Nothing of this was kept; try again in a few minutes."),
)


def trouble_of(error: BaseException) -> Trouble | None:
    """What of the machine's troubles this error is; None: it is something else, a mistake of ours.

    SQLite says 'database or disk is full' (SQLITE_FULL) and 'database is locked' (SQLITE_BUSY); PostgreSQL
    'No space left on device' (53100), 'could not connect', 'server closed the connection'.
    """
    if isinstance(error, StorageAway):
        return _STORAGE
    if isinstance(error, OSError):
        return _FULL if error.errno in (errno.ENOSPC, errno.EDQUOT) else None
    if not isinstance(error, DatabaseError | InterfaceError):
        return None
    said = str(error).lower()
    if "disk is full" in said or "no space left" in said or "disk i/o error" in said:
        return _FULL
    if "is locked" in said or "deadlock" in said or "could not serialize" in said:
        return _BUSY
    if isinstance(error, OperationalError | InterfaceError) and "connect" in said:
        return _AWAY
    return None
