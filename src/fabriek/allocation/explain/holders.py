"""Who holds the hours that a displaced application asked for: by name for an officer, by kind for everybody else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from fabriek.allocation.explain.model import Holder, Kind
from fabriek.allocation.plan import Plan
from fabriek.allocation.problem import Problem


class Holders:
    """Of each programme, partition and month of a plan: the awards that draw on it."""

    def __init__(self, problem: Problem, plan: Plan) -> None:
        applications = {row.id: row for row in problem.applications}
        self._cells: dict[tuple[str, str, str], list[Holder]] = {}
        self._kinds: dict[tuple[str, str, str], list[Kind]] = {}
        for award in plan.awards:
            row = applications[award.application]
            asked = row.alternatives[award.alternative]
            holder = Holder(
                application=row.id,
                organisation_class=row.class_,
                score=float(row.score),
                hours=award.hours / asked.months,
            )
            for month in problem.months[asked.start : asked.start + asked.months]:
                self._cells.setdefault((row.programme, asked.partition, month), []).append(holder)

    def named(self, programme: str, detail: Mapping[str, Any]) -> list[Holder]:
        """Those of the month that a refusal's detail names, the most hours first."""
        found = self._cells.get(_cell(programme, detail), [])
        return sorted(found, key=lambda holder: (-holder.hours, holder.application))

    def kinds(self, programme: str, detail: Mapping[str, Any]) -> list[Kind]:
        """How many of each class those are, the most first."""
        cell = _cell(programme, detail)
        if cell not in self._kinds:
            counted = Counter(holder.organisation_class for holder in self._cells.get(cell, []))
            self._kinds[cell] = [
                Kind(organisation_class=name, number=number)
                for name, number in sorted(counted.items(), key=lambda item: (-item[1], item[0]))
            ]
        return self._kinds[cell]


def _cell(programme: str, detail: Mapping[str, Any]) -> tuple[str, str, str]:
    return programme, str(detail.get("partition", "")), str(detail.get("month", ""))
