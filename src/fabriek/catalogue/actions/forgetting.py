"""Files that an entry held are erased once nothing names them."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from fabriek.catalogue import uploads
from fabriek.catalogue.models import Entry


def forget_unnamed(entry: Entry) -> None:
    """Erase the files that neither what is published, nor what is proposed, nor any version names any more."""
    with transaction.atomic():
        # Held, so that a file that is being added is named before this looks.
        held = Entry.objects.select_for_update().get(pk=entry.pk)
        records: list[dict[str, Any]] = [held.record, held.proposed or {}]
        records += list(held.versions.values_list("record", flat=True))
        named = {
            one["location"]
            for record in records
            for one in record.get("distributions", [])
            if one["storage"] == "upload"
        }
        uploads.forget_all_but(held, named)
