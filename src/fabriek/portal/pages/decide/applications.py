"""The applications of a call for its officer: eligibility, reviewers, scores, one by one or all at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from fabriek.access import actions
from fabriek.access.findings import eligibility_findings, in_words, refusal_of
from fabriek.access.models import (
    Application,
    ApplicationState,
    Call,
    Review,
    ReviewKind,
    ReviewState,
    Scoring,
    Task,
    TaskVerb,
)
from fabriek.access.queries import (
    application_of,
    applications_of,
    call_of,
    outcome_of,
    progress_of_calls,
    tasks_of,
    to_be_settled,
)
from fabriek.access.rules import (
    conflict_of,
    needs_assessment,
    score_of,
    working_days_left,
)
from fabriek.access.scores import CallScores, scores_of
from fabriek.access.words import criterion_name, outcome_words
from fabriek.audit.queries import events_of
from fabriek.conf.errors import Refused
from fabriek.people.permissions import may
from fabriek.portal.access import requires
from fabriek.portal.pages.decide.forms import EligibilityForm, ScoreForm, StateFilter
from fabriek.portal.pages.decide.replies import (
    acted,
    csv_file,
    page,
    person_of,
    see_other,
    show_refusal,
)
from fabriek.portal.pages.decide.verbs import words_of

PER_PAGE = 25


@dataclass(frozen=True)
class Line:
    """An application in the table. `days_left`: working days to its answer, None once answered."""

    application: Application
    asked: int
    days_left: int | None
    done: int
    reviews: int
    declined: int


@requires("read applications")
def index(request: HttpRequest, code: str) -> HttpResponse:
    """The applications of a call, those whose answer is due first on top, or by a column."""
    call = _call(code)
    filters = StateFilter(request.GET)
    state = filters.cleaned_data["state"] if filters.is_valid() else ""
    found = applications_of([call], state, request.GET.get("sort", ""))
    if request.GET.get("format") == "csv":
        return _as_csv(call, found)
    shown = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    states: Counter[str] = next((p.states for p in progress_of_calls() if p.call.pk == call.pk), Counter())
    return page(
        request,
        "call_applications",
        call=call,
        shown=shown,
        lines=[_line(application, call) for application in shown],
        filters=filters,
        state=state,
        states=states,
        in_review=states[ApplicationState.IN_REVIEW],
        calibrates=call.scoring == Scoring.CALIBRATED,
        by_peers=call.review == ReviewKind.PEER,
        reviewable=states[ApplicationState.ASSESSED if call.review == ReviewKind.PEER else ApplicationState.ELIGIBLE],
        to_settle=len(to_be_settled(call)) if states[ApplicationState.IN_REVIEW] else 0,
        tasks=tasks_of(call)[:5],
        may_check=may(request.user, "check eligibility"),
        may_assign=may(request.user, "assign reviewers"),
        may_open=may(request.user, "open calls"),
    )


def _call(code: str) -> Call:
    call = call_of(code)
    if call is None:
        raise Http404
    return call


def _line(application: Application, call: Call) -> Line:
    reviews = list(application.reviews.all())
    waits = application.answered_at is None and application.answer_due is not None
    return Line(
        application=application,
        asked=max((asked.gpu_hours for asked in application.alternatives.all()), default=0) * 3600,
        days_left=working_days_left(timezone.now(), application.answer_due, call.factory.country)
        if waits and application.answer_due
        else None,
        done=sum(review.state == ReviewState.SUBMITTED for review in reviews),
        reviews=sum(review.state != ReviewState.DECLINED for review in reviews),
        declined=sum(review.state == ReviewState.DECLINED for review in reviews),
    )


def _as_csv(call: Call, found: Iterable[Application]) -> HttpResponse:
    return csv_file(
        f"applications-{call.code}",
        ["application", "title", "organisation", "class", "country", "state", "asked", "score", "submitted", "due"],
        [
            (
                a.code,
                a.title,
                a.organisation.name if a.organisation else "",
                a.organisation_class,
                a.country,
                a.state,
                max((asked.gpu_hours for asked in a.alternatives.all()), default=0),
                a.score if a.score is not None else "",
                a.submitted_at.isoformat() if a.submitted_at else "",
                a.answer_due.date().isoformat() if a.answer_due else "",
            )
            for a in found
        ],
    )


# All at once


@requires("check eligibility", "POST")
def check_all(request: HttpRequest, code: str) -> HttpResponse:
    """Follow the automatic findings for every application that was submitted."""
    return _with_all(
        request,
        _call(code),
        TaskVerb.CHECK,
        lambda number: ngettext("%(number)s application checked.", "%(number)s applications checked.", number),
    )


@requires("assign reviewers", "POST")
def assign(request: HttpRequest, code: str) -> HttpResponse:
    """Give every application that may be reviewed its reviewers, together, so that the loads stay even."""
    return _with_all(
        request,
        _call(code),
        TaskVerb.ASSIGN,
        lambda number: ngettext("%(number)s review assigned.", "%(number)s reviews assigned.", number),
    )


@requires("assign reviewers", "POST")
def settle_all(request: HttpRequest, code: str) -> HttpResponse:
    """Settle the score of every application whose reviews are all in, as the call's officer chose when it opened."""
    return _with_all(
        request,
        _call(code),
        TaskVerb.SETTLE,
        lambda number: ngettext("%(number)s score settled.", "%(number)s scores settled.", number),
    )


def _with_all(request: HttpRequest, call: Call, verb: str, words: Callable[[int], str]) -> HttpResponse:
    """Do it at once and say so, or show how the task goes on."""
    try:
        found = actions.do_with_all(person_of(request), call, verb)
    except Refused as refusal:
        return show_refusal(request, refusal, _back(call))
    if isinstance(found, Task):
        return see_other(reverse("portal:task", args=[found.pk]))
    number = len(found.reviews) if verb == TaskVerb.ASSIGN else found.done
    messages.success(request, words(number) % {"number": number})
    for sentence in found.refused[:5]:
        messages.warning(request, sentence)
    if len(found.refused) > 5:
        messages.warning(request, _("%(number)s more were refused.") % {"number": len(found.refused) - 5})
    return see_other(_back(call))


def _back(call: Call) -> str:
    return reverse("portal:call_applications", args=[call.code])


# One by one


@requires("read applications")
def judge(request: HttpRequest, code: str) -> HttpResponse:
    """One application as its officer sees it."""
    return _judge_page(request, _application(request, code))


def _application(request: HttpRequest, code: str) -> Application:
    application = application_of(request.user, code)
    if application is None or application.state == ApplicationState.DRAFT:
        raise Http404
    return application


@dataclass(frozen=True)
class Judged:
    """A review as the officer reads it: points by criterion, the score of 100 (None: not handed in).

    severity: points that calibration adds to this reviewer's scores; None: not handed in.
    """

    review: Review
    points: list[tuple[str, float, float]]
    score: Decimal | None
    severity: Decimal | None

    @property
    def calibrated(self) -> Decimal | None:
        """The score with the severity added."""
        return None if self.score is None or self.severity is None else self.score + self.severity


def _judge_page(
    request: HttpRequest,
    application: Application,
    eligibility_form: EligibilityForm | None = None,
    score_form: ScoreForm | None = None,
) -> HttpResponse:
    call = application.call
    findings = in_words(eligibility_findings(application)) if application.state == ApplicationState.SUBMITTED else []
    advised = all(finding["holds"] for finding in findings)
    given = list(application.reviews.all())
    scores = scores_of(call) if any(review.state == ReviewState.SUBMITTED for review in given) else None
    reviews = [_judged(review, call, scores) for review in given]
    standing = [one for one in reviews if one.review.state != ReviewState.DECLINED]
    lacking = max(call.reviewers - sum(one.score is not None for one in standing), 0)
    waits = application.answered_at is None and application.answer_due is not None
    return page(
        request,
        "judge",
        form=next((form for form in (eligibility_form, score_form) if form is not None), None),
        application=application,
        call=call,
        check=(check := getattr(application, "eligibility_check", None)),
        check_says=(check.remark or refusal_of(check)) if check else "",
        check_found=in_words(check.findings) if check else [],
        assessment=getattr(application, "technical_assessment", None),
        waits_for_assessment=needs_assessment(application),
        findings=findings,
        eligibility_form=eligibility_form or EligibilityForm(initial={"eligible": "yes" if advised else "no"}),
        score_form=score_form or ScoreForm(),
        reviews=reviews,
        lacking=lacking,
        scores=scores,
        mean=scores.mean.get(application.pk) if scores else None,
        calibrated=scores.calibrated.get(application.pk) if scores else None,
        calibrates=call.scoring == Scoring.CALIBRATED,
        can_replace=application.state == ApplicationState.IN_REVIEW and len(standing) < call.reviewers,
        outcome=(outcome := outcome_of(application)),
        outcome_words=outcome_words(outcome) if outcome else "",
        interest=conflict_of(person_of(request), application),
        days_left=working_days_left(timezone.now(), application.answer_due, call.factory.country)
        if waits and application.answer_due
        else None,
        partners=", ".join(partner.organisation.name for partner in application.partners.all()) or _("None"),
        events=[(words_of(event.verb), event) for event in events_of(application).order_by("-id")],
        may_check=may(request.user, "check eligibility"),
        may_assess=may(request.user, "assess technically"),
        may_assign=may(request.user, "assign reviewers"),
    )


def _judged(review: Review, call: Call, scores: CallScores | None) -> Judged:
    handed_in = review.state == ReviewState.SUBMITTED
    points = [
        (criterion_name(criterion), review.scores.get(criterion["code"], 0), criterion["scale"])
        for criterion in call.criteria
    ]
    if not handed_in or scores is None:
        return Judged(review, [], None, None)
    severity = Decimal(str(scores.severity[review.reviewer_id].points)).quantize(Decimal("0.01"))
    return Judged(review, points, score_of(call.criteria, review.scores), severity)


@requires("check eligibility", "POST")
def eligibility(request: HttpRequest, code: str) -> HttpResponse:
    """A person's verdict on eligibility."""
    application = _application(request, code)
    form = EligibilityForm(request.POST)
    return acted(
        request,
        form,
        lambda: actions.check_eligibility(
            person_of(request), application, form.cleaned_data["eligible"] == "yes", form.cleaned_data["remark"]
        ),
        lambda _made: (_("%(code)s: checked.") % {"code": application.code}, _back(application.call)),
    ) or _judge_page(request, application, eligibility_form=form)


@requires("assign reviewers", "POST")
def score(request: HttpRequest, code: str) -> HttpResponse:
    """Settle one score: the one that counts under the call, or another with the reason why."""
    application = _application(request, code)
    form = ScoreForm(request.POST)
    return acted(
        request,
        form,
        lambda: actions.settle_consensus(
            person_of(request), application, form.cleaned_data["score"], form.cleaned_data["remark"]
        ),
        lambda _made: (
            _("%(code)s: score %(score)s.") % {"code": application.code, "score": application.score},
            _back(application.call),
        ),
    ) or _judge_page(request, application, score_form=form)


@requires("assign reviewers", "POST")
def replace_reviewer(request: HttpRequest, code: str) -> HttpResponse:
    """Somebody else for each review that was declined."""
    application = _application(request, code)
    back = reverse("portal:judge_application", args=[code])
    try:
        made = actions.replace_reviewer(person_of(request), application)
    except Refused as refusal:
        return show_refusal(request, refusal, back)
    messages.success(
        request, _("Now asked: %(names)s.") % {"names": ", ".join(review.reviewer.name for review in made) or "-"}
    )
    return see_other(back)
