"""A measured promise as plain values: what the command, the API and the export print."""

from __future__ import annotations

from typing import Any

from fabriek.promises.measures import Measured

STATIONS = ("share", "decided", "queued", "used")


def as_rows(measured: list[Measured]) -> list[dict[str, Any]]:
    """One row a promise; hours in GPU-hours (accelerator-seconds / 3600), the seconds themselves beside them."""
    return [as_row(one) for one in measured]


def as_row(one: Measured) -> dict[str, Any]:
    """`required` is what is required of what was decided; of what was used in `required_of_use`. `systems`: each of
    them, for a floor or a cap of every system, which holds where it holds on each; the amounts are of all together.
    `use_judged`: false as long as too little was used to tell, so that `holds` rests on what was decided alone."""
    terms = one.terms
    return {
        "id": terms.code,
        "name": terms.name,
        "kind": terms.kind,
        "programme": terms.programme or None,
        "class": terms.organisation_class or None,
        "country": terms.country or None,
        "commercial": terms.commercial,
        "fraction": float(terms.fraction) if terms.fraction is not None else None,
        "of": terms.of if terms.fraction is not None else None,
        "system": terms.system or None,
        **_hours(one),
        "seconds": {
            "required": one.required["decided"],
            "share": one.share,
            "decided": one.decided,
            "queued": one.queued,
            "used": one.used,
        },
        "holds": one.holds,
        "holds_at": one.holds_at,
        "use_judged": one.use_judged,
        "systems": [
            {
                "system": on.terms.system,
                **_hours(on),
                "holds": on.holds,
                "holds_at": on.holds_at,
                "use_judged": on.use_judged,
            }
            for on in one.systems
        ],
        "misses": [
            {
                "what": miss.what,
                "system": miss.system or None,
                "reached": miss.reached / 3600,
                "required": miss.required / 3600,
            }
            for miss in one.misses()
        ],
        "demo": terms.is_demo,
    }


def _hours(one: Measured) -> dict[str, float]:
    return {
        "required": one.required["decided"] / 3600,
        "required_of_use": one.required["used"] / 3600,
        "share": one.share / 3600,
        "decided": one.decided / 3600,
        "queued": one.queued / 3600,
        "used": one.used / 3600,
    }


def promised_rows(one: Measured) -> list[dict[str, Any]]:
    """How what is promised comes about: `whole` GPU-hours times `times`, the seconds beside them."""
    return [
        {
            "system": row.system or None,
            "whole": row.whole / 3600,
            "times": float(row.times),
            "promised": row.promised / 3600,
            "seconds": {"whole": row.whole, "promised": row.promised},
        }
        for row in one.promised()
    ]


def number_rows(one: Measured) -> list[dict[str, Any]]:
    """The numbers behind a promise: GPU-hours of each programme on each system by kind of project, the seconds beside
    them."""
    return [
        {
            "programme": row.programme,
            "system": row.system,
            "class": row.organisation_class or None,
            "country": row.country or None,
            "commercial": row.commercial,
            **{name: getattr(row, name) / 3600 for name in STATIONS},
            "seconds": {name: getattr(row, name) for name in STATIONS},
        }
        for row in sorted(one.numbers, key=lambda row: (row.programme, row.system, row.organisation_class, row.country))
    ]
