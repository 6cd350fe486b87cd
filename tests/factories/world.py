"""A small world: a factory with one partition, shares, people of each role, an open call."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

from fabriek.access.actions import open_call, save_draft, start_application, submit_application
from fabriek.access.ethics import QUESTIONS
from fabriek.access.models import AccessMode, Application, Call
from fabriek.access.reference import load_access_modes
from fabriek.operations.actions import register_cluster
from fabriek.operations.models import Cluster
from fabriek.people.actions import give_first_role, register_organisation, register_person
from fabriek.people.models import Organisation, Person
from fabriek.programmes.actions import declare_capacity, establish_shares
from fabriek.programmes.models import Programme
from fabriek.programmes.reference import load_programmes
from fabriek.projects.actions import award, open_project
from fabriek.projects.models import Allocation
from fabriek.register.actions import declare_availability, declare_factory, declare_partition, declare_system
from fabriek.register.models import Factory, Partition, Site

_numbers = count(1)

MONTH = datetime.now(UTC).date().replace(day=1)
NEXT = (MONTH + timedelta(days=32)).replace(day=1)

ETHICS = {code: "no" for code, _question in QUESTIONS}


def make_person(role: str = "", *, organisation: Organisation | None = None, name: str = "") -> Person:
    number = next(_numbers)
    person = register_person(f"person-{number}@example.org", name or f"Person {number}", organisation=organisation)
    if role:
        give_first_role(person, role)
    return person


def make_organisation(organisation_class: str = "startup", country: str = "NL") -> Organisation:
    number = next(_numbers)
    return register_organisation(
        make_person(), name=f"Organisation {number}", organisation_class=organisation_class, country=country
    )


@dataclass
class World:
    officer: Person
    operator: Person
    factory: Factory
    partition: Partition
    cluster: Cluster
    call: Call


def make_partition(operator: Person, nodes: int = 4) -> tuple[Factory, Partition]:
    number = next(_numbers)
    factory = declare_factory(
        operator, code=f"factory-{number}", name=f"Factory {number}", country="NL", hosting_entity=f"Host {number}"
    )
    site = Site.objects.create(code=f"site-{number}", name="Site", country="NL", city="Utrecht")
    system = declare_system(operator, code=f"system-{number}", name=f"System {number}", site=site, factory=factory)
    partition = declare_partition(
        operator, system, name="gpu", kind="gpu", nodes=nodes, accelerators_per_node=4, cores_per_node=64
    )
    declare_availability(operator, partition, Decimal("0.95"), date(2020, 1, 1))
    return factory, partition


def make_world(**call: Any) -> World:
    """Capacity and shares of this month and the next: half 'eu-industrial-entry', half 'eu-science'."""
    load_programmes()
    load_access_modes()
    hosts = make_organisation("public-sector")
    officer, operator = make_person("officer", organisation=hosts), make_person("operator", organisation=hosts)
    factory, partition = make_partition(operator)
    cluster = register_cluster(
        operator,
        code=f"cluster-{next(_numbers)}",
        site=partition.system.site,
        engine="local",
        partitions={"gpu": partition},
    )
    declare_capacity(operator, partition, [MONTH, NEXT])
    establish_shares(
        officer, partition, [MONTH, NEXT], {"eu-industrial-entry": Decimal("0.5"), "eu-science": Decimal("0.5")}
    )
    now = datetime.now(UTC)
    opened = open_call(
        officer,
        **{
            "access_mode": AccessMode.objects.get(code="aif-playground"),
            "factory": factory,
            "programme": Programme.objects.get(code="eu-industrial-entry"),
            "partitions": [partition],
            "title": "Playground",
            "opens": now - timedelta(days=1),
            "closes": now + timedelta(days=10),
            "first_month": MONTH,
            "months": 2,
            "code": f"call-{next(_numbers)}",
            **call,
        },
    )
    return World(officer, operator, factory, partition, cluster, opened)


def make_draft(world: World, applicant: Person | None = None, gpu_hours: int = 100, months: int = 1) -> Application:
    """A complete draft."""
    applicant = applicant or make_person(organisation=make_organisation())
    draft = start_application(applicant, world.call)
    return save_draft(
        applicant,
        draft,
        draft.version,
        title="A model",
        summary="We train a model.",
        method="PyTorch",
        data_statement="Public data.",
        ethics=ETHICS,
        alternatives=[{"partition": world.partition, "first_month": MONTH, "months": months, "gpu_hours": gpu_hours}],
    )


def make_submitted(world: World, **draft: Any) -> Application:
    application = make_draft(world, **draft)
    return submit_application(application.applicant, application)


def make_allocation(world: World, gpu_hours: int = 100, months: int = 1, lead: Person | None = None) -> Allocation:
    """A project with an award out of 'eu-industrial-entry'."""
    lead = lead or make_person(organisation=make_organisation())
    assert lead.organisation is not None
    code = f"project-{next(_numbers)}"
    project = open_project(
        world.officer,
        code=code,
        title="A project",
        programme=Programme.objects.get(code="eu-industrial-entry"),
        organisation=lead.organisation,
        lead=lead,
        starts=MONTH,
        ends=(MONTH + timedelta(days=31 * months + 1)).replace(day=1),
        factory=world.factory,
    )
    return award(world.officer, project, world.partition, MONTH, months, gpu_hours * 3600, key=code)
