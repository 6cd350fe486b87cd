"""Explanations in sentences: for an applicant, who is told nothing that names others, or for an officer.

The one place where data becomes words, for the command, the pages and the API: a `Speech` says in which language, and
how numbers, months, promises and classes are written. The texts below are marked with `gettext_noop`, so that a portal
can collect and translate them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fabriek.allocation.explain.model import Asked, Change, Explanation, Kind, PartitionPrice, PassedOver, PromisePrice

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
    "held": gettext_noop("Applications that hold hours there: %(awarded)s."),
    "held_by": gettext_noop("Applications that hold hours there: %(awarded)s (%(kinds)s)."),
    "lowest": gettext_noop("The lowest of their scores is %(lowest)s; yours is %(score)s."),
    "not_by_score_alone": gettext_noop(
        "Not all of them have a higher score than yours: the decision makes what all awards together are worth as "
        "great as possible, and keeps the promises."
    ),
    "cap": gettext_noop("An award to you would exceed a limit that was set beforehand: %(promises)s."),
    "promise": gettext_noop("There is room, but an award to you would break a promise to others: %(promises)s."),
    "short_threshold": gettext_noop("Below the threshold: %(score)s of %(threshold)s"),
    "short_below": gettext_noop("Below the threshold of its call"),
    "short_capacity": gettext_noop("Larger than the whole share of %(partition)s, %(month)s"),
    "short_displaced": gettext_noop("No room left on %(partition)s, %(month)s"),
    "short_cap": gettext_noop("Would exceed a limit: %(promises)s"),
    "short_promise": gettext_noop("Would break a promise to others: %(promises)s"),
    "short_value": gettext_noop("Counts for less in this call"),
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
class Speech:
    """How data is written. number: of hours; points: of scores; value: of what a plan is worth; month: one such as
    2027-11; names: of promises; classes: of classes of organisations."""

    translate: Translate = str
    number: Callable[[float], str] = lambda hours: f"{hours:,.0f}"
    points: Callable[[float], str] = lambda score: f"{score:.2f}".rstrip("0").rstrip(".")
    value: Callable[[float], str] = lambda value: f"{value:,.2f}"
    month: Callable[[str], str] = str
    names: Mapping[str, str] = field(default_factory=dict)
    classes: Mapping[str, str] = field(default_factory=dict)

    def say(self, code: str, **numbers: Any) -> str:
        """One sentence."""
        return self.translate(_TEXTS[code]) % numbers

    def period(self, asked: Asked) -> str:
        """Its months, from the first to the last."""
        first, last = asked.months_named
        return self.month(first) if first == last else f"{self.month(first)}–{self.month(last)}"

    def promises(self, codes: list[str]) -> str:
        """Their names. `code:programme` is a promise that is put to one of several programmes."""
        return ", ".join(self.names.get(code, code) for code in codes) or "-"

    def detail(self, detail: Mapping[str, Any]) -> dict[str, Any]:
        """The numbers behind a reason, written; what is not told is a dash."""
        written: dict[str, Any] = dict.fromkeys(_DETAILS, "-")
        for name, value in detail.items():
            if name == "promises":
                written[name] = self.promises(value)
            elif name in ("score", "threshold", "lowest_awarded_score"):
                written[name] = self.points(value)
            elif name == "month":
                written[name] = self.month(value)
            else:
                written[name] = value if isinstance(value, str) or name in _COUNTS else self.number(value)
        return written


_DETAILS = ("partition", "month", "asked", "left", "share", "promises", "score", "threshold")
_COUNTS = ("alternative", "awarded", "higher_scores")
_ENGLISH = Speech()


def sentences(explanation: Explanation, speech: Speech = _ENGLISH, *, officer: bool = False) -> list[str]:
    """The explanation in words. officer: also scores of a few, and whom a change would displace, by id."""
    return outcome_sentences(explanation, speech, officer=officer) + change_sentences(
        explanation, speech, officer=officer
    )


def outcome_sentences(explanation: Explanation, speech: Speech = _ENGLISH, *, officer: bool = False) -> list[str]:
    """What was decided and why, without what would have changed it."""
    told = explanation if officer else explanation.for_applicant()
    return _award(speech, told) if told.award is not None else _refusal(speech, told)


def change_sentences(explanation: Explanation, speech: Speech = _ENGLISH, *, officer: bool = False) -> list[str]:
    """The smallest changes that would have made it; estimates where none was looked for."""
    said: list[str] = []
    checked = [change for change in explanation.changes if change.checked]
    for change in checked:
        said += _change(speech, change, officer)
    if any(change.award is not None for change in checked):
        said.append(speech.say("checked"))
        if explanation.status != "optimal":
            said.append(speech.say("gap"))
    elif not explanation.changes:
        said += [
            speech.say(f"{change.kind}_estimate", needed=_needed(speech, change))
            for change in explanation.estimates
            if change.needed is not None
        ]
    if explanation.note != "complete":
        said.append(speech.say(explanation.note))
    return said


def reason_sentences(
    reason: str, detail: Mapping[str, Any], speech: Speech = _ENGLISH, held_by: Sequence[Kind] = ()
) -> list[str]:
    """Why nothing was awarded, from the reason and the numbers behind it. held_by: of which classes the others are."""
    written = speech.detail(detail)
    said = [speech.say(reason, **written)]
    if reason != "displaced" or "awarded" not in written:
        return said
    kinds = ", ".join(
        f"{speech.classes.get(kind.organisation_class, kind.organisation_class)} {kind.number}" for kind in held_by
    )
    said.append(speech.say("held_by" if kinds else "held", awarded=written["awarded"], kinds=kinds))
    if "lowest_awarded_score" in written:
        said.append(speech.say("lowest", lowest=written["lowest_awarded_score"], score=written["score"]))
        if detail["lowest_awarded_score"] <= detail["score"]:
            said.append(speech.say("not_by_score_alone"))
    return said


def short_reason(explanation: Explanation, speech: Speech = _ENGLISH) -> str:
    """Why an application got nothing, or not what it preferred, in a few words and without 'you', for a table. Empty:
    it got what it preferred."""
    if explanation.outcome == "refused":
        return short_words(explanation.reason, explanation.detail, speech)
    if not explanation.passed_over:
        return ""
    row = explanation.passed_over[0]
    return short_words(row.reason, row.detail, speech)


def short_words(reason: str, detail: Mapping[str, Any], speech: Speech = _ENGLISH) -> str:
    """The same of a reason and its numbers alone."""
    if reason == "threshold" and "threshold" not in detail:
        return speech.say("short_below")
    return speech.say(f"short_{reason}", **speech.detail(detail))


def passed_over_sentence(row: PassedOver, speech: Speech = _ENGLISH) -> str:
    """Why a choice that was preferred was not awarded."""
    return speech.say(f"passed_{row.reason}", **{**speech.detail(row.detail), "choice": row.alternative + 1})


def _award(speech: Speech, explanation: Explanation) -> list[str]:
    assert explanation.award is not None  # noqa: S101 - the caller looked
    award = explanation.award
    asked = explanation.asked[award.alternative]
    said = [
        speech.say(
            explanation.reason,
            hours=speech.number(award.hours),
            partition=asked.partition,
            period=speech.period(asked),
            choice=award.alternative + 1,
        )
    ]
    if award.hours < asked.hours:
        said.append(speech.say("part", asked=speech.number(asked.hours)))
    return said + [passed_over_sentence(row, speech) for row in explanation.passed_over]


def _refusal(speech: Speech, explanation: Explanation) -> list[str]:
    return reason_sentences(explanation.reason, explanation.detail, speech, explanation.held_by)


def _needed(speech: Speech, change: Change) -> str:
    return "-" if change.needed is None else (speech.points if change.kind == "score" else speech.number)(change.needed)


def _change(speech: Speech, change: Change, officer: bool) -> list[str]:
    is_enough = change.award is not None
    if change.kind == "place":
        if change.place is None or change.award is None:
            return []
        place = change.place
        said = [
            speech.say(
                "place",
                partition=place.partition,
                period=speech.period(place),
                hours=speech.number(change.award.hours),
            )
        ]
    elif change.kind == "score" and is_enough and change.tolerance:
        not_enough = speech.points(change.not_enough or 0.0)
        said = [speech.say("score_at_least", needed=_needed(speech, change), not_enough=not_enough)]
    elif change.kind == "score" and not is_enough:
        said = [speech.say("score_never", not_enough=speech.points(change.not_enough or 0.0))]
    else:
        write = speech.points if change.kind == "score" else speech.number
        code = change.kind if is_enough else f"{change.kind}_never"
        said = [speech.say(code, needed=_needed(speech, change), not_enough=write(change.not_enough or 0.0))]
    if officer and change.displaces:
        others = [
            speech.say(
                "other",
                application=other.application,
                score=speech.points(other.score),
                hours=speech.number(other.hours),
            )
            for other in change.displaces
        ]
        said.append(speech.say("displaces", others=", ".join(others)))
    return said


def promise_sentence(price: PromisePrice, speech: Speech = _ENGLISH) -> str:
    """What keeping a promise costs, in words."""
    return speech.say(
        "promise_price" if price.exact else "promise_price_between",
        promise=speech.promises([price.promise]),
        least=speech.value(price.least),
        most=speech.value(price.most),
    )


def partition_sentence(price: PartitionPrice, speech: Speech = _ENGLISH) -> str:
    """What more of a partition would add, in words."""
    return speech.say(
        "partition_price" if price.exact else "partition_price_between",
        partition=price.partition,
        more=f"{100 * price.more:g}",
        least=speech.value(price.least),
        most=speech.value(price.most),
        month=speech.value(price.a_month),
    )
