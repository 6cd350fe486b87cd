"""What somebody looks for, as an address says it and a saved search keeps it."""

from __future__ import annotations

from urllib.parse import parse_qs

from hypothesis import given
from hypothesis import strategies as st

from fabriek.catalogue.asked import LONGEST, MOST_VALUES, Asked
from fabriek.catalogue.search.documents import FACETS

texts = st.text(max_size=6)
said = st.dictionaries(st.sampled_from(["q", "exact", "sort", "page", *FACETS]), texts | st.lists(texts, max_size=4))


@given(said)
def test_it_is_the_same_by_its_address_and_as_it_is_kept(said: dict[str, str | list[str]]) -> None:
    asked = Asked.of(said)
    assert Asked.of(parse_qs(asked.query(), keep_blank_values=True)) == asked
    assert Asked.of({**asked.said(), "sort": asked.sort}) == asked
    assert all(values and all(values) for values in asked.narrowed.values())


def test_what_is_too_long_or_too_much_is_cut_to_what_is_read_as_the_same() -> None:
    long = "a" * (LONGEST - 1) + " b"
    asked = Asked.of({"q": long, "licence": [str(number) for number in range(MOST_VALUES + 5)]})
    assert (asked.q, len(asked.narrowed["licence"])) == ("a" * (LONGEST - 1), MOST_VALUES)
    assert Asked.of(asked.said()) == asked


@given(said, st.sampled_from(FACETS), st.sampled_from(["a", "b"]))
def test_a_value_that_is_turned_twice_is_as_it_was(said: dict[str, str | list[str]], facet: str, value: str) -> None:
    asked = Asked.of(said)
    turned = asked.turned(facet, value)
    assert (value in turned.narrowed.get(facet, [])) != (value in asked.narrowed.get(facet, []))
    back = turned.turned(facet, value)
    assert {name: set(values) for name, values in back.narrowed.items()} == {
        name: set(values) for name, values in asked.narrowed.items()
    }
