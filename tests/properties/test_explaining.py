"""Explaining: the change that is told would have made it and a hair less would not; prices are differences of plans."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from fabriek.allocation import explain
from fabriek.allocation.explain import Explanation, explain_application, explain_below
from fabriek.allocation.explain.changes import AMOUNT_TOLERANCE, SCORE_TOLERANCE
from fabriek.allocation.generate import random_problem
from fabriek.allocation.greedy import by_rank
from fabriek.allocation.plan import Plan
from fabriek.allocation.problem import Problem, parse_problem
from fabriek.allocation.schema import published
from fabriek.allocation.solve import solve
from fabriek.allocation.verify import verify
from fabriek.cli.main import app

often = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])


@lru_cache(maxsize=64)
def solved(seed: int) -> tuple[Problem, Plan]:
    problem = random_problem(seed, 14, partitions=2, months=3, programmes=1 + seed % 2)
    return problem, solve(problem)


@lru_cache(maxsize=256)
def explained(seed: int, number: int) -> Explanation:
    problem, plan = solved(seed)
    return explain_application(problem, plan, problem.applications[number].id)


def changed(problem: Problem, name: str, **fields: Any) -> Problem:
    """Read anew from the file, so that nothing of the explainer's own is used."""
    rows = json.loads(problem.to_json())
    [row] = [row for row in rows["applications"] if row["id"] == name]
    row.update(fields)
    return parse_problem(rows)


def alternatives(problem: Problem, name: str) -> list[dict[str, Any]]:
    [row] = [row for row in json.loads(problem.to_json())["applications"] if row["id"] == name]
    return row["alternatives"]


def is_awarded(problem: Problem, name: str) -> bool:
    return any(award.application == name for award in solve(problem).awards)


@often
@given(st.integers(0, 25), st.integers(0, 13))
def test_the_score_that_is_told_is_enough_and_a_hundredth_less_is_not(seed: int, number: int) -> None:
    problem, plan = solved(seed)
    name = problem.applications[number].id
    for change in (row for row in explained(seed, number).changes if row.kind == "score"):
        assert change.checked
        assert plan.status == "optimal"
        if change.needed is None:
            assert change.not_enough is not None
            assert not is_awarded(changed(problem, name, score=change.not_enough), name)
            continue
        assert is_awarded(changed(problem, name, score=change.needed), name)
        less = max(problem.applications[number].score, round(change.needed - SCORE_TOLERANCE, 2))
        assert not is_awarded(changed(problem, name, score=less), name)


@often
@given(st.integers(0, 25), st.integers(0, 13))
def test_the_amount_that_is_told_is_enough_and_a_thousandth_more_is_not(seed: int, number: int) -> None:
    problem, _plan = solved(seed)
    name = problem.applications[number].id
    asked = alternatives(problem, name)
    amounts = [row for row in explained(seed, number).changes if row.kind == "amount" and row.needed is not None]
    assume(amounts)
    for change in amounts:
        assert change.needed is not None
        assert change.not_enough is not None
        assert change.not_enough - change.needed <= max(1.0, AMOUNT_TOLERANCE * asked[0]["hours"])
        for hours, enough in ((change.needed, True), (change.not_enough, False)):
            part = hours / asked[0]["hours"]
            fewer = [{**row, "hours": max(1.0, float(int(row["hours"] * part + 1e-6)))} for row in asked]
            assert is_awarded(changed(problem, name, alternatives=fewer), name) == enough


@often
@given(st.integers(0, 25), st.integers(0, 13))
def test_the_place_that_is_told_is_enough(seed: int, number: int) -> None:
    problem, _plan = solved(seed)
    name = problem.applications[number].id
    places = [row for row in explained(seed, number).changes if row.kind == "place"]
    assume(places)
    for change in places:
        assert change.place is not None
        place = change.place.model_dump()
        more = [*alternatives(problem, name), {**place, "start": problem.months.index(place["start"])}]
        [award] = [row for row in solve(changed(problem, name, alternatives=more)).awards if row.application == name]
        assert award.alternative == len(more) - 1
        assert award == change.award


@often
@given(st.integers(0, 25))
def test_the_price_of_a_promise_is_the_difference_of_two_optimal_plans(seed: int) -> None:
    problem, plan = solved(seed)
    for price in explain.price_promises(problem, plan):
        rows = json.loads(problem.to_json())
        rows["promises"] = [row for row in rows["promises"] if row["id"] != price.promise]
        without = solve(parse_problem(rows))
        assert price.exact == (plan.status == without.status == "optimal")
        assert price.exact
        assert price.least == price.most == pytest.approx(without.value - plan.value, abs=1e-6)
        awarded, kept = {a.application for a in without.awards}, {a.application for a in plan.awards}
        assert (price.gains, price.loses) == (sorted(awarded - kept), sorted(kept - awarded))


@often
@given(st.integers(0, 25))
def test_more_of_a_partition_adds_what_solving_again_adds(seed: int) -> None:
    problem, plan = solved(seed)
    for price in explain.price_partitions(problem, plan):
        rows = json.loads(problem.to_json())
        for row in rows["partitions"]:
            if row["id"] == price.partition:
                row["capacity"] = [hours * 1.1 for hours in row["capacity"]]
        after = solve(parse_problem(rows))
        assert price.exact == (after.status == plan.status == "optimal")
        assert price.least == pytest.approx(after.value - plan.value if price.exact else price.least, abs=1e-6)
        assert price.least <= price.most
        assert all(hourly >= 0 for hourly in price.an_hour)


@often
@given(st.integers(0, 25))
def test_of_a_plan_that_is_not_optimal_prices_are_a_span_that_holds_the_truth(seed: int) -> None:
    problem = random_problem(seed, 10, partitions=2, months=3, promises=False)
    ranked, best = by_rank(problem), solve(problem)
    assume(ranked.status == "gap")
    for price in explain.price_partitions(problem, ranked):
        [exact] = [row for row in explain.price_partitions(problem, best) if row.partition == price.partition]
        assert not price.exact
        assert price.least - 1e-6 * best.value <= exact.least <= price.most + 1e-6 * best.value


@often
@given(st.integers(0, 25))
def test_an_applicant_is_told_of_nobody_else(seed: int) -> None:
    problem, _plan = solved(seed)
    for number, application in enumerate(problem.applications):
        explanation = explained(seed, number)
        words = " ".join(explain.sentences(explanation))
        assert words
        assert "%(" not in words
        data = explanation.for_applicant().model_dump_json()
        assert set(re.findall(r"\bA\d{5}\b", words + data)) <= {application.id}


@often
@given(st.integers(0, 25), st.integers(0, 13))
def test_who_holds_the_hours_are_the_awards_of_that_month(seed: int, number: int) -> None:
    problem, plan = solved(seed)
    explanation = explained(seed, number)
    assume(explanation.reason == "displaced")
    where, when = explanation.detail["partition"], problem.months.index(explanation.detail["month"])
    rows = {row.id: row for row in problem.applications}
    holding = {}
    for award in plan.awards:
        row, place = rows[award.application], rows[award.application].alternatives[award.alternative]
        is_mine = row.programme == rows[explanation.application].programme and place.partition == where
        if is_mine and place.start <= when < place.start + place.months:
            holding[row.id] = award.hours / place.months
    assert {holder.application: holder.hours for holder in explanation.holders} == pytest.approx(holding)
    assert sum(kind.number for kind in explanation.held_by) == explanation.detail["awarded"] == len(holding)
    told = explanation.for_applicant()
    assert told.holders == []
    assert ("lowest_awarded_score" in told.detail) == (len(holding) >= 3)


@often
@given(st.integers(0, 25), st.integers(0, 13))
def test_below_the_threshold_the_score_that_is_told_is_enough_and_less_is_not(seed: int, number: int) -> None:
    whole, _plan = solved(seed)
    name = whole.applications[number].id
    threshold = whole.applications[number].score + 5
    rows = json.loads(whole.to_json())
    [row] = [one for one in rows["applications"] if one["id"] == name]
    rows["applications"].remove(row)
    problem = parse_problem(rows)
    explanation = explain_below(problem, solve(problem), whole.applications[number], threshold)
    assert (explanation.reason, explanation.detail["threshold"]) == ("threshold", threshold)
    [change] = explanation.changes
    for score, enough in ((change.needed, True), (change.not_enough, False)):
        if score is not None and (enough or score >= threshold):
            with_it = parse_problem({**rows, "applications": [*rows["applications"], {**row, "score": score}]})
            assert is_awarded(with_it, name) == enough
    if change.needed is not None:
        assert change.needed >= threshold


def test_no_further_problem_is_begun_after_the_seconds_that_are_allowed() -> None:
    problem, plan = solved(1)
    refused = next(row for row in plan.refusals if row.reason == "displaced")
    explanation = explain_application(problem, plan, refused.application, within=-1)
    assert (explanation.note, explanation.solved, explanation.changes) == ("stopped", 0, [])
    assert explain.price_promises(problem, plan, within=-1) == []
    assert explain.price_partitions(problem, plan, within=-1) == []


@often
@given(st.integers(0, 25))
def test_an_award_elsewhere_tells_why_it_is_not_the_preferred_one(seed: int) -> None:
    problem, plan = solved(seed)
    later = [award for award in plan.awards if award.alternative]
    assume(later)
    for award in later:
        explanation = explain_application(problem, plan, award.application)
        assert explanation.reason == "later"
        assert [row.alternative for row in explanation.passed_over] == list(range(award.alternative))
        for row in explanation.passed_over:
            alone = [alternatives(problem, award.application)[row.alternative]]
            # The reason is what a refusal of that alternative alone would be told, and verify finds that true.
            without = changed(problem, award.application, alternatives=alone)
            others = [other for other in plan.awards if other.application != award.application]
            expected = "none" if row.reason == "value" else row.reason
            assert reason_of(without, others, award.application) == expected


def reason_of(problem: Problem, awards: list[Any], name: str) -> str:
    from fabriek.allocation.verify.awards import Booked
    from fabriek.allocation.verify.reading import Reading
    from fabriek.allocation.verify.refusals import _Judge

    reading = Reading(problem)
    booked = Booked(reading, Plan.model_construct(awards=awards))
    return _Judge(reading, booked).reason(reading.number[name]).reason


def test_words_pass_through_the_translator() -> None:
    explanation = explained(0, 0)
    asked: list[str] = []

    def translate(text: str) -> str:
        asked.append(text)
        return f"<{text}>"

    told = explain.sentences(explanation, explain.Speech(translate))
    assert len(asked) == len(told)
    assert all(sentence.startswith("<") and sentence.endswith(">") for sentence in told)


def test_a_plan_made_in_another_way_is_not_explained_as_ours() -> None:
    for seed in range(30):
        problem = random_problem(seed, 14, partitions=2, months=3)
        ranked, best = by_rank(problem), solve(problem)
        awarded = {award.application for award in best.awards}
        other = next((row.application for row in ranked.refusals if row.application in awarded), None)
        if other is not None:
            explanation = explain_application(problem, ranked, other)
            assert (explanation.note, explanation.changes) == ("other_settings", [])
            return
    pytest.fail("rank order refuses nobody that the best plan awards")


def test_what_is_left_untried_is_said() -> None:
    problem, plan = solved(1)
    refused = next(row for row in plan.refusals if row.reason == "displaced")
    explanation = explain_application(problem, plan, refused.application, solves=1)
    assert (explanation.note, explanation.solved) == ("stopped", 1)


def test_estimates_are_never_said_to_be_checked() -> None:
    problem, plan = solved(1)
    for changes in explain.estimates_of(problem, plan).values():
        assert not any(change.checked for change in changes)
    assert len(explain.explain_all(problem, plan)) == len(problem.applications)


def test_the_command(tmp_path: Path) -> None:
    problem, plan = solved(1)
    source, target = tmp_path / "problem.json", tmp_path / "plan.json"
    source.write_bytes(problem.to_json())
    target.write_text(plan.to_json())
    assert verify(problem, plan) == []
    refused = next(row for row in plan.refusals if row.reason == "displaced").application
    run = CliRunner()

    told = run.invoke(app, ["explain", str(source), str(target), refused])
    assert told.exit_code == 0, told.output
    assert "Others hold the room" in told.stdout
    data = json.loads(run.invoke(app, ["explain", str(source), str(target), refused, "--json"]).stdout)
    jsonschema.validate(data, published("explanation-1.json"))
    assert Explanation.model_validate(data).changes
    prices = run.invoke(app, ["explain", str(source), str(target), "--promises", "--partitions", "--json"])
    assert {"promises", "partitions"} <= json.loads(prices.stdout).keys()
    every = run.invoke(app, ["explain", str(source), str(target)])
    assert len(every.stdout.splitlines()) == len(problem.applications)
    nobody = run.invoke(app, ["explain", str(source), str(target), "nobody"])
    assert (nobody.exit_code, "nobody" in nobody.stderr) == (2, True)
    source.write_bytes(random_problem(2, 3).to_json())
    other = run.invoke(app, ["explain", str(source), str(target), refused])
    assert (other.exit_code, "another problem" in other.stderr) == (2, True)
