"""Contexts of JSON-LD that documents name by an address. None is fetched: what is not known here is refused.

That of DCAT-AP is a mapping of our own, not a copy of SEMIC's file. It gives the labels of DCAT-AP's classes and
properties (SEMIC, DCAT-AP 2.0.1 to 3.0.1 with its annex for high-value data sets,
https://semiceu.github.io/DCAT-AP/releases/) the meaning that they have there: the same for each release, and wherever
they stand, where SEMIC's own tell them class by class. Two labels changed their property from release 2 to 3; both have
the one of release 3 (`version`, `hasVersion`).
"""

from __future__ import annotations

import re
from typing import Any

_NAMESPACES = {
    "adms": "http://www.w3.org/ns/adms#",
    "dcat": "http://www.w3.org/ns/dcat#",
    "dcatap": "http://data.europa.eu/r5r/",
    "dct": "http://purl.org/dc/terms/",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "locn": "http://www.w3.org/ns/locn#",
    "odrl": "http://www.w3.org/ns/odrl/2/",
    "prov": "http://www.w3.org/ns/prov#",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "spdx": "http://spdx.org/rdf/terms#",
    "time": "http://www.w3.org/2006/time#",
    "vcard": "http://www.w3.org/2006/vcard/ns#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}

_CLASSES = """
    Activity=prov:Activity Agent=foaf:Agent Attribution=prov:Attribution Catalogue=dcat:Catalog
    CatalogueRecord=dcat:CatalogRecord CataloguedResource=dcat:Resource Category=skos:Concept
    CategoryScheme=skos:ConceptScheme Checksum=spdx:Checksum ChecksumAlgorithm=spdx:ChecksumAlgorithm
    Concept=skos:Concept ConceptScheme=skos:ConceptScheme DataService=dcat:DataService Dataset=dcat:Dataset
    DatasetMemberOfADatasetSeries=dcat:Dataset DatasetSeries=dcat:DatasetSeries Distribution=dcat:Distribution
    Document=foaf:Document Frequency=dct:Frequency Geometry=locn:Geometry Identifier=adms:Identifier Kind=vcard:Kind
    LicenceDocument=dct:LicenseDocument LinguisticSystem=dct:LinguisticSystem Location=dct:Location
    MediaType=dct:MediaType MediaTypeOrExtent=dct:MediaTypeOrExtent PeriodOfTime=dct:PeriodOfTime Policy=odrl:Policy
    ProvenanceStatement=dct:ProvenanceStatement Relationship=dcat:Relationship RightsStatement=dct:RightsStatement
    Role=dcat:Role Standard=dct:Standard TimeInstant=time:Instant"""

_TEXTS = """
    bbox=dcat:bbox boundingBox=dcat:bbox byteSize=dcat:byteSize centroid=dcat:centroid
    checksumValue=spdx:checksumValue description=dct:description endDate=dcat:endDate identifier=dct:identifier
    keyword=dcat:keyword listingDate=dct:issued modificationDate=dct:modified name=foaf:name notation=skos:notation
    preferredLabel=skos:prefLabel releaseDate=dct:issued startDate=dcat:startDate tag=dcat:keyword title=dct:title
    updateDate=dct:modified version=dcat:version versionNotes=adms:versionNotes
    spatialResolution=dcat:spatialResolutionInMeters temporalResolution=dcat:temporalResolution"""

_ADDRESSES = """
    accessRights=dct:accessRights accessService=dcat:accessService accessURL=dcat:accessURL accessUrl=dcat:accessURL
    algorithm=spdx:algorithm applicableLegislation=dcatap:applicableLegislation applicationProfile=dct:conformsTo
    availability=dcatap:availability beginning=time:hasBeginning catalogue=dcat:catalog category=dcat:theme
    changeType=adms:status checksum=spdx:checksum compressionFormat=dcat:compressFormat conformsTo=dct:conformsTo
    contactPoint=dcat:contactPoint creator=dct:creator dataset=dcat:dataset datasetDistribution=dcat:distribution
    documentation=foaf:page downloadURL=dcat:downloadURL downloadUrl=dcat:downloadURL end=time:hasEnd
    endpointDescription=dcat:endpointDescription endpointURL=dcat:endpointURL endpointUrl=dcat:endpointURL
    first=dcat:first format=dct:format frequency=dct:accrualPeriodicity geographic=dct:spatial
    geographicalCoverage=dct:spatial geometry=locn:geometry hadRole=dcat:hadRole hasPart=dct:hasPart
    hasPolicy=odrl:hasPolicy hasVersion=dcat:hasVersion homepage=foaf:homepage hvdCategory=dcatap:hvdCategory
    inSeries=dcat:inSeries isPartOf=dct:isPartOf isReferencedBy=dct:isReferencedBy isVersionOf=dcat:isVersionOf
    landingPage=dcat:landingPage language=dct:language last=dcat:last licence=dct:license licenceType=dct:type
    linkedSchemas=dct:conformsTo mediaType=dcat:mediaType next=dcat:next otherIdentifier=adms:identifier
    packagingFormat=dcat:packageFormat previous=dcat:prev primaryTopic=foaf:primaryTopic provenance=dct:provenance
    publisher=dct:publisher qualifiedAttribution=prov:qualifiedAttribution qualifiedRelation=dcat:qualifiedRelation
    record=dcat:record relatedResource=dct:relation relation=dct:relation rights=dct:rights sample=adms:sample
    seriesMember=dcat:seriesMember servesDataset=dcat:servesDataset service=dcat:service source=dct:source
    sourceMetadata=dct:source spatial=dct:spatial status=adms:status temporalCoverage=dct:temporal theme=dcat:theme
    themes=dcat:themeTaxonomy type=dct:type wasGeneratedBy=prov:wasGeneratedBy"""
"""Properties whose values are addresses, also where they are written as plain text."""


def _pairs(said: str) -> dict[str, str]:
    return dict(pair.split("=") for pair in said.split())


DCAT_AP: dict[str, Any] = {
    **_NAMESPACES,
    **_pairs(_CLASSES),
    **_pairs(_TEXTS),
    **{label: {"@id": property_, "@type": "@id"} for label, property_ in _pairs(_ADDRESSES).items()},
}
"""The labels of DCAT-AP, by our own mapping."""

# schema.org's only as far as that its words are its own.
_SCHEMA_ORG = {"@vocab": "http://schema.org/"}
_BY_ADDRESS = (
    (re.compile(r"https?://schema\.org/?"), _SCHEMA_ORG),
    # Any release, as SEMIC publishes it under two names of its repository, and as it lies in the repository itself.
    (
        re.compile(
            r"https?://(semiceu\.github\.io|raw\.githubusercontent\.com/SEMICeu)/([\w.-]+/)*DCAT-AP/([\w.-]+/)*"
            r"(dcat-ap[\w.-]*|hvd|context)\.jsonld"
        ),
        DCAT_AP,
    ),
)


def context_at(address: str) -> dict[str, Any] | None:
    """The context that an address names. None: it is not known here."""
    return next((context for pattern, context in _BY_ADDRESS if pattern.fullmatch(address)), None)
