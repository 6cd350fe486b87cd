"""What the desk's lists show, over the API: for who may read it, in pages, and what went wrong with its line."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from tests.api.test_rest import client_of, post
from tests.factories.world import World, make_allocation, make_person, make_world

from fabriek.ledger.queries import check
from fabriek.operations.actions import submit_job
from fabriek.operations.models import UsageRecord
from fabriek.people.actions import create_token
from fabriek.people.models import Token

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return make_world()


def agent_of(world: World) -> Any:
    from django.test import Client

    _made, plain = create_token(world.operator, name="agent", scopes=["agent"], site=world.cluster.code)
    return Client(headers={"Authorization": f"Bearer {plain}"})


def record(job: str, account: str, **said: Any) -> dict[str, Any]:
    now = int(datetime.now(UTC).timestamp())
    times = {"submit": now - 400, "start": now - 300, "end": now - 100}
    return {
        "job_id": job,
        "account": account,
        "partition": "gpu",
        "user": "u",
        "state": "COMPLETED",
        "nodes": 1,
        "accelerators": 4,
        "cores": 64,
        **times,
        **said,
    }


def test_a_broken_record_in_a_batch_is_told_with_its_place_and_the_good_ones_are_booked(world: World) -> None:
    allocation = make_allocation(world)
    good = allocation.project.code
    batch = {
        "key": "b1",
        "records": [record("1", good), {"job_id": "2", "nodes": "many"}, "nonsense", record("3", good)],
    }
    for _time in range(2):
        answer = post(agent_of(world), f"/sites/{world.cluster.code}/usage-batches", batch)
        assert answer.status_code == 200, answer.content
    assert UsageRecord.objects.count() == 2
    assert check() == []
    operator = client_of(world.operator, "read")
    (told,) = operator.get("/api/v1/usage-batches?broken=true").json()["items"]
    assert (told["booked"], [one["line"] for one in told["broken"]]) == (2, [2, 3])
    assert all(one["why"] for one in told["broken"])
    assert client_of(make_person(), "read").get("/api/v1/usage-batches").status_code == 403


def test_allocations_and_their_statement_are_for_their_members_and_who_reads_all(world: World) -> None:
    allocation = make_allocation(world)
    lead = allocation.project.members.get().person
    for person in (lead, world.officer):
        client = client_of(person, "read")
        (row,) = client.get("/api/v1/allocations").json()["items"]
        assert (row["code"], row["accelerator_seconds"]["awarded"]) == (allocation.code, 360_000)
        entries = client.get(f"/api/v1/allocations/{allocation.code}").json()["entries"]
        assert {entry["kind"] for entry in entries} == {"award"}
    stranger = client_of(make_person(), "read")
    assert stranger.get("/api/v1/allocations").json()["items"] == []
    assert stranger.get(f"/api/v1/allocations/{allocation.code}").status_code == 404


def test_jobs_that_wait_are_for_who_reads_operations(world: World) -> None:
    allocation = make_allocation(world)
    job = submit_job(allocation.project.members.get().person, allocation, "a", "#!/bin/sh\n#SBATCH --gpus=1\ntrue\n")
    assert [row["uuid"] for row in client_of(world.operator, "read").get("/api/v1/jobs").json()["items"]] == [
        str(job.uuid)
    ]
    assert client_of(make_person(), "read").get("/api/v1/jobs").status_code == 403


def test_events_are_found_by_verb_by_whom_about_what_and_by_day(world: World) -> None:
    officer = client_of(world.officer, "read")

    def verbs(query: str) -> set[str]:
        return {event["verb"] for event in officer.get(f"/api/v1/events?per_page=200&{query}").json()["items"]}

    assert verbs("verb=establish_shares") == {"programmes.establish_shares"}
    assert verbs(f"actor={world.operator.email}") >= {"programmes.declare_capacity"}
    assert verbs(f"subject={world.call.code}") == {"access.open_call"}
    assert verbs("until=2000-01-01") == set()
    assert officer.get("/api/v1/events?since=yesterday").status_code == 422


def test_one_reads_and_changes_oneself_and_makes_a_token_void(world: World) -> None:
    client = client_of(world.officer, "read", "apply")
    me = client.get("/api/v1/me").json()
    assert (me["email"], sorted(me["scopes"])) == (world.officer.email, ["apply", "read"])
    changed = client.patch("/api/v1/me", {"language": "nl"}, content_type="application/json").json()
    assert (changed["language"], changed["name"]) == ("nl", me["name"])
    (token,) = client.get("/api/v1/me/tokens").json()["items"]
    other = Token.objects.create(name="x", digest="d", person=make_person())
    assert client.delete(f"/api/v1/me/tokens/{other.pk}").status_code == 404
    assert client.delete(f"/api/v1/me/tokens/{token['number']}").status_code == 204
    assert client.get("/api/v1/me").status_code == 401


def test_access_modes_and_systems_are_open_to_everybody(world: World) -> None:
    from django.test import Client

    anybody = Client()
    assert "aif-playground" in {mode["code"] for mode in anybody.get("/api/v1/access-modes").json()["items"]}
    page = anybody.get("/api/v1/systems?per_page=1").json()
    assert (page["total"], page["items"][0]["code"]) == (1, world.partition.system.code)
