"""What an estimate needs is one rule: the door's form and the API refuse the same, in the reader's language."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.utils.translation import override
from tests.factories.world import World, make_world

from fabriek.access.estimates import Asked, estimate_of
from fabriek.conf.errors import Invalid
from fabriek.register.models import Partition

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return make_world()


@pytest.fixture
def gpus(world: World) -> Partition:
    Partition.objects.filter(pk=world.partition.pk).update(accelerator_model="NVIDIA H100", accelerator_petaflops=0.989)
    world.partition.refresh_from_db()
    return world.partition


@pytest.mark.parametrize(
    ("lacks", "field"),
    [
        ({"parameters": None}, "parameters"),
        ({"tokens": None}, "tokens"),
        ({"tokens": 0.0}, "tokens"),
        ({"accelerator": "nowhere/gpu"}, "accelerator"),
        ({"purpose": "other"}, "purpose"),
    ],
)
def test_what_an_estimate_lacks_is_told_at_its_field(gpus: Partition, lacks: dict[str, Any], field: str) -> None:
    whole: dict[str, Any] = {"purpose": "train", "parameters": 7.0, "tokens": 1.0, "accelerator": gpus.code}
    assert estimate_of(Asked(**whole)).gpu_hours > 0
    with pytest.raises(Invalid) as refusal:
        estimate_of(Asked(**whole | lacks))
    assert list(refusal.value.faults) == [field]


def test_all_that_lacks_is_told_at_once(gpus: Partition) -> None:
    with pytest.raises(Invalid) as refusal:
        estimate_of(Asked("train", None, None, "nowhere/gpu"))
    assert set(refusal.value.faults) == {"parameters", "tokens", "accelerator"}


@pytest.mark.parametrize("language", ["en", "nl"])
def test_the_page_and_the_api_say_the_same_in_the_readers_language(gpus: Partition, language: str) -> None:
    asked = {"country": "NL", "purpose": "train", "parameters": 7, "accelerator": gpus.code}
    headers = {"Accept-Language": language}
    refused = Client().get("/api/v1/what-can-i-get", {**asked, "organisation_class": "sme"}, headers=headers)
    (sentence,) = refused.json()["faults"]["tokens"]
    page = Client().get("/what-can-i-get/", {**asked, "who": "sme", "size": "estimate"}, headers=headers)
    assert sentence in page.content.decode()
    with override("nl"), pytest.raises(Invalid) as in_dutch:
        estimate_of(Asked("train", 7.0, None, gpus.code))
    assert (in_dutch.value.faults["tokens"] == [sentence]) == (language == "nl")
