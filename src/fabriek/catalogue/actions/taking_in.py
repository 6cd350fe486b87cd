"""Records that come from elsewhere: the reference catalogue and what is harvested. Said twice, they are one entry."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from fabriek.audit.actions import record as audited
from fabriek.catalogue.actions.writing import free_code, write_record, write_version
from fabriek.catalogue.errors import RecordInvalid
from fabriek.catalogue.models import Entry, EntryState
from fabriek.catalogue.record import Record
from fabriek.catalogue.rules import PROFILES

Taken = Literal["added", "changed", "same", "kept"]


def take_in(
    record: Record,
    origin: str,
    identifier: str,
    *,
    reference: bool = False,
    demo: bool = False,
    returned: bool = False,
) -> Taken:
    """Add or refresh the entry that `origin` names `identifier`, published at once: its source has published it.

    'kept': somebody here has taken the entry over (it has a steward) or retired it, so that what the source says stays
    outside. returned: it was retired because its source had lost it (`retire_gone`), and is there again. A code that
    another entry has gets a number at its end. One transaction; errors: RecordInvalid, also of profiles: nobody is
    taken in who didn't agree here.
    """
    if record.kind in PROFILES:
        sentence = _("Of people and their ventures nothing is taken in: they describe themselves.")
        raise RecordInvalid(sentence, faults={"details.kind": [sentence]})
    with transaction.atomic():
        entry = Entry.objects.select_for_update().filter(origin=origin, origin_identifier=identifier).first()
        if entry is None:
            entry = Entry(origin=origin, origin_identifier=identifier, is_reference=reference, is_demo=demo)
            entry.code = free_code(record.code)
            taken: Taken = "added"
        elif entry.steward_id is not None or (entry.state == EntryState.RETIRED and not returned):
            return "kept"
        else:
            taken = "changed"
        record = record.model_copy(update={"code": entry.code})
        if taken == "changed" and entry.sha256 == record.sha256() and entry.state == EntryState.PUBLISHED:
            return "same"
        write_record(entry, record)
        write_version(entry, None)
        audited(None, "catalogue.take_in", entry, origin=origin, taken=taken, sha256=entry.sha256)
    return taken


@transaction.atomic
def retire_gone(origin: str, identifiers: Iterable[str]) -> list[str]:
    """Retire what `origin` no longer has. Returns the identifiers of the entries that were retired: what somebody here
    has taken over stays. Two queries and an audit entry each."""
    gone = list(
        Entry.objects.select_for_update().filter(
            origin=origin, origin_identifier__in=list(identifiers), steward=None, state=EntryState.PUBLISHED
        )
    )
    Entry.objects.filter(pk__in=[entry.pk for entry in gone]).update(
        state=EntryState.RETIRED, remark="Its source no longer has it.", changed_at=timezone.now()
    )
    for entry in gone:
        audited(None, "catalogue.retire_gone", entry, origin=origin)
    return [entry.origin_identifier for entry in gone]
