"""The reference catalogue, all of it, in the standards: what is published is what holds."""

from __future__ import annotations

import json

import mlcroissant
import pytest
from pyshacl import validate
from rdflib import Graph, URIRef
from tests.unit.catalogue.standards.test_dcat import ABOUT, BASE, shapes

from fabriek.catalogue.record import Record
from fabriek.catalogue.reference import reference_records
from fabriek.catalogue.standards import cards, croissant, dcat, guarding, schema_org


@pytest.fixture(scope="module")
def entries() -> list[Record]:
    return reference_records()


def test_the_whole_feed_holds_by_the_official_shapes_and_is_read_as_it_was(entries: list[Record]) -> None:
    feed = dcat.graph_of(entries, base=BASE, catalogue=ABOUT)
    holds, _graph, says = validate(feed, shacl_graph=shapes(), advanced=False)
    assert holds, says[:2_000]
    read = dcat.read(dcat.as_text(feed, "turtle"), base=BASE)
    assert {one.code: one for one in read.records} == {one.code: one for one in entries}


def test_every_dataset_loads_in_mlcroissant_and_has_a_card(entries: list[Record]) -> None:
    datasets = [one for one in entries if one.kind == "dataset"]
    assert datasets
    for record in datasets:
        text = croissant.write(record, base=BASE)
        assert not mlcroissant.Dataset(jsonld=json.loads(text)).metadata.ctx.issues.errors, record.code
        assert croissant.read(text).record == record
        assert cards.read(cards.write(record), "dataset").record == record


def test_the_json_ld_of_every_page_names_it_as_the_record_does(entries: list[Record]) -> None:
    for record in entries:
        node = json.loads(schema_org.embedded(schema_org.document(record, base=BASE)))
        graph = Graph().parse(data=json.dumps(guarding.with_known_contexts(node)), format="json-ld")
        said = URIRef(BASE + record.code)
        assert str(graph.value(said, URIRef("http://schema.org/name"))) == record.title
        described = record.description or record.summary or record.title
        assert str(graph.value(said, URIRef("http://schema.org/description"))) == described
