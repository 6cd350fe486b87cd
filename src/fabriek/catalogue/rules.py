"""Rules of the catalogue: what the columns of an entry are, who may change it, what it takes to be published."""

from __future__ import annotations

import re
from typing import Any

from django.utils.translation import gettext as _

from fabriek.catalogue.models import LONGEST_NAME, Entry, EntryState
from fabriek.catalogue.record import Record
from fabriek.people.models import Person
from fabriek.people.permissions import may
from fabriek.projects.rules import leads

PERSONAL = frozenset({"expert", "team"})
"""Kinds that tell of people: opt-in, with consent, without files."""
PROFILES = PERSONAL | {"venture"}
"""What people publish of themselves and of what they build. Their owner alone writes and publishes them, by agreeing to
each use (consents.py); curators may hide them, with a reason. They leave nothing behind when they go."""
OWNED = frozenset({"dataset", "model", "software", "training", "service", "funding", "investor"})
"""Kinds of which a reader must know whose they are."""
Name = tuple[str, str]
"""Whose name it is ('address' or 'hub'), and the name as `name_of` gives it."""


def columns_of(record: Record) -> dict[str, Any]:
    """The columns of an entry that the database finds, sorts and counts by (rows of other tables aside)."""
    details = record.details
    return {
        "record": record.as_json(),
        "sha256": record.sha256(),
        "kind": record.kind,
        "title": record.title,
        "summary": record.summary,
        "language": record.language,
        "licence": record.licence,
        # DOIs are the same in any case (https://www.doi.org/doi-handbook/HTML/case-sensitivity.html).
        "identifier": name_of(record.identifier),
        "access": record.access,
        "closes": getattr(details, "closes", None),
        "free_from": getattr(details, "free_from", None),
        "seeks_amount": getattr(details, "seeks_amount", None),
    }


def name_of(said: str) -> str | None:
    """A name as entries are looked up by it: in lower case. None where there is none, or it is too long to be one."""
    return said.lower() if 0 < len(said) <= LONGEST_NAME else None


def known_by(record: Record) -> set[Name]:
    """What names a thing wherever it is told of: its lasting address, and what a Hub calls it."""
    on_hubs = (("hub", one.location) for one in record.distributions if one.storage == "hub")
    said = [("address", record.identifier), *on_hubs]
    return {(whose, name) for whose, text in said if (name := name_of(text)) is not None}


def code_in(target: str) -> str | None:
    """The code that a relation names; None where it names an address."""
    return target if len(target) <= 120 and re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", target) else None


def may_edit(person: Any, entry: Entry) -> bool:
    """Its steward, and who curates the catalogue. Profiles are their owners' alone."""
    if entry.kind in PROFILES:
        return is_owner(person, entry)
    return _is_steward(person, entry) or may(person, "curate the catalogue")


def is_owner(person: Any, entry: Entry) -> bool:
    """Whose profile it is. A venture's: whoever leads its project now; its steward while it names none. A query for
    ventures of projects."""
    if entry.kind == "venture" and entry.project is not None:
        return leads(person, entry.project)
    return _is_steward(person, entry)


def owner_of(entry: Entry) -> Person | None:
    """To whom what concerns a profile is told: the lead of a venture's project, else its steward. A query for ventures
    of projects."""
    if entry.kind == "venture" and entry.project is not None:
        lead = entry.project.members.filter(role="lead", left_at=None).select_related("person").first()
        return lead.person if lead else None
    return entry.steward


def _is_steward(person: Any, entry: Entry) -> bool:
    return bool(person is not None and person.is_authenticated and person.is_active and entry.steward_id == person.pk)


def may_see_inside(person: Any, entry: Entry) -> bool:
    """Its steward and the curators see drafts, proposals and why it was sent back. Of profiles curators see no drafts,
    but what they hide."""
    if entry.kind in PROFILES and entry.hidden_at is None:
        return is_owner(person, entry)
    return may_edit(person, entry) or may(person, "curate the catalogue")


def may_read(person: Any, entry: Entry) -> bool:
    """All may read what is published; what isn't, its steward and the curators."""
    return entry.state == EntryState.PUBLISHED or may_see_inside(person, entry)


def lacks(record: Record) -> dict[str, list[str]]:
    """What a record needs before others can use it, by field; empty: it may be published."""
    faults: dict[str, list[str]] = {}
    if not record.summary and not record.description:
        faults["summary"] = [_("Say in a sentence or two what it is and whom it is for.")]
    if record.kind in {"dataset", "model", "software"}:
        if not record.licence and not record.conditions:
            faults["licence"] = [_("Say under which licence or conditions it may be used.")]
        if not (record.distributions or record.homepage):
            faults["distributions"] = [_("Say where it lies, or give the address of its page.")]
    if record.kind in OWNED and not record.owner:
        faults["owner"] = [_("Say whose it is.")]
    return faults
