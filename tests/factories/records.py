"""Random valid records, made from the types of the record itself: a field that is added is tried too."""

from __future__ import annotations

import types
from datetime import date
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from hypothesis import strategies as st
from pydantic import BaseModel

from fabriek.catalogue import record as said
from fabriek.catalogue.record import Record

# What spoils texts on their way: markup, quotes, escapes, other line ends, what XML or YAML may not hold, `no`.
_AWKWARD = st.sampled_from(
    ["<b>bold</b>", "</script><script>alert(1)</script>", "&amp;", '"', "\\", "'''", '"""', "\r\n", "\r", "\t",
     "\u2028", "\x85", "\ufeff", "\ufffe", "😀", "ا", "no", "null", "1.10", "---", "...", "# ", "- a: b", "{}", "@id",
     "%", "~1/0", "<int>", "]]>"]
)  # fmt: skip
_CONTROL = "".join(map(chr, [*range(32), 127]))
_ORDINARY = st.text(st.characters(exclude_categories=("Cs",), exclude_characters=_CONTROL), max_size=8)
TEXTS = st.lists(st.one_of(_AWKWARD, _ORDINARY), max_size=5).map("".join)
NAMES = TEXTS.map(str.strip).filter(bool)
_PATHS = st.text('abcXYZ019-_.~/%?&=+#()<>"{}|^`\\[]é', max_size=12)
_SCHEMES = st.sampled_from(["https://", "http://", "ftp://"])
LINKS = st.builds("{}example.org/{}".format, _SCHEMES, _PATHS) | st.sampled_from(
    ["doi:10.1000/182", "urn:isbn:0451450523", "mailto:a@example.org", "s3://bucket/key", "hf://owner/name"]
)  # fmt: skip
CODES = st.from_regex(r"[a-z0-9]{1,6}(-[a-z0-9]{1,6}){0,2}", fullmatch=True)
DIGESTS = st.from_regex(r"[0-9a-f]{64}", fullmatch=True)
_DAYS = st.dates(date(1990, 1, 1), date(2100, 1, 1))
_LANGUAGES = st.sampled_from(["en", "nl", "de", "fr", "no", "fry", "zz", "mul"])


def _few(items: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    return st.lists(items, max_size=3)


_ALIASES: list[tuple[Any, st.SearchStrategy[Any]]] = [
    (said.Word, TEXTS),
    (said.Name, NAMES),
    (said.Sentences, TEXTS),
    (said.Text, TEXTS),
    (said.Link, st.just("") | LINKS),
    (said.Words, _few(TEXTS)),
    (said.Language, _LANGUAGES),
    (said.Languages, _few(_LANGUAGES)),
    (said.Country, st.sampled_from(["NL", "DE"])),
    (said.Countries, _few(st.sampled_from(["NL", "DE", "FI"]))),
    (said.Code, CODES),
    (said.Count, st.integers(0, 2**63 - 1)),
    (said.Amount, st.integers(0, 10**15 - 1)),
    (said.Number, st.floats(-1e300, 1e300)),
]
_LOCATIONS = {
    "http": LINKS.filter(lambda link: link.startswith("http")),
    "s3": st.just("s3://bucket/key"),
    "posix": st.just("/data/set one"),
    "hub": st.sampled_from(["owner/name", "name", "owner/name@main"]),
    "upload": DIGESTS,
}
_BY_NAME = {
    "email": st.sampled_from(["", "a@example.org"]),
    "sha256": st.just("") | DIGESTS,
    "target": CODES | LINKS,
    "month": st.sampled_from(["1999-12", "2030-02", "2031-07"]),
    "card": TEXTS,
    "licence": st.sampled_from(["", "CC-BY-4.0", "MIT OR Apache-2.0", "https://example.org/licence", "mit"]) | TEXTS,
    "media_type": st.sampled_from(["", "text/csv", "application/x-parquet"]) | TEXTS,
}  # fmt: skip


def records(*kinds: str) -> st.SearchStrategy[Record]:
    """Records of these kinds, or of any."""
    wanted = kinds or said.KINDS
    return st.sampled_from(wanted).flatmap(_of_kind)


def _of_kind(kind: str) -> st.SearchStrategy[Record]:
    details = next(one for one in get_args(get_args(said.Details)[0]) if kind in get_args(get_type_hints(one)["kind"]))
    return st.builds(
        lambda head, rest: Record.model_validate({**head, "details": {**rest, "kind": kind}}),
        _part(Record, without=("details", "format")),
        _part(details, without=("kind",)),
    )


def _part(model: type[BaseModel], without: tuple[str, ...] = ()) -> st.SearchStrategy[dict[str, Any]]:
    hints = get_type_hints(model, include_extras=True)
    if model is said.Distribution:
        without = ("storage", "location")
    fields = {
        name: _BY_NAME[name] if name in _BY_NAME else _of(hints[name])
        for name in model.model_fields
        if name not in without
    }
    if model is said.Distribution:
        where = st.sampled_from(list(_LOCATIONS)).flatmap(
            lambda storage: st.fixed_dictionaries({"storage": st.just(storage), "location": _LOCATIONS[storage]})
        )
        return st.builds(lambda place, rest: {**place, **rest}, where, _some(model, fields))
    return _some(model, fields)


def _some(model: type[BaseModel], fields: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[dict[str, Any]]:
    """The fields that it must have, and any of the others."""
    needed = {name: one for name, one in fields.items() if model.model_fields[name].is_required()}
    return st.fixed_dictionaries(needed, optional={name: one for name, one in fields.items() if name not in needed})


def _of(hint: Any) -> st.SearchStrategy[Any]:
    for alias, strategy in _ALIASES:
        if hint is alias:
            return strategy
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Literal:
        return st.sampled_from(inner)
    if origin in {Union, types.UnionType}:
        return st.one_of(*[st.none() if one is type(None) else _of(one) for one in inner])
    if origin is Annotated:
        bounds = {key: getattr(one, key) for field in inner[1:] for one in getattr(field, "metadata", []) for key in
                  ("ge", "le") if hasattr(one, key)}  # fmt: skip
        if inner[0] is float:
            return st.floats(bounds.get("ge", 0), bounds.get("le", 1e9))
        if inner[0] is int:
            return st.integers(bounds.get("ge", 0), bounds.get("le", 10**6))
        return _of(inner[0])
    if origin is list:
        return _few(_of(inner[0]))
    if origin is dict:
        return st.dictionaries(_of(inner[0]), _of(inner[1]), max_size=2)
    if hint is date:
        return _DAYS
    if isinstance(hint, type) and issubclass(hint, BaseModel):
        return _part(hint)
    raise TypeError(f"how is a {hint} made up?")
