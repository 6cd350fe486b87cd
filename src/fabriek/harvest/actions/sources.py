"""What is harvested: an officer adds a source, lets it sleep, or has it asked at once."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from fabriek.audit.actions import record as audited
from fabriek.catalogue.standards.reading import StandardBroken
from fabriek.conf.checking import checked, refuse_otherwise
from fabriek.harvest.errors import SourceInvalid
from fabriek.harvest.models import Source, SourceKind
from fabriek.harvest.readers import READERS, Asked
from fabriek.people.models import Person
from fabriek.people.permissions import require

MOST_HOURS = 24 * 366


@transaction.atomic
def add_source(
    actor: Person, *, code: str, name: str, kind: str, address: str, part: str = "", every_hours: int = 24, **more: Any
) -> Source:
    """Have a catalogue asked from now on. The same again changes nothing.

    Errors: NotAllowed; SourceInvalid with what doesn't hold; KnownOtherwise where the code is another one's.
    """
    require(actor, "harvest")
    said = {"name": name.strip(), "kind": kind, "address": address.strip(), "part": part.strip()}
    known = Source.objects.filter(code=code).first()
    if known is not None:
        refuse_otherwise(known, said)
        return known
    source = Source(code=code, every_hours=every_hours, **said, **more)
    _check(source)
    source.save()
    audited(actor, "harvest.add_source", source, **said, every_hours=every_hours)
    return source


@transaction.atomic
def change_source(
    actor: Person, source: Source, *, is_active: bool | None = None, every_hours: int | None = None
) -> Source:
    """Let it sleep or wake it, or have it asked more or less often. Errors: NotAllowed, SourceInvalid."""
    require(actor, "harvest")
    held = Source.objects.select_for_update().get(pk=source.pk)
    if is_active is not None:
        held.is_active = is_active
    if every_hours is not None:
        held.every_hours = every_hours
    _check(held)
    held.save(update_fields=["is_active", "every_hours"])
    audited(actor, "harvest.change_source", held, is_active=held.is_active, every_hours=held.every_hours)
    return held


@transaction.atomic
def ask_soon(actor: Person, source: Source, *, accept_losses: bool = False) -> Source:
    """Have it asked by the worker at its next look. accept_losses: what it no longer names is gone, however much.

    Errors: NotAllowed, SourceInvalid where it sleeps.
    """
    require(actor, "harvest")
    held = Source.objects.select_for_update().get(pk=source.pk)
    if not held.is_active:
        raise SourceInvalid(_("%(name)s sleeps. Wake it first.") % {"name": held.name})
    held.next_run, held.accepts_losses = timezone.now(), accept_losses
    held.save(update_fields=["next_run", "accepts_losses"])
    audited(actor, "harvest.ask_soon", held, accept_losses=accept_losses)
    return held


def _check(source: Source) -> None:
    faults: dict[str, list[str]] = {}
    parts = urlsplit(source.address)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
        faults["address"] = [_("Give an address that starts with https://, without a name and password in it.")]
    if source.kind not in SourceKind.values:
        faults["kind"] = [_("Choose one of %(kinds)s.") % {"kinds": ", ".join(SourceKind.values)}]
    elif "address" not in faults:
        try:
            READERS[source.kind].first(Asked(source.address, source.part))
        except StandardBroken as error:
            faults["part"] = [str(error)]
    if not 0 < source.every_hours <= MOST_HOURS:
        faults["every_hours"] = [_("From 1 hour to a year.")]
    if faults:
        raise SourceInvalid(_("This source can't be asked yet."), faults=faults)
    checked(source)
