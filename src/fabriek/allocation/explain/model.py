"""What an explanation holds: codes and numbers, of which `words.py` makes sentences. `fabriek/explanation/1`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from fabriek.allocation.plan import Award

Number = Annotated[float, Field(allow_inf_nan=False)]


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", populate_by_name=True)


class Asked(_Row):
    """A place that could be asked for: hours in total over months from `start` (a month of the horizon) on."""

    partition: str
    start: str
    months: int
    hours: Number

    @property
    def months_named(self) -> tuple[str, str]:
        """Its first and its last month, as in 2027-11 and 2028-01."""
        last = int(self.start[:4]) * 12 + int(self.start[5:]) - 1 + self.months - 1
        return self.start, f"{last // 12:04d}-{last % 12 + 1:02d}"


class Other(_Row):
    """Somebody else, for the officer; never told to an applicant. `hours`: what they would lose."""

    application: str
    score: Number
    hours: Number


class Holder(_Row):
    """Who holds hours where an application was displaced, for the officer; never told to an applicant. `hours`: of
    that month."""

    application: str
    organisation_class: str
    score: Number
    hours: Number


class Kind(_Row):
    """How many of a class hold hours there: what an applicant is told of the others."""

    organisation_class: str
    number: int


class Change(_Row):
    """A change of the application alone that would have made it, or the nearest that would not.

    score: `needed` is the score; amount: `needed` is the hours of the preferred alternative, the others in proportion;
    place: `place`, named as a further alternative. `needed` is absent where no change of the kind is enough.
    """

    kind: Literal["score", "amount", "place"]
    checked: bool = Field(description="Solved: with `needed` or `place` it is awarded, with `not_enough` it isn't.")
    needed: Number | None = None
    place: Asked | None = None
    not_enough: Number | None = Field(
        default=None, description="The nearest that was solved too, or that the rules exclude, and isn't enough."
    )
    tolerance: Number | None = Field(default=None, description="How far `needed` and `not_enough` lie apart.")
    award: Award | None = Field(default=None, description="What it would have been awarded.")
    displaces: list[Other] = Field(default_factory=list, description="Who would have been awarded less, for officers.")


class PassedOver(_Row):
    """Why an alternative that it preferred was not awarded. `reason`: as of a refusal, or `value`: the plan is worth
    more without it."""

    alternative: int
    reason: Literal["displaced", "capacity", "promise", "cap", "value"]
    detail: dict[str, Any] = Field(default_factory=dict)


class Explanation(_Row):
    """Why an application got what it got. `reason`: of a refusal; `preferred`, `later` or `part` of an award."""

    format: Literal["fabriek/explanation/1"] = "fabriek/explanation/1"
    problem_sha256: str
    application: str
    outcome: Literal["awarded", "refused"]
    reason: Literal["threshold", "displaced", "capacity", "promise", "cap", "preferred", "later"]
    detail: dict[str, Any] = Field(default_factory=dict)
    award: Award | None = None
    asked: list[Asked]
    passed_over: list[PassedOver] = Field(default_factory=list)
    held_by: list[Kind] = Field(
        default_factory=list, description="Of which classes those are that hold the hours that it was displaced from."
    )
    holders: list[Holder] = Field(default_factory=list, description="The same by name, for officers.")
    changes: list[Change] = Field(default_factory=list, description="Each checked by solving again.")
    estimates: list[Change] = Field(default_factory=list, description="From the prices; not checked.")
    note: Literal["complete", "other_settings", "stopped"] = Field(
        default="complete",
        description="other_settings: solving again, unchanged, awards it, so that the plan was made in another way; "
        "stopped: there was more to try than was allowed.",
    )
    solved: int = Field(default=0, description="How many problems were solved to find and check this.")
    status: Literal["optimal", "gap", "time"] = Field(
        default="optimal", description="The worst status of the plans that it rests on."
    )

    def for_applicant(self) -> Explanation:
        """Without anybody else in it: nobody by name, and no score that must be that of one of a few."""
        return self.model_copy(
            update={
                "detail": _of_many(self.detail),
                "passed_over": [row.model_copy(update={"detail": _of_many(row.detail)}) for row in self.passed_over],
                "holders": [],
                "changes": [change.model_copy(update={"displaces": []}) for change in self.changes],
            }
        )


_FEWEST = 3
"""Of fewer than these the lowest score is not told to an applicant, who may know who they are."""


def _of_many(detail: dict[str, Any]) -> dict[str, Any]:
    if "lowest_awarded_score" not in detail or detail.get("awarded", 0) >= _FEWEST:
        return detail
    return {name: value for name, value in detail.items() if name not in ("lowest_awarded_score", "higher_scores")}


class PromisePrice(_Row):
    """What keeping a promise costs in value: the best plan without it, less the plan; between `least` and `most`."""

    promise: str
    least: Number
    most: Number
    exact: bool = Field(description="Both plans are optimal: `least` and `most` are the same number.")
    an_hour: Number = Field(description="What one hour less of it would add, at the certificate's prices.")
    value_without: Number
    gains: list[str] = Field(description="Applications that are awarded without it only.")
    loses: list[str] = Field(description="Applications that are awarded with it only.")
    status: Literal["optimal", "gap", "time"]


class PartitionPrice(_Row):
    """What more capacity would add. `an_hour`: of each month, at the certificate's prices; `a_month`: one more month of
    average size, at these prices; `least`, `most`: `more` (0.1: a tenth) in every month, by solving again."""

    partition: str
    an_hour: list[Number]
    a_month: Number
    more: Number
    least: Number
    most: Number
    exact: bool
    status: Literal["optimal", "gap", "time"]
