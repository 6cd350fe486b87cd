"""Pages that change or end what is known: a partition's size, a link, a programme's name, a promise, a reallocation."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from tests.factories.world import MONTH, NEXT, World, make_person, make_world
from tests.unit.portal.test_declaring import faults_of, send, signed_in

from fabriek.programmes.models import Programme, Promise, Reallocation
from fabriek.programmes.moving import reallocate
from fabriek.register.actions import declare_link, declare_site
from fabriek.register.models import Link, PartitionSize

pytestmark = pytest.mark.django_db
TODAY = date.today()


@pytest.fixture
def world() -> World:
    return make_world()


@pytest.fixture
def operator(world: World) -> Client:
    return signed_in(world.operator)


@pytest.fixture
def officer(world: World) -> Client:
    return signed_in(world.officer)


def text_of(client: Client, name: str, *args: Any) -> str:
    return client.get(reverse(f"portal:{name}", args=args)).content.decode()


def test_a_partition_grows_and_the_calendar_says_so(operator: Client, world: World) -> None:
    middle = NEXT + timedelta(days=10)
    fields = {"partition": world.partition.code, "nodes": "6", "valid_from": str(middle), "why": "a rack more"}
    done = send(operator, "resize_partition", fields)
    assert done.status_code == 303
    assert done["Location"].startswith(reverse("portal:declare_capacity"))
    assert "4 → 6 nodes" in text_of(operator, "operations")
    assert "a rack more" in text_of(operator, "system", world.partition.system.code)
    assert "why" in faults_of(send(operator, "resize_partition", {**fields, "nodes": "7", "why": ""}))
    assert PartitionSize.objects.count() == 1


def test_a_link_is_declared_seen_by_everybody_and_ended(operator: Client, world: World) -> None:
    there = declare_site(world.operator, code="there", name="There", country="DE", latitude=50.0, longitude=8.0)
    here = world.partition.system.site
    here.latitude, here.longitude = 52.0, 5.0
    here.save()
    assert "No link is declared" in text_of(operator, "links")
    fields = {"site": here.code, "other": there.code, "network": "GÉANT", "gigabits_per_second": "100"}
    assert "valid_from" in faults_of(send(operator, "declare_link", fields))
    fields |= {"valid_from": str(TODAY)}
    assert "other" in faults_of(send(operator, "declare_link", {**fields, "other": here.code}))
    assert send(operator, "declare_link", fields).status_code == 303
    anybody = Client()
    factory = text_of(anybody, "factory", world.factory.code)
    assert "GÉANT" in factory
    assert "1 minute 20 seconds" in factory
    assert "100 gigabits a second" in text_of(anybody, "factories")
    link = Link.objects.get()
    assert "valid_until" in faults_of(send(operator, "end_link", {"valid_until": str(TODAY), "why": "x"}, link.pk))
    tomorrow = str(TODAY + timedelta(days=1))
    assert send(operator, "end_link", {"valid_until": tomorrow, "why": "moved"}, link.pk).status_code == 303
    assert "GÉANT" in text_of(anybody, "factories")
    Link.objects.update(valid_from=TODAY - timedelta(days=9), valid_until=TODAY)
    assert "GÉANT" not in text_of(anybody, "factories")
    assert "GÉANT" in operator.get(reverse("portal:links") + "?format=csv").content.decode()


def test_a_programme_is_renamed_with_the_reason(officer: Client) -> None:
    assert "why" in faults_of(send(officer, "rename_programme", {"name": "AI for Research"}, "eu-science"))
    said = {"name": "AI for Research", "why": "the policy calls it so"}
    before = Programme.objects.get(code="eu-science").name
    assert send(officer, "rename_programme", said, "eu-science").status_code == 303
    assert "AI for Research" in text_of(officer, "programmes")
    assert before in text_of(officer, "rename_programme", "eu-science")
    assert officer.get(reverse("portal:rename_programme", args=["nothing"])).status_code == 404


def test_a_promise_ends_from_its_own_page(officer: Client) -> None:
    code = "ai-for-science"
    address = reverse("portal:end_promise", args=[code])
    assert address in text_of(officer, "promise", code)
    assert address not in text_of(Client(), "promise", code)
    past = {"valid_until": str(TODAY - timedelta(days=1)), "why": "x"}
    assert "valid_until" in faults_of(send(officer, "end_promise", past, code))
    assert send(officer, "end_promise", {"valid_until": str(TODAY), "why": "the policy ends"}, code).status_code == 303
    assert Promise.objects.get(code=code).valid_until == TODAY
    ended = Client().get(reverse("portal:promise", args=[code]))
    assert ended.status_code == 200
    assert "the policy ends" in ended.content.decode()


def test_hours_are_moved_back_once(officer: Client, world: World) -> None:
    entry, science = (Programme.objects.get(code=code) for code in ("eu-industrial-entry", "eu-science"))
    moved = reallocate(world.officer, world.partition, MONTH, science, entry, 3_600, "unused")
    address = reverse("portal:undo_reallocation", args=[moved.code])
    assert address in text_of(officer, "programmes")
    assert "Move these hours back?" in text_of(officer, "undo_reallocation", moved.code)
    assert "why" in faults_of(send(officer, "undo_reallocation", {"why": ""}, moved.code))
    assert send(officer, "undo_reallocation", {"why": "a mistake"}, moved.code).status_code == 303
    shown = text_of(officer, "programmes")
    assert f"undone by {Reallocation.objects.get(undoes=moved).code}" in shown
    assert address not in shown
    assert "undone already" in send(officer, "undo_reallocation", {"why": "again"}, moved.code).content.decode()


@pytest.mark.parametrize("role", ["", "reviewer", "board", "administrator"])
def test_who_may_not_is_offered_nothing(world: World, role: str) -> None:
    link = declare_link(
        world.operator,
        world.partition.system.site,
        declare_site(world.operator, code="there", name="There", country="DE"),
        valid_from=TODAY,
    )
    client = signed_in(make_person(role))
    for name, args in (
        ("resize_partition", ()),
        ("change_stage", ()),
        ("declare_conversion", ()),
        ("declare_price", ()),
        ("declare_link", ()),
        ("end_link", (link.pk,)),
        ("rename_programme", ("eu-science",)),
        ("end_promise", ("ai-for-science",)),
        ("undo_reallocation", ("reallocation-2026-01-0001",)),
    ):
        assert client.get(reverse(f"portal:{name}", args=args)).status_code == 403, name
