"""The main job, step by step. Every step can be repeated: what is done stays done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from fabriek.access.actions import ask_scenario, initial_decision, propose_decision, publish_decision
from fabriek.access.models import Application, Decision, Scenario
from fabriek.access.signing_off import next_turn
from fabriek.access.solving import hold_here, solve_here
from fabriek.demo import applicants, foreseen, profiles, running, world
from fabriek.demo.events import plan_the_events
from fabriek.demo.machines import EMBEDDED, Machine
from fabriek.demo.world import World

Tell = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Step:
    """A step for the progress display: what it is called, and what it does; it returns what came of it in words."""

    title: str
    run: Callable[[Callable[[], None]], str]


def is_finished() -> bool:
    """Whether the main job ran to its end before."""
    return Decision.objects.filter(is_demo=True, state="published").exists() and running.is_done()


def steps(machines: tuple[Machine, ...] = EMBEDDED) -> list[Step]:
    """The way from a promise to accounted hours, on one kind of machines or another."""
    made: dict[str, World] = {}

    def prepare(_step: Callable[[], None]) -> str:
        people = world.gather_people()
        factory, partitions, clusters = world.build_the_machines(people, machines)
        told = world.promise_the_shares(people, partitions)
        offered = [partition for partition in partitions if partition.accelerators_per_node]
        calls = world.open_the_calls(people, factory, offered)
        plan_the_events(people, factory)
        made["world"] = World(people, factory, partitions, clusters, calls)
        return told

    several = sum(len(machine.parts) for machine in machines) > 1
    beside = [Step("Beside", lambda step: running.award_beside(made["world"], step))] if several else []
    return [
        Step("Register", lambda _step: world.load_the_register()),
        Step("Promises", prepare),
        Step("Applications", lambda step: applicants.take_in_applications(made["world"], step)),
        Step("Eligibility", lambda step: applicants.check_and_assign(made["world"], step)),
        Step("Reviews", lambda step: applicants.review_and_settle(made["world"], step)),
        Step("Decision", lambda step: decide(made["world"], step)),
        *beside,
        Step("Profiles", lambda _step: profiles.describe_people(made["world"])),
        Step("Jobs", lambda step: running.submit_jobs(made["world"], machines, step)),
        Step("Usage", lambda step: running.run_the_agents(machines, step)),
        Step("Foresee", lambda _step: foreseen.ask_the_study(made["world"])),
    ]


def decide(place: World, step: Callable[[], None]) -> str:
    """One decision over the three calls, by the optimiser, beside two what-ifs; a person chooses, others give their
    initials, and it is published."""
    if Application.objects.filter(is_demo=True, state="reviewed").exists() and not _published():
        proposed = Decision.objects.filter(is_demo=True, state="proposed", scenario__isnull=False).first()
        decision = proposed or propose_decision(
            place.officer, list(place.calls.values()), lambda _what: step(), is_demo=True
        )
        _what_ifs(place, step)
        while turn := next_turn(decision):
            decision = initial_decision(place.people[SIGNED_BY[turn.title]], decision, "demonstration")
        publish_decision(place.officer, decision, why="demonstration")
    decision_made = Decision.objects.filter(is_demo=True, state="published").latest("published_at")
    awarded = decision_made.outcomes.filter(awarded=True).count()
    return f"{awarded} of {decision_made.outcomes.count()} awarded"


SIGNED_BY = {world.SIGN_OFF[0]["title"]: "second officer", world.SIGN_OFF[1]["title"]: "board"}
"""Step of the route -> whose initials."""

WHAT_IFS: tuple[tuple[str, list[dict[str, object]]], ...] = (
    (
        "What would three points more for Playground and Fast Lane do, out of the national share?",
        [
            {
                "kind": "share",
                "programme": "eu-industrial-entry",
                "partition": "molen/gpu",
                "percent": "8",
                "counterpart": "nl-demo",
            }
        ],
    ),
    (
        "What does a fifth less capacity do to whom?",
        [{"kind": "capacity", "partition": "molen/gpu", "percent": "80"}],
    ),
)


def _what_ifs(place: World, step: Callable[[], None]) -> None:
    """What an officer looks at before the decision. Those that were asked before, and not solved, are solved now."""
    for why, changes in WHAT_IFS:
        if not Scenario.objects.filter(is_demo=True, why=why).exists():
            ask_scenario(place.officer, list(place.calls.values()), changes, why, is_demo=True)
    for scenario in Scenario.objects.filter(is_demo=True, run__state="asked"):
        solve_here(scenario, hold_here(scenario), lambda _what: step())


def _published() -> bool:
    return Decision.objects.filter(is_demo=True, state="published").exists()
