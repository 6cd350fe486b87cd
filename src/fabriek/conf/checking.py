"""Before a row is written: its fields' own rules as faults that name them, and whether a known row says the same."""

from __future__ import annotations

from typing import Any, TypeVar

from django.core.exceptions import ValidationError
from django.db import IntegrityError, models, transaction
from django.utils.translation import gettext as _

from fabriek.conf.errors import Invalid, Refused

Row = TypeVar("Row", bound=models.Model)


class KnownOtherwise(Refused):
    """Something of this code is there already and says something else. `extra`: differs, the names of the fields."""

    slug = "known-otherwise"


def checked(row: Row) -> Row:
    """The row, if its fields hold: lengths, choices, slugs, decimals. Errors: Invalid with the fields' faults.

    Left out is what callers hand over whole (rows of other tables, JSON) and what the database checks by itself.
    """
    out = [f.name for f in row._meta.concrete_fields if f.is_relation or isinstance(f, models.JSONField)]
    try:
        row.clean_fields(exclude=out)
    except ValidationError as error:
        raise Invalid(_("Mend the fields that are named."), faults=error.message_dict) from error
    return row


def added(row: Row) -> Row:
    """The row, checked and written. Errors: Invalid; KnownOtherwise where somebody was faster by a moment."""
    try:
        with transaction.atomic():
            checked(row).save(force_insert=True)
    except IntegrityError as error:
        raise KnownOtherwise(
            _("%(code)s was made at this very moment. Look at it, and try again if need be.")
            % {"code": str(getattr(row, "code", ""))}
        ) from error
    return row


def refuse_otherwise(row: models.Model, said: dict[str, Any]) -> None:
    """Saying the same again changes nothing; saying something else of a known thing is refused (KnownOtherwise)."""
    differs = [name for name, value in said.items() if getattr(row, name) != value]
    if differs:
        names = ", ".join(name.replace("_", " ") for name in differs)
        raise KnownOtherwise(
            _("%(code)s is known already, and differs in: %(fields)s. Choose another code, or say the same.")
            % {"code": str(getattr(row, "code", row.pk)), "fields": names},
            differs=differs,
        )
