"""Does first-come starve start-ups and science in a continuous mode, and does the rule prevent it? At which cost?

Real demand: what fifteen groups used of a GPU cluster, a group and day (Microsoft's Philly trace). Each row asks for
its hours in its own month; all together ask for three times what is offered, in proportion to the days of a month. The
trace knows no classes: each draw gives the groups one of four classes, start-ups and academia with floors of 20 % each.
Orders:
`recorded`, as they came; `rush`, where everybody else asks on the first day of the month, as the well-prepared do.

Rules: `first-come`; `fixed`, which holds the floors to the end; `continuous`, the rule of fabriek.allocation.continuous
with its prior only. Queues are answered daily, each application within two days.

    python benchmarks/continuous_replay.py [philly-2017.csv.gz]

Without the trace it takes the table in benchmarks/data, made from it by `--derive` (CC-BY-4.0, as the trace).
"""

from __future__ import annotations

import csv
import gzip
import math
import random
import sys
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from statistics import mean

from fabriek.allocation.continuous import Asked, ClassOf, Request, Room, Situation, Slot, Verdict, answer

TABLE = Path(__file__).parent / "data" / "philly-days.csv"
DRAWS, ANSWER_DAYS, OVERSUBSCRIBED = 20, 2, 3
FLOORS = {"startup": 0.2, "academia": 0.2}
CLASSES = ("startup", "academia", "sme", "large-industry")
RULES = ("first-come", "fixed", "continuous")


@dataclass(frozen=True)
class Wish:
    """A group's hours of one day, in seconds, asked for in that month."""

    group: str
    day: date
    seconds: int

    @property
    def slot(self) -> Slot:
        return ("gpu", f"{self.day:%Y-%m}")


def derive(trace: Path) -> list[Wish]:
    """Sum the trace per virtual cluster and day; days of less than an hour are left out."""
    sums: dict[tuple[str, str], int] = defaultdict(int)
    with gzip.open(trace, "rt", encoding="utf-8") if trace.suffix == ".gz" else trace.open(encoding="utf-8") as opened:
        for row in csv.DictReader(opened):
            sums[row["cluster"], row["timestamp"][:10]] += round(float(row["duration"])) * int(row["num_gpus"])
    return [Wish(g, date.fromisoformat(d), s) for (g, d), s in sorted(sums.items()) if s >= 3600]


def table() -> list[Wish]:
    """The derived table that comes with the benchmark."""
    lines = [line for line in TABLE.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    return [Wish(r["group"], date.fromisoformat(r["day"]), int(r["gpu_seconds"])) for r in csv.DictReader(lines)]


@dataclass
class Outcome:
    """What became of one class's requests."""

    asked: dict[Slot, int] = field(default_factory=lambda: defaultdict(int))
    granted: dict[Slot, int] = field(default_factory=lambda: defaultdict(int))
    refused: int = 0
    requests: int = 0
    value: float = 0.0
    days: int = 0

    def met(self, floor: float, offered: dict[Slot, int]) -> float:
        """Granted of the least of floor and what was asked for, month by month."""
        due = {slot: min(floor * seconds, self.asked[slot]) for slot, seconds in offered.items()}
        return sum(min(self.granted[slot], due[slot]) for slot in offered) / max(1.0, sum(due.values()))


def replay(wishes: list[Wish], class_of: dict[str, str], rule: str) -> tuple[dict[str, Outcome], dict[Slot, int], int]:
    """Run the stream through a rule. Returns the classes, the seconds offered, and those left over."""
    first, last = min(w.day for w in wishes), max(w.day for w in wishes) + timedelta(days=1)
    days: dict[Slot, int] = defaultdict(int)
    for n in range((last - first).days):
        days["gpu", f"{first + timedelta(days=n):%Y-%m}"] += 1
    whole = sum(w.seconds for w in wishes) // OVERSUBSCRIBED
    offered = {slot: whole * number // (last - first).days for slot, number in days.items()}
    free, taken = dict(offered), {c: dict.fromkeys(offered, 0) for c in CLASSES}
    seen: dict[str, list[int]] = defaultdict(list)
    found = {c: Outcome() for c in CLASSES}
    typical = sum(w.seconds for w in wishes) // len(wishes)
    queue: list[tuple[Wish, date]] = []
    coming = sorted(wishes, key=lambda w: (w.day, w.group))
    today = first
    while today < last or queue:
        while coming and coming[0].day <= today:
            wish = coming.pop(0)
            queue.append((wish, today))
            seen[class_of[wish.group]].append(wish.seconds)
        still = []
        for wish, came in queue:
            name, due = class_of[wish.group], (today - came).days >= ANSWER_DAYS
            rooms = {
                slot: Room(offered[slot], free[slot], max(0, (_ends(slot, last) - today).days)) for slot in offered
            }
            waiting = _waiting(queue, wish, class_of)
            classes = {
                c: ClassOf(
                    FLOORS[c],
                    taken[c],
                    waiting[c],
                    Asked(len(seen[c]), (today - first).days, sum(seen[c]), sum(seen[c])),
                )
                for c in FLOORS
            }
            situation = Situation(rooms, classes, (last - first).days, typical, typical)
            verdict = _verdict(rule, situation, Request(wish.group, name, [{wish.slot: wish.seconds}], due))
            if verdict == Verdict.WAIT:
                still.append((wish, came))
                continue
            of = found[name]
            of.requests, of.days = of.requests + 1, of.days + (today - came).days
            of.asked[wish.slot] += wish.seconds
            if verdict == Verdict.GRANT:
                free[wish.slot] -= wish.seconds
                taken[name][wish.slot] += wish.seconds
                of.granted[wish.slot] += wish.seconds
                of.value += math.sqrt(wish.seconds / 3600)
            else:
                of.refused += 1
        queue, today = still, today + timedelta(days=1)
    return found, offered, sum(free.values())


def _waiting(queue: list[tuple[Wish, date]], mine: Wish, class_of: dict[str, str]) -> dict[str, dict[Slot, int]]:
    sums: dict[str, dict[Slot, int]] = {c: defaultdict(int) for c in FLOORS}
    for wish, _came in queue:
        if wish is not mine and class_of[wish.group] in FLOORS:
            sums[class_of[wish.group]][wish.slot] += wish.seconds
    return sums


def _ends(slot: Slot, last: date) -> date:
    year, month = map(int, slot[1].split("-"))
    return min(date(year + month // 12, month % 12 + 1, 1), last)


def _verdict(rule: str, situation: Situation, request: Request) -> Verdict:
    if rule == "continuous":
        return answer(situation, request).verdict
    (slot, seconds), room = next(iter(request.alternatives[0].items())), situation.rooms
    left = room[slot].free
    if rule == "fixed":
        left -= sum(
            max(0, math.floor(of.floor * room[slot].offered) - of.taken[slot])
            for name, of in situation.classes.items()
            if name != request.class_
        )
    return Verdict.GRANT if seconds <= left else Verdict.REFUSE


def main() -> None:
    arguments = [a for a in sys.argv[1:] if a != "--derive"]
    wishes = derive(Path(arguments[0])) if arguments else table()
    if "--derive" in sys.argv:
        TABLE.write_text(
            "# Derived from Microsoft's Philly trace (CC-BY-4.0) by benchmarks/continuous_replay.py --derive.\n"
            + "group,day,gpu_seconds\n"
            + "".join(f"{w.group},{w.day},{w.seconds}\n" for w in wishes),
            encoding="utf-8",
        )
        return
    groups = sorted({w.group for w in wishes})
    print(f"{len(wishes)} requests of {len(groups)} groups, {DRAWS} draws of classes; floors {FLOORS}")
    print("start-ups, academia: what they got, month by month, of the least of floor and asked for; kept: 0.9 or more")
    head = ("order", "rule", "start-ups", "academia", "worst draw", "kept", "share fl.", "refused fl.", "refused oth.",
            "value/f-c", "unused", "days")  # fmt: skip
    print("{:<9}{:<12}{:>10}{:>10}{:>12}{:>7}{:>11}{:>13}{:>14}{:>11}{:>8}{:>6}".format(*head))
    for order in ("recorded", "rush"):
        base: list[float] = []
        for rule in RULES:
            rows = [_draw(wishes, groups, order, rule, seed) for seed in range(DRAWS)]
            if rule == "first-come":
                base = [row["value"] for row in rows]
            every = [row[c] for row in rows for c in FLOORS]
            print(
                f"{order:<9}{rule:<12}"
                f"{mean(r['startup'] for r in rows):>10.2f}{mean(r['academia'] for r in rows):>10.2f}"
                f"{min(every):>12.2f}{mean(e >= 0.9 for e in every):>7.0%}{mean(r['share'] for r in rows):>11.1%}"
                f"{mean(r['refused'] for r in rows):>13.0%}{mean(r['refused_others'] for r in rows):>14.0%}"
                f"{mean(r['value'] / b for r, b in zip(rows, base, strict=True)):>11.2f}"
                f"{mean(r['unused'] for r in rows):>8.1%}{mean(r['days'] for r in rows):>6.2f}"
            )


def _draw(wishes: list[Wish], groups: list[str], order: str, rule: str, seed: int) -> dict[str, float]:
    draws = random.Random(seed)
    shuffled = draws.sample(groups, len(groups))
    class_of = {group: CLASSES[n % len(CLASSES)] for n, group in enumerate(shuffled)}
    stream = wishes
    if order == "rush":
        start = min(w.day for w in wishes)
        stream = [
            w if class_of[w.group] in FLOORS else Wish(w.group, max(w.day.replace(day=1), start), w.seconds)
            for w in wishes
        ]
        draws.shuffle(stream)
    found, offered, unused = replay(stream, class_of, rule)
    floors, others = [found[c] for c in FLOORS], [found[c] for c in CLASSES if c not in FLOORS]
    whole = {name: sum(of.granted.values()) for name, of in found.items()}
    return {
        **{c: found[c].met(FLOORS[c], offered) for c in FLOORS},
        "share": sum(whole[c] for c in FLOORS) / max(1, sum(whole.values())),
        "refused": sum(o.refused for o in floors) / max(1, sum(o.requests for o in floors)),
        "refused_others": sum(o.refused for o in others) / max(1, sum(o.requests for o in others)),
        "value": sum(o.value for o in found.values()),
        "unused": unused / sum(offered.values()),
        "days": sum(o.days for o in found.values()) / max(1, sum(o.requests for o in found.values())),
    }


if __name__ == "__main__":
    main()
