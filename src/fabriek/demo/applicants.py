"""Who asks: real demand, invented names. Each row of `demand.py` (a virtual cluster's month) becomes one application.

What is real: the GPU-hours, the number of jobs and their sizes. What is invented: the organisations, their class and
country, the words of the applications, and the reviewers' points, which are drawn from the application's code so that
every run of the demonstration decides the same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from django.db import transaction

from fabriek.access.actions import (
    assess_technically,
    assign_reviewers,
    check_eligibility,
    save_draft,
    settle_consensus,
    start_application,
    submit_application,
    submit_review,
)
from fabriek.access.models import Application, Call, Review
from fabriek.access.queries import assessment_desk
from fabriek.demo.demand import Demand, demand
from fabriek.demo.world import World
from fabriek.people.actions import join_organisation, register_organisation, register_person
from fabriek.people.models import Person
from fabriek.projects.rules import month_after
from fabriek.register.models import Partition

# virtual cluster: class, country, invented name, field
ORGANISATIONS = {
    "e13805": ("startup", "NL", "Windlicht AI", "language"),
    "11cb48": ("startup", "DE", "Klarblick Robotics", "robotics"),
    "51b7ef": ("startup", "FI", "Lumikko Health", "health"),
    "795a4c": ("startup", "PT", "Maré Models", "language"),
    "23dbec": ("startup", "EE", "Tark Vision", "vision"),
    "925e2b": ("startup", "US", "Overseas Ventures", "vision"),
    "103959": ("sme", "NL", "Polderdata", "agriculture"),
    "6c71a0": ("sme", "FR", "Atelier Numérique", "manufacturing"),
    "2869ce": ("sme", "IT", "Officina Dati", "manufacturing"),
    "6214e9": ("sme", "ES", "Taller de Lenguas", "language"),
    "ed69ec": ("large-industry", "SE", "Norrsken Industri", "energy"),
    "0e4a51": ("academia", "NL", "Demonstration University NL", "climate"),
    "7f04ca": ("academia", "FI", "Demonstration University FI", "materials"),
    "b436b2": ("academia", "DE", "Demonstration University DE", "vision"),
    "ee9e8c": ("academia", "ES", "Demonstration University ES", "language"),
}
# Whose groups they are who can be signed in as; the others' applicants only apply.
CLUSTERS_OF = {"e13805": "applicant", "0e4a51": "scientist"}
# Who would rather have the second machine, where there are two.
LATTER_FIRST = frozenset({"11cb48", "795a4c", "6c71a0", "2869ce", "7f04ca"})
ORIGIN = "Microsoft Philly trace, 2017 (CC-BY-4.0)"


def take_in_applications(world: World, step: Callable[[], None]) -> str:
    """Everybody applies. An application that is there stays; one that was left as a draft is finished."""
    there = {a.origin: a for a in Application.objects.filter(is_demo=True).exclude(origin="")}
    for row in demand():
        origin = f"{ORIGIN}: virtual cluster {row.cluster}, {row.month}"
        application = there.get(origin)
        if application is None or application.state == "draft":
            _apply(world, row, origin, application)
        step()
    return f"{Application.objects.filter(is_demo=True).exclude(state='draft').count()} applications"


def call_of(world: World, row: Demand) -> Call:
    """Universities apply for science; companies for Playground up to its limit, for the Fast Lane above it."""
    if ORGANISATIONS[row.cluster][0] == "academia":
        return world.calls["science"]
    playground = world.calls["playground"]
    return playground if row.gpu_hours <= (playground.maximum_gpu_hours or 0) else world.calls["fast-lane"]


@transaction.atomic
def _apply(world: World, row: Demand, origin: str, draft: Application | None) -> None:
    organisation_class, country, name, subject = ORGANISATIONS[row.cluster]
    person = _applicant(world, row.cluster, name)
    organisation = register_organisation(
        person, name=name, organisation_class=organisation_class, country=country, is_demo=True
    )
    join_organisation(person, organisation)
    call = call_of(world, row)
    application = draft or start_application(person, call, is_demo=True, origin=origin)
    months = 1 if row.gpu_hours <= 1_000 else 2 if row.gpu_hours <= 5_000 else 3
    first = call.first_month
    alternatives = [
        {
            "partition": partition,
            "first_month": month_after(first, later),
            "months": months,
            "gpu_hours": row.gpu_hours,
        }
        for partition in _preferred(world, row.cluster)
        for later in range(call.months - months + 1)
    ]
    save_draft(
        person,
        application,
        application.version,
        title=f"{subject.capitalize()} models of {name}, part {row.month[-2:]}",
        summary=(
            f"Demonstration. Behind it stands real demand: {row.jobs:,} jobs of one group on a GPU cluster in "
            f"{row.month}, {row.gpu_hours:,} GPU-hours in all."
        ),
        method=f"The largest of these jobs used {row.largest_job_gpus} GPUs; half of them ran longer than "
        f"{row.median_job_seconds:,} seconds.",
        data_statement="No personal data. The trace is public (CC-BY-4.0).",
        ethics={"personal-data": "no", "high-risk": "no", "dual-use": "no", "copyright": "no"},
        keywords=[subject],
        commercial=organisation_class == "large-industry",
        organisation=organisation,
        alternatives=alternatives,
    )
    application.refresh_from_db()
    submit_application(person, application)


def _preferred(world: World, cluster: str) -> list[Partition]:
    """The partitions that a group would take, its first choice first."""
    found = world.with_gpus
    return found[::-1] if cluster in LATTER_FIRST else found


def _applicant(world: World, cluster: str, name: str) -> Person:
    if cluster in CLUSTERS_OF:
        return world.people[CLUSTERS_OF[cluster]]
    return register_person(f"applicant-{cluster}@demo.example", f"Applicant of {name}", is_demo=True)


def check_and_assign(world: World, step: Callable[[], None]) -> str:
    """The officer checks eligibility by the rules' findings, the operator assesses technically what peers will
    review, and the officer sends all of them to reviewers without conflicts."""
    for application in Application.objects.filter(is_demo=True, state="submitted").select_related(
        "call", "organisation"
    ):
        with transaction.atomic():
            check_eligibility(world.officer, application)
        step()
    waiting, _assessed = assessment_desk()
    for application in waiting:
        if application.is_demo:
            assess_technically(
                world.people["operator"], application, True, "Demonstration: taken as sound, not assessed by a person."
            )
            step()
    ready = list(
        Application.objects.filter(is_demo=True, state__in=["eligible", "assessed"]).select_related(
            "call", "organisation", "applicant"
        )
    )
    if ready:
        assign_reviewers(world.officer, ready)
    ineligible = Application.objects.filter(is_demo=True, state="ineligible").count()
    return f"{Review.objects.count()} reviews assigned, {ineligible} applications not eligible"


def review_and_settle(world: World, step: Callable[[], None]) -> str:
    """Reviewers give points, the officer settles the mean."""
    todo = Review.objects.filter(application__is_demo=True, application__state="in-review", state="assigned")
    for review in todo.select_related("application__call", "reviewer"):
        scores = {
            criterion["code"]: points(review.application.origin, review.reviewer.email, criterion["code"])
            for criterion in review.application.call.criteria
        }
        submit_review(review.reviewer, review, scores, "Demonstration: these points are drawn, not judged.")
        step()
    for application in Application.objects.filter(is_demo=True, state="in-review").select_related(
        "call", "organisation"
    ):
        settle_consensus(world.officer, application)
    scored = Application.objects.filter(is_demo=True, score__isnull=False)
    return f"{scored.count()} scores settled"


def points(*names: str) -> int:
    """2 to 5 points, drawn from the names: the same every time."""
    drawn = hashlib.sha256("|".join(names).encode()).digest()[0]
    return 2 + (drawn * 7 // 256 + 1) // 2
