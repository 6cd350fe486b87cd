"""A project with its inputs, jobs and outputs as RO-Crate 1.2, in the Workflow Run Crate profile Process Run Crate.

Sources: RO-Crate Metadata Specification 1.2 (https://w3id.org/ro/crate/1.2, 2025-06-04); Process Run Crate 0.5 of the
Workflow Run RO-Crate profiles (https://w3id.org/ro/wfrun/process/0.5). Plain JSON-LD: the crate holds addresses, not
bytes, so that nothing is copied.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from fabriek.catalogue.standards.licences import licence_address
from fabriek.catalogue.standards.lineage import Lineage, Thing, Work

CONTEXT = "https://w3id.org/ro/crate/1.2/context"
CONFORMS_TO = "https://w3id.org/ro/crate/1.2"
PROCESS_RUN = "https://w3id.org/ro/wfrun/process/0.5"
FILE_NAME = "ro-crate-metadata.json"
_STATES = {
    "running": "ActiveActionStatus",
    "completed": "CompletedActionStatus",
    "failed": "FailedActionStatus",
    "cancelled": "FailedActionStatus",
}
Node = dict[str, Any]


def write(
    lineage: Lineage, *, title: str, description: str, published: datetime, licence: str = "", address: str = ""
) -> str:
    """The text of `ro-crate-metadata.json`. `licence`: of the crate, SPDX or an address; `address`: of the project's
    page."""
    actions = [_action(work) for work in lineage.works]
    root = _said(
        {
            "@id": "./",
            "@type": "Dataset",
            "name": title,
            "description": description or title,
            "datePublished": published.date().isoformat(),
            "license": _licence(licence),
            "url": address,
            "conformsTo": {"@id": PROCESS_RUN},
            "hasPart": [{"@id": one.address} for one in lineage.things],
            "mentions": [{"@id": action["@id"]} for action in actions],
        }
    )
    nodes = [
        {
            "@id": FILE_NAME,
            "@type": "CreativeWork",
            "conformsTo": {"@id": CONFORMS_TO},
            "about": {"@id": "./"},
        },
        root,
        {"@id": PROCESS_RUN, "@type": "CreativeWork", "name": "Process Run Crate", "version": "0.5"},
        *_licences(lineage, licence),
        *[_thing(one) for one in lineage.things],
        *_recipes(lineage),
        *actions,
        *[
            {
                "@id": one.address,
                "@type": {"person": "Person", "organisation": "Organization", "software": "SoftwareApplication"}[
                    one.kind
                ],
                "name": one.name,
            }
            for one in lineage.agents
        ],
    ]
    return json.dumps({"@context": CONTEXT, "@graph": nodes}, ensure_ascii=False, indent=1)


def _thing(one: Thing) -> Node:
    is_file = one.kind == "file"
    return _said(
        {
            "@id": one.address,
            "@type": "File" if is_file else "Dataset" if one.kind == "dataset" else "CreativeWork",
            "name": one.name,
            "encodingFormat": one.media_type,
            "contentSize": str(one.bytes) if one.bytes is not None else None,
            "sha256": one.sha256,
            "license": _licence(one.licence),
            "isBasedOn": [{"@id": source} for source in one.derived_from],
        }
    )


def _action(work: Work) -> Node:
    return _said(
        {
            "@id": work.address,
            "@type": "CreateAction",
            "name": work.name,
            "identifier": work.uuid,
            "instrument": {"@id": _recipe(work)},
            "agent": [{"@id": agent} for agent in work.by],
            "startTime": work.started and work.started.isoformat(),
            "endTime": work.ended and work.ended.isoformat(),
            "object": [{"@id": used} for used in work.used],
            "result": [{"@id": made} for made in work.made],
            "actionStatus": {"@id": f"http://schema.org/{_STATES[work.state]}"},
        }
    )


def _recipe(work: Work) -> str:
    """What ran: the recipe, or a script that has no other name than the job's."""
    return f"#recipe-{work.recipe}" if work.recipe else f"#script-{work.uuid}"


def _recipes(lineage: Lineage) -> list[Node]:
    found = {_recipe(work): work.recipe or work.name for work in lineage.works}
    return [{"@id": where, "@type": "SoftwareApplication", "name": name} for where, name in found.items()]


def _licence(licence: str) -> Node | str | None:
    where = licence_address(licence) if licence else None
    return {"@id": where} if where else licence or None


def _licences(lineage: Lineage, licence: str) -> list[Node]:
    said = dict.fromkeys([licence, *[one.licence for one in lineage.things]])
    return [
        {"@id": where, "@type": "CreativeWork", "name": one}
        for one in said
        if one and (where := licence_address(one)) is not None
    ]


def _said(node: Node) -> Node:
    return {key: value for key, value in node.items() if value not in (None, "", [], {})}
