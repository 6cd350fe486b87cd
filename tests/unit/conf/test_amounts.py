"""Amounts and months in sentences are the reader's: Python's own `:,` is English, and "3,047" is three in Dutch."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from django.utils import translation

from fabriek.access.findings import off_words
from fabriek.access.limits import range_faults
from fabriek.access.queue_words import queue_words
from fabriek.conf.amounts import month_text, number_text

SOURCE = Path(__file__).parents[3] / "src/fabriek"
GETTEXT = {"gettext", "gettext_lazy", "ngettext", "ngettext_lazy", "pgettext", "npgettext"}


def _translating(tree: ast.AST) -> set[str]:
    """The names by which a module calls gettext."""
    return {
        name.asname or name.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "django.utils.translation"
        for name in node.names
        if name.name in GETTEXT
    }


def _specs(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and text of each format in an f-string."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FormattedValue) and isinstance(node.format_spec, ast.JoinedStr):
            yield node.lineno, "".join(str(part.value) for part in node.format_spec.values if hasattr(part, "value"))


def _english(source: str) -> list[int]:
    """Lines of a module with sentences for readers that write a number, or fill in a month, as Python does."""
    tree = ast.parse(source)
    says = _translating(tree)
    if not says:
        return []
    found = [line for line, spec in _specs(tree) if "," in spec]
    for node in ast.walk(tree):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod) and isinstance(node.left, ast.Call):
            called = node.left.func
            if isinstance(called, ast.Name) and called.id in says:
                found += [line for line, spec in _specs(node.right) if spec == "%Y-%m"]
    return sorted(found)


def test_no_sentence_has_a_number_or_a_month_of_python() -> None:
    wrong = {
        str(path.relative_to(SOURCE)): lines
        for path in SOURCE.rglob("*.py")
        if (lines := _english(path.read_text(encoding="utf-8")))
    }
    assert not wrong, "write these with fabriek.conf.amounts"


@pytest.mark.parametrize("value", ['f"{n:,}"', 'f"{n / 3600:,.1f}"', 'f"{n:%Y-%m}"'])
def test_the_rule_sees_them(value: str) -> None:
    said = f'from django.utils.translation import gettext as _\n_("%(n)s hours") % {{"n": {value}}}\n'
    assert _english(said) == [2]
    assert not _english(said.replace(value, "number_text(n)"))


@pytest.mark.parametrize(("language", "number", "half", "month"), [
    ("en", "3,047", "1,234.5", "November 2026"),
    ("nl", "3.047", "1.234,5", "november 2026"),
])  # fmt: skip
def test_each_language_has_its_own(language: str, number: str, half: str, month: str) -> None:
    with translation.override(language):
        assert number_text(3047) == number
        assert number_text(1234.45, 1) == half
        assert month_text("2026-11") == month_text(date(2026, 11, 9)) == month


def test_sentences_of_the_domain_are_dutch_in_dutch() -> None:
    detail = {"asked": 2000.0, "free": 380.0, "partition": "molen/gpu", "month": "2026-11", "kept": {"sme": 1200.0}}
    with translation.override("nl"):
        words = queue_words("capacity", detail)
        assert "2.000 GPU-uren op molen/gpu in november 2026" in words
        assert "1.200 (" in queue_words("room", detail)
        assert "10.000" in off_words({"off": "too-much", "hours": 10_000, "limit": 5_000})
        assert "januari 2027" in off_words({"off": "months", "first": "2026-12", "last": "2027-01"})
        assert "3.047" in range_faults(3_047, 5)["maximum_gpu_hours"][0]
