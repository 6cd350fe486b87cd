"""An entry step by step: forms that are made from the record's own fields, whose names are the record's paths.

What holds is the record's to say (`catalogue.record`): the forms only ask, so that a field that the record gains is
asked without a line here. A field is `title` or `details.records`; one of a part `owner.name`; one of a row
`distributions.0.location`, in the order of the form, where empty rows count and removed ones too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any, Literal, get_args, get_origin

from django import forms
from django.forms.boundfield import BoundField
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from fabriek.catalogue.record import MOST_PARTS, Record
from fabriek.catalogue.words import CHOICES, LABELS, bare, label_of
from fabriek.portal.components.entry_lines import language_name
from fabriek.portal.pages.catalogue.entry_steps import BETWEEN_COMMAS, HINTS, KEY, ON_LINES, ROWS, Step
from fabriek.register.models import Factory, Site

MORE_ROWS = 2
"""Empty rows below those that are filled; saving the step gives new ones."""

LANGUAGES = (
    *("bg", "cs", "da", "de", "el", "en", "es", "et", "fi", "fr", "ga", "hr", "hu", "it", "lt", "lv", "mt", "nl"),
    *("pl", "pt", "ro", "sk", "sl", "sv", "nb", "is", "uk", "tr"),
)

Wide = tuple[BoundField, str]
"""A question, and how wide its answer is."""


@dataclass
class Group:
    """Questions that belong together on a page. `kind`: plain, part, or rows, whose `rows` are each a part."""

    kind: str
    title: str
    fields: list[Wide] = field(default_factory=list)
    rows: list[tuple[str, list[Wide], bool]] = field(default_factory=list)


class StepForm(forms.Form):
    """The questions of a step about a record, as JSON `said`."""

    def __init__(self, step: Step, kind: str, said: dict[str, Any], data: Any = None) -> None:
        super().__init__(data)
        self.step, self.said = step, said
        self.fields["read"] = forms.CharField(widget=forms.HiddenInput, required=False)
        # What was asked, in order: plain, part or rows; the path; the names of the fields, or those of each row.
        self._asked: list[tuple[str, str, Any]] = []
        # Of tables, once they are answered: the row of the form by its number or name in the record.
        self._rows: dict[str, dict[str, int]] = {}
        for path, info in _fields_of(step, kind):
            self._ask(path, info, _at(said, path))

    def groups(self) -> Iterator[Group]:
        """For the page: what is asked, in its order."""
        plain = Group("plain", "")
        for kind, path, asked in self._asked:
            title = str(LABELS[path.rpartition(".")[2]])
            if kind == "plain":
                plain.fields.append(self._wide(path))
                continue
            if plain.fields:
                yield plain
                plain = Group("plain", "")
            if kind == "part":
                yield Group("part", title, [self._wide(name) for name in asked])
            else:
                rows = [
                    (self._named(path, number, names), [self._wide(name) for name in names], is_filled)
                    for number, (names, is_filled) in enumerate(asked, start=1)
                ]
                yield Group("rows", title, rows=rows)
        if plain.fields:
            yield plain

    @property
    def has_rows(self) -> bool:
        """Whether more can be added than the page has room for."""
        return any(kind == "rows" for kind, _path, _asked in self._asked)

    @property
    def is_one_table(self) -> bool:
        """Whether the page's heading is its only group's name."""
        return len(self._asked) == 1

    def applied(self) -> dict[str, Any]:
        """The record with this step's answers, of a valid form. Whether it holds is the record's to say."""
        said = {**self.said, "details": dict(self.said.get("details", {}))}
        for kind, path, asked in self._asked:
            value: Any
            if kind == "plain":
                value = self._answer(path)
            elif kind == "part":
                value = self._answers(asked)
            else:
                value = self._table(path, asked)
            inside, _dot, name = path.rpartition(".")
            into = said["details"] if inside else said
            into.pop(name, None)
            if value not in (None, {}, []):
                into[name] = value
        return said

    def add_faults(self, faults: dict[str, list[str]]) -> None:
        """A room's faults at their fields; what is of another step stands on top, by its name."""
        for path, sentences in faults.items():
            name = self._field_of(path)
            for sentence in sentences:
                self.add_error(name, sentence if name else f"{label_of(path)}: {sentence}")

    def _ask(self, path: str, info: FieldInfo, value: Any) -> None:
        part, is_table = _part_of(info.annotation)
        if part is None:
            self._add(path, info, value)
            self._asked.append(("plain", path, None))
        elif is_table:
            self._asked.append(("rows", path, list(self._ask_rows(path, part, value))))
        else:
            said = value or {}
            names = [self._add(f"{path}.{name}", one, said.get(name)) for name, one in part.model_fields.items()]
            self._asked.append(("part", path, names))

    def _ask_rows(self, path: str, part: type[BaseModel], value: Any) -> Iterator[tuple[list[str], bool]]:
        key = KEY.get(path)
        filled: list[dict[str, Any]] = [{key: k, **v} for k, v in (value or {}).items()] if key else list(value or [])
        # As many as were sent, so that no answer is lost where somebody took a row away meanwhile.
        sent = [number + 1 for name in self.data if (number := _row_number(name, path)) is not None]
        for row in range(max([len(filled) + MORE_ROWS, *sent])):
            has = filled[row] if row < len(filled) else {}
            names = []
            if key:
                names.append(self._add_key(f"{path}.{row}.{key}", key, has.get(key, "")))
            # An empty row begins with nothing chosen, so that it stays none.
            names += [
                self._add(f"{path}.{row}.{name}", one, has.get(name, None if has else ""))
                for name, one in part.model_fields.items()
            ]
            is_filled = bool(has) or any(self.data.get(name) for name in names)
            if has:
                self.fields[f"{path}.{row}.remove"] = forms.BooleanField(label=_("Take it away"), required=False)
                names.append(f"{path}.{row}.remove")
            yield names, is_filled

    def _table(self, path: str, asked: list[tuple[list[str], bool]]) -> Any:
        """The rows that are answered and not taken away: a list, or a table by their names."""
        key = KEY.get(path)
        table: dict[str, dict[str, Any]] = {}
        self._rows[path] = {}
        for number, (names, _is_filled) in enumerate(asked):
            row = self._answers(name for name in names if not name.endswith(".remove"))
            if not row or self.cleaned_data.get(f"{path}.{number}.remove"):
                continue
            name = str(row.pop(key, "")) if key else str(len(table))
            if key and (not name or name in table):
                self.add_error(f"{path}.{number}.{key}", _("Give each a name of its own."))
            table[name], self._rows[path][name] = row, number
        return table if key else list(table.values())

    def _wide(self, name: str) -> Wide:
        # A text of sentences is as wide as the page.
        return self[name], "" if isinstance(self.fields[name].widget, forms.Textarea) else "lg"

    def _named(self, path: str, number: int, names: list[str]) -> str:
        """A row by its number, and by what is typed in it that one knows it by."""
        title = f"{ROWS[path.rpartition('.')[2]]} {number}"
        known = next(
            (text for name in names if name.rpartition(".")[2] in _TELLING and (text := self[name].value())), ""
        )
        return f"{title}: {Truncator(known).chars(60)}" if known else title

    def _answers(self, names: Iterable[str]) -> dict[str, Any]:
        return {name.rpartition(".")[2]: answer for name in names if (answer := self._answer(name)) is not None}

    def _answer(self, name: str) -> Any:
        text = self.cleaned_data.get(name, "")
        if text == "":
            return None
        match self.fields[name]:
            case Words():
                return [word.strip() for word in text.split(",") if word.strip()]
            case Lines():
                return [word.strip() for word in text.splitlines() if word.strip()]
            case Figure():
                # A reader in Dutch writes a comma.
                return text.replace(",", ".").replace(" ", "")
        return text

    def _field_of(self, path: str) -> str | None:
        """The field here that a path of the record stands in."""
        for table, rows in self._rows.items():
            for name, number in rows.items():
                prefix = f"{table}.{name}"
                if path == prefix or path.startswith(f"{prefix}."):
                    path = f"{table}.{number}{path.removeprefix(prefix)}".replace("[key]", KEY.get(table, ""))
                    break
        steps = path.split(".")
        while steps:
            name = ".".join(steps)
            # What is said of a part or a row as a whole stands at the field by which it is known.
            for one in (name, *(f"{name}{rest}" for rest in _KNOWN_BY)):
                if one in self.fields:
                    return one
            steps.pop()
        return None

    def _add(self, path: str, info: FieldInfo, value: Any) -> str:
        made = _question(path, info, self._offered)
        if isinstance(made, Words) and any("," in word for word in value or ()):
            made = Lines(label=made.label, required=False, help_text=ON_LINES)
        self.fields[path] = made
        between = "\n" if isinstance(made, Lines) else ", "
        self.initial[path] = _shown(info.get_default() if value is None else value, between)
        return path

    def _add_key(self, path: str, key: str, value: str) -> str:
        made: forms.Field
        if key == "language":
            made = _languages(_("Language"), value)
        else:
            made = forms.CharField(label=LABELS[key], required=False, max_length=200, help_text=HINTS["facts.field"])
        self.fields[path] = made
        self.initial[path] = value
        return path

    def _offered(self, name: str) -> list[tuple[str, str]]:
        """Factories or sites of the register, read once however many rows ask."""
        if name not in self._offers:
            rows = Site.objects.all() if name == "site" else Factory.objects.all()
            self._offers[name] = list(rows.order_by("name").values_list("code", "name"))
        return self._offers[name]

    @cached_property
    def _offers(self) -> dict[str, list[tuple[str, str]]]:
        return {}


_TELLING = frozenset({"location", "target", "name", "title", "field"})
_KNOWN_BY = (".location", ".target", ".name", ".0.location")


class Words(forms.CharField):
    """A list, typed between commas."""


class Lines(forms.CharField):
    """A list of which a part has a comma in it: one on each line."""

    widget = forms.Textarea(attrs={"rows": 4})


class Figure(forms.CharField):
    """A number, as text: the record says whether it is one."""

    widget = forms.TextInput(attrs={"inputmode": "decimal"})


def _fields_of(step: Step, kind: str) -> Iterator[tuple[str, FieldInfo]]:
    for name in step.fields:
        if name != "details":
            yield name, Record.model_fields[name]
            continue
        for inner, info in _details_of(kind).model_fields.items():
            if inner != "kind":
                yield f"details.{inner}", info


def _details_of(kind: str) -> type[BaseModel]:
    """The model of a kind's details."""
    parts: tuple[type[BaseModel], ...] = get_args(Record.model_fields["details"].annotation)
    return next(part for part in parts if kind in get_args(part.model_fields["kind"].annotation))


def _part_of(annotation: Any) -> tuple[type[BaseModel] | None, bool]:
    """The model of a field that is a part, and whether it is a table of them."""
    for inner in (annotation, *get_args(annotation)):
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            return inner, get_origin(annotation) in (list, dict)
    return None, False


def _question(path: str, info: FieldInfo, offered: Callable[[str], list[tuple[str, str]]]) -> forms.Field:
    """A field of the record as a question, by its type."""
    name, whole = path.rpartition(".")[2], bare(path)
    kinds = {info.annotation, *get_args(info.annotation)}
    asked: dict[str, Any] = {
        "label": LABELS[name],
        "required": False,
        "help_text": HINTS.get(whole, ""),
    }
    if get_origin(info.annotation) is Literal:
        # In a row an empty choice stands first: a row of which nothing is chosen is none.
        empty = [("", "–")] if "" in kinds or info.is_required() or whole != path else []
        words = CHOICES.get(whole, {})
        values = [one for one in get_args(info.annotation) if one]
        return forms.ChoiceField(choices=[*empty, *((one, words.get(one, one)) for one in values)], **asked)
    if name == "language":
        return _languages(asked["label"])
    if name in ("site", "factory"):
        return forms.ChoiceField(choices=[("", "–"), *offered(name)], **asked)
    if get_origin(info.annotation) is list:
        return Words(**{**asked, "help_text": asked["help_text"] or BETWEEN_COMMAS})
    if date in kinds:
        return forms.CharField(widget=forms.DateInput(attrs={"type": "date"}), **asked)
    if {int, float} & kinds:
        return Figure(**asked)
    longest = next((one.max_length for one in info.metadata if hasattr(one, "max_length")), None)
    if longest and longest >= 1_000 and longest != _LONGEST_ADDRESS:
        rows = 3 if longest == 1_000 else 6
        return forms.CharField(widget=forms.Textarea(attrs={"rows": rows}), max_length=longest, **asked)
    return forms.CharField(max_length=longest, **asked)


_LONGEST_ADDRESS = 2_000
"""Addresses and paths, of one line."""


def _languages(label: Any, value: str = "") -> forms.ChoiceField:
    codes = [*LANGUAGES, *([value] if value and value not in LANGUAGES else [])]
    named = sorted(((code, language_name(code)) for code in codes), key=lambda one: one[1])
    return forms.ChoiceField(label=label, required=False, choices=[("", "–"), *named])


def _at(said: dict[str, Any], path: str) -> Any:
    inside, _dot, name = path.rpartition(".")
    return (said.get(inside) or {}).get(name) if inside else said.get(name)


def _shown(value: Any, between: str) -> Any:
    """A stored value as it is typed."""
    if isinstance(value, list):
        return between.join(map(str, value))
    return "" if value is None or value is PydanticUndefined else value


def _row_number(name: str, path: str) -> int | None:
    number = name.removeprefix(f"{path}.").partition(".")[0] if name.startswith(f"{path}.") else ""
    return int(number) if number.isdigit() and int(number) < MOST_PARTS else None
