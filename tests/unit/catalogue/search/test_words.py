"""Words, stems and slips of the finger."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabriek.catalogue.search.words import LANGUAGES, distance, fold, joined, normal, parts, stems, words_of


def test_the_languages_are_the_twenty_four_of_the_union() -> None:
    assert len(LANGUAGES) == 24
    assert {"bg", "ga", "hr", "lv", "mt", "sk", "sl"} <= set(LANGUAGES)


@pytest.mark.parametrize(
    ("language", "one", "other"),
    [
        ("bg", "превод", "преводът"),
        ("cs", "překlad", "překlady"),
        ("da", "oversættelse", "oversættelser"),
        ("de", "Übersetzung", "Übersetzungen"),
        ("el", "μετάφραση", "μεταφράσεις"),
        ("en", "translation", "translations"),
        ("es", "traducción", "traducciones"),
        ("et", "tõlge", "tõlget"),
        ("fi", "malli", "mallit"),
        ("fr", "traduction", "traductions"),
        ("ga", "cúrsa", "gcúrsa"),
        ("hr", "prijevod", "prijevodi"),
        ("hu", "fordítás", "fordítások"),
        ("it", "traduzione", "traduzioni"),
        ("lt", "vertimas", "vertimai"),
        ("lv", "tulkojums", "tulkojumi"),
        ("mt", "traduzzjoni", "traduzzjonijiet"),
        ("nl", "vertaling", "vertalingen"),
        ("pl", "tłumaczenie", "tłumaczenia"),
        ("pt", "modelo", "modelos"),
        ("ro", "limbă", "limbi"),
        ("sk", "preklad", "prekladov"),
        ("sl", "prevod", "prevodi"),
        ("sv", "översättning", "översättningar"),
    ],
)
def test_a_word_is_found_by_another_form_of_it(language: str, one: str, other: str) -> None:
    assert set(stems(one.lower(), language)) & set(stems(other.lower(), language))


def test_stems_of_two_languages_never_meet() -> None:
    assert not set(stems("vertaling", "nl")) & set(stems("vertaling", "de"))


@pytest.mark.parametrize(
    ("written", "typed"),
    [("Genève", "geneve"), ("Straße", "strasse"), ("Łódź", "lodz"), ("Ærø", "aero"), ("ΑΘΉΝΑ", "αθηνα")],
)
def test_accents_and_case_are_folded(written: str, typed: str) -> None:
    assert fold(written) == typed


def test_what_is_a_word() -> None:
    said = [word.folded for word in words_of("WHO's C++ and Llama-3.1: l'IA, text_generation, C#")]
    assert said == ["who", "s", "c++", "and", "llama", "3.1", "l", "ia", "text", "generation", "c#"]
    assert joined("fine-tuning of text-to-speech") == ["finetuning", "texttospeech"]


def test_a_compound_is_found_by_either_half() -> None:
    assert {"spraak", "herkenning"} <= set(parts("spraakherkenning"))
    assert parts("spraak") == []


@pytest.mark.parametrize(
    ("one", "other", "letters"),
    [
        ("speach", "speech", 1),
        ("modle", "model", 1),
        ("peech", "speech", 1),
        ("speeech", "speech", 1),
        ("abcd", "wxyz", 3),
    ],
)
def test_slips_are_counted(one: str, other: str, letters: int) -> None:
    assert distance(one, other, 2) == letters


@given(st.text(max_size=200))
def test_words_stand_where_they_are_said_to(text: str) -> None:
    for word in words_of(text):
        assert fold(normal(text)[word.start : word.end].lower()[:64]) == word.folded


@given(st.text("abcd", max_size=6), st.text("abcd", max_size=6))
def test_distance_is_the_same_both_ways_and_nought_for_the_same(one: str, other: str) -> None:
    assert distance(one, other, 9) == distance(other, one, 9)
    assert (distance(one, other, 9) == 0) == (one == other)
