"""A recipe and what was asked, as a batch script.

Nothing that somebody typed is a part of a command. Into the #SBATCH lines and the exports go whole numbers and a name
of letters, digits and dashes, made here; all else is in one JSON file, written by a here-document with a quoted
delimiter, in which the shell expands nothing. JSON in ASCII has no line that equals the delimiter, and a program that
had one is refused.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from typing import Any

from fabriek.recipes.parameters import Asked
from fabriek.recipes.recipe import Recipe

_END = "FABRIEK_END_OF_FILE"

_HEAD = """#!/bin/bash
#SBATCH --job-name={code}
#SBATCH --nodes={nodes}
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task={cores}
{accelerators}#SBATCH --time={hours:02d}:{minutes:02d}:00
# Recipe {code} {version}, SHA-256 {digest}.
# What was filled in is in parameters.json below: data, in which this shell expands nothing.
set -euo pipefail
export FABRIEK_STARTED="$(date +%s)"
export FABRIEK_NODES={nodes} FABRIEK_ACCELERATORS={gpus} FABRIEK_CORES={cores}
"""

# The same for every recipe: the site's own preparations, its Python, the threads that it may use.
_PREPARE = """
# The site says how its jobs come to their software: FABRIEK_PROLOGUE is a file to read first (module load, say), and
# FABRIEK_TORCH_PYTHON a Python that has PyTorch (of a virtual environment, or a wrapper around a container).
if [ -n "${FABRIEK_PROLOGUE:-}" ]; then
    set +eu
    . "$FABRIEK_PROLOGUE"
    set -eu
fi
python="${FABRIEK_TORCH_PYTHON:-python3}"
work="$PWD/fabriek-recipe-${SLURM_JOB_ID:-0}"
mkdir -p "$work/fabriek_recipe"
export PYTHONPATH="$work" PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
# PyTorch looks for NumPy, which nothing here uses, and says at length that it isn't there.
export PYTHONWARNINGS="ignore:Failed to initialize NumPy"
export FABRIEK_RESULT_FILE="${FABRIEK_RESULT_FILE:-$PWD/fabriek-result.json}"
parameters="$work/parameters.json"
trap 'rm -rf "$work"' EXIT
# Told to stop, the program writes down what it has, and the shell waits for it.
trap : TERM
"""


class CannotRender(ValueError):
    """A program that can't be put into a script."""


def render(recipe: Recipe, asked: Asked, inputs: Mapping[str, Mapping[str, Any]] | None = None) -> str:
    """The batch script. inputs: of each checkpoint that was chosen its path, sha256 and bytes. Errors: CannotRender."""
    head = _HEAD.format(
        code=recipe.code,
        version=_comment(recipe.version),
        digest=recipe.digest,
        nodes=int(asked.nodes),
        cores=int(asked.cores),
        gpus=int(asked.accelerators),
        accelerators=f"#SBATCH --gpus-per-node={int(asked.accelerators)}\n" if asked.accelerators else "",
        hours=asked.minutes // 60,
        minutes=asked.minutes % 60,
    )
    told = {
        **asked.parameters,
        **(inputs or {}),
        "name": asked.name,
        "limit_seconds": asked.seconds,
        "code": {"recipe": recipe.code, "version": recipe.version, "sha256": recipe.digest},
    }
    files = {
        "fabriek_recipe/__init__.py": "",
        **{f"fabriek_recipe/{name}.py": text for name, text in recipe.files.items()},
    }
    files["parameters.json"] = json.dumps(told, indent=1, sort_keys=True, ensure_ascii=True, allow_nan=False)
    parts = [head, _PREPARE, f"run_recipe() {{\n{recipe.script.rstrip()}\n}}\n"]
    parts += [_file(name, text) for name, text in files.items()]
    parts.append("\nrun_recipe\n")
    return "".join(parts)


def _file(name: str, text: str) -> str:
    if _END in text.splitlines() or "\x00" in text:
        raise CannotRender(f"{name} has a line {_END}, which ends the file early in a batch script")
    return f"\ncat > \"$work\"/{shlex.quote(name)} <<'{_END}'\n{text.rstrip()}\n{_END}\n"


def _comment(text: str) -> str:
    """A text that stays on its line."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)
