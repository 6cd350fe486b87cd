"""Cards of models and datasets in the Hub's format: a README with a head of YAML. Out and in.

Source: Hugging Face, Model cards and Dataset cards (https://huggingface.co/docs/hub/model-cards,
https://huggingface.co/docs/hub/datasets-cards), as seen in 2026. A model's card is the README without its head; a
dataset's README is made of its description and sheet.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

from fabriek.catalogue.record import DatasetDetails, DataSheet, ModelDetails, Record, Relation
from fabriek.catalogue.standards.beside import NotFitting, as_text, from_text, missing
from fabriek.catalogue.standards.guarding import text_of, yaml_of
from fabriek.catalogue.standards.licences import hub_name, licence_of
from fabriek.catalogue.standards.reading import Reading, StandardBroken, fitted, told, with_beside
from fabriek.catalogue.standards.texts import name as name_in
from fabriek.catalogue.standards.texts import plain
from fabriek.catalogue.standards.vocabularies import code_of, language_code

HUB = "https://huggingface.co/"
_HEAD = re.compile(r"\A---[ \t]*\r?\n(.*?\n)?---[ \t]*(?:\r?\n|\Z)", re.DOTALL)
_BREAKS = re.compile("[\\r\\n\\x85\\u2028\\u2029\\ufeff]")
_SIZES = [(1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"),
          (10**7, "1M<n<10M"), (10**8, "10M<n<100M"), (10**9, "100M<n<1B"), (10**10, "1B<n<10B")]  # fmt: skip
_SHEET = {field: field.capitalize() for field in DataSheet.model_fields}
"""The title of each section of a sheet in a README."""
_USED = frozenset(
    {"language", "license", "license_name", "license_link", "tags", "pretty_name", "pipeline_tag", "task_categories",
     "library_name", "base_model", "datasets", "co2_eq_emissions", "model-index", "size_categories", "fabriek"}
)  # fmt: skip


def write(record: Record) -> str:
    """The card of a model or a dataset. Errors: ValueError for any other kind."""
    head, body = _head(record), _body(record)
    as_strangers_read, _remarks = fitted(_hear(_texts(head), body, record.kind, record.code)[0])
    if rest := missing(as_strangers_read.as_json(), record.as_json()):
        head["fabriek"] = {"code": record.code, "rest": as_text(rest)}
    else:
        head["fabriek"] = {"code": record.code}
    text = yaml.dump(head, Dumper=_Head, allow_unicode=True, sort_keys=False, width=100)
    return f"---\n{text}---\n\n{body}\n"


def read(document: str | bytes, kind: str, *, name: str = "", beside: bool = True) -> Reading:
    """The model or dataset that a card tells of. `kind`: which, as a card doesn't say. `name`: owner/name on the Hub,
    where it comes from there. `beside`: whether what stands in Fabriek's own field is believed. Errors:
    StandardBroken."""
    if kind not in {"model", "dataset"}:
        raise ValueError(f"a card is of a model or a dataset, not of a {kind}")
    text = text_of(document)
    match = _HEAD.match(text)
    head = yaml_of(match[1] or "") if match else {}
    if head in ("", None):
        head = {}
    if not isinstance(head, dict):
        raise StandardBroken("the head of the card has no fields")
    own = head.get("fabriek")
    ours: dict[str, Any] = own if beside and isinstance(own, dict) else {}
    called = _word(ours.get("code")) or name.rsplit("/", 1)[-1]
    said, unused = _hear(head, text[match.end() :] if match else text, kind, called)
    if name and not ours:
        said["distributions"] = [{"storage": "hub", "location": name}]
        said["homepage"] = f"{HUB}{'datasets/' if kind == 'dataset' else ''}{name}"
    try:
        record, left_out = with_beside(said, from_text(ours["rest"]) if isinstance(ours.get("rest"), str) else None)
    except NotFitting as error:
        record, left_out = with_beside(said, None)
        left_out = [*left_out, f"fabriek: {error}"]
    return Reading((record,), told(unused + left_out))


class _Head(yaml.SafeDumper):
    """YAML's line ends are more than ours: a text with one of them is written with escapes."""

    def ignore_aliases(self, _data: Any) -> bool:
        return True


def _text_node(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"' if _BREAKS.search(text) else None)


_Head.add_representer(str, _text_node)


def _head(record: Record) -> dict[str, Any]:
    licence = record.licence
    hub_licence = hub_name(licence)
    head: dict[str, Any] = {"language": record.languages, "license": hub_licence or ("other" if licence else "")}
    if licence and not hub_licence:
        head["license_link" if licence.startswith("http") else "license_name"] = licence
    head["tags"] = record.keywords
    details = record.details
    if isinstance(details, DatasetDetails):
        head |= {"pretty_name": record.title, "task_categories": record.tasks}
        if details.records is not None:
            head["size_categories"] = [next((name for most, name in _SIZES if details.records < most), "n>1T")]
    elif isinstance(details, ModelDetails):
        head |= {"pipeline_tag": record.tasks[0] if record.tasks else "", "library_name": details.library}
        head["base_model"] = _on_hub(record.relations, "based-on", "")
        head["datasets"] = _on_hub(record.relations, "trained-on", "datasets/")
        if details.co2_grams is not None:
            head["co2_eq_emissions"] = {"emissions": details.co2_grams}
        if details.metrics:
            head["model-index"] = [{"name": record.title, "results": _results(record, details)}]
    else:
        raise ValueError(f"a card is of a model or a dataset, and {record.code} is a {record.kind}")
    return {field: value for field, value in head.items() if value not in ("", [], None)}


def _on_hub(relations: list[Relation], kind: str, folder: str) -> list[str]:
    start = HUB + folder
    found = [one.target.removeprefix(start) for one in relations if one.kind == kind and one.target.startswith(start)]
    return [one for one in found if re.fullmatch(r"[\w.-]+(/[\w.-]+)?", one)]


def _results(record: Record, details: ModelDetails) -> list[dict[str, Any]]:
    return [
        {
            "task": {"type": record.tasks[0] if record.tasks else "other"},
            "dataset": {"name": metric.dataset or "unknown", "type": metric.dataset or "unknown"},
            "metrics": [{"type": metric.name, "name": metric.name, "value": metric.value}],
            **({"source": {"url": metric.url}} if metric.url else {}),
        }
        for metric in details.metrics
    ]


def _body(record: Record) -> str:
    details = record.details
    if isinstance(details, ModelDetails) and details.card:
        return details.card
    parts = [f"# {record.title}", record.summary, record.description]
    if isinstance(details, ModelDetails):
        told_of = {"Intended use": details.intended_use, "Limitations": details.limitations}
        parts += [f"## {title}\n\n{text}" for title, text in told_of.items() if text]
    if isinstance(details, DatasetDetails):
        sheet = {title: getattr(details.sheet, field) for field, title in _SHEET.items()}
        parts += [f"## {title}\n\n{text}" for title, text in {**sheet, "Citation": details.citation}.items() if text]
    return "\n\n".join(part for part in parts if part)


def _hear(head: dict[str, Any], body: str, kind: str, called: str) -> tuple[dict[str, Any], list[str]]:
    """The fields of a card, ours and strangers' alike, and what no field takes. `called`: what else names it, as the
    card of a model has no title but its heading."""
    details: dict[str, Any] = {"kind": kind}
    said: dict[str, Any] = {"details": details}
    shown = _word(head.get("pretty_name")) or _word(_first(head.get("model-index"), "name")) or _heading(body)
    if title := name_in(shown) or name_in(called):
        said["title"] = title
    said["code"] = code_of(called, title)
    said["languages"] = [found for one in _words(head.get("language")) if (found := language_code(one))]
    said["licence"] = _licence(head)
    said["keywords"] = _words(head.get("tags"))
    if kind == "dataset":
        said["tasks"] = _words(head.get("task_categories"))
        said["description"], details["sheet"], details["citation"] = _sections(plain(body), title)
    else:
        said["tasks"] = _words(head.get("pipeline_tag"))
        details["card"] = plain(body)
        details["library"] = _word(head.get("library_name"))
        if (grams := _number(_first(head.get("co2_eq_emissions"), "emissions"))) is not None and grams >= 0:
            details["co2_grams"] = grams
        details["metrics"] = _metrics(head.get("model-index"))
        ties = {"based-on": ("base_model", ""), "trained-on": ("datasets", "datasets/")}
        said["relations"] = [
            {"kind": tie, "target": HUB + folder + one}
            for tie, (field, folder) in ties.items()
            for one in _words(head.get(field))
            if re.fullmatch(r"[\w.-]+(/[\w.-]+)?", one)
        ]
    said["details"] = {field: value for field, value in details.items() if value not in ("", [], {})}
    unused = [f"nothing here takes {field}" for field in sorted(map(str, head)) if field not in _USED]
    return {field: value for field, value in said.items() if value not in ("", [])}, unused


def _licence(head: dict[str, Any]) -> str:
    said = _word(_first(head.get("license"), ""))
    if said in {"", "other", "unknown"}:
        return licence_of(_word(head.get("license_link"))) or _word(head.get("license_name"))
    return licence_of(said)


def _metrics(index: Any) -> list[dict[str, Any]]:
    said = []
    for model in _parts(index):
        for result in _parts(model.get("results")):
            dataset = _word(_first(result.get("dataset"), "name"))
            for metric in _parts(result.get("metrics")):
                value = _number(metric.get("value"))
                called = name_in(_word(metric.get("name")) or _word(metric.get("type")))
                if value is not None and called:
                    one = {"name": called, "value": value, "dataset": "" if dataset == "unknown" else dataset}
                    said.append(one | {"url": _word(_first(result.get("source"), "url"))})
    return said


def _sections(body: str, title: str) -> tuple[str, dict[str, str], str]:
    """A dataset's README as description, sheet and citation; sections of other names stay in the description."""
    start, *sections = re.split(r"(?m)^## ", body)
    start = re.sub(rf"\A# {re.escape(title)}\s*", "", start.strip())
    titles = {shown: field for field, shown in _SHEET.items()}
    kept, sheet, citation = [start], {}, ""
    for section in sections:
        shown, _break, text = section.partition("\n")
        if shown.strip() in titles:
            sheet[titles[shown.strip()]] = text.strip()
        elif shown.strip() == "Citation":
            citation = text.strip()
        else:
            kept.append(f"## {section}".strip())
    return "\n\n".join(part for part in kept if part), {field: text for field, text in sheet.items() if text}, citation


def _heading(body: str) -> str:
    match = re.search(r"(?m)^#[ \t]+(\S.*)$", body[:20_000])
    return match[1] if match else ""


def _texts(value: Any) -> Any:
    """What yaml_of makes of it: every scalar is text."""
    if isinstance(value, dict):
        return {str(key): _texts(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_texts(one) for one in value]
    return value if isinstance(value, str) else repr(value)


def _first(value: Any, field: str) -> Any:
    if isinstance(value, list):
        value = value[0] if value else ""
    return value.get(field) if isinstance(value, dict) else value if not field or isinstance(value, str) else ""


def _parts(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _word(value: Any) -> str:
    return plain(value) if isinstance(value, str) else ""


def _words(value: Any) -> list[str]:
    """A list, or one word that stands for a list."""
    return [word for one in (value if isinstance(value, list) else [value]) if (word := _word(one))]


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if abs(number) <= 1e300 else None
