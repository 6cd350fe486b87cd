"""Texts of strangers: no HTML, no control characters, and the rest as it was."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from tests.factories.records import TEXTS

from fabriek.catalogue.standards.beside import NotFitting, changed, from_text, missing
from fabriek.catalogue.standards.texts import plain


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("<p>One</p><p>Two</p>", "One\n\nTwo"),
        ("a<br/>b", "a\nb"),
        ("List<int> & x < y", "List<int> & x < y"),
        ("<script>alert(1)</script>safe", "safe"),
        ("<SCRIPT src=x>alert(1)</SCRIPT >safe", "safe"),
        ("<style>p{}</style><img src=x onerror=alert(1)>safe", "safe"),
        ("<scr<script>ipt>alert(1)</script>", "<scr"),
        ("&lt;b&gt; and <i>&lt;img src=x onerror=alert(1)&gt;</i>", "and"),
        ("<!-- hidden --><b>shown</b>", "shown"),
        ("an unfinished <script>never ends", "an unfinished"),
        ("Caf&eacute;", "Caf&eacute;"),
        ("<b>Caf&eacute;</b>", "Café"),
        ("nul\x00 and bell\x07", "nul and bell"),
    ],
)
def test_what_a_reader_would_see_stays(said: str, shown: str) -> None:
    assert plain(said) == shown


@settings(max_examples=300)
@given(TEXTS)
def test_no_markup_is_left_and_a_second_time_changes_nothing(text: str) -> None:
    once = plain(text)
    assert not re.search(r"<(/?)(b|script)\b", once)
    assert plain(once) == once


def test_a_text_made_to_be_slow_is_not() -> None:
    """Twenty times as long takes no more than a multiple of it: it would not end if it were quadratic."""
    assert plain("<script" * 500_000)
    assert plain("<b " * 500_000)
    assert plain("<!--" * 500_000) == ""


@pytest.mark.parametrize(
    "text",
    ["", "{}", "[1]", '[{"op": "move", "path": "/a"}]', '[{"op": "add"}]', "[" * 100_000],
)
def test_what_is_no_list_of_changes_is_refused(text: str) -> None:
    with pytest.raises(NotFitting):
        from_text(text)


@pytest.mark.parametrize(
    "path", ["", "/a/9/b", "/a/x", "/no/way", "/b/c"]
)  # fmt: skip
def test_a_change_of_what_is_not_there_is_refused(path: str) -> None:
    with pytest.raises(NotFitting):
        changed({"a": [{"b": 1}], "b": "text"}, [{"op": "replace", "path": path, "value": 1}])


def test_changes_are_json_patch() -> None:
    said = {"same": 1, "gone": 2, "a/b~c": [{"x": 1}, {"x": 2}], "words": ["b", "a"]}
    meant = {"same": 1, "a/b~c": [{"x": 1}, {"x": 3, "y": 4}], "words": ["a", "b"]}
    changes = missing(said, meant)
    assert changes == [
        {"op": "remove", "path": "/gone"},
        {"op": "replace", "path": "/a~1b~0c/1/x", "value": 3},
        {"op": "add", "path": "/a~1b~0c/1/y", "value": 4},
        {"op": "replace", "path": "/words", "value": ["a", "b"]},
    ]
    assert changed(said, changes) == meant
