"""What the reviews of a call make of each application: the mean, and the mean calibrated between strict and lenient.

Which of the two counts was chosen when the call opened (`Call.scoring`). Both are shown.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Count, Q
from django.utils.translation import gettext as _

from fabriek.access.models import Application, ApplicationState, Call, Review, ReviewState, Scoring
from fabriek.access.rules import score_of
from fabriek.allocation.calibration import METHOD, Severity, calibrate
from fabriek.conf.errors import Refused

_PLACES = Decimal("0.01")


@dataclass(frozen=True)
class CallScores:
    """Of all reviews of a call that are handed in, by primary keys.

    mean, calibrated: application -> score of 100. severity: reviewer -> points added to their scores.
    waiting: reviews of applications in review that are still to come, which a calibrated score waits for.
    ridge: None where nothing tells the reviewers apart; then calibrated is the mean. noise: of one review, in points.
    """

    scoring: str
    mean: dict[int, Decimal]
    calibrated: dict[int, Decimal]
    severity: dict[int, Severity]
    waiting: int
    ridge: float | None
    noise: float
    method: str = METHOD

    def counts(self, application: Application) -> Decimal:
        """The score that counts under this call. Errors: KeyError without reviews."""
        return (self.calibrated if self.scoring == Scoring.CALIBRATED else self.mean)[application.pk]


def scores_of(call: Call) -> CallScores:
    """The scores of a call as its reviews stand now. Two queries."""
    given = Review.objects.filter(application__call=call, state=ReviewState.SUBMITTED).values_list(
        "application", "reviewer", "scores"
    )
    points = [(a, r, score_of(call.criteria, scores)) for a, r, scores in given.order_by("application", "reviewer")]
    of_application: dict[int, list[Decimal]] = defaultdict(list)
    for application, _reviewer, score in points:
        of_application[application].append(score)
    found = calibrate((str(a), str(r), float(score)) for a, r, score in points)
    mean = {a: _mean(scores) for a, scores in of_application.items()}
    told = {a: Decimal(str(found.calibrated[str(a)])).quantize(_PLACES) for a in mean}
    in_review = Application.objects.filter(call=call, state=ApplicationState.IN_REVIEW).annotate(
        done=Count("reviews", filter=Q(reviews__state=ReviewState.SUBMITTED))
    )
    return CallScores(
        scoring=call.scoring,
        mean=mean,
        calibrated=mean if found.ridge is None else told,
        severity={int(r): severity for r, severity in found.severity.items()},
        waiting=sum(max(call.reviewers - done, 0) for done in in_review.values_list("done", flat=True)),
        ridge=found.ridge,
        noise=found.noise,
    )


def mean_score(application: Application, reviews: Sequence[Review]) -> Decimal:
    """The mean of the reviews' scores of 100. Errors: Refused without reviews."""
    if not reviews:
        raise Refused(_("There are no reviews."))
    return _mean([score_of(application.call.criteria, review.scores) for review in reviews])


def _mean(scores: Sequence[Decimal]) -> Decimal:
    return (sum(scores, Decimal(0)) / len(scores)).quantize(_PLACES)
