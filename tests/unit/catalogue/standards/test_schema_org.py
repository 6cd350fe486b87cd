"""schema.org on pages: the same facts as the record, and no way out of the script."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given, settings
from rdflib import RDF, Graph, Literal, URIRef
from tests.factories.catalogue import make_record
from tests.factories.records import records

from fabriek.catalogue.record import KINDS, Record
from fabriek.catalogue.standards import guarding, schema_org

BASE = "https://fabriek.example/catalogue/"
SCHEMA = "http://schema.org/"
COMMON: dict[str, Any] = {
    "code": "one",
    "title": "One",
    "summary": "In short.",
    "description": "At length.",
    "keywords": ["a keyword"],
    "tasks": ["a task"],
    "sectors": ["a sector"],
    "languages": ["nl"],
    "homepage": "https://example.org/one",
}
# Of each kind: what is told of it, and by which property of which node it is found again (None: the entry itself).
TOLD: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "dataset": (
        "Dataset",
        {"details": {"places": ["Delft"], "covers_from": "2000-01-01", "citation": "Cite"}, "licence": "CC-BY-4.0"},
        {"license": "http://spdx.org/licenses/CC-BY-4.0", "temporalCoverage": "2000-01-01/..", "creditText": "Cite"},
    ),
    "model": ("CreativeWork", {"details": {"intended_use": "Use"}, "version": "3"}, {"usageInfo": "Use"}),
    "software": (
        "SoftwareSourceCode",
        {"details": {"form": "library", "repository": "https://example.org/r", "programming_languages": ["Rust"]}},
        {"codeRepository": "https://example.org/r", "programmingLanguage": "Rust"},
    ),
    "training": (
        "Course",
        {"details": {"mode": "online", "level": "beginner", "teaches": ["MPI"], "hours": 12, "starts": "2026-02-03"}},
        {"educationalLevel": "beginner", "teaches": "MPI", "courseMode": "online", "courseWorkload": "PT12H",
         "startDate": "2026-02-03"},
    ),
    "expert": ("Person", {"details": {"skills": ["CUDA"], "countries": ["NL"]}}, {"knowsAbout": "CUDA", "name": "NL"}),
    "team": ("Organization", {"details": {"seeks": ["data"]}}, {"seeks": None, "name": "data"}),
    "service": ("Service", {"details": {"activity": "training", "price": "free"}}, {"serviceType": "training"}),
    "funding": (
        "MonetaryGrant",
        {"details": {"opens": "2026-01-01", "closes": "2026-03-01", "most": 60_000, "programme": "P"}},
        {"startTime": "2026-01-01", "endTime": "2026-03-01", "maxValue": "60000", "alternateName": "P"},
    ),
    "investor": ("Organization", {"details": {"ticket_least": 5, "rounds": ["seed"]}}, {"minValue": "5"}),
    "venture": ("Project", {"details": {"seeks": ["a partner"]}}, {"name": "a partner"}),
    "story": ("Article", {"details": {"organisation": "Org", "outcome": "It works."}}, {"articleBody": "It works."}),
}  # fmt: skip


def parsed(record: Record) -> Graph:
    """The document as RDF, with schema.org's context as it is known without fetching it."""
    node = json.loads(schema_org.embedded(schema_org.document(record, base=BASE)))
    return Graph().parse(data=json.dumps(guarding.with_known_contexts(node)), format="json-ld")


def test_each_kind_is_told_of() -> None:
    assert set(TOLD) == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_the_page_s_json_ld_says_the_facts_of_the_record(kind: str) -> None:
    type_, said, found = TOLD[kind]
    record = make_record(kind, **{**COMMON, **said})
    graph, node = parsed(record), URIRef(BASE + "one")
    assert (node, RDF.type, URIRef(SCHEMA + type_)) in graph
    assert str(graph.value(node, URIRef(SCHEMA + "name"))) == "One"
    assert str(graph.value(node, URIRef(SCHEMA + "description"))) == "At length."
    assert str(graph.value(node, URIRef(SCHEMA + "sameAs"))) == "https://example.org/one"
    for word, value in found.items():
        values = {str(one) for one in graph.objects(None, URIRef(SCHEMA + word))}
        assert values if value is None else value in values, (word, values)


@settings(max_examples=60, deadline=None)
@given(record=records())
def test_nothing_is_said_that_the_record_does_not_say(record: Record) -> None:
    """Each text of the document is in the record, or is schema.org's own word or ours."""
    known = json.dumps(record.as_json(), ensure_ascii=False)
    fixed = {"EUR", "true", record.language, "http://data.europa.eu/it6/MachineLearningModel"}
    for _subject, property_, value in parsed(record):
        said = str(value)
        if not isinstance(value, Literal) or str(property_) == SCHEMA + "url" or said in fixed:
            continue
        for written in ("http://spdx.org/licenses/", "https://huggingface.co/", "urn:fabriek:vocabulary:", "PT"):
            said = said.removeprefix(written)
        days = said.split("/") if str(property_) == SCHEMA + "temporalCoverage" else [said]
        bare = [day.removesuffix(" B").removesuffix("H") for day in days if day != ".."]
        assert all(json.dumps(one, ensure_ascii=False)[1:-1] in known for one in bare), (property_, value)


class _Scripts(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


@settings(max_examples=60, deadline=None)
@given(record=records())
def test_no_text_ends_the_script_in_which_it_stands(record: Record) -> None:
    document = schema_org.document(record, base=BASE)
    page = _Scripts()
    page.feed(f'<script type="application/ld+json">{schema_org.embedded(document)}</script>')
    page.close()
    assert page.tags == ["script"]
    assert json.loads(page.text) == document
    assert "<" not in page.text
