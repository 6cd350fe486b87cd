"""What somebody looks for, as an address says it and a saved search keeps it."""

from __future__ import annotations

from urllib.parse import parse_qs

from hypothesis import given
from hypothesis import strategies as st

from fabriek.catalogue.asked import LONGEST, MOST_VALUES, Asked
from fabriek.catalogue.search.documents import FACETS

texts = st.text(max_size=LONGEST + 50)
said = st.dictionaries(st.sampled_from(["q", "exact", "sort", "page", *FACETS]), texts | st.lists(texts, max_size=30))


@given(said)
def test_it_is_the_same_by_its_address_and_as_it_is_kept(said: dict[str, str | list[str]]) -> None:
    asked = Asked.of(said)
    assert Asked.of(parse_qs(asked.query(), keep_blank_values=True)) == asked
    assert Asked.of({**asked.said(), "sort": asked.sort}) == asked
    assert all(0 < len(values) <= MOST_VALUES and all(values) for values in asked.narrowed.values())


@given(said, st.sampled_from(FACETS), st.sampled_from(["a", "b"]))
def test_a_value_that_is_turned_twice_is_as_it_was(said: dict[str, str | list[str]], facet: str, value: str) -> None:
    asked = Asked.of(said)
    turned = asked.turned(facet, value)
    assert (value in turned.narrowed.get(facet, [])) != (value in asked.narrowed.get(facet, []))
    back = turned.turned(facet, value)
    assert {name: set(values) for name, values in back.narrowed.items()} == {
        name: set(values) for name, values in asked.narrowed.items()
    }
