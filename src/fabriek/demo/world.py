"""The demonstration AI Factory: its people, its machine, its shares and promises. Everything is marked as demo.

Its machines do not exist (`machines.py`): their accelerators are declared slots of the embedded engine, or device files
that real Slurm counts. The law's programmes and caps are the real ones; the factory's own floors are invented, and
marked so.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

from django.conf import settings

from fabriek.access.actions import open_call
from fabriek.access.models import AccessMode, Call
from fabriek.access.reference import load_access_modes
from fabriek.catalogue.reference import load_reference_catalogue
from fabriek.compute.environment import torch_python
from fabriek.conf.errors import Refused
from fabriek.demo.machines import EMBEDDED, ON_SLURM, Machine
from fabriek.operations.actions import register_cluster
from fabriek.operations.models import Cluster
from fabriek.people.actions import give_first_role, register_organisation, register_person
from fabriek.people.models import Organisation, Person, Role
from fabriek.programmes.actions import (
    declare_capacity,
    establish_programme,
    establish_shares,
    make_promise,
    months_from,
    set_sign_off,
)
from fabriek.programmes.models import Programme, Promise, Share
from fabriek.programmes.reference import load_programmes
from fabriek.register.actions import (
    declare_availability,
    declare_factory,
    declare_link,
    declare_partition,
    declare_site,
    declare_system,
)
from fabriek.register.models import Factory, Partition, Site
from fabriek.register.prices import declare_price
from fabriek.register.reference import load_reference

MONTHS = 3

SCIENTIST = ("scientist", "Saskia the scientist", "scientist@demo.example")
# through whose eyes one looks (applicants need no role), name, address
ROLES = (
    ("applicant", "Fatima the founder", "founder@demo.example"),
    SCIENTIST,
    ("reviewer", "Ravi the reviewer", "reviewer@demo.example"),
    ("officer", "Olga the programme officer", "officer@demo.example"),
    ("operator", "Otto the operator", "operator@demo.example"),
    ("board", "Beatrix of the board", "board@demo.example"),
    ("administrator", "Anton the administrator", "administrator@demo.example"),
)
OTHER_REVIEWERS = ("Sigrid", "Marco", "Elena", "Jonas", "Claire")
SECOND_OFFICER = ("Oscar the second officer", "second-officer@demo.example")

SIGN_OFF = (
    {"title": "Second programme officer", "role": "officer"},
    {"title": "Board of the Demonstration AI Factory", "role": "board"},
)
"""Who gives initials to a proposal of the calls' programmes, in turn. Invented."""

SHARES = {
    "eu-industrial-entry": Decimal("0.05"),
    "eu-industrial-large": Decimal("0.10"),
    "eu-science": Decimal("0.125"),
    "eu-regular": Decimal("0.225"),
    "nl-demo": Decimal("0.50"),
}
BASELINE_GPU_HOURS = 150_000
"""What 'eu-regular' had a month before there were AI Factories; invented, and just within its share of the shortest
month on the embedded machine."""


@dataclass(frozen=True)
class World:
    """What the steps of the main job share."""

    people: dict[str, Person]
    factory: Factory
    partitions: list[Partition]
    clusters: list[Cluster]
    calls: dict[str, Call]

    @property
    def officer(self) -> Person:
        """Who opens calls and decides."""
        return self.people["officer"]

    @property
    def with_gpus(self) -> list[Partition]:
        """What the calls offer."""
        return [partition for partition in self.partitions if partition.accelerators_per_node]


def load_the_register() -> str:
    """The real EuroHPC register, the Union's programmes, the access modes, the reference catalogue."""
    counted = load_reference()
    load_programmes()
    modes = load_access_modes()
    entries = sum(load_reference_catalogue().values())
    return f"{counted['factories']} factories, {counted['systems']} systems, {modes} access modes, {entries} entries"


def gather_people() -> dict[str, Person]:
    """One person a role and two applicants, further reviewers from other institutes, a second officer."""
    people = {}
    for role, name, address in ROLES:
        if role == SCIENTIST[0]:
            continue
        people[role] = register_person(address, name, is_demo=True)
        if role in set(Role.values) - {Role.APPLICANT, *people[role].role_names()}:
            give_first_role(people[role], role)
    administrator = people["administrator"]
    hosts = register_organisation(
        administrator,
        name="Demonstration Computing Centre",
        organisation_class="public-sector",
        country="NL",
        is_demo=True,
    )
    for role in ("officer", "operator", "board", "administrator"):
        _works_for(people[role], hosts)
    second = register_person(SECOND_OFFICER[1], SECOND_OFFICER[0], organisation=hosts, is_demo=True)
    if "officer" not in second.role_names():
        give_first_role(second, "officer")
    people["second officer"] = second
    experts = ("NL", "DE", "FR", "IT", "SE", "PT")
    names = [people["reviewer"], *(_reviewer(name) for name in OTHER_REVIEWERS)]
    for person, country in zip(names, experts, strict=True):
        institute = register_organisation(
            administrator,
            name=f"Demonstration Institute {country}",
            organisation_class="academia",
            country=country,
            is_demo=True,
        )
        _works_for(person, institute)
    # After the reviewers, who are dealt by their numbers: who judges what is as it was without a scientist.
    role, name, address = SCIENTIST
    people[role] = register_person(address, name, is_demo=True)
    return people


def _reviewer(name: str) -> Person:
    person = register_person(f"{name.lower()}@demo.example", f"{name} the reviewer", is_demo=True)
    if "reviewer" not in person.role_names():
        give_first_role(person, "reviewer")
    return person


def _works_for(person: Person, organisation: Organisation) -> None:
    if person.organisation_id != organisation.pk:
        person.organisation = organisation
        person.save(update_fields=["organisation"])


def first_month() -> date:
    """The month that the demonstration began in: a second run goes on with the same months."""
    earliest = Share.objects.filter(programme__code="nl-demo").order_by("month").first()
    return earliest.month if earliest else datetime.now(UTC).date().replace(day=1)


def check_the_folder(machines: tuple[Machine, ...]) -> None:
    """One database holds the demonstration on one kind of engine. Errors: Refused, with what to do."""
    wanted = {machine.cluster: machine.engine for machine in machines}
    for cluster in Cluster.objects.filter(code__in=[m.cluster for m in (*EMBEDDED, *ON_SLURM)]):
        if wanted.get(cluster.code) != cluster.engine:
            raise Refused(
                f"{settings.FABRIEK_FOLDER} holds the demonstration on other machines ({cluster.code}, "
                f"{cluster.get_engine_display()}). Give this one a folder of its own: FABRIEK_FOLDER=..."
            )


def build_the_machines(
    people: dict[str, Person], machines: tuple[Machine, ...]
) -> tuple[Factory, list[Partition], list[Cluster]]:
    """The factory, its systems with their partitions, the cluster of each, and the links between their sites."""
    factory = declare_factory(
        people["operator"],
        code="demo",
        name="Demonstration AI Factory",
        country="NL",
        hosting_entity="Demonstration Computing Centre",
        is_demo=True,
        notes="Invented, to show what the platform does. Its accelerators are no hardware.",
    )
    partitions: list[Partition] = []
    clusters: list[Cluster] = []
    operator = people["operator"]
    for machine in machines:
        parts, cluster = _build(operator, factory, machine)
        partitions += parts.values()
        clusters.append(cluster)
    _link_the_sites(operator, [cluster.site for cluster in clusters])
    return factory, partitions, clusters


def _link_the_sites(operator: Person, sites: list[Site]) -> None:
    """A line from the first site to a data centre without a machine, and one between each two sites that run."""
    data_centre = declare_site(
        operator,
        code="demo-groningen",
        name="Demonstration data centre",
        city="Groningen",
        country="NL",
        hosting_entity="Demonstration Computing Centre",
        latitude=53.22,
        longitude=6.57,
        is_demo=True,
    )
    since = date(2026, 1, 1)
    declare_link(
        operator,
        sites[0],
        data_centre,
        valid_from=since,
        gigabits_per_second=100,
        network="Invented (demo)",
        source="demo",
        is_demo=True,
    )
    for other in sites[1:]:
        declare_link(
            operator,
            sites[0],
            other,
            valid_from=since,
            network="Two folders of one disk (demo)",
            source="demo",
            is_demo=True,
        )


def _build(operator: Person, factory: Factory, machine: Machine) -> tuple[dict[str, Partition], Cluster]:
    site = declare_site(
        operator,
        code=machine.site,
        name=machine.site_name,
        city=machine.city,
        country="NL",
        hosting_entity="Demonstration Computing Centre",
        latitude=machine.latitude,
        longitude=machine.longitude,
        is_demo=True,
    )
    system = declare_system(
        operator,
        code=machine.system,
        name=machine.name,
        site=site,
        factory=factory,
        is_demo=True,
        system_class="AI-optimised",
        scheduler=machine.scheduler,
        union_share_maximum=Decimal("0.5"),
        consortium_countries=["NL"],
        **({"notes": machine.notes} if machine.notes else {}),
    )
    parts = {}
    for part in machine.parts:
        parts[part.name] = declare_partition(
            operator,
            system,
            name=part.name,
            kind=part.kind,
            nodes=part.nodes,
            accelerators_per_node=part.gpus,
            cores_per_node=part.cores,
            accelerator_model=part.model,
        )
        if not parts[part.name].availabilities.exists():
            declare_availability(operator, parts[part.name], Decimal("0.97"), date(2026, 1, 1))
            euro = Decimal("2.10") if part.gpus else Decimal("0.02")
            declare_price(operator, parts[part.name], euro=euro, valid_from=date(2026, 1, 1), source="demonstration")
    cluster = register_cluster(operator, code=machine.cluster, site=site, engine=machine.engine, partitions=parts)
    return parts, cluster


def promise_the_shares(people: dict[str, Person], partitions: list[Partition]) -> str:
    """Capacity on the ledger, half of it the Union's, half the state's; the demo factory's own floors."""
    officer = people["officer"]
    establish_programme(
        officer,
        code="nl-demo",
        name="National share (demo)",
        country="NL",
        decides="Demonstration national board",
        is_demo=True,
    )
    months = months_from(first_month(), MONTHS)
    for partition in partitions:
        declare_capacity(people["operator"], partition, months)
        if Share.objects.filter(partition=partition, month__in=months).count() < len(months) * len(SHARES):
            establish_shares(officer, partition, months, SHARES, why="demonstration")
    for code in ("eu-industrial-entry", "eu-science"):
        set_sign_off(people["administrator"], Programme.objects.get(code=code), SIGN_OFF, "demonstration")
    industrial = Programme.objects.get(code="eu-industrial")
    science = Programme.objects.get(code="eu-science")
    for code, name, programme, kind, subject, fraction, rank in (
        ("demo-startups", "Start-ups (demo)", industrial, "floor", {"organisation_class": "startup"}, "0.2", 1),
        ("demo-smes", "SMEs (demo)", industrial, "floor", {"organisation_class": "sme"}, "0.3", 2),
        ("demo-host-country", "Host country in science (demo)", science, "cap", {"country": "NL"}, "0.4", 3),
    ):
        make_promise(
            officer,
            code=code,
            name=name,
            programme=programme,
            kind=kind,
            fraction=Decimal(fraction),
            of="awarded",
            rank=rank,
            valid_from=date(2026, 1, 1),
            legal_basis="Invented for the demonstration",
            source="demo",
            is_demo=True,
            **subject,
        )
    make_promise(
        officer,
        code="demo-before-ai-factories",
        name="As before AI Factories (demo)",
        programme=Programme.objects.get(code="eu-regular"),
        kind="baseline",
        accelerator_seconds_a_month=BASELINE_GPU_HOURS * 3600,
        rank=4,
        valid_from=date(2026, 1, 1),
        legal_basis="Invented for the demonstration",
        source="demo",
        is_demo=True,
    )
    return f"{len(months)} months, {len(SHARES)} programmes, {Promise.objects.count()} promises"


def open_the_calls(people: dict[str, Person], factory: Factory, partitions: list[Partition]) -> dict[str, Call]:
    """Playground and Fast Lane out of one share, AI for Science out of another; open for the whole period."""
    officer, month = people["officer"], first_month()
    opens = datetime(month.year, month.month, 1, tzinfo=UTC)
    months = months_from(month, MONTHS)
    closes = datetime(months[-1].year, months[-1].month, 15, 9, tzinfo=UTC)
    calls = {}
    for name, mode, programme, terms in (
        ("playground", "aif-playground", "eu-industrial-entry", {}),
        # The mode's minimum of 10,000 is second-hand; the demo leaves no gap above Playground.
        ("fast-lane", "aif-fast-lane", "eu-industrial-entry", {"minimum_gpu_hours": 5_001}),
        # The mode's maximum is converted from node-hours. Its minimum is above what the trace's groups used.
        ("science", "aif-science", "eu-science", {"minimum_gpu_hours": None, "durations_months": [1, 2, 3]}),
    ):
        template = AccessMode.objects.get(code=mode)
        calls[name] = open_call(
            officer,
            access_mode=template,
            factory=factory,
            programme=Programme.objects.get(code=programme),
            partitions=partitions,
            title=f"{template.name} at the Demonstration AI Factory",
            opens=opens,
            closes=closes,
            first_month=month,
            months=MONTHS,
            code=f"demo-{name}-{month:%Y-%m}",
            is_demo=True,
            **terms,
        )
    return calls


def agent_folder(machine: Machine) -> Path:
    """Where a machine's agent works."""
    name = "agent" if machine.engine == "local" else f"agent-{machine.cluster}"
    folder: Path = settings.FABRIEK_FOLDER / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def describe_the_engine(machine: Machine) -> None:
    """What the embedded engine hands out; for Slurm see `on_slurm.py`."""
    if machine.engine == "local":
        partitions = {
            part.name: {"nodes": part.nodes, "accelerators_per_node": part.gpus, "cores_per_node": part.cores}
            for part in machine.parts
        }
        folder = agent_folder(machine)
        # What recipes made stays when their jobs' folders go.
        environment = {"FABRIEK_RESULTS": str(folder / "results")}
        if python := torch_python():
            environment["FABRIEK_TORCH_PYTHON"] = python
        described = {"partitions": partitions, "environment": environment}
        (folder / "engine.json").write_text(json.dumps(described), encoding="utf-8")
