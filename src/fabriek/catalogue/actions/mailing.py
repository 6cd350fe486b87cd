"""Mail to the owners of profiles. A mail that can't be sent undoes nothing: their pages say the same."""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.utils import translation

from fabriek.people.models import Person

_log = logging.getLogger("fabriek.catalogue")


def mail(person: Person | None, words: Callable[[], tuple[str, str]], *, reply_to: str = "") -> None:
    """Mail somebody once the transaction stands. words: subject and text, in the language that is set when it's called.
    Nobody of the demonstration and nobody whose account is closed is mailed."""
    if person is None or person.is_demo or not person.is_active:
        return

    def send() -> None:
        with translation.override(person.language):
            subject, text = words()
            letter = EmailMessage(
                " ".join(subject.split()),
                text,
                settings.DEFAULT_FROM_EMAIL,
                [person.email],
                reply_to=[reply_to] if reply_to else None,
            )
            try:
                letter.send()
            except OSError:
                _log.exception("mail to %s about a profile", person.email)

    transaction.on_commit(send)
