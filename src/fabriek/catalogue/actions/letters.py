"""Writing to the owner of a profile through the platform, who gets it by mail and answers where they like."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from fabriek.audit.actions import record as audited
from fabriek.catalogue.actions.mailing import mail
from fabriek.catalogue.consents import agrees
from fabriek.catalogue.errors import RecordInvalid, TooManyLetters
from fabriek.catalogue.models import Entry, EntryState, Letter, Purpose
from fabriek.catalogue.rules import PROFILES, is_owner, owner_of
from fabriek.conf.amounts import number_text
from fabriek.conf.errors import NotAllowed, NotFound
from fabriek.people.models import Person

LONGEST = 5_000
MOST_A_DAY = 10
"""Letters of one sender in 24 hours, of which MOST_TO_ONE to the same profile."""
MOST_TO_ONE = 2
KEPT = timedelta(days=365)
"""How long letters are kept here; what was mailed is the owner's."""


def write_to(actor: Person, entry: Entry, text: str) -> Letter:
    """Write to the owner of a published profile who agreed to be written to. They get the sender's name and address,
    the sender doesn't get theirs.

    The same again within a day is the same letter. Errors: NotAllowed; NotFound where the owner didn't agree;
    RecordInvalid; TooManyLetters.
    """
    text = text.strip()
    if not actor.is_active:
        raise NotAllowed(_("Your account is closed."))
    owner = owner_of(entry)
    if not may_be_written_to(entry) or is_owner(actor, entry) or owner is None:
        raise NotFound(_("This profile is not written to through the platform."))
    if not text or len(text) > LONGEST or "\x00" in text:
        sentence = _("Write what it is about, in at most %(most)s characters.") % {"most": number_text(LONGEST)}
        raise RecordInvalid(_("Mend the fields that are named."), faults={"text": [sentence]})
    with transaction.atomic():
        # One at a time for each sender: a form that is sent twice writes once.
        Person.objects.select_for_update().get(pk=actor.pk)
        today = Letter.objects.filter(sender=actor, sent_at__gt=timezone.now() - timedelta(days=1))
        known = today.filter(entry=entry, text=text).first()
        if known is not None:
            return known
        if today.count() >= MOST_A_DAY or today.filter(entry=entry).count() >= MOST_TO_ONE:
            raise TooManyLetters(
                _("You wrote %(most)s letters in a day, or %(one)s to the same profile. Write again tomorrow.")
                % {"most": MOST_A_DAY, "one": MOST_TO_ONE},
                limit=MOST_A_DAY,
            )
        made = Letter.objects.create(entry=entry, sender=actor, text=text)
        # That somebody wrote, and not what: more people read the audit than a letter.
        audited(actor, "catalogue.write_to", entry)
        mail(owner, partial(_letter, actor, entry.title, text), reply_to=actor.email)
    return made


def may_be_written_to(entry: Entry) -> bool:
    """Whether its owner agreed to be written to, and it is shown. One query."""
    return entry.kind in PROFILES and entry.state == EntryState.PUBLISHED and agrees(entry, Purpose.CONTACT)


def forget_old_letters(now: datetime | None = None) -> int:
    """Erase what is older than KEPT. How many."""
    return Letter.objects.filter(sent_at__lt=(now or timezone.now()) - KEPT).delete()[0]


def _letter(sender: Person, title: str, text: str) -> tuple[str, str]:
    who = f"{sender.name}, {sender.organisation}" if sender.organisation else sender.name
    told = _(
        "%(who)s wrote to you about “%(title)s” in the catalogue. They don't know your address; if you answer this "
        "mail, they do."
    ) % {"who": who, "title": title}
    stop = _("You decide whether you are written to: %(page)s") % {
        "page": f"{settings.FABRIEK_BASE_URL}/catalogue/profiles/"
    }
    return _("A letter about %(title)s") % {"title": title}, f"{told}\n\n{text}\n\n{stop}"
