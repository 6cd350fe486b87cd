"""Random problems, for tests and benchmarks. Nobody's data.

`random_problem`: small and mixed, with partial requests and all kinds of promises. `large_problem`: the family of the
published measurements (docs/explanation/allocation.md): log-normal all-or-nothing requests of 500 to 2,000,000
GPU-hours, three times the capacity, up to three alternatives, two floors.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from typing import Any

from fabriek.allocation.problem import Problem, parse_problem

_CLASSES = ("startup", "sme", "large-industry", "public-sector", "academia")
_COUNTRIES = ("NL", "DE", "FR", "IT", "ES", "FI", "PL", "SE")


def random_problem(
    seed: int,
    applications: int = 100,
    *,
    partitions: int = 3,
    months: int = 12,
    programmes: int = 3,
    demand: float = 2.0,
    partial: float = 0.2,
    promises: bool = True,
) -> Problem:
    """A problem in which about `demand` times the capacity is asked; sizes are log-normal, as on real machines."""
    draw = random.Random(seed)  # noqa: S311 - a test problem, not a secret
    names = [f"system-{n}/gpu" for n in range(partitions)]
    capacity = {name: float(draw.randrange(200_000, 2_000_000, 1000)) for name in names}
    cuts = {name: _parts(draw, programmes) for name in names}
    total = sum(capacity.values()) * months
    rows = []
    sizes = [draw.lognormvariate(0, 1.2) for _ in range(applications)]
    scale = demand * total / sum(sizes)
    for n, size in enumerate(sizes):
        length = draw.choice([1, 2, 3, 3, 6, 12])
        length = min(length, months)
        start = draw.randrange(0, months - length + 1)
        hours = float(max(1, min(round(size * scale), int(max(capacity.values()) * length * 0.3))))
        places = draw.sample(names, k=min(partitions, draw.choice([1, 1, 2, 3])))
        rows.append(
            {
                "id": f"A{n:05d}",
                "programme": f"P{draw.randrange(programmes)}",
                "class": draw.choice(_CLASSES),
                "organisation": f"O{draw.randrange(max(1, applications // 3))}",
                "country": draw.choice(_COUNTRIES),
                "commercial": draw.random() < 0.05,
                "score": round(min(100.0, max(30.0, draw.gauss(74, 12))), 1),
                "least": 1.0 if draw.random() >= partial else round(draw.uniform(0.3, 0.9), 2),
                "alternatives": [
                    {"partition": name, "start": start, "months": length, "hours": hours} for name in places
                ],
            }
        )
    floors_and_caps = [
        {"id": "startups", "kind": "floor", "class": "startup", "fraction": 0.15, "of": "awarded", "rank": 1},
        {
            "id": "sme",
            "kind": "floor",
            "programme": "P0",
            "class": "sme",
            "fraction": 0.1,
            "of": "capacity",
            "rank": 2,
        },
        {"id": "commercial", "kind": "cap", "commercial": True, "fraction": 0.2, "of": "capacity"},
        {"id": "nl", "kind": "cap", "country": "NL", "fraction": 0.3, "of": "awarded"},
    ]
    return _problem(capacity, cuts, months, programmes, rows, floors_and_caps if promises else [])


def _parts(draw: random.Random, number: int) -> list[float]:
    """Shares with four decimals that add up to at most one."""
    weights = [draw.uniform(0.5, 2.0) for _ in range(number)]
    return [math.floor(weight / sum(weights) * 10_000) / 10_000 for weight in weights]


def large_problem(
    seed: int,
    applications: int,
    partitions: int,
    *,
    months: int = 12,
    programmes: int = 1,
    demand: float = 3.0,
    partial: float = 0.0,
    spread: float = 1.8,
    promises: bool = True,
) -> Problem:
    """A problem of the measured family. spread: standard deviation of the logarithm of a request; partial: the part of
    the applications that half of what they ask is enough for."""
    draw = random.Random(seed)  # noqa: S311 - a test problem, not a secret
    names = [f"system-{n:03d}/gpu" for n in range(partitions)]
    asked = [min(2e6, max(500.0, draw.lognormvariate(math.log(20_000), spread))) for _ in range(applications)]
    weights = [draw.uniform(1, 10) for _ in names]
    a_month = sum(asked) / demand / months / sum(weights)
    capacity = {name: float(math.floor(weight * a_month)) for name, weight in zip(names, weights, strict=True)}
    cuts = {name: _parts(draw, programmes) if programmes > 1 else [1.0] for name in names}
    rows = []
    for n, hours in enumerate(asked):
        length = min(draw.choice([1, 2, 3, 3, 6, 6, 12]), months)
        start = draw.randrange(0, months - length + 1)
        places = draw.sample(names, k=min(partitions, draw.randint(1, 3)))
        rows.append(
            {
                "id": f"A{n:06d}",
                "programme": f"P{draw.randrange(programmes)}",
                "class": draw.choice(_CLASSES),
                "organisation": f"O{draw.randrange(max(1, applications // 3))}",
                "country": draw.choice(_COUNTRIES),
                "score": round(min(100.0, max(0.0, draw.gauss(72, 12))), 1),
                "least": 0.5 if draw.random() < partial else 1.0,
                "alternatives": [
                    {
                        "partition": name,
                        "start": start,
                        "months": length,
                        "hours": float(round(hours * (draw.uniform(0.7, 1.4) if place else 1.0))),
                    }
                    for place, name in enumerate(places)
                ],
            }
        )
    floors = (("startups", "startup", 0.2, 1), ("academia", "academia", 0.15, 2))
    promised = [
        {"id": name, "kind": "floor", "class": who, "fraction": part, "of": "awarded", "rank": rank}
        for name, who, part, rank in floors
    ]
    return _problem(capacity, cuts, months, programmes, rows, promised if promises else [])


def _problem(
    capacity: Mapping[str, float],
    cuts: Mapping[str, list[float]],
    months: int,
    programmes: int,
    applications: list[dict[str, Any]],
    promises: list[dict[str, Any]],
) -> Problem:
    """capacity: hours a month of each partition; cuts: the programmes' parts of it."""
    return parse_problem(
        {
            "format": "fabriek/problem/1",
            "months": [f"{2027 + n // 12}-{n % 12 + 1:02d}" for n in range(months)],
            "partitions": [{"id": name, "capacity": [hours] * months} for name, hours in capacity.items()],
            "programmes": [
                {"id": f"P{q}", "shares": {name: [parts[q]] * months for name, parts in cuts.items()}}
                for q in range(programmes)
            ],
            "threshold": 60.0,
            "value": "score*sqrt(hours)",
            "applications": applications,
            "promises": promises,
        }
    )
