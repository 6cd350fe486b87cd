"""What is cached on disk isn't believed once anything in the package has changed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from fabriek.simulation.compiled import entry, needs

_CALLED = "from {package}.compiled import jit\n\n@jit\ndef called():\n    return {value}\n"
_CALLER = (
    "from {package}.compiled import entry\nfrom {package}.called import called\n\n"
    "@entry\ndef caller():\n    return called()\n"
)


def test_a_change_in_what_is_called_is_seen(tmp_path: Path) -> None:
    package = tmp_path / "some"
    package.mkdir()
    (package / "__init__.py").touch()
    import fabriek.simulation.compiled as compiled

    (package / "compiled.py").write_text(Path(compiled.__file__).read_text())
    (package / "caller.py").write_text(_CALLER.format(package="some"))
    answers = []
    for value in (1, 22):
        (package / "called.py").write_text(_CALLED.format(package="some", value=value))
        for _time in range(2):
            done = subprocess.run(
                [
                    sys.executable,
                    "-c",
                    "from some.caller import caller; print(caller(), sum(caller.stats.cache_hits.values()))",
                ],
                check=True,
                capture_output=True,
                text=True,
                cwd=tmp_path,
                env=os.environ | {"PYTHONPATH": str(tmp_path), "NUMBA_CACHE_DIR": str(tmp_path / "cache")},
            )
            answers.append(done.stdout.split())
    assert answers == [["1", "0"], ["1", "1"], ["22", "0"], ["22", "1"]]


class Given(NamedTuple):
    values: Any


@needs("values", otherwise=-1)
def value(given, place):
    return given.values[place]


@entry
def doubled(given):
    return 2 * value(given, 1)


def test_what_a_simulation_lacks_is_a_constant() -> None:
    assert doubled(Given(None)) == -2
    assert doubled(Given(np.array([3, 4]))) == 8
