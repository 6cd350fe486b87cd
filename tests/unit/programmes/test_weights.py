"""How heavily programmes weigh in a scheduler's fair share."""

from __future__ import annotations

import pytest
from tests.factories.world import MONTH, make_world

from fabriek.programmes.queries import weights

pytestmark = pytest.mark.django_db


def test_weights_are_the_programmes_parts_of_what_is_shared_out():
    world = make_world()
    found = weights([world.partition.code], MONTH)
    assert found
    assert sum(found.values()) == pytest.approx(1000, abs=len(found))
    assert min(found.values()) >= 1
    assert weights([world.partition.code], MONTH.replace(year=2001)) == {}
