"""Loads the real EuroHPC register that comes with the package: systems, factories, antennas, each fact with its source.

Loading again changes nothing while the files are the same; rows that the operator made are never touched.
"""

from __future__ import annotations

import hashlib
import json
import re
from datetime import date
from importlib import resources
from typing import Any

from django.db import transaction
from django.utils.text import slugify

from fabriek.register.conversions import add_conversions
from fabriek.register.models import (
    Antenna,
    Confidence,
    ConsortiumMember,
    Factory,
    HostingEntity,
    LegalStatement,
    Partition,
    PartitionKind,
    Site,
    Source,
    Stage,
    StageChange,
    System,
    UnitConversion,
)
from fabriek.register.stages import take_last_stage

_SINCE = date(2021, 1, 1)
"""Before the first machine of the register was there."""

_SYSTEM_STAGES = {
    "operational": Stage.OPERATING,
    "commissioning": Stage.INSTALLED,
    "contracted": Stage.PROCURED,
    "tender": Stage.AGREED,
    "selected": Stage.SELECTED,
}

# Dense BF16 peak of one accelerator in petaflops, from the makers' data sheets (without sparsity).
# MI250X counts as one module of two dies, as EuroHPC counts accelerators.
_PEAKS = (
    ("GB300", 2.5),
    ("GB200", 2.5),
    ("GH200", 0.989),
    ("H200", 0.989),
    ("H100", 0.989),
    ("A100", 0.312),
    ("MI250X", 0.383),
    ("A40", 0.150),
)
_DAY = re.compile(r"\d{4}(-\d{2}(-\d{2})?)?")
_DATED = re.compile(r"([^;,]*?)\s*(?:contract )?(\d{4}-\d{2}-\d{2})")


def _file(name: str) -> tuple[dict[str, Any], str]:
    raw = resources.files("fabriek.register").joinpath(f"data/{name}").read_bytes()
    return json.loads(raw), hashlib.sha256(raw + _code()).hexdigest()


def _code() -> bytes:
    """A changed reading of the same files loads them again."""
    return resources.files("fabriek.register").joinpath("reference.py").read_bytes()


def load_reference() -> dict[str, int]:
    """Load or refresh the reference register. Returns how many rows there are; does nothing where it is up to date."""
    systems, systems_hash = _file("eurohpc_systems.json")
    factories, factories_hash = _file("ai_factories.json")
    law, law_hash = _file("legal_statements.json")
    fingerprint = hashlib.sha256(f"{systems_hash}:{factories_hash}:{law_hash}".encode()).hexdigest()
    known = Source.objects.filter(code="reference-register").first()
    if known is None or known.text != fingerprint:
        with transaction.atomic():
            _sources(systems, factories, law)
            for row in factories["ai_factories"]:
                _factory(row)
            for row in systems["systems"]:
                _system(row)
            for row in systems["national_systems_to_coordinate"]:
                _national(row)
            _name_systems(factories["ai_factories"])
            for row in factories["antennas"]:
                _antenna(row)
            _law(law)
            Source.objects.update_or_create(code="reference-register", defaults={"text": fingerprint})
    return {
        "factories": Factory.objects.count(),
        "systems": System.objects.count(),
        "partitions": Partition.objects.count(),
        "antennas": Antenna.objects.count(),
    }


def _law(file: dict[str, Any]) -> None:
    """What the law says of every factory, and of one. Statements that an operator declared stay."""
    LegalStatement.objects.filter(is_reference=True).delete()
    factories = {factory.code: factory for factory in Factory.objects.filter(is_demo=False)}
    rows: list[tuple[Factory | None, Any]] = [(None, row) for row in file["of_every_factory"]]
    rows += [(factories[row["factory"]], row) for row in file["of_one_factory"]]
    LegalStatement.objects.bulk_create(
        LegalStatement(
            is_reference=True,
            factory=factory,
            subject=row["subject"],
            says=row.get("says", ""),
            text=row.get("text", ""),
            basis=row["basis"],
            valid_from=_day(row["valid_from"]),
            valid_until=_day(row.get("valid_until")),
            source=row["source"],
            confidence=row["confidence"],
        )
        for factory, row in rows
    )


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def _value(row: dict[str, Any], name: str) -> Any:
    fact = row.get(name)
    return fact.get("value") if isinstance(fact, dict) and "value" in fact else fact


def _facts(row: dict[str, Any], names: dict[str, str]) -> dict[str, dict[str, str]]:
    """Source and confidence for each of our fields: {field: name in the file}."""
    return {
        field: {"source": row[name]["source"], "confidence": row[name]["confidence"]}
        for field, name in names.items()
        if isinstance(row.get(name), dict) and "source" in row[name]
    }


def _sources(*files: dict[str, Any]) -> None:
    rows = [Source(code=code[:200], text=str(text)) for file in files for code, text in file["sources"].items()]
    unique = {row.code: row for row in rows}
    Source.objects.bulk_create(unique.values(), update_conflicts=True, unique_fields=["code"], update_fields=["text"])


def _entity(name: str, country: str) -> HostingEntity:
    entity, _made = HostingEntity.objects.get_or_create(
        code=slugify(f"{name}-{country}")[:120], defaults={"name": name, "country": country}
    )
    return entity


def _factory(row: dict[str, Any]) -> None:
    status = _value(row, "status")
    selected = _value(row, "selection_round")
    factory, _made = Factory.objects.update_or_create(
        code=row["id"].replace("+", "p"),
        defaults={
            "name": row["name"],
            "country": row["country"],
            "hosting_entity": _entity(_value(row, "host_entity"), row["country"]),
            "stage": _factory_stage(status),
            "stage_text": status,
            "selected_on": date.fromisoformat(selected) if selected else None,
            "sectors": _value(row, "sectors") or [],
            "website": _value(row, "website") or "",
            "notes": row.get("notes") or "",
            "facts": _facts(
                row,
                {
                    "hosting_entity": "host_entity",
                    "stage_text": "status",
                    "selected_on": "selection_round",
                    "sectors": "sectors",
                    "website": "website",
                    "states": "participating_countries",
                    "partners": "partners",
                    "systems": "supercomputers",
                },
            ),
        },
    )
    factory.members.all().delete()
    members = [
        ConsortiumMember(factory=factory, kind="state", name=code, country=code)
        for code in _value(row, "participating_countries") or []
    ]
    members += [
        ConsortiumMember(factory=factory, kind="partner", name=name)
        for name in dict.fromkeys(_value(row, "partners") or [])
    ]
    ConsortiumMember.objects.bulk_create(members)
    of_operator = _forget_stages(factory)
    if selected:
        fact = row["selection_round"]
        StageChange.objects.create(
            factory=factory, stage=Stage.SELECTED, on=selected, source=fact["source"], confidence=fact["confidence"]
        )
    fact = row["status"]
    for text, on in _DATED.findall(status or ""):
        stage = Stage.PROCURED if "contract" in status[: status.find(on)] else Stage.OPERATING
        StageChange.objects.create(
            factory=factory,
            stage=stage,
            on=on,
            text=text.strip()[:300],
            source=fact["source"],
            confidence=fact["confidence"],
        )
    if of_operator:
        take_last_stage(factory)


def _forget_stages(thing: Factory | System) -> bool:
    """Stages that a source of the reference data told go. Returns whether the operator's own are left."""
    thing.stages.filter(source__in=Source.objects.values("code")).delete()
    return thing.stages.exists()


def _factory_stage(status: str) -> str:
    """The stage that the source's words amount to."""
    words = status.lower()
    if "services" in words or "inaugurated" in words:
        return Stage.OPERATING
    if "contract 2" in words:
        return Stage.PROCURED
    if "development" in words:
        return Stage.AGREED
    return Stage.SELECTED


def _site(row: dict[str, Any], operator: str) -> Site:
    name = _value(row, "operator_site") or _value(row, "city")
    site, _made = Site.objects.update_or_create(
        code=slugify(f"{_value(row, 'city')}-{name}")[:80],
        defaults={
            "name": name[:200],
            "city": _value(row, "city") or "",
            "country": row["country"],
            "latitude": _value(row, "lat"),
            "longitude": _value(row, "lon"),
            "hosting_entity": _entity(operator, row["country"]),
            "facts": _facts(row, {"name": "operator_site", "city": "city", "latitude": "lat", "longitude": "lon"}),
        },
    )
    return site


def _system(row: dict[str, Any]) -> None:
    operator = _value(row, "host_entity")
    share = _value(row, "union_share_percent_max")
    status = _value(row, "status")
    since = _value(row, "operational_since_or_expected") or ""
    system, _made = System.objects.update_or_create(
        code=row["id"],
        defaults={
            "name": row["name"],
            "country": row["country"],
            "site": _site(row, operator),
            "hosting_entity": _entity(operator, row["country"]),
            "stage": _SYSTEM_STAGES[status],
            "stage_text": status,
            "system_class": _value(row, "class") or "",
            "operating_since": since[:60],
            "union_share_maximum": None if share is None else f"{share / 100:.3f}",
            "consortium_countries": _value(row, "host_consortium_countries") or [],
            "interconnect": _value(row, "interconnect") or "",
            "scheduler": _value(row, "scheduler") or "",
            "vendor": (_value(row, "vendor") or "")[:200],
            "rmax_petaflops": _value(row, "rmax_pflops_best_entry"),
            "cost_million_euro": _value(row, "cost_meur"),
            "documentation": _value(row, "user_documentation") or "",
            "notes": row.get("notes") or "",
            "facts": _facts(
                row,
                {
                    "hosting_entity": "host_entity",
                    "stage": "status",
                    "system_class": "class",
                    "operating_since": "operational_since_or_expected",
                    "union_share_maximum": "union_share_percent_max",
                    "consortium_countries": "host_consortium_countries",
                    "interconnect": "interconnect",
                    "scheduler": "scheduler",
                    "vendor": "vendor",
                    "rmax_petaflops": "rmax_pflops_best_entry",
                    "cost_million_euro": "cost_meur",
                    "documentation": "user_documentation",
                },
            ),
        },
    )
    codes = [code.replace("+", "p") for code in row["ai_factory_ids"]]
    system.factories.set(Factory.objects.filter(code__in=codes))
    of_operator = _forget_stages(system)
    fact = row["operational_since_or_expected"]
    if status == "operational" and (day := _DAY.match(since)):
        StageChange.objects.create(
            system=system, stage=Stage.OPERATING, on=day[0], source=fact["source"], confidence=fact["confidence"]
        )
    if of_operator:
        take_last_stage(system)
    for part in row["partitions"]:
        _partition(system, part)


def _partition(system: System, row: dict[str, Any]) -> None:
    model = _value(row, "accelerator_model") or ""
    peak = next((flops for name, flops in _PEAKS if name in model), None)
    facts = _facts(
        row,
        {
            "nodes": "nodes",
            "accelerators_per_node": "accelerators_per_node",
            "accelerator_model": "accelerator_model",
            "accelerator_memory_gib": "accelerator_memory_gb",
            "cores_per_node": "cpu_cores_per_node",
            "cpu_model": "cpu_model",
            "memory_gib_per_node": "memory_gb_per_node",
            "rmax_petaflops": "rmax_pflops",
        },
    )
    if peak is not None:
        facts["accelerator_petaflops"] = {
            "source": "the maker's data sheet, dense BF16",
            "confidence": facts.get("accelerator_model", {}).get("confidence", "medium"),
        }
    partition, _made = Partition.objects.update_or_create(
        code=f"{system.code}/{slugify(row['name'])}"[:80],
        defaults={
            "system": system,
            "name": row["name"],
            "kind": _kind(row, model),
            "nodes": _value(row, "nodes"),
            "accelerators_per_node": _value(row, "accelerators_per_node"),
            "accelerator_model": model,
            "accelerator_memory_gib": _value(row, "accelerator_memory_gb"),
            "accelerator_petaflops": peak,
            "cores_per_node": _value(row, "cpu_cores_per_node"),
            "cpu_model": _value(row, "cpu_model") or "",
            "memory_gib_per_node": _value(row, "memory_gb_per_node"),
            "rmax_petaflops": _value(row, "rmax_pflops"),
            "notes": row.get("note") or "",
            "facts": facts,
        },
    )
    _conversions(partition, facts)


def _kind(row: dict[str, Any], model: str) -> str:
    """The file calls a partition of which nothing is known 'cpu'; that is not a fact."""
    if row["kind"] == "cpu" and _value(row, "accelerators_per_node") is None and not model:
        return PartitionKind.OTHER
    return str(row["kind"])


def _conversions(partition: Partition, facts: dict[str, dict[str, str]], sbu: int | None = None) -> None:
    """What units are worth on this partition, in accelerator-hours. Units that the operator declared since stay."""
    each = partition.accelerators_per_node
    fact = facts.get("accelerators_per_node", {})
    rows = []

    def add(unit: str, numerator: int, denominator: int = 1, source: str = "", confidence: str = "") -> None:
        rows.append(
            UnitConversion(
                partition=partition,
                unit=unit,
                numerator=numerator,
                denominator=denominator,
                valid_from=_SINCE,
                source=source or fact.get("source", ""),
                confidence=confidence or fact.get("confidence", Confidence.MEDIUM),
            )
        )

    if each:
        add("gpu-hour", 1, source="by definition", confidence=Confidence.HIGH)
        add("node-hour", each)
        if partition.cores_per_node:
            add("core-hour", each, partition.cores_per_node)
        if "MI250X" in partition.accelerator_model:
            # Two dies a module: Slurm shows and counts each as a GPU.
            add("gcd-hour", 1, 2, source="AMD Instinct MI250X data sheet", confidence=Confidence.HIGH)
        if sbu:
            add("sbu", 1, sbu)
    changed = partition.conversions.exclude(valid_from=_SINCE, valid_until=None).values_list("unit", flat=True)
    ours = {row.unit for row in rows} - set(changed)
    partition.conversions.filter(unit__in=ours).delete()
    add_conversions(partition, [row for row in rows if row.unit in ours])


def _national(row: dict[str, Any]) -> None:
    """A national system to coordinate with: its partitions carry the state's own unit."""
    operator = _value(row, "operator")
    fact = {"source": row["source"], "confidence": row["confidence"]}
    site = _site({**row, "operator_site": None}, operator)
    system, _made = System.objects.update_or_create(
        code=row["id"],
        defaults={
            "name": row["name"],
            "country": row["country"],
            "site": site,
            "hosting_entity": _entity(operator, row["country"]),
            "stage": Stage.OPERATING,
            "system_class": "national",
            "scheduler": row.get("scheduler", ""),
            "notes": _value(row, "rmax_note") or "",
            "facts": dict.fromkeys(("stage", "scheduler"), fact),
        },
    )
    for part in row["partitions"]:
        facts = dict.fromkeys(("accelerators_per_node", "accelerator_model", "cores_per_node"), fact)
        partition, _made = Partition.objects.update_or_create(
            code=f"{system.code}/{slugify(part['name'])}"[:80],
            defaults={
                "system": system,
                "name": part["name"],
                "kind": PartitionKind.GPU,
                "accelerators_per_node": part["accelerators_per_node"],
                "accelerator_model": part["accelerator_model"],
                "accelerator_petaflops": next((f for n, f in _PEAKS if n in part["accelerator_model"]), None),
                "cores_per_node": part["cpu_cores_per_node"],
                "facts": facts,
            },
        )
        _conversions(partition, facts, part["sbu_per_gpu_hour"])


def _name_systems(rows: list[dict[str, Any]]) -> None:
    """Factories name the systems that they use: link those that the register has by that name."""
    by_name = {system.name.lower(): system for system in System.objects.filter(is_demo=False)}
    for row in rows:
        factory = Factory.objects.get(code=row["id"].replace("+", "p"))
        for name in _value(row, "supercomputers") or []:
            system = by_name.get(name.lower())
            if system is not None:
                system.factories.add(factory)


def _antenna(row: dict[str, Any]) -> None:
    selected = _value(row, "selected_on")
    antenna, _made = Antenna.objects.update_or_create(
        code=row["id"],
        defaults={
            "name": _value(row, "name"),
            "country": row["country"],
            "selected_on": date.fromisoformat(selected) if selected else None,
            "status": _value(row, "status") or "",
            "facts": _facts(row, {"name": "name", "selected_on": "selected_on", "factories": "linked_ai_factories"}),
        },
    )
    codes = [code.replace("+", "p") for code in _value(row, "linked_ai_factories") or []]
    antenna.factories.set(Factory.objects.filter(code__in=codes))
