"""A file that an entry holds, given out to whoever may read a record that names it."""

from __future__ import annotations

from typing import Any

from django.http import FileResponse
from django.utils.translation import gettext as _

from fabriek.catalogue import uploads
from fabriek.catalogue.models import Entry
from fabriek.catalogue.rules import may_see_inside
from fabriek.conf.errors import NotFound


def file_of(person: Any, entry: Entry, sha256: str) -> FileResponse:
    """As a download: what somebody uploaded is never shown as a page of the platform's. `entry`: one that this person
    may read. Errors: NotFound. A query for the versions, where what is published now doesn't name it."""
    named = _named(entry.record, sha256)
    if named is None and entry.proposed is not None and may_see_inside(person, entry):
        named = _named(entry.proposed, sha256)
    if named is None:
        records = entry.versions.values_list("record", flat=True)
        named = next((found for record in records if (found := _named(record, sha256))), None)
    if named is None or not uploads.is_kept(entry, sha256):
        raise NotFound(_("This entry holds no such file."))
    response = FileResponse(
        uploads.opened(entry, sha256),
        as_attachment=True,
        filename=named.get("name") or sha256,
        content_type="application/octet-stream",
    )
    response["X-Content-Type-Options"] = "nosniff"
    response["ETag"] = f'"{sha256}"'
    return response


def _named(record: dict[str, Any], sha256: str) -> dict[str, Any] | None:
    places = record.get("distributions", [])
    return next((one for one in places if one["storage"] == "upload" and one["location"] == sha256), None)
