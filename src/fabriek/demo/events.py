"""Events of the demonstration: of each kind one, so that list, month, waiting list and desk have something to show."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from fabriek.events.actions import draft_event, publish_event, register
from fabriek.events.models import Event
from fabriek.events.plan import Meeting, Plan
from fabriek.people.models import Person
from fabriek.register.models import Factory

ZONE = ZoneInfo("Europe/Amsterdam")


def plan_the_events(people: dict[str, Person], factory: Factory) -> None:
    """A training of two mornings, which is full; a webinar; an information day for start-ups and SMEs; a draft.

    Once: a second run leaves them as they are.
    """
    if Event.objects.filter(is_demo=True).exists():
        return
    operator = people["operator"]
    training, *others = [publish_event(operator, draft_event(operator, plan, is_demo=True)) for plan in _plans(factory)]
    # One has the seat, the other waits.
    for role in ("applicant", "reviewer"):
        register(people[role], training)
    register(people["applicant"], others[0])
    draft = replace(
        _plans(factory)[0], title="Checkpoints that survive (demo)", meetings=(_morning(40),), seats=12, entry=None
    )
    draft_event(operator, draft, is_demo=True)


def _plans(factory: Factory) -> list[Plan]:
    common = Plan(
        kind="training",
        factory=factory,
        title="From one GPU to many (demo)",
        zone=ZONE.key,
        meetings=(_morning(14), _morning(15)),
        summary="Two mornings on training across GPUs and nodes, for who trained a model on one.",
        description=(
            "**Invented for the demonstration.**\n\n"
            "## First morning\n\n- data parallel, and when it is enough\n- what to measure before adding GPUs\n\n"
            "## Second morning\n\n- models that don't fit on one GPU\n- checkpoints, and going on after a stop\n"
        ),
        languages=("en",),
        level="intermediate",
        place="Demonstration Computing Centre, Utrecht",
        seats=1,
        contact_name="Demonstration AI Factory",
        contact_email="events@demo.example",
    )
    return [
        common,
        replace(
            common,
            kind="webinar",
            title="Questions about the open calls (demo)",
            meetings=(_morning(7, hours=1),),
            summary="What the calls ask, what the reviewers look at, and your questions.",
            description="**Invented for the demonstration.**",
            languages=("nl", "en"),
            level="",
            place="",
            link="https://meet.demo.example/open-calls",
            seats=None,
        ),
        replace(
            common,
            kind="information",
            title="AI Factory open day (demo)",
            meetings=(_morning(28, hours=6),),
            summary="See the machine, meet the experts, and talk with those who have used it.",
            description="**Invented for the demonstration.**",
            languages=("nl",),
            level="",
            seats=80,
            companies_first_until=_morning(10).starts,
        ),
    ]


def _morning(days: int, hours: int = 3) -> Meeting:
    """From half past nine on, so many days from today."""
    day = datetime.now(UTC).astimezone(ZONE) + timedelta(days=days)
    starts = day.replace(hour=9, minute=30, second=0, microsecond=0)
    return Meeting(starts, starts + timedelta(hours=hours))
