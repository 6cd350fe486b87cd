"""An access mode's facts, each with its source and how sure it is: on its page, over the API."""

from __future__ import annotations

import pytest
from django.test import Client
from tests.factories.world import make_world

from fabriek.access.mode_facts import LABELS, facts_of, mode_sources
from fabriek.access.models import AccessMode
from fabriek.access.reference import load_access_modes
from fabriek.register.models import Confidence

pytestmark = pytest.mark.django_db


def test_every_fact_of_every_mode_has_a_label_a_source_that_is_told_and_a_confidence() -> None:
    load_access_modes()
    for mode in AccessMode.objects.all():
        facts = facts_of(mode)
        assert len(facts) >= 10, mode.code
        for fact in facts:
            assert fact.name in LABELS, (mode.code, fact.name)
            assert fact.confidence in Confidence.values
            assert mode_sources().get(fact.source) or fact.source == "Fabriek's default", (mode.code, fact)


def test_the_page_shows_them_in_the_sources_words_and_says_what_is_not_known() -> None:
    world = make_world()
    page = Client().get("/access-modes/aif-playground/").content.decode()
    assert "free for AI SMEs and start-ups; other industry pay-per-use" in page
    assert "within 2 working days" in page
    assert "Medium confidence" in page
    assert 'href="#source-nomad"' in page
    assert mode_sources()["nomad"] in page
    assert page.count("Not known") == 1, "the least that may be asked"
    assert f'href="/calls/{world.call.code}/"' in page
    assert Client().get("/access-modes/nothing/").status_code == 404


def test_the_door_and_the_call_lead_there() -> None:
    world = make_world()
    door = Client().get("/what-can-i-get/", {"country": "NL", "who": "startup", "gpu_hours": 100}).content.decode()
    assert 'href="/access-modes/aif-playground/"' in door
    assert 'href="/access-modes/aif-science/"' in door, "one that doesn't fit too"
    call = Client().get(f"/calls/{world.call.code}/").content.decode()
    assert f'href="/access-modes/{world.call.access_mode.code}/"' in call


def test_the_api_gives_each_fact_and_what_its_source_is() -> None:
    load_access_modes()
    found = Client().get("/api/v1/access-modes/aif-playground").json()
    least = next(fact for fact in found["facts"] if fact["name"] == "min")
    assert least == {"name": "min", "value": "", "source": "gk", "confidence": "low"}
    assert {fact["source"] for fact in found["facts"]} - {"Fabriek's default"} == set(found["sources"])
    assert Client().get("/api/v1/access-modes/nothing").status_code == 404
