"""The format of a recipe, `fabriek/recipe/1`: a folder with `recipe.toml` and `script.sh` (docs/reference/recipes.md).

A script is never put together from what somebody typed: `script.sh` goes into the job as it is, and parameters reach it
as data (see `rendering.py`).
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from functools import cached_property
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

FORMAT = "fabriek/recipe/1"
BOOK = Path(__file__).parent / "book"
PROGRAMS = Path(__file__).parent / "programs"
CODE = r"^[a-z][a-z0-9-]{0,58}[a-z0-9]$"
NAME = r"^[a-z][a-z0-9_]{0,39}$"
# What the platform puts beside a recipe's own parameters.
RESERVED = frozenset({"name", "code", "limit_seconds", "nodes", "accelerators", "cores", "minutes"})

Kind = Literal["integer", "number", "choice", "text", "path", "checkpoint"]
Accelerators = Literal["none", "either", "required"]
EstimateKind = Literal["training", "reading", "time"]


class RecipeBroken(ValueError):
    """A recipe's folder that can't be read; the sentence names the file and what is wrong in it."""


class Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Words(Part):
    """A text for the reader. English always, other languages where somebody wrote them."""

    en: str = Field(min_length=1, max_length=2_000)
    nl: str = Field(default="", max_length=2_000)

    def of(self, language: str) -> str:
        """In this language, or in English."""
        return (self.nl if language.startswith("nl") else "") or self.en


class Choice(Part):
    value: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")
    label: Words


class Parameter(Part):
    """What somebody fills in. `least` and `most` hold a number; `longest` a text's characters."""

    name: str = Field(pattern=NAME)
    kind: Kind
    label: Words
    help: Words | None = None
    unit: Words | None = None
    default: int | float | str | None = None
    required: bool = True
    least: float | None = None
    most: float | None = None
    longest: int = Field(default=1_000, ge=1, le=10_000)
    choices: list[Choice] = []
    only_if: dict[str, str] = Field(default={}, description="asked only where another parameter has this value")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if (self.kind == "choice") != bool(self.choices):
            raise ValueError(f"{self.name}: choices belong to kind = 'choice', and to no other")
        if self.kind == "choice" and self.default not in {choice.value for choice in self.choices}:
            raise ValueError(f"{self.name}: the default is not one of the choices")
        if self.kind in ("integer", "number"):
            if self.least is None or self.most is None or self.least > self.most:
                raise ValueError(f"{self.name}: a number has a least and a most")
            if not isinstance(self.default, int | float) or not self.least <= self.default <= self.most:
                raise ValueError(f"{self.name}: the default is not between least and most")
        return self


class Amount(Part):
    """How many may be asked for."""

    least: int = Field(ge=0)
    most: int = Field(ge=0, le=100_000)
    default: int = Field(ge=0)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if not self.least <= self.default <= self.most:
            raise ValueError("least, default and most are in that order")
        return self


class Needs(Part):
    """What a run takes. Accelerators and cores are of each node; `environment` is what the site must have installed."""

    accelerators_are: Accelerators
    nodes: Amount = Amount(least=1, most=1, default=1)
    accelerators: Amount
    cores: Amount
    minutes: Amount
    environment: Words

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.accelerators_are == "none" and self.accelerators.most:
            raise ValueError("accelerators_are = 'none' and accelerators.most above 0")
        if self.accelerators_are == "required" and not self.accelerators.least:
            raise ValueError("accelerators_are = 'required' and accelerators.least of 0")
        if min(self.nodes.least, self.cores.least, self.minutes.least) < 1:
            raise ValueError("at least one node, one core and one minute")
        return self


class Recipe(Part):
    """A recipe as its folder says it. `script` and `programs` are read from beside `recipe.toml`."""

    format: Literal["fabriek/recipe/1"]
    code: str = Field(pattern=CODE)
    version: str = Field(min_length=1, max_length=20)
    makes: Literal["model", "evaluation", "service", "notebook", "dataset", "other"]
    estimate: EstimateKind
    title: Words
    about: Words
    needs: Needs
    parameters: list[Parameter] = Field(default=[], max_length=40)
    programs: list[str] = Field(default=[], description="names of the shipped programs, or of files in the folder")
    script: str = Field(min_length=1, max_length=20_000)
    files: dict[str, str] = Field(default={}, description="name of a program -> its text")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        names = [parameter.name for parameter in self.parameters]
        if len(set(names)) < len(names) or RESERVED & set(names):
            raise ValueError(f"a parameter's name is used once, and is none of {', '.join(sorted(RESERVED))}")
        for parameter in self.parameters:
            for other in parameter.only_if:
                if other not in names:
                    raise ValueError(f"{parameter.name}: only_if names {other}, which is no parameter")
        return self

    @cached_property
    def digest(self) -> str:
        """SHA-256 of all that decides what runs: the description, the script and the programs."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()

    def parameter(self, name: str) -> Parameter | None:
        """The parameter of this name."""
        return next((one for one in self.parameters if one.name == name), None)


def read_recipe(folder: Path) -> Recipe:
    """The recipe of a folder. Errors: RecipeBroken."""
    path = folder / "recipe.toml"
    try:
        said = tomllib.loads(path.read_text(encoding="utf-8"))
        script = (folder / "script.sh").read_text(encoding="utf-8")
        files = {name: _program(folder, name) for name in said.get("programs", [])}
        recipe = Recipe.model_validate({**said, "script": script, "files": files})
    except ValidationError as fault:
        first = fault.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise RecipeBroken(f"{path}: {where or 'recipe'}: {first['msg']}") from None
    except (OSError, ValueError, TypeError) as fault:
        raise RecipeBroken(f"{path}: {fault}") from None
    if recipe.code != folder.name:
        raise RecipeBroken(f"{path}: the folder's name and the code {recipe.code!r} are the same")
    return recipe


def _program(folder: Path, name: str) -> str:
    if not re.fullmatch(NAME, name):
        raise ValueError(f"programs: {name!r} is no name of a program")
    own = folder / f"{name}.py"
    return (own if own.exists() else PROGRAMS / f"{name}.py").read_text(encoding="utf-8")


def read_book(*folders: Path) -> dict[str, Recipe]:
    """All recipes of these folders, by code, in their order. A later folder may replace a recipe of an earlier one.

    Errors: RecipeBroken.
    """
    found: dict[str, Recipe] = {}
    for folder in folders:
        for path in sorted(folder.glob("*/recipe.toml")):
            recipe = read_recipe(path.parent)
            found[recipe.code] = recipe
    return found
