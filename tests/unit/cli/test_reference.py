"""`fabriek reference`: a platform of one's own begins with the real register, without a demonstration."""

from __future__ import annotations

import json

import pytest
from tests.factories.world import make_person
from typer.testing import CliRunner

from fabriek.access.models import AccessMode
from fabriek.cli.main import app
from fabriek.people.models import Person
from fabriek.programmes.models import Programme
from fabriek.register.actions import declare_factory
from fabriek.register.models import Factory, LegalStatement

pytestmark = pytest.mark.django_db


def test_it_loads_what_comes_with_the_package_and_again_changes_nothing() -> None:
    first = CliRunner().invoke(app, ["reference", "--json"])
    assert first.exit_code == 0, first.output
    counted = json.loads(first.stdout)
    assert (counted["factories"], counted["antennas"]) == (19, 13)
    assert counted["access_modes"] == AccessMode.objects.count() >= 8
    assert Programme.objects.filter(code="eu-science").exists()
    assert LegalStatement.objects.exists()
    assert not Factory.objects.filter(is_demo=True).exists()
    assert not Person.objects.filter(is_demo=True).exists()
    again = CliRunner().invoke(app, ["reference", "--json"])
    assert json.loads(again.stdout) == counted


def test_what_was_declared_here_stays() -> None:
    mine = declare_factory(
        make_person("operator"), code="mine", name="Mine", country="NL", hosting_entity="My host", stage="selected"
    )
    told = CliRunner().invoke(app, ["reference"])
    assert told.stdout.startswith("20 factories")
    mine.refresh_from_db()
    assert (mine.name, mine.stage) == ("Mine", "selected")
