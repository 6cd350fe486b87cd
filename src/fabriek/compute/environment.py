"""What a site says to its jobs: variables of their environment, from the agent's configuration.

The recipes read three of them (docs/reference/agent.md): FABRIEK_PROLOGUE, a file of shell lines to begin with (`module
load`, say); FABRIEK_TORCH_PYTHON, a Python that has PyTorch; FABRIEK_RESULTS, where results are to be kept.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# What the scheduler and the engine say themselves.
_THEIRS = ("SLURM_", "HOME", "USER", "FABRIEK_RESULT_FILE")


def _checked(variables: dict[str, str]) -> dict[str, str]:
    for name, value in variables.items():
        if not _NAME.fullmatch(name) or name.startswith(_THEIRS[0]) or name in _THEIRS[1:]:
            raise ValueError(f"environment: {name!r} can't be set for jobs")
        if "\x00" in value or "\n" in value:
            raise ValueError(f"environment: {name} has a line end in it")
    return variables


Environment = Annotated[dict[str, str], AfterValidator(_checked)]


def torch_python() -> str:
    """A Python of this machine that has PyTorch, for jobs of the embedded engine; "" for none.

    The one that FABRIEK_TORCH_PYTHON names, or the one that `make torch` made.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    found = os.environ.get("FABRIEK_TORCH_PYTHON") or str(cache / "fabriek" / "torch" / "bin" / "python")
    return found if os.access(found, os.X_OK) else ""
