"""Decisions in the reader's words: what `allocation.explain` says in data, written in the reader's language.

The sentences and the rules which of them is said are those of `fabriek explain`; here are only the language, the
numbers' and months' looks, and the names of promises and classes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from django.utils.formats import date_format, number_format
from django.utils.translation import gettext as _

from fabriek.access.models import Alternative, Application, Outcome
from fabriek.access.queue_words import queue_words
from fabriek.access.reference import OUR_CRITERIA
from fabriek.allocation.explain import Explanation, Speech, outcome_sentences, reason_sentences
from fabriek.allocation.explain.model import Asked
from fabriek.allocation.plan import Award
from fabriek.conf.amounts import points_text
from fabriek.people.models import OrganisationClass
from fabriek.programmes.models import Programme, Promise


def speech(names: Mapping[str, str] | None = None) -> Speech:
    """How the reader's language writes it. names: of promises, by their ids in a problem."""
    return Speech(
        translate=_,
        number=lambda hours: number_format(round(hours), force_grouping=True),
        points=points_text,
        value=lambda value: number_format(value, 1, force_grouping=True),
        month=lambda month: date_format(date.fromisoformat(f"{month}-01"), "F Y"),
        names=names or {},
        classes={value: str(label) for value, label in OrganisationClass.choices},
    )


BETWEEN = " · "
"""Between a promise's name and its programme's, where it is put to several."""


def names_of_promises(codes: Iterable[str]) -> dict[str, str]:
    """The name of each promise of a problem; `code:programme` is one that is put to one of several programmes, and has
    that one's name too. Two queries at most, none where there are no codes."""
    parts = {code: code.partition(":")[::2] for code in codes}
    promises = {promise for promise, _of in parts.values()}
    programmes = {of for _promise, of in parts.values() if of}
    names = dict(Promise.objects.filter(code__in=promises).values_list("code", "name")) if promises else {}
    named = dict(Programme.objects.filter(code__in=programmes).values_list("code", "name")) if programmes else {}
    return {
        code: names.get(promise, promise) + (f"{BETWEEN}{named.get(of, of)}" if of else "")
        for code, (promise, of) in parts.items()
    }


def promises_in(*details: Mapping[str, Any]) -> set[str]:
    """The promises that reasons name."""
    return {code for detail in details for code in detail.get("promises", [])}


def speech_for(*explanations: Explanation) -> Speech:
    """With the names of the promises that these speak of. One query at most."""
    details = [detail for one in explanations for detail in (one.detail, *(row.detail for row in one.passed_over))]
    return speech(names_of_promises(promises_in(*details)))


def speech_of(outcomes: Iterable[Outcome]) -> Speech:
    """For many outcomes. One query at most."""
    details = [detail for one in outcomes for detail in _details(one)]
    return speech(names_of_promises(promises_in(*details)))


def _details(outcome: Outcome) -> list[Mapping[str, Any]]:
    passed = [row.get("detail", {}) for row in outcome.why.get("passed_over", [])]
    return [outcome.detail, outcome.why.get("detail", {}), *passed]


def outcome_words(outcome: Outcome, said: Speech | None = None) -> str:
    """An outcome in the reader's language, from what was stored when it was decided, as its applicant reads it. said:
    for many, that of `speech_of`."""
    if not outcome.awarded and "verdict" in outcome.detail:
        return queue_words(outcome.reason, outcome.detail)
    told = explanation_of(outcome)
    if told is None:
        return outcome.explanation
    return " ".join([*outcome_sentences(told, said or speech_of([outcome])), *_again(outcome.detail)])


def _again(detail: Mapping[str, Any]) -> list[str]:
    """What goes with hours that came back and were offered again."""
    said = []
    if detail.get("offered_again"):
        said.append(
            _("Others gave hours back. If you don't need them any more, give them back on your project's page.")
        )
    if detail.get("is_cut"):
        said.append(_("Fewer months are left than you asked for; the hours are cut in the same proportion."))
    return said


def criterion_name(criterion: Mapping[str, Any]) -> str:
    """A criterion in the reader's language, where it is one of ours."""
    name = str(criterion["name"])
    return _(name) if name in OUR_CRITERIA else name


def refusal_words(reason: str, detail: dict[str, Any]) -> str:
    """Why nothing is awarded, with the numbers."""
    return " ".join(reason_sentences(reason, detail, speech(names_of_promises(promises_in(detail)))))


def explanation_of(outcome: Outcome) -> Explanation | None:
    """An outcome as data. None: it was not decided by a plan, but by the rule of a continuous call, or in other words.

    What was decided before explanations were kept has the reason and its numbers, without what was passed over.
    """
    if outcome.why:
        return Explanation.model_validate(outcome.why)
    application, got = outcome.application, outcome.alternative
    if outcome.awarded:
        return None if got is None else award_explained(application, got, outcome.gpu_hours)
    detail = {**threshold_detail(application), **outcome.detail} if outcome.reason == "threshold" else outcome.detail
    return refusal_explained(application, outcome.reason, detail)


def award_explained(
    application: Application, got: Alternative, hours: int, *, asked: Asked | None = None, sha256: str = ""
) -> Explanation:
    """An award as data. asked: what was awarded of that choice, where it is not what was asked."""
    every = [asked_of(row) for row in application.alternatives.all()]
    place = got.place
    if asked is not None:
        every[place] = asked
    return Explanation(
        problem_sha256=sha256,
        application=application.code,
        outcome="awarded",
        reason="later" if place else "preferred",
        award=Award(application=application.code, alternative=place, hours=float(hours)),
        asked=every,
    )


def refusal_explained(application: Application, reason: str, detail: dict[str, Any], sha256: str = "") -> Explanation:
    """A refusal as data."""
    return Explanation.model_validate(
        {
            "problem_sha256": sha256,
            "application": application.code,
            "outcome": "refused",
            "reason": reason,
            "detail": detail,
            "asked": [asked_of(row) for row in application.alternatives.all()],
        }
    )


def threshold_detail(application: Application) -> dict[str, float]:
    """Of an application that is refused for its score."""
    return {"score": float(application.score or 0), "threshold": float(application.call.threshold)}


def asked_of(row: Alternative) -> Asked:
    """An alternative as explanations have it."""
    return Asked(
        partition=row.partition.code, start=f"{row.first_month:%Y-%m}", months=row.months, hours=float(row.gpu_hours)
    )


def stored(told: Explanation) -> dict[str, Any]:
    """As an outcome keeps it."""
    data: dict[str, Any] = told.model_dump(mode="json", exclude_none=True)
    return data
