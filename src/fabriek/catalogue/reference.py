"""The reference catalogue that comes with the package: real entries, each fact with its source and how sure it is.

The files in `data/` hold records (`fabriek/entry/1`), one kind and subject a file, for a person to review. How facts
were gathered: docs/explanation/reference-catalogue.md.
"""

from __future__ import annotations

import json
from collections import Counter
from importlib import resources

from django.db import transaction

from fabriek.catalogue.actions import take_in
from fabriek.catalogue.models import Entry
from fabriek.catalogue.record import Record, read_record

ORIGIN = "reference"
"""The origin of these entries; its identifiers are the records' codes."""


def reference_files() -> list[str]:
    """The names of the files, in order."""
    folder = resources.files("fabriek.catalogue").joinpath("data")
    return sorted(file.name for file in folder.iterdir() if file.name.endswith(".json"))


def reference_records(file: str | None = None) -> list[Record]:
    """The records of one file, or of all, read as strictly as a stranger's. Errors: RecordBroken."""
    folder = resources.files("fabriek.catalogue").joinpath("data")
    return [
        read_record(said)
        for name in ([file] if file else reference_files())
        for said in json.loads(folder.joinpath(name).read_text(encoding="utf-8"))
    ]


@transaction.atomic
def load_reference_catalogue() -> dict[str, int]:
    """Add or refresh the reference entries, all or none: how many were added, changed, the same, and kept.

    'kept': a steward here took the entry over or retired it. The factories that records name must be in the register
    (`register.reference.load_reference`), else RecordInvalid. Where nothing changed, one query.
    """
    known = dict(Entry.objects.filter(origin=ORIGIN).values_list("origin_identifier", "sha256"))
    taken: Counter[str] = Counter({"added": 0, "changed": 0, "same": 0, "kept": 0})
    for record in reference_records():
        if known.get(record.code) == record.sha256():
            taken["same"] += 1
        else:
            taken[take_in(record, ORIGIN, record.code, reference=True)] += 1
    return dict(taken)
