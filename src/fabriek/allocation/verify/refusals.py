"""Whether the reason that each refusal gives is the true one, and its numbers are those of the plan.

The reasons, the first that holds: `threshold`; `capacity`, no alternative fits its share alone; the first alternative
that has room for all it asks would exceed a `cap` or open a floor (`promise`); each alternative that fits its share
alone would exceed a `cap` even so; `displaced`, others hold the hours. If there is room and nothing else stands in the
way, the application should have been awarded.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np

from fabriek.allocation.plan import Plan, Refusal
from fabriek.allocation.problem import Promise
from fabriek.allocation.verify.awards import Booked, exceeded_before
from fabriek.allocation.verify.reading import NEAR, Mask, Reading, agree, exact


@dataclass(frozen=True)
class _True:
    """A reason that holds: the alternative that it speaks of, and the promises that stand in the way."""

    reason: str
    alternative: int = 0
    promises: list[str] = field(default_factory=list)


def refusal_faults(reading: Reading, booked: Booked, plan: Plan) -> list[str]:
    """Refusals whose reason or numbers are not true."""
    judge = _Judge(reading, booked)
    faults = []
    for n, refusal in enumerate(plan.refusals):
        where = f"refusals[{n}] ({refusal.application})"
        true = judge.reason(reading.number[refusal.application])
        if true.reason == "none":
            faults.append(f"{where} says {refusal.reason}; alternative {true.alternative} has room and breaks nothing")
        elif true.reason != refusal.reason:
            faults.append(f"{where} says {refusal.reason}; the reason is {judge.told(true)}")
        else:
            faults += [f"{where}: {fault}" for fault in judge.detail_faults(refusal, true)]
    return faults


class _Judge:
    def __init__(self, reading: Reading, booked: Booked) -> None:
        self.reading, self.booked = reading, booked
        self.caps = [promise for promise in reading.problem.promises if promise.kind == "cap"]
        self.floors = [promise for promise in reading.problem.promises if promise.kind == "floor"]
        self.subject = {promise.id: reading.subject(promise) for promise in reading.problem.promises}
        self.within = {promise.id: reading.within(promise) for promise in reading.problem.promises}
        left = np.zeros_like(reading.limits)
        for cell in reading.shares:
            programme, partition, month = cell
            left[reading.block_number[programme, partition], month] = float(booked.hours_left(cell))
        self.left = left
        self.roomy = self._roomy()
        self.holders: dict[tuple[str, str, int], list[float]] = {}
        for application, n in booked.alternative.items():
            for cell in reading.cells(n):
                self.holders.setdefault(cell, []).append(float(reading.score[reading.number[application]]))
        for scores in self.holders.values():
            scores.sort()

    def _roomy(self) -> Mask:
        """Which alternatives have room for all that they ask in what is left."""
        reading = self.reading
        a_month, left = reading.hours / reading.months, reading.least_of(self.left)
        roomy = a_month <= left
        size = np.maximum(a_month, reading.room)
        for n in np.flatnonzero(np.abs(a_month - left) <= NEAR * size).tolist():
            parts = self.booked.parts(float(reading.hours[n])) // int(reading.months[n])
            roomy[n] = all(self.booked.left.get(cell, 0) >= parts for cell in reading.cells(n))
        return roomy

    def reason(self, application: int) -> _True:
        """Why it got nothing; `none`: nothing stands in its way."""
        reading = self.reading
        if not reading.eligible[application]:
            return _True("threshold")
        first, end = int(reading.first[application]), int(reading.first[application + 1])
        possible = [n for n in range(first, end) if reading.fits[n]]
        if not possible:
            return _True("capacity")
        for n in possible:
            if self.roomy[n]:
                hours = exact(float(reading.hours[n]))
                if exceeded := self._exceeded(n, hours):
                    return _True("cap", n - first, exceeded)
                if opened := self._opened(n, hours):
                    return _True("promise", n - first, opened)
                return _True("none", n - first)
        if self.caps:
            alone = {n: self._exceeded_alone(n) for n in possible}
            if all(alone.values()):
                return _True("cap", possible[0] - first, alone[possible[0]])
        return _True("displaced", possible[0] - first)

    def told(self, true: _True) -> str:
        """The reason in words."""
        promises = f" ({', '.join(true.promises)})" if true.promises else ""
        return f"{true.reason}{promises}"

    def _exceeded(self, n: int, hours: Fraction) -> list[str]:
        return [
            cap.id
            for cap in self.caps
            if self.subject[cap.id][n]
            and self.booked.reached[cap.id] + hours
            > self.booked.required(cap, hours) + exceeded_before(cap, self.booked.base[cap.id])
        ]

    def _exceeded_alone(self, n: int) -> list[str]:
        """Caps on a part of capacity that its least useful part would exceed if nobody else were awarded anything."""
        least = exact(float(self.reading.hours[n])) * exact(float(self.reading.part[n]))
        return [
            cap.id
            for cap in self.caps
            if cap.of == "capacity"
            and self.subject[cap.id][n]
            and least > max(Fraction(0), self.booked.required(cap) - exact(cap.reached_before))
        ]

    def _opened(self, n: int, hours: Fraction) -> list[str]:
        return [floor.id for floor in self.floors if floor.of == "awarded" and self._opens(floor, n, hours)]

    def _opens(self, floor: Promise, n: int, hours: Fraction) -> bool:
        if not self.within[floor.id][n]:
            return False
        gain = hours if self.subject[floor.id][n] else Fraction(0)
        lacks = self.booked.required(floor, hours) - self.booked.reached[floor.id] - gain
        return lacks > self.booked.shortfall(floor)

    def detail_faults(self, refusal: Refusal, true: _True) -> list[str]:
        """What `detail` says and isn't so. It may leave things out."""
        expected = self._expected(refusal, true)
        faults = []
        for name, told in refusal.detail.items():
            if name == "month" and refusal.reason in ("capacity", "displaced"):
                continue
            if name not in expected:
                faults.append(f"detail.{name} is not known for {refusal.reason}")
            elif not _same(expected[name], told):
                faults.append(f"detail.{name} is {told!r}; it is {expected[name]!r}")
        if "month" in expected and "month" in refusal.detail and refusal.detail["month"] != expected["month"]:
            faults.append(f"detail.month is {refusal.detail['month']!r}; it is {expected['month']!r}")
        return faults

    def _expected(self, refusal: Refusal, true: _True) -> dict[str, Any]:
        application = self.reading.number[refusal.application]
        row = self.reading.problem.applications[application]
        if true.reason == "threshold":
            return {"score": row.score, "threshold": self.reading.problem.threshold}
        if true.reason in ("cap", "promise"):
            return {"promises": true.promises, "alternative": true.alternative}
        n = int(self.reading.first[application]) + true.alternative
        table = self.reading.limits if true.reason == "capacity" else self.left
        cell = self._scarcest(n, table, refusal.detail.get("month"))
        told = {
            "alternative": true.alternative,
            "partition": cell[1],
            "month": self.reading.problem.months[cell[2]],
        }
        a_month = float(exact(float(self.reading.hours[n])) / int(self.reading.months[n]))
        if true.reason == "capacity":
            share = float(self.reading.shares.get(cell, Fraction(0)))
            return {**told, "asked": a_month * row.least, "share": share}
        others = self.holders.get(cell, [])
        told |= {
            "asked": a_month,
            "left": max(0.0, float(self.booked.hours_left(cell))),
            "score": row.score,
            "awarded": len(others),
            "worth": float(self.reading.worth[n]),
        }
        if others:
            told["lowest_awarded_score"] = others[0]
            told["higher_scores"] = len(others) - bisect_right(others, row.score)
        return told

    def _scarcest(self, n: int, table: Any, told: object) -> tuple[str, str, int]:
        """The month of which least is left; the one that was told, if it is as scarce but for rounding."""
        cells = self.reading.cells(n)
        hours = [float(table[self.reading.block[n], month]) for _programme, _partition, month in cells]
        least = min(hours)
        size = max(1.0, float(self.reading.room[n]))
        for cell, found in zip(cells, hours, strict=True):
            if self.reading.problem.months[cell[2]] == told and found - least <= NEAR * size:
                return cell
        return cells[hours.index(least)]


def _same(ours: Any, told: Any) -> bool:
    if isinstance(ours, list):
        return isinstance(told, list) and all(isinstance(name, str) for name in told) and sorted(told) == sorted(ours)
    if isinstance(ours, str):
        return bool(told == ours)
    if isinstance(told, bool) or not isinstance(told, (int, float)) or not math.isfinite(told):
        return False
    return agree(float(ours), float(told))
