"""schema.org's words for each kind of entry, as JSON-LD for pages and search engines.

Sources: schema.org 29.0 (https://schema.org/docs/releases.html); for training the Bioschemas profiles TrainingMaterial
1.0-RELEASE, Course 1.0-RELEASE and CourseInstance 1.0-RELEASE (https://bioschemas.org/profiles/), as TeSS reads them.
Only out: what search engines and TeSS read loses what it has no word for.
"""

from __future__ import annotations

import json
from typing import Any

from fabriek.catalogue.record import (
    DatasetDetails,
    Distribution,
    FundingDetails,
    InvestorDetails,
    ModelDetails,
    Party,
    Record,
    ServiceDetails,
    SoftwareDetails,
    StoryDetails,
    TalentDetails,
    TrainingDetails,
    VentureDetails,
)
from fabriek.catalogue.standards.licences import licence_address

CONTEXT = "https://schema.org/"
_PROFILES = "https://bioschemas.org/profiles/"
_MODES = {"onsite": "onsite", "online": "online", "blended": "blended"}
_TIES = {
    "derived-from": "isBasedOn", "based-on": "isBasedOn", "trained-on": "isBasedOn", "part-of": "isPartOf",
    "documents": "about", "teaches": "about", "evaluated-on": "mentions", "uses": "mentions", "related": "mentions",
}  # fmt: skip
_PEOPLE = frozenset({"expert", "team", "investor", "venture"})
"""Kinds of which schema.org's type is a Person or an Organization, which know no licence, version and the like."""
_OFFERED = frozenset({"service", "funding"})
Node = dict[str, Any]


def document(record: Record, *, base: str) -> Node:
    """The entry as JSON-LD. `base`: what an entry's address begins with, before its code."""
    special = _special(record)
    head = (
        _agent(record)
        if record.kind in _PEOPLE
        else _service(record)
        if record.kind in _OFFERED
        else _work(record, base)
    )
    node = {
        "@context": CONTEXT,
        "@id": base + record.code,
        "url": base + record.code,
        **_thing(record),
        **head,
        **special,
    }
    return _said(node)


def embedded(node: Node) -> str:
    """The document as it may stand in a page's `<script type="application/ld+json">`: no text can end the script."""
    text = json.dumps(node, ensure_ascii=False)
    for letter in "<>&\u2028\u2029":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return text


def party(one: Party) -> Node:
    """An organisation, or a person where its identifier says so (ORCID)."""
    is_person = one.identifier.startswith("https://orcid.org/")
    return _said(
        {
            "@type": "Person" if is_person else "Organization",
            "name": one.name,
            "url": one.url,
            "identifier": one.identifier,
            "address": {"@type": "PostalAddress", "addressCountry": one.country} if one.country else None,
        }
    )


def work(record: Record, *, base: str) -> Node:
    """What is said of data, models, software, training and stories alike (CreativeWork)."""
    return _said({**_thing(record), **_work(record, base)})


def download(one: Distribution) -> Node | None:
    """A file that can be got by its address. None: one that can't."""
    where = {"http": one.location, "s3": one.location, "hub": f"https://huggingface.co/{one.location}"}.get(one.storage)
    if where is None:
        return None
    return _said(
        {
            "name": one.name,
            "contentUrl": where,
            "encodingFormat": one.media_type,
            "contentSize": f"{one.bytes} B" if one.bytes is not None else None,
            "sha256": one.sha256,
        }
    )


def _thing(record: Record) -> Node:
    return {
        "name": record.title,
        "description": record.description or record.summary or record.title,
        "identifier": record.identifier,
        "sameAs": [
            *([record.homepage] if record.homepage else []),
            *[one.target for one in record.relations if one.kind == "same-as" and ":" in one.target],
        ],
    }


def _work(record: Record, base: str) -> Node:
    node: Node = {
        "abstract": record.summary,
        "keywords": record.keywords + record.tasks,
        "about": [{"@type": "Thing", "name": sector} for sector in record.sectors],
        "inLanguage": record.languages or [record.language],
        "version": record.version,
        "license": licence_address(record.licence) or record.licence,
        "isAccessibleForFree": True if record.access == "open" else None,
        "conditionsOfAccess": record.conditions,
        "datePublished": record.issued and record.issued.isoformat(),
        "dateModified": record.modified and record.modified.isoformat(),
        "publisher": record.owner and party(record.owner),
        "creator": [party(one) for one in record.creators],
        "maintainer": _contact(record),
        "subjectOf": {"@type": "CreativeWork", "url": record.documentation} if record.documentation else None,
    }
    for relation in record.relations:
        if word := _TIES.get(relation.kind):
            target = relation.target if ":" in relation.target else base + relation.target
            tied = {"@type": "CreativeWork", "@id": target, "name": relation.title}
            node[word] = [*(node.get(word) or []), _said(tied)]
    return node


def _contact(record: Record) -> Node | None:
    contact = record.contact
    if not (contact.name or contact.email or contact.url):
        return None
    return {
        "@type": "Organization",
        "contactPoint": _said(
            {"@type": "ContactPoint", "name": contact.name, "email": contact.email, "url": contact.url}
        ),
    }


def _agent(record: Record) -> Node:
    return {
        "email": record.contact.email,
        "knowsLanguage": record.languages,
        "knowsAbout": record.tasks + record.sectors + record.keywords,
    }


def _service(record: Record) -> Node:
    return {"category": record.sectors + record.keywords, "provider": record.owner and party(record.owner)}


def _special(record: Record) -> Node:
    """What is said of its kind alone, with the type."""
    match record.details:
        case DatasetDetails() as details:
            return _dataset(record, details)
        case ModelDetails() as details:
            return _model(record, details)
        case SoftwareDetails() as details:
            return _software(record, details)
        case TrainingDetails() as details:
            return _training(record, details)
        case TalentDetails() as details:
            return _talent(record, details)
        case ServiceDetails() as details:
            return _offer(details)
        case FundingDetails() as details:
            return _funding(record, details)
        case InvestorDetails() as details:
            return _investor(details)
        case VentureDetails() as details:
            return _venture(details)
        case StoryDetails() as details:
            return _story(record, details)


def _dataset(record: Record, details: DatasetDetails) -> Node:
    covers = (details.covers_from, details.covers_until)
    return {
        "@type": "Dataset",
        "distribution": [
            {"@type": "DataDownload", **node} for one in record.distributions if (node := download(one)) is not None
        ],
        "spatialCoverage": [{"@type": "Place", "name": place} for place in details.places],
        "temporalCoverage": "/".join(day.isoformat() if day else ".." for day in covers) if any(covers) else None,
        "variableMeasured": [
            _said({"@type": "PropertyValue", "name": one.name, "description": one.description})
            for one in details.columns
        ],
        "size": f"{details.bytes} B" if details.bytes is not None else None,
        "creditText": details.citation,
    }


def _model(record: Record, details: ModelDetails) -> Node:
    return {
        "@type": "CreativeWork",  # schema.org has no word for a model
        "additionalType": "http://data.europa.eu/it6/MachineLearningModel",
        "usageInfo": details.intended_use,
        "encoding": [
            {"@type": "MediaObject", **node} for one in record.distributions if (node := download(one)) is not None
        ],
    }


def _software(record: Record, details: SoftwareDetails) -> Node:
    if details.form in {"application", "container"}:
        return {
            "@type": "SoftwareApplication",
            "applicationCategory": details.form,
            "softwareRequirements": details.needs,
            "downloadUrl": [one.location for one in record.distributions if one.storage == "http"],
        }
    return {
        "@type": "SoftwareSourceCode",
        "additionalType": f"urn:fabriek:vocabulary:{details.form}" if details.form else None,
        "codeRepository": details.repository,
        "programmingLanguage": details.programming_languages,
        "runtimePlatform": details.needs,
    }


def _training(record: Record, details: TrainingDetails) -> Node:
    load = f"PT{details.hours:g}H" if details.hours is not None and details.hours.is_integer() else None
    node: Node = {
        "educationalLevel": details.level,
        "teaches": details.teaches,
        "audience": [{"@type": "Audience", "audienceType": one} for one in record.sectors],
    }
    if details.mode in {"", "material"}:
        profile = f"{_PROFILES}TrainingMaterial/1.0-RELEASE"
        return node | {
            "@type": "LearningResource",
            "http://purl.org/dc/terms/conformsTo": {"@id": profile, "@type": "CreativeWork"},
            "competencyRequired": details.requires,
            "timeRequired": load,
        }
    instance = {
        "@type": "CourseInstance",
        "http://purl.org/dc/terms/conformsTo": {
            "@id": f"{_PROFILES}CourseInstance/1.0-RELEASE",
            "@type": "CreativeWork",
        },
        "courseMode": _MODES[details.mode],
        "courseWorkload": load,
        "startDate": details.starts and details.starts.isoformat(),
        "endDate": details.ends and details.ends.isoformat(),
        "location": {"@type": "Place", "name": details.place} if details.place else None,
        "offers": _said({"@type": "Offer", "description": details.price}) if details.price else None,
    }
    return node | {
        "@type": "Course",
        "http://purl.org/dc/terms/conformsTo": {"@id": f"{_PROFILES}Course/1.0-RELEASE", "@type": "CreativeWork"},
        "coursePrerequisites": details.requires,
        "hasCourseInstance": _said(instance),
    }


def _talent(record: Record, details: TalentDetails) -> Node:
    knows = {"knowsAbout": details.skills + record.tasks + record.sectors + record.keywords}
    seeks = {"seeks": [{"@type": "Demand", "name": one} for one in details.seeks]}
    countries = [{"@type": "Country", "name": one} for one in details.countries]
    if record.kind == "team":
        return {"@type": "Organization", "areaServed": countries, **knows, **seeks}
    identifiers = [one for one in (record.identifier, details.identifier) if one]
    return {"@type": "Person", "workLocation": countries, "identifier": identifiers, **knows, **seeks}


def _offer(details: ServiceDetails) -> Node:
    return {
        "@type": "Service",
        "serviceType": details.activity,
        "audience": [{"@type": "Audience", "audienceType": one} for one in details.audience],
        "offers": {"@type": "Offer", "description": details.price} if details.price else None,
    }


def _funding(record: Record, details: FundingDetails) -> Node:
    opens, closes = details.opens, details.closes
    return {
        "@type": "MonetaryGrant",
        "alternateName": details.programme,
        "funder": record.owner and party(record.owner),
        "provider": None,
        "category": None,  # a Grant has neither
        "amount": _money(details.least, details.most),
        "potentialAction": _said(
            {
                "@type": "ApplyAction",
                "startTime": opens and opens.isoformat(),
                "endTime": closes and closes.isoformat(),
                "target": record.homepage,
            }
        )
        if opens or closes
        else None,
    }


def _investor(details: InvestorDetails) -> Node:
    amount = _money(details.ticket_least, details.ticket_most)
    return {
        "@type": "Organization",
        "areaServed": [{"@type": "Country", "name": one} for one in details.countries],
        "makesOffer": _said({"@type": "Offer", "category": details.rounds, "eligibleTransactionVolume": amount})
        if amount or details.rounds
        else None,
    }


def _venture(details: VentureDetails) -> Node:
    return {
        "@type": "Project",
        "alternateName": details.project,
        "areaServed": [{"@type": "Country", "name": one} for one in details.countries],
        "seeks": [{"@type": "Demand", "name": one} for one in details.seeks],
    }


def _story(record: Record, details: StoryDetails) -> Node:
    node: Node = {
        "@type": "Article",
        "headline": record.title,
        "articleBody": details.outcome,
        "author": {"@type": "Organization", "name": details.organisation} if details.organisation else None,
    }
    if details.year and not record.issued:
        node["temporalCoverage"] = str(details.year)
    return node


def _money(least: int | None, most: int | None) -> Node | None:
    if least is None and most is None:
        return None
    return _said({"@type": "MonetaryAmount", "currency": "EUR", "minValue": least, "maxValue": most})


def _said(node: Node) -> Node:
    """Without what says nothing."""
    return {key: value for key, value in node.items() if value not in (None, "", [], {})}
