"""What the promises of a problem are called: `code:programme` is a promise put to one of several programmes."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.text import Truncator

from fabriek.programmes.models import Programme, Promise

BETWEEN = " · "


def names_of_promises(codes: Iterable[str]) -> dict[str, str]:
    """The name of each promise of a problem, with its programme's where it is put to several. Two queries."""
    parts = {code: code.partition(":")[::2] for code in codes}
    names = dict(
        Promise.objects.filter(code__in=[promise for promise, _of in parts.values()]).values_list("code", "name")
    )
    programmes = _programmes(of for _promise, of in parts.values())
    return {
        code: names.get(promise, promise) + (f"{BETWEEN}{programmes.get(of, of)}" if of else "")
        for code, (promise, of) in parts.items()
    }


def _programmes(codes: Iterable[str]) -> dict[str, str]:
    return dict(Programme.objects.filter(code__in=[code for code in codes if code]).values_list("code", "name"))


def short_name(code: str, name: str, letters: int = 32) -> str:
    """A name for a plot, which has room for some thirty letters: of a promise and its programme the begin of both."""
    if ":" not in code:
        return Truncator(name).chars(letters)
    promise, _between, programme = name.partition(BETWEEN)
    half = (letters - 2) // 2
    return f"{Truncator(programme).chars(half)}: {Truncator(promise).chars(half)}"
