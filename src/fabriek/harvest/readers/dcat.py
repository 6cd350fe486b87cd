"""A DCAT feed: Turtle, JSON-LD or RDF/XML, in pages where its publisher makes pages (Hydra, as CKAN does)."""

from __future__ import annotations

from urllib.parse import urljoin

from fabriek.catalogue.record import Record
from fabriek.catalogue.standards import dcat
from fabriek.harvest.network import Fetched
from fabriek.harvest.readers.page import Asked, Found, Page, Reader

FORMS: dict[str, dcat.Form] = {
    "text/turtle": "turtle",
    "application/ld+json": "json-ld",
    "application/json": "json-ld",
    "application/rdf+xml": "xml",
    "application/xml": "xml",
    "text/xml": "xml",
}
ENDINGS: dict[str, dcat.Form] = {
    ".ttl": "turtle",
    ".jsonld": "json-ld",
    ".json": "json-ld",
    ".rdf": "xml",
    ".xml": "xml",
}


def _first(asked: Asked) -> str:
    return asked.address


def _read(fetched: Fetched, asked: Asked) -> Page:
    graph = dcat.graph_from(fetched.content, _form(fetched))
    found = tuple(
        Found(_identifier(node, record), _as_found(record, node, asked), tuple(remarks))
        # What stands in Fabriek's own namespace is believed of nobody but ourselves.
        for node, record, remarks in dcat.each(graph, beside=False)
    )
    following = dcat.next_page(graph)
    return Page(found, next=urljoin(fetched.url, following) if following else "")


def _form(fetched: Fetched) -> dcat.Form:
    """By what the server says; servers that call everything plain text are understood by the address."""
    if fetched.media_type in FORMS:
        return FORMS[fetched.media_type]
    path = fetched.url.partition("?")[0].lower()
    return next((form for ending, form in ENDINGS.items() if path.endswith(ending)), "turtle")


def _identifier(node: str, record: Record | None) -> str:
    """The address of the resource. A blank node's name is another one in each document."""
    if "://" in node or node.startswith("urn:"):
        return node
    return (record.identifier or record.code) if record is not None else ""


def _as_found(record: Record | None, node: str, asked: Asked) -> Record | None:
    """With where it was found. What has an address of its own in the feed is known by it wherever it is told of again,
    as in a country's portal and in the Union's."""
    if record is None:
        return None
    lasting = node if node.startswith(("https://", "http://")) and len(node) <= 2_000 else ""
    said = {**record.as_json(), "identifier": record.identifier or lasting}
    if not record.facts:
        said["facts"] = {"*": {"source": (lasting or asked.address)[:300], "confidence": "medium"}}
    return Record.model_validate(said)


READER = Reader(
    first=_first,
    read=_read,
    accept="text/turtle, application/ld+json;q=0.9, application/rdf+xml;q=0.8, application/xml;q=0.5",
    whole=True,
)
