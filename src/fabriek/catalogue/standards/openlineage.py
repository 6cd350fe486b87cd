"""Lineage as OpenLineage run events, for those who collect events of runs (Marquez, DataHub and others).

Source: OpenLineage 2-0-2, https://openlineage.io/spec/2-0-2/OpenLineage.json. A run that ended is two events: its start
and how it ended. A run of which no start is known (it ended before it began) is one.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from fabriek.catalogue.standards.lineage import Lineage, Thing, Work

SCHEMA = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"
_ENDS = {"completed": "COMPLETE", "failed": "FAIL", "cancelled": "ABORT"}


def events(lineage: Lineage, *, producer: str, namespace: str) -> list[dict[str, Any]]:
    """Run events in the order of their times. `producer`: an address of what says it; `namespace`: of the jobs."""
    things = {one.address: one for one in lineage.things}
    found = [event for work in lineage.works for event in _events_of(work, things, producer, namespace)]
    return sorted(found, key=lambda event: event["eventTime"])


def _events_of(work: Work, things: dict[str, Thing], producer: str, namespace: str) -> list[dict[str, Any]]:
    def event(kind: str, when: datetime) -> dict[str, Any]:
        ended = kind != "START"
        return {
            "eventType": kind,
            "eventTime": when.astimezone(UTC).isoformat().replace("+00:00", "Z"),
            "run": {"runId": work.uuid},
            "job": {"namespace": namespace, "name": work.recipe or work.name},
            "inputs": [_dataset(things[one], producer) for one in work.used],
            "outputs": [_dataset(things[one], producer) for one in work.made] if ended else [],
            "producer": producer,
            "schemaURL": SCHEMA,
        }

    said = [event("START", work.started)] if work.started else []
    if work.ended and work.state in _ENDS:
        said.append(event(_ENDS[work.state], work.ended))
    return said


def _dataset(thing: Thing, producer: str) -> dict[str, Any]:
    """OpenLineage names data by where it is (namespace) and what it is there (name)."""
    where = urlsplit(thing.address)
    name = where.path.strip("/") + (f"#{where.fragment}" if where.fragment else "")
    documentation = {
        "_producer": producer,
        "_schemaURL": "https://openlineage.io/spec/facets/1-0-1/DocumentationDatasetFacet.json",
        "description": thing.name,
    }
    return {
        "namespace": f"{where.scheme}://{where.netloc}",
        "name": name or thing.name,
        "facets": {"documentation": documentation},
    }
