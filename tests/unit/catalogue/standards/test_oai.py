"""OAI-PMH 2.0: each verb, each error, and a harvest that is cut off and goes on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree as XML

import pytest
from tests.factories.catalogue import make_record

from fabriek.catalogue.record import KINDS
from fabriek.catalogue.standards import dcat, oai

NOW = datetime(2026, 5, 6, 7, 8, 9, tzinfo=UTC)
START = datetime(2026, 1, 1, tzinfo=UTC)
ABOUT = oai.Repository(
    name="A catalogue",
    address="https://fabriek.example/oai",
    base="https://fabriek.example/catalogue/",
    email="desk@fabriek.example",
    earliest=START,
    host="fabriek.example",
)
NAMES = {"o": oai.OAI, "dc": oai.DC}


class Shelf:
    """A source in memory."""

    def __init__(self, items: list[oai.Item]) -> None:
        self.items = items

    def get(self, code: str) -> oai.Item | None:
        return next((item for item in self.items if item.code == code), None)

    def _within(self, since: datetime | None, until: datetime | None, kind: str) -> list[oai.Item]:
        found = [
            item
            for item in self.items
            if (not since or item.changed >= since) and (not until or item.changed <= until) and kind in {"", item.kind}
        ]
        return sorted(found, key=lambda item: (item.changed, item.code))

    def after(
        self, last: tuple[datetime, str] | None, *, since: datetime | None, until: datetime | None, kind: str, most: int
    ) -> Sequence[oai.Item]:
        found = self._within(since, until, kind)
        return [item for item in found if last is None or (item.changed, item.code) > last][:most]

    def count(self, *, since: datetime | None, until: datetime | None, kind: str) -> int:
        return len(self._within(since, until, kind))


def shelf(number: int = 5) -> Shelf:
    items = []
    for index in range(number):
        kind = "dataset" if index % 2 == 0 else "model"
        record = make_record(kind, code=f"entry-{index}", title=f"Entry <{index}> \ufffe", keywords=["k"])
        items.append(oai.Item(record.code, kind, START + timedelta(days=index // 2), record))
    items[-1] = oai.Item(items[-1].code, items[-1].kind, items[-1].changed, None)
    return Shelf(items)


def ask(source: oai.Source | None = None, page: int = oai.PAGE, **said: str) -> XML.Element:
    arguments = {key.rstrip("_"): [value] for key, value in said.items()}
    return XML.fromstring(oai.answer(arguments, source or shelf(), ABOUT, NOW, page=page))


def error_of(answer: XML.Element) -> str:
    found = answer.findall("o:error", NAMES)
    return found[0].get("code", "") if len(found) == 1 else ""


def texts(answer: XML.Element, path: str) -> list[str]:
    return [node.text or "" for node in answer.findall(path, NAMES)]


def test_identify_says_what_harvesters_need() -> None:
    answer = ask(verb="Identify")
    assert texts(answer, "o:responseDate") == ["2026-05-06T07:08:09Z"]
    assert texts(answer, "o:Identify/o:earliestDatestamp") == ["2026-01-01T00:00:00Z"]
    assert texts(answer, "o:Identify/o:deletedRecord") == ["persistent"]
    assert answer.find("o:request", NAMES).attrib == {"verb": "Identify"}  # type: ignore[union-attr]


def test_formats_and_sets() -> None:
    formats = texts(ask(verb="ListMetadataFormats"), "o:ListMetadataFormats/o:metadataFormat/o:metadataPrefix")
    assert formats == ["oai_dc", "dcat_ap"]
    assert texts(ask(verb="ListSets"), "o:ListSets/o:set/o:setSpec") == list(KINDS)


def test_a_record_in_dublin_core_and_in_dcat_ap() -> None:
    identifier = "oai:fabriek.example:entry-0"
    answer = ask(verb="GetRecord", identifier=identifier, metadataPrefix="oai_dc")
    assert texts(answer, ".//dc:title") == ["Entry <0> \ufffd"]
    assert texts(answer, ".//dc:type") == ["dataset"]
    answer = ask(verb="GetRecord", identifier=identifier, metadataPrefix="dcat_ap")
    inner = answer.find(".//o:metadata/*", NAMES)
    assert inner is not None
    read = dcat.read(XML.tostring(inner, encoding="unicode"), "xml", base=ABOUT.base).record
    assert (read.code, read.title, read.keywords) == ("entry-0", "Entry <0> \ufffe", ["k"])


def test_what_was_retired_is_a_deleted_record_without_metadata() -> None:
    answer = ask(verb="GetRecord", identifier="oai:fabriek.example:entry-4", metadataPrefix="oai_dc")
    record = answer.find("o:GetRecord/o:record", NAMES)
    assert record is not None
    assert record.find("o:header", NAMES).get("status") == "deleted"  # type: ignore[union-attr]
    assert record.find("o:metadata", NAMES) is None


@pytest.mark.parametrize("verb", ["ListRecords", "ListIdentifiers"])
def test_a_list_goes_on_from_its_token_until_an_empty_one(verb: str) -> None:
    source, seen = shelf(7), list[str]()
    answer = ask(source, 3, verb=verb, metadataPrefix="oai_dc")
    while True:
        seen += texts(answer, ".//o:header/o:identifier")
        token = answer.find(f"o:{verb}/o:resumptionToken", NAMES)
        assert token is not None
        before = len(seen) - len(texts(answer, ".//o:header/o:identifier"))
        assert (token.get("completeListSize"), token.get("cursor")) == ("7", str(before))
        if not token.text:
            break
        answer = ask(source, 3, verb=verb, resumptionToken=token.text)
    assert seen == [f"oai:fabriek.example:entry-{index}" for index in range(7)]


def test_a_token_gives_the_same_page_again_and_misses_nothing_that_changes_meanwhile() -> None:
    source = shelf(6)
    token = ask(source, 2, verb="ListIdentifiers", metadataPrefix="oai_dc").find(".//o:resumptionToken", NAMES)
    assert token is not None
    assert token.text
    once = texts(ask(source, 2, verb="ListIdentifiers", resumptionToken=token.text), ".//o:header/o:identifier")
    again = texts(ask(source, 2, verb="ListIdentifiers", resumptionToken=token.text), ".//o:header/o:identifier")
    assert once == again
    # What was given already moves to the end: the page that follows is the same still.
    source.items[0] = oai.Item("entry-0", "dataset", NOW, source.items[0].record)
    moved = texts(ask(source, 2, verb="ListIdentifiers", resumptionToken=token.text), ".//o:header/o:identifier")
    assert moved == once


def test_a_whole_list_in_one_answer_has_no_token() -> None:
    assert ask(verb="ListIdentifiers", metadataPrefix="oai_dc").find(".//o:resumptionToken", NAMES) is None


@pytest.mark.parametrize(
    ("said", "count"),
    [
        ({"from_": "2026-01-02"}, 3),
        ({"until": "2026-01-01"}, 2),
        ({"from_": "2026-01-02T00:00:00Z", "until": "2026-01-02T00:00:00Z"}, 2),
        ({"set_": "model"}, 2),
    ],
)
def test_a_list_is_narrowed_by_time_and_set(said: dict[str, str], count: int) -> None:
    answer = ask(verb="ListIdentifiers", metadataPrefix="oai_dc", **said)
    assert len(texts(answer, ".//o:header/o:identifier")) == count


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({}, "badVerb"),
        ({"verb": "Delete"}, "badVerb"),
        ({"verb": "Identify", "more": "1"}, "badArgument"),
        ({"verb": "GetRecord", "metadataPrefix": "oai_dc"}, "badArgument"),
        ({"verb": "ListRecords"}, "badArgument"),
        ({"verb": "ListRecords", "metadataPrefix": "oai_dc", "from_": "2026"}, "badArgument"),
        ({"verb": "ListRecords", "metadataPrefix": "oai_dc", "from_": "2026-02-30"}, "badArgument"),
        ({"verb": "ListRecords", "metadataPrefix": "oai_dc", "from_": "2026-1-1"}, "badArgument"),
        ({"verb": "ListRecords", "metadataPrefix": "oai_dc", "from_": "2026-01-02", "until": "2026-01-01"},
         "badArgument"),
        ({"verb": "ListRecords", "metadataPrefix": "oai_dc", "from_": "2026-01-01", "until": "2026-01-01T00:00:00Z"},
         "badArgument"),
        ({"verb": "ListRecords", "metadataPrefix": "oai_dc", "resumptionToken": "x"}, "badArgument"),
        ({"verb": "ListRecords", "metadataPrefix": "marc"}, "cannotDisseminateFormat"),
        ({"verb": "ListRecords", "metadataPrefix": "oai_dc", "set_": "books"}, "noRecordsMatch"),
        ({"verb": "ListRecords", "metadataPrefix": "oai_dc", "from_": "2030-01-01"}, "noRecordsMatch"),
        ({"verb": "GetRecord", "metadataPrefix": "oai_dc", "identifier": "oai:other:entry-0"}, "idDoesNotExist"),
        ({"verb": "GetRecord", "metadataPrefix": "oai_dc", "identifier": "oai:fabriek.example:no"}, "idDoesNotExist"),
        ({"verb": "ListMetadataFormats", "identifier": "oai:fabriek.example:no"}, "idDoesNotExist"),
        ({"verb": "ListRecords", "resumptionToken": "x"}, "badResumptionToken"),
        ({"verb": "ListRecords", "resumptionToken": "bnVsbA"}, "badResumptionToken"),
        ({"verb": "ListSets", "resumptionToken": "x"}, "badResumptionToken"),
    ],
)  # fmt: skip
def test_errors_of_the_protocol_are_answers(said: dict[str, str], code: str) -> None:
    assert error_of(ask(**said)) == code


def test_a_token_of_another_verb_is_refused() -> None:
    token = ask(None, 2, verb="ListIdentifiers", metadataPrefix="oai_dc").find(".//o:resumptionToken", NAMES)
    assert token is not None
    assert error_of(ask(verb="ListRecords", resumptionToken=token.text or "")) == "badResumptionToken"


def test_an_argument_that_is_said_twice_is_refused() -> None:
    answer = XML.fromstring(oai.answer({"verb": ["Identify", "Identify"]}, shelf(), ABOUT, NOW))
    assert error_of(answer) == "badVerb"
    answer = XML.fromstring(
        oai.answer({"verb": ["ListRecords"], "metadataPrefix": ["oai_dc", "oai_dc"]}, shelf(), ABOUT, NOW)
    )
    assert error_of(answer) == "badArgument"
