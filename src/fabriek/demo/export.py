"""Everything as open files: for auditors, for another platform, for the day after this one."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

from django.apps import apps
from django.db.models import Model

from fabriek.access.models import Decision, ScenarioAnswer

# Secrets and machinery stay behind; all else goes along.
LEFT_OUT = frozenset({"people.token", "catalogue.daysalt"})
_WITHHELD = frozenset({"password", "digest"})


def tables() -> list[type[Model]]:
    """The tables of the rooms, in order of name."""
    rooms = [config for config in apps.get_app_configs() if config.name.startswith("fabriek.")]
    models = [model for config in rooms for model in config.get_models()]
    return sorted((m for m in models if m._meta.label_lower not in LEFT_OUT), key=lambda m: m._meta.label_lower)


def export_all(folder: Path, tell: Callable[[str], None] = lambda _name: None) -> list[tuple[str, int]]:
    """Write one CSV a table, the problem and plan of each decision and scenario, and `manifest.json`; returns them.

    Every file is written whole or not at all; exporting again replaces the files.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files: list[tuple[str, int]] = []
    manifest = []
    for model in tables():
        name = f"{model._meta.label_lower.replace('.', '_')}.csv"
        tell(name)
        files.append((name, _table(model, folder / name)))
        fields = [field for field in model._meta.concrete_fields if field.attname not in _WITHHELD]
        manifest.append(
            {
                "file": name,
                "rows": files[-1][1],
                "what": (model.__doc__ or "").strip().split("\n")[0],
                "columns": {field.attname: str(field.help_text) for field in fields},
            }
        )
    for decision in Decision.objects.iterator():
        for kind in ("problem", "plan"):
            name = f"{decision.code}.{kind}.json"
            _whole(folder / name, getattr(decision, kind))
            files.append((name, 1))
            manifest.append({"file": name, "rows": 1, "what": f"fabriek/{kind}/1 of {decision.code}", "columns": {}})
    for answer in ScenarioAnswer.objects.select_related("scenario").iterator(chunk_size=20):
        scenario = answer.scenario
        for kind, text in (("problem", scenario.problem), ("plan", answer.plan)):
            name = f"{scenario.code}.{kind}.json"
            _whole(folder / name, text)
            files.append((name, 1))
            manifest.append({"file": name, "rows": 1, "what": f"fabriek/{kind}/1 of {scenario.code}", "columns": {}})
    _whole(folder / "manifest.json", json.dumps({"format": "fabriek/export/1", "files": manifest}, indent=1) + "\n")
    return files


def _table(model: type[Model], path: Path) -> int:
    fields = [field for field in model._meta.concrete_fields if field.attname not in _WITHHELD]
    partial = path.with_suffix(".partial")
    rows = 0
    with partial.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([field.attname for field in fields])
        for row in model._default_manager.order_by("pk").iterator(chunk_size=5_000):
            writer.writerow([_cell(getattr(row, field.attname)) for field in fields])
            rows += 1
    partial.replace(path)
    return rows


def _cell(value: object) -> object:
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, sort_keys=True)
    return "" if value is None else value


def _whole(path: Path, text: str) -> None:
    partial = path.with_suffix(".partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)
