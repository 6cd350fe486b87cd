"""That a venture's page was looked at, for the venture to see; and forgetting it in time.

Who is signed in is told before that their name is told, and is noted only then (`look`). Of others is counted that they
came: a digest tells two visitors of one day apart. It is made with a salt that is thrown away when the day is over, so
that no address can be found back from it, and no cookie is set. Machines don't count, nor do the venture's own people.
"""

from __future__ import annotations

import hashlib
import logging
import re
import secrets
from datetime import date, timedelta

from django.db import DatabaseError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from fabriek.catalogue.models import DaySalt, Entry, EntryState, Look
from fabriek.conf.errors import NotAllowed, NotFound
from fabriek.people.models import Person
from fabriek.projects.rules import is_member

KEPT = timedelta(days=365)
"""How long looks are kept."""
_log = logging.getLogger("fabriek.catalogue")
# What programs say that they are (their User-Agent). Who says nothing is one too.
_PROGRAM = re.compile(
    r"bot|crawl|spider|slurp|archive|preview|monitor|validator|headless|lighthouse|curl|wget|python|java/|okhttp|axios"
    r"|go-http|node|ruby|perl|libwww|httpx?/|facebookexternalhit|scan",
    re.IGNORECASE,
)


def look(actor: Person, entry: Entry) -> Look | None:
    """Note that somebody looks who was told that the venture sees it. Once a day; None: it is their own venture.

    Errors: NotAllowed; NotFound where the entry is no published venture.
    """
    _refuse_others(entry)
    if not actor.is_active:
        raise NotAllowed(_("Your account is closed."))
    if is_own(actor, entry):
        return None
    # Not in the audit, which forgets nothing: looks are forgotten after a time that was said.
    return Look.objects.get_or_create(entry=entry, person=actor, day=timezone.now().date())[0]


def count_visitor(entry: Entry, *, address: str, agent: str) -> bool:
    """Count that somebody came who isn't signed in. Whether it counted: programs don't, nor who came before that day.

    address, agent: what the request says of where it came from; neither is kept. Trouble of the database keeps nobody
    from the page. Errors: NotFound as `look`.
    """
    _refuse_others(entry)
    if is_program(agent):
        return False
    today = timezone.now().date()
    try:
        with transaction.atomic():
            digest = hashlib.sha256(f"{_salt_of(today)} {entry.pk} {address} {agent}".encode()).hexdigest()
            return Look.objects.get_or_create(entry=entry, visitor=digest, day=today)[1]
    except DatabaseError:
        _log.exception("a look at %s was not counted", entry.code)
        return False


def is_own(person: Person, entry: Entry) -> bool:
    """Whether the venture is this person's: they wrote it, or are in its project. One query at most."""
    return entry.steward_id == person.pk or (entry.project is not None and is_member(person, entry.project))


def is_program(agent: str) -> bool:
    """Whether a request's User-Agent is that of a program, or none."""
    return not agent.strip() or bool(_PROGRAM.search(agent))


def forget_old_looks(today: date | None = None) -> int:
    """Erase what is older than KEPT, and the salts of days that are over. How many looks."""
    today = today or timezone.now().date()
    DaySalt.objects.filter(day__lt=today).delete()
    return Look.objects.filter(day__lt=today - KEPT).delete()[0]


def _salt_of(day: date) -> str:
    """One for all visitors of a day. Whoever comes first makes it, and throws those of other days away."""
    made, is_new = DaySalt.objects.get_or_create(day=day, defaults={"salt": secrets.token_hex(32)})
    if is_new:
        DaySalt.objects.exclude(day=day).delete()
    return made.salt


def _refuse_others(entry: Entry) -> None:
    if entry.kind != "venture" or entry.state != EntryState.PUBLISHED:
        raise NotFound(_("This is no venture that is shown."))
