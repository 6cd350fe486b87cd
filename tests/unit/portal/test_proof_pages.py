"""The pages, routes and commands of the daily proof: who looks sees a difference at once, and to the second."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from tests.factories.world import MONTH, World, make_allocation, make_person, make_world

from fabriek.compute.wire import DailyProof, ProofLine, ProofPlace, ProofRuns, ProvenRun, RollUp
from fabriek.operations.actions import note_proof_runs, prove_usage
from fabriek.operations.models import Cluster, UsageProof
from fabriek.people.actions import create_token

pytestmark = pytest.mark.django_db
DAY = MONTH + timedelta(days=3)


@pytest.fixture
def world() -> World:
    return make_world()


def proved(world: World, seconds: int) -> UsageProof:
    """A day on which the scheduler accounted for a run that the ledger doesn't have (none where seconds is 0)."""
    code = make_allocation(world).project.code
    lines = [ProofLine(account=code, partition="gpu", runs=1, accelerator_seconds=seconds, core_seconds=3)]
    report = RollUp(
        account=code,
        accelerator_seconds=seconds + 9,
        core_seconds=3,
        records_accelerator_seconds=seconds,
        records_core_seconds=3,
        explained_accelerator_seconds=4,
    )
    proof, wanted = prove_usage(
        world.cluster, DailyProof(day=DAY, lines=lines if seconds else [], roll_up=[report] if seconds else None)
    )
    if wanted:
        run = ProvenRun(account=code, partition="gpu", key="77/1", accelerator_seconds=seconds, core_seconds=3)
        proof = note_proof_runs(world.cluster, DAY, ProofRuns(places=wanted, runs=[run]))
    return proof


def text_of(client: Client, name: str, *arguments: object, query: str = "") -> str:
    response = client.get(reverse(f"portal:{name}", args=arguments) + query)
    assert response.status_code == 200, name
    return response.content.decode()


def signed_in(person: object) -> Client:
    client = Client()
    client.force_login(person)  # type: ignore[arg-type]
    return client


def test_a_difference_is_on_the_operators_page_in_the_list_and_run_by_run(world: World) -> None:
    proof = proved(world, 12_345)
    client = signed_in(world.operator)
    assert "On 1 day the ledger doesn" in text_of(client, "operations")
    for text in (text_of(client, "usage_proofs"), text_of(client, "usage_proofs", query="?differs=1")):
        assert "12,345" in text
        assert "Differs" in text
    told = text_of(client, "usage_proof", proof.pk)
    assert "77/1" in told
    assert "not there" in told
    assert "-12,345" in told or "−12,345" in told
    # of the report, 9 s more than its records say, 4 of them explained
    assert ">5<" in told


def test_a_day_without_a_difference_says_so_and_is_not_among_those_that_differ(world: World) -> None:
    proof = proved(world, 0)
    client = signed_in(make_person("administrator"))
    assert "Equal to the second" in text_of(client, "usage_proof", proof.pk)
    assert "No day differs" in text_of(client, "usage_proofs", query="?differs=1")
    assert "the ledger doesn" not in text_of(signed_in(world.operator), "operations")


def test_the_later_proof_counts_and_the_earlier_one_stays_to_be_seen(world: World) -> None:
    first = proved(world, 50)
    second = prove_usage(world.cluster, DailyProof(day=DAY, lines=[]))[0]
    client = signed_in(world.operator)
    assert reverse("portal:usage_proof", args=[first.pk]) not in text_of(client, "usage_proofs")
    assert "A later proof of this day came in" in text_of(client, "usage_proof", first.pk)
    assert reverse("portal:usage_proof", args=[first.pk]) in text_of(client, "usage_proof", second.pk)


def test_a_proof_is_downloaded_as_a_table(world: World) -> None:
    response = signed_in(world.operator).get(reverse("portal:usage_proof", args=[proved(world, 50).pk]) + "?format=csv")
    assert response["Content-Type"].startswith("text/csv")
    assert "accounted_accelerator_seconds" in response.content.decode()


def api(world: World, *scopes: str, site: str = "") -> Client:
    person = None if site else world.operator
    _made, plain = create_token(world.operator, name="token", scopes=list(scopes), site=site, person=person)
    return Client(headers={"Authorization": f"Bearer {plain}"})


def test_the_site_proves_over_the_api_and_others_read(world: World) -> None:
    code = make_allocation(world).project.code
    agent = api(world, "agent", site=world.cluster.code)
    site = f"/api/v1/sites/{world.cluster.code}/proofs/{DAY}"
    line = {"account": code, "partition": "gpu", "runs": 1, "accelerator_seconds": 7, "core_seconds": 1}
    answer = agent.put(site, json.dumps({"day": str(DAY), "lines": [line]}), content_type="application/json").json()
    assert answer == {"differs": True, "wanted": [{"account": code, "partition": "gpu"}]}
    runs = {
        "places": answer["wanted"],
        "runs": [{"account": code, "partition": "gpu", "key": "5/6", "accelerator_seconds": 7, "core_seconds": 1}],
    }
    assert agent.put(f"{site}/runs", json.dumps(runs), content_type="application/json").status_code == 200
    other = api(world, "agent", site="another")
    assert (
        other.put(site, json.dumps({"day": str(DAY), "lines": []}), content_type="application/json").status_code == 403
    )
    reader = api(world, "read")
    (row,) = reader.get(f"/api/v1/usage-proofs?differs=true&cluster={world.cluster.code}&day={DAY}").json()["items"]
    assert (row["accelerator_seconds"], row["ledger_accelerator_seconds"], row["report_differs"]) == (7, 0, None)
    told = reader.get(f"/api/v1/usage-proofs/{row['number']}").json()
    assert told["runs"] == [{"account": code, "partition": "gpu", "key": "5/6", "accounted": [7, 1], "ledger": None}]
    assert told["lines"][0]["accounted"] == {"runs": 1, "accelerator_seconds": 7, "core_seconds": 1}


def test_places_travel() -> None:
    place = ProofPlace(account="a", partition="b")
    assert ProofPlace.model_validate_json(place.model_dump_json()) == place


def test_a_day_that_is_not_over_says_so(world: World) -> None:
    today = timezone.now().date()
    client = signed_in(world.operator)
    proof = prove_usage(world.cluster, DailyProof(day=today, lines=[]))[0]
    assert "so far" in text_of(client, "usage_proofs")
    assert "The day was not over" in text_of(client, "usage_proof", proof.pk)
    # The same came in again after its end: nothing more had ended.
    UsageProof.objects.filter(pk=proof.pk).update(confirmed_at=timezone.now() + timedelta(days=1))
    assert "so far" not in text_of(client, "usage_proofs")
    assert "The day was not over" not in text_of(client, "usage_proof", proof.pk)


def test_where_nothing_was_changed_by_hand_the_page_says_what_would_be_there(world: World, settings: Any) -> None:
    client = signed_in(world.operator)
    settings.FABRIEK_DEMO = False
    page = text_of(client, "operations")
    assert "Nothing was changed by hand at a site" in page
    assert "make run SLURM=1" not in page
    settings.FABRIEK_DEMO = True
    assert "make run SLURM=1" in text_of(client, "operations")
    Cluster.objects.update(engine="slurm")
    assert "make run SLURM=1" not in text_of(client, "operations")
