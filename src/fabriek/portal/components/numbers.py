"""Number boxes: typed as the reader's language writes numbers, kept as they were typed, and never guessed at.

`forms.NumberInput` (type=number) would take no separators, and browsers empty such a box when its text is no number to
them. So these are boxes of text. What can be read as two numbers is told, with both ways to write it.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import formats
from django.utils.translation import gettext as _

from fabriek.conf.amounts import number_text

_GROUPED = re.compile(r"[1-9]\d{0,2}([.,])\d{3}(\1\d{3})*")
_SPACES = re.compile(r"[\s\u00a0\u202f]")


def plain_number(text: str, *, whole: bool) -> str:
    """A number as it was typed, as Python reads it: `1.000,5` and `1,000.5` as `1000.5`. whole: where a whole number is
    asked. What is no number stays as it is, for the field to refuse.

    Two signs: the last is the decimal one. One sign before exactly three digits (`1.000`) can part thousands or be the
    decimal sign: among whole numbers the language's own for thousands parts thousands, among others its decimal sign is
    one, and the rest is told. Errors: ValidationError.
    """
    text = _SPACES.sub("", text)
    sign, digits = re.match(r"([+-]?)(.*)", text, re.DOTALL).groups()  # type: ignore[union-attr]
    group, decimal = _after_last_sign(digits)
    if decimal is not None:
        return f"{sign}{group}.{decimal}"
    if not _GROUPED.fullmatch(digits):
        return f"{sign}{digits.replace(',', '.')}"
    marks = re.findall(r"[.,]", digits)
    if len(marks) == 1:
        own = formats.get_format("THOUSAND_SEPARATOR" if whole else "DECIMAL_SEPARATOR")
        if marks[0] != own:
            raise ValidationError(_two_readings(text, digits))
        if not whole:
            return f"{sign}{digits.replace(',', '.')}"
    return sign + re.sub(r"[.,]", "", digits)


def _after_last_sign(digits: str) -> tuple[str, str | None]:
    """Of a text with both signs, the whole part without its sign for thousands, and what follows the decimal sign."""
    whole, dot, rest = digits.rpartition("." if digits.rfind(".") > digits.rfind(",") else ",")
    other = "," if dot == "." else "."
    is_two = other in whole and dot not in whole and (_GROUPED.fullmatch(whole) is not None)
    return (whole.replace(other, ""), rest) if is_two else (digits, None)


def _two_readings(text: str, digits: str) -> str:
    thousands = digits.replace(".", "").replace(",", "")
    fraction = number_text(Decimal(digits.replace(",", ".")).normalize() + 0)
    return _("“%(text)s” can be read in two ways. Write %(thousands)s or %(fraction)s.") % {
        "text": text,
        "thousands": thousands,
        "fraction": fraction,
    }


class NumberBox(forms.TextInput):
    """A box of text for a number. What was typed is shown again as it was; what the platform fills in, as the reader's
    language writes it, without a sign for thousands."""

    def format_value(self, value: Any) -> str | None:
        return formats.number_format(value) if isinstance(value, int | float | Decimal) else super().format_value(value)


class _Typed:
    """Reads a text as its language writes numbers, before the field does what it does."""

    widget = NumberBox
    whole = False

    def to_python(self, value: Any) -> Any:
        return super().to_python(plain_number(value, whole=self.whole) if isinstance(value, str) else value)  # type: ignore[misc]


class IntegerField(_Typed, forms.IntegerField):
    """A whole number."""

    whole = True


class DecimalField(_Typed, forms.DecimalField):
    """A number with decimals, exact."""


class FloatField(_Typed, forms.FloatField):
    """A number with decimals."""
