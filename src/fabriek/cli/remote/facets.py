"""What a search of the catalogue is narrowed by, as options of each verb that asks one: spelt once."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Annotated, Any

import typer

FACETS = {
    "kind": "dataset, model, software, training, service, funding and others.",
    "licence": "SPDX, or an address.",
    "access": "open, registered, on-request or closed.",
    "factory": "A factory's code.",
    "language": "Of what it holds, speaks or teaches in: fy.",
    "task": "What it is for: text-generation.",
    "sector": "What it is about: health.",
}


def narrowed(verb: Callable[..., None]) -> Callable[..., None]:
    """A verb with an option for each facet, which may be given several times. The verb takes them as `facets`: lists of
    values by facet, without those that were not given."""
    signature = inspect.signature(verb, eval_str=True)
    own = [one for name, one in signature.parameters.items() if name != "facets"]
    added = [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=None,
            annotation=Annotated[list[str] | None, typer.Option(f"--{name}", help=f"{about} Several: any of them.")],
        )
        for name, about in FACETS.items()
    ]

    @wraps(verb)
    def with_options(**said: Any) -> None:
        facets = {name: values for name in FACETS if (values := said.pop(name))}
        verb(**said, facets=facets)

    parameters = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in own]
    with_options.__signature__ = signature.replace(parameters=[*parameters, *added])  # type: ignore[attr-defined]
    with_options.__annotations__ = {one.name: one.annotation for one in [*parameters, *added]}
    return with_options
