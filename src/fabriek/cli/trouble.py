"""Trouble of the machine, in the words of somebody at a terminal."""

from __future__ import annotations

_SENTENCES = {
    "disk-full": "The disk is full: nothing more could be written. Make room and do it again; what was kept stays.",
    "busy": "The database is locked by another program. Do it again in a minute; nothing of this was kept.",
    "database-away": "The database can't be reached. See that it runs and do it again; nothing of this was kept.",
}


def sentence_of(error: Exception) -> str | None:
    """What to do about this error; None: it isn't the machine's trouble.

    Of its own and not the platform's: those sentences are for who asks over the web, and translated by settings that
    the pure tools don't read.
    """
    # Here, because the pure tools start without Django.
    from fabriek.conf.trouble import trouble_of

    trouble = trouble_of(error)
    return None if trouble is None else _SENTENCES[trouble.slug]
