"""Profiles on pages: begun, agreed to, withdrawn, erased, hidden; letters and looks; translations."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse
from tests.factories.catalogue import make_entry
from tests.factories.world import make_allocation, make_organisation, make_person, make_world

from fabriek.catalogue.actions import agree
from fabriek.catalogue.models import Consent, Entry, EntryState, Letter, Look
from fabriek.people.models import Person

pytestmark = pytest.mark.django_db
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


def signed_in(person: Person, language: str = "en") -> Client:
    client = Client(headers={"Accept-Language": language, "User-Agent": FIREFOX})
    client.force_login(person)
    return client


def address(name: str, *arguments: Any) -> str:
    return reverse(f"portal:{name}", args=arguments)


def page_of(client: Client, name: str, *arguments: Any, query: str = "") -> str:
    response = client.get(address(name, *arguments) + query)
    assert response.status_code == 200, response.status_code
    return response.content.decode()


def venture_with_lead(**said: Any) -> tuple[Entry, Person]:
    lead = make_person(organisation=make_organisation())
    project = make_allocation(make_world(), lead=lead).project
    details = {"project": project.code, **said.pop("details", {})}
    return make_entry("venture", steward=lead, details=details, **said), lead


def test_an_expert_is_begun_described_shown_and_gone_again() -> None:
    owner = make_person(name="Anna Jansen")
    client = signed_in(owner)
    client.post(address("my_profiles"), {"kind": "expert"})
    entry = Entry.objects.get()
    assert (entry.title, entry.state) == ("Anna Jansen", EntryState.DRAFT)
    page = page_of(client, "profile", entry.code)
    assert "checked" not in page
    refused = client.post(address("profile", entry.code), {"purposes": ["catalogue"]})
    assert refused.status_code == 422
    assert "Say in a sentence or two" in refused.content.decode()
    said = {"title": "Anna Jansen", "summary": "Speech for the north.", "language": "en"}
    client.post(address("edit_entry", entry.code, "about"), said)
    months = {"details.months.0.month": "2099-01", "details.months.0.hours": "40"}
    client.post(address("edit_entry", entry.code, "details"), {"details.skills": "speech recognition", **months})
    assert Client().get(address("entry", entry.code)).status_code == 404
    client.post(address("profile", entry.code), {"purposes": ["catalogue", "contact"]})
    shown = page_of(Client(), "entry", entry.code)
    assert "Speech for the north." in shown
    assert "January 2099" in shown
    assert page_of(client, "profile", entry.code).count("checked") == 2
    client.post(address("profile", entry.code))
    assert Client().get(address("entry", entry.code)).status_code == 404
    assert not Consent.objects.filter(withdrawn_at=None).exists()


def test_strangers_and_curators_find_no_profile_of_others() -> None:
    entry = make_entry("expert", steward=make_person())
    draft, _lead = venture_with_lead()
    for person in (make_person(), make_person("officer"), make_person("administrator")):
        client = signed_in(person)
        for code in (entry.code, draft.code):
            for name in ("profile", "letters", "looks", "erase_profile"):
                assert client.get(address(name, code)).status_code == 404, name
            assert client.post(address("profile", code)).status_code == 404
            assert client.post(address("erase_profile", code)).status_code == 404
            assert client.get(address("edit_entry", code, "about")).status_code == 404
    assert Entry.objects.filter(state=EntryState.PUBLISHED).count() == 2


def test_ones_data_are_downloaded_and_a_profile_is_erased() -> None:
    owner = make_person()
    entry = make_entry("expert", steward=owner, title="Anna Jansen")
    client = signed_in(owner)
    answer = client.get(address("my_catalogue_data"))
    assert "attachment" in answer["Content-Disposition"]
    assert json.loads(answer.content)["profiles"][0]["record"]["title"] == "Anna Jansen"
    assert "names nobody" in page_of(client, "erase_profile", entry.code)
    client.post(address("erase_profile", entry.code))
    assert Client().get(address("entry", entry.code)).status_code == 404
    assert "Anna Jansen" not in client.get(address("my_catalogue_data")).content.decode()


def test_a_curator_hides_and_lifts_on_the_desk() -> None:
    owner, curator = make_person(), signed_in(make_person("operator"))
    entry = make_entry("expert", steward=owner)
    assert signed_in(owner).get(address("hide_profile", entry.code)).status_code == 403
    assert curator.post(address("hide_profile", entry.code), {"why": ""}).status_code == 422
    curator.post(address("hide_profile", entry.code), {"why": "It pretends to be somebody else."})
    assert Client().get(address("entry", entry.code)).status_code == 404
    for page in (page_of(curator, "curate"), page_of(signed_in(owner), "profile", entry.code)):
        assert "It pretends to be somebody else." in page
    curator.post(address("lift_profile", entry.code))
    assert Client().get(address("entry", entry.code)).status_code == 200
    assert curator.get(address("hide_profile", make_entry().code)).status_code == 404


def test_an_owner_is_written_to_from_the_page(django_capture_on_commit_callbacks: Any) -> None:
    owner, sender = make_person(), make_person()
    entry = make_entry("expert", steward=owner)
    client = signed_in(sender)
    assert address("write_to_profile", entry.code) in page_of(client, "entry", entry.code)
    assert owner.email not in page_of(client, "write_to_profile", entry.code)
    assert sender.email in page_of(client, "write_to_profile", entry.code)
    with django_capture_on_commit_callbacks(execute=True):
        client.post(address("write_to_profile", entry.code), {"text": "Will you help us?"})
    assert mail.outbox[-1].to == [owner.email]
    assert "Will you help us?" in page_of(signed_in(owner), "letters", entry.code)
    agree(owner, entry, ["catalogue"])
    assert address("write_to_profile", entry.code) not in page_of(client, "entry", entry.code)
    assert client.get(address("write_to_profile", entry.code)).status_code == 404
    assert Letter.objects.count() == 1


def test_who_is_signed_in_is_told_before_their_look_is() -> None:
    venture, lead = venture_with_lead(title="A venture", details={"traction": "Ten clinics."})
    other, _lead = venture_with_lead(title="Another one")
    investor = signed_in(make_person(name="Ines Investor"))
    before = page_of(investor, "entry", venture.code)
    assert "Ines Investor" in before
    assert "Ten clinics." not in before
    assert not Look.objects.exists()
    investor.post(address("look_at_venture", venture.code))
    assert "Ten clinics." in page_of(investor, "entry", venture.code)
    # Of the next one in this session nothing is asked: that it would be told was said.
    assert "Another one" in page_of(investor, "entry", other.code)
    assert Look.objects.count() == 2
    client = signed_in(lead)
    assert "Ten clinics." in page_of(client, "entry", venture.code)
    assert "Ines Investor" in page_of(client, "looks", venture.code)
    assert Look.objects.filter(entry=venture).count() == 1


def test_who_is_not_signed_in_is_counted_and_programs_are_not() -> None:
    venture, lead = venture_with_lead()
    visitor = Client(headers={"User-Agent": FIREFOX})
    for _again in range(2):
        page_of(visitor, "entry", venture.code)
    page_of(Client(headers={"User-Agent": "SomeBot/1.0"}), "entry", venture.code)
    visitor.head(address("entry", venture.code))
    look = Look.objects.get()
    assert look.person is None
    # The one against forged forms, which every page has.
    assert set(visitor.cookies) <= {"csrftoken"}
    assert "Looks by week" in page_of(signed_in(lead), "looks", venture.code)


def test_a_venture_tells_its_hours_where_its_lead_agrees() -> None:
    venture, lead = venture_with_lead()
    assert "Used on the factory" in page_of(Client(), "entry", venture.code)
    agree(lead, venture, ["catalogue"])
    assert "Used on the factory" not in page_of(Client(), "entry", venture.code)


def test_ventures_are_listed_by_sector_and_ticket_in_the_readers_language() -> None:
    make_entry("venture", title="Small one", sectors=["health"], details={"seeks_amount": 200_000, "stage": "pilot"})
    make_entry("venture", title="Large one", sectors=["energy"], details={"seeks_amount": 2_000_000})
    both = page_of(Client(), "ventures")
    assert "Small one" in both
    assert "Large one" in both
    dutch = Client(headers={"Accept-Language": "nl"})
    few = page_of(dutch, "ventures", query="?sector=health&least=100000&most=500000")
    assert "Small one" in few
    assert "Large one" not in few
    assert "gezondheid" in few
    assert Client().get(address("ventures") + "?least=much&sector=nothing").status_code == 200


def test_a_list_of_many_ventures_takes_few_queries(django_assert_max_num_queries: Any) -> None:
    for number in range(6):
        make_entry("venture", sectors=["health"], title=f"Venture {number}")
    with django_assert_max_num_queries(6):
        Client().get(address("ventures"))


NL = {"nl": {"title": "Fries spraakcorpus", "summary": "Vierhonderd uur."}}


def test_an_entry_is_read_in_its_readers_language_with_the_original_a_step_away() -> None:
    entry = make_entry(title="Frisian speech corpus", summary="Four hundred hours.", translations=NL)
    dutch = Client(headers={"Accept-Language": "nl"})
    page = page_of(dutch, "entry", entry.code)
    assert '<span class="breaks" lang="nl">Fries spraakcorpus</span>' in page
    assert "Vierhonderd uur." in page
    assert "geschreven in het Engels" in page
    original = page_of(dutch, "entry", entry.code, query="?in=original")
    assert '<span class="breaks" lang="en">Frisian speech corpus</span>' in original
    english = page_of(Client(), "entry", entry.code)
    assert "Four hundred hours." in english
    assert "Read the original" not in english
    # What machines read has all languages.
    assert "Fries spraakcorpus" in Client().get(f"/api/v1/catalogue/entries/{entry.code}/as/turtle").content.decode()


def test_what_is_not_translated_stays_as_it_was_written_and_says_so() -> None:
    entry = make_entry(summary="Four hundred hours.", translations={"nl": {"title": "Fries spraakcorpus"}})
    page = page_of(Client(headers={"Accept-Language": "nl"}), "entry", entry.code)
    assert '<p class="lead" lang="en">Four hundred hours.</p>' in page


@pytest.mark.parametrize("query", ["", "?q=frisian", "?q=friese"])
def test_lists_are_read_in_the_readers_language_too(query: str) -> None:
    make_entry(title="Frisian speech corpus", summary="Four hundred hours.", translations=NL)
    page = page_of(Client(headers={"Accept-Language": "nl"}), "catalogue", query=query)
    assert "spraakcorpus" in page
    assert "geschreven in het Engels" in page
    assert "Frisian speech corpus" not in page
    assert "Frisian" in page_of(Client(), "catalogue", query=query)
