"""What real services answered, and what hostile ones may, understood."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.harvest.serving import RECORDED

from fabriek.catalogue.standards.reading import StandardBroken
from fabriek.harvest.network import Fetched
from fabriek.harvest.readers import READERS, Asked, Page

OAI = Asked("https://zenodo.org/oai2d", "user-eu")
HUB = Asked("https://huggingface.co/api/datasets")
AIOD = Asked("https://api.aiod.eu", "datasets,services")
ASKED = {"oai-pmh": OAI, "hub": HUB, "aiod": AIOD, "dcat": Asked("https://data.example/catalog.ttl")}


def read(kind: str, content: bytes | str, media_type: str = "", url: str = "", asked: Asked | None = None) -> Page:
    asked = asked or ASKED[kind]
    raw = content if isinstance(content, bytes) else content.encode()
    return READERS[kind].read(Fetched(url or READERS[kind].first(asked), raw, media_type, {}), asked)


def test_zenodo_is_asked_for_a_set_since_a_moment() -> None:
    since = datetime(2023, 5, 23, 8, tzinfo=UTC)
    asked = Asked("https://zenodo.org/oai2d", "user-eu", since)
    assert READERS["oai-pmh"].first(asked) == (
        "https://zenodo.org/oai2d?verb=ListRecords&metadataPrefix=oai_datacite&set=user-eu&from=2023-05-23T08%3A00%3A00Z"
    )


def test_zenodos_records_are_understood_and_what_is_no_data_is_passed_over() -> None:
    page = read("oai-pmh", (RECORDED / "zenodo-1.xml").read_bytes())
    assert page.next == "https://zenodo.org/oai2d?verb=ListRecords&resumptionToken=.resumption-token-to-page-2"
    assert page.passed_over == 1
    (one,) = page.found
    record = one.record
    assert record is not None
    assert (one.identifier, record.kind, record.title) == (
        "oai:zenodo.org:7947283",
        "dataset",
        "kogalab21/all-alpha_design",
    )
    assert record.identifier == "https://doi.org/10.5281/zenodo.7947283"
    assert (record.version, str(record.issued), record.licence) == ("v1.0.0", "2023-05-18", "")
    assert record.conditions == "Other (Open)"
    assert record.summary.startswith("Source data and demos for the research article entitled")
    assert [party.name for party in record.creators] == ["Nobuyasu Koga"]
    assert {(tie.kind, tie.target) for tie in record.relations} >= {
        ("version-of", "https://doi.org/10.5281/zenodo.7947261"),
        ("related", "https://github.com/kogalab21/all-alpha_design/tree/v0.1.0"),
    }
    last = read("oai-pmh", (RECORDED / "zenodo-2.xml").read_bytes())
    assert (last.next, last.passed_over, len(last.found)) == ("", 1, 1)
    assert last.found[0].record is not None
    assert last.found[0].record.licence == "CC-BY-4.0"
    assert last.found[0].record.keywords == ["Major incident", "Disaster", "Management and leadership"]


def test_what_a_repository_deleted_is_gone_and_its_errors_are_told() -> None:
    envelope = '<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/">{}</OAI-PMH>'
    gone = (
        '<ListRecords><record><header status="deleted"><identifier>oai:x:1</identifier></header></record></ListRecords>'
    )
    assert read("oai-pmh", envelope.format(gone)).gone == ("oai:x:1",)
    assert read("oai-pmh", envelope.format('<error code="noRecordsMatch"/>')) == Page()
    with pytest.raises(StandardBroken, match="badResumptionToken: it ran out"):
        read("oai-pmh", envelope.format('<error code="badResumptionToken">it ran out</error>'))


def test_the_hubs_datasets_are_understood() -> None:
    page = read("hub", (RECORDED / "hub-datasets.json").read_bytes())
    assert [one.identifier for one in page.found] == [
        "rotten_tomatoes",
        "acronym_identification",
        "04-07-22/wep-probes",
        "bobbydylan/top2k",
        "0n1xus/codexglue",
    ]
    reviews, acronyms, probes, *_rest = [one.record for one in page.found]
    assert reviews is not None
    assert acronyms is not None
    assert probes is not None
    assert (reviews.title, reviews.licence) == ("RottenTomatoes - MR Movie Review Data", "")
    assert (acronyms.licence, acronyms.tasks, acronyms.languages) == ("MIT", ["token-classification"], ["en"])
    assert acronyms.homepage == "https://huggingface.co/datasets/acronym_identification"
    assert (acronyms.details.records, acronyms.details.bytes) == (17_473, 9_733_236)  # type: ignore[union-attr]
    assert (probes.owner.name if probes.owner else "", probes.licence) == ("04-07-22", "Apache-2.0")


def test_of_the_hub_only_what_changed_since_is_taken() -> None:
    since = Asked(HUB.address, "", datetime(2023, 1, 1, tzinfo=UTC))
    found = READERS["hub"].read(
        Fetched(HUB.address, (RECORDED / "hub-datasets.json").read_bytes(), "", {"next": "https://huggingface.co/2"}),
        since,
    )
    assert [one.identifier for one in found.found] == ["rotten_tomatoes", "acronym_identification"]
    assert found.next == ""


def test_ai_on_demand_is_read_kind_by_kind() -> None:
    one = {
        "identifier": 4,
        "name": "Bees",
        "description": {"plain": "Sounds of hives"},
        "platform": "zenodo",
        "platform_resource_identifier": "zenodo.org:77",
        "license": "https://creativecommons.org/licenses/by/4.0/",
        "keyword": ["bees"],
        "is_accessible_for_free": True,
        "same_as": "https://zenodo.org/records/77",
        "distribution": [{"content_url": "https://example.org/a.csv", "content_size_kb": 12, "checksum": "ab" * 32,
                          "checksum_algorithm": "SHA-256", "encoding_format": "text/csv"}],
    }  # fmt: skip
    draft = {"identifier": 5, "name": "Secret", "aiod_entry": {"status": "draft"}}
    page = read("aiod", json.dumps([one, draft]))
    record = page.found[0].record
    assert record is not None
    assert (len(page.found), record.title, record.licence, record.access) == (1, "Bees", "CC-BY-4.0", "open")
    assert (record.distributions[0].bytes, record.distributions[0].sha256) == (12_000, "ab" * 32)
    assert page.next == "https://api.aiod.eu/datasets/v1?schema=aiod&offset=2&limit=100"
    assert read("aiod", "[]", url=page.next).next == "https://api.aiod.eu/services/v1?schema=aiod&offset=0&limit=100"
    assert read("aiod", "[]", url="https://api.aiod.eu/services/v1?offset=100").next == ""
    with pytest.raises(StandardBroken, match="persons"):
        READERS["aiod"].first(Asked(AIOD.address, "persons"))


def test_a_dcat_feed_is_read_page_by_page() -> None:
    feed = """
        @prefix dcat: <http://www.w3.org/ns/dcat#> . @prefix dct: <http://purl.org/dc/terms/> .
        @prefix hydra: <http://www.w3.org/ns/hydra/core#> .
        <https://data.example/dataset/1> a dcat:Dataset ; dct:title "Rivers"@en ; dct:description "Levels"@en ;
            dct:license <https://creativecommons.org/publicdomain/zero/1.0/> .
        <https://data.example/dataset/2> a dcat:Dataset ; dct:description "Without a title"@en .
        <https://data.example/catalog.ttl?page=1> a hydra:PagedCollection ;
            hydra:next "https://data.example/catalog.ttl?page=2" .
    """
    page = read("dcat", feed, "text/turtle")
    assert [(one.identifier, one.record.title) for one in page.found if one.record] == [
        ("https://data.example/dataset/1", "Rivers")
    ]
    (lacking,) = [one for one in page.found if one.record is None]
    assert lacking.identifier == "https://data.example/dataset/2"
    assert "title" in lacking.remarks[0]
    assert page.next == "https://data.example/catalog.ttl?page=2"


HOSTILE = {
    "oai-pmh": [
        b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><x>&b;</x>',
        b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><x>&f;</x>',
        b"<html>Not found</html>", b"", b"\x00\xff", b"<a>" * 10_000,
    ],
    "hub": [b"{}", b"[" * 100_000, b"null", b"[NaN]", b'{"error":"no"}', b"\xff"],
    "aiod": [b"{}", b"[" * 100_000, b"3", b'{"detail":"no"}'],
    "dcat": [b"<html>", b"@prefix", b'{"@context":"http://169.254.169.254/"}'],
}  # fmt: skip


@pytest.mark.parametrize(("kind", "content"), [(kind, one) for kind, some in HOSTILE.items() for one in some])
def test_a_document_that_is_none_is_refused_in_a_sentence(kind: str, content: bytes) -> None:
    with pytest.raises(StandardBroken):
        read(kind, content, "application/ld+json" if content.startswith(b"{") else "")


def test_html_in_texts_is_text_and_what_is_too_long_is_cut_and_told() -> None:
    item = {"id": "a/b", "description": "<script>alert(1)</script><p>Good <b>data</b></p>" + "x" * 30_000}
    one = read("hub", json.dumps([item])).found[0]
    assert one.record is not None
    assert one.record.description.startswith("Good data")
    assert "<" not in one.record.description
    assert any("description was cut" in remark for remark in one.remarks)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(
        st.sampled_from(
            ["id", "identifier", "name", "cardData", "tags", "license", "language", "distribution", "description",
             "content_url", "content_size_kb", "safetensors", "total", "dataset_info", "splits", "keyword"]
        ),
        inner, max_size=6,
    ),
    max_leaves=20,
)  # fmt: skip


@given(st.sampled_from(["hub", "aiod"]), st.lists(JSON, max_size=4))
def test_no_json_breaks_a_reader_in_any_other_way(kind: str, said: list[object]) -> None:
    try:
        page = read(kind, json.dumps(said))
    except StandardBroken:
        return
    assert all(one.record is not None or one.remarks for one in page.found)
