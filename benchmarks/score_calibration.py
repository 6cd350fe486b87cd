"""Does calibration bring the order of applications nearer to the truth, and when does it not?

A stated simulation: worths from a normal distribution (mean 60, deviation 12), reviewers' leniencies (mean 0, the
deviation of the row), noise of a review (deviation 8), clipped to 0 to 100; each application gets its reviewers by the
assignment's programme, even loads, fits drawn. Means over 20 draws of Kendall's rank correlation with the true worth,
and of the part of the truly best fifth that the best fifth by score holds. Peers: the plain mean, and each reviewer's
scores less their own mean (z-scores without the division), as panels do in spreadsheets.
"""

from __future__ import annotations

import time
from collections import defaultdict

import numpy as np
from scipy.stats import kendalltau

from fabriek.allocation.calibration import calibrate
from fabriek.allocation.reviewers import assign_reviewers

DRAWS = 20


def simulate(
    seed: int, applications: int, reviewers: int, each: int, leniency: float
) -> tuple[dict[str, float], list[tuple[str, str, float]]]:
    """The true worths, and the reviews."""
    draws = np.random.default_rng(seed)
    names, panel = [f"a{n:04}" for n in range(applications)], [f"r{n:03}" for n in range(reviewers)]
    worth = dict(zip(names, draws.normal(60, 12, applications), strict=True))
    lenient = dict(zip(panel, draws.normal(0, leniency, reviewers), strict=True))
    fit = np.round(draws.random((applications, reviewers)), 4)
    assigned = assign_reviewers(names, panel, each, fit=fit)
    return worth, [
        (a, r, float(np.clip(worth[a] + lenient[r] + draws.normal(0, 8), 0, 100))) for a in names for r in assigned[a]
    ]


def centred(reviews: list[tuple[str, str, float]]) -> dict[str, float]:
    """Means of scores less their reviewer's own mean."""
    of_reviewer, of_application = defaultdict(list), defaultdict(list)
    for _a, r, score in reviews:
        of_reviewer[r].append(score)
    for a, r, score in reviews:
        of_application[a].append(score - float(np.mean(of_reviewer[r])))
    return {a: float(np.mean(scores)) for a, scores in of_application.items()}


def agreement(scores: dict[str, float], worth: dict[str, float]) -> tuple[float, float]:
    """Kendall's tau, and how much of the best fifth is right."""
    names = sorted(worth)
    fifth = len(names) // 5
    found, true = (set(sorted(names, key=lambda a: -table[a])[:fifth]) for table in (scores, worth))
    return float(kendalltau([scores[a] for a in names], [worth[a] for a in names]).statistic), len(found & true) / fifth


def main() -> None:
    cases = [
        (100, 20, 3, 0.0),
        (100, 20, 3, 4.0),
        (100, 20, 3, 8.0),
        (100, 20, 3, 12.0),
        (100, 100, 3, 8.0),
        (500, 50, 2, 8.0),
        (1000, 100, 3, 8.0),
        (100, 20, 1, 8.0),
    ]
    print(
        f"{'applications x reviewers x reviews':<36}{'leniency':>9} |{'tau: mean':>10}{'centred':>9}{'calibr.':>9} |"
        f"{'fifth: mean':>12}{'centred':>9}{'calibr.':>9} | better in, ms"
    )
    for applications, reviewers, each, leniency in cases:
        rows, better, took = [], 0, 0.0
        for seed in range(DRAWS):
            worth, reviews = simulate(seed, applications, reviewers, each, leniency)
            began = time.perf_counter()
            result = calibrate(reviews)
            took += time.perf_counter() - began
            row = [agreement(table, worth) for table in (result.raw, centred(reviews), result.calibrated)]
            rows.append(row)
            better += row[2][0] > row[0][0]
        tau, fifth = np.mean(rows, axis=0).T
        print(
            f"{f'{applications} x {reviewers} x {each}':<36}"
            f"{leniency:>9.0f} |{tau[0]:>10.3f}{tau[1]:>9.3f}{tau[2]:>9.3f} |"
            f"{fifth[0]:>12.3f}{fifth[1]:>9.3f}{fifth[2]:>9.3f} | {better}/{DRAWS}, {1000 * took / DRAWS:.0f}"
        )


if __name__ == "__main__":
    main()
