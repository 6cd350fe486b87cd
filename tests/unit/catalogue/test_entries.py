"""The life of an entry."""

from __future__ import annotations

import pytest
from django.db import DatabaseError
from tests.factories.catalogue import make_entry, make_record
from tests.factories.world import make_person

from fabriek.catalogue.actions import (
    ask_to_publish,
    draft_entry,
    edit_entry,
    publish_entry,
    retire_entry,
    send_back,
    take_in,
)
from fabriek.catalogue.actions.entries import working_record
from fabriek.catalogue.errors import ChangedMeanwhile, RecordInvalid, WrongState
from fabriek.catalogue.models import Entry, Version
from fabriek.catalogue.queries import entry_of, published
from fabriek.catalogue.record import RecordBroken, read_record
from fabriek.conf.errors import NotAllowed, NotFound

pytestmark = pytest.mark.django_db


def test_a_draft_is_its_stewards_until_a_curator_publishes_it() -> None:
    steward, curator = make_person(), make_person("officer")
    entry = draft_entry(steward, make_record(title="Frisian speech"))
    with pytest.raises(NotFound):
        entry_of(None, entry.code)
    assert entry_of(steward, entry.code) == entry
    ask_to_publish(steward, entry)
    publish_entry(curator, entry)
    assert entry_of(None, entry.code).published == 1
    assert Version.objects.get(entry=entry).record["title"] == "Frisian speech"


def test_nobody_publishes_their_own_without_the_role() -> None:
    steward = make_person()
    with pytest.raises(NotAllowed):
        publish_entry(steward, draft_entry(steward, make_record()))


def test_what_is_changed_after_publication_waits_for_a_curator() -> None:
    steward = make_person()
    entry = make_entry(steward=steward, title="Before")
    edit_entry(steward, entry, entry.as_record().model_copy(update={"title": "After"}))
    entry.refresh_from_db()
    assert (entry.title, working_record(entry).title) == ("Before", "After")
    publish_entry(make_person("operator"), entry)
    entry.refresh_from_db()
    assert (entry.title, entry.published, entry.proposed) == ("After", 2, None)
    assert [one.record["title"] for one in entry.versions.all()] == ["After", "Before"]


def test_two_who_edit_at_once_are_told() -> None:
    steward = make_person()
    entry = draft_entry(steward, make_record())
    read = entry.sha256
    edit_entry(steward, entry, entry.as_record().model_copy(update={"title": "One"}), read=read)
    with pytest.raises(ChangedMeanwhile):
        edit_entry(steward, entry, entry.as_record().model_copy(update={"title": "Two"}), read=read)


def test_what_lacks_is_named_before_it_is_published() -> None:
    steward = make_person()
    entry = draft_entry(steward, make_record(licence="", homepage="", owner=None, summary=""))
    with pytest.raises(RecordInvalid) as refused:
        ask_to_publish(steward, entry)
    assert set(refused.value.faults) == {"summary", "licence", "distributions", "owner"}


def test_a_version_is_never_changed() -> None:
    entry = make_entry()
    with pytest.raises(DatabaseError, match="append-only"):
        Version.objects.filter(entry=entry).update(number=7)


def test_of_people_no_history_is_kept() -> None:
    make_entry("expert", details={"skills": ["CUDA"]})
    assert not Version.objects.exists()


def test_sent_back_and_retired_with_a_reason() -> None:
    steward, curator = make_person(), make_person("operator")
    entry = draft_entry(steward, make_record())
    with pytest.raises(WrongState):
        send_back(curator, entry, "Too short.")
    ask_to_publish(steward, entry)
    assert send_back(curator, entry, "Too short.").remark == "Too short."
    publish_entry(curator, entry)
    retire_entry(steward, entry, "Superseded.")
    assert entry not in published()
    with pytest.raises(WrongState):
        retire_entry(steward, entry)


def test_what_a_source_says_twice_is_one_entry() -> None:
    record = make_record(title="One")
    said = record.as_json()
    assert take_in(record, "ai-on-demand", "dataset/7") == "added"
    assert take_in(read_record(said), "ai-on-demand", "dataset/7") == "same"
    changed = read_record(said | {"title": "Two"})
    assert take_in(changed, "ai-on-demand", "dataset/7") == "changed"
    assert take_in(record, "hub", "7") == "added"
    codes = [record.code, f"{record.code}-2"]
    assert sorted(Entry.objects.values_list("code", "published")) == [(codes[0], 2), (codes[1], 1)]


def test_ties_find_what_they_name_whichever_came_first() -> None:
    model = make_entry("model", code="a-model", relations=[{"kind": "trained-on", "target": "a-dataset"}])
    assert model.ties.get().target is None
    dataset = make_entry(code="a-dataset")
    assert model.ties.get().target == dataset
    assert [tie.entry for tie in dataset.tied_by.all()] == [model]


@pytest.mark.parametrize(
    ("said", "path"),
    [
        ({"homepage": "javascript:alert(1)"}, "homepage"),
        ({"titel": "misspelt"}, "titel"),
        ({"title": " "}, "title"),
        ({"summary": "a\x00b"}, "summary"),
        ({"description": "x" * 20_001}, "description"),
        ({"distributions": [{"storage": "posix", "location": "data"}]}, "distributions.0"),
        ({"details": {"kind": "dataset", "records": -1}}, "details.records"),
    ],
)
def test_a_record_that_does_not_hold_names_the_field(said: dict[str, object], path: str) -> None:
    with pytest.raises(RecordBroken) as broken:
        read_record(make_record().as_json() | said)
    assert list(broken.value.faults) == [path]


def test_names_of_any_length_and_letters_are_taken_in_and_looked_up_where_they_are_names() -> None:
    """PostgreSQL refuses a row that its index has no room for: 2,704 bytes."""
    letters = "".join(chr(0x4E00 + n * 7 % 20_000) for n in range(1_900))
    long = f"https://data.example/{letters}"
    ties = [{"kind": "related", "target": long}, {"kind": "uses", "target": "not-here-yet"}]
    record = make_record(identifier=long, relations=ties)
    assert take_in(record, "somewhere", "1") == "added"
    assert take_in(make_record(identifier="https://DOI.example/10.1/X"), "somewhere", "2") == "added"
    assert sorted(map(str, Entry.objects.values_list("identifier", flat=True))) == [
        "None",
        "https://doi.example/10.1/x",
    ]
    late = make_entry(code="not-here-yet")
    assert [tie.target for tie in Entry.objects.get(origin_identifier="1").ties.order_by("kind")] == [None, late]
