"""Reads of the catalogue."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, QuerySet
from django.utils.translation import gettext as _

from fabriek.catalogue.models import Entry, EntryState
from fabriek.catalogue.rules import may_read
from fabriek.conf.errors import NotFound


def published() -> QuerySet[Entry]:
    """What all may see, by title."""
    return Entry.objects.filter(state=EntryState.PUBLISHED).select_related("factory")


def entry_of(person: Any, code: str) -> Entry:
    """The entry of this code. Errors: NotFound, the same whether it isn't there or isn't for this person. One query."""
    found = Entry.objects.select_related("factory", "steward", "organisation", "result__job").filter(code=code).first()
    if found is None or not may_read(person, found):
        raise NotFound(_("There is no entry %(code)s in the catalogue.") % {"code": code})
    return found


def counts_by_kind() -> dict[str, int]:
    """How many entries of each kind are published. One query."""
    return dict(published().order_by().values_list("kind").annotate(n=Count("id")))


def to_curate() -> QuerySet[Entry]:
    """What waits for a curator, the longest first."""
    return Entry.objects.exclude(asked_at=None).select_related("steward", "organisation").order_by("asked_at")
