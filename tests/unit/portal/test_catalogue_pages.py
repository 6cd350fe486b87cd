"""The catalogue's pages: finding, describing step by step, curating, and who sees what."""

from __future__ import annotations

import html
import json
import re
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from tests.factories.catalogue import make_entry, make_record
from tests.factories.world import make_person

from fabriek.catalogue.actions import (
    ask_to_publish,
    draft_entry,
    edit_entry,
    look_for_news,
    retire_entry,
    save_search,
    send_back,
)
from fabriek.catalogue.asked import Asked
from fabriek.catalogue.models import Entry, EntryKind, SavedSearch
from fabriek.catalogue.record import Record
from fabriek.catalogue.search import feeding
from fabriek.people.models import Person
from fabriek.portal.pages.catalogue.entry_steps import steps_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Any, settings: Any) -> None:
    stores = dict(settings.STORAGES)
    stores["uploads"] = {**stores["uploads"], "OPTIONS": {"location": tmp_path}}
    settings.STORAGES = stores


def signed_in(person: Person, language: str = "en") -> Client:
    client = Client(headers={"Accept-Language": language})
    client.force_login(person)
    return client


def page_of(client: Client, name: str, *arguments: Any, query: str = "") -> str:
    response = client.get(reverse(f"portal:{name}", args=arguments) + query)
    assert response.status_code == 200, response.status_code
    return response.content.decode()


def step(entry: Entry, name: str) -> str:
    return reverse("portal:edit_entry", args=[entry.code, name])


def test_the_front_counts_kinds_and_says_what_is_empty() -> None:
    assert "The catalogue is empty" in page_of(Client(), "catalogue")
    make_entry("dataset", title="Frisian speech")
    make_entry("model", title="A recogniser")
    page = page_of(Client(), "catalogue")
    assert "Frisian speech" in page
    assert "2 entries" in page
    assert "?kind=model" in page
    assert "?kind=investor" not in page, "a kind of which there is nothing leads nowhere"
    assert "Nothing matches" in page_of(Client(), "catalogue", query="?q=nothing")


def test_words_and_facets_narrow_the_list_and_each_can_be_taken_away() -> None:
    make_entry(title="Frisian speech", licence="CC0-1.0", languages=["fy"])
    make_entry(title="Dutch speech", licence="MIT", languages=["nl"])
    page = page_of(Client(), "catalogue", query="?q=speech&language=fy")
    assert "Frisian <mark>speech</mark>" in page
    assert "Dutch <mark>" not in page
    assert 'href="/catalogue/?q=speech"' in page
    # What can't be finds nothing, and breaks nothing.
    for query in ("?kind=nonsense", "?q=%00", "?sort=nonsense&page=99", "?language=%22", "?factory=x&task=%27"):
        assert Client().get("/catalogue/" + query).status_code == 200


def test_several_values_of_a_facet_are_chosen_one_by_one() -> None:
    for kind in ("dataset", "model", "story"):
        make_entry(kind, title=f"Speech of a {kind}", licence="MIT" if kind != "story" else "")
    page = page_of(Client(), "catalogue", query="?q=speech&kind=dataset")
    assert 'href="/catalogue/?q=speech&amp;kind=dataset&amp;kind=model"' in page
    both = page_of(Client(), "catalogue", query="?q=speech&kind=dataset&kind=model&sort=title")
    assert "of a dataset" in both
    assert "of a model" in both
    assert "of a story" not in both
    # Each can be taken away alone, and another search and another order keep both.
    for without in ("dataset", "model"):
        assert f'href="/catalogue/?q=speech&amp;kind={without}&amp;sort=title"' in both
        assert f'<input type="hidden" name="kind" value="{without}">' in both
    assert "?q=speech&amp;kind=dataset&amp;kind=model&amp;sort=-title#found" in both


def test_sectors_narrow_the_list_in_the_readers_language() -> None:
    make_entry(title="Scans", sectors=["Health"])
    make_entry(title="Fields", sectors=["agriculture", "beekeeping"])
    dutch = Client(headers={"Accept-Language": "nl"})
    front = page_of(dutch, "catalogue")
    assert re.search(r'href="/catalogue/\?sector=health">gezondheid', front, re.I)
    assert 'href="/catalogue/?sector=beekeeping">beekeeping<' in front
    page = page_of(dutch, "catalogue", query="?sector=agriculture")
    assert ("Fields" in page, "Scans" in page) == (True, False)


def test_a_search_is_saved_repeated_told_of_and_forgotten() -> None:
    person = make_person()
    client = signed_in(person)
    make_entry(title="Frisian speech")
    assert "Save this search" not in page_of(client, "catalogue")
    assert "Save this search" not in page_of(Client(), "catalogue", query="?q=frisian")
    found = page_of(client, "catalogue", query="?q=frisian&kind=dataset")
    address = re.search(r'href="(/catalogue/searches/new/[^"]*)"', found)
    assert address is not None
    form = html.unescape(address[1])
    assert 'value="frisian, Dataset"' in client.get(form).content.decode()
    assert client.post(form, {"name": "  "}).status_code == 422
    assert client.post(form, {"name": "Mine"}).status_code == 303
    search = SavedSearch.objects.get()
    assert search.asked == {"q": "frisian", "kind": ["dataset"]}
    assert 'href="/catalogue/?q=frisian&amp;kind=dataset"' in page_of(client, "saved_searches")
    new = make_entry(title="Frisian poems")
    feeding.reconcile()
    assert look_for_news() == 1
    assert "Saved searches (1 new)" in page_of(client, "catalogue")
    assert "1 new" in page_of(client, "saved_searches")
    news = page_of(client, "saved_search", search.pk)
    assert new.title in news
    assert "Frisian speech" not in news
    assert client.post(reverse("portal:see_news", args=[search.pk])).status_code == 303
    assert "Nothing new" in page_of(client, "saved_search", search.pk)
    change = reverse("portal:change_search", args=[search.pk])
    assert 'value="frisian"' in client.get(change).content.decode()
    assert "Narrowed to Dataset." in client.get(change).content.decode()
    assert client.post(change, {"name": "", "q": "frisian"}).status_code == 422
    assert client.post(change, {"name": "Ours", "q": "frisian poems"}).status_code == 303
    search.refresh_from_db()
    assert (search.name, search.asked) == ("Ours", {"q": "frisian poems", "kind": ["dataset"]})
    instead = reverse("portal:save_search") + "?q=dutch&kind=dataset&kind=model"
    assert client.post(instead, {"name": "Mine", "instead_of": search.pk}).status_code == 303
    search.refresh_from_db()
    assert (search.name, search.asked) == ("Mine", {"q": "dutch", "kind": ["dataset", "model"]})
    assert "Forget “Mine”?" in page_of(client, "forget_search", search.pk)
    stranger = signed_in(make_person())
    for name in ("see_news", "change_search", "forget_search"):
        assert stranger.post(reverse(f"portal:{name}", args=[search.pk])).status_code == 404
    assert client.post(reverse("portal:forget_search", args=[search.pk])).status_code == 303
    assert "You keep no search yet" in page_of(client, "saved_searches")


def test_a_list_of_many_searches_takes_as_many_queries_as_one_of_one() -> None:
    person = make_person()
    client = signed_in(person)
    for more in (1, 4):
        for number in range(more):
            save_search(person, f"{more} {number}", Asked(q="speech"))
        with CaptureQueriesContext(connection) as asked:
            page_of(client, "saved_searches")
        if more == 1:
            one = len(asked)
    assert len(asked) == one


def test_the_list_marks_why_each_was_found_and_escapes_what_it_marks() -> None:
    make_entry(
        title="Dutch <b>speech</b>",
        summary="Recordings of & speeches. " + "More of it. " * 20,
        tasks=["automatic-speech-recognition"],
    )
    page = page_of(Client(), "catalogue", query="?q=speech")
    assert "Dutch &lt;b&gt;<mark>speech</mark>&lt;/b&gt;" in page
    assert "Recordings of &amp; <mark>speeches</mark>." in page
    assert "<b>speech" not in page
    # Another order tells the same.
    assert "<mark>speeches</mark>" in page_of(Client(), "catalogue", query="?q=speech&sort=-title")
    # Found by what it means: the reader's word is nowhere in it.
    meant = page_of(Client(headers={"Accept-Language": "nl"}), "catalogue", query="?q=spraakherkenning")
    assert "spraakherkenning" in meant.partition('id="found"')[2].partition("data-text")[2]
    assert "<mark>" not in page_of(Client(), "catalogue")


def test_what_was_taken_for_another_word_is_told_and_can_be_searched_as_typed() -> None:
    make_entry(title="Frisian poems")
    page = page_of(Client(), "catalogue", query="?q=frisain&kind=dataset")
    assert "“frisain” was taken for “frisian”." in page
    assert 'href="/catalogue/?q=frisain&amp;kind=dataset&amp;exact=1"' in page
    exact = page_of(Client(), "catalogue", query="?q=frisain&kind=dataset&exact=1")
    assert "Nothing matches" in exact
    assert "was taken for" not in exact
    assert "Exactly as typed" in exact


def test_that_some_of_the_words_are_enough_is_told() -> None:
    told = "entries with some of them are listed too"
    make_entry(title="Frisian poems")
    make_entry(title="Saxon speech")
    assert told in page_of(Client(), "catalogue", query="?q=frisian+saxon")
    assert told not in page_of(Client(), "catalogue", query="?q=frisian+poems&exact=1")


def test_a_page_of_many_takes_as_many_queries_as_one_of_one(django_assert_num_queries: Any) -> None:
    make_entry()
    for more in (0, 4):
        for _number in range(more):
            make_entry()
        # The index follows what was made.
        Client().get("/catalogue/")
        with django_assert_num_queries(2):
            Client().get("/catalogue/")


def test_an_entry_tells_what_is_known_what_is_not_and_from_where() -> None:
    make_entry(code="data", title="The data")
    entry = make_entry(
        "model",
        code="a-model",
        licence="",
        conditions="Ask us.",
        relations=[{"kind": "trained-on", "target": "data"}, {"kind": "based-on", "target": "https://example.org/x"}],
        facts={"details.parameters": {"source": "its card", "confidence": "low"}},
        details={"parameters": 1_000_000, "card": "# Its card\n\n<script>alert(1)</script> [go](javascript:alert(1))"},
    )
    page = page_of(Client(), "entry", entry.code)
    assert "1,000,000" in page
    assert re.search(r"Low confidence.*Source:\s*its card", page, re.S)
    assert re.search(r"Licence</dt>\s*<dd>\s*<span class=\"fact__value fact__value--unknown\">Not known", page)
    assert 'href="/catalogue/entries/data/"' in page
    assert 'href="https://example.org/x"' in page
    assert "<script>alert" not in page
    assert 'href="javascript' not in page
    assert "Trained on it" in page_of(Client(), "entry", "data")


def test_a_page_tells_programs_the_same_in_schema_org_and_nothing_ends_its_script() -> None:
    entry = make_entry(title="The </script><b>data</b>")
    page = page_of(Client(), "entry", entry.code)
    said = re.search(r'<script type="application/ld\+json">(.*?)</script>', page, re.S)
    assert said is not None
    told = json.loads(said[1])
    assert (told["@type"], told["name"]) == ("Dataset", "The </script><b>data</b>")
    assert told["url"].endswith(f"/catalogue/entries/{entry.code}")
    draft = draft_entry(make_person(), make_record())
    assert "ld+json" not in page_of(signed_in(draft.steward), "entry", draft.code)
    for standard in re.findall(r'href="(/api/v1/catalogue/entries/[^"]+/as/[^"]+)"', page):
        assert Client().get(standard).status_code == 200


def test_an_entrys_page_takes_the_same_queries_with_many_ties_as_with_none(django_assert_num_queries: Any) -> None:
    entry = make_entry(code="data")
    for more in (0, 4):
        for _number in range(more):
            make_entry("model", relations=[{"kind": "trained-on", "target": "data"}])
        with django_assert_num_queries(5):
            Client().get(f"/catalogue/entries/{entry.code}/")


def test_ties_to_drafts_of_others_lead_nowhere_and_are_not_told() -> None:
    draft = draft_entry(make_person(), make_record("model", title="Secret model"))
    entry = make_entry(relations=[{"kind": "related", "target": draft.code}])
    page = page_of(Client(), "entry", entry.code)
    assert "Secret model" not in page
    assert f"/catalogue/entries/{draft.code}/" not in page
    edit_entry(
        draft.steward,
        draft,
        make_record("model", code=draft.code, relations=[{"kind": "trained-on", "target": entry.code}]),
    )
    assert "Trained on it" not in page_of(Client(), "entry", entry.code)


def test_what_is_retired_says_so_at_its_address() -> None:
    steward = make_person()
    entry = make_entry(steward=steward)
    retire_entry(steward, entry, "It moved to another place.")
    gone = Client().get(f"/catalogue/entries/{entry.code}/")
    assert gone.status_code == 410
    assert "It moved to another place." in gone.content.decode()


def test_of_data_every_field_is_asked() -> None:
    asked = {name for one in steps_of("dataset") for name in one.fields}
    assert asked == Record.model_fields.keys() - {"format", "code"}


@pytest.mark.parametrize("kind", EntryKind.values)
def test_what_the_forms_show_is_what_they_send(kind: str) -> None:
    """Saving each step as it stands changes nothing, and loses nothing that isn't asked of the kind."""
    steward = make_person()
    record = make_record(
        kind,
        keywords=["one", "two, three"],
        languages=["nl", "fy"],
        translations={"nl": {"title": "Titel"}},
        creators=[{"name": "Somebody", "country": "NL"}],
        contact={"name": "Desk", "email": "desk@example.org"},
        distributions=[{"storage": "s3", "location": "s3://bucket/key", "bytes": 10}],
        relations=[{"kind": "related", "target": "https://example.org"}],
        facts={"details.kind": {"source": "a page", "confidence": "high"}, "*": {"source": "b", "confidence": "low"}},
    )
    entry = draft_entry(steward, record)
    client = signed_in(steward)
    for one in steps_of(kind):
        page = client.get(step(entry, one.code))
        form = page.context["form"]
        sent = {name: form[name].value() for name in form.fields if not name.endswith(".remove")}
        answer = client.post(step(entry, one.code), sent)
        assert answer.status_code == 303, (one.code, answer.context["form"].errors)
    entry.refresh_from_db()
    # A profile's code is not the writer's to choose.
    assert entry.as_record() == record.model_copy(update={"code": entry.code})


def test_an_entry_is_begun_described_asked_published_and_found() -> None:
    steward, curator = signed_in(make_person()), signed_in(make_person("officer"))
    begun = steward.post(reverse("portal:new_entry"), {"kind": "dataset", "title": "Frisian speech"})
    entry = Entry.objects.get()
    assert (entry.code, begun["Location"]) == ("frisian-speech", step(entry, "about"))
    said = {"title": "Frisian speech", "summary": "Four hundred hours.", "language": "en", "languages": "fy, nl"}
    assert steward.post(step(entry, "about"), said)["Location"] == step(entry, "details")
    lacking = page_of(steward, "edit_entry", entry.code, "check")
    assert "be published yet" in lacking
    assert "Say whose it is." in lacking
    steward.post(step(entry, "details"), {"details.records": "412000", "details.sheet.motivation": "None was there."})
    steward.post(step(entry, "terms"), {"owner.name": "An academy", "licence": "CC-BY-4.0", "access": "open"})
    place = {"distributions.0.storage": "http", "distributions.0.location": "https://example.org/f.tar"}
    assert steward.post(step(entry, "places"), {**place, "more": "1"})["Location"] == step(entry, "places") + "#more"
    assert steward.post(reverse("portal:ask_entry", args=[entry.code])).status_code == 303
    assert "Frisian speech" in page_of(curator, "curate")
    assert "Four hundred hours." in page_of(curator, "curate_entry", entry.code)
    assert "version 1" in page_of(curator, "publish_entry", entry.code)
    assert curator.post(reverse("portal:publish_entry", args=[entry.code])).status_code == 303
    entry.refresh_from_db()
    assert entry.record["details"]["records"] == 412_000
    assert entry.record["languages"] == ["fy", "nl"]
    assert "<mark>Frisian</mark> speech" in page_of(Client(), "catalogue", query="?q=frisian")


def test_a_fault_stands_at_its_field_in_words() -> None:
    steward = make_person()
    entry = draft_entry(steward, make_record())
    client = signed_in(steward)
    said = {
        "distributions.0.storage": "posix",
        "distributions.0.location": "data",
        "distributions.2.storage": "http",
        "distributions.2.location": "https://example.org",
        "distributions.2.bytes": "many",
        "distributions.2.sha256": "12",
    }
    answer = client.post(step(entry, "places"), said)
    assert answer.status_code == 422
    errors = answer.context["form"].errors
    assert set(errors) == {"distributions.0.location", "distributions.2.bytes", "distributions.2.sha256"}
    page = answer.content.decode()
    assert "This is no address or path of this kind of storage." in page
    assert "Write a whole number." in page
    assert 'value="many"' in page, "what was typed is kept"
    dutch = signed_in(steward, "nl").post(step(entry, "places"), said).content.decode()
    assert "Schrijf een geheel getal." in dutch


def test_faults_of_named_rows_and_lists_find_their_fields() -> None:
    steward = make_person()
    entry = draft_entry(steward, make_record("expert"))
    client = signed_in(steward)
    faults = {
        "languages": ({"translations.1.language": "nl", "translations.1.summary": "x"}, "translations.1.title"),
        "trust": ({"facts.0.field": "details.records", "facts.0.source": "x"}, "facts.0.confidence"),
        "ties": ({"relations.0.kind": "uses", "relations.0.target": "no address"}, "relations.0.target"),
        "details": ({"details.countries": "NL, Belgium"}, "details.countries"),
        "terms": ({"contact.email": "nobody"}, "contact.email"),
        "about": ({"title": " ", "homepage": "ftp:x"}, "title"),
    }
    for name, (said, field) in faults.items():
        errors = client.post(step(entry, name), said).context["form"].errors
        assert field in errors, (name, errors)
    unnamed = client.post(step(entry, "trust"), {"facts.0.source": "x", "facts.0.confidence": "low"})
    assert "facts.0.field" in unnamed.context["form"].errors


def test_a_row_is_taken_away() -> None:
    steward = make_person()
    relations = [{"kind": "related", "target": f"https://example.org/{n}"} for n in range(2)]
    entry = draft_entry(steward, make_record(relations=relations))
    client = signed_in(steward)
    form = client.get(step(entry, "ties")).context["form"]
    sent = {name: form[name].value() for name in form.fields if not name.endswith(".remove")}
    client.post(step(entry, "ties"), {**sent, "relations.0.remove": "on"})
    entry.refresh_from_db()
    assert entry.record["relations"] == relations[1:]


def test_two_who_change_at_once_are_told() -> None:
    steward = make_person()
    entry = draft_entry(steward, make_record())
    client = signed_in(steward)
    form = client.get(step(entry, "terms")).context["form"]
    edit_entry(steward, entry, entry.as_record().model_copy(update={"title": "Meanwhile"}))
    answer = client.post(step(entry, "terms"), {"read": form["read"].value(), "licence": "MIT"})
    assert answer.status_code == 422
    assert "Somebody changed this entry" in answer.content.decode()
    entry.refresh_from_db()
    assert entry.title == "Meanwhile"


def test_a_change_is_shown_beside_what_is_published() -> None:
    steward = make_person()
    entry = make_entry(steward=steward, licence="MIT")
    edit_entry(steward, entry, make_record(code=entry.code, title="After", licence="CC0-1.0"))
    ask_to_publish(steward, entry)
    page = page_of(signed_in(make_person("operator")), "curate_entry", entry.code)
    assert re.search(r"<del[^>]*>MIT</del>.*<ins[^>]*>CC0-1.0</ins>", page, re.S)
    assert "After" not in page_of(Client(), "entry", entry.code, query="?as=proposed")
    assert "After" in page_of(signed_in(steward), "entry", entry.code, query="?as=proposed")


def test_what_is_sent_back_tells_its_steward_why() -> None:
    steward = make_person()
    entry = draft_entry(steward, make_record())
    ask_to_publish(steward, entry)
    curator = signed_in(make_person("officer"))
    address = reverse("portal:send_back_entry", args=[entry.code])
    assert curator.post(address, {"why": ""}).status_code == 422
    assert curator.post(address, {"why": "Whose is it?"}).status_code == 303
    assert "Whose is it?" in page_of(signed_in(steward), "entry", entry.code)
    assert "sent back" in page_of(signed_in(steward), "my_entries")


def test_strangers_find_no_draft_and_no_form() -> None:
    entry = make_entry()
    draft = draft_entry(make_person(), make_record())
    stranger = signed_in(make_person())
    assert stranger.get(f"/catalogue/entries/{draft.code}/").status_code == 404
    for name in ("about", "check", "nothing"):
        assert stranger.get(step(entry, name)).status_code == 404
    assert stranger.post(reverse("portal:retire_entry", args=[entry.code]), {"why": "x"}).status_code == 404
    assert stranger.post(reverse("portal:publish_entry", args=[entry.code])).status_code == 403


def test_a_version_is_shown_as_it_was() -> None:
    steward = make_person()
    entry = make_entry(steward=steward, title="Before")
    edit_entry(steward, entry, make_record(code=entry.code, title="After"))
    signed_in(make_person("officer")).post(reverse("portal:publish_entry", args=[entry.code]))
    assert "Version 1 of 2" in page_of(Client(), "entry_version", entry.code, 1)
    assert Client().get(f"/catalogue/entries/{entry.code}/versions/3/").status_code == 404


def test_a_small_file_is_uploaded_and_given_out() -> None:
    steward = make_person()
    entry = draft_entry(steward, make_record())
    client = signed_in(steward)
    upload = reverse("portal:upload_entry_file", args=[entry.code])
    assert client.post(upload).status_code == 303
    client.post(upload, {"file": SimpleUploadedFile("table.csv", b"a,b\n")})
    page = page_of(client, "entry", entry.code)
    link = re.search(r'href="(/catalogue/entries/[^"]+/files/[0-9a-f]{64}/)"', page)
    assert link is not None
    assert b"".join(client.get(link[1]).streaming_content) == b"a,b\n"  # type: ignore[attr-defined]
    assert Client().get(link[1]).status_code == 404


def test_a_list_of_many_of_ones_own_takes_as_many_queries_as_of_one(django_assert_num_queries: Any) -> None:
    steward = make_person()
    client = signed_in(steward)
    draft_entry(steward, make_record())
    client.get("/catalogue/mine/")
    for more in (0, 4):
        for _number in range(more):
            draft_entry(steward, make_record())
        with django_assert_num_queries(5):
            client.get("/catalogue/mine/")


def test_who_sent_it_back_is_asked_again_and_the_desk_empties() -> None:
    steward, curator = make_person(), make_person("officer")
    entry = draft_entry(steward, make_record())
    ask_to_publish(steward, entry)
    send_back(curator, entry, "Mend it.")
    assert "Nothing waits" in page_of(signed_in(curator), "curate")
    ask_to_publish(steward, entry)
    assert entry.title in page_of(signed_in(curator), "curate")
