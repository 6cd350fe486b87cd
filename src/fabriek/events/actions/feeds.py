"""One's own calendar: an address that is a secret, and can be made anew."""

from __future__ import annotations

import secrets

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from fabriek.audit.actions import record
from fabriek.conf.errors import NotAllowed
from fabriek.events.models import Feed
from fabriek.events.rules import digest_of
from fabriek.people.models import Person


@transaction.atomic
def renew_feed(actor: Person) -> str:
    """The secret of one's own calendar's address, made anew: told once, of which the digest is kept. What was told
    before opens nothing any more. Errors: NotAllowed."""
    if not actor.is_active:
        raise NotAllowed(_("Your account is closed."))
    secret = secrets.token_urlsafe(32)
    made, _created = Feed.objects.update_or_create(
        person=actor, defaults={"digest": digest_of(secret), "made_at": timezone.now()}
    )
    record(actor, "events.renew_feed", made)
    return secret
