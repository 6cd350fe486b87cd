"""The index follows the database, whatever happens to either."""

from __future__ import annotations

import pytest
from tests.factories.catalogue import make_entry, make_record
from tests.factories.world import make_person

from fabriek.catalogue.actions import retire_entry, take_in
from fabriek.catalogue.models import Entry
from fabriek.catalogue.record import read_record
from fabriek.catalogue.search import feeding, terms
from fabriek.catalogue.search.finding import find
from fabriek.catalogue.search.index import Busy, Index

pytestmark = pytest.mark.django_db


def codes(query: str) -> set[str]:
    return {hit.entry.code for hit in find(query).hits}


def is_whole() -> bool:
    """Whether index and database say the same, looked at without mending anything."""
    wanted = {
        str(key): str(int(at.timestamp() * 1_000_000))
        for key, at in feeding._published().values_list("uuid", "changed_at")
    }
    return feeding.index().stamps() == wanted


def test_a_change_is_followed_and_following_twice_does_nothing() -> None:
    first = make_entry(title="Frisian speech")
    feeding.reconcile()
    take_in(make_record(code="taken", title="Frisian poems"), "hub", "1")
    assert feeding.follow() == feeding.Fed(put=1)
    assert feeding.follow() == feeding.Fed()
    assert feeding.follow(overlap=feeding.OVERLAP) == feeding.Fed()
    assert codes("frisian") == {first.code, "taken"}
    take_in(read_record(make_record(title="Saxon poems").as_json() | {"code": "taken"}), "hub", "1")
    assert (codes("frisian"), codes("saxon")) == ({first.code}, {"taken"})
    assert is_whole()


def test_a_change_that_was_seen_late_is_found_by_looking_again() -> None:
    early = make_entry(title="Frisian speech")
    late = make_entry(title="Frisian poems")
    Entry.objects.filter(pk=early.pk).update(state="draft")
    feeding.reconcile()
    # As if its transaction, that began before the other's, had ended only now.
    Entry.objects.filter(pk=early.pk).update(state="published")
    assert feeding.follow() == feeding.Fed()
    assert feeding.follow(overlap=feeding.OVERLAP) == feeding.Fed(put=1)
    assert codes("frisian") == {early.code, late.code}


def test_what_no_time_tells_is_found_by_comparing() -> None:
    kept, gone = make_entry(title="Frisian speech"), make_entry(title="Frisian poems")
    feeding.reconcile()
    gone.versions.all()  # they keep the row: out of the catalogue by hand, as after putting back an older database
    Entry.objects.filter(pk=gone.pk).update(state="draft")
    assert feeding.reconcile() == feeding.Fed(removed=1)
    assert codes("frisian") == {kept.code}
    assert feeding.reconcile() == feeding.Fed()


def test_many_changes_are_left_to_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    make_entry(title="Frisian speech")
    feeding.reconcile()
    monkeypatch.setattr(feeding, "STEP", 1)
    later = [make_entry(title="Frisian poems") for _ in range(2)]
    assert find("frisian").total == 1
    feeding.follow()
    assert find("frisian").total == 3
    assert {entry.code for entry in later} <= codes("frisian")


def test_without_an_index_the_database_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeding, "SMALL", 0)
    make_entry("dataset", title="Frisian speech")
    make_entry("model", title="Frisian model")
    found = find("frisian", {"kind": ["model"]})
    assert (found.by, found.total, found.hits[0].entry.title) == ("database", 1, "Frisian model")
    assert [(one.value, one.count) for one in found.facets["kind"]] == [("model", 1)]
    feeding.reconcile()
    assert find("frisian").by == "index"


def test_while_somebody_else_writes_readers_read_on() -> None:
    make_entry(title="Frisian speech")
    feeding.reconcile()
    other = Index(feeding.folder())
    with other.writing():
        make_entry(title="Frisian poems")
        assert feeding.follow() is None
        assert feeding.reconcile() is None
        with pytest.raises(Busy), feeding.index().writing():
            pass
        assert find("frisian").total == 1
    assert find("frisian").total == 2


def test_a_commit_that_fails_leaves_the_index_as_it_was() -> None:
    entry = make_entry(title="Frisian speech")
    feeding.reconcile()
    index = feeding.index()

    def fail() -> None:
        with index.writing() as writer:
            writer.remove([str(entry.uuid)])
            writer.mark("2999-01-01T00:00:00+00:00")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert index.holds(str(entry.uuid), None) is False
    assert is_whole()
    make_entry(title="Frisian poems")
    assert find("frisian").total == 2


def test_other_terms_make_another_index_beside_it(monkeypatch: pytest.MonkeyPatch) -> None:
    make_entry(title="Frisian speech")
    find("frisian")
    before = feeding.index().folder
    monkeypatch.setattr(terms, "digest", lambda: "other")
    feeding.forget(broken=False)
    assert find("frisian").total == 1
    assert feeding.index().folder != before
    assert not before.exists()


@pytest.mark.parametrize("what", ["cut", "gone"])
def test_an_index_that_is_damaged_is_made_anew(what: str) -> None:
    make_entry(title="Frisian speech")
    find("frisian")
    meta = feeding.index().folder / "meta.json"
    if what == "cut":
        meta.write_text(meta.read_text()[:40])
    else:
        for file in list(feeding.index().folder.iterdir()):
            file.unlink()
    feeding.forget(broken=False)
    find("frisian")
    assert find("frisian").total == 1
    assert is_whole()


def test_a_retired_entry_leaves_the_counts_too() -> None:
    steward = make_person()
    entry = make_entry(title="Frisian speech", steward=steward)
    assert find("frisian").facets["kind"][0].count == 1
    retire_entry(steward, entry)
    found = find("frisian")
    assert (found.total, found.facets["kind"]) == (0, [])
