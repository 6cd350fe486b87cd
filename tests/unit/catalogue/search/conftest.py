"""Each test has an index of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fabriek.catalogue.search import feeding


@pytest.fixture(autouse=True)
def _own_index(settings: Any, tmp_path: Path) -> None:
    settings.FABRIEK_FOLDER = tmp_path
    feeding.forget(broken=False)
