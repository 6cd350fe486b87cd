"""Files that an entry holds itself: added by its steward, erased once no version names them."""

from __future__ import annotations

from django.conf import settings
from django.core.files.base import File
from django.db import transaction
from django.utils.translation import gettext as _

from fabriek.catalogue import uploads
from fabriek.catalogue.actions.entries import edit_entry, working_record
from fabriek.catalogue.errors import RecordInvalid
from fabriek.catalogue.models import Entry
from fabriek.catalogue.record import Record
from fabriek.catalogue.rules import PERSONAL
from fabriek.catalogue.words import record_from
from fabriek.people.models import Person


def upload_file(
    actor: Person, entry: Entry, content: File[bytes], *, name: str, media_type: str = "", sha256: str = ""
) -> Entry:
    """Keep a file and name it among the places where the entry lies (of what is published, as a proposal).

    sha256: what the sender says it is; where the bytes say otherwise they are refused. The same file twice is one.
    Errors: NotAllowed, RecordInvalid (too large, too many, not as it was sent, an entry about people).
    """
    _refuse_kind(entry)
    _refuse_size(content)
    digest = uploads.digest_of(content)
    if sha256 and sha256 != digest:
        raise _fault(
            "sha256",
            _("The file came in otherwise than it was sent: its SHA-256 is %(sha256)s. Send it again.")
            % {"sha256": digest},
        )
    with transaction.atomic():
        held = Entry.objects.select_for_update().get(pk=entry.pk)
        record = working_record(held)
        named = uploads.named_in(record)
        if digest in named:
            edited = held
        elif len(named) >= uploads.MOST_FILES:
            raise _fault(
                "file",
                _("An entry holds at most %(most)s files. Remove one, or point to where they lie.")
                % {"most": uploads.MOST_FILES},
            )
        else:
            edited = edit_entry(actor, held, _with_file(record, name, media_type, digest, content.size))
        uploads.keep(held, digest, content)
    return edited


def _with_file(record: Record, name: str, media_type: str, digest: str, size: int) -> Record:
    name = name.replace("\\", "/").rpartition("/")[2].strip()[-200:]
    place = {
        "storage": "upload",
        "location": digest,
        "name": name,
        "media_type": media_type[:200],
        "bytes": size,
        "sha256": digest,
    }
    said = record.as_json()
    said["distributions"] = [*said.get("distributions", []), place]
    return record_from(said)


def _refuse_kind(entry: Entry) -> None:
    if entry.kind in PERSONAL:
        raise _fault("file", _("No files are kept of people: point to a page of yours instead."))


def _refuse_size(content: File[bytes]) -> None:
    most: int = settings.FABRIEK_UPLOAD_BYTES
    if content.size > most:
        sentence = _("At most %(mib)s MiB. Leave a larger file where it lies, and give its address and checksum.")
        raise _fault("file", sentence % {"mib": most // 2**20})
    if not content.size:
        raise _fault("file", _("This file is empty."))


def _fault(field: str, sentence: str) -> RecordInvalid:
    return RecordInvalid(sentence, faults={field: [sentence]})
