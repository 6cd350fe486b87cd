"""Stored plans side by side, as figures and tables of the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fabriek.access.change_words import value_words, words_of
from fabriek.access.comparison import (
    GROUPS,
    Award,
    Difference,
    Group,
    GroupRow,
    SolvedScenario,
    by_group,
    counted,
    differences,
    promises_of,
    reasons_of,
)
from fabriek.access.models import Application, Scenario
from fabriek.access.scenarios import solved
from fabriek.access.words import names_of_promises, speech_for
from fabriek.allocation.explain import short_reason
from fabriek.people.models import OrganisationClass
from fabriek.portal.components import plots
from fabriek.portal.components.countries import NAMES
from fabriek.portal.components.plots import Column, Figure
from fabriek.portal.components.promise_names import short_name
from fabriek.portal.pages.decide.replies import csv_file
from fabriek.programmes.models import Programme

SHOWN = 100
"""Applications in a table of the page; the download has all."""

TITLES = {
    "class": gettext_lazy("By class of applicant"),
    "programme": gettext_lazy("By programme"),
    "country": gettext_lazy("By country"),
    "partition": gettext_lazy("By partition"),
}
GROUP_WORDS = {
    "class": gettext_lazy("Class"),
    "programme": gettext_lazy("Programme"),
    "country": gettext_lazy("Country"),
    "partition": gettext_lazy("Partition"),
}
CHANGE_WORDS = {
    "gains": gettext_lazy("Gains"),
    "loses": gettext_lazy("Loses"),
    "more": gettext_lazy("Gets more"),
    "less": gettext_lazy("Gets less"),
    "moves": gettext_lazy("Moves"),
}
CHANGE_LOOKS = {"gains": "success", "more": "success", "loses": "danger", "less": "danger", "moves": "info"}


@dataclass(frozen=True)
class Compared:
    """A scenario as a column of the page. `letter` tells it apart in tables."""

    letter: str
    scenario: Scenario
    solved: SolvedScenario
    supposes: list[str]
    value_by_first_rule: float
    rule: str

    @property
    def answer(self) -> Any:
        """Its figures."""
        return self.scenario.answer


@dataclass(frozen=True)
class Line:
    """An application that gets something else, with its title and words for the page. Hours in seconds.

    why: what stood in its way before, where it gets what it prefers; else what stands in its way after.
    """

    application: Application | None
    one: Difference
    words: str
    look: str
    more: int
    why: str


@dataclass(frozen=True)
class Against:
    """One plan against the first."""

    column: Compared
    lines: list[Line]
    total: int
    counts: list[tuple[str, int]]


@dataclass(frozen=True)
class PromiseLine:
    """A promise, and how each plan keeps it, in seconds (None: not in that problem), by the plan's letter."""

    name: str
    short: str
    is_cap: bool
    cells: list[tuple[str, dict[str, Any] | None]]


@dataclass(frozen=True)
class GroupTable:
    """The hours of each group in each plan, with the figure of who gains and loses."""

    group: str
    title: str
    word: str
    csv: str
    rows: list[tuple[str, list[tuple[str, int, int]]]]
    figures: list[Figure]

    @property
    def table_csv(self) -> str:
        """The table's download, where no figure has it."""
        return "" if self.figures else self.csv


@dataclass
class Comparison:
    """All that the page shows of two or three plans."""

    columns: list[Compared]
    same_rule: bool
    rule: str
    against: list[Against]
    promises: list[PromiseLine]
    promise_figure: Figure | None
    groups: list[GroupTable]
    csv: str

    @property
    def promises_csv(self) -> str:
        """The table's download, where the figure hasn't it."""
        return "" if self.promise_figure else f"{self.csv}promises"


def comparison_of(scenarios: Sequence[Scenario]) -> Comparison:
    """Two or three solved scenarios side by side; the first is what the others are compared with."""
    plans = [solved(scenario) for scenario in scenarios]
    rule = plans[0].problem["value"]
    columns = [
        Compared(
            "ABC"[n],
            scenario,
            plan,
            words_of(scenario) or [_("As it stands: nothing is supposed.")],
            plan.value_by(rule),
            value_words(plan.problem["value"]),
        )
        for n, (scenario, plan) in enumerate(zip(scenarios, plans, strict=True))
    ]
    query = "&".join(f"plan={scenario.code}" for scenario in scenarios)
    address = f"{reverse('portal:compare_scenarios')}?{query}&format=csv&of="
    return Comparison(
        columns=columns,
        same_rule=len({plan.problem["value"] for plan in plans}) == 1,
        rule=value_words(rule),
        against=[_against(columns[0], column) for column in columns[1:]],
        promises=(lines := _promise_lines(columns)),
        promise_figure=_promise_figure(columns, lines, address),
        groups=[_group_table(columns, group, address) for group in GROUPS],
        csv=address,
    )


def _against(first: Compared, column: Compared) -> Against:
    found = differences(first.solved, column.solved)
    # Those that lose most and those that gain most are what one looks for.
    shown = found if len(found) <= SHOWN else [*found[: SHOWN // 2], *found[-SHOWN // 2 :]]
    rows = Application.objects.filter(code__in=[one.application for one in shown]).select_related("organisation")
    titles = {row.code: row for row in rows}
    why = _whys(first.solved, column.solved, shown)
    lines = [
        Line(
            titles.get(one.application),
            one,
            str(CHANGE_WORDS[one.kind]),
            CHANGE_LOOKS[one.kind],
            round(one.hours * 3600),
            why.get(one.application, ""),
        )
        for one in shown
    ]
    counts = [(str(CHANGE_WORDS[kind]), number) for kind, number in counted(found).items()]
    return Against(column, lines, len(found), counts)


def _whys(before: SolvedScenario, after: SolvedScenario, found: Sequence[Difference]) -> dict[str, str]:
    """The reason of each, in a few words. One query at most."""
    told = reasons_of(before, after, found)
    said = speech_for(*told.values())
    return {code: short_reason(one, said) for code, one in told.items()}


def _promise_lines(columns: Sequence[Compared]) -> list[PromiseLine]:
    rows = promises_of([column.solved for column in columns])
    names = names_of_promises(row.code for row in rows)
    lines = []
    for row in rows:
        cells: list[tuple[str, dict[str, Any] | None]] = []
        for column, result in zip(columns, row.results, strict=True):
            if result is None:
                cells.append((column.letter, None))
                continue
            fraction = result["fraction"]
            base = result["required"] / fraction if fraction else 0
            amounts = {key: round(result[key] * 3600) for key in ("required", "reached", "shortfall")}
            part = result["reached"] / base if base else None
            cells.append((column.letter, {**amounts, "fraction": fraction, "part": part}))
        lines.append(PromiseLine(names[row.code], short_name(row.code, names[row.code]), row.is_cap, cells))
    return lines


def _promise_figure(columns: Sequence[Compared], lines: Sequence[PromiseLine], address: str) -> Figure | None:
    """Each promise as part of what it is a fraction of, in every plan; the mark is what the last plan requires."""
    rows = []
    for line in lines:
        told = {letter: cell for letter, cell in line.cells if cell is not None and cell["part"] is not None}
        if len(told) == len(columns):
            parts = {letter: cell["part"] for letter, cell in told.items()}
            rows.append({"name": line.short, "required": told[columns[-1].letter]["fraction"], **parts})
    if not rows:
        return None
    words = [_("Before"), _("After")] if len(columns) == 2 else [_("Plan %s") % column.letter for column in columns]
    return plots.promises(
        _("Promises in each plan"),
        [
            Column("name", _("Promise")),
            Column("required", _("Required after"), "percent"),
            *(Column(column.letter, word, "percent") for column, word in zip(columns, words, strict=True)),
        ],
        rows,
        name="name",
        required="required",
        measures=[column.letter for column in columns],
        csv=f"{address}promises",
    )


def _group_table(columns: Sequence[Compared], group: Group, address: str) -> GroupTable:
    rows = by_group([column.solved for column in columns], group)
    names = _names(group, rows)
    title = str(TITLES[group])
    figures = []
    for number, column in enumerate(columns[1:]):
        told = [
            {
                "name": names[row.name],
                "before": round(row.hours[0] * 3600),
                "after": round(row.hours[number + 1] * 3600),
                "more": round(row.more[number] * 3600),
            }
            for row in sorted(rows, key=lambda row: -row.more[number])
            if row.more[number]
        ]
        if told:
            more = _("%(title)s: what changes") % {"title": title}
            figures.append(
                plots.diverging(
                    more if len(columns) == 2 else f"{more} ({column.letter})",
                    [
                        Column("name", GROUP_WORDS[group]),
                        Column("before", _("Before"), "gpu_hours"),
                        Column("after", _("After"), "gpu_hours"),
                        Column("more", _("More or less"), "gpu_hours"),
                    ],
                    told,
                    x="name",
                    y="more",
                    more=_("Gains GPU-hours"),
                    less=_("Loses GPU-hours"),
                    csv=f"{address}{group}",
                )
            )
    table = [
        (
            names[row.name],
            [
                (column.letter, round(hours * 3600), number)
                for column, hours, number in zip(columns, row.hours, row.awarded, strict=True)
            ],
        )
        for row in rows
    ]
    return GroupTable(group, title, str(GROUP_WORDS[group]), f"{address}{group}", table, figures)


def _names(group: Group, rows: Sequence[GroupRow]) -> dict[str, str]:
    codes = [row.name for row in rows]
    if group == "class":
        known = {value: str(label) for value, label in OrganisationClass.choices}
    elif group == "programme":
        known = dict(Programme.objects.filter(code__in=codes).values_list("code", "name"))
    elif group == "country":
        known = {code: str(NAMES[code]) for code in codes if code in NAMES}
    else:
        known = {}
    return {code: known.get(code, code) for code in codes}


# Files


def comparison_csv(scenarios: Sequence[Scenario], of: str) -> HttpResponse:
    """What changes as a table: of applications (default), of promises, or of a group."""
    plans = [solved(scenario) for scenario in scenarios]
    codes = [plan.code for plan in plans]
    if of in GROUPS:
        group: Group = of
        return csv_file(
            f"comparison-{of}",
            [of, *(f"{what} {code}" for code in codes for what in ("gpu_hours", "awarded"))],
            [
                (row.name, *(x for pair in zip(row.hours, row.awarded, strict=True) for x in pair))
                for row in by_group(plans, group)
            ],
        )
    if of == "promises":
        return csv_file(
            "comparison-promises",
            ["promise", *(f"{what} {code}" for code in codes for what in ("fraction", "required", "reached", "lacks"))],
            [
                (
                    row.code,
                    *(
                        result[key] if result else ""
                        for result in row.results
                        for key in ("fraction", "required", "reached", "shortfall")
                    ),
                )
                for row in promises_of(plans)
            ],
        )
    return csv_file(
        "comparison-applications",
        ["first", "other", "application", "class", "programme", "country", "change",
         "gpu_hours_before", "gpu_hours_after", "where_before", "where_after", "why"],
        [
            (
                codes[0],
                other.code,
                one.application,
                one.organisation_class,
                one.programme,
                one.country,
                one.kind,
                one.before.hours if one.before else 0,
                one.after.hours if one.after else 0,
                where_words(one.before),
                where_words(one.after),
                why.get(one.application, ""),
            )
            for other in plans[1:]
            for found in [differences(plans[0], other)]
            for why in [_whys(plans[0], other, found)]
            for one in found
        ],
    )  # fmt: skip


def where_words(award: Award | None) -> str:
    """Partition and period of an award."""
    return f"{award.partition} {award.first_month} x{award.months}" if award else ""
