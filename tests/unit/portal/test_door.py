"""The front door's page: it asks, estimates and answers without a script, and says kindly who can't apply."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from tests.factories.world import make_partition, make_person, make_world

from fabriek.access.models import AccessMode
from fabriek.portal.pages.public.door import WishForm
from fabriek.register.models import Partition

pytestmark = pytest.mark.django_db
ADDRESS = "/what-can-i-get/"


def declare_peak(partition: Partition, petaflops: float | None, model: str = "NVIDIA H100 (of the test)") -> Partition:
    partition.accelerator_model, partition.accelerator_petaflops = model, petaflops
    partition.save()
    partition.system.stage = "operating"
    partition.system.save()
    return partition


def ask(client: Client | None = None, headers: dict[str, str] | None = None, **answers: Any) -> str:
    said = {"country": "NL", "who": "startup", "purpose": "train", "size": "unknown", **answers}
    response = (client or Client()).get(ADDRESS, said, headers=headers)
    assert response.status_code == 200
    return re.sub(r"\s+", " ", response.content.decode())


def test_the_estimate_is_six_operations_a_parameter_and_token_over_what_the_chosen_gpu_does() -> None:
    world = make_world()
    declare_peak(world.partition, 1.0)
    said = {"size": "estimate", "parameters": 3, "tokens": 36, "accelerator": world.partition.code, "efficiency": 50}
    # 6 x 3e9 x 36e9 / (1e15 x 0.5) seconds are 1,296,000: 360 hours.
    page = ask(**said)
    assert "360 <span" in page
    assert "6 × 3 billion × 36 billion ÷ (1,000 teraflop/s × 50 %)" in page
    assert "120 <span" in ask(**said | {"purpose": "run"}), "running takes two operations of the six"


def test_the_gpus_are_those_of_the_register_and_one_without_a_peak_is_refused_in_words() -> None:
    make_world()
    known = declare_peak(make_partition(make_person("operator"))[1], 0.312, "NVIDIA A100 64GB (custom)")
    unknown = declare_peak(make_partition(make_person("operator"))[1], None, "Axelera Europa")
    page = ask()
    assert f'value="{known.code}"' in page
    assert "A100 64GB · 312 teraflop/s" in page
    said = {"size": "estimate", "parameters": 1, "tokens": 1}
    assert "The peak of this one is not known" in ask(**said, accelerator=unknown.code)
    assert "You need about" in ask(**said), "who doesn't choose gets one that runs now"


def test_who_is_established_elsewhere_reads_what_to_do_and_gets_no_button() -> None:
    world = make_world()
    client = Client()
    client.force_login(make_person())
    page = ask(client, country="ZZ")
    assert "not established in a Member State or an associated country" in page
    assert "Find a partner" in page
    assert "What a partner could apply for" in page
    assert f"/calls/{world.call.code}/" in page
    assert f"/calls/{world.call.code}/apply/" not in page
    assert "not established" not in ask(client, country="NL")
    assert "Switzerland is associated" in ask(client, country="CH")


def test_the_answer_has_what_is_free_the_date_and_the_button_to_the_form() -> None:
    world = make_world()
    client = Client()
    client.force_login(make_person())
    page = ask(client, size="hours", gpu_hours=100)
    assert "Free now" in page
    assert "Apply today, answer by" in page
    apply = re.search(rf'<form method="post" action="([^"]+{world.call.code}[^"]+)">', page)
    assert apply is not None
    assert client.post(apply[1]).status_code == 302
    assert "See the call and apply" in ask(size="hours", gpu_hours=100), "who isn't signed in sees the call first"


def test_what_is_too_short_says_how_long_it_is() -> None:
    world = make_world()
    AccessMode.objects.filter(pk=world.call.access_mode_id).update(durations_months=[1, 2])
    assert "is shorter than you need: 2 months at most, and you ask for 12" in ask(months=12, size="hours", gpu_hours=9)


def test_a_choice_of_factories_is_kept_and_those_without_calls_are_named() -> None:
    world = make_world()
    empty, _partition = make_partition(make_person("operator"))
    page = ask(factories=[world.factory.code, empty.code])
    assert f"now at: {empty.name}" in page
    assert 'details class="disclosure" open' in page


def test_what_lacks_is_told_but_not_while_somebody_still_answers() -> None:
    make_world()
    said = {"size": "estimate", "parameters": 7}
    assert "There is a problem" in ask(**said)
    underway = ask(headers={"HX-Request": "true", "HX-Trigger": "as-you-go"}, **said)
    assert "There is a problem" not in underway
    assert "<html" not in underway
    said |= {"country": "NL", "who": "startup", "purpose": "train"}
    refused = Client().get(ADDRESS, said, headers={"HX-Request": "true"})
    assert refused["HX-Redirect"].startswith(ADDRESS), "the whole page marks the questions"
    assert "This can be estimated for language models only" in ask(size="estimate", purpose="other")


def test_an_address_of_before_still_answers() -> None:
    make_world()
    response = Client().get(ADDRESS, {"country": "NL", "who": "startup", "gpu_hours": "100"})
    assert "Playground" in response.content.decode()
    assert WishForm({"country": "NL", "who": "startup", "purpose": "train", "size": "unknown"}).is_valid()
    assert not WishForm({"country": "XX", "who": "startup", "purpose": "train", "size": "unknown"}).is_valid()
