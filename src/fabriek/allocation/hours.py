"""What a choice of awards uses, in exact arithmetic: shared by solving, explaining and ranking (not by verifying)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from fractions import Fraction

from fabriek.allocation.formulation import Choice
from fabriek.allocation.plan import Award, PromiseResult
from fabriek.allocation.problem import Problem, Promise
from fabriek.allocation.rules import (
    base_capacity,
    counts,
    eligible_demand,
    exact,
    excused,
    is_within,
    share_hours,
    worth,
)


class Room:
    """What is left of the shares and the caps while awards are taken one by one. Hours as exact fractions."""

    def __init__(self, problem: Problem, demand: Mapping[str, Fraction] | None = None) -> None:
        """demand: of each floor's class, where it is known already."""
        self.problem = problem
        self.left = share_hours(problem)
        self.caps = [promise for promise in problem.promises if promise.kind == "cap"]
        self.floors = [promise for promise in problem.promises if promise.kind == "floor"]
        self.bases = {promise.id: base_capacity(problem, promise) for promise in problem.promises}
        self.excused = {cap.id: excused(problem, cap) for cap in self.caps}
        self.demand = demand or {floor.id: eligible_demand(problem, floor) for floor in self.floors}
        self.subject: dict[str, Fraction] = defaultdict(Fraction)
        self.base: dict[str, Fraction] = defaultdict(Fraction)
        for promise in problem.promises:
            self.subject[promise.id] = exact(promise.reached_before)
            self.base[promise.id] = exact(promise.base_before)

    def cells_without_room(self, choice: Choice, hours: Fraction) -> list[tuple[str, str, int]]:
        """The shares that lack the hours."""
        a_month = hours / choice.application.alternatives[choice.place].months
        return [cell for cell in choice.cells if self.left.get(cell, Fraction(0)) < a_month]

    def caps_exceeded(self, choice: Choice, hours: Fraction) -> list[Promise]:
        """The caps that taking these hours would break."""
        return [
            cap
            for cap in self.caps
            if counts(cap, choice.application, choice.partition) and self._excess(cap, hours) > 0
        ]

    def floors_opened(self, choice: Choice, hours: Fraction) -> list[Promise]:
        """The floors that taking these hours would leave with a shortfall, or a greater one."""
        opened = []
        for floor in self.floors:
            if floor.of == "capacity" or not is_within(floor, choice.application, choice.partition):
                continue
            gain = hours if counts(floor, choice.application, choice.partition) else Fraction(0)
            required = min(exact(floor.fraction) * (self.base[floor.id] + hours), self.demand[floor.id])
            lacks = required - self.subject[floor.id] - gain
            if lacks > self.shortfall(floor):
                opened.append(floor)
        return opened

    def caps_squeezed(self, choice: Choice, hours: Fraction) -> list[Promise]:
        """The caps on awarded hours that these hours, though not their subject, would leave exceeded."""
        squeezed = []
        for cap in self.caps:
            if cap.of == "awarded" and not counts(cap, choice.application, choice.partition):
                gain = hours if is_within(cap, choice.application, choice.partition) else Fraction(0)
                if self.subject[cap.id] - self.excused[cap.id] > exact(cap.fraction) * (self.base[cap.id] + gain):
                    squeezed.append(cap)
        return squeezed

    def fits(self, choice: Choice, hours: Fraction) -> bool:
        """Whether taking these hours keeps every share and cap and opens no floor."""
        return (
            not self.cells_without_room(choice, hours)
            and not self.caps_exceeded(choice, hours)
            and not self.floors_opened(choice, hours)
        )

    def _excess(self, cap: Promise, hours: Fraction) -> Fraction:
        base = self.bases[cap.id] if cap.of == "capacity" else self.base[cap.id] + hours
        return self.subject[cap.id] + hours - self.excused[cap.id] - exact(cap.fraction) * base

    def give_back(self, choice: Choice, hours: Fraction) -> None:
        """Undo `take`."""
        self.take(choice, -hours)

    def take(self, choice: Choice, hours: Fraction) -> None:
        """Take the hours from every share and count them under every promise."""
        a_month = hours / choice.application.alternatives[choice.place].months
        for cell in choice.cells:
            self.left[cell] -= a_month
        for promise in self.problem.promises:
            if counts(promise, choice.application, choice.partition):
                self.subject[promise.id] += hours
            if is_within(promise, choice.application, choice.partition):
                self.base[promise.id] += hours

    def shortfall(self, floor: Promise) -> Fraction:
        """What the floor lacks now."""
        return max(Fraction(0), self.required(floor) - self.subject[floor.id])

    def required(self, promise: Promise) -> Fraction:
        """Hours that the promise asks for (floor, as far as its class asks) or allows (cap), given what was taken."""
        base = self.bases[promise.id] if promise.of == "capacity" else self.base[promise.id]
        required = exact(promise.fraction) * base
        return min(required, self.demand[promise.id]) if promise.kind == "floor" else required

    def results(self) -> list[PromiseResult]:
        """How each promise stands, in the order of ids."""
        return [
            PromiseResult(
                id=promise.id,
                required=float(self.required(promise)),
                reached=float(self.subject[promise.id]),
                shortfall=float(
                    self.shortfall(promise)
                    if promise.kind == "floor"
                    else max(Fraction(0), self.subject[promise.id] - self.required(promise))
                ),
            )
            for promise in sorted(self.problem.promises, key=lambda p: p.id)
        ]


def value_of(problem: Problem, awards: Iterable[Award]) -> float:
    """The plan's value: worth times the fraction awarded, summed in the order of applications."""
    by_id = {application.id: application for application in problem.applications}
    total = 0.0
    for award in sorted(awards, key=lambda a: a.application):
        application = by_id[award.application]
        alternative = application.alternatives[award.alternative]
        total += worth(problem, application, alternative, award.alternative) * (award.hours / alternative.hours)
    return total


def book(problem: Problem, awards: Iterable[Award], demand: Mapping[str, Fraction] | None = None) -> Room:
    """The room that is left once these awards are taken."""
    applications = {application.id: application for application in problem.applications}
    room = Room(problem, demand)
    for award in awards:
        application = applications[award.application]
        hours = application.alternatives[award.alternative].hours
        room.take(Choice(application, award.alternative, 0.0, hours), exact(award.hours))
    return room
