"""What became of what: things, the work that used and made them, and who did it. Callers build it from jobs and
entries; `prov`, `openlineage` and `ro_crate` say it in their own words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal


@dataclass(frozen=True)
class Agent:
    """Who did it or for whom: a person, an organisation, or software."""

    address: str
    name: str
    kind: Literal["person", "organisation", "software"] = "organisation"


@dataclass(frozen=True)
class Thing:
    """Data, a model or a file. `kind`: of a catalogue entry, or 'file'."""

    address: str
    name: str
    kind: str = "file"
    sha256: str = ""
    bytes: int | None = None
    media_type: str = ""
    licence: str = ""
    derived_from: tuple[str, ...] = ()


@dataclass(frozen=True)
class Work:
    """A job. `uuid`: of this run of it. `state`: how it stands; times are UTC."""

    address: str
    uuid: str
    name: str
    state: Literal["running", "completed", "failed", "cancelled"] = "completed"
    started: datetime | None = None
    ended: datetime | None = None
    used: tuple[str, ...] = ()
    made: tuple[str, ...] = ()
    by: tuple[str, ...] = ()
    recipe: str = ""
    gpu_seconds: int | None = None


@dataclass(frozen=True)
class Lineage:
    """All of it. Errors: ValueError where something is named by an address that is none of theirs."""

    things: tuple[Thing, ...] = ()
    works: tuple[Work, ...] = ()
    agents: tuple[Agent, ...] = ()

    def __post_init__(self) -> None:
        things, agents = {one.address for one in self.things}, {one.address for one in self.agents}
        for work in self.works:
            if lost := ({*work.used, *work.made} - things) | (set(work.by) - agents):
                raise ValueError(f"{work.name} names {min(lost)}, which the lineage doesn't have")
        for thing in self.things:
            if lost := set(thing.derived_from) - things:
                raise ValueError(f"{thing.name} comes from {min(lost)}, which the lineage doesn't have")
