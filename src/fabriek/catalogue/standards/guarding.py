"""Before a document of a stranger is parsed: its size, and what a parser must never do with it.

Nothing that a document names is fetched, no entity is expanded, no alias of YAML is followed.
"""

from __future__ import annotations

import json
from typing import Any
from xml.parsers import expat

import yaml

from fabriek.catalogue.standards.contexts import context_at
from fabriek.catalogue.standards.reading import StandardBroken

MOST_BYTES = 20 * 2**20
"""Of one document. Feeds come in pages; one that doesn't is cut by who publishes it."""
MOST_DEPTH = 100
_MOST_HEAD = 512 * 2**10


def text_of(document: str | bytes) -> str:
    """The document as text. Errors: StandardBroken where it is too large or no UTF-8."""
    if len(document) > MOST_BYTES:
        raise StandardBroken(f"the document is larger than {MOST_BYTES // 2**20} MiB")
    if isinstance(document, str):
        return document.removeprefix("\ufeff")
    try:
        return document.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise StandardBroken("the document is no UTF-8") from error


def json_of(document: str | bytes) -> Any:
    """Parsed JSON. Errors: StandardBroken."""
    try:
        parsed = json.loads(text_of(document), parse_constant=_refuse_constant)
    except RecursionError as error:
        raise StandardBroken("the document is nested too deeply") from error
    except ValueError as error:
        raise StandardBroken(f"the document is no JSON: {error}") from error
    _refuse_depth(parsed)
    return parsed


def yaml_of(head: str) -> Any:
    """Parsed YAML in which every scalar is text: `no` is Norwegian, `1.10` a version. Errors: StandardBroken."""
    if len(head) > _MOST_HEAD:
        raise StandardBroken("the YAML head is too large")
    try:
        return yaml.load(head, Loader=_TextsOnly)  # noqa: S506 -- a BaseLoader: it makes texts, lists and dicts only
    except RecursionError as error:
        raise StandardBroken("the YAML head is nested too deeply") from error
    except yaml.YAMLError as error:
        raise StandardBroken(f"the head is no YAML: {str(error).splitlines()[0]}") from error


def refuse_entities(document: str | bytes) -> str:
    """XML as text, once it is seen that it is well formed and declares no document type, and so no entity: neither one
    that multiplies nor one that is fetched. Errors: StandardBroken."""
    text = text_of(document)
    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = _refuse_doctype
    try:
        parser.Parse(text.encode(), True)
    except expat.ExpatError as error:
        raise StandardBroken(f"the document is no XML: {error}") from error
    return text


def with_known_contexts(document: Any) -> Any:
    """JSON-LD in which each context that is named by its address is written out, so that no parser fetches one. Errors:
    StandardBroken where one is not known here."""
    if isinstance(document, list):
        return [with_known_contexts(item) for item in document]
    if not isinstance(document, dict):
        return document
    return {key: _known(value) if key == "@context" else with_known_contexts(value) for key, value in document.items()}


def _known(context: Any) -> Any:
    if isinstance(context, list):
        return [_known(one) for one in context]
    if isinstance(context, str):
        known = context_at(context)
        if known is None:
            raise StandardBroken(f"the context {context[:200]} is not fetched, and not known here")
        return known
    if isinstance(context, dict):
        if "@import" in context:
            raise StandardBroken("a context that imports another one is not fetched")
        return with_known_contexts(context)
    return context


class _TextsOnly(yaml.BaseLoader):
    """No alias is followed: a few lines of them make a billion items."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise StandardBroken("the head has an alias, which is not followed")
        return super().compose_node(parent, index)


def _refuse_doctype(*_said: Any) -> None:
    raise StandardBroken("the document declares a document type, which is refused for the entities that it may have")


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no number")


def _refuse_depth(parsed: Any) -> None:
    level = [parsed]
    for _depth in range(MOST_DEPTH):
        level = [
            inner
            for item in level
            if isinstance(item, (dict, list))
            for inner in (item.values() if isinstance(item, dict) else item)
        ]
        if not level:
            return
    raise StandardBroken("the document is nested too deeply")
