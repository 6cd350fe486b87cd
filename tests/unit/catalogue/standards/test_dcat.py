"""DCAT-AP 3 and MLDCAT-AP 3, out and in."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pyshacl import validate
from rdflib import DCTERMS, RDF, Graph, Literal, URIRef
from tests.factories.catalogue import make_record

from fabriek.catalogue.record import Record
from fabriek.catalogue.standards import dcat
from fabriek.catalogue.standards.rdf_words import DCAT, IT6
from fabriek.catalogue.standards.reading import StandardBroken

BASE = "https://fabriek.example/catalogue/"
DATA = Path(__file__).parent / "data"
ABOUT = dcat.Catalogue(
    address="https://fabriek.example/feed",
    title="A catalogue",
    description="What a factory has.",
    publisher="A factory",
    homepage="https://fabriek.example/",
)


def dataset() -> Record:
    """A dataset that says all that DCAT-AP has a word for."""
    return make_record(
        "dataset",
        code="weather",
        title="Weather",
        summary="Weather, for a century.",
        description="A century of *weather*.",
        translations={"nl": {"title": "Weer", "description": "Een eeuw weer."}},
        keywords=["rain", "wind"],
        sectors=["environment"],
        tasks=["forecasting"],
        languages=["de", "nl"],
        version="2.1",
        access="open",
        conditions="Name the source.",
        creators=[{"name": "A. Writer", "identifier": "https://orcid.org/0000-0002-1825-0097"}],
        contact={"name": "Desk", "email": "desk@example.org", "url": "https://example.org/desk"},
        homepage="https://example.org/weather",
        documentation="https://example.org/manual",
        identifier="https://doi.org/10.1000/182",
        issued="2020-01-02",
        modified="2024-03-04",
        distributions=[
            {"storage": "http", "location": "https://example.org/a.csv", "media_type": "text/csv", "bytes": 12,
             "sha256": "a" * 64, "name": "a"},
            {"storage": "posix", "location": "/data/a", "site": "lumi"},
            {"storage": "hub", "location": "owner/weather"},
        ],
        relations=[{"kind": "derived-from", "target": "clouds"}, {"kind": "documents", "target": "https://example.org/x"}],
        details={"places": ["Fryslân"], "covers_from": "1901-01-01", "citation": "Writer (2020)",
                 "sheet": {"collection": "Measured by hand."}},
    )  # fmt: skip


def model() -> Record:
    """A model that says all that MLDCAT-AP has a word for."""
    return make_record(
        "model",
        code="small-model",
        title="Small model",
        version="1",
        relations=[{"kind": "trained-on", "target": "weather"}, {"kind": "based-on", "target": "https://example.org/m"}],
        details={"parameters": 7_000_000_000, "architecture": "transformer", "library": "PyTorch",
                 "intended_use": "Forecasts.", "limitations": "Rain only.",
                 "metrics": [{"name": "accuracy", "value": 0.5, "dataset": "weather"}]},
    )  # fmt: skip


def every_kind() -> list[Record]:
    others = ["software", "training", "expert", "team", "service", "funding", "investor", "venture", "story"]
    return [dataset(), model(), *[make_record(kind) for kind in others]]


def shapes() -> Graph:
    return Graph().parse(data=(DATA / "dcat-ap-3.0.0-shacl.jsonld").read_text(), format="json-ld")


def test_a_feed_of_every_kind_holds_by_the_official_shapes() -> None:
    page = dcat.Page(this=f"{ABOUT.address}?page=1", first=f"{ABOUT.address}?page=1", last="", total=11)
    feed = dcat.graph_of(every_kind(), base=BASE, catalogue=ABOUT, page=page)
    holds, _graph, says = validate(feed, shacl_graph=shapes(), advanced=False)
    assert holds, says


def test_the_shapes_find_what_is_missing() -> None:
    """The test above can fail: without its mandatory title a dataset doesn't hold."""
    feed = dcat.graph_of([dataset()], base=BASE, catalogue=ABOUT)
    feed.remove((URIRef(BASE + "weather"), DCTERMS.title, None))
    feed.add((URIRef(BASE + "weather"), DCTERMS.accessRights, Literal("open")))
    holds, _graph, says = validate(feed, shacl_graph=shapes(), advanced=False)
    assert not holds
    assert "title" in says
    assert "accessRights" in says


def test_a_feed_tells_which_entries_it_has_and_which_page_is_next() -> None:
    page = dcat.Page(this="https://f.example/feed?page=1", first="https://f.example/feed?page=1",
                     last="https://f.example/feed?page=2", total=3, next="https://f.example/feed?page=2")  # fmt: skip
    text = dcat.write([dataset(), make_record("story", code="a-story")], base=BASE, catalogue=ABOUT, page=page)
    graph = dcat.graph_from(text, "turtle")
    about = URIRef(ABOUT.address)
    assert list(graph.objects(about, DCAT.dataset)) == [URIRef(BASE + "weather")]
    assert list(graph.objects(about, DCAT.resource)) == [URIRef(BASE + "a-story")]
    assert dcat.next_page(graph) == page.next
    assert [record.code for record in dcat.read(text, base=BASE).records] == ["a-story", "weather"]


def test_what_the_standard_has_words_for_is_not_said_twice() -> None:
    """Of a dataset that says all, only what DCAT-AP can't say stands in Fabriek's namespace."""
    graph = dcat.graph_of([dataset()], base=BASE)
    rest = json.loads(str(graph.value(URIRef(BASE + "weather"), dcat.OURS.rest)))
    paths = {change["path"] for change in rest}
    assert paths == {
        "/distributions/1/storage",
        "/distributions/1/location",
        "/distributions/1/site",
        "/distributions/2/storage",
        "/distributions/2/location",
    }


def test_a_stranger_who_knows_the_standard_only_reads_the_same_facts() -> None:
    read = dcat.read(dcat.write([dataset()], base=BASE), base=BASE, beside=False).record
    meant = dataset()
    for field in ("title", "summary", "description", "translations", "keywords", "sectors", "tasks", "languages",
                  "version", "licence", "access", "conditions", "owner", "creators", "contact", "homepage",
                  "documentation", "identifier", "issued", "modified", "relations", "details"):  # fmt: skip
        assert getattr(read, field) == getattr(meant, field), field


def test_a_change_by_a_stranger_in_the_standard_s_part_is_believed() -> None:
    text = dcat.write([dataset()], base=BASE).replace("A century of", "Two centuries of")
    read = dcat.read(text, base=BASE).record
    assert read.description == "Two centuries of *weather*."
    assert read.distributions[1].site == "lumi"


def test_a_model_is_said_in_mldcat_ap() -> None:
    graph = dcat.graph_of([model()], base=BASE)
    node = URIRef(BASE + "small-model")
    assert (node, RDF.type, IT6.MachineLearningModel) in graph
    assert (node, IT6.trainedOn, URIRef(BASE + "weather")) in graph
    assert (node, IT6.fineTunedFrom, URIRef("https://example.org/m")) in graph
    assert graph.value(node, IT6.totalNumberOfParameters).toPython() == 7_000_000_000  # type: ignore[union-attr]
    read = dcat.read(dcat.write([model()], base=BASE), base=BASE, beside=False).record
    assert (read.kind, read.relations) == ("model", model().relations)
    assert (read.details.architecture, read.details.library) == ("transformer", "PyTorch")  # type: ignore[union-attr]


FOREIGN = """
@prefix dcat: <http://www.w3.org/ns/dcat#> . @prefix dct: <http://purl.org/dc/terms/> .
@prefix foaf: <http://xmlns.com/foaf/0.1/> . @prefix vcard: <http://www.w3.org/2006/vcard/ns#> .
@prefix adms: <http://www.w3.org/ns/adms#> .
<https://data.example/set/4711> a dcat:Dataset ;
  dct:title "Lufttemperatur"@de, "Air temperature"@en ;
  dct:description "<p>Measured &amp; checked.</p><script>alert(1)</script>"@en ;
  dct:publisher <https://data.example/org/1> ;
  dct:accessRights <http://publications.europa.eu/resource/authority/access-right/PUBLIC> ;
  dct:language <http://publications.europa.eu/resource/authority/language/DEU> ;
  dct:issued "2019" ; dct:modified "2024-05-06T07:08:09Z"^^<http://www.w3.org/2001/XMLSchema#dateTime> ;
  dcat:theme <http://publications.europa.eu/resource/authority/data-theme/ENVI> ;
  dcat:contactPoint [ a vcard:Kind ; vcard:fn "Auskunft" ; vcard:hasEmail <mailto:auskunft@data.example> ] ;
  dcat:landingPage <javascript:alert(1)> ;
  adms:versionNotes "none" ;
  dcat:distribution [ a dcat:Distribution ; dcat:accessURL <https://data.example/set/4711.csv> ;
    dct:license <http://publications.europa.eu/resource/authority/licence/CC_BY_4_0> ;
    dct:format <http://publications.europa.eu/resource/authority/file-type/CSV> ; dcat:byteSize "12.0" ] .
<https://data.example/org/1> a foaf:Agent ; foaf:name "Wetteramt" .
<https://data.example/set/4712> a dcat:Dataset ; dct:description "No title."@en .
"""


def test_a_foreign_document_is_read_as_far_as_it_can_be_used() -> None:
    reading = dcat.read(FOREIGN)
    read = reading.record
    assert (read.title, read.translations["de"].title) == ("Air temperature", "Lufttemperatur")
    assert read.description == "Measured & checked."
    assert read.owner is not None
    assert (read.owner.name, read.access, read.licence) == ("Wetteramt", "open", "CC-BY-4.0")
    assert (read.sectors, read.languages, read.contact.email) == (["environment"], ["de"], "auskunft@data.example")
    assert (read.issued, str(read.modified), read.homepage) == (None, "2024-05-06", "")
    assert read.distributions[0].media_type == "CSV"
    told = "\n".join(reading.unused)
    assert "versionNotes" in told
    assert "homepage was left out" in told
    assert "4712: title: Field required" in told


IN_SEMICS_WORDS = """{
  "@context": "%s",
  "@id": "https://data.example/", "@type": "Catalogue", "title": "Wetter",
  "dataset": [{
    "@id": "https://data.example/set/air", "@type": "Dataset",
    "title": [{"@value": "Lufttemperatur", "@language": "de"}, {"@value": "Air temperature", "@language": "en"}],
    "description": "Measured by the hour.", "keyword": ["air"], "version": "2.1", "releaseDate": "2019-02-01",
    "publisher": {"@id": "https://data.example/org/1", "@type": "Agent", "name": "Wetteramt"},
    "accessRights": "http://publications.europa.eu/resource/authority/access-right/PUBLIC",
    "language": ["http://publications.europa.eu/resource/authority/language/DEU"],
    "theme": "http://publications.europa.eu/resource/authority/data-theme/ENVI",
    "landingPage": "https://data.example/air.html",
    "temporalCoverage": {"@type": "PeriodOfTime", "startDate": "1990-01-01", "endDate": "2018-12-31"},
    "datasetDistribution": {
      "@id": "https://data.example/air/csv", "@type": "Distribution",
      "accessUrl": "https://data.example/air", "downloadUrl": "https://data.example/air.csv", "byteSize": "42",
      "licence": "http://publications.europa.eu/resource/authority/licence/CC_BY_4_0",
      "mediaType": "https://www.iana.org/assignments/media-types/text/csv",
      "checksum": {"@type": "Checksum", "checksumValue": "%s"}
    }
  }]
}"""


@pytest.mark.parametrize(
    "address",
    [
        "https://semiceu.github.io/DCAT-AP/releases/3.0.0/context/dcat-ap.jsonld",
        "https://semiceu.github.io/uri.semic.eu-generated/DCAT-AP/releases/3.0.1/context/dcat-ap.jsonld",
        "https://raw.githubusercontent.com/SEMICeu/DCAT-AP/master/releases/2.0.1/dcat-ap_2.0.1.jsonld",
    ],
)
def test_a_document_in_the_labels_of_dcat_ap_is_understood_without_fetching_its_context(address: str) -> None:
    reading = dcat.read(IN_SEMICS_WORDS % (address, "AB" * 32), "json-ld")
    read = reading.record
    assert (read.code, read.title, read.translations["de"].title) == ("air", "Air temperature", "Lufttemperatur")
    assert read.owner is not None
    assert (read.owner.name, read.access, read.licence, read.version) == ("Wetteramt", "open", "CC-BY-4.0", "2.1")
    assert (read.languages, read.sectors, read.keywords) == (["de"], ["environment"], ["air"])
    assert (str(read.issued), read.homepage) == ("2019-02-01", "https://data.example/air.html")
    assert (str(read.details.covers_from), str(read.details.covers_until)) == ("1990-01-01", "2018-12-31")
    (place,) = read.distributions
    assert (place.location, place.bytes, place.sha256) == ("https://data.example/air.csv", 42, "ab" * 32)
    assert place.media_type == "text/csv"
    assert reading.unused == ()


def test_what_is_too_long_is_cut_and_told() -> None:
    text = FOREIGN.replace("Measured", "x" * 30_000)
    reading = dcat.read(text)
    assert len(reading.record.description) == 20_000
    assert any("description was cut" in remark for remark in reading.unused)


@pytest.mark.parametrize(
    ("form", "document", "why"),
    [
        ("turtle", "this is no turtle <", "no turtle"),
        ("json-ld", "{", "no JSON"),
        ("json-ld", "[" * 5_000 + "]" * 5_000, "nested too deeply"),
        ("json-ld", '{"@context": "https://evil.example/c.jsonld", "@type": "x"}', "not fetched"),
        ("json-ld", '{"@context": {"a": {"@id": "x:a", "@context": "http://127.0.0.1/c"}}, "a": 1}', "not fetched"),
        ("json-ld", '{"@context": "https://evil.example/DCAT-AP/dcat-ap.jsonld", "@type": "x"}', "not known here"),
        ("json-ld", '{"@context": {"@import": "http://127.0.0.1/c"}}', "not fetched"),
        ("xml", '<!DOCTYPE r [<!ENTITY a "b">]><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"/>',
         "document type"),
        ("xml", '<!DOCTYPE r SYSTEM "http://127.0.0.1/x.dtd"><r/>', "document type"),
        ("xml", "<r>", "no XML"),
        ("turtle", b"\xff\xfe", "no UTF-8"),
        ("turtle", "<a:b> <a:c> <a:d> .", "no dataset"),
        ("turtle", "#" * (20 * 2**20 + 1), "larger than"),
    ],
)  # fmt: skip
def test_hostile_documents_are_refused(form: dcat.Form, document: str | bytes, why: str) -> None:
    with pytest.raises(StandardBroken, match=why):
        dcat.read(document, form)


def test_what_stands_beside_and_does_not_hold_is_passed_over_and_told() -> None:
    text = dcat.write([dataset()], base=BASE).replace("/distributions/1/site", "/distributions/9/site")
    reading = dcat.read(text, base=BASE)
    assert reading.record.title == "Weather"
    assert any("does not fit" in remark for remark in reading.unused)
