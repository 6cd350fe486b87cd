"""What a steward and a curator do to an entry: draft, edit, ask, publish, send back, retire."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext as _

from fabriek.audit.actions import record as audited
from fabriek.catalogue.actions.forgetting import forget_unnamed
from fabriek.catalogue.actions.profiles import agree
from fabriek.catalogue.actions.writing import (
    code_of_profile,
    free_code,
    refuse_lacking,
    write_record,
    write_version,
)
from fabriek.catalogue.errors import ChangedMeanwhile, RecordInvalid, WrongState
from fabriek.catalogue.models import Entry, EntryState
from fabriek.catalogue.record import Record
from fabriek.catalogue.rules import PERSONAL, PROFILES, may_edit
from fabriek.catalogue.words import record_from
from fabriek.conf.errors import NotAllowed
from fabriek.people.models import Person
from fabriek.people.permissions import require
from fabriek.projects.models import Project
from fabriek.projects.rules import leads


def draft_entry(actor: Person, record: Record, **beside: Any) -> Entry:
    """A new draft with the actor as its steward. beside: columns that are not of the record (`result`, `is_demo`).
    A profile gets a code that names nobody, whatever the record says.

    Errors: NotAllowed; RecordInvalid where the code is taken, a factory, site or project isn't there, the project is
    led by somebody else, or where there is such a profile already.
    """
    require(actor, "describe entries")
    if record.kind in PROFILES:
        record = record.model_copy(update={"code": code_of_profile(record.kind)})
        _refuse_profile(actor, record)
    # Of people no more is shown than they wrote themselves.
    organisation = None if record.kind in PERSONAL else actor.organisation
    entry = Entry(code=record.code, steward=actor, organisation=organisation, **beside)
    try:
        with transaction.atomic():
            write_record(entry, record)
            audited(actor, "catalogue.draft_entry", entry, kind=entry.kind)
    except IntegrityError as error:
        if not Entry.objects.filter(code=record.code).exists():
            raise
        raise RecordInvalid(
            _("Mend the fields that are named."),
            faults={"code": [_("There is an entry %(code)s already. Choose another code.") % {"code": record.code}]},
        ) from error
    return entry


def begin_entry(actor: Person, kind: str, title: str, language: str = "en", *, project: str = "") -> Entry:
    """A draft of which nothing is said yet but its kind and title; its code comes from the title. project: code of the
    project that a venture is of.

    Errors: NotAllowed; RecordInvalid with what doesn't hold.
    """
    details = {"kind": kind, **({"project": project} if project else {})}
    said = {"title": title, "language": language, "details": details}
    code = slugify(title)[:80].strip("-") or kind
    # Checked before a code is looked for: a title that isn't one has none.
    record_from({**said, "code": kind})
    return draft_entry(actor, record_from({**said, "code": free_code(code)}))


def begin_profile(actor: Person, kind: str, title: str = "", language: str = "en", *, project: str = "") -> Entry:
    """A profile of oneself (expert), one's team or one's venture, seen by nobody else. Without a title it is called as
    the person, or the venture's project. Errors: NotAllowed; RecordInvalid with what doesn't hold."""
    if kind not in PROFILES:
        sentence = _("Choose one of those that are offered.")
        raise RecordInvalid(_("Mend the fields that are named."), faults={"kind": [sentence]})
    if not title and kind == "expert":
        title = actor.name
    elif not title and project:
        title = Project.objects.filter(code=project).values_list("title", flat=True).first() or project
    return begin_entry(actor, kind, title, language, project=project)


def edit_entry(actor: Person, entry: Entry, record: Record, *, read: str = "") -> Entry:
    """The record as it is to be: at once in a draft and a profile, as a proposal once it is published.

    read: the digest of what the editor had before them; where that is not what stands, ChangedMeanwhile.
    Errors: NotAllowed, ChangedMeanwhile, RecordInvalid.
    """
    with transaction.atomic():
        held = _held(entry)
        _refuse_stranger(actor, held)
        if record.code != held.code or record.kind != held.kind:
            raise RecordInvalid(
                _("Mend the fields that are named."),
                faults={"code": [_("An entry keeps its code and its kind. Make another one.")]},
            )
        standing = working_record(held).sha256()
        if read and read != standing:
            raise ChangedMeanwhile(
                _("Somebody changed this entry while you did. Look at what it says now, and change it again."),
                sha256=standing,
            )
        if record.sha256() == standing:
            return held
        if held.kind in PROFILES:
            _refuse_profile(actor, record, held)
            if held.state == EntryState.PUBLISHED:
                refuse_lacking(held, record)
            write_record(held, record)
        elif held.published:
            held.proposed = None if record.sha256() == held.sha256 else record.as_json()
            held.save(update_fields=["proposed"])
        else:
            write_record(held, record)
        audited(actor, "catalogue.edit_entry", held, sha256=record.sha256())
        # Robust: the edit stands, whatever a storage of files does after it.
        transaction.on_commit(partial(forget_unnamed, held), robust=True)
    return held


def ask_to_publish(actor: Person, entry: Entry) -> Entry:
    """Ask a curator to publish it. Errors: NotAllowed, RecordInvalid with what it lacks, WrongState."""
    with transaction.atomic():
        held = _held(entry)
        _refuse_stranger(actor, held)
        if held.kind in PROFILES:
            raise WrongState(_("You publish this yourself: agree that it is shown."), state=held.state)
        if held.state == EntryState.PUBLISHED and held.proposed is None:
            raise WrongState(_("What is published is what you have: there is nothing to publish."), state=held.state)
        refuse_lacking(held, working_record(held))
        held.asked_at = held.asked_at or timezone.now()
        held.save(update_fields=["asked_at"])
        audited(actor, "catalogue.ask_to_publish", held)
    return held


def publish_entry(actor: Person, entry: Entry) -> Entry:
    """Publish what stands, or what is proposed. Errors: NotAllowed, RecordInvalid with what it lacks, WrongState."""
    require(actor, "curate the catalogue")
    with transaction.atomic():
        held = _held(entry)
        if held.kind in PROFILES:
            raise NotAllowed(_("Only its owner publishes a profile."))
        if held.state == EntryState.PUBLISHED and held.proposed is None:
            raise WrongState(_("This is published already."), state=held.state)
        record = working_record(held)
        refuse_lacking(held, record)
        held.proposed = None
        write_record(held, record)
        version = write_version(held, actor)
        audited(actor, "catalogue.publish_entry", held, version=version.number, sha256=version.sha256)
    return held


def send_back(actor: Person, entry: Entry, why: str) -> Entry:
    """Ask the steward to mend it first. Errors: NotAllowed, WrongState, RecordInvalid without a reason."""
    require(actor, "curate the catalogue")
    if not why.strip():
        raise RecordInvalid(_("Say what should be mended."), faults={"why": [_("Say what should be mended.")]})
    with transaction.atomic():
        held = _held(entry)
        if held.asked_at is None:
            raise WrongState(_("Nobody asked to publish this."), state=held.state)
        held.asked_at, held.remark = None, why.strip()
        held.save(update_fields=["asked_at", "remark"])
        audited(actor, "catalogue.send_back", held, why=why.strip())
    return held


def retire_entry(actor: Person, entry: Entry, why: str = "") -> Entry:
    """Take it out of what is found; its address goes on to say that it was here. Of a profile that is to withdraw all
    that was agreed to, and nothing is said any more. Errors: NotAllowed, WrongState."""
    if entry.kind in PROFILES:
        return agree(actor, entry, ())
    with transaction.atomic():
        held = _held(entry)
        _refuse_stranger(actor, held)
        if held.state == EntryState.RETIRED:
            raise WrongState(_("This is retired already."), state=held.state)
        held.state, held.remark, held.asked_at, held.changed_at = EntryState.RETIRED, why.strip(), None, timezone.now()
        held.save(update_fields=["state", "remark", "asked_at", "changed_at"])
        audited(actor, "catalogue.retire_entry", held, why=why.strip())
    return held


def working_record(entry: Entry) -> Record:
    """What its steward has: the proposal where there is one, else the record."""
    return Record.model_validate(entry.proposed) if entry.proposed is not None else entry.as_record()


def _held(entry: Entry) -> Entry:
    return Entry.objects.select_for_update().get(pk=entry.pk)


def _refuse_stranger(actor: Person, entry: Entry) -> None:
    if not may_edit(actor, entry):
        raise NotAllowed(_("Only its steward and the curators of the catalogue change an entry."))


def _refuse_profile(actor: Person, record: Record, but: Entry | None = None) -> None:
    """One expert a person, and one venture a project, of which its lead writes."""
    others = Entry.objects.exclude(pk=but.pk) if but else Entry.objects.all()
    project = getattr(record.details, "project", "")
    field, there = "details.kind", None
    if record.kind == "expert":
        there = others.filter(kind="expert", steward=actor).first()
    elif project:
        field = "details.project"
        found = Project.objects.filter(code=project).first()
        if found is None or not leads(actor, found):
            sentence = _("You lead no project %(code)s.") % {"code": project}
            raise RecordInvalid(_("Mend the fields that are named."), faults={field: [sentence]})
        there = others.filter(kind="venture", project=found).first()
    if there is not None:
        sentence = _("There is such a profile already: %(code)s.") % {"code": there.code}
        raise RecordInvalid(_("Mend the fields that are named."), faults={field: [sentence]})
