"""The plan, `fabriek/plan/1`: who gets what where, why the others don't, which promises are kept, and the proof."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from fabriek.allocation.faults import PlanError, ProblemError, first_fault
from fabriek.allocation.problem import read_file, read_json

Number = Annotated[float, Field(allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class _Row(BaseModel):
    """A row of the plan: strict (a number is a number, not a text) and without unknown fields."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", populate_by_name=True)


class Award(_Row):
    """`alternative` counts from 0 in the application's own list; `hours` in total over its months."""

    application: str
    alternative: int
    hours: float = Field(gt=0, allow_inf_nan=False)


class Refusal(_Row):
    """Why not. `detail` gives the numbers behind the reason; see docs/explanation/allocation.md."""

    application: str
    reason: Literal["threshold", "displaced", "capacity", "promise", "cap"]
    detail: dict[str, Any] = Field(default_factory=dict)


class PromiseResult(_Row):
    """`required` and `reached` in GPU-hours. `shortfall`: what lacks of a floor, or exceeds a cap (never by
    more than earlier decisions did)."""

    id: str
    required: Number
    reached: Number
    shortfall: NotNegative


class Price(_Row):
    """What one more GPU-hour would add to the value: of a share (programme, partition, month) or of a promise."""

    programme: str | None = None
    partition: str | None = None
    month: int | None = None
    promise: str | None = None
    price: NotNegative
    relaxed: NotNegative | None = Field(
        default=None, description="GPU-hours that a floor could not but lack; its row is that much wider."
    )
    fraction: NotNegative | None = Field(
        default=None,
        description="Where a floor's class may ask too little: the part of all awarded hours that the floor asks for "
        "in any case, its demand over all that could be awarded.",
    )


class Certificate(_Row):
    """A bound that anyone can check without a solver: for any prices at all, no plan is worth more than the hours on
    offer at these prices plus what each application gains over them (weak duality). `bound` is that number."""

    bound: Number
    prices: list[Price]
    solver: str


class Plan(_Row):
    format: Literal["fabriek/plan/1"] = "fabriek/plan/1"
    problem_sha256: str
    value: Number
    bound: Number
    gap: NotNegative
    status: Literal["optimal", "gap", "time"]
    awards: list[Award]
    refusals: list[Refusal]
    promises: list[PromiseResult] = Field(default_factory=list)
    certificate: Certificate | None = None

    def to_json(self) -> str:
        """The file; equal plans give equal bytes."""
        document = self.model_dump(mode="json", by_alias=True, exclude_none=True)
        return json.dumps(document, sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def gap_between(value: float, bound: float) -> float:
    """How far, at most, the plan is from the best possible one, as a part of its own value."""
    return max(0.0, bound - value) / max(abs(value), 1e-9) if bound > value else 0.0


def load_plan(source: str | bytes | Path) -> Plan:
    """Read a plan from a file (a path), or from the text of one. Errors: PlanError with the path of the first fault."""
    try:
        raw = read_file(source) if isinstance(source, Path) else source
        data = read_json(raw.encode("utf-8", "surrogatepass") if isinstance(raw, str) else raw)
    except ProblemError as error:
        raise PlanError(error.path, error.sentence) from None
    if not isinstance(data, dict) or data.get("format") != "fabriek/plan/1":
        raise PlanError("format", 'is missing or another; a plan says "fabriek/plan/1"')
    try:
        return Plan.model_validate(data, by_alias=True, by_name=False)
    except ValidationError as error:
        raise first_fault(error, PlanError) from None
