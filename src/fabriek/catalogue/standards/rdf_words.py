"""The words of DCAT-AP 3 and MLDCAT-AP 3 that entries are said in."""

from __future__ import annotations

from rdflib import DCTERMS, FOAF, OWL, PROV, RDF, RDFS, SKOS, XSD, Graph, Namespace, URIRef

from fabriek.catalogue.record import KINDS
from fabriek.catalogue.standards.beside import NAMESPACE

ADMS = Namespace("http://www.w3.org/ns/adms#")
DCAT = Namespace("http://www.w3.org/ns/dcat#")  # rdflib's own is of version 2
HYDRA = Namespace("http://www.w3.org/ns/hydra/core#")
IT6 = Namespace("http://data.europa.eu/it6/")
SPDX = Namespace("http://spdx.org/rdf/terms#")
VCARD = Namespace("http://www.w3.org/2006/vcard/ns#")
OURS = Namespace(NAMESPACE)

PREFIXES = {
    "adms": ADMS, "dcat": DCAT, "dct": DCTERMS, "fabriek": OURS, "foaf": FOAF, "hydra": HYDRA, "it6": IT6, "owl": OWL,
    "prov": PROV, "rdf": RDF, "rdfs": RDFS, "skos": SKOS, "spdx": SPDX, "vcard": VCARD, "xsd": XSD,
}  # fmt: skip

SECTORS, TASKS = OURS.sectors, OURS.tasks
"""The schemes that themes are of: what it is about, and what it is for."""

TIES = {
    "derived-from": PROV.wasDerivedFrom,
    "version-of": DCTERMS.isVersionOf,
    "part-of": DCTERMS.isPartOf,
    "uses": DCTERMS.requires,
    "documents": FOAF.topic,
    "same-as": OWL.sameAs,
    "made-by": PROV.wasAttributedTo,
    "related": DCTERMS.relation,
    "trained-on": IT6.trainedOn,
    "evaluated-on": IT6.testedOn,
    "based-on": IT6.fineTunedFrom,
    "funded-by": URIRef("http://purl.org/cerif/frapo/isFundedBy"),
}
"""The property by which a relation can be said at once, beside the qualified one that says its kind in full."""

_UNFIT = str.maketrans({letter: f"%{ord(letter):02X}" for letter in '<>"{}|^`\\[]'})


def address(text: str) -> URIRef:
    """The address with what no IRI may have written as %xx (RFC 3987)."""
    return URIRef(text.translate(_UNFIT))


def kind_address(kind: str) -> URIRef:
    """The concept of a kind of entry."""
    return OURS[f"kind-{kind}"]


def kind_of(concept: object) -> str | None:
    """The kind that a concept of ours names."""
    kind = str(concept).removeprefix(f"{NAMESPACE}kind-")
    return kind if kind in KINDS else None


def new_graph() -> Graph:
    """A graph with the prefixes that we write."""
    graph = Graph(bind_namespaces="none")
    for prefix, namespace in PREFIXES.items():
        graph.bind(prefix, namespace)
    return graph
