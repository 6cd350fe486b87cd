"""Reviews: assigned without conflicts of interest, written, declined, settled into one score."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Count, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from fabriek.access.actions.replies import open_reply
from fabriek.access.errors import (
    ChangedMeanwhile,
    NotAssessed,
    NotEnoughReviewers,
    OldVersion,
    ReviewsMissing,
    WrongState,
)
from fabriek.access.lifecycle import advance
from fabriek.access.models import Application, ApplicationState, Call, Conflict, Review, ReviewState, Scoring
from fabriek.access.rules import as_written, conflicts, needs_assessment, refuse_conflict
from fabriek.access.scores import CallScores, mean_score, scores_of
from fabriek.allocation.reviewers import TooFewReviewers
from fabriek.allocation.reviewers import assign_reviewers as assign
from fabriek.audit.actions import record
from fabriek.conf.errors import Invalid, NotAllowed, Refused
from fabriek.people.models import Person
from fabriek.people.permissions import require
from fabriek.people.queries import reviewers as all_reviewers

REMARK_LENGTH = 20_000


def assign_reviewers(
    actor: Person, applications: Sequence[Application], told: Callable[[str], None] = lambda _stage: None
) -> list[Review]:
    """Give applications that may be reviewed their reviewers: never with a conflict of interest, loads as even as
    can be.

    The assignment is worked out first, with nothing locked, and then written at once if it still holds: thousands take
    a while, and others go on working. told: hears of each stage, 'matching' and 'writing'.

    Errors: NotAssessed where peer review waits for the technical assessment; NotEnoughReviewers with the application;
    WrongState; ChangedMeanwhile.
    """
    require(actor, "assign reviewers")
    for application in applications:
        if needs_assessment(application):
            raise NotAssessed(
                _("%(code)s is to be assessed technically before peers review it.") % {"code": application.code},
                application=application.code,
            )
    people = _panel()
    applications = list(applications)
    barred = {(str(a), str(p)) for a, p in conflicts(applications, people)}
    _refuse_own(actor, applications)
    load = Counter({str(person.pk): person.todo for person in people})
    told("matching")
    planned: list[tuple[Call, dict[Application, list[Person]]]] = []
    for call in sorted({a.call for a in applications}, key=lambda call: call.code):
        group = [a for a in applications if a.call_id == call.pk]
        chosen = _assign(call, group, call.reviewers, people, barred, load)
        load.update(str(person.pk) for persons in chosen.values() for person in persons)
        planned.append((call, chosen))
    told("writing")
    return _write(actor, planned)


@transaction.atomic
def _write(actor: Person, planned: Sequence[tuple[Call, Mapping[Application, Sequence[Person]]]]) -> list[Review]:
    """Write an assignment that was worked out a while ago, if it still holds: all of it, or nothing."""
    made: list[Review] = []
    for call, chosen in planned:
        if call.reviewer_limit is not None:
            has = _reviews_of(call)
            given = Counter(str(person.pk) for persons in chosen.values() for person in persons)
            if any(has[person] + number > call.reviewer_limit for person, number in given.items()):
                raise ChangedMeanwhile(_("Reviews of this call were assigned meanwhile. Assign again."))
        people = {person.pk: person for persons in chosen.values() for person in persons}
        barred = conflicts(list(chosen), list(people.values()))
        for application, persons in chosen.items():
            if any((application.pk, person.pk) in barred for person in persons):
                raise ChangedMeanwhile(
                    _("A reviewer came to have an interest in %(code)s meanwhile. Assign again.")
                    % {"code": application.code}
                )
            application = advance(actor, application, "send_to_review", trusted=True)
            made += [Review(application=application, reviewer=person, kind=call.review) for person in persons]
    return Review.objects.bulk_create(made)


def _reviews_of(call: Call) -> Counter[str]:
    """How many reviews of a call each reviewer has."""
    standing = Review.objects.filter(application__call=call).exclude(state=ReviewState.DECLINED)
    return Counter(str(person) for person in standing.values_list("reviewer", flat=True))


def _panel() -> list[Any]:
    """Everybody who may review, with `todo`: the reviews that they still have to do."""
    return list(all_reviewers().annotate(todo=Count("reviews", filter=Q(reviews__state=ReviewState.ASSIGNED))))


def _assign(
    call: Call,
    applications: Sequence[Application],
    wanted: int,
    people: Sequence[Person],
    barred: Collection[tuple[str, str]],
    load: Mapping[str, int],
) -> dict[Application, list[Person]]:
    """The best assignment of one call's applications within its load limit. Errors: NotEnoughReviewers."""
    by_number, by_person = {str(a.pk): a for a in applications}, {str(person.pk): person for person in people}
    limits = {}
    if call.reviewer_limit is not None:
        has = _reviews_of(call)
        limits = {person: load[person] + max(0, call.reviewer_limit - has[person]) for person in by_person}
    try:
        assigned = assign(
            list(by_number), list(by_person), wanted, barred, _fit(applications, people), load=load, limits=limits
        )
    except TooFewReviewers as error:
        raise _not_enough(by_number[error.application], error, call) from error
    return {by_number[number]: [by_person[p] for p in chosen] for number, chosen in assigned.items()}


def _not_enough(application: Application, error: TooFewReviewers, call: Call) -> NotEnoughReviewers:
    """What to do about it: more reviewers, or a higher limit."""
    facts = {
        "application": application.code,
        "wanted": error.wanted,
        "able": error.able,
        "free": error.free,
        "limit": call.reviewer_limit,
        "others": len(error.together) - 1,
        "needed": error.needed,
        "room": error.room,
    }
    if error.able < error.wanted:
        words = _(
            "%(application)s can't get its reviewers: it needs %(wanted)s, and only %(able)s have no conflict of "
            "interest. Add reviewers."
        )
    elif len(error.together) == 1:
        words = _(
            "%(application)s can't get its reviewers: it needs %(wanted)s, and of the %(able)s without a conflict of "
            "interest only %(free)s have room under this call's limit of %(limit)s reviews each. Add reviewers."
        )
    else:
        words = _(
            "%(application)s can't get its reviewers: with %(others)s other applications it needs %(needed)s reviews, "
            "and those without a conflict of interest have room for %(room)s under this call's limit of %(limit)s "
            "reviews each. Add reviewers."
        )
    return NotEnoughReviewers(words % facts, application=application.code)


def _refuse_own(actor: Person, applications: Sequence[Application]) -> None:
    for application, _person in conflicts(list(applications), [actor]):
        refuse_conflict(actor, next(a for a in applications if a.pk == application))


def _fit(applications: Sequence[Application], people: Sequence[Person]) -> Any:
    """How the words of each application fit the expertise that each reviewer tells of; None where nobody tells."""
    known = ["; ".join(str(word) for word in person.expertise) for person in people]
    if not any(known):
        return None
    from fabriek.allocation.similarity import fit_of_texts  # here: it takes a second to load

    return fit_of_texts([f"{a.title}. {'; '.join(map(str, a.keywords))}. {a.summary}" for a in applications], known)


@transaction.atomic
def save_review(
    actor: Person,
    review: Review,
    version: int,
    *,
    scores: Mapping[str, float] | None = None,
    remark: str | None = None,
    confidential_remark: str | None = None,
) -> Review:
    """Keep (part of) a review while it is written. It counts for nothing until it is handed in.

    What is left out stays as it was written; scores replace those of the draft. `version` is the one that the writer
    saw: an older one is refused, nothing is lost. Nobody but its reviewer reads a draft, and it leaves no audit entry,
    for nothing changes state. Errors: OldVersion, Invalid, NotAllowed, ConflictOfInterest, WrongState.
    """
    review = _own(actor, review)
    if version != review.version:
        raise OldVersion(
            _("This review was changed in another window. Load it again to go on from there; your text is still here."),
            version=review.version,
        )
    said = {"scores": scores, "remark": remark, "confidential_remark": confidential_remark}
    changes = {name: value for name, value in said.items() if value is not None}
    if faults := _draft_faults(review.application.call, changes):
        raise Invalid(_("This can't be kept as it is."), faults=faults)
    review.draft = {**as_written(review), **changes}
    review.version, review.saved_at = review.version + 1, timezone.now()
    review.save(update_fields=["draft", "version", "saved_at"])
    return review


def _draft_faults(call: Call, changes: Mapping[str, Any]) -> dict[str, list[str]]:
    """What can't stand in a draft: a criterion that the call lacks, points off its scale, a text that is too long."""
    scales = {criterion["code"]: criterion["scale"] for criterion in call.criteria}
    faults = {}
    for code, points in changes.get("scores", {}).items():
        if code not in scales:
            faults[code] = [_("This call has no such criterion.")]
        elif not 0 <= points <= scales[code]:
            faults[code] = [_("Give 0 to %(scale)s points.") % {"scale": scales[code]}]
    for name in ("remark", "confidential_remark"):
        if len(changes.get(name, "")) > REMARK_LENGTH:
            faults[name] = [_("Use at most 20,000 characters.")]
    return faults


@transaction.atomic
def submit_review(
    actor: Person,
    review: Review,
    scores: Mapping[str, float],
    remark: str,
    confidential_remark: str = "",
) -> Review:
    """Hand in a review: points for each criterion on its scale, a remark for the applicant, one for the officers.

    It can be handed in again until the score is settled; the draft is gone with it.
    Errors: Invalid, NotAllowed, ConflictOfInterest, WrongState.
    """
    review = _own(actor, review)
    criteria = review.application.call.criteria
    faults = {}
    for criterion in criteria:
        points = scores.get(criterion["code"])
        if points is None or not 0 <= points <= criterion["scale"]:
            faults[criterion["code"]] = [_("Give 0 to %(scale)s points.") % {"scale": criterion["scale"]}]
    if not remark.strip():
        faults["remark"] = [_("Tell the applicant why, in a sentence or more.")]
    if faults:
        raise Invalid(_("The review is not complete."), faults=faults)
    review.scores = {criterion["code"]: scores[criterion["code"]] for criterion in criteria}
    review.remark, review.confidential_remark = remark.strip(), confidential_remark.strip()
    review.state, review.submitted_at = ReviewState.SUBMITTED, timezone.now()
    # A save that is still under way, or from another window, finds an older version and is refused.
    review.draft, review.saved_at, review.version = {}, None, review.version + 1
    review.save()
    record(actor, "access.submit_review", review.application, scores=review.scores)
    return review


@transaction.atomic
def decline_review(actor: Person, review: Review, why: str) -> Review:
    """Decline a review for a conflict of interest, which is remembered; the officer finds somebody else."""
    review = _own(actor, review, reading=True)
    if not why.strip():
        raise Invalid(_("Say which interest you have."), faults={"why": [_("Say which interest you have.")]})
    Conflict.objects.get_or_create(application=review.application, person=actor, defaults={"why": why.strip()[:300]})
    review.state = ReviewState.DECLINED
    review.save(update_fields=["state"])
    record(actor, "access.decline_review", review.application, why=why)
    return review


def _own(actor: Person, review: Review, *, reading: bool = False) -> Review:
    require(actor, "review")
    review = (
        Review.objects.select_for_update(of=("self",))
        .select_related("application__call", "application__organisation")
        .get(pk=review.pk)
    )
    if review.reviewer_id != actor.pk:
        raise NotAllowed(_("This review was given to somebody else."))
    if review.application.state != ApplicationState.IN_REVIEW or review.state == ReviewState.DECLINED:
        raise WrongState(_("This review is closed: its application is not in review any more, or you declined it."))
    if not reading:
        refuse_conflict(actor, review.application)
    return review


@transaction.atomic
def replace_reviewer(actor: Person, application: Application) -> list[Review]:
    """Find somebody for each review that was declined, by the same programme that assigned the others.

    Errors: NotEnoughReviewers, WrongState.
    """
    require(actor, "assign reviewers")
    refuse_conflict(actor, application)
    if application.state != ApplicationState.IN_REVIEW:
        raise WrongState(_("Only an application in review gets reviewers."), state=application.state)
    lacking = application.call.reviewers - application.reviews.exclude(state=ReviewState.DECLINED).count()
    if lacking <= 0:
        return []
    people = _panel()
    busy = set(application.reviews.values_list("reviewer_id", flat=True))
    barred = {(str(a), str(p)) for a, p in conflicts([application], people)}
    barred |= {(str(application.pk), str(person)) for person in busy}
    load = {str(person.pk): person.todo for person in people}
    chosen = _assign(application.call, [application], lacking, people, barred, load)[application]
    made = [
        Review.objects.create(application=application, reviewer=person, kind=application.call.review)
        for person in chosen
    ]
    for review in made:
        record(actor, "access.replace_reviewer", application, reviewer=review.reviewer.email)
    return made


def settle_all(
    actor: Person, applications: Sequence[Application], told: Callable[[int], None] = lambda _done: None
) -> tuple[int, list[Refused]]:
    """Settle many scores by what their calls chose, each by itself: how many, and what was refused.

    told: hears how many are through.
    """
    standing = {call: scores_of(call) for call in {a.call for a in applications} if call.scoring != Scoring.MEAN}
    refused: list[Refused] = []
    for number, application in enumerate(applications, start=1):
        try:
            _settle(actor, application, standing.get(application.call))
        except Refused as refusal:
            refused.append(refusal)
        told(number)
    return len(applications) - len(refused), refused


def settle_consensus(
    actor: Person, application: Application, score: Decimal | None = None, remark: str = ""
) -> Application:
    """Settle the score: what the call chose when it opened, the reviews' mean or the calibrated mean; or another one
    with the reason why. Errors: ReviewsMissing, Invalid, WrongState.

    Calibrated scores wait for all reviews of the call's applications in review, so that all are measured alike.
    """
    calibrates = application.call.scoring == Scoring.CALIBRATED
    return _settle(actor, application, scores_of(application.call) if calibrates else None, score, remark)


@transaction.atomic
def _settle(
    actor: Person,
    application: Application,
    standing: CallScores | None,
    score: Decimal | None = None,
    remark: str = "",
) -> Application:
    require(actor, "assign reviewers")
    reviews = list(application.reviews.exclude(state=ReviewState.DECLINED))
    waiting = [review for review in reviews if review.state != ReviewState.SUBMITTED]
    lacking = max(application.call.reviewers - len(reviews), 0) + len(waiting)
    if lacking:
        raise ReviewsMissing(
            _("%(application)s waits for %(number)s more reviews.")
            % {"application": application.code, "number": lacking}
        )
    if standing is not None and standing.waiting:
        raise ReviewsMissing(
            _(
                "This call's scores are calibrated together, and %(number)s reviews of it are still to come. "
                "Wait for them, or replace those who declined."
            )
            % {"number": standing.waiting}
        )
    mean = mean_score(application, reviews)
    counts = mean if standing is None else standing.counts(application)
    if score is not None and not 0 <= score <= 100:
        raise Invalid(_("A score lies between 0 and 100."), faults={"score": [_("Give 0 to 100.")]})
    if score is not None and score != counts and not remark.strip():
        raise Invalid(
            _("This is not the score that follows from the reviews. Say why."), faults={"remark": [_("Say why.")]}
        )
    settled = advance(actor, application, "settle_score", why=remark, score=counts if score is None else score)
    if standing is not None:
        record(
            actor,
            "access.calibrate_score",
            application,
            method=standing.method,
            mean=str(mean),
            calibrated=str(counts),
            ridge=standing.ridge,
            severity={review.pk: standing.severity[review.reviewer_id].points for review in reviews},
        )
    open_reply(settled)
    return settled
