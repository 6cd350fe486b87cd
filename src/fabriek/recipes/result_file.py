"""What a job says that it made: `fabriek-result.json`, the format `fabriek/result/1`. Read as what a stranger wrote.

Any job may write one, with a recipe or without. What can't be read is told in a sentence and changes nothing else.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from fabriek.compute.results import MOST_BYTES

FORMAT = "fabriek/result/1"
KINDS = ("model", "evaluation", "service", "notebook", "dataset", "other")
MOST_OUTPUTS, MOST_SERIES, MOST_POINTS, MOST_METRICS = 200, 20, 2_000, 100
# Line ends and tabs aside: NUL is nothing that a database keeps, and the others have no place in a text.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


class ResultBroken(ValueError):
    """A result that can't be read; the sentence names the field."""


def _plain(text: str) -> str:
    if _CONTROL.search(text):
        raise ValueError("has control characters")
    return text


def _named(text: str) -> str:
    if not text.strip():
        raise ValueError("is blank")
    return text


def _absolute(text: str) -> str:
    if not text.startswith("/") or "\n" in text:
        raise ValueError("is no absolute path")
    return text


Word = Annotated[str, Field(max_length=200), AfterValidator(_plain)]
Text = Annotated[str, Field(max_length=4_000), AfterValidator(_plain)]
Path = Annotated[str, Field(min_length=1, max_length=1_000), AfterValidator(_plain), AfterValidator(_absolute)]
Digest = Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")]
Number = Annotated[float, Field(allow_inf_nan=False, ge=-1e300, le=1e300)]
Bytes = Annotated[int, Field(ge=0, lt=2**63)]
Name = Annotated[str, Field(max_length=60), AfterValidator(_plain), AfterValidator(_named)]


class Part(BaseModel):
    """Unknown fields are passed over: a newer program may say more."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)


class Dataset(Part):
    """What was learned from or judged by."""

    name: Word
    version: Word = ""
    source: Text = ""
    licence: Word = ""
    bytes: Bytes | None = None
    records: Bytes | None = None
    sha256: Digest = ""


class Input(Part):
    """A file that was read."""

    path: Path
    kind: Word = ""
    bytes: Bytes | None = None
    sha256: Digest = ""


class Output(Part):
    """A file that was made. `kind`: checkpoint, model, data, text, notebook, log or a word of one's own."""

    path: Path
    kind: Word = "other"
    bytes: Bytes | None = None
    sha256: Digest = ""
    about: Text = ""


class Series(Part):
    """Figures along `x`; a figure that isn't finite is null."""

    name: Name
    x: Name = "step"
    points: list[tuple[Number, Number | None]] = Field(max_length=MOST_POINTS)


class ResultFile(Part):
    """The file. `complete` is false while the job goes on."""

    format: Literal["fabriek/result/1"]
    kind: Literal["model", "evaluation", "service", "notebook", "dataset", "other"]
    name: Annotated[Word, AfterValidator(_named)]
    complete: bool = True
    summary: Text = ""
    code: dict[Name, Word] = Field(default={}, max_length=20)
    datasets: list[Dataset] = Field(default=[], max_length=20)
    inputs: list[Input] = Field(default=[], max_length=20)
    outputs: list[Output] = Field(default=[], max_length=MOST_OUTPUTS)
    metrics: dict[Name, Number] = Field(default={}, max_length=MOST_METRICS)
    series: list[Series] = Field(default=[], max_length=MOST_SERIES)
    environment: dict[Name, Word] = Field(default={}, max_length=50)


def read_result(text: str) -> ResultFile:
    """The result that a job wrote. Errors: ResultBroken with the first fault, whatever the text is."""
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        raise ResultBroken("it is not UTF-8") from None
    if size > MOST_BYTES:
        raise ResultBroken(f"it holds {size:,} bytes; at most {MOST_BYTES:,} are taken")
    try:
        return ResultFile.model_validate_json(text)
    except ValidationError as fault:
        first = fault.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(_shown(part) for part in first["loc"])[:200]
        raise ResultBroken(f"{where}: {first['msg']}"[:500] if where else str(first["msg"])[:500]) from None


def _shown(part: Any) -> str:
    """A part of the place of a fault; a key that somebody made up may be anything."""
    return _CONTROL.sub("?", str(part).encode(errors="replace").decode())[:60]


def published() -> dict[str, Any]:
    """The JSON Schema, as `docs/reference/schema/result-1.json` has it."""
    schema = ResultFile.model_json_schema()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:fabriek:schema:result-1",
        **schema,
        "title": FORMAT,
    }
