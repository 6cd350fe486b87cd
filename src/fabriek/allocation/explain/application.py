"""Why one application got what it got, and what would have changed that."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Literal

from fabriek.allocation.explain import changes
from fabriek.allocation.explain.again import Again, Enough, Settings, award_of, worst
from fabriek.allocation.explain.estimates import asked_of, estimates_of, price_arrays
from fabriek.allocation.explain.holders import Holders
from fabriek.allocation.explain.model import Change, Explanation, PassedOver
from fabriek.allocation.explain.reasons import Board, board_of, why_not, without
from fabriek.allocation.formulation import PromiseRow, formulate
from fabriek.allocation.hours import book
from fabriek.allocation.plan import Award, Plan, Refusal
from fabriek.allocation.problem import Alternative, Application, Problem, canonical, problem_sha256
from fabriek.allocation.rules import awardable, counts, exact, is_within, share_hours, worth


def explain_all(problem: Problem, plan: Plan) -> list[Explanation]:
    """Of every application, in order of id, without solving again: refusals with estimates, and awards. Errors:
    ValueError if the plan is of another problem."""
    problem = canonical(problem)
    sha256 = _same_problem(problem, plan)
    estimates = estimates_of(problem, plan)
    board = board_of(problem, formulate(problem), plan.awards)
    holders = Holders(problem, plan)
    awards = {award.application: award for award in plan.awards}
    refusals = {refusal.application: refusal for refusal in plan.refusals}
    return [
        _awarded(problem, plan, sha256, row, awards[row.id], board)
        if row.id in awards
        else _refused(problem, plan, sha256, row, refusals[row.id], estimates.get(row.id, []), holders)
        for row in problem.applications
    ]


def _same_problem(problem: Problem, plan: Plan) -> str:
    sha256 = problem_sha256(problem)
    if plan.problem_sha256 != sha256:
        raise ValueError("the plan is of another problem")
    return sha256


def explain_some(problem: Problem, plan: Plan, applications: Collection[str]) -> dict[str, Explanation]:
    """Of these applications, as far as the problem has them, the reasons alone: no estimates, nothing solved again. To
    set two plans side by side. Errors: ValueError if the plan is of another problem."""
    problem = canonical(problem)
    sha256 = _same_problem(problem, plan)
    wanted = {row.id: row for row in problem.applications if row.id in applications}
    awards = {award.application: award for award in plan.awards if award.application in wanted}
    holders = Holders(problem, plan)
    board = None
    if any(award.alternative for award in awards.values()):
        board = board_of(problem, formulate(problem), plan.awards)
    found = {code: _awarded(problem, plan, sha256, wanted[code], award, board) for code, award in awards.items()}
    for refusal in plan.refusals:
        if refusal.application in wanted:
            row = wanted[refusal.application]
            found[row.id] = _refused(problem, plan, sha256, row, refusal, [], holders)
    return found


def explain_application(
    problem: Problem,
    plan: Plan,
    application: str,
    *,
    gap: float = 1e-6,
    seconds: float = 60.0,
    threads: int = 2,
    seed: int = 0,
    solves: int = 60,
    check: bool = True,
    within: float | None = None,
    progress: Callable[[str], None] | None = None,
) -> Explanation:
    """Why, and the smallest changes that would have made it, each checked by solving the changed problem.

    gap, seconds, threads, seed: those that the plan was made with. solves: how many problems may be solved. within:
    seconds after which no further one is begun. check: False tells the reason and the estimates only, without solving.
    Errors: KeyError if there is no such application, ValueError if the plan is of another problem.
    """
    problem = canonical(problem)
    sha256 = _same_problem(problem, plan)
    row = next((row for row in problem.applications if row.id == application), None)
    if row is None:
        raise KeyError(application)
    award = award_of(plan, application)
    if award is not None:
        board = board_of(problem, formulate(problem), plan.awards) if award.alternative else None
        return _awarded(problem, plan, sha256, row, award, board)
    [refusal] = [refusal for refusal in plan.refusals if refusal.application == application]
    estimates = estimates_of(problem, plan).get(application, [])
    holders = Holders(problem, plan)
    explained = _refused(problem, plan, sha256, row, refusal, estimates, holders)
    if refusal.reason == "displaced":
        explained = explained.model_copy(update={"holders": holders.named(row.programme, refusal.detail)})
    if not check:
        return explained
    again = Again(problem, Settings(gap, seconds, threads, seed), solves, progress, within)
    found, note = _checked(again, plan, row, refusal, estimates)
    return explained.model_copy(
        update={
            "changes": found,
            "note": note,
            "solved": again.solved,
            "status": worst(plan.status, again.status),
        }
    )


def explain_below(
    problem: Problem,
    plan: Plan,
    application: Application,
    threshold: float,
    *,
    gap: float = 1e-6,
    seconds: float = 60.0,
    threads: int = 2,
    seed: int = 0,
    solves: int = 60,
    check: bool = True,
    within: float | None = None,
    progress: Callable[[str], None] | None = None,
) -> Explanation:
    """Of an application that is not in the problem because its score is below the threshold of its own call: the score
    that would have been enough, which may be more than the threshold. The rest as of `explain_application`."""
    problem = canonical(problem)
    sha256 = _same_problem(problem, plan)
    detail = {"score": application.score, "threshold": threshold}
    refusal = Refusal(application=application.id, reason="threshold", detail=detail)
    explained = _refused(problem, plan, sha256, application, refusal, [])
    if not check:
        return explained
    among = problem.model_copy(update={"applications": [*problem.applications, application]})
    again = Again(among, Settings(gap, seconds, threads, seed), solves, progress, within)
    top = max((row.score for row in problem.applications), default=0.0)
    found: list[Change] = []
    note: Literal["complete", "stopped"] = "complete"
    try:
        found.append(changes.score_needed(changes.Refused(again, application, plan, threshold), None, max(100.0, top)))
    except Enough:
        note = "stopped"
    status = worst(plan.status, again.status)
    return explained.model_copy(update={"changes": found, "note": note, "solved": again.solved, "status": status})


def _awarded(
    problem: Problem, plan: Plan, sha256: str, row: Application, award: Award, board: Board | None
) -> Explanation:
    return Explanation(
        problem_sha256=sha256,
        application=row.id,
        outcome="awarded",
        reason="later" if award.alternative else "preferred",
        detail={"score": row.score, "asked": row.alternatives[award.alternative].hours},
        award=award,
        asked=[asked_of(problem, alternative) for alternative in row.alternatives],
        passed_over=[] if board is None else _passed_over(board, row, award),
        status=plan.status,
    )


def _refused(
    problem: Problem,
    plan: Plan,
    sha256: str,
    row: Application,
    refusal: Refusal,
    estimates: list[Change],
    holders: Holders | None = None,
) -> Explanation:
    held_by = []
    if holders is not None and refusal.reason == "displaced":
        held_by = holders.kinds(row.programme, refusal.detail)
    return Explanation(
        problem_sha256=sha256,
        application=row.id,
        outcome="refused",
        reason=refusal.reason,
        detail=refusal.detail,
        asked=[asked_of(problem, alternative) for alternative in row.alternatives],
        held_by=held_by,
        estimates=estimates,
        status=plan.status,
    )


def _checked(
    again: Again, plan: Plan, application: Application, refusal: Refusal, estimates: list[Change]
) -> tuple[list[Change], Literal["complete", "other_settings", "stopped"]]:
    found: list[Change] = []
    try:
        unchanged = again.solve(again.problem)
        if award_of(unchanged, application.id) is not None:
            return [], "other_settings"
        refused = changes.Refused(again, application, unchanged)
        guess = {change.kind: change.needed for change in estimates if change.needed is not None}
        if refusal.reason != "capacity":
            top = max((row.score for row in again.problem.applications), default=0.0)
            found.append(changes.score_needed(refused, guess.get("score"), max(100.0, top)))
        if refusal.reason != "threshold":
            around = _Around(again.problem, plan, application)
            guesses = [around.amount_left(), *([guess["amount"]] if "amount" in guess else [])]
            found.append(changes.amount_enough(refused, guesses))
            found.extend(changes.places_enough(refused, around.gain, around.fits))
    except Enough:
        return found, "stopped"
    return found, "complete"


@dataclass
class _Around:
    """What there is to have for an application: what is left of shares, and what hours cost at the plan's prices."""

    problem: Problem
    plan: Plan
    application: Application

    def __post_init__(self) -> None:
        self._limits = share_hours(self.problem)
        formulation = formulate(self.problem)
        self._room = book(self.problem, self.plan.awards, formulation.demand)
        self._prices: dict[tuple[str, str, int], float] = {}
        self._rows: list[tuple[float, PromiseRow]] = []
        if self.plan.certificate is not None:
            cells, promises = price_arrays(formulation, self.plan.certificate)
            self._prices = {formulation.cell_name(cell): float(price) for cell, price in enumerate(cells)}
            self._rows = list(zip(promises.tolist(), formulation.promises, strict=True))

    def fits(self, alternative: Alternative) -> bool:
        """Whether its share has room for it if nobody else is awarded anything."""
        return awardable(self.application, alternative, self._limits) > 0

    def amount_left(self) -> float:
        """The largest amount of the preferred alternative for which there is room as it is, for any alternative in
        proportion."""
        most = 0.0
        for alternative in self.application.alternatives:
            months = range(alternative.start, alternative.start + alternative.months)
            cells = [(self.application.programme, alternative.partition, month) for month in months]
            left = min(self._room.left.get(cell, exact(0.0)) for cell in cells) * alternative.months
            most = max(most, float(left) / alternative.hours)
        return most * self.application.alternatives[0].hours

    def gain(self, alternative: Alternative) -> float:
        """What it would be worth as a further alternative, over the prices of what it takes."""
        place = len(self.application.alternatives)
        a_month = alternative.hours / alternative.months
        cost = sum(
            self._prices.get((self.application.programme, alternative.partition, month), 0.0) * a_month
            for month in range(alternative.start, alternative.start + alternative.months)
        )
        for price, row in self._rows:
            part = float(counts(row.promise, self.application, alternative.partition))
            if row.promise.of == "awarded" and is_within(row.promise, self.application, alternative.partition):
                part -= row.fraction
            cost += price * part * alternative.hours * (1 if row.promise.kind == "cap" else -1)
        return worth(self.problem, self.application, alternative, place) - cost


def _passed_over(board: Board, application: Application, award: Award) -> list[PassedOver]:
    """Why each alternative before the awarded one was not, as the others' awards stand."""
    if not award.alternative:
        return []
    found = []
    with without(board, application, award):
        for earlier in range(award.alternative):
            reason, detail = why_not(board, application, earlier)
            found.append(PassedOver.model_validate({"alternative": earlier, "reason": reason, "detail": detail}))
    return found
