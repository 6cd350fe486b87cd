"""How a record becomes rows: the entry's columns, its places and its ties. Callers hold a transaction."""

from __future__ import annotations

import secrets

from django.utils import timezone
from django.utils.translation import gettext as _

from fabriek.catalogue import uploads
from fabriek.catalogue.errors import RecordInvalid
from fabriek.catalogue.models import Entry, EntryState, Place, Tie, Version
from fabriek.catalogue.record import Record
from fabriek.catalogue.rules import code_in, columns_of, lacks, name_of
from fabriek.people.models import Person
from fabriek.projects.models import Project
from fabriek.register.models import Factory, Site


def write_record(entry: Entry, record: Record) -> None:
    """Make the record the entry's. Errors: RecordInvalid where it names a factory, site or project that isn't there."""
    for name, value in columns_of(record).items():
        setattr(entry, name, value)
    entry.factory = _factory(record)
    entry.project = _project(record)
    entry.changed_at = timezone.now()
    entry.save()
    sites = _sites(record)
    entry.places.all().delete()
    Place.objects.bulk_create(
        Place(
            entry=entry,
            site=sites.get(one.site or ""),
            storage=one.storage,
            location=one.location,
            name=one.name,
            media_type=one.media_type,
            bytes=one.bytes,
            sha256=one.sha256,
            on_hub=name_of(one.location) if one.storage == "hub" else None,
        )
        for one in record.distributions
    )
    entry.ties.all().delete()
    there = {
        one.code: one for one in Entry.objects.filter(code__in=[tie.target for tie in record.relations]).only("code")
    }
    Tie.objects.bulk_create(
        Tie(
            entry=entry,
            kind=tie.kind,
            target=there.get(tie.target),
            address=tie.target,
            code=code_in(tie.target),
            title=tie.title,
        )
        for tie in record.relations
    )
    # Those that named this entry before it was here.
    Tie.objects.filter(code=entry.code, target=None).update(target=entry)


def write_version(entry: Entry, by: Person | None) -> Version:
    """Publish the entry's record as its next version, which stays."""
    publish(entry)
    return Version.objects.create(
        entry=entry, number=entry.published, record=entry.record, sha256=entry.sha256, published_by=by
    )


def publish(entry: Entry) -> None:
    """Make it seen as it stands. By itself, without a version that stays, for profiles: what people withdraw is to be
    gone (Regulation (EU) 2016/679, Article 17)."""
    entry.published += 1
    entry.state, entry.asked_at, entry.remark = EntryState.PUBLISHED, None, ""
    entry.published_at = entry.changed_at = timezone.now()
    entry.save()


def free_code(wanted: str) -> str:
    """The code itself, or with the first number from 2 that makes it free. One query."""
    taken = set(Entry.objects.filter(code__startswith=wanted[:110]).values_list("code", flat=True))
    code, number = wanted, 1
    while code in taken:
        number += 1
        code = f"{wanted[:110].rstrip('-')}-{number}"
    return code


def code_of_profile(kind: str) -> str:
    """A code that names nobody: it outlives what is erased, in the audit and in the copies of harvesters."""
    return f"{kind}-{secrets.token_hex(6)}"


def refuse_lacking(entry: Entry, record: Record) -> None:
    """Errors: RecordInvalid with what the record lacks before others can use it, by field."""
    faults = lacks(record)
    for number, one in enumerate(record.distributions):
        if one.storage == "upload" and not uploads.is_kept(entry, one.location):
            faults[f"distributions.{number}.location"] = [_("This file was not uploaded to this entry.")]
    if faults:
        raise RecordInvalid(_("Before it can be published, tell what is named."), faults=faults)


def _project(record: Record) -> Project | None:
    code = getattr(record.details, "project", "")
    if not code:
        return None
    found = Project.objects.filter(code=code).first()
    if found is None:
        raise RecordInvalid(
            _("Mend the fields that are named."),
            faults={"details.project": [_("There is no project %(code)s.") % {"code": code}]},
        )
    return found


def _factory(record: Record) -> Factory | None:
    if record.factory is None:
        return None
    found = Factory.objects.filter(code=record.factory).first()
    if found is None:
        raise RecordInvalid(
            _("Mend the fields that are named."),
            faults={"factory": [_("The register knows no factory %(code)s.") % {"code": record.factory}]},
        )
    return found


def _sites(record: Record) -> dict[str, Site]:
    codes = {one.site for one in record.distributions if one.site}
    found = {site.code: site for site in Site.objects.filter(code__in=codes)} if codes else {}
    for number, one in enumerate(record.distributions):
        if one.site and one.site not in found:
            raise RecordInvalid(
                _("Mend the fields that are named."),
                faults={
                    f"distributions.{number}.site": [_("The register knows no site %(code)s.") % {"code": one.site}]
                },
            )
    return found
