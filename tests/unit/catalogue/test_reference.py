"""The reference catalogue that comes with the package: what its records say, and that loading keeps what is ours."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from packaging.licenses import canonicalize_license_expression
from tests.factories.world import make_person
from typer.testing import CliRunner

from fabriek.catalogue.actions import edit_entry, publish_entry, retire_entry, take_in
from fabriek.catalogue.errors import RecordInvalid
from fabriek.catalogue.models import Entry, Tie, Version
from fabriek.catalogue.record import Record
from fabriek.catalogue.reference import ORIGIN, load_reference_catalogue, reference_files, reference_records
from fabriek.catalogue.rules import PERSONAL, lacks
from fabriek.cli.main import app
from fabriek.people.models import OrganisationClass
from fabriek.programmes.reference import AI_FACTORY_ACTIVITIES
from fabriek.register.reference import load_reference

ROOT = Path(__file__).parents[3]
RECORDS = reference_records()
LEAST = {
    "dataset": 60,
    "model": 40,
    "software": 30,
    "training": 15,
    "service": 15,
    "funding": 15,
    "investor": 4,
    "story": 3,
}


def codes_not(holds: Callable[[Record], bool]) -> list[str]:
    return [record.code for record in RECORDS if not holds(record)]


def test_there_are_enough_of_each_kind() -> None:
    counted = Counter(record.kind for record in RECORDS)
    assert sum(counted.values()) >= 200
    assert {kind: counted[kind] for kind, least in LEAST.items() if counted[kind] < least} == {}
    assert not PERSONAL & counted.keys(), "people say of themselves that they are there"


def test_each_file_holds_one_kind() -> None:
    for file in reference_files():
        kinds = {record.kind for record in reference_records(file)}
        assert len(kinds) == 1, file
        assert file.startswith(kinds.pop()), file


def test_each_is_itself_and_no_other() -> None:
    assert len({record.code for record in RECORDS}) == len(RECORDS)
    twice = Counter((record.title.lower(), record.homepage) for record in RECORDS)
    assert [one for one, times in twice.items() if times > 1] == []
    titles = Counter((record.kind, record.title.lower()) for record in RECORDS)
    assert [one for one, times in titles.items() if times > 1] == []


def test_each_may_be_published() -> None:
    assert {record.code: faults for record in RECORDS if (faults := lacks(record))} == {}


def test_each_says_where_it_knows_it_from() -> None:
    """High: read there, on that day. Medium and low: where to look, and nobody looked yet."""
    for record in RECORDS:
        assert "*" in record.facts, record.code
        for field, fact in record.facts.items():
            assert re.match(r"https?://[\w.-]+\.[a-z]+(/|$)", fact.source), (record.code, field)
            assert (fact.confidence == "high") == (fact.seen_on is not None), (record.code, field)
            head, _, rest = field.partition(".")
            there = type(record.details).model_fields if head == "details" and rest else type(record).model_fields
            assert field == "*" or (rest or head) in there, (record.code, field)


def test_each_is_well_described() -> None:
    assert codes_not(lambda record: 40 <= len(record.summary) <= 300) == []
    assert codes_not(lambda record: len(record.description) >= 120) == []
    assert codes_not(lambda record: len(re.findall(r"[.!?](\s|$)", record.description)) >= 2) == []
    assert codes_not(lambda record: len(record.keywords) >= 3) == []
    assert codes_not(lambda record: record.homepage.startswith(("https://", "http://"))) == []
    assert codes_not(lambda record: record.owner is not None) == []
    assert codes_not(lambda record: record.kind not in {"dataset", "model", "software"} or bool(record.tasks)) == []


def test_each_is_told_in_dutch_too() -> None:
    for record in RECORDS:
        told = record.translations["nl"]
        assert len(told.summary) >= 40, record.code
        assert told.summary != record.summary, record.code


def test_licences_are_of_the_spdx_list_or_addresses() -> None:
    for record in RECORDS:
        if record.licence and "://" not in record.licence:
            assert canonicalize_license_expression(record.licence) == record.licence, record.code


def test_ties_lead_to_entries_that_are_there() -> None:
    codes = {record.code for record in RECORDS}
    for record in RECORDS:
        for tie in record.relations:
            assert tie.target in codes, (record.code, tie.target)
            assert tie.target != record.code, record.code


def test_what_matching_needs_is_said_in_its_words() -> None:
    for record in RECORDS:
        details = record.details
        assert set(getattr(details, "classes", [])) <= set(OrganisationClass.values), record.code
        if details.kind == "service":
            assert details.activity in AI_FACTORY_ACTIVITIES, record.code
            assert set(details.audience) <= set(OrganisationClass.values), record.code


@pytest.mark.django_db
def test_loading_twice_changes_nothing() -> None:
    load_reference()
    assert load_reference_catalogue() == {"added": len(RECORDS), "changed": 0, "same": 0, "kept": 0}
    assert Entry.objects.filter(is_reference=True, state="published").count() == len(RECORDS)
    assert not Tie.objects.filter(target=None).exists()
    versions = Version.objects.count()
    assert load_reference_catalogue() == {"added": 0, "changed": 0, "same": len(RECORDS), "kept": 0}
    assert Version.objects.count() == versions


@pytest.mark.django_db
def test_a_newer_edition_of_the_package_refreshes_what_it_says_otherwise() -> None:
    load_reference()
    older = RECORDS[0].model_copy(update={"summary": "As an older edition told it."})
    take_in(older, ORIGIN, older.code, reference=True)
    taken = load_reference_catalogue()
    assert (taken["changed"], taken["added"]) == (1, len(RECORDS) - 1)
    entry = Entry.objects.get(code=older.code)
    assert (entry.summary, entry.published) == (RECORDS[0].summary, 2)


@pytest.mark.django_db
def test_what_a_steward_took_over_or_retired_stays() -> None:
    load_reference()
    load_reference_catalogue()
    mine, gone = Entry.objects.get(code=RECORDS[0].code), Entry.objects.get(code=RECORDS[1].code)
    steward, curator = make_person(), make_person("officer")
    Entry.objects.filter(pk=mine.pk).update(steward=steward)
    mine.refresh_from_db()
    ours = mine.as_record().model_copy(update={"summary": "As its steward here tells it, in other words."})
    edit_entry(steward, mine, ours)
    publish_entry(curator, mine)
    retire_entry(curator, gone, "Not of use here.")
    Entry.objects.filter(pk=gone.pk).update(sha256="0" * 64)
    assert load_reference_catalogue() == {"added": 0, "changed": 0, "same": len(RECORDS) - 2, "kept": 2}
    mine.refresh_from_db()
    gone.refresh_from_db()
    assert (mine.summary, gone.state) == (ours.summary, "retired")


@pytest.mark.django_db
def test_without_the_register_nothing_is_loaded_at_all() -> None:
    with pytest.raises(RecordInvalid):
        load_reference_catalogue()
    assert not Entry.objects.exists()


@pytest.mark.django_db
def test_the_command_loads_it_with_the_register_that_it_needs() -> None:
    first = CliRunner().invoke(app, ["catalogue", "load-reference", "--json"])
    assert first.exit_code == 0, first.output
    assert json.loads(first.stdout)["added"] == len(RECORDS)
    again = CliRunner().invoke(app, ["catalogue", "load-reference"])
    assert again.stdout.startswith(f"0 added, 0 changed, {len(RECORDS)} the same")


def test_its_page_counts_what_the_files_hold() -> None:
    """docs/explanation/reference-catalogue.md: entries by kind, those with a fact that was read, and facts by mark."""
    page = (ROOT / "docs/explanation/reference-catalogue.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([A-Z][\w ]+) \| (\d+) \| (\d+) \| (\d+) \|$", page, re.MULTILINE)
    counted = [
        (len(of_kind), sum(read), len(of_kind) - sum(read))
        for kind in LEAST
        if (of_kind := [record for record in RECORDS if record.kind == kind])
        and (read := [any(fact.confidence == "high" for fact in record.facts.values()) for record in of_kind])
    ]
    counted.append(tuple(map(sum, zip(*counted, strict=True))))
    assert [tuple(map(int, figures)) for _name, *figures in rows] == counted
    marks = Counter(fact.confidence for record in RECORDS for fact in record.facts.values())
    assert f"{marks['high']} are marked high, {marks['medium']} medium and {marks['low']} low" in page
