"""The catalogue for machines: the feed, entries in standards, OAI-PMH."""

from __future__ import annotations

import json
from typing import Any
from xml.etree import ElementTree as XML

import pytest
from django.test import Client
from tests.factories.catalogue import make_entry, make_record
from tests.factories.world import make_person

from fabriek.catalogue.actions import draft_entry, retire_entry
from fabriek.catalogue.standards import cards, croissant, dcat

pytestmark = pytest.mark.django_db
BASE = "http://testserver/catalogue/entries/"
OAI = {"o": "http://www.openarchives.org/OAI/2.0/"}


def get(path: str, accept: str = "", **asked: Any) -> Any:
    headers = {"Accept": accept} if accept else {}
    return Client().get(f"/api/v1/catalogue{path}", asked, headers=headers)


def test_the_feed_has_what_is_published_and_no_profile_whose_owner_did_not_agree() -> None:
    dataset, model = make_entry("dataset"), make_entry("model")
    make_entry("team", title="A team", purposes=["catalogue", "matching"])
    draft_entry(make_person(), make_record("dataset", title="A draft"))
    response = get("/feed")
    assert response["Content-Type"] == "text/turtle; charset=utf-8"
    reading = dcat.read(response.content, base=BASE)
    assert {record.code for record in reading.records} == {dataset.code, model.code}
    assert reading.records[0] == dataset.as_record()


def test_the_feed_is_read_page_by_page_to_its_end() -> None:
    codes = {make_entry("dataset").code for _number in range(5)}
    path, seen, pages = "/api/v1/catalogue/feed?per_page=2", set[str](), 0
    while path:
        graph = dcat.graph_from(Client().get(path).content, "turtle")
        seen |= {str(node).removeprefix(BASE) for node in graph.subjects(None, dcat.DCAT.Dataset)}
        path, pages = dcat.next_page(graph).removeprefix("http://testserver"), pages + 1
    assert (seen, pages) == (codes, 3)


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("", "text/turtle"),
        ("*/*", "text/turtle"),
        ("application/ld+json", "application/ld+json"),
        ("application/rdf+xml, text/html;q=0.5", "application/rdf+xml"),
        ("text/turtle;q=0.2, application/ld+json;q=0.9", "application/ld+json"),
        ("image/png", "text/turtle"),
    ],
)
def test_the_feed_comes_in_the_form_that_is_asked(accept: str, media_type: str) -> None:
    entry = make_entry("dataset")
    response = get("/feed", accept)
    assert response["Content-Type"] == f"{media_type}; charset=utf-8"
    form = {"text/turtle": "turtle", "application/ld+json": "json-ld", "application/rdf+xml": "xml"}[media_type]
    assert dcat.read(response.content, form, base=BASE).record == entry.as_record()
    assert get("/feed", "text/turtle", form="json-ld")["Content-Type"].startswith("application/ld+json")


def test_an_entry_in_each_standard_that_has_words_for_it() -> None:
    dataset, story = make_entry("dataset", title="Rain </script>"), make_entry("story")
    where = f"/entries/{dataset.code}/as"
    assert dcat.read(get(f"{where}/turtle").content, base=BASE).record == dataset.as_record()
    assert dcat.read(get(f"{where}/json-ld").content, "json-ld", base=BASE).record == dataset.as_record()
    assert croissant.read(get(f"{where}/croissant").content).record == dataset.as_record()
    assert cards.read(get(f"{where}/card").content, "dataset").record == dataset.as_record()
    shown = get(f"{where}/schema-org").content.decode()
    assert "</script>" not in shown
    assert json.loads(shown)["name"] == "Rain </script>"
    assert get(f"/entries/{story.code}/as/schema-org").status_code == 200
    refused = get(f"/entries/{story.code}/as/croissant")
    assert refused.status_code == 404
    assert "turtle, json-ld, schema-org" in refused.json()["detail"]


def test_what_is_not_published_is_in_no_standard() -> None:
    draft = draft_entry(make_person(), make_record("dataset"))
    assert get(f"/entries/{draft.code}/as/turtle").status_code == 404


def test_harvesters_see_what_was_retired_as_deleted_and_no_draft() -> None:
    kept, gone = make_entry("dataset"), make_entry("model")
    draft_entry(make_person(), make_record("dataset"))
    make_entry("expert", title="A person", purposes=["catalogue"])
    retire_entry(make_person("officer"), gone, "It is no more.")
    answer = XML.fromstring(get("/oai", verb="ListRecords", metadataPrefix="dcat_ap").content)
    found = answer.findall(".//o:header", OAI)
    headers = {header.findtext("o:identifier", "", OAI): header.get("status") for header in found}
    assert headers == {f"oai:testserver:{kept.code}": None, f"oai:testserver:{gone.code}": "deleted"}
    metadata = answer.findall(".//o:metadata/*", OAI)
    assert dcat.read(XML.tostring(metadata[0], encoding="unicode"), "xml", base=BASE).record == kept.as_record()


def test_a_harvest_of_what_changed_since_names_only_that() -> None:
    entry = make_entry("dataset")
    stamp = XML.fromstring(get("/oai", verb="ListIdentifiers", metadataPrefix="oai_dc").content)
    changed = stamp.findtext(".//o:datestamp", "", OAI)
    again = {"verb": "ListIdentifiers", "metadataPrefix": "oai_dc", "from": changed, "until": changed}
    assert entry.code in get("/oai", **again).content.decode()
    later = get("/oai", **{**again, "until": "2999-01-01T00:00:00Z", "from": "2998-01-01T00:00:00Z"})
    assert 'code="noRecordsMatch"' in later.content.decode()


def test_oai_is_asked_by_post_too() -> None:
    make_entry("dataset")
    answer = Client().post("/api/v1/catalogue/oai", {"verb": "Identify"})
    assert answer.status_code == 200
    assert "<oai:protocolVersion>2.0</oai:protocolVersion>" in answer.content.decode()
