"""What `fabriek work` does for the catalogue: the index follows the database, saved searches tell what is new, and what
profiles were promised is kept."""

from __future__ import annotations

import logging
import threading
import time

from django.db import close_old_connections

from fabriek.catalogue.actions.saved_searches import look_for_news, mail_news
from fabriek.catalogue.actions.upkeep import keep_promises
from fabriek.catalogue.search import feeding
from fabriek.catalogue.search.index import Broken

PAUSE = 1.0
"""Seconds between two looks at what changed."""
NEWS_EVERY = 60.0
WHOLE_EVERY = 3_600.0

_log = logging.getLogger("fabriek.catalogue")


def tend(stopped: threading.Event) -> None:
    """Until told to stop. Trouble (a full disk, a database that is away) is logged, and tried again a minute later."""
    whole = news = float("-inf")
    while not stopped.is_set():
        now = time.monotonic()
        try:
            close_old_connections()
            if now - whole >= WHOLE_EVERY:
                feeding.reconcile()
                whole = now
            feeding.follow(overlap=feeding.OVERLAP)
            if now - news >= NEWS_EVERY:
                keep_promises()
                tell()
                news = now
        except Broken:
            feeding.forget()
            whole = float("-inf")
        except Exception:
            _log.exception("the search index could not be tended")
            stopped.wait(NEWS_EVERY)
        stopped.wait(PAUSE)


def tend_once() -> None:
    """What may no longer be shown taken out, the index as the database is now, and what is new told."""
    keep_promises()
    feeding.reconcile()
    tell()


def tell() -> int:
    """Look for what is new to saved searches, and mail it. How much was new."""
    found = look_for_news()
    mail_news()
    return found
