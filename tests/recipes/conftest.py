from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.recipes.site import Site, python_with_torch


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A site whose jobs have PyTorch."""
    environment = {"FABRIEK_TORCH_PYTHON": python_with_torch(), "FABRIEK_RESULTS": str(tmp_path / "results")}
    # Built only now: a test that is left out makes no world.
    made = Site(tmp_path / "agent", environment)
    yield made
    made.close()
