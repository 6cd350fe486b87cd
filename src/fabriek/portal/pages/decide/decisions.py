"""Decisions: what waits, asking, the decision room, publishing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fabriek.access import actions
from fabriek.access.change_words import value_words, words_of
from fabriek.access.comparison import SolvedScenario
from fabriek.access.models import ApplicationState, Call, Decision, ReviewKind
from fabriek.access.queries import (
    CallProgress,
    DecisionPage,
    DecisionRow,
    decision_page,
    decisions,
    open_objections,
    progress_of_calls,
)
from fabriek.access.rules import conflicts
from fabriek.access.scenarios import scenarios
from fabriek.access.signing_off import waiting_for
from fabriek.access.words import names_of_promises, promises_in, speech, threshold_detail
from fabriek.allocation.explain import Speech, short_words
from fabriek.conf.errors import Refused
from fabriek.conf.sorting import column_of, sorted_rows
from fabriek.people.models import OrganisationClass
from fabriek.people.permissions import may
from fabriek.portal.access import requires
from fabriek.portal.components import plots
from fabriek.portal.components.amounts import percent_text
from fabriek.portal.components.plots import Column, Figure
from fabriek.portal.components.promise_names import short_name
from fabriek.portal.pages.decide.prices import prices_csv, prices_of
from fabriek.portal.pages.decide.replies import csv_file, page, person_of, see_other, show_refusal
from fabriek.portal.pages.decide.signing_off import minutes, minutes_csv
from fabriek.programmes.models import Promise
from fabriek.promises.measures import Hours, measure
from fabriek.promises.queries import hours, measured_promises
from fabriek.register.models import Partition


@requires("read decisions")
def index(request: HttpRequest) -> HttpResponse:
    """What waits for the officer, the calls and how far they are, the decisions."""
    progress = progress_of_calls(request.GET.get("sort", ""))
    return page(
        request,
        "decisions",
        waiting=_waiting(progress),
        to_initial=waiting_for(person_of(request)),
        progress=[(one, one.states[ApplicationState.IN_REVIEW]) for one in progress if one.total],
        empty_calls=[one for one in progress if not one.total],
        ready=sum(one.ready for one in progress),
        decisions=decisions(request.GET.get("decisions", "")),
        may_decide=may(request.user, "decide"),
        may_ask=may(request.user, "ask scenarios"),
        scenarios=[(one, words_of(one)) for one in scenarios()[:5]],
        may_open=may(request.user, "open calls"),
    )


@dataclass(frozen=True)
class Waiting:
    """Something that waits for an officer, and how many applications wait for it."""

    title: str
    number: int
    url: str
    hint: str


def _waiting(progress: list[CallProgress]) -> list[Waiting]:
    by_peers = [one for one in progress if one.call.review == ReviewKind.PEER]

    def rows(state: str, title: str, hint: str, among: list[CallProgress] = progress) -> list[Waiting]:
        return [
            Waiting(
                title % {"call": one.call.title},
                one.states[state],
                f"{reverse('portal:call_applications', args=[one.call.code])}?state={state}",
                hint,
            )
            for one in among
            if one.states[state]
        ]

    found = [
        *rows(ApplicationState.SUBMITTED, _("Check eligibility: %(call)s"), _("The clock to the answer runs.")),
        *rows(
            ApplicationState.ELIGIBLE,
            _("Assess technically: %(call)s"),
            _("By the host's application support."),
            by_peers,
        ),
        *rows(
            ApplicationState.ELIGIBLE,
            _("Assign reviewers: %(call)s"),
            _("Found eligible, nobody reviews them yet."),
            [one for one in progress if one not in by_peers],
        ),
        *rows(
            ApplicationState.ASSESSED,
            _("Assign reviewers: %(call)s"),
            _("Technically sound, nobody reviews them yet."),
        ),
        *rows(ApplicationState.IN_REVIEW, _("Reviews and scores: %(call)s"), _("With reviewers, or to be settled.")),
    ]
    objections = open_objections().count()
    if objections:
        found.append(
            Waiting(_("Answer objections"), objections, reverse("portal:objections"), _("By who did not publish."))
        )
    return found


@requires("ask scenarios", "POST")
def propose(request: HttpRequest) -> HttpResponse:
    """Ask the chosen calls as they stand, or go on to what a what-if of them would change."""
    codes = request.POST.getlist("calls")
    if "what_if" in request.POST:
        return see_other(f"{reverse('portal:what_if')}?{urlencode({'calls': codes}, doseq=True)}")
    calls = Call.objects.filter(code__in=codes).select_related("programme", "factory").prefetch_related("partitions")
    try:
        scenario = actions.ask_scenario(
            person_of(request), list(calls), is_demo=bool(calls) and all(call.is_demo for call in calls)
        )
    except Refused as refusal:
        return show_refusal(request, refusal, reverse("portal:decisions"))
    messages.success(request, _("Asked. Nothing is decided by it: choose its plan, and publish the decision."))
    return see_other(reverse("portal:scenario", args=[scenario.code]))


@requires("read decisions")
def room(request: HttpRequest, code: str) -> HttpResponse:
    """The decision room: the ranked table, the promises, the certificate."""
    found = _found(code)
    sort = request.GET.get("sort", "")
    ranked = sorted_rows(_ranked(found), sort, RANKED_COLUMNS)
    solved = SolvedScenario(code, found.decision.problem, found.decision.plan)
    if request.GET.get("format") == "csv":
        if request.GET.get("of") == "minutes":
            return minutes_csv(found.decision)
        return prices_csv(solved, found.decision.scenario, request.GET.get("of", "")) or _as_csv(found, ranked)
    promises = _promises(found)
    is_proposal = found.decision.state == "proposed"
    awarded = [row for row in found.rows if row.hours]
    capacity = int(sum(sum(row["capacity"]) for row in found.problem["partitions"])) * 3600
    return page(
        request,
        "decision",
        decision=found.decision,
        plan=found.plan,
        certificate=_certificate(found),
        fingerprint=_in_groups(found.decision.problem_sha256),
        ranked=ranked,
        by_score=sort == "-score" or column_of(sort)[0] not in RANKED_COLUMNS,
        asked=sum(row.asked for row in found.rows) * 3600,
        awarded=sum(row.hours for row in awarded) * 3600,
        capacity=capacity,
        part_given=sum(row.hours for row in awarded) * 3600 / capacity if capacity else 0,
        number_awarded=len(awarded),
        promises=promises,
        bars=_bars(promises),
        moments=_before_and_after(awarded, found) if is_proposal else [],
        scores=_scores(found),
        classes=_hours_by_class(found.rows),
        interests=_interests(request, found) if is_proposal else [],
        prices=prices_of(solved, found.decision.scenario, may(request.user, "ask scenarios"), "?format=csv&of=months"),
        scenario_link=_scenario_link(found.decision),
        is_proposal=is_proposal,
        may_decide=may(request.user, "decide"),
        **minutes(request, found.decision),
    )


def _scenario_link(decision: Decision) -> str:
    if decision.scenario is None:
        return ""
    code = decision.scenario.code
    return format_html('<a href="{}">{}</a>', reverse("portal:scenario", args=[code]), code)


def _found(code: str) -> DecisionPage:
    found = decision_page(code)
    if found is None:
        raise Http404
    return found


KINDS = {
    "floor": gettext_lazy("Floor"),
    "cap": gettext_lazy("Cap"),
    "baseline": gettext_lazy("Baseline"),
    "share": gettext_lazy("Share"),
}


@dataclass(frozen=True)
class Ranked:
    """A row of the ranked table, amounts in accelerator-seconds. `is_cut_off`: below it nobody has the score."""

    rank: int
    row: DecisionRow
    asked: int
    awarded: int
    why: str
    is_cut_off: bool


RANKED_COLUMNS: dict[str, Callable[[Ranked], Any]] = {
    "title": lambda line: line.row.application.title.lower(),
    "class": lambda line: OrganisationClass.values.index(line.row.application.organisation_class),
    "score": lambda line: -line.rank,
    "asked": lambda line: line.asked,
    "awarded": lambda line: line.awarded,
    "why": lambda line: line.why or None,
}


def _ranked(found: DecisionPage) -> list[Ranked]:
    """By score. The line is drawn under the last application that reached its own call's threshold."""
    eligible = [number for number, row in enumerate(found.rows) if row.score >= float(row.application.call.threshold)]
    last = max(eligible, default=-1)
    said = speech(names_of_promises(promises_in(*(row.detail for row in found.rows if not row.hours))))
    return [
        Ranked(
            rank=number + 1,
            row=row,
            asked=row.asked * 3600,
            awarded=row.hours * 3600,
            why=_why(row, said),
            is_cut_off=number == last and last < len(found.rows) - 1,
        )
        for number, row in enumerate(found.rows)
    ]


def _why(row: DecisionRow, said: Speech) -> str:
    if row.hours:
        return ""
    if row.reason == "reserve":
        return _("What is free is kept for floors")
    detail = {**threshold_detail(row.application), **row.detail} if row.reason == "threshold" else row.detail
    return short_words(row.reason, detail, said)


@dataclass(frozen=True)
class PlannedPromise:
    """A promise in the plan: amounts in accelerator-seconds, and as parts of what it is a fraction of (None: of 0).

    `fraction` is of what this decision is about; `promised` is the promise as it was made, where that has another one.
    """

    name: str
    short_name: str
    is_cap: bool
    required: int
    reached: int
    shortfall: int
    fraction: float
    part: float | None
    of: str
    promised: Promise | None


def _made_as(code: str) -> str:
    """The promise of which `code:programme` in a problem is the part for one programme."""
    return code.partition(":")[0]


def _promises(found: DecisionPage) -> list[PlannedPromise]:
    terms = {row["id"]: row for row in found.problem.get("promises", [])}
    names = names_of_promises(terms)
    promised = {promise.code: promise for promise in Promise.objects.filter(code__in=map(_made_as, terms))}
    planned = []
    for result in found.plan["promises"]:
        row = terms.get(result["id"])
        if row is None:
            continue
        fraction, made = row["fraction"], promised.get(_made_as(row["id"]))
        base = result["required"] / fraction if fraction else 0
        planned.append(
            PlannedPromise(
                name=names[result["id"]],
                short_name=short_name(result["id"], names[result["id"]]),
                is_cap=row["kind"] == "cap",
                required=round(result["required"] * 3600),
                reached=round(result["reached"] * 3600),
                shortfall=round(result["shortfall"] * 3600),
                fraction=fraction,
                part=result["reached"] / base if base else None,
                of=_("awarded hours") if row["of"] == "awarded" else _("the hours still to be decided on"),
                promised=made if made and made.fraction is not None and float(made.fraction) != fraction else None,
            )
        )
    return planned


def _bars(promises: list[PlannedPromise]) -> Figure | None:
    """Each promise as part of what it is a fraction of: what is required, what the plan reaches."""
    rows = [
        {"name": promise.short_name, "required": promise.fraction, "reached": promise.part}
        for promise in promises
        if promise.part is not None
    ]
    if not rows:
        return None
    return plots.promises(
        _("Required and reached"),
        [
            Column("name", _("Promise")),
            Column("required", _("Required"), "percent"),
            Column("reached", _("Reached by this plan"), "percent"),
        ],
        rows,
        name="name",
        required="required",
        measures=["reached"],
    )


@dataclass(frozen=True)
class Moment:
    """A promise on the ledger now and as it would be with the proposal, in accelerator-seconds."""

    name: str
    kind: str
    before: int
    after: int
    required: int
    required_after: int
    holds_before: bool
    holds_after: bool
    broken_on: list[str]

    @property
    def kind_words(self) -> str:
        """Its kind as the page says it."""
        return str(KINDS.get(self.kind, self.kind))


def _before_and_after(awarded: list[DecisionRow], found: DecisionPage) -> list[Moment]:
    """All promises, measured on the ledger and on the ledger with what is proposed."""
    systems = dict(Partition.objects.values_list("code", "system__code"))
    awards = {row["application"]: row for row in found.plan["awards"]}
    asked = {row["id"]: row for row in found.problem["applications"]}
    programmes = {call.pk: call.programme.code for call in found.decision.calls.all()}
    planned = []
    for row in awarded:
        application = row.application
        place = awards[application.code]["alternative"]
        partition = asked[application.code]["alternatives"][place]["partition"]
        planned.append(
            Hours(
                programme=programmes[application.call_id],
                system=systems[partition],
                organisation_class=application.organisation_class,
                country=application.country,
                commercial=application.commercial,
                decided=row.hours * 3600,
            )
        )
    together = [*hours(), *planned]
    moments = []
    for now in measured_promises():
        then = measure(now.terms, together)
        moments.append(
            Moment(
                name=now.terms.name,
                kind=now.terms.kind,
                before=now.decided,
                after=then.decided,
                required=now.required["decided"],
                required_after=then.required["decided"],
                holds_before=now.holds_at["decided"],
                holds_after=then.holds_at["decided"],
                broken_on=[on.terms.system for on in then.systems if not on.holds_at["decided"]],
            )
        )
    return moments


def _certificate(found: DecisionPage) -> dict[str, Any]:
    """The proof in the words of the page; `more`: how much better than rank order."""
    plan, greedy = found.plan, found.decision.greedy_value
    words = {
        "optimal": _("No plan is worth more: the value reaches the bound."),
        "gap": _("At most this much better is possible: more seconds may find it, or prove that there is none."),
        "time": _("The time was up; the bound says how much better, at most, another plan could be."),
    }
    return {
        "value": plan["value"],
        "bound": plan["bound"],
        "gap": plan["gap"],
        "status": plan["status"],
        "words": words.get(plan["status"], ""),
        "gap_words": percent_text(plan["gap"], 4),
        "measure_words": _("Counted as %(formula)s, added up over the awards.")
        % {"formula": value_words(found.problem["value"])},
        "greedy": greedy,
        "more": plan["value"] / greedy - 1 if greedy else None,
        "solver": (plan.get("certificate") or {}).get("solver", ""),
    }


def _in_groups(digest: str) -> str:
    """A fingerprint that can be read aloud, and that breaks on a phone."""
    return " ".join(digest[at : at + 8] for at in range(0, len(digest), 8))


def _scores(found: DecisionPage) -> Figure:
    thresholds = {float(call.threshold) for call in found.decision.calls.all()}
    return plots.histogram(
        _("Scores"),
        Column("score", _("Score"), "number"),
        [row.score for row in found.rows],
        bin_width=5,
        domain=(0, 100),
        threshold=thresholds.pop() if len(thresholds) == 1 else None,
    )


def _hours_by_class(rows: list[DecisionRow]) -> Figure:
    sums: dict[tuple[str, str], int] = {}
    for row in rows:
        name = row.application.get_organisation_class_display()
        for series, amount in ((_("Asked"), row.asked), (_("Awarded"), row.hours)):
            sums[name, series] = sums.get((name, series), 0) + amount * 3600
    return plots.bars(
        _("Hours by class of applicant"),
        [Column("class", _("Class")), Column("what", _("What")), Column("hours", _("Hours"), "gpu_hours")],
        [{"class": name, "what": what, "hours": seconds} for (name, what), seconds in sorted(sums.items())],
        x="class",
        y="hours",
        series="what",
        grouped=True,
    )


def _interests(request: HttpRequest, found: DecisionPage) -> list[tuple[str, str]]:
    """Applications that the reader has an interest in, with why: they can't publish (rule 8)."""
    applications = {row.application.pk: row.application for row in found.rows}
    interests = conflicts(list(applications.values()), [person_of(request)])
    return [(applications[number].code, why) for (number, _person), why in sorted(interests.items())]


def _as_csv(found: DecisionPage, ranked: list[Ranked]) -> HttpResponse:
    return csv_file(
        found.decision.code,
        ["rank", "application", "organisation", "class", "country", "score", "asked", "awarded", "reason"],
        [
            (
                line.rank,
                line.row.application.code,
                line.row.application.organisation.name if line.row.application.organisation else "",
                line.row.application.organisation_class,
                line.row.application.country,
                line.row.score,
                line.row.asked,
                line.row.hours,
                line.row.reason,
            )
            for line in ranked
        ],
    )


@requires("decide", "GET", "POST")
def publish(request: HttpRequest, code: str) -> HttpResponse:
    """Publish a proposal, after asking."""
    decision = _decision(code)
    back = reverse("portal:decision", args=[code])
    if request.method != "POST":
        return page(request, "publish", decision=decision, back=back)
    try:
        actions.publish_decision(person_of(request), decision, why=request.POST.get("why", ""))
    except Refused as refusal:
        return show_refusal(request, refusal, back)
    messages.success(request, _("Published. Every applicant has the answer; the projects are open."))
    return see_other(back)


@requires("decide", "GET", "POST")
def discard(request: HttpRequest, code: str) -> HttpResponse:
    """Put a proposal aside, after asking."""
    decision = _decision(code)
    back = reverse("portal:decision", args=[code])
    if request.method != "POST":
        return page(request, "discard", decision=decision, back=back)
    try:
        actions.discard_decision(person_of(request), decision, why=request.POST.get("why", ""))
    except Refused as refusal:
        return show_refusal(request, refusal, back)
    messages.success(request, _("Discarded. The applications still wait for a decision."))
    return see_other(reverse("portal:decisions"))


def _decision(code: str) -> Decision:
    found = Decision.objects.filter(code=code).prefetch_related("calls").first()
    if found is None:
        raise Http404
    return found


@requires("read decisions")
def problem(request: HttpRequest, code: str) -> HttpResponse:
    """The stored problem, byte for byte."""
    del request
    return _file(_decision(code).problem, "problem")


@requires("read decisions")
def plan(request: HttpRequest, code: str) -> HttpResponse:
    """The stored plan, byte for byte."""
    del request
    return _file(_decision(code).plan, "plan")


def _file(text: str, name: str) -> HttpResponse:
    return HttpResponse(
        text.encode(),
        content_type="application/json",
        headers={"Content-Disposition": f'attachment; filename="{name}.json"'},
    )
