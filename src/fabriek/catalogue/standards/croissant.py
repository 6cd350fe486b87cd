"""Croissant for datasets, out as version 1.0 and in as 1.0 and 1.1, with what the RAI vocabulary has words for.

Sources: MLCommons, Croissant Format Specification 1.0 (https://docs.mlcommons.org/croissant/docs/croissant-spec.html)
and Croissant RAI 1.0 (https://docs.mlcommons.org/croissant/docs/croissant-rai-spec.html). What mlcroissant accepts
holds. A FileObject must have a checksum, and a field a file that it comes from. Files of which no checksum is known,
and columns that can't be told to be of one file, are not made up for: they stand beside (`beside.py`).
"""

from __future__ import annotations

import json
import re
from typing import Any

from fabriek.catalogue.record import Column, DatasetDetails, Distribution, Record
from fabriek.catalogue.standards import schema_org
from fabriek.catalogue.standards.beside import NAMESPACE, NotFitting, as_text, from_text, missing
from fabriek.catalogue.standards.guarding import json_of
from fabriek.catalogue.standards.licences import licence_of
from fabriek.catalogue.standards.reading import Reading, StandardBroken, fitted, told, with_beside
from fabriek.catalogue.standards.texts import name, plain
from fabriek.catalogue.standards.vocabularies import code_of, language_code

VERSION = "http://mlcommons.org/croissant/1.0"
RAI = "http://mlcommons.org/croissant/RAI/1.0"
CONTEXT: dict[str, Any] = {
    "@language": "en", "@vocab": "https://schema.org/", "citeAs": "cr:citeAs", "column": "cr:column",
    "conformsTo": "dct:conformsTo", "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"}, "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty", "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract", "field": "cr:field", "fileObject": "cr:fileObject", "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet", "format": "cr:format", "includes": "cr:includes", "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath", "key": "cr:key", "md5": "cr:md5", "parentField": "cr:parentField", "path": "cr:path",
    "rai": "http://mlcommons.org/croissant/RAI/", "recordSet": "cr:recordSet", "references": "cr:references",
    "regex": "cr:regex", "repeated": "cr:repeated", "replace": "cr:replace", "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/", "separator": "cr:separator", "source": "cr:source", "subField": "cr:subField",
    "transform": "cr:transform", "fabriek": NAMESPACE,
}  # fmt: skip
_TABLES = frozenset(
    {"text/csv", "text/tab-separated-values", "application/x-parquet", "application/vnd.apache.parquet"}
)
_TYPES = {
    "text": "sc:Text", "integer": "sc:Integer", "float": "sc:Float", "boolean": "sc:Boolean", "date": "sc:Date",
    "image": "sc:ImageObject", "audio": "sc:AudioObject", "url": "sc:URL",
}  # fmt: skip
_COLUMN_TYPES = {word.removeprefix("sc:"): kind for kind, word in _TYPES.items()} | {
    "Number": "float",
    "DateTime": "date",
}
_SHEET = {
    "collection": "rai:dataCollection", "preprocessing": "rai:dataPreprocessingProtocol", "uses": "rai:dataUseCases",
    "maintenance": "rai:dataReleaseMaintenancePlan",
}  # fmt: skip
_SHARED = (
    "name", "description", "abstract", "identifier", "sameAs", "version", "license", "keywords", "inLanguage",
    "datePublished", "dateModified", "creator", "publisher",
)  # fmt: skip
_USED = frozenset(
    {
        "@context", "@type", "@id", "name", "description", "abstract", "conformsTo", "license", "url", "sameAs",
        "version", "keywords", "inLanguage", "creator", "publisher", "datePublished", "dateModified", "citeAs",
        "distribution", "recordSet", "identifier", "isLiveDataset", "fabriek:rest", "spatialCoverage", *_SHEET.values(),
    }
)  # fmt: skip


def write(record: Record, *, base: str) -> str:
    """The dataset as a Croissant file. `base`: what an entry's address begins with, before its code."""
    node = _document(record, base)
    as_strangers_read, _remarks = fitted(_hear(node)[0])
    if rest := missing(as_strangers_read.as_json(), record.as_json()):
        node["fabriek:rest"] = as_text(rest)
    return json.dumps(node, ensure_ascii=False, indent=1)


def read(document: str | bytes, *, beside: bool = True) -> Reading:
    """The dataset that a Croissant file tells of. `beside`: whether what stands in Fabriek's namespace is believed.
    Errors: StandardBroken."""
    node = json_of(document)
    if not isinstance(node, dict) or "Dataset" not in _types(node):
        raise StandardBroken("the document is no Croissant file: it is no Dataset")
    said, unused = _hear(node)
    rest = node.get("fabriek:rest") if beside else None
    try:
        record, left_out = with_beside(said, from_text(rest) if isinstance(rest, str) else None)
    except NotFitting as error:
        record, left_out = with_beside(said, None)
        left_out = [*left_out, f"fabriek:rest: {error}"]
    return Reading((record,), told(unused + left_out))


def _document(record: Record, base: str) -> dict[str, Any]:
    details = record.details
    if not isinstance(details, DatasetDetails):
        raise ValueError(f"Croissant is for datasets, and {record.code} is a {record.kind}")
    work = schema_org.work(record, base=base)
    node: dict[str, Any] = {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "@id": base + record.code,
        "conformsTo": [VERSION, RAI],
        "url": base + record.code,
    }
    for word in _SHARED:
        if word in work:
            node[word] = work[word]
    if details.citation:
        node["citeAs"] = details.citation
    if details.places:
        node["spatialCoverage"] = [{"@type": "Place", "name": place} for place in details.places]
    for field, word in _SHEET.items():
        if text := getattr(details.sheet, field):
            node[word] = text
    files = [
        (f"distribution-{number}", one)
        for number, one in enumerate(record.distributions, 1)
        if one.sha256 and one.storage in {"http", "s3", "hub"}
    ]
    if files:
        node["distribution"] = [_file(identifier, one) for identifier, one in files]
    if details.columns and len(record.distributions) == len(files) == 1 and files[0][1].media_type in _TABLES:
        node["recordSet"] = [
            {
                "@type": "cr:RecordSet",
                "@id": "records",
                "name": "records",
                "field": [_field(number, one, files[0][0]) for number, one in enumerate(details.columns, 1)],
            }
        ]
    return node


def _file(identifier: str, one: Distribution) -> dict[str, Any]:
    node = schema_org.download(one) or {}
    return {
        "@type": "cr:FileObject",
        "@id": identifier,
        **node,
        "name": one.name or identifier,
        "encodingFormat": one.media_type or "application/octet-stream",
    }


def _field(number: int, column: Column, file: str) -> dict[str, Any]:
    return {
        "@type": "cr:Field",
        "@id": f"records/{number}",
        "name": column.name,
        "description": column.description,
        "dataType": _TYPES[column.type],
        "source": {"fileObject": {"@id": file}, "extract": {"column": column.name}},
    }


def _hear(node: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The fields of the dataset, ours and strangers' alike, and what no field takes."""
    node = {key.removeprefix("sc:").removeprefix("schema:"): value for key, value in node.items()}
    where = _word(node.get("@id")) or _word(node.get("url"))
    details: dict[str, Any] = {"kind": "dataset"}
    said: dict[str, Any] = {"title": name(_raw(node.get("name"))), "details": details}
    said["code"] = code_of(re.split(r"[/#:]", where.rstrip("/"))[-1], said["title"])
    if not said["title"]:
        del said["title"]
    for field, word in (("description", "description"), ("summary", "abstract"), ("version", "version")):
        if text := plain(_raw(node.get(word))):
            said[field] = text
    if licences := [licence_of(_word(one)) for one in _list(node.get("license")) if _word(one)]:
        said["licence"] = licences[0]
    for field, word in (("homepage", "sameAs"), ("identifier", "identifier")):
        if links := [_word(one) for one in _list(node.get(word)) if _word(one)]:
            said[field] = links[0]
    if "homepage" not in said and _word(node.get("url")) != where:
        said["homepage"] = _word(node.get("url"))
    said["keywords"] = [plain(_word(one)) for word in _list(node.get("keywords")) for one in _split(word)]
    said["languages"] = [code for one in _list(node.get("inLanguage")) if (code := language_code(_word(one)))]
    for field, word in (("issued", "datePublished"), ("modified", "dateModified")):
        if re.match(r"\d{4}-\d\d-\d\d", _word(node.get(word))):
            said[field] = _word(node.get(word))[:10]
    parties = {word: [one for one in map(_party, _list(node.get(word))) if one] for word in ("creator", "publisher")}
    if parties["publisher"]:
        said["owner"] = parties["publisher"][0]
    said["creators"] = parties["creator"]
    details["citation"] = plain(_raw(node.get("citeAs")))
    details["places"] = [plain(_raw(place.get("name"))) for place in _list(node.get("spatialCoverage")) if _is(place)]
    details["sheet"] = {
        field: text
        for field, word in _SHEET.items()
        if (text := "\n\n".join(plain(_raw(one)) for one in _list(node.get(word))))
    }
    files = [(_word(one.get("@id")), _heard_file(one)) for one in _list(node.get("distribution")) if _is(one)]
    said["distributions"] = [one for _identifier, one in files if one]
    unused = [f"the file {identifier} has no address" for identifier, one in files if one is None]
    details["columns"] = [
        column for one in _list(node.get("recordSet")) if _is(one) for field in _list(one.get("field")) if _is(field)
        if (column := _column(field))
    ]  # fmt: skip
    unused += [f"nothing here takes {key}" for key in sorted(node) if key not in _USED]
    return {key: value for key, value in said.items() if value not in ("", [], {})}, unused


def _heard_file(node: dict[str, Any]) -> dict[str, Any] | None:
    where = _word(node.get("contentUrl"))
    if not where.startswith(("https://", "http://", "s3://")):
        return None
    said: dict[str, Any] = {"storage": "s3" if where.startswith("s3://") else "http", "location": where}
    identifier, called = _word(node.get("@id")), plain(_raw(node.get("name")))
    if called and called != identifier:
        said["name"] = called
    said["media_type"] = plain(_word(node.get("encodingFormat")))
    if re.fullmatch(r"[0-9a-f]{64}", _word(node.get("sha256")).lower()):
        said["sha256"] = _word(node.get("sha256")).lower()
    if size := re.fullmatch(r"(\d{1,18})( ?B| bytes)?", _word(node.get("contentSize"))):
        said["bytes"] = int(size[1])
    return said


def _column(node: dict[str, Any]) -> dict[str, Any] | None:
    called = name(_raw(node.get("name")))
    if not called:
        return None
    kinds = [_word(one).rsplit(":", 1)[-1].rsplit("/", 1)[-1] for one in _list(node.get("dataType"))]
    kind = next((_COLUMN_TYPES[one] for one in kinds if one in _COLUMN_TYPES), "text")
    return {"name": called, "type": kind, "description": plain(_raw(node.get("description")))}


def _party(node: Any) -> dict[str, Any] | None:
    if isinstance(node, str):
        return {"name": name(node)} if name(node) else None
    if not _is(node) or not name(_raw(node.get("name"))):
        return None
    said = {"name": name(_raw(node.get("name")))}
    for field in ("url", "identifier"):
        if link := _word(node.get(field)):
            said[field] = link
    return said


def _types(node: dict[str, Any]) -> set[str]:
    return {re.split(r"[:/]", _word(one))[-1] for one in _list(node.get("@type"))}


def _is(node: Any) -> bool:
    return isinstance(node, dict)


def _list(value: Any) -> list[Any]:
    return [] if value is None else value if isinstance(value, list) else [value]


def _split(value: Any) -> list[Any]:
    """Keywords are a list, or one text with commas."""
    return value.split(",") if isinstance(value, str) and value.count(",") > 1 else [value]


def _raw(value: Any) -> str:
    """A text; of several languages (Croissant 1.1) the English one, or the first; of several texts the first."""
    if isinstance(value, dict):
        value = value.get("en", value.get("@value", next(iter(value.values()), "")))
    if isinstance(value, list):
        value = value[0] if value else ""
    return value if isinstance(value, str) else str(value) if isinstance(value, (int, float)) else ""


def _word(value: Any) -> str:
    """A word or an address: of a node its `@id`, address or name."""
    if isinstance(value, list):
        value = value[0] if value else ""
    if isinstance(value, dict):
        value = value.get("@id") or value.get("url") or value.get("name")
    return _raw(value).strip()
