"""Plans: they verify, tampered ones don't, order doesn't matter, and on small problems nothing better exists."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from fabriek.allocation.generate import random_problem
from fabriek.allocation.greedy import by_rank
from fabriek.allocation.hours import value_of
from fabriek.allocation.plan import Award, Plan, load_plan
from fabriek.allocation.problem import Problem, load_problem, parse_problem
from fabriek.allocation.rules import counts, exact, is_within, share_hours
from fabriek.allocation.schema import FORMATS, made, published
from fabriek.allocation.solve import solve
from fabriek.allocation.verify import verify
from fabriek.cli.main import app


def small(seed: int, **more: Any) -> Problem:
    return random_problem(seed, 7, partitions=2, months=3, programmes=2, **{"partial": 0.0, "promises": False, **more})


def best(problem: Problem) -> float:
    """The greatest value by trying everything; all-or-nothing, shares and caps."""
    limits = share_hours(problem)
    greatest = 0.0
    options = [
        [None, *(range(len(a.alternatives)) if a.score >= problem.threshold else [])] for a in problem.applications
    ]
    for choice in product(*options):
        used: dict[Any, Any] = {}
        awards = []
        for application, place in zip(problem.applications, choice, strict=True):
            if place is None:
                continue
            asked = application.alternatives[place]
            awards.append(Award(application=application.id, alternative=place, hours=asked.hours))
            for month in range(asked.start, asked.start + asked.months):
                cell = (application.programme, asked.partition, month)
                used[cell] = used.get(cell, 0) + exact(asked.hours) / asked.months
        if all(hours <= limits.get(cell, 0) for cell, hours in used.items()) and caps_hold(problem, awards):
            greatest = max(greatest, value_of(problem, awards))
    return greatest


def caps_hold(problem: Problem, awards: list[Award]) -> bool:
    by_id = {a.id: a for a in problem.applications}
    for cap in (p for p in problem.promises if p.kind == "cap" and p.of == "awarded"):
        taken = [(by_id[a.application], by_id[a.application].alternatives[a.alternative].partition, a) for a in awards]
        reached = sum((exact(a.hours) for who, where, a in taken if counts(cap, who, where)), exact(cap.reached_before))
        base = sum((exact(a.hours) for who, where, a in taken if is_within(cap, who, where)), exact(cap.base_before))
        if reached > exact(cap.fraction) * base:
            return False
    return True


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6))
def test_on_a_small_problem_nothing_better_exists(seed: int) -> None:
    problem = small(seed)
    plan = solve(problem, gap=0.0)
    assert verify(problem, plan) == []
    assert plan.status == "optimal"
    assert plan.value == pytest.approx(best(problem), rel=1e-6)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.booleans())
def test_plans_verify_and_never_beat_their_bound(seed: int, promises: bool) -> None:
    problem = random_problem(seed, 25, partitions=2, months=4, promises=promises)
    for plan in (solve(problem, seconds=20), by_rank(problem)):
        assert verify(problem, plan) == []
        assert plan.value <= plan.bound * (1 + 1e-6) + 1e-6
        assert {a.application for a in plan.awards} | {r.application for r in plan.refusals} == {
            a.id for a in problem.applications
        }


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6), st.randoms(use_true_random=False))
def test_the_order_of_rows_and_the_threads_do_not_change_a_byte(seed: int, draw: Any) -> None:
    problem = random_problem(seed, 20, partitions=2, months=4)
    rows = json.loads(problem.to_json())
    for kind in ("applications", "partitions", "programmes", "promises"):
        draw.shuffle(rows[kind])
    shuffled = parse_problem(rows)
    assert solve(problem, threads=1).to_json() == solve(shuffled, threads=2).to_json()


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6))
def test_without_promises_it_is_worth_at_least_what_rank_order_gives(seed: int) -> None:
    problem = random_problem(seed, 25, partitions=2, months=4, promises=False)
    assert solve(problem, gap=1e-6).value >= by_rank(problem).value * (1 - 1e-5)


def tampered(plan: Plan) -> dict[str, Plan]:
    first = plan.awards[0]
    certificate = plan.certificate
    assert certificate is not None
    return {
        "more hours": plan.model_copy(
            update={"awards": [first.model_copy(update={"hours": first.hours * 2}), *plan.awards[1:]]}
        ),
        "an award left out": plan.model_copy(update={"awards": plan.awards[1:]}),
        "a greater value": plan.model_copy(update={"value": plan.value * 1.1}),
        "another problem": plan.model_copy(update={"problem_sha256": "0" * 64}),
        "a bound out of nowhere": plan.model_copy(
            update={"certificate": certificate.model_copy(update={"bound": certificate.bound / 2})}
        ),
        "a floor that is said to be reached": plan.model_copy(
            update={"promises": [p.model_copy(update={"reached": p.reached + 999}) for p in plan.promises]}
        ),
        "named twice": plan.model_copy(update={"awards": [first, *plan.awards]}),
    }


def test_every_tampering_is_found() -> None:
    problem = random_problem(11, 30, partitions=2, months=4)
    plan = solve(problem)
    assert plan.awards
    for what, other in tampered(plan).items():
        assert verify(problem, other), what


def two_ask(promises: list[dict[str, Any]], startup_hours: float = 100.0) -> Problem:
    """A month of 105 hours; a university asks for 10 of them, a start-up with a lower score for 100."""
    return parse_problem(
        {
            "format": "fabriek/problem/1",
            "months": ["2027-01"],
            "partitions": [{"id": "a/gpu", "capacity": [105.0]}],
            "programmes": [{"id": "P", "shares": {"a/gpu": [1.0]}}],
            "threshold": 60.0,
            "value": "score",
            "applications": [
                {
                    "id": who,
                    "programme": "P",
                    "class": who,
                    "organisation": who,
                    "country": "NL",
                    "score": score,
                    "alternatives": [{"partition": "a/gpu", "start": 0, "months": 1, "hours": hours}],
                }
                for who, score, hours in (("academia", 90.0, 10.0), ("startup", 61.0, startup_hours))
            ],
            "promises": promises,
        }
    )


def awarded(plan: Plan) -> list[str]:
    return [award.application for award in plan.awards]


def test_what_was_awarded_before_counts() -> None:
    """A floor that earlier awards keep does not stand in the way of an award to somebody else."""
    floor = {"id": "f", "kind": "floor", "class": "startup", "fraction": 0.5, "of": "awarded"}
    assert awarded(solve(two_ask([floor]))) == ["startup"]
    kept = two_ask([{**floor, "reached_before": 100.0, "base_before": 100.0}])
    plan = solve(kept)
    assert awarded(plan) == ["academia"]
    assert verify(kept, plan) == []


def test_a_cap_that_was_exceeded_before_holds_up_only_its_own() -> None:
    cap = {"id": "c", "kind": "cap", "class": "startup", "fraction": 0.5, "of": "awarded"}
    problem = two_ask([{**cap, "reached_before": 100.0, "base_before": 160.0}], startup_hours=50.0)
    plan = solve(problem)
    assert awarded(plan) == ["academia"]
    assert plan.promises[0].shortfall == 15.0
    assert verify(problem, plan) == []


def test_a_floor_asks_no_more_than_its_class_does() -> None:
    """Half of 15 hours is 7.5; the start-up asks for 5, so that the floor is kept and nobody is held up."""
    problem = two_ask(
        [{"id": "f", "kind": "floor", "class": "startup", "fraction": 0.5, "of": "awarded"}], startup_hours=5.0
    )
    plan = solve(problem)
    assert awarded(plan) == ["academia", "startup"]
    assert (plan.promises[0].required, plan.promises[0].reached, plan.promises[0].shortfall) == (5.0, 5.0, 0.0)
    assert plan.status == "optimal"
    assert verify(problem, plan) == []


def test_a_cap_that_was_exceeded_before_admits_nothing_more_and_holds_up_nobody_else() -> None:
    """No plan can mend what earlier decisions awarded: the solver must neither wait for that nor call it impossible."""
    cap = {"id": "c", "kind": "cap", "class": "startup", "fraction": 0.1, "of": "capacity", "reached_before": 1000.0}
    problem = two_ask([cap])
    for plan in (solve(problem), by_rank(problem)):
        assert awarded(plan) == ["academia"]
        assert [(row.application, row.reason) for row in plan.refusals] == [("startup", "cap")]
        assert (plan.promises[0].reached, plan.promises[0].shortfall) == (1000.0, 989.5)
        assert plan.status == "optimal"
        assert verify(problem, plan) == []


@pytest.mark.parametrize("name", FORMATS)
def test_the_published_schemas_are_those_of_the_models(name: str) -> None:
    assert published(name) == json.loads(json.dumps(made(name)))
    jsonschema.Draft202012Validator.check_schema(published(name))


def test_files_in_and_out(tmp_path: Path) -> None:
    problem = random_problem(5, 12, partitions=2, months=3)
    source, target = tmp_path / "problem.json", tmp_path / "plan.json"
    source.write_bytes(problem.to_json())
    jsonschema.validate(json.loads(source.read_text()), published("problem-1.json"))
    run = CliRunner()
    assert run.invoke(app, ["allocate", str(source), "-o", str(target)]).exit_code == 0
    jsonschema.validate(json.loads(target.read_text()), published("plan-1.json"))
    assert verify(load_problem(source), load_plan(target)) == []
    assert run.invoke(app, ["verify", str(source), str(target)]).exit_code == 0
    lying = json.loads(target.read_text())
    lying["value"] += 1e6
    target.write_text(json.dumps(lying))
    assert run.invoke(app, ["verify", str(source), str(target)]).exit_code == 1


def test_of_a_plan_that_is_worth_nothing_no_part_is_told(tmp_path: Path) -> None:
    """Nobody reaches the threshold: what more is possible is no part of nothing."""
    problem = random_problem(5, 12, partitions=2, months=3).model_copy(update={"threshold": 1000.0})
    source = tmp_path / "problem.json"
    source.write_bytes(problem.to_json())
    told = CliRunner().invoke(app, ["allocate", str(source), "-o", str(tmp_path / "plan.json")])
    assert told.exit_code == 0
    assert "value 0.00" in told.stdout
    assert "%" not in told.stdout


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"threshold": "sixty"}, "threshold"),
        ({"months": ["2027-01", "2027-03"]}, "months[1]"),
        ({"value": "luck"}, "value"),
        ({"extra": 1}, "extra"),
    ],
)
def test_bad_input_names_its_path(tmp_path: Path, change: dict[str, Any], path: str) -> None:
    rows = {**json.loads(random_problem(5, 3).to_json()), **change}
    file = tmp_path / "problem.json"
    file.write_text(json.dumps(rows))
    result = CliRunner().invoke(app, ["allocate", str(file), "-o", str(tmp_path / "plan.json")])
    assert result.exit_code == 2
    assert path in result.stderr
    assert not (tmp_path / "plan.json").exists()


def test_the_example_of_the_format_is_solved(tmp_path: Path) -> None:
    example = {
        "format": "fabriek/problem/1",
        "months": ["2027-01", "2027-02"],
        "partitions": [{"id": "leonardo/booster", "capacity": [9000000, 8500000]}],
        "programmes": [{"id": "ai-factories", "shares": {"leonardo/booster": [0.5, 0.5]}}],
        "threshold": 60.0,
        "value": "score*sqrt(hours)",
        "applications": [
            {
                "id": "A1",
                "programme": "ai-factories",
                "class": "startup",
                "organisation": "O1",
                "country": "NL",
                "commercial": False,
                "score": 81.5,
                "least": 1.0,
                "alternatives": [{"partition": "leonardo/booster", "start": 0, "months": 2, "hours": 50000}],
            }
        ],
        "promises": [
            {
                "id": "P1",
                "kind": "floor",
                "programme": "ai-factories",
                "class": "startup",
                "fraction": 0.2,
                "of": "awarded",
                "rank": 1,
            },
            {"id": "P2", "kind": "cap", "country": "NL", "fraction": 0.3, "of": "capacity", "rank": 2},
        ],
    }
    plan = solve(parse_problem(example))
    assert [(a.application, a.alternative, a.hours) for a in plan.awards] == [("A1", 0, 50000)]
    assert plan.status == "optimal"


def two_programmes(promise: dict[str, Any]) -> Problem:
    """Each has a partition of 100 hours. A start-up asks for 60 hours of each; a university, scored higher, for 100."""
    return parse_problem(
        {
            "format": "fabriek/problem/1",
            "months": ["2027-01"],
            "partitions": [{"id": name, "capacity": [100.0]} for name in ("a/gpu", "b/gpu")],
            "programmes": [{"id": "P", "shares": {"a/gpu": [1.0]}}, {"id": "Q", "shares": {"b/gpu": [1.0]}}],
            "threshold": 60.0,
            "value": "score",
            "applications": [
                {
                    "id": f"{who}-{programme}",
                    "programme": programme,
                    "class": who,
                    "organisation": who,
                    "country": "NL",
                    "score": score,
                    "alternatives": [{"partition": place, "start": 0, "months": 1, "hours": hours}],
                }
                for who, score, hours in (("academia", 90.0, 100.0), ("startup", 70.0, 60.0))
                for programme, place in (("P", "a/gpu"), ("Q", "b/gpu"))
            ],
            "promises": [{"id": "f", "kind": "floor", "class": "startup", "fraction": 0.3, "of": "awarded", **promise}],
        }
    )


def classes_of(plan: Plan) -> list[str]:
    return sorted(award.application.split("-")[0] for award in plan.awards)


def test_a_promise_over_two_programmes_counts_them_together() -> None:
    """60 of 160 hours keep three tenths; put to each programme, both start-ups would be needed."""
    together = two_programmes({"programmes": ["Q", "P"]})
    plan = solve(together)
    assert classes_of(plan) == ["academia", "startup"]
    assert (plan.promises[0].required, plan.promises[0].reached, plan.promises[0].shortfall) == (48.0, 60.0, 0.0)
    assert verify(together, plan) == []
    # A plan of one programme's promise does not pass as one of both.
    assert verify(together, solve(two_programmes({"programme": "P"}))) != []


def test_a_part_of_a_wider_base_counts_all_of_it() -> None:
    """The start-up of P alone must reach three tenths of all that both programmes award."""
    problem = two_programmes({"programme": "P", "base": ["P", "Q"]})
    plan = solve(problem)
    assert [award.application for award in plan.awards] == ["academia-Q", "startup-P"]
    assert (plan.promises[0].required, plan.promises[0].reached) == (48.0, 60.0)
    assert verify(problem, plan) == []
    capped = two_programmes({"kind": "cap", "programmes": ["P"], "base": ["P", "Q"], "of": "capacity"})
    plan = solve(capped)
    assert (plan.promises[0].required, plan.promises[0].reached) == (60.0, 0.0)
    assert verify(capped, plan) == []


def test_a_promise_on_one_partition_counts_nothing_elsewhere() -> None:
    problem = two_programmes({"partitions": ["a/gpu"]})
    plan = solve(problem)
    assert [award.application for award in plan.awards] == ["academia-Q", "startup-P"]
    assert (plan.promises[0].required, plan.promises[0].reached) == (18.0, 60.0)
    assert verify(problem, plan) == []


def test_the_order_of_names_in_a_promise_is_no_part_of_the_problem() -> None:
    assert two_programmes({"programmes": ["Q", "P"]}).to_json() == two_programmes({"programmes": ["P", "Q"]}).to_json()
