"""Who reviews what: never with a conflict of interest, evenly, by expertise. A flow, as a linear programme."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import highspy
import numpy as np

from fabriek.allocation.highs import new_solver


class TooFewReviewers(ValueError):
    """An application can't get enough reviewers; `application` names it."""

    def __init__(self, application: str, wanted: int, able: int) -> None:
        super().__init__(
            f"{application} needs {wanted} reviewers and only {able} have no conflict of interest; "
            "add reviewers or ask for fewer reviews"
        )
        self.application = application


def assign_reviewers(
    applications: Sequence[str],
    reviewers: Sequence[str],
    per_application: int,
    conflicts: Collection[tuple[str, str]],
    fit: Mapping[tuple[str, str], float] | None = None,
    load: Mapping[str, int] | None = None,
) -> dict[str, list[str]]:
    """`per_application` reviewers for each application: {application: [reviewer, ...]}, in order of name.

    conflicts: pairs (application, reviewer) that are never assigned. fit: 0 to 1, how well a reviewer's expertise
    fits. load: reviews that a reviewer has to do already. The k-th review of a reviewer costs k, so that loads come out
    as even as conflicts allow, which outweighs expertise. The same input gives the same answer. The matrix is totally
    unimodular (a transport problem), so the linear programme's vertices are whole. Errors: TooFewReviewers.
    """
    applications, reviewers = sorted(set(applications)), sorted(set(reviewers))
    barred = set(conflicts)
    fit, load = fit or {}, load or {}
    for application in applications:
        able = sum((application, reviewer) not in barred for reviewer in reviewers)
        if able < per_application:
            raise TooFewReviewers(application, per_application, able)
    if not applications or per_application == 0:
        return {application: [] for application in applications}
    pairs = [(a, r) for a in applications for r in reviewers if (a, r) not in barred]
    most = min(len(applications), -(-len(applications) * per_application // max(1, len(reviewers))) + len(applications))
    # Columns: the pairs, then for each reviewer their first, second ... review, each dearer than the one before.
    cost = [-0.5 * fit.get(pair, 0.0) - 1e-7 * _spread(pair) for pair in pairs]
    steps = [(r, k) for r in reviewers for k in range(most)]
    cost += [float(load.get(r, 0) + k + 1) for r, k in steps]
    rows: list[tuple[dict[int, float], float, float]] = []
    by_application: dict[str, dict[int, float]] = {a: {} for a in applications}
    by_reviewer: dict[str, dict[int, float]] = {r: {} for r in reviewers}
    for column, (a, r) in enumerate(pairs):
        by_application[a][column] = 1.0
        by_reviewer[r][column] = 1.0
    for column, (r, _k) in enumerate(steps, start=len(pairs)):
        by_reviewer[r][column] = -1.0
    rows += [(columns, float(per_application), float(per_application)) for columns in by_application.values()]
    rows += [(columns, 0.0, 0.0) for columns in by_reviewer.values()]
    chosen = _solve(cost, rows)
    assigned: dict[str, list[str]] = {a: [] for a in applications}
    for (a, r), value in zip(pairs, chosen, strict=False):
        if value > 0.5:
            assigned[a].append(r)
    return assigned


def _spread(pair: tuple[str, str]) -> float:
    """A fixed small preference for each pair, so that ties fall the same way everywhere."""
    return sum((n + 1) * ord(letter) for n, letter in enumerate("|".join(pair))) % 997 / 997


def _solve(cost: list[float], rows: list[tuple[dict[int, float], float, float]]) -> list[float]:
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = len(cost), len(rows)
    lp.col_cost_ = np.array(cost)
    lp.col_lower_, lp.col_upper_ = np.zeros(len(cost)), np.ones(len(cost))
    lp.row_lower_, lp.row_upper_ = np.array([row[1] for row in rows]), np.array([row[2] for row in rows])
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    starts, indices, values = [0], [], []
    for columns, _low, _high in rows:
        indices += list(columns)
        values += list(columns.values())
        starts.append(len(indices))
    lp.a_matrix_.start_, lp.a_matrix_.index_, lp.a_matrix_.value_ = starts, indices, values
    solver = new_solver()
    solver.setOptionValue("output_flag", False)
    solver.setOptionValue("solver", "simplex")
    # The same number as in highs.py: HiGHS keeps one pool of threads for a process and refuses another size.
    solver.setOptionValue("threads", 1)
    solver.setOptionValue("parallel", "off")
    solver.passModel(lp)
    solver.run()
    if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        raise RuntimeError(f"no assignment: {solver.modelStatusToString(solver.getModelStatus())}")
    return list(solver.getSolution().col_value)
