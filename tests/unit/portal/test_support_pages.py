"""Asking from any page, the desk, and what was said on a question."""

from __future__ import annotations

from html import unescape
from typing import Any

import pytest
from django.test import Client, RequestFactory
from django.urls import URLPattern, reverse
from tests.factories.world import make_partition, make_person

from fabriek.people.models import Person
from fabriek.portal import asked_from
from fabriek.portal.context import ask_url
from fabriek.portal.urls import urlpatterns
from fabriek.register.models import Factory
from fabriek.support.actions import ask, close, write
from fabriek.support.models import Ticket

pytestmark = pytest.mark.django_db


def signed_in(person: Person) -> Client:
    client = Client(headers={"Accept-Language": "en"})
    client.force_login(person)
    return client


def page_of(client: Client, name: str, *arguments: Any, query: str = "") -> str:
    response = client.get(reverse(f"portal:{name}", args=arguments) + query)
    assert response.status_code == 200, response.status_code
    return unescape(response.content.decode())


@pytest.fixture
def factory() -> Factory:
    return make_partition(make_person("operator"))[0]


def test_a_page_s_link_carries_where_one_is_and_the_question_keeps_it(factory: Factory) -> None:
    founder = make_person()
    client = signed_in(founder)
    where = reverse("portal:factory", args=[factory.code])
    link = f"{reverse('portal:ask_ticket')}?from={where}"
    assert f'href="{link}"' in page_of(client, "factory", factory.code)
    form = unescape(client.get(link).content.decode())
    assert f'<option value="{factory.code}" selected>' in form
    said = {"factory": factory.code, "subject": "Cooling", "text": "How warm is it?", "carries": "on"}
    answer = client.post(link, said)
    made = Ticket.objects.get()
    assert (answer.status_code, answer["Location"]) == (303, reverse("portal:ticket", args=[made.pk]))
    assert (made.page, made.about_kind, made.about, made.asked_by) == (where, "factory", factory.code, founder)
    assert "Cooling" in page_of(client, "my_tickets")


def test_who_clears_the_box_tells_no_page(factory: Factory) -> None:
    client = signed_in(make_person())
    where = f"{reverse('portal:ask_ticket')}?from=/factories/{factory.code}/"
    client.post(where, {"factory": factory.code, "subject": "Cooling", "text": "How warm is it?"})
    assert [(one.page, one.about) for one in Ticket.objects.all()] == [("", "")]


@pytest.mark.parametrize("address", ["//evil.example/", "https://evil.example/", "/sign-in/a-secret", "javascript:x"])
def test_an_address_that_is_not_ours_or_is_a_secret_is_not_carried(factory: Factory, address: str) -> None:
    client = signed_in(make_person())
    said = {"factory": factory.code, "subject": "Cooling", "text": "How warm is it?", "carries": "on"}
    client.post(reverse("portal:ask_ticket"), said, query_params={"from": address})
    assert [one.page for one in Ticket.objects.all()] == [""]


def test_a_sign_in_link_s_page_does_not_carry_its_secret() -> None:
    asked = reverse("portal:ask_ticket")
    assert ask_url(RequestFactory().get("/sign-in/a-secret")) == asked
    assert ask_url(RequestFactory().get("/calls/één/?q=1")) == f"{asked}?from=/calls/%C3%A9%C3%A9n/"


def test_every_beginning_of_an_address_is_that_of_a_page() -> None:
    routes = [str(pattern.pattern) for pattern in urlpatterns if isinstance(pattern, URLPattern)]
    for begins, _kind, name in asked_from._ABOUT:
        pages = [route for route in routes if route.startswith(begins)]
        assert pages, begins
        assert all(f":{name}>" in route for route in pages), begins
    assert asked_from.about("/jobs/00000000-0000-4000-8000-000000000000/") == (
        "job",
        "00000000-0000-4000-8000-000000000000",
    )
    assert asked_from.about("/nothing/here/") == ("", "")


def test_an_expert_answers_hands_over_and_closes_on_the_pages(factory: Factory) -> None:
    operator, founder = make_person("operator"), make_person(name="Fatima")
    there = make_partition(operator)[0]
    made = ask(founder, factory, "Cooling", "How warm\n\n<b>is</b> it?")
    expert, asker = signed_in(operator), signed_in(founder)
    assert "Fatima" in page_of(expert, "tickets_desk")
    thread = expert.get(reverse("portal:ticket", args=[made.pk])).content.decode()
    assert "&lt;b&gt;is&lt;/b&gt;" in thread
    assert expert.post(reverse("portal:hand_over_ticket", args=[made.pk]), {"factory": there.code, "why": "Theirs."})
    assert f"Handed over from {factory.name} to {there.name}" in page_of(asker, "ticket", made.pk)
    assert expert.post(reverse("portal:ticket", args=[made.pk]), {"text": "Thirty degrees."}).status_code == 303
    assert "Thirty degrees." in page_of(asker, "ticket", made.pk)
    assert "Cooling" not in page_of(expert, "tickets_desk")
    assert "Cooling" in page_of(expert, "tickets_desk", query=f"?state=all&factory={there.code}")
    assert "Cooling" not in page_of(expert, "tickets_desk", query=f"?state=all&factory={factory.code}")
    assert asker.post(reverse("portal:close_ticket", args=[made.pk]), {"why": ""}).status_code == 303
    assert "Open it again" in page_of(asker, "ticket", made.pk)
    assert asker.post(reverse("portal:reopen_ticket", args=[made.pk]), {"why": "It came back."}).status_code == 303
    assert Ticket.objects.get().state == "open"


def test_what_is_refused_stands_at_its_field(factory: Factory) -> None:
    operator, founder = make_person("operator"), make_person()
    made = ask(founder, factory, "Cooling", "How warm is it?")
    refused = signed_in(operator).post(reverse("portal:close_ticket", args=[made.pk]), {"why": ""})
    assert refused.status_code == 422
    assert "Write something here." in refused.content.decode()
    write(operator, made, "Warm.")
    close(founder, made)
    closed = signed_in(founder).post(reverse("portal:ticket", args=[made.pk]), {"text": "And now?"})
    assert closed.status_code == 422


def test_a_stranger_finds_no_question(factory: Factory) -> None:
    made = ask(make_person(), factory, "Cooling", "How warm is it?")
    stranger = signed_in(make_person("board"))
    for name in ("ticket", "close_ticket", "reopen_ticket"):
        assert stranger.get(reverse(f"portal:{name}", args=[made.pk])).status_code == 404
