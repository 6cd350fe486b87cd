"""Lineage in PROV, OpenLineage and RO-Crate, each read by its own reference library where there is one."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from prov.model import ProvActivity, ProvDocument
from rdflib import PROV, URIRef
from rocrate.rocrate import ROCrate

from fabriek.catalogue.standards import openlineage, prov, ro_crate
from fabriek.catalogue.standards.lineage import Agent, Lineage, Thing, Work

BASE = "https://fabriek.example/"
TEXT, MODEL = f"{BASE}catalogue/a-text", f"{BASE}catalogue/a-model"
JOB, MEMBER = f"{BASE}jobs/1", f"{BASE}people/1"
LINEAGE = Lineage(
    things=(
        Thing(TEXT, "A text", "dataset", licence="CC-BY-4.0"),
        Thing(MODEL, "A model <b>", "model", sha256="a" * 64, derived_from=(TEXT,)),
        Thing(f"{JOB}/log", "log.txt", bytes=12, media_type="text/plain"),
    ),
    works=(
        Work(JOB, "0b0e0d2a-7a0f-4e52-9a29-0d5f7c7a6a11", "train", started=datetime(2026, 1, 2, 3, tzinfo=UTC),
             ended=datetime(2026, 1, 2, 4, tzinfo=UTC), used=(TEXT,), made=(MODEL, f"{JOB}/log"), by=(MEMBER,),
             recipe="fine-tune", gpu_seconds=3600),
        Work(f"{BASE}jobs/2", "0b0e0d2a-7a0f-4e52-9a29-0d5f7c7a6a12", "again", "failed",
             started=datetime(2026, 1, 3, tzinfo=UTC), ended=datetime(2026, 1, 3, 1, tzinfo=UTC), used=(MODEL,)),
        Work(f"{BASE}jobs/3", "0b0e0d2a-7a0f-4e52-9a29-0d5f7c7a6a13", "now", "running",
             started=datetime(2026, 1, 4, tzinfo=UTC)),
    ),
    agents=(Agent(MEMBER, "A member", "person"),),
)  # fmt: skip


def test_lineage_names_only_what_it_has() -> None:
    with pytest.raises(ValueError, match="doesn't have"):
        Lineage(works=(Work(JOB, "1", "train", used=(TEXT,)),))
    with pytest.raises(ValueError, match="doesn't have"):
        Lineage(things=(Thing(MODEL, "m", derived_from=(TEXT,)),))


def test_prov_json_is_read_by_the_prov_library() -> None:
    document = ProvDocument.deserialize(content=json.dumps(prov.as_json(LINEAGE)), format="json")
    told = document.get_provn()
    assert "used(w:1, t:1" in told
    assert "wasGeneratedBy(t:2, w:1" in told
    assert "wasDerivedFrom(t:2, t:1" in told
    assert "wasAssociatedWith(w:1, a:1" in told
    assert len(list(document.get_records(ProvActivity))) == 3
    assert "2026-01-02T03:00:00" in told


def test_prov_o_says_the_same() -> None:
    graph = prov.as_graph(LINEAGE)
    assert (URIRef(JOB), PROV.used, URIRef(TEXT)) in graph
    assert (URIRef(MODEL), PROV.wasGeneratedBy, URIRef(JOB)) in graph
    assert (URIRef(MODEL), PROV.wasDerivedFrom, URIRef(TEXT)) in graph
    assert (URIRef(JOB), PROV.wasAssociatedWith, URIRef(MEMBER)) in graph
    again = prov.new_graph().parse(data=graph.serialize(format="turtle"), format="turtle")
    assert set(again) == set(graph)


def test_run_events_come_in_order_and_end_as_the_run_did() -> None:
    events = openlineage.events(LINEAGE, producer=f"{BASE}fabriek", namespace="lumi")
    assert [(event["eventType"], event["eventTime"]) for event in events] == [
        ("START", "2026-01-02T03:00:00Z"),
        ("COMPLETE", "2026-01-02T04:00:00Z"),
        ("START", "2026-01-03T00:00:00Z"),
        ("FAIL", "2026-01-03T01:00:00Z"),
        ("START", "2026-01-04T00:00:00Z"),
    ]
    done = events[1]
    assert done["job"] == {"namespace": "lumi", "name": "fine-tune"}
    assert [(one["namespace"], one["name"]) for one in done["outputs"]] == [
        ("https://fabriek.example", "catalogue/a-model"),
        ("https://fabriek.example", "jobs/1/log"),
    ]
    assert done["run"]["runId"] == events[0]["run"]["runId"]


def crate(folder: Path) -> str:
    text = ro_crate.write(
        LINEAGE,
        title="A project",
        description="What it did.",
        published=datetime(2026, 2, 3, tzinfo=UTC),
        licence="CC-BY-4.0",
        address=f"{BASE}projects/1",
    )
    (folder / ro_crate.FILE_NAME).write_text(text)
    return text


def test_the_crate_is_read_by_the_rocrate_library(tmp_path: Path) -> None:
    crate(tmp_path)
    read = ROCrate(tmp_path)
    assert (read.name, str(read.license.id)) == ("A project", "http://spdx.org/licenses/CC-BY-4.0")
    job = read.dereference(JOB)
    assert job.type == "CreateAction"
    # The library ends the address of each Dataset with a slash.
    assert [one.id.rstrip("/") for one in job["object"]] == [TEXT]
    assert {one.id for one in job["result"]} == {MODEL, f"{JOB}/log"}
    assert job["instrument"].id == "#recipe-fine-tune"
    assert [one["name"] for one in job["agent"]] == ["A member"]


def test_each_thing_that_the_crate_points_to_is_described_in_it(tmp_path: Path) -> None:
    nodes = json.loads(crate(tmp_path))["@graph"]
    described = {node["@id"] for node in nodes}
    pointed = {
        one["@id"]
        for node in nodes
        for key, value in node.items()
        if key not in {"actionStatus", "conformsTo"}
        for one in (value if isinstance(value, list) else [value])
        if isinstance(one, dict)
    }
    assert pointed <= described
    assert len(described) == len(nodes)
