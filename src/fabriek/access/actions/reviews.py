"""Reviews: assigned without conflicts of interest, written, declined, settled into one score."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Count, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from fabriek.access.errors import NotAssessed, NotEnoughReviewers, ReviewsMissing, WrongState
from fabriek.access.lifecycle import advance
from fabriek.access.models import Application, ApplicationState, Conflict, Review, ReviewState
from fabriek.access.rules import conflicts, needs_assessment, refuse_conflict, score_of
from fabriek.allocation.reviewers import TooFewReviewers
from fabriek.allocation.reviewers import assign_reviewers as assign
from fabriek.audit.actions import record
from fabriek.conf.errors import Invalid, NotAllowed, Refused
from fabriek.people.models import Person
from fabriek.people.permissions import require
from fabriek.people.queries import reviewers as all_reviewers


@transaction.atomic
def assign_reviewers(actor: Person, applications: Sequence[Application]) -> list[Review]:
    """Give applications that may be reviewed their reviewers: never with a conflict of interest, loads as even as
    can be.

    Errors: NotAssessed where peer review waits for the technical assessment; NotEnoughReviewers with the application;
    WrongState.
    """
    require(actor, "assign reviewers")
    for application in applications:
        if needs_assessment(application):
            raise NotAssessed(
                _("%(code)s is to be assessed technically before peers review it.") % {"code": application.code},
                application=application.code,
            )
    people = list(all_reviewers().annotate(todo=Count("reviews", filter=Q(reviews__state=ReviewState.ASSIGNED))))
    by_number = {str(person.pk): person for person in people}
    applications = list(applications)
    barred = {(str(a), str(p)) for a, p in conflicts(applications, people)}
    _refuse_own(actor, applications)
    load = Counter({str(person.pk): person.todo for person in people})
    made: list[Review] = []
    for wanted in sorted({a.call.reviewers for a in applications}):
        group = {str(a.pk): a for a in applications if a.call.reviewers == wanted}
        fit = {
            (number, str(person.pk)): _fit(person, application)
            for number, application in group.items()
            for person in people
        }
        try:
            assigned = assign(list(group), list(by_number), wanted, barred, fit, load)
        except TooFewReviewers as error:
            raise NotEnoughReviewers(
                _("%(application)s can't get %(wanted)s reviewers without a conflict of interest. Add reviewers.")
                % {"application": group[error.application].code, "wanted": wanted},
                application=group[error.application].code,
            ) from error
        for number, chosen in assigned.items():
            application = advance(actor, group[number], "send_to_review", trusted=True)
            load.update(chosen)
            made += [
                Review(application=application, reviewer=by_number[person], kind=application.call.review)
                for person in chosen
            ]
    return Review.objects.bulk_create(made)


def _refuse_own(actor: Person, applications: Sequence[Application]) -> None:
    for application, _person in conflicts(list(applications), [actor]):
        refuse_conflict(actor, next(a for a in applications if a.pk == application))


def _fit(person: Person, application: Application) -> float:
    """The part of the application's keywords that the reviewer knows."""
    known = {str(word).lower() for word in person.expertise}
    wanted = {str(word).lower() for word in application.keywords}
    return len(known & wanted) / len(wanted) if wanted else 0.0


@transaction.atomic
def submit_review(
    actor: Person,
    review: Review,
    scores: Mapping[str, float],
    remark: str,
    confidential_remark: str = "",
) -> Review:
    """Hand in a review: points for each criterion on its scale, a remark for the applicant, one for the officers.

    It can be handed in again until the score is settled. Errors: Invalid, NotAllowed, ConflictOfInterest, WrongState.
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
    """Find somebody for each review that was declined, without a conflict of interest, with the least to do."""
    require(actor, "assign reviewers")
    refuse_conflict(actor, application)
    if application.state != ApplicationState.IN_REVIEW:
        raise WrongState(_("Only an application in review gets reviewers."), state=application.state)
    lacking = application.call.reviewers - application.reviews.exclude(state=ReviewState.DECLINED).count()
    busy = set(application.reviews.values_list("reviewer_id", flat=True))
    people = list(all_reviewers().annotate(todo=Count("reviews", filter=Q(reviews__state=ReviewState.ASSIGNED))))
    barred = {person for _application, person in conflicts([application], people)} | busy
    able = sorted((p for p in people if p.pk not in barred), key=lambda p: (-_fit(p, application), p.todo, p.pk))
    if len(able) < lacking:
        raise NotEnoughReviewers(
            _("%(application)s can't get another reviewer without a conflict of interest. Add reviewers.")
            % {"application": application.code},
            application=application.code,
        )
    made = [
        Review.objects.create(application=application, reviewer=person, kind=application.call.review)
        for person in able[:lacking]
    ]
    for review in made:
        record(actor, "access.replace_reviewer", application, reviewer=review.reviewer.email)
    return made


@transaction.atomic
def settle_consensus(
    actor: Person, application: Application, score: Decimal | None = None, remark: str = ""
) -> Application:
    """Settle the score: the reviews' mean, or another one with the reason why. Errors: ReviewsMissing, Invalid."""
    require(actor, "assign reviewers")
    reviews = list(application.reviews.exclude(state=ReviewState.DECLINED))
    waiting = [review for review in reviews if review.state != ReviewState.SUBMITTED]
    lacking = max(application.call.reviewers - len(reviews), 0) + len(waiting)
    if lacking:
        raise ReviewsMissing(
            _("%(application)s waits for %(number)s more reviews.")
            % {"application": application.code, "number": lacking}
        )
    mean = mean_score(application, reviews)
    if score is not None and not 0 <= score <= 100:
        raise Invalid(_("A score lies between 0 and 100."), faults={"score": [_("Give 0 to 100.")]})
    if score is not None and score != mean and not remark.strip():
        raise Invalid(_("This is not the reviews' mean. Say why."), faults={"remark": [_("Say why.")]})
    return advance(actor, application, "settle_score", why=remark, score=mean if score is None else score)


def mean_score(application: Application, reviews: Sequence[Review]) -> Decimal:
    """The mean of the reviews' scores of 100. Errors: Refused without reviews."""
    if not reviews:
        raise Refused(_("There are no reviews."))
    scores: list[Any] = [score_of(application.call.criteria, review.scores) for review in reviews]
    return (sum(scores, Decimal(0)) / len(scores)).quantize(Decimal("0.01"))
