"""What is found, by whom it is asked and how."""

from __future__ import annotations

import pytest
from django.core.paginator import Paginator
from tests.factories.catalogue import make_entry, make_record
from tests.factories.world import make_person

from fabriek.catalogue.actions import draft_entry, retire_entry
from fabriek.catalogue.models import Entry, EntryState
from fabriek.catalogue.search.finding import Found, Hits, find, search_for

pytestmark = pytest.mark.django_db


def titles(found: Found) -> list[str]:
    return [hit.entry.title for hit in found.hits]


def test_what_is_published_is_found_at_once_and_what_is_not_never_is() -> None:
    steward = make_person()
    draft_entry(steward, make_record(title="Frisian speech, a draft"))
    published = make_entry(title="Frisian speech", steward=steward)
    assert titles(find("frisian")) == ["Frisian speech"]
    make_entry(title="More Frisian speech")
    assert set(titles(find("frisian"))) == {"Frisian speech", "More Frisian speech"}
    retire_entry(steward, published)
    assert titles(find("frisian")) == ["More Frisian speech"]


def test_an_index_that_lags_shows_nothing_that_is_not_published() -> None:
    make_entry(title="Frisian speech")
    assert find("frisian").total == 1
    # Behind the index's back: no time tells it.
    Entry.objects.update(state=EntryState.RETIRED)
    assert find("frisian").hits == []


@pytest.mark.parametrize("word", ["who", "it", "de", "IT", "The", "of"])
def test_no_word_is_left_out(word: str) -> None:
    make_entry(title=f"{word} guidelines")
    make_entry(title="Something else", summary="Nothing.")
    assert titles(find(word))[0] == f"{word} guidelines"


@pytest.mark.parametrize(
    ("language", "title", "query"),
    [
        ("nl", "Vertalingen van wetten", "vertaling wet"),
        ("de", "Sammlung von Übersetzungen", "ubersetzung"),
        ("fr", "Études de générations", "generation etude"),
        ("fi", "Puheaineistoja", "puheaineisto"),
        ("el", "Συλλογή μεταφράσεων", "μεταφραση"),
        ("hu", "Magyar szövegek", "szöveg"),
    ],
)
def test_words_are_found_in_other_forms(language: str, title: str, query: str) -> None:
    make_entry(title=title, language=language)
    make_entry(title="Something else")
    assert titles(find(query))[0] == title


@pytest.mark.parametrize("query", ["spraak", "herkenning", "gezichten"])
def test_compounds_are_found_by_their_halves(query: str) -> None:
    make_entry(title="Spraakherkenning", language="nl")
    make_entry(title="Gezichtsbeelden", language="nl")
    expected = "Gezichtsbeelden" if query == "gezichten" else "Spraakherkenning"
    assert titles(find(query)) == [expected]


def test_a_compound_is_found_where_it_is_written_apart() -> None:
    make_entry(title="Beelden van rivieren", language="nl")
    assert titles(find("rivierbeelden", language="nl")) == ["Beelden van rivieren"]


@pytest.mark.parametrize(
    ("query", "concept"),
    [
        ("spraakherkenning", "speech recognition"),
        ("Spracherkennung", "speech recognition"),
        ("reconnaissance vocale", "speech recognition"),
        ("rozpoznawanie mowy", "speech recognition"),
        ("ASR", "speech recognition"),
    ],
)
def test_meaning_is_found_across_languages_and_said(query: str, concept: str) -> None:
    make_entry(title="Recordings", tasks=["automatic-speech-recognition"])
    make_entry(title="Something else")
    found = find(query)
    assert titles(found) == ["Recordings"]
    assert found.hits[0].means == [concept]


def test_a_language_is_found_by_its_name_in_another() -> None:
    make_entry(title="Recordings", languages=["nl"])
    make_entry(title="Other recordings", languages=["fr"])
    assert titles(find("néerlandais")) == titles(find("Dutch")) == titles(find("holandés")) == ["Recordings"]


def test_a_compound_that_nobody_wrote_means_what_its_parts_do() -> None:
    make_entry(title="Load and generation", sectors=["energy"])
    make_entry(title="Something else")
    assert titles(find("Strompreise")) == ["Load and generation"]


@pytest.mark.parametrize(
    ("typed", "meant"), [("recrodings", "recordings"), ("speach", "speech"), ("translaton", "translation")]
)
def test_slips_are_forgiven_and_said(typed: str, meant: str) -> None:
    make_entry(title="Speech recordings with a translation")
    found = find(typed)
    assert (found.total, found.corrected) == (1, {typed: meant})


def test_a_word_that_is_there_is_not_corrected_and_short_ones_never_are() -> None:
    make_entry(title="Speech")
    make_entry(title="Speach")
    assert titles(find("speach")) == ["Speach"]
    assert find("xyz").total == 0


def test_the_last_word_may_be_unfinished_while_typing() -> None:
    make_entry(title="Recordings of Frisian")
    make_entry(title="Something else")
    for typed in ("fr", "fris", "recordings fri"):
        assert titles(find(typed, typing=True)) == ["Recordings of Frisian"]


def test_the_title_counts_more_than_the_text() -> None:
    make_entry(title="Something", summary="It mentions ledgers.")
    make_entry(title="Ledgers", summary="Something.")
    assert titles(find("ledgers")) == ["Ledgers", "Something"]


def test_all_words_are_wanted_and_where_next_to_nothing_has_them_some() -> None:
    for number in range(10):
        make_entry(title=f"Frisian recordings {number}")
    make_entry(title="Frisian poems")
    found = find("frisian recordings")
    assert (found.total, found.relaxed) == (10, False)
    found = find("frisian poems aboutnothing")
    assert found.relaxed
    assert titles(found)[0] == "Frisian poems"


def test_facets_count_what_each_choice_would_leave() -> None:
    make_entry("dataset", title="Speech", licence="CC0-1.0", tasks=["Text to speech"])
    make_entry("dataset", title="Speech", licence="CC-BY-4.0")
    make_entry("model", title="Speech model", licence="MIT")
    found = find("speech", {"kind": ["dataset"]})
    assert found.total == 2
    assert {one.value: (one.count, one.chosen) for one in found.facets["kind"]} == {
        "dataset": (2, True),
        "model": (1, False),
    }
    assert {one.value for one in found.facets["licence"]} == {"CC0-1.0", "CC-BY-4.0"}
    assert [one.value for one in found.facets["task"]] == ["text-to-speech"]
    assert find("speech", {"kind": ["dataset", "model"], "licence": ["MIT"]}).total == 1
    gone = find("speech", {"kind": ["story"]})
    assert (gone.total, gone.facets["kind"][-1].value, gone.facets["kind"][-1].count) == (0, "story", 0)


def test_without_words_the_newest_come_first_page_by_page() -> None:
    made = [make_entry(title=f"Entry {number}") for number in range(5)]
    for day, entry in enumerate(made):
        Entry.objects.filter(pk=entry.pk).update(published_at=f"2026-01-0{day + 1}T00:00Z")
    assert titles(find(size=2)) == ["Entry 4", "Entry 3"]
    last = find(page=9, size=2)
    assert (titles(last), last.page, last.pages, last.total) == (["Entry 0"], 3, 3, 5)


def test_a_search_is_paged_by_a_paginator() -> None:
    for number in range(5):
        make_entry(title=f"Frisian {number}")
    page = Paginator(Hits(search_for("frisian")), 2).get_page(3)
    assert (page.paginator.count, len(page.object_list)) == (5, 1)
    assert len(search_for("frisian").keys()) == 5


def test_why_is_marked_in_title_and_text() -> None:
    make_entry(title="Dutch <b>speech</b>", summary="x " * 200 + "Recordings of speeches in Dutch. " + "y " * 200)
    hit = find("speech").hits[0]
    assert [piece.text for piece in hit.title if piece.marked] == ["speech"]
    assert "".join(piece.text for piece in hit.title) == "Dutch <b>speech</b>"
    assert [piece.text for piece in hit.snippet if piece.marked] == ["speeches"]
    assert len("".join(piece.text for piece in hit.snippet)) < 250


@pytest.mark.parametrize("query", ['"', "AND OR NOT", "title:(", "a" * 5_000, "\x00", "*", "kind:dataset", "😀 {}[]^~"])
def test_anything_may_be_typed(query: str) -> None:
    make_entry(title="Speech")
    assert find(query).page == 1
    assert find(query, typing=True).page == 1
