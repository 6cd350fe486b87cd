"""Croissant, out and in; what we write loads in mlcroissant, the reference implementation."""

from __future__ import annotations

import json
from typing import Any

import mlcroissant
import pytest
from hypothesis import HealthCheck, given, settings
from tests.factories.catalogue import make_record
from tests.factories.records import records

from fabriek.catalogue.record import DatasetDetails, Record
from fabriek.catalogue.standards import croissant
from fabriek.catalogue.standards.reading import StandardBroken

BASE = "https://fabriek.example/catalogue/"


def table() -> Record:
    """A dataset of one table, of which all is known."""
    return make_record(
        "dataset",
        code="rain",
        title="Rain",
        version="1.0.0",
        issued="2020-01-02",
        languages=["nl"],
        keywords=["rain"],
        creators=[{"name": "A. Writer", "identifier": "https://orcid.org/0000-0002-1825-0097"}],
        distributions=[
            {"storage": "http", "location": "https://example.org/rain.csv", "media_type": "text/csv", "bytes": 5,
             "sha256": "0" * 64},
        ],
        details={
            "columns": [{"name": "day", "type": "date"}, {"name": "mm", "type": "float", "description": "of rain"}],
            "citation": "@misc{rain}",
            "sheet": {"collection": "By hand.", "uses": "Forecasts."},
        },
    )  # fmt: skip


def loaded(text: str) -> Any:
    return mlcroissant.Dataset(jsonld=json.loads(text))


def test_mlcroissant_loads_it_without_errors_and_finds_files_and_fields() -> None:
    dataset = loaded(croissant.write(table(), base=BASE))
    assert not dataset.metadata.ctx.issues.errors
    assert not dataset.metadata.ctx.issues.warnings
    assert dataset.metadata.name == "Rain"
    assert [file.content_url for file in dataset.metadata.distribution] == ["https://example.org/rain.csv"]
    assert [field.name for field in dataset.metadata.record_sets[0].fields] == ["day", "mm"]
    assert dataset.metadata.data_collection == "By hand."


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(record=records("dataset"))
def test_mlcroissant_loads_whatever_a_dataset_says(record: Record) -> None:
    assert not loaded(croissant.write(record, base=BASE)).metadata.ctx.issues.errors


def test_what_has_no_checksum_is_not_made_up() -> None:
    """Croissant's FileObject must have one: without it the file stands beside, and is read from there."""
    record = make_record(
        "dataset",
        distributions=[
            {"storage": "http", "location": "https://example.org/a"},
            {"storage": "posix", "location": "/a"},
        ],
        details={"columns": [{"name": "x"}]},
    )
    written = croissant.write(record, base=BASE)
    assert "distribution" not in json.loads(written)
    assert "recordSet" not in json.loads(written)
    assert croissant.read(written).record == record
    assert croissant.read(written, beside=False).record.distributions == []


def test_a_foreign_file_is_read_as_far_as_it_can_be_used() -> None:
    """In the form in which the Hub publishes Croissant: types and files by their short names, keywords in a list."""
    document = {
        "@context": {"@vocab": "https://schema.org/"},
        "@type": "sc:Dataset",
        "name": "polls",
        "description": "<p>Polls of <b>voters</b>.</p>",
        "conformsTo": "http://mlcommons.org/croissant/1.1",
        "creator": {"@type": "Organization", "name": "An institute", "url": "https://institute.example/"},
        "keywords": ["text", "English"],
        "license": "https://creativecommons.org/licenses/by-sa/4.0/",
        "url": "https://hub.example/datasets/institute/polls",
        "distribution": [
            {"@type": "cr:FileObject", "@id": "repo", "name": "repo", "contentUrl": "https://hub.example/tree",
             "encodingFormat": "git+https", "sha256": "https://hub.example/issues/80"},
            {"@type": "cr:FileSet", "@id": "parquet", "containedIn": {"@id": "repo"}, "includes": "*/*.parquet"},
        ],
        "recordSet": [{"@type": "cr:RecordSet", "field": [
            {"@type": "cr:Field", "@id": "q", "name": {"en": "question"}, "dataType": "sc:Text"},
            {"@type": "cr:Field", "@id": "n", "name": "votes", "dataType": ["sc:Integer"]},
        ]}],
        "alternateName": ["p"],
    }  # fmt: skip
    reading = croissant.read(json.dumps(document))
    read = reading.record
    assert isinstance(read.details, DatasetDetails)
    assert (read.code, read.description, read.licence) == ("polls", "Polls of voters.", "CC-BY-SA-4.0")
    assert [(one.name, one.type) for one in read.details.columns] == [("question", "text"), ("votes", "integer")]
    assert [one.location for one in read.distributions] == ["https://hub.example/tree"]
    assert read.creators[0].name == "An institute"
    assert set(reading.unused) == {"the file parquet has no address", "nothing here takes alternateName"}


@pytest.mark.parametrize("document", ["", "[]", '{"@type": "Person", "name": "x"}', '{"@type": "Dataset"}', b"\xff"])
def test_what_is_no_dataset_is_refused(document: str | bytes) -> None:
    with pytest.raises(StandardBroken):
        croissant.read(document)
