"""What the promises of a problem are called: `code:programme` is a promise put to one of several programmes."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.text import Truncator

from fabriek.programmes.models import Promise


def names_of_promises(codes: Iterable[str]) -> dict[str, str]:
    """The name of each promise of a problem. One query."""
    codes = list(codes)
    names = dict(Promise.objects.filter(code__in=[code.split(":")[0] for code in codes]).values_list("code", "name"))
    return {
        code: names.get(code.split(":")[0], code) + (f" ({code.split(':', 1)[1]})" if ":" in code else "")
        for code in codes
    }


def short_name(code: str, name: str, letters: int = 32) -> str:
    """A name for a plot, which has room for some thirty letters; what tells two of them apart stands first."""
    programme = code.partition(":")[2]
    return Truncator(f"{programme}: {name}" if programme else name).chars(letters)
