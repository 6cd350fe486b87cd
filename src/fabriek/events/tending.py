"""What `fabriek work` does for events: participants are reminded, told what is to be told, and erased in time."""

from __future__ import annotations

import logging
import threading
import time

from django.db import close_old_connections

from fabriek.events.actions import forget_participants, mail_notices, note_reminders

PAUSE = 2.0
"""Seconds between two looks at what is to be mailed."""
LOOK_EVERY = 60.0
"""Seconds between two looks at what starts soon, and whose day to be erased has come."""

_log = logging.getLogger("fabriek.events")


def tend(stopped: threading.Event) -> None:
    """Until told to stop. Trouble (a full disk, a database that is away) is logged, and tried again a minute later."""
    looked = float("-inf")
    while not stopped.is_set():
        try:
            close_old_connections()
            if time.monotonic() - looked >= LOOK_EVERY:
                looked = time.monotonic()
                forget_participants()
                note_reminders()
            mail_notices()
        except Exception:
            _log.exception("events could not be tended")
            stopped.wait(LOOK_EVERY)
        stopped.wait(PAUSE)


def tend_once() -> int:
    """All of it, as it is now; how many mails."""
    forget_participants()
    note_reminders()
    return mail_notices()
