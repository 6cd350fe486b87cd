"""Data between sites as the platform knows it: who may ask, what the agents are to do, what their word changes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone
from tests.api.test_rest import client_of
from tests.factories.world import World, make_allocation, make_partition, make_person, make_world

from fabriek.compute.wire import TransferAbility, TransferOrder, TransferReport
from fabriek.conf.errors import NotFound
from fabriek.operations import transfer_lifecycle
from fabriek.operations.actions import (
    ask_transfer,
    cancel_transfer,
    register_cluster,
    report_transfer,
    report_transfer_ability,
    retry_transfer,
    start_transfer,
)
from fabriek.operations.errors import TransferInvalid, TransferMoved, TransferRefused
from fabriek.operations.models import Cluster, Transfer, TransferState
from fabriek.operations.speeds import estimate_of, measured_speeds, pair, speed_of
from fabriek.operations.transfer_lifecycle import ACTIVE, TRANSITIONS
from fabriek.operations.transfer_queries import expected_end, transfer_orders, waits_for
from fabriek.operations.transfer_words import CODES, trouble_of
from fabriek.people.models import Person
from fabriek.projects.errors import NotAMember
from fabriek.projects.models import Allocation, Project
from fabriek.register.actions import declare_link

pytestmark = pytest.mark.django_db
DIGEST, OTHER = "a" * 64, "b" * 64


class Two:
    """A project with hours on two clusters, of which `here` is where data is and `there` fetches."""

    def __init__(self) -> None:
        self.world: World = make_world()
        first = make_allocation(self.world)
        self.project: Project = first.project
        self.lead: Person = self.project.members.get(role="lead").person
        _factory, partition = make_partition(self.world.operator)
        self.here: Cluster = self.world.cluster
        self.there: Cluster = register_cluster(
            self.world.operator,
            code=f"{self.here.code}-b",
            site=partition.system.site,
            engine="local",
            partitions={"gpu": partition},
        )
        Allocation.objects.create(
            code=f"{first.code}-b", project=self.project, partition=partition, starts=first.starts, ends=first.ends
        )
        self.can(self.here, storage=True)
        self.can(self.there, storage=True, fetches_from=[self.here.code])

    def can(self, cluster: Cluster, **ability: Any) -> None:
        report_transfer_ability(cluster, TransferAbility.model_validate({"storage": False, **ability}))

    def ask(self, path: str = "data", actor: Person | None = None, **more: Any) -> Transfer:
        ends = {"from_cluster": self.here.code, "to_cluster": self.there.code}
        return ask_transfer(actor or self.lead, self.project, **{**ends, "path": path, **more})

    def order(self, cluster: Cluster) -> TransferOrder | None:
        orders = transfer_orders(cluster)
        assert len(orders) < 2
        return orders[0] if orders else None

    def says(self, cluster: Cluster, state: str = "done", **said: Any) -> Transfer:
        """The agent's word on what it is to do."""
        order = self.order(cluster)
        assert order is not None
        told = {"attempt": order.attempt, "task": order.task, "state": state, **said}
        return report_transfer(cluster, order.uuid, TransferReport.model_validate(told))

    def measured(self, **more: Any) -> Transfer:
        made = self.ask(**more)
        self.says(self.here, bytes=1_000_000, files=3, kind="folder", user="ann")
        self.says(self.there, user="ann2", free_bytes=10**12)
        made.refresh_from_db()
        return made

    def carried(self, seconds: float = 10.0, **more: Any) -> Transfer:
        self.measured(start_at_once=True, **more)
        self.says(self.there, "running", bytes=500_000, bytes_per_second=100_000.0)
        return self.says(self.there, bytes=1_000_000, carried_bytes=1_000_000, carried_seconds=seconds)

    def finished(self, **more: Any) -> Transfer:
        self.carried(**more)
        self.says(self.here, digest=DIGEST)
        return self.says(self.there, digest=DIGEST)


@pytest.fixture
def two() -> Two:
    return Two()


def test_a_transfer_goes_its_whole_way_by_what_the_two_agents_say(two):
    made = two.ask()
    order = two.order(two.here)
    assert (order.task, order.account, order.path) == ("measure", two.project.code, "data")
    assert order.user == two.project.members.get(person=two.lead).unix_name
    assert two.order(two.there).task == "prepare"
    two.says(two.here, bytes=1_000_000, files=3, kind="folder", user="ann")
    assert two.order(two.here) is None
    two.says(two.there, user="ann2", free_bytes=10**12)
    made.refresh_from_db()
    assert made.state == "measured"
    assert (two.order(two.here), two.order(two.there)) == (None, None), "it waits for the member's word"
    start_transfer(two.lead, made)
    order = two.order(two.there)
    assert (order.task, order.way, order.other, order.other_user) == ("carry", "fetch", two.here.code, "ann")
    assert two.order(two.here) is None
    assert two.says(two.there, "running", bytes=250_000, bytes_per_second=50_000.0).state == "running"
    made.refresh_from_db()
    now = timezone.now()
    assert expected_end(made, now) == now + timedelta(seconds=15)
    two.says(two.there, bytes=1_000_000, carried_bytes=1_000_000, carried_seconds=20.0)
    assert {two.order(one).task for one in (two.here, two.there)} == {"digest"}
    two.says(two.here, digest=DIGEST)
    done = two.says(two.there, digest=DIGEST)
    assert (done.state, done.bytes_done) == ("done", 1_000_000)
    assert (two.order(two.here), two.order(two.there)) == (None, None)


def test_a_moved_original_is_removed_only_once_both_digests_are_the_same(two):
    two.carried(mode="move")
    two.says(two.here, digest=DIGEST)
    assert two.order(two.here) is None
    assert two.says(two.there, digest=DIGEST).state == "removing"
    assert two.order(two.here).task == "remove"
    assert two.says(two.here).state == "done"


def test_different_digests_fail_it_and_a_retry_looks_at_the_content(two):
    two.carried(mode="move")
    two.says(two.here, digest=DIGEST)
    failed = two.says(two.there, digest=OTHER)
    assert (failed.state, failed.error) == ("failed", "differs")
    assert two.order(two.here) is None, "nothing is removed"
    retry_transfer(two.lead, failed)
    two.says(two.here, bytes=1, files=1, kind="folder", user="ann")
    two.says(two.there, user="ann2", free_bytes=0)
    order = two.order(two.there)
    assert (order.task, order.attempt, order.thorough, order.resumes) == ("carry", 2, True, True)


def test_the_database_itself_knows_no_done_without_the_same_digests(two):
    made = two.ask()
    with pytest.raises(IntegrityError), transaction.atomic():
        Transfer.objects.filter(pk=made.pk).update(state="done")
    with pytest.raises(IntegrityError), transaction.atomic():
        Transfer.objects.filter(pk=made.pk).update(state="done", from_digest=DIGEST, to_digest=OTHER)


def test_a_word_that_comes_late_or_twice_changes_nothing(two):
    made = two.measured(start_at_once=True)
    late = TransferReport(attempt=1, task="measure", state="failed", error="missing")
    assert report_transfer(two.here, str(made.uuid), late).state == "ready"
    cancel_transfer(two.lead, made)
    for state in ("running", "done", "failed"):
        word = TransferReport(attempt=1, task="carry", state=state, error="no-room", bytes=5)
        assert report_transfer(two.there, str(made.uuid), word).state == "cancelled"
    made.refresh_from_db()
    assert (made.state, made.bytes_done, made.error) == ("cancelled", 0, "")
    retry_transfer(two.lead, made)
    assert report_transfer(two.here, str(made.uuid), late).state == "asked", "it was of the first attempt"


def test_an_agent_speaks_only_of_its_own_transfers_and_steps(two):
    made = two.measured(start_at_once=True)
    stranger = make_world().cluster
    word = TransferReport(attempt=1, task="carry", state="done")
    with pytest.raises(NotFound):
        report_transfer(stranger, str(made.uuid), word)
    assert report_transfer(two.here, str(made.uuid), word).state == "ready", "the other one carries"
    assert transfer_orders(stranger) == []


def test_where_there_is_no_room_it_fails_before_anything_is_copied(two):
    made = two.ask(start_at_once=True)
    two.says(two.here, bytes=1_000_000, files=3, kind="folder", user="ann")
    two.says(two.there, user="ann2", free_bytes=999_999)
    made.refresh_from_db()
    assert (made.state, made.error, made.error_at) == ("failed", "no-room", two.there)


def test_the_sending_site_brings_where_only_it_may(two):
    two.can(two.there, storage=True)
    two.can(two.here, storage=True, brings_to=[two.there.code])
    two.measured(start_at_once=True)
    order = two.order(two.here)
    assert (order.task, order.way, order.other, order.other_user) == ("carry", "bring", two.there.code, "ann2")
    assert two.order(two.there) is None


def test_who_is_no_member_may_not_and_no_way_is_said(two):
    with pytest.raises(NotAMember):
        two.ask(actor=make_person())
    with pytest.raises(TransferRefused, match="Neither may"):
        two.ask(from_cluster=two.there.code, to_cluster=two.here.code)
    two.can(two.there, storage=False, why="no transfers.toml")
    with pytest.raises(TransferRefused, match="can't move data"):
        two.ask()


@pytest.mark.parametrize("path", ["", "/etc", "../x", "a/../b", "a\nb", "x" * 300, ".fabriek/x", "a\0b"])
def test_a_hostile_path_is_refused_with_words(two, path):
    with pytest.raises(TransferInvalid) as refused:
        two.ask(path)
    assert refused.value.faults["path"][0]
    assert not Transfer.objects.exists()


def test_only_clusters_of_the_projects_own_hours_and_two_different_ones(two):
    other = make_world().cluster
    with pytest.raises(TransferInvalid):
        two.ask(to_cluster=other.code)
    with pytest.raises(TransferInvalid):
        two.ask(to_cluster=two.here.code)


@pytest.mark.parametrize(("path", "refused"), [("data", True), ("data/part", True), ("data2", False), ("other", False)])
def test_two_that_touch_the_same_files_don_t_go_side_by_side(two, path, refused):
    first = two.ask("data")
    if refused:
        with pytest.raises(TransferRefused, match="already"):
            two.ask(path)
        cancel_transfer(two.lead, first)
    two.ask(path)


def test_asking_again_with_the_same_number_asks_for_nothing_new(two):
    uuid = "00000000-0000-4000-8000-000000000001"
    assert two.ask(uuid=uuid) == two.ask(uuid=uuid)
    assert Transfer.objects.count() == 1


def test_every_step_is_taken_only_from_where_the_table_says(two):
    made = two.ask()
    for transition in TRANSITIONS:
        for state in TransferState.values:
            Transfer.objects.filter(pk=made.pk).update(from_digest=DIGEST, to_digest=DIGEST, state=state)
            made.refresh_from_db()
            if state in transition.sources:
                assert transfer_lifecycle.advance(made, transition.name).state == transition.target
            else:
                with pytest.raises(TransferMoved):
                    transfer_lifecycle.advance(made, transition.name)


def test_what_is_being_removed_can_t_be_cancelled(two):
    two.carried(mode="move")
    two.says(two.here, digest=DIGEST)
    removing = two.says(two.there, digest=DIGEST)
    with pytest.raises(TransferMoved):
        cancel_transfer(two.lead, removing)


def test_who_saw_an_older_state_is_told(two):
    stale = two.measured()
    fresh = Transfer.objects.get(pk=stale.pk)
    start_transfer(two.lead, fresh)
    with pytest.raises(TransferMoved):
        transfer_lifecycle.advance(stale, "start")


def test_every_code_of_an_agent_has_its_words(two):
    from pathlib import Path

    import fabriek.compute.transfers as agents_part

    folder = Path(agents_part.__file__).parent
    text = (folder / "rsync.py").read_text() + (folder / "tasks.py").read_text()
    made = two.ask()
    import re

    told = set(re.findall(r'Fault\("([a-z-]+)"', text)) | set(re.findall(r'^\s+\("?\(?"([a-z-]+)", r"', text, re.M))
    assert {"outside", "missing", "no-way", "leftover"} <= told
    assert told <= CODES
    made.error = "something-new"
    assert trouble_of(made) is not None


def test_a_lost_connection_is_told_as_passing_while_it_is_tried_again(two):
    two.measured(start_at_once=True)
    two.says(two.there, "running", bytes=5, bytes_per_second=0.0, error="unreachable", detail="Connection refused")
    (made,) = Transfer.objects.select_related("error_at__site")
    trouble = trouble_of(made)
    assert "tried again by itself" in str(trouble.sentence)
    assert expected_end(made) is None


def test_an_agent_that_is_silent_is_named(two):
    made = two.ask()
    assert [one.silent for one in waits_for(made)] == [True, True]
    now = timezone.now()
    for cluster in (made.from_cluster, made.to_cluster):
        cluster.last_seen_at = now
    assert [one.silent for one in waits_for(made, now)] == [False, False]


# Speeds


def test_a_link_is_measured_by_the_median_of_whole_finished_transfers_that_took_long_enough(two):
    for number, seconds in enumerate((10.0, 20.0, 40.0)):
        two.finished(path=f"p{number}", seconds=seconds)
    two.finished(path="short", seconds=1.0)
    partly = two.finished(path="partly", seconds=1000.0)
    Transfer.objects.filter(pk=partly.pk).update(carried_bytes=10)
    cancel_transfer(two.lead, two.carried(path="cancelled", seconds=1000.0))
    between = pair(two.here.site_id, two.there.site_id)
    found = measured_speeds()[between]
    assert (found.bytes_per_second, found.number) == (50_000.0, 3)
    assert found.first <= found.last
    assert measured_speeds([pair(two.here.site_id, 10**9)]) == {}
    each = {one.path: speed_of(one) for one in Transfer.objects.all()}
    slow = {"partly": None, "cancelled": None, "short": None}
    assert each == {"p0": 100_000.0, "p1": 50_000.0, "p2": 25_000.0, **slow}, "by the same rule"


def test_the_projects_data_page_shows_what_a_finished_transfer_measured(two, client):
    made = two.finished(path="y", seconds=10.0)
    client.force_login(two.lead)
    for address in (f"/projects/{two.project.code}/transfers/", f"/transfers/{made.uuid}/"):
        assert "97.7 KiB a second" in client.get(address).content.decode()


def test_the_estimate_rests_on_what_was_measured_else_declared_else_nothing(two):
    made = two.measured(path="x")
    assert (estimate_of(made).basis, estimate_of(made).seconds) == ("unknown", None)
    declare_link(
        two.world.operator, two.here.site, two.there.site, network="GÉANT", gigabits_per_second=0.008,
        valid_from=timezone.now().date(),
    )  # fmt: skip
    found = estimate_of(made)
    assert (found.basis, found.bytes_per_second, found.seconds) == ("declared", 500_000.0, 2.0)
    two.can(two.here, storage=True)
    cancel_transfer(two.lead, made)
    two.finished(path="y", seconds=10.0)
    found = estimate_of(made)
    assert (found.basis, found.seconds) == ("measured", 10.0)


def test_links_tell_what_was_measured_on_pages_and_over_the_api(two):
    declare_link(
        two.world.operator,
        two.here.site,
        two.there.site,
        network="GÉANT",
        gigabits_per_second=10,
        valid_from=timezone.now().date(),
    )
    two.finished(seconds=10.0)
    (link,) = Client().get("/api/v1/links").json()["items"]
    assert (link["measured"]["gigabits_per_second"], link["measured"]["transfers"]) == (0.0008, 1)
    client = Client()
    client.force_login(two.world.operator)
    assert "0.0008" in client.get("/operations/links/").content.decode()
    assert "0.0008" in Client().get(f"/systems/{two.world.partition.system.code}/").content.decode()
    assert "0.0008" in Client().get(f"/factories/{two.world.factory.code}/").content.decode()


# Pages and API


def test_a_member_asks_looks_and_starts_on_the_pages(two, django_assert_num_queries):
    client = Client()
    client.force_login(two.lead)
    form = client.get(f"/projects/{two.project.code}/transfers/new/").content.decode()
    assert two.there.code in form
    said = {"way": f"{two.here.code} {two.there.code}", "path": "data", "mode": "copy"}
    bad = client.post(f"/projects/{two.project.code}/transfers/new/", {**said, "path": "../x"})
    assert bad.status_code == 422
    assert ". or .." in bad.content.decode()
    asked = client.post(f"/projects/{two.project.code}/transfers/new/", said)
    assert asked.status_code == 302
    two.says(two.here, bytes=1_000_000, files=3, kind="folder", user="ann")
    two.says(two.there, user="ann2", free_bytes=10**12)
    page = client.get(asked["Location"]).content.decode()
    assert "Copy it" in page
    assert "3 files" in page
    client.post(f"{asked['Location']}start/")
    two.says(two.there, "running", bytes=500_000, bytes_per_second=100_000.0)
    part = client.get(asked["Location"], headers={"HX-Request": "true"}).content.decode()
    assert 'value="500000" max="1000000"' in part
    assert 'hx-trigger="every 2s"' in part
    assert "97.7 KiB a second" in part
    with django_assert_num_queries(8):
        client.get(asked["Location"])
    assert "data" in client.get(f"/projects/{two.project.code}/").content.decode()
    client.post(f"{asked['Location']}cancel/")
    ended = client.get(asked["Location"]).content.decode()
    assert "Try again" in ended
    assert "every 2s" not in ended


def test_a_list_of_many_takes_as_many_queries_as_one_of_one(two, django_assert_num_queries):
    client = Client()
    client.force_login(two.lead)
    address = f"/projects/{two.project.code}/transfers/"
    for number in range(6):
        two.finished(path=f"p{number}")
        if number in (0, 5):
            with django_assert_num_queries(13):
                client.get(address)
    assert client.get(f"{address}?format=csv").content.decode().count(DIGEST) == 12


def test_strangers_see_nothing_and_readers_change_nothing(two):
    made = two.measured()
    stranger, officer = Client(), Client()
    stranger.force_login(make_person())
    officer.force_login(two.world.officer)
    assert stranger.get(f"/transfers/{made.uuid}/").status_code == 404
    for verb in ("start", "cancel", "retry"):
        assert stranger.post(f"/transfers/{made.uuid}/{verb}/").status_code == 404
    page = officer.get(f"/transfers/{made.uuid}/")
    assert page.status_code == 200
    assert "Copy it" not in page.content.decode()
    assert officer.get(f"/projects/{two.project.code}/transfers/new/").status_code == 404
    officer.post(f"/transfers/{made.uuid}/start/")
    made.refresh_from_db()
    assert made.state == "measured"


def test_the_api_does_what_the_pages_do(two):
    client = client_of(two.lead, "read", "apply")
    address = f"/api/v1/projects/{two.project.code}/transfers"
    body = {"from": two.here.code, "to": two.there.code, "path": "data/x", "mode": "move"}
    wrong = client.post(address, {**body, "path": "/etc"}, content_type="application/json")
    assert wrong.status_code == 422
    assert wrong.json()["faults"]["path"]
    made = client.post(address, body, content_type="application/json").json()
    assert (made["state"], made["from"], made["to"], made["may"]) == (
        "asked",
        two.here.code,
        two.there.code,
        ["cancel"],
    )
    two.says(two.here, bytes=1_000_000, files=3, kind="folder", user="ann")
    two.says(two.there, user="ann2", free_bytes=10**12)
    uuid = made["uuid"]
    assert client.get(f"/api/v1/transfers/{uuid}").json()["estimate"]["basis"] == "unknown"
    assert client.post(f"/api/v1/transfers/{uuid}/start").json()["state"] == "ready"
    assert client.post(f"/api/v1/transfers/{uuid}/start").status_code == 409
    two.says(two.there, "failed", error="no-room", detail="No space left on device (28)")
    failed = client.get(f"/api/v1/transfers/{uuid}").json()
    assert (failed["state"], failed["trouble"]["code"], failed["trouble"]["at"]) == (
        "failed",
        "no-room",
        two.there.code,
    )
    assert client.post(f"/api/v1/transfers/{uuid}/retry").json()["attempt"] == 2
    assert client.post(f"/api/v1/transfers/{uuid}/cancel").json()["state"] == "cancelled"
    assert client.get(address).json()["total"] == 1
    reader = client_of(two.lead, "read")
    assert reader.post(f"/api/v1/transfers/{uuid}/retry").status_code == 403


def test_states_that_are_over_are_not_active():
    assert set(TransferState.values) - ACTIVE == {"done", "failed", "cancelled"}
