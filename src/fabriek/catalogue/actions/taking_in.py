"""Records that come from elsewhere: the reference catalogue and what is harvested. Said twice, they are one entry."""

from __future__ import annotations

from typing import Literal

from django.db import transaction

from fabriek.audit.actions import record as audited
from fabriek.catalogue.actions.writing import write_record, write_version
from fabriek.catalogue.models import Entry, EntryState
from fabriek.catalogue.record import Record

Taken = Literal["added", "changed", "same", "kept"]


def take_in(record: Record, origin: str, identifier: str, *, reference: bool = False, demo: bool = False) -> Taken:
    """Add or refresh the entry that `origin` names `identifier`, published at once: its source has published it.

    'kept': somebody here has taken the entry over (it has a steward) or retired it, so that what the source says stays
    outside. A code that another entry has gets a number at its end. One transaction; errors: RecordInvalid.
    """
    with transaction.atomic():
        entry = Entry.objects.select_for_update().filter(origin=origin, origin_identifier=identifier).first()
        if entry is None:
            entry = Entry(origin=origin, origin_identifier=identifier, is_reference=reference, is_demo=demo)
            entry.code = _free_code(record.code)
            taken: Taken = "added"
        elif entry.steward_id is not None or entry.state == EntryState.RETIRED:
            return "kept"
        else:
            taken = "changed"
        record = record.model_copy(update={"code": entry.code})
        if taken == "changed" and entry.sha256 == record.sha256():
            return "same"
        write_record(entry, record)
        write_version(entry, None)
        audited(None, "catalogue.take_in", entry, origin=origin, taken=taken, sha256=entry.sha256)
    return taken


def _free_code(wanted: str) -> str:
    """The code itself, or with the first number from 2 that makes it free."""
    taken = set(Entry.objects.filter(code__startswith=wanted[:110]).values_list("code", flat=True))
    code, number = wanted, 1
    while code in taken:
        number += 1
        code = f"{wanted[:110].rstrip('-')}-{number}"
    return code
