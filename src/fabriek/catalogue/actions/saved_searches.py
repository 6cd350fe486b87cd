"""Searches that somebody keeps: saved, forgotten, and told of when there is something new. Nothing is told twice."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.core.mail import send_mail
from django.db import IntegrityError, transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from fabriek.audit.actions import record as audited
from fabriek.catalogue.asked import Asked
from fabriek.catalogue.errors import SearchInvalid
from fabriek.catalogue.models import Notice, SavedSearch
from fabriek.catalogue.search import feeding
from fabriek.catalogue.search.finding import search_for
from fabriek.conf.errors import NotAllowed
from fabriek.people.models import Person
from fabriek.people.permissions import require

MOST_SEARCHES = 50
MOST_NEWS = 100
"""Of one search at a time; the rest is found by looking."""
MAIL_EVERY = timedelta(hours=20)
"""So that a harvest of thousands is one mail a day."""
LOOKED_AGAIN = timedelta(minutes=10)
"""What was published shortly before the last look is looked at again: a change may be seen after a later one."""

_log = logging.getLogger("fabriek.catalogue")


def save_search(actor: Person, name: str, asked: Asked) -> SavedSearch:
    """Keep a search under a name. What is new is always looked for exactly: a slip would tell of what wasn't asked.

    Saving the same again changes nothing. Errors: NotAllowed; SearchInvalid with the fields' faults.
    """
    require(actor, "describe entries")
    name = _checked(name, asked)
    found = SavedSearch.objects.filter(person=actor, name=name).first()
    if found is not None and found.asked == asked.said():
        return found
    if found is None and actor.saved_searches.count() >= MOST_SEARCHES:
        raise _faulty("name", _("You keep %(number)s searches. Forget one first.") % {"number": MOST_SEARCHES})
    made = SavedSearch(person=actor, name=name, asked=asked.said())
    _write(actor, made, "catalogue.save_search")
    return made


def change_search(actor: Person, search: SavedSearch, name: str, asked: Asked) -> SavedSearch:
    """Call it otherwise, or have it look for something else: then what the old one found is forgotten, and news is what
    is published from now on. The same changes nothing. Errors: NotAllowed; SearchInvalid with the fields' faults.
    """
    _refuse_stranger(actor, search)
    name = _checked(name, asked)
    if (search.name, search.asked) == (name, asked.said()):
        return search
    with transaction.atomic():
        if search.asked != asked.said():
            search.notices.all().delete()
            search.asked, search.created_at, search.told_until = asked.said(), timezone.now(), timezone.now()
        search.name = name
        _write(actor, search, "catalogue.change_search")
    return search


def forget_search(actor: Person, search: SavedSearch) -> None:
    """Keep it no longer. Errors: NotAllowed."""
    _refuse_stranger(actor, search)
    with transaction.atomic():
        audited(actor, "catalogue.forget_search", search)
        search.delete()


def see_news(actor: Person, search: SavedSearch) -> int:
    """Its owner has seen what is new. How much was. Errors: NotAllowed."""
    _refuse_stranger(actor, search)
    return search.notices.filter(seen_at=None).update(seen_at=timezone.now())


def look_for_news() -> int:
    """Note for each saved search what was published since it was last looked for. How much is new.

    May be killed anywhere and repeated: a notice is there once for each entry, and how far it came is written with it.
    """
    return sum(_look(search) for search in SavedSearch.objects.filter(person__is_active=True).select_related("person"))


def mail_news(now: datetime | None = None) -> int:
    """Mail people what is new and not seen, at most once in MAIL_EVERY. How many mails.

    What was mailed is marked in the transaction in which the mail leaves: where it can't, it's tried again.
    """
    now = now or timezone.now()
    waiting = Notice.objects.filter(mailed_at=None, seen_at=None, search__person__is_active=True)
    people = Person.objects.filter(pk__in=waiting.values("search__person")).exclude(
        pk__in=Notice.objects.filter(mailed_at__gt=now - MAIL_EVERY).values("search__person")
    )
    return sum(_mail(person, now) for person in people)


def _look(search: SavedSearch) -> int:
    reached = feeding.reached() or timezone.now()
    if reached <= search.told_until:
        return 0
    since = max(search.created_at, search.told_until - LOOKED_AGAIN)
    asked = Asked.of(search.asked)
    found = search_for(asked.q, asked.narrowed, search.person.language, strict=True, since=since)
    hits = [hit for hit in found[:MOST_NEWS] if (hit.entry.published_at or hit.entry.changed_at) >= since]
    with transaction.atomic():
        before = search.notices.count()
        Notice.objects.bulk_create([Notice(search=search, entry=hit.entry) for hit in hits], ignore_conflicts=True)
        SavedSearch.objects.filter(pk=search.pk).update(told_until=reached)
        return search.notices.count() - before


def _mail(person: Person, now: datetime) -> int:
    with translation.override(person.language):
        try:
            with transaction.atomic():
                waiting = Notice.objects.filter(search__person=person, mailed_at=None, seen_at=None)
                told = list(waiting.select_for_update(of=("self",)).select_related("search", "entry"))
                # Retired since: nothing to tell.
                news = [one for one in told if one.entry.state == "published"]
                Notice.objects.filter(pk__in=[one.pk for one in told]).update(mailed_at=now)
                if not news or person.is_demo:
                    return 0
                subject = _("New in the catalogue: %(number)s") % {"number": len(news)}
                send_mail(subject, _letter(news), settings.DEFAULT_FROM_EMAIL, [person.email])
        except OSError:
            _log.exception("mail to %s about saved searches", person.email)
            return 0
    return 1


def _letter(news: Iterable[Notice]) -> str:
    by_search: dict[SavedSearch, list[Notice]] = {}
    for one in news:
        by_search.setdefault(one.search, []).append(one)
    base = settings.FABRIEK_BASE_URL
    parts = [_("What your saved searches found since they last told you:")]
    for search, notices in by_search.items():
        lines = [f"- {one.entry.title}\n  {base}/catalogue/entries/{one.entry.code}/" for one in notices]
        parts.append("\n".join([f"{search.name}: {base}/catalogue/?{search.query}", *lines]))
    return "\n\n".join(parts)


def _refuse_stranger(actor: Person, search: SavedSearch) -> None:
    if search.person_id != actor.pk:
        raise NotAllowed(_("This search is somebody else's."))


def _checked(name: str, asked: Asked) -> str:
    """The name without space around it. Errors: SearchInvalid."""
    if not (name := name.strip()) or len(name) > 200:
        raise _faulty("name", _("Give it a name of at most 200 characters."))
    if not asked.said():
        raise _faulty("q", _("Say what to look for: a word, or a choice."))
    return name


def _write(actor: Person, search: SavedSearch, verb: str) -> None:
    try:
        with transaction.atomic():
            search.save()
            audited(actor, verb, search, asked=search.asked)
    except IntegrityError as error:
        raise _faulty("name", _("You keep another search of this name.")) from error


def _faulty(field: str, sentence: str) -> SearchInvalid:
    return SearchInvalid(_("Mend the fields that are named."), faults={field: [sentence]})
