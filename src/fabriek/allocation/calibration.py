"""Scores calibrated between strict and lenient reviewers.

The model: score = what the application is worth + how lenient the reviewer is + noise. Worths are fixed effects,
leniencies are random effects of mean 0, whose best linear unbiased predictions are the least squares with a ridge:

    least  sum over reviews (score - worth - leniency)^2  +  ridge x sum over reviewers leniency^2

where the ridge is the variance of the noise over that of the leniencies. So who reviewed little is believed little.
Sources: Platt and Burges, 'Regularized Least Squares to Remove Reviewer Bias' (2012), which NIPS used; Ge, Welling and
Ghahramani, 'A Bayesian Model for Calibrating Conference Review Scores' (2013); Roos, Rothe and Scheuermann, 'How to
Calibrate the Scores of Biased Reviewers by Quadratic Programming' (AAAI 2011); Robinson, 'That BLUP Is a Good Thing'
(Statistical Science 6, 1991). The ridge is estimated from the scores by restricted maximum likelihood (Patterson and
Thompson, Biometrika 58, 1971), so nobody sets it after seeing what it does.

Only reviews of one and the same application are compared: a reviewer who got the weaker applications is not lenient for
that. Reviewers whom no chain of shared applications joins are not compared: each such group is its own.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

METHOD = "fabriek/calibration/1"
# A tenth: even reviewers who always differ by the same are believed for 10 reviews in 11 only, for one pair that
# differs is no law. Ten thousand: leniencies a hundredth of the noise, which nobody can tell from none.
_LEAST_RIDGE, _MOST_RIDGE = 0.1, 1e4
_STEPS = 501
# Far below a hundredth of a point, in which scores are kept.
_PLACES = 6


@dataclass(frozen=True)
class Severity:
    """How strict a reviewer is. points: added to each of their scores, of 100; above 0: strict, below 0: lenient.

    reviews: how many they did. compared: how many of those were of an application that somebody else reviewed too.
    """

    points: float
    reviews: int
    compared: int


@dataclass(frozen=True)
class Calibration:
    """raw, calibrated: of each application, 0 to 100. ridge: None where the scores tell of no severity at all.

    noise: standard deviation of a review, in points, after what the reviewer's severity explains.
    """

    raw: dict[str, float]
    calibrated: dict[str, float]
    severity: dict[str, Severity]
    ridge: float | None
    noise: float


def calibrate(reviews: Iterable[tuple[str, str, float]]) -> Calibration:
    """Calibrate (application, reviewer, score from 0 to 100), each pair once. In any order the answer is the same.

    A calibrated score is the mean of the application's reviews, each with its reviewer's severity added, kept within 0
    to 100. In each group of reviewers who are compared the severities, counted by review, add up to 0: the level of a
    call's scores, and so what its threshold means, stays. Errors: ValueError for a score outside, or a pair twice.
    """
    given = sorted(reviews)
    for (a, r, _s), (b, q, _t) in itertools.pairwise(given):
        if (a, r) == (b, q):
            raise ValueError(f"{r} scored {a} twice")
    for application, reviewer, score in given:
        if not 0 <= score <= 100:
            raise ValueError(f"{reviewer} gave {application} {score}: a score lies between 0 and 100")
    if not given:
        return Calibration({}, {}, {}, None, 0.0)
    applications, of_application = np.unique([row[0] for row in given], return_inverse=True)
    reviewers, of_reviewer = np.unique([row[1] for row in given], return_inverse=True)
    scores = np.array([float(row[2]) for row in given])

    per_application = np.bincount(of_application)
    raw = np.bincount(of_application, scores) / per_application
    contrasts = _Contrasts.of(scores - raw[of_application], of_application, of_reviewer, per_application)
    ridge, noise = contrasts.ridge()
    severity = np.zeros(len(reviewers))
    done = np.bincount(of_reviewer)
    if ridge is not None:
        severity = -contrasts.leniency(ridge)
        for group in _groups(of_application, of_reviewer, len(reviewers)):
            severity[group] -= np.average(severity[group], weights=done[group])
        severity = np.round(severity, _PLACES)
    worth = np.bincount(of_application, scores + severity[of_reviewer]) / per_application
    compared = np.bincount(of_reviewer, per_application[of_application] > 1).astype(int)
    return Calibration(
        raw=_by_name(applications, raw),
        calibrated=_by_name(applications, np.clip(worth, 0.0, 100.0)),
        severity={
            str(name): Severity(float(points) + 0.0, int(reviews), int(shared))
            for name, points, reviews, shared in zip(reviewers, severity, done, compared, strict=True)
        },
        ridge=ridge,
        noise=noise,
    )


def _by_name(names: np.ndarray, values: np.ndarray) -> dict[str, float]:
    return {str(name): round(float(value), _PLACES) for name, value in zip(names, values, strict=True)}


@dataclass(frozen=True)
class _Contrasts:
    """What is left of the scores when the applications' worths are taken out, along directions that don't correlate.

    directions: columns, each a mixture of reviewers. known: how much is known of each (its eigenvalue, in reviews).
    found: its sum of contrasts. rest: squares that no severity explains. freedom: reviews less applications.
    """

    directions: np.ndarray
    known: np.ndarray
    found: np.ndarray
    rest: float
    freedom: int

    @classmethod
    def of(
        cls, centred: np.ndarray, of_application: np.ndarray, of_reviewer: np.ndarray, per_application: np.ndarray
    ) -> _Contrasts:
        """From scores less the mean of their application. The information matrix is the graph's Laplacian."""
        count = int(of_reviewer.max()) + 1
        together = np.diag(np.bincount(of_reviewer).astype(float))
        by_application: dict[int, list[int]] = defaultdict(list)
        for application, reviewer in zip(of_application, of_reviewer, strict=True):
            by_application[int(application)].append(int(reviewer))
        for application, who in by_application.items():
            together[np.ix_(who, who)] -= 1.0 / per_application[application]
        # One thread: the same last bits on every machine, and on a busy one no threads that wait for one another.
        with threadpool_limits(1):
            known, directions = np.linalg.eigh(together)
        # One direction of each group is not known at all: all its reviewers stricter, all its applications better.
        seen = known > 1e-9 * max(1.0, float(known.max()))
        known, directions = known[seen], directions[:, seen]
        found = directions.T @ np.bincount(of_reviewer, centred, count)
        rest = max(0.0, float(centred @ centred) - float(np.sum(found**2 / known)))
        return cls(directions, known, found, rest, len(centred) - len(per_application))

    def ridge(self) -> tuple[float | None, float]:
        """The most likely ridge (None: no severity is), and the noise that goes with it, in points.

        A search over stated values, because the likelihood may have two tops.
        """
        if self.freedom == 0 or not self.known.size or float(np.sum(self.found**2)) + self.rest < 1e-9:
            return None, 0.0
        ridges = np.geomspace(_LEAST_RIDGE, _MOST_RIDGE, _STEPS)
        grows = 1.0 + self.known[None, :] / ridges[:, None]
        squares = np.sum(self.found**2 / self.known / grows, axis=1) + self.rest
        likelihood = -0.5 * (np.sum(np.log(grows), axis=1) + self.freedom * np.log(squares / self.freedom))
        best = int(np.argmax(np.round(likelihood, 9)))
        noise = float(np.sqrt(squares[best] / self.freedom))
        return (None, noise) if best == _STEPS - 1 else (float(ridges[best]), noise)

    def leniency(self, ridge: float) -> np.ndarray:
        """Of each reviewer, in points; 0 for who was never compared."""
        return np.asarray(self.directions @ (self.found / (self.known + ridge)))


def _groups(of_application: np.ndarray, of_reviewer: np.ndarray, count: int) -> list[np.ndarray]:
    """The reviewers whom chains of shared applications join."""
    leader = list(range(count))

    def head(reviewer: int) -> int:
        while leader[reviewer] != reviewer:
            leader[reviewer] = leader[leader[reviewer]]
            reviewer = leader[reviewer]
        return reviewer

    first: dict[int, int] = {}
    for application, reviewer in zip(of_application.tolist(), of_reviewer.tolist(), strict=True):
        one, other = head(first.setdefault(application, reviewer)), head(reviewer)
        leader[max(one, other)] = min(one, other)
    heads = np.array([head(reviewer) for reviewer in range(count)])
    return [np.flatnonzero(heads == one) for one in np.unique(heads)]
