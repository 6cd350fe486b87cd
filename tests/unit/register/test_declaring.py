"""What is declared once is known; the same again changes nothing, and something else is refused with what differs."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from tests.factories.world import make_partition, make_person

from fabriek.audit.models import Event
from fabriek.conf.checking import KnownOtherwise
from fabriek.conf.errors import Invalid, NotAllowed
from fabriek.operations.actions import register_cluster
from fabriek.operations.errors import ClusterRefused
from fabriek.people.models import Person
from fabriek.register.actions import (
    declare_availability,
    declare_factory,
    declare_partition,
    declare_site,
    declare_system,
)
from fabriek.register.errors import PeriodInvalid
from fabriek.register.models import Site, System

pytestmark = pytest.mark.django_db

GPU: dict[str, Any] = {"name": "gpu", "kind": "gpu", "nodes": 4, "accelerators_per_node": 4, "cores_per_node": 64}


@pytest.fixture
def operator() -> Person:
    return make_person("operator")


def make_system(operator: Person) -> System:
    factory = declare_factory(operator, code="f", name="F", country="NL", hosting_entity="Host")
    site = declare_site(operator, code="s", name="S", country="NL", city="Delft")
    return declare_system(operator, code="x", name="X", site=site, factory=factory)


def test_everything_declared_leaves_one_entry_and_the_same_again_none(operator: Person) -> None:
    for _time in range(2):
        system = make_system(operator)
        declare_partition(operator, system, **GPU)
    verbs = sorted(Event.objects.filter(verb__startswith="register.").values_list("verb", flat=True))
    assert verbs == [f"register.declare_{what}" for what in ("factory", "partition", "site", "system")]


def test_a_known_thing_is_not_declared_otherwise(operator: Person) -> None:
    system = make_system(operator)
    declare_partition(operator, system, **GPU)
    with pytest.raises(KnownOtherwise) as refused:
        declare_partition(operator, system, **{**GPU, "nodes": 5})
    assert refused.value.extra["differs"] == ["nodes"]
    with pytest.raises(KnownOtherwise):
        declare_site(operator, code="s", name="Another", country="NL", city="Delft")


def test_a_system_can_serve_a_second_factory(operator: Person) -> None:
    system = make_system(operator)
    second = declare_factory(operator, code="g", name="G", country="NL", hosting_entity="Host")
    declare_system(operator, code="x", name="X", site=system.site, factory=second)
    assert system.factories.count() == 2


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"nodes": 0}, "nodes"),
        ({"cores_per_node": 0}, "cores_per_node"),
        ({"accelerators_per_node": 0}, "accelerators_per_node"),
        ({"name": "!"}, "name"),
        ({"kind": "abacus"}, "kind"),
    ],
)
def test_a_partition_that_is_none_is_refused_at_its_field(operator: Person, wrong: Any, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        declare_partition(operator, make_system(operator), **{**GPU, **wrong})
    assert list(refused.value.faults) == [field]


def test_a_site_with_a_broken_code_is_refused_at_its_field(operator: Person) -> None:
    with pytest.raises(Invalid) as refused:
        declare_site(operator, code="no spaces", name="S", country="NL")
    assert "code" in refused.value.faults
    assert not Site.objects.exists()


def test_only_operators_declare() -> None:
    with pytest.raises(NotAllowed):
        declare_site(make_person("officer"), code="s", name="S", country="NL")


def test_a_new_availability_ends_the_one_before_where_that_is_asked(operator: Person) -> None:
    _factory, partition = make_partition(operator)
    with pytest.raises(PeriodInvalid):
        declare_availability(operator, partition, Decimal("0.9"), date(2027, 1, 1))
    declare_availability(operator, partition, Decimal("0.9"), date(2027, 1, 1), ends_previous=True)
    first, second = partition.availabilities.order_by("valid_from")
    assert (first.valid_until, second.valid_from, second.valid_until) == (date(2027, 1, 1), date(2027, 1, 1), None)


def test_a_refused_availability_ends_nothing(operator: Person) -> None:
    _factory, partition = make_partition(operator)
    later = date(2027, 1, 1)
    declare_availability(operator, partition, Decimal("0.9"), later, ends_previous=True)
    with pytest.raises(PeriodInvalid):
        declare_availability(operator, partition, Decimal("0.8"), date(2026, 6, 1), ends_previous=True)
    assert partition.availabilities.order_by("valid_from")[0].valid_until == later


def test_a_cluster_grows_and_each_change_is_on_record(operator: Person) -> None:
    _factory, partition = make_partition(operator)
    site = partition.system.site
    other = declare_partition(operator, partition.system, **{**GPU, "name": "big"})

    def register(partitions: dict[str, Any], engine: str = "slurm") -> Any:
        return register_cluster(operator, code="c", site=site, engine=engine, partitions=partitions)

    register({"gpu": partition})
    register({"gpu": partition})
    cluster = register({"big": other})
    register({"renamed": partition})
    names = dict(cluster.names.values_list("name", "partition__code"))
    assert names == {"big": other.code, "renamed": partition.code}
    assert Event.objects.filter(verb="operations.register_cluster").count() == 3
    with pytest.raises(KnownOtherwise):
        register({"big": other}, engine="local")
    with pytest.raises(ClusterRefused, match="stands for another"):
        register({"big": declare_partition(operator, partition.system, **{**GPU, "name": "third"})})


def test_no_partition_is_looked_after_twice_or_from_afar(operator: Person) -> None:
    _factory, partition = make_partition(operator)
    _factory, elsewhere = make_partition(operator)
    site = partition.system.site
    register_cluster(operator, code="c", site=site, engine="slurm", partitions={"gpu": partition})
    for partitions, words in (
        ({"gpu": partition}, "looked after by c"),
        ({"gpu": elsewhere}, "is at"),
        ({}, "at least one"),
    ):
        with pytest.raises(ClusterRefused, match=words):
            register_cluster(operator, code="d", site=site, engine="slurm", partitions=partitions)
    register_cluster(operator, code="log", site=site, engine="log", partitions={"gpu": partition})
