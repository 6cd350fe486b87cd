"""Explanations in sentences: for an applicant, who is told nothing that names others, or for an officer.

`translate` is a gettext: the texts below are marked with `gettext_noop`, so that a portal can collect and translate
them. Numbers are written by `number` (hours) and `points` (scores), which a portal may give its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from fabriek.allocation.explain.model import Change, Explanation, PartitionPrice, PassedOver, PromisePrice

Translate = Callable[[str], str]


def gettext_noop(text: str) -> str:
    """Marks a text to be translated later."""
    return text


_TEXTS = {
    "preferred": gettext_noop(
        "You are awarded %(hours)s GPU-hours on %(partition)s in %(period)s, your preferred choice."
    ),
    "later": gettext_noop(
        "You are awarded %(hours)s GPU-hours on %(partition)s in %(period)s, choice %(choice)s of your application."
    ),
    "part": gettext_noop("That is a part of the %(asked)s GPU-hours that you asked for; more did not fit."),
    "threshold": gettext_noop("Your score is %(score)s; the threshold is %(threshold)s."),
    "capacity": gettext_noop(
        "Your application is larger than what there is, even if nobody else were awarded anything: on %(partition)s in "
        "%(month)s it needs at least %(asked)s GPU-hours, and the programme's whole share is %(share)s."
    ),
    "displaced": gettext_noop(
        "Others hold the room that you asked for: on %(partition)s in %(month)s you need %(asked)s GPU-hours, and "
        "%(left)s are left."
    ),
    "displaced_scores": gettext_noop(
        "Applications that hold hours there: %(awarded)s, with scores from %(lowest)s; yours is %(score)s."
    ),
    "cap": gettext_noop("An award to you would exceed a limit that was set beforehand: %(promises)s."),
    "promise": gettext_noop("There is room, but an award to you would break a promise to others: %(promises)s."),
    "passed_capacity": gettext_noop("Choice %(choice)s is larger than the programme's whole share of %(partition)s."),
    "passed_displaced": gettext_noop(
        "There was no room for choice %(choice)s: on %(partition)s in %(month)s it needs %(asked)s GPU-hours, and "
        "%(left)s are left."
    ),
    "passed_cap": gettext_noop("Choice %(choice)s would exceed a limit: %(promises)s."),
    "passed_promise": gettext_noop("Choice %(choice)s would break a promise to others: %(promises)s."),
    "passed_value": gettext_noop("There was room for choice %(choice)s, but it counts for less in this call."),
    "score": gettext_noop("A score of %(needed)s would have been enough."),
    "score_at_least": gettext_noop("A score of %(needed)s would have been enough; %(not_enough)s would not."),
    "score_never": gettext_noop("Even a score of %(not_enough)s would not have been enough."),
    "amount": gettext_noop("A request of %(needed)s GPU-hours would have been awarded; %(not_enough)s would not."),
    "amount_never": gettext_noop("No smaller request that we tried would have been awarded."),
    "place": gettext_noop(
        "If you had also named %(partition)s in %(period)s, you would have been awarded %(hours)s GPU-hours."
    ),
    "score_estimate": gettext_noop("By our estimate, a score of about %(needed)s would have been needed."),
    "amount_estimate": gettext_noop(
        "By our estimate, a request of about %(needed)s GPU-hours would have had a chance."
    ),
    "checked": gettext_noop("We checked each of these by deciding again with that one change."),
    "gap": gettext_noop(
        "The plan is close to the best possible one, but not proven to be it: a smaller change may be enough too."
    ),
    "displaces": gettext_noop("With it, these would have been awarded less: %(others)s."),
    "other": gettext_noop("%(application)s (score %(score)s, %(hours)s GPU-hours)"),
    "other_settings": gettext_noop(
        "Deciding again with nothing changed gives an award: the plan was made in another way."
    ),
    "stopped": gettext_noop("There was more to try than was allowed; what is told here is checked."),
    "promise_price": gettext_noop("Keeping %(promise)s costs %(least)s of value."),
    "promise_price_between": gettext_noop("Keeping %(promise)s costs between %(least)s and %(most)s of value."),
    "partition_price": gettext_noop(
        "%(more)s %% more of %(partition)s would add %(least)s of value; one more month, at the prices "
        "of hours, %(month)s."
    ),
    "partition_price_between": gettext_noop(
        "%(more)s %% more of %(partition)s would add between %(least)s and %(most)s of value; one more month, at the "
        "prices of hours, %(month)s."
    ),
}


@dataclass(frozen=True)
class _Writer:
    translate: Translate
    number: Callable[[float], str]
    points: Callable[[float], str]
    names: Mapping[str, str]

    def say(self, code: str, **numbers: Any) -> str:
        return self.translate(_TEXTS[code]) % numbers

    def detail(self, detail: Mapping[str, Any]) -> dict[str, Any]:
        """The numbers behind a reason, written."""
        written: dict[str, Any] = {"partition": "-", "month": "-", "asked": "-", "left": "-", "share": "-"}
        for name, value in detail.items():
            if name == "promises":
                written[name] = ", ".join(self.names.get(promise, promise) for promise in value) or "-"
            elif name in ("score", "threshold", "lowest_awarded_score"):
                written[name] = self.points(value)
            else:
                written[name] = value if isinstance(value, (str, int)) else self.number(value)
        return written


def sentences(
    explanation: Explanation,
    translate: Translate = str,
    *,
    officer: bool = False,
    names: Mapping[str, str] | None = None,
    number: Callable[[float], str] = lambda hours: f"{hours:,.0f}",
    points: Callable[[float], str] = lambda score: f"{score:.2f}".rstrip("0").rstrip("."),
) -> list[str]:
    """The explanation in words. names: of the promises. officer: also whom a change would displace, by id."""
    writer = _Writer(translate, number, points, names or {})
    said = _award(writer, explanation) if explanation.award is not None else _refusal(writer, explanation)
    checked = [change for change in explanation.changes if change.checked]
    for change in checked:
        said += _change(writer, change, officer)
    if any(change.award is not None for change in checked):
        said.append(writer.say("checked"))
        if explanation.status != "optimal":
            said.append(writer.say("gap"))
    elif not explanation.changes:
        said += [
            writer.say(f"{change.kind}_estimate", needed=_needed(writer, change))
            for change in explanation.estimates
            if change.needed is not None
        ]
    if explanation.note != "complete":
        said.append(writer.say(explanation.note))
    return said


def _award(writer: _Writer, explanation: Explanation) -> list[str]:
    assert explanation.award is not None  # noqa: S101 - the caller looked
    award = explanation.award
    asked = explanation.asked[award.alternative]
    said = [
        writer.say(
            explanation.reason,
            hours=writer.number(award.hours),
            partition=asked.partition,
            period=asked.period,
            choice=award.alternative + 1,
        )
    ]
    if award.hours < asked.hours:
        said.append(writer.say("part", asked=writer.number(asked.hours)))
    return said + [_passed_over(writer, row) for row in explanation.passed_over]


def _passed_over(writer: _Writer, row: PassedOver) -> str:
    return writer.say(f"passed_{row.reason}", **{**writer.detail(row.detail), "choice": row.alternative + 1})


def _refusal(writer: _Writer, explanation: Explanation) -> list[str]:
    detail = writer.detail({"promises": [], **explanation.detail})
    said = [writer.say(explanation.reason, **detail)]
    if explanation.reason == "displaced" and "lowest_awarded_score" in detail:
        said.append(
            writer.say(
                "displaced_scores",
                awarded=detail["awarded"],
                lowest=detail["lowest_awarded_score"],
                score=detail["score"],
            )
        )
    return said


def _needed(writer: _Writer, change: Change) -> str:
    return "-" if change.needed is None else (writer.points if change.kind == "score" else writer.number)(change.needed)


def _change(writer: _Writer, change: Change, officer: bool) -> list[str]:
    is_enough = change.award is not None
    if change.kind == "place":
        if change.place is None or change.award is None:
            return []
        place = change.place
        said = [
            writer.say(
                "place",
                partition=place.partition,
                period=place.period,
                hours=writer.number(change.award.hours),
            )
        ]
    elif change.kind == "score" and is_enough and change.tolerance:
        not_enough = writer.points(change.not_enough or 0.0)
        said = [writer.say("score_at_least", needed=_needed(writer, change), not_enough=not_enough)]
    elif change.kind == "score" and not is_enough:
        said = [writer.say("score_never", not_enough=writer.points(change.not_enough or 0.0))]
    else:
        write = writer.points if change.kind == "score" else writer.number
        code = change.kind if is_enough else f"{change.kind}_never"
        said = [writer.say(code, needed=_needed(writer, change), not_enough=write(change.not_enough or 0.0))]
    if officer and change.displaces:
        others = [
            writer.say(
                "other",
                application=other.application,
                score=writer.points(other.score),
                hours=writer.number(other.hours),
            )
            for other in change.displaces
        ]
        said.append(writer.say("displaces", others=", ".join(others)))
    return said


def promise_sentence(
    price: PromisePrice,
    translate: Translate = str,
    *,
    names: Mapping[str, str] | None = None,
    number: Callable[[float], str] = lambda value: f"{value:,.2f}",
) -> str:
    """What keeping a promise costs, in words."""
    writer = _Writer(translate, number, number, names or {})
    return writer.say(
        "promise_price" if price.exact else "promise_price_between",
        promise=writer.names.get(price.promise, price.promise),
        least=number(price.least),
        most=number(price.most),
    )


def partition_sentence(
    price: PartitionPrice,
    translate: Translate = str,
    *,
    number: Callable[[float], str] = lambda value: f"{value:,.2f}",
) -> str:
    """What more of a partition would add, in words."""
    writer = _Writer(translate, number, number, {})
    return writer.say(
        "partition_price" if price.exact else "partition_price_between",
        partition=price.partition,
        more=f"{100 * price.more:g}",
        least=number(price.least),
        most=number(price.most),
        month=number(price.a_month),
    )
