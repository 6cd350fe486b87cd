"""The pages on which operators declare what there is, and officers promise it: role, fault, success."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from tests.factories.world import make_partition, make_person, make_world

from fabriek.operations.models import Cluster
from fabriek.people.models import Person
from fabriek.programmes.models import Programme, Promise
from fabriek.programmes.reference import load_programmes
from fabriek.register.actions import declare_partition
from fabriek.register.models import Availability, Factory, Partition, Site, System

pytestmark = pytest.mark.django_db

SITE = {"name": "Hall", "code": "hall", "city": "Delft", "country": "nl", "latitude": "52", "longitude": "4.4"}
FACTORY = {"name": "F", "code": "f", "country": "NL", "hosting_entity": "Host", "stage": "operating"}
SYSTEM = {"name": "Mill", "code": "mill", "site": "hall", "factory": "f", "stage": "operating"}
PARTITION = {"name": "gpu", "kind": "gpu", "nodes": "4", "accelerators_per_node": "4", "cores_per_node": "64"}
PROGRAMME = {"name": "Netherlands", "code": "nl", "kind": "national", "country": "nl", "overbooking": "1"}
PROMISE = {
    "name": "SMEs",
    "code": "smes",
    "kind": "floor",
    "programme": "eu",
    "organisation_class": "sme",
    "percent": "30",
    "of": "awarded",
    "rank": "1",
    "valid_from": "2026-01-01",
}


def signed_in(person: Person) -> Client:
    client = Client()
    client.force_login(person)
    return client


@pytest.fixture
def operator() -> Client:
    return signed_in(make_person("operator"))


@pytest.fixture
def officer() -> Client:
    load_programmes()
    return signed_in(make_person("officer"))


def send(client: Client, name: str, fields: dict[str, Any], *args: Any, query: str = "") -> Any:
    return client.post(reverse(f"portal:{name}", args=args) + query, fields)


def faults_of(response: Any) -> dict[str, Any]:
    assert response.status_code == 422
    assert "There is a problem" in response.content.decode()
    return dict(response.context["form"].errors)


def declare_everything(operator: Client) -> None:
    for name, fields in (("declare_site", SITE), ("declare_factory", FACTORY), ("declare_system", SYSTEM)):
        response = send(operator, name, fields)
        assert response.status_code == 303, response.content.decode()
    assert response["Location"] == reverse("portal:declare_partition", args=["mill"])
    assert send(operator, "declare_partition", PARTITION, "mill").status_code == 303


def test_a_machine_is_declared_page_by_page(operator: Client) -> None:
    declare_everything(operator)
    assert Site.objects.get().country == "NL"
    page = operator.get(reverse("portal:declare_partition", args=["mill"])).content.decode()
    assert "mill/gpu" in page, "what is known is shown above the form for the next"
    said = {"partition": "mill/gpu", "percent": "95", "valid_from": "2026-01-01"}
    response = send(operator, "declare_availability", said)
    assert response["Location"] == f"{reverse('portal:declare_capacity')}?partition=mill/gpu"
    assert Availability.objects.get().fraction == Decimal("0.95")
    fields = {"code": "mill", "engine": "slurm", "mill/gpu": "boost"}
    response = operator.post(reverse("portal:register_cluster"), fields, follow=True)
    assert "fabriek token agent --cluster mill" in response.content.decode()
    assert dict(Cluster.objects.get().names.values_list("name", "partition__code")) == {"boost": "mill/gpu"}


@pytest.mark.parametrize(
    ("name", "fields", "args", "field"),
    [
        ("declare_site", {**SITE, "country": "Holland"}, (), "country"),
        ("declare_site", {**SITE, "code": "The Hall"}, (), "code"),
        ("declare_factory", {**FACTORY, "hosting_entity": ""}, (), "hosting_entity"),
        ("declare_system", {**SYSTEM, "code": "other", "site": "nowhere"}, (), "site"),
        ("declare_partition", {**PARTITION, "name": "big", "nodes": "0"}, ("mill",), "nodes"),
        (
            "declare_partition",
            {**PARTITION, "name": "big", "accelerators_per_node": "0"},
            ("mill",),
            "accelerators_per_node",
        ),
        (
            "declare_availability",
            {"partition": "mill/gpu", "percent": "101", "valid_from": "2026-01-01"},
            (),
            "percent",
        ),
        (
            "declare_availability",
            {"partition": "mill/gpu", "percent": "90", "valid_from": "2026-01-01", "valid_until": "2025-01-01"},
            (),
            "valid_until",
        ),
        ("register_cluster", {"code": "c", "engine": "slurm", "mill/gpu": ""}, (), "__all__"),
        ("register_cluster", {"code": "c", "engine": "abacus", "mill/gpu": "gpu"}, (), "engine"),
    ],
)
def test_a_fault_stands_at_its_field(operator: Client, name: str, fields: Any, args: Any, field: str) -> None:
    declare_everything(operator)
    assert set(faults_of(send(operator, name, fields, *args))) - {"__all__"} == {field} - {"__all__"}


def test_what_is_known_is_not_declared_otherwise(operator: Client) -> None:
    declare_everything(operator)
    assert "is known already" in str(faults_of(send(operator, "declare_site", {**SITE, "name": "Other"}))["__all__"])
    assert Site.objects.get().name == "Hall"


def test_one_name_for_two_partitions_is_refused(operator: Client) -> None:
    declare_everything(operator)
    system = System.objects.get()
    person = make_person("operator")
    declare_partition(person, system, name="cpu", kind="cpu", nodes=2, accelerators_per_node=0, cores_per_node=64)
    fields = {"code": "c", "engine": "slurm", "mill/gpu": "same", "mill/cpu": "same"}
    assert list(faults_of(send(operator, "register_cluster", fields))) == ["mill/gpu"]


def test_a_cluster_is_registered_at_the_site_that_is_chosen(operator: Client) -> None:
    _factory, here = make_partition(make_person("operator"))
    make_partition(make_person("operator"))
    site = here.system.site
    page = operator.get(reverse("portal:register_cluster"), {"site": site.code})
    assert [partition.code for partition in page.context["form"].here] == [here.code]
    assert operator.get(reverse("portal:register_cluster"), {"site": "nowhere"}).status_code == 404
    fields = {"code": "c", "engine": "slurm", here.code: "gpu"}
    assert send(operator, "register_cluster", fields, query=f"?site={site.code}").status_code == 303


def test_a_partition_that_another_cluster_serves_is_refused_in_words() -> None:
    world = make_world()
    fields = {"code": "second", "engine": "slurm", world.partition.code: "gpu"}
    faults = faults_of(send(signed_in(world.operator), "register_cluster", fields))
    assert world.cluster.code in str(faults["__all__"])


def test_a_new_availability_ends_the_one_before_only_where_that_is_asked(operator: Client) -> None:
    _factory, partition = make_partition(make_person("operator"))
    fields = {"partition": partition.code, "percent": "90", "valid_from": "2027-01-01"}
    assert "valid_from" in faults_of(send(operator, "declare_availability", fields))
    shown = operator.get(reverse("portal:declare_availability"), {"partition": partition.code}).content.decode()
    assert "without an end" in shown
    assert send(operator, "declare_availability", {**fields, "ends_previous": "on"}).status_code == 303
    assert partition.availabilities.order_by("valid_from")[0].valid_until == date(2027, 1, 1)


def test_an_unknown_system_gets_no_partition(operator: Client) -> None:
    assert operator.get(reverse("portal:declare_partition", args=["nothing"])).status_code == 404


def test_a_programme_is_established(officer: Client) -> None:
    assert send(officer, "establish_programme", PROGRAMME).status_code == 303
    made = Programme.objects.get(code="nl")
    assert (made.country, made.pillar.code) == ("NL", "national")
    assert "Netherlands" in officer.get(reverse("portal:programmes")).content.decode()


@pytest.mark.parametrize(
    ("wrong", "field"),
    [({"country": ""}, "country"), ({"parent": "eu"}, "parent"), ({"kind": "union", "country": ""}, "pillar")],
)
def test_a_programme_without_its_place_is_refused_at_its_field(officer: Client, wrong: Any, field: str) -> None:
    assert field in faults_of(send(officer, "establish_programme", {**PROGRAMME, **wrong}))
    assert not Programme.objects.filter(code="nl").exists()


def test_a_promise_is_made_after_asking(officer: Client) -> None:
    asked = send(officer, "make_promise", PROMISE)
    assert asked.status_code == 200
    assert "Make this promise?" in asked.content.decode()
    assert not Promise.objects.filter(code="smes").exists()
    hidden = {field.html_name: field.value() for field in asked.context["form"] if field.value() not in (None, False)}
    changed = send(officer, "make_promise", {**hidden, "change": "1"})
    assert 'name="sure"' not in changed.content.decode()
    done = officer.post(reverse("portal:make_promise"), {**hidden, "sure": "1"}, follow=True)
    assert "The promise is made" in done.content.decode()
    made = Promise.objects.get(code="smes")
    assert (made.fraction, made.organisation_class, made.commercial) == (Decimal("0.3"), "sme", False)


def test_a_baseline_is_given_in_hours(officer: Client) -> None:
    fields = {**PROMISE, "kind": "baseline", "percent": "", "hours_a_month": "100", "sure": "1"}
    assert send(officer, "make_promise", fields).status_code == 303
    assert Promise.objects.get(code="smes").accelerator_seconds_a_month == 360_000


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"organisation_class": ""}, "organisation_class"),
        ({"percent": ""}, "percent"),
        ({"kind": "baseline", "percent": ""}, "hours_a_month"),
        ({"valid_until": "2025-01-01"}, "valid_until"),
    ],
)
def test_a_promise_that_cannot_be_measured_is_refused_before_asking(officer: Client, wrong: Any, field: str) -> None:
    assert field in faults_of(send(officer, "make_promise", {**PROMISE, **wrong}))


def test_who_may_not_is_refused_and_offered_nothing() -> None:
    world = make_world()
    board = signed_in(make_person("board"))
    operations = board.get(reverse("portal:operations")).content.decode()
    programmes = board.get(reverse("portal:programmes")).content.decode()
    for name, args in (
        ("declare_site", ()),
        ("declare_factory", ()),
        ("declare_system", ()),
        ("declare_partition", (world.partition.system.code,)),
        ("declare_availability", ()),
        ("register_cluster", ()),
        ("establish_programme", ()),
        ("make_promise", ()),
    ):
        address = reverse(f"portal:{name}", args=args)
        assert board.get(address).status_code == 403
        assert board.post(address, {}).status_code == 403
        assert address not in operations + programmes
    assert (
        reverse("portal:register_cluster")
        in signed_in(world.operator).get(reverse("portal:operations")).content.decode()
    )
    assert reverse("portal:make_promise") in signed_in(world.officer).get(reverse("portal:programmes")).content.decode()
    assert Factory.objects.count() == 1
    assert Partition.objects.count() == 1
