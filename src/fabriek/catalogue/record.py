"""An entry of the catalogue as data: the format `fabriek/entry/1`. Read as what a stranger wrote.

Field names follow DCAT-AP 3 (https://semiceu.github.io/DCAT-AP/releases/3.0.0/) where it has them. Texts are Markdown
(description, card) or plain; no field is HTML. What is not known is left out (an empty text or list, or null), never
guessed. This module knows no web framework.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

FORMAT = "fabriek/entry/1"
Kind = Literal[
    "dataset", "model", "software", "training", "expert", "team", "service", "funding", "investor", "venture", "story"
]
KINDS: tuple[str, ...] = get_args(Kind)
MOST_WORDS, MOST_PARTS = 100, 500
# Line ends and tabs aside: NUL is nothing that a database keeps, and the others have no place in a text.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_SCHEMES = ("https://", "http://", "ftp://", "s3://", "hf://", "mailto:", "doi:", "urn:")


def _plain(text: str) -> str:
    if _CONTROL.search(text):
        raise ValueError("has control characters")
    return text.strip()


def _named(text: str) -> str:
    if not text:
        raise ValueError("is blank")
    return text


def _link(text: str) -> str:
    """No `javascript:` and the like, which a page would offer to its reader as a link."""
    if text and not text.lower().startswith(_SCHEMES):
        raise ValueError(f"is no address: it starts with none of {', '.join(_SCHEMES)}")
    if any(letter.isspace() for letter in text):
        raise ValueError("has a space in it: write %20")
    return text


def _once(words: list[str]) -> list[str]:
    """Each word once, in the order in which they were said."""
    return list(dict.fromkeys(word for word in words if word))


Word = Annotated[str, Field(max_length=200), AfterValidator(_plain)]
Name = Annotated[str, Field(max_length=300), AfterValidator(_plain), AfterValidator(_named)]
Sentences = Annotated[str, Field(max_length=1_000), AfterValidator(_plain)]
Text = Annotated[str, Field(max_length=20_000), AfterValidator(_plain)]
Link = Annotated[str, Field(max_length=2_000), AfterValidator(_plain), AfterValidator(_link)]
Words = Annotated[list[Word], Field(max_length=MOST_WORDS), AfterValidator(_once)]
Language = Annotated[str, Field(pattern=r"^[a-z]{2,3}$", description="ISO 639, two letters where there are two")]
Languages = Annotated[list[Language], Field(max_length=MOST_WORDS), AfterValidator(_once)]
Country = Annotated[str, Field(pattern=r"^[A-Z]{2}$", description="ISO 3166-1 alpha-2")]
Countries = Annotated[list[Country], Field(max_length=MOST_WORDS), AfterValidator(_once)]
Code = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=120)]
Count = Annotated[int, Field(ge=0, lt=2**63)]
Amount = Annotated[int, Field(ge=0, lt=10**15, description="whole euros")]
Number = Annotated[float, Field(allow_inf_nan=False, ge=-1e300, le=1e300)]


class Part(BaseModel):
    """Unknown fields are refused: in a catalogue a misspelt field is a fact that is lost."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Party(Part):
    """An organisation or a person, by name."""

    name: Name
    url: Link = ""
    country: Country | None = None
    identifier: Link = Field("", description="ROR, ORCID or another lasting address")


class Contact(Part):
    """Whom to ask."""

    name: Word = ""
    email: Annotated[str, Field(max_length=254, pattern=r"^([^@\s]+@[^@\s]+\.[^@\s]+)?$"), AfterValidator(_plain)] = ""
    url: Link = ""


class Fact(Part):
    """Where something that the record says comes from, and how sure it is."""

    source: Name = Field(description="an address, or a document and its place")
    confidence: Literal["high", "medium", "low"]
    seen_on: date | None = None


class Translation(Part):
    """The record's texts in another language."""

    title: Name
    summary: Sentences = ""
    description: Text = ""


class Distribution(Part):
    """Where it lies. Bytes stay there: this is an address, a size and a checksum."""

    storage: Literal["http", "s3", "posix", "hub", "upload"]
    location: Annotated[str, Field(min_length=1, max_length=2_000), AfterValidator(_plain)] = Field(
        description="URL (http, s3), absolute path (posix), owner/name (hub), SHA-256 (upload)"
    )
    site: Code | None = Field(None, description="code of the site of the register at which a path or bucket is")
    name: Word = ""
    media_type: Word = ""
    bytes: Count | None = None
    sha256: Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")] = ""

    @model_validator(mode="after")
    def _lies_somewhere(self) -> Distribution:
        where = self.location
        holds = {
            "http": where.startswith(("https://", "http://")),
            "s3": where.startswith("s3://"),
            "posix": where.startswith("/") and "\n" not in where,
            "hub": re.fullmatch(r"[\w.-]+(/[\w.-]+)?(@[\w./-]+)?", where) is not None,
            "upload": re.fullmatch(r"[0-9a-f]{64}", where) is not None,
        }[self.storage]
        if not holds:
            raise ValueError(f"location is none of the storage {self.storage}")
        return self


class Relation(Part):
    """What the entry has to do with another. `target`: code of an entry here, or an address."""

    kind: Literal[
        "derived-from", "trained-on", "evaluated-on", "based-on", "uses", "documents", "teaches", "part-of",
        "version-of", "same-as", "funded-by", "made-by", "related",
    ]  # fmt: skip
    target: Annotated[str, Field(min_length=1, max_length=2_000), AfterValidator(_plain)]
    title: Word = ""

    @model_validator(mode="after")
    def _leads_somewhere(self) -> Relation:
        if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", self.target):
            _link(self.target)
        return self


class Column(Part):
    """A field of a dataset's records."""

    name: Name
    type: Literal["text", "integer", "float", "boolean", "date", "image", "audio", "url"] = "text"
    description: Sentences = ""


class DataSheet(Part):
    """Answers of a data sheet (Gebru et al., Datasheets for Datasets, CACM 64(12), 2021), by its sections."""

    motivation: Text = ""
    composition: Text = ""
    collection: Text = ""
    preprocessing: Text = ""
    uses: Text = ""
    distribution: Text = ""
    maintenance: Text = ""


class DatasetDetails(Part):
    """What is told of data."""

    kind: Literal["dataset"] = "dataset"
    modalities: Words = Field(default_factory=list, description="text, image, audio, video, tabular, time series, ...")
    records: Count | None = None
    tokens: Count | None = None
    bytes: Count | None = None
    covers_from: date | None = None
    covers_until: date | None = None
    places: Words = Field(default_factory=list)
    columns: Annotated[list[Column], Field(max_length=MOST_PARTS)] = Field(default_factory=list)
    sheet: DataSheet = DataSheet()
    citation: Text = ""


class Metric(Part):
    """A measured figure, and on what."""

    name: Name
    value: Number
    dataset: Word = ""
    url: Link = ""


class ModelDetails(Part):
    """What is told of a model. The card is the Hub's README without its YAML head."""

    kind: Literal["model"] = "model"
    parameters: Count | None = None
    architecture: Word = ""
    library: Word = ""
    context_length: Count | None = None
    training_tokens: Count | None = None
    training_gpu_hours: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    co2_grams: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    metrics: Annotated[list[Metric], Field(max_length=MOST_PARTS)] = Field(default_factory=list)
    intended_use: Text = ""
    limitations: Text = ""
    card: Annotated[str, Field(max_length=200_000), AfterValidator(_plain)] = ""


class SoftwareDetails(Part):
    """What is told of software, an algorithm or a workflow."""

    kind: Literal["software"] = "software"
    form: Literal["library", "application", "algorithm", "workflow", "notebook", "container", ""] = ""
    repository: Link = ""
    programming_languages: Words = Field(default_factory=list)
    needs: Words = Field(default_factory=list, description="hardware and software that it needs")


class TrainingDetails(Part):
    """What is told of a course or teaching material (Bioschemas TrainingMaterial, Course, CourseInstance)."""

    kind: Literal["training"] = "training"
    level: Literal["beginner", "intermediate", "advanced", ""] = ""
    mode: Literal["onsite", "online", "blended", "material", ""] = ""
    teaches: Words = Field(default_factory=list, description="skills")
    requires: Words = Field(default_factory=list, description="what one knows before")
    hours: Annotated[float, Field(ge=0, le=10_000)] | None = None
    starts: date | None = None
    ends: date | None = None
    place: Word = ""
    price: Word = ""


class FreeMonth(Part):
    """How much somebody is free in a month. `month`: as 2026-12."""

    month: Annotated[str, Field(pattern=r"^\d{4}-(0[1-9]|1[0-2])$")]
    hours: Annotated[int, Field(ge=0, le=744)] = Field(description="0: not at all")


class TalentDetails(Part):
    """What an expert or a team says of itself. Opt-in: only what they chose to tell."""

    kind: Literal["expert", "team"]
    skills: Words = Field(default_factory=list)
    countries: Countries = Field(default_factory=list)
    free_from: date | None = None
    hours_a_month: Annotated[int, Field(ge=0, le=744)] | None = None
    months: Annotated[list[FreeMonth], Field(max_length=36, description="what is said of single months")] = Field(
        default_factory=list
    )
    seeks: Words = Field(default_factory=list, description="partners, data or roles that are looked for")
    identifier: Link = Field("", description="ORCID")


class ServiceDetails(Part):
    """What is told of a service. `activity`: which of the eight of an AI factory's (RULES.md)."""

    kind: Literal["service"] = "service"
    activity: Word = ""
    audience: Words = Field(default_factory=list)
    price: Word = ""


class FundingDetails(Part):
    """What is told of a programme that gives money. Dates: first and last day to apply."""

    kind: Literal["funding"] = "funding"
    programme: Word = ""
    opens: date | None = None
    closes: date | None = None
    least: Amount | None = None
    most: Amount | None = None
    rate: Annotated[float, Field(ge=0, le=100)] | None = Field(None, description="per cent of the costs")
    classes: Words = Field(default_factory=list, description="classes of applicant, as promises name them")
    countries: Countries = Field(default_factory=list)


class InvestorDetails(Part):
    """What is told of an investor."""

    kind: Literal["investor"] = "investor"
    ticket_least: Amount | None = None
    ticket_most: Amount | None = None
    rounds: Words = Field(default_factory=list, description="pre-seed, seed, series A, ...")
    countries: Countries = Field(default_factory=list)


class VentureDetails(Part):
    """A project's one page for investors and partners."""

    kind: Literal["venture"] = "venture"
    project: Word = Field("", description="code of the project")
    stage: Literal["idea", "prototype", "pilot", "customers", "growth", ""] = ""
    round: Word = ""
    seeks_amount: Amount | None = None
    seeks: Words = Field(default_factory=list)
    built: Text = Field("", description="what it built on the factory")
    team: Text = ""
    traction: Text = ""
    countries: Countries = Field(default_factory=list)


class StoryDetails(Part):
    """What somebody made of it."""

    kind: Literal["story"] = "story"
    organisation: Word = ""
    year: Annotated[int, Field(ge=1990, le=2100)] | None = None
    gpu_hours: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    outcome: Text = ""


Details = Annotated[
    DatasetDetails
    | ModelDetails
    | SoftwareDetails
    | TrainingDetails
    | TalentDetails
    | ServiceDetails
    | FundingDetails
    | InvestorDetails
    | VentureDetails
    | StoryDetails,
    Field(discriminator="kind"),
]


class Record(Part):
    """One entry, whole. `details.kind` says what it is of."""

    format: Literal["fabriek/entry/1"] = "fabriek/entry/1"
    code: Code = Field(description="names the entry in this catalogue, in addresses too")
    title: Name
    language: Language = Field("en", description="of title, summary and description")
    summary: Sentences = ""
    description: Text = ""
    translations: dict[Language, Translation] = Field(default_factory=dict)
    keywords: Words = Field(default_factory=list)
    tasks: Words = Field(default_factory=list, description="what it is for: text-generation, translation, ...")
    sectors: Words = Field(default_factory=list)
    languages: Languages = Field(default_factory=list, description="of what it holds, speaks or teaches in")
    version: Word = ""
    licence: Word = Field("", description="SPDX expression, or an address; empty: not known")
    access: Literal["open", "registered", "on-request", "closed", "unknown"] = "unknown"
    conditions: Text = Field("", description="of access and use, in words")
    owner: Party | None = None
    creators: Annotated[list[Party], Field(max_length=MOST_PARTS)] = Field(default_factory=list)
    contact: Contact = Contact()
    factory: Code | None = Field(None, description="code of a factory of the register")
    homepage: Link = ""
    documentation: Link = ""
    identifier: Link = Field("", description="DOI or another lasting address")
    issued: date | None = None
    modified: date | None = None
    distributions: Annotated[list[Distribution], Field(max_length=MOST_PARTS)] = Field(default_factory=list)
    relations: Annotated[list[Relation], Field(max_length=MOST_PARTS)] = Field(default_factory=list)
    personal_data: Literal["none", "pseudonymised", "personal", "special", "unknown"] = "unknown"
    ai_act_role: Literal["", "provider", "deployer", "importer", "distributor", "product-manufacturer"] = ""
    ai_act_risk: Literal["", "minimal", "transparency", "high", "prohibited", "gpai", "gpai-systemic"] = Field(
        "", description="Regulation (EU) 2024/1689: Articles 5, 6, 50, 51"
    )
    facts: dict[Word, Fact] = Field(
        default_factory=dict, description="where what it says comes from, by field; '*': all that no other names"
    )
    details: Details

    @property
    def kind(self) -> str:
        """What it is: one of KINDS."""
        return self.details.kind

    def as_json(self) -> dict[str, Any]:
        """What is stored and sent: what says nothing is left out."""
        said: dict[str, Any] = self.model_dump(mode="json", exclude_defaults=True)
        return {"format": FORMAT, **said, "details": {"kind": self.kind, **said.get("details", {})}}

    def sha256(self) -> str:
        """The same for the same record, whatever the order of its fields."""
        return hashlib.sha256(json.dumps(self.as_json(), sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class Fault:
    """What is wrong with a field. `path`: its names and numbers, with dots between. `what`, `values`: the type
    of pydantic's error and its numbers. `said`: its own words, in English."""

    path: str
    what: str
    values: dict[str, Any]
    said: str


class RecordBroken(ValueError):
    """What was sent is no record."""

    def __init__(self, found: list[Fault]) -> None:
        super().__init__(f"{found[0].path}: {found[0].said}")
        self.found = found

    @property
    def faults(self) -> dict[str, list[str]]:
        """Sentences by the field's path."""
        told: dict[str, list[str]] = {}
        for fault in self.found:
            told.setdefault(fault.path, []).append(fault.said)
        return told


def read_record(said: Any) -> Record:
    """A record from parsed JSON. Errors: RecordBroken with each field that doesn't hold."""
    try:
        return Record.model_validate(said)
    except ValidationError as error:
        found = [
            Fault(_path(fault["loc"]), fault["type"], fault.get("ctx", {}), fault["msg"].removeprefix("Value error, "))
            for fault in error.errors(include_url=False, include_input=False)
        ]
        raise RecordBroken(found) from error


def _path(steps: tuple[int | str, ...]) -> str:
    """Where the reader finds it: pydantic puts the kind between `details` and its fields, the record doesn't."""
    if steps[:1] == ("details",) and len(steps) > 2 and steps[1] in KINDS:
        steps = ("details", *steps[2:])
    # A key that somebody made up may be anything.
    return ".".join(_CONTROL.sub("?", str(step))[:60] for step in steps) or "record"


def published() -> dict[str, Any]:
    """The JSON Schema, as `docs/reference/schema/entry-1.json` has it."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:fabriek:schema:entry-1",
        **Record.model_json_schema(),
        "title": FORMAT,
    }
