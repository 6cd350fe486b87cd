"""What somebody changed by hand at a site: seen, chosen about, and changed back only then."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from django.utils.translation import override
from tests.factories.world import make_allocation, make_person, make_world

from fabriek.compute.wire import AccountState, DriftReport, EnforcedReport
from fabriek.conf.errors import Refused
from fabriek.operations.actions import choose_about_drift, register_cluster, report_enforced
from fabriek.operations.difference_words import label_of, value_of
from fabriek.operations.errors import DriftGone, DriftNeedsReason
from fabriek.operations.models import Cluster, Drift
from fabriek.operations.queries import changed_by_hand, desired_state
from fabriek.people.models import Person
from fabriek.projects.actions import award
from fabriek.projects.models import Allocation

pytestmark = pytest.mark.django_db


@dataclass
class Site:
    """A cluster with one award, and who runs and who decides."""

    cluster: Cluster
    allocation: Allocation
    operator: Person
    officer: Person

    @property
    def account(self) -> str:
        return self.allocation.project.code

    @property
    def name(self) -> str:
        return self.cluster.names.get().name


@pytest.fixture
def world() -> Site:
    made = make_world()
    cluster = Cluster.objects.get(partitions=made.partition)
    return Site(cluster, make_allocation(made), make_person("operator"), made.officer)


def reported(world: Site, *found: str) -> None:
    drift = [
        DriftReport(account=world.account, partition=world.name, what="users", made="ann", found=who) for who in found
    ]
    report_enforced(world.cluster, EnforcedReport(agent_version="1", accounts=[], drift=drift))


def may_correct(world: Site) -> bool:
    (state,) = [a for a in desired_state(world.cluster).accounts if a.account == world.account]
    return state.correct_drift


def choose(world: Site, choice: str, why: str = "") -> Drift:
    return choose_about_drift(
        world.operator, world.cluster, account=world.account, partition=world.name, choice=choice, why=why
    )


def test_a_change_by_hand_waits_for_the_operator_and_is_then_changed_back(world):
    assert not may_correct(world)
    reported(world, "ann, eve")
    (seen,) = changed_by_hand(world.cluster)
    assert (seen.choice, seen.drift.found) == ("", [{"what": "users", "made": "ann", "found": "ann, eve"}])
    assert not may_correct(world)
    choose(world, "correct")
    assert may_correct(world)
    reported(world)
    assert changed_by_hand(world.cluster) == []
    assert not may_correct(world), "the next change by hand is asked about again"
    with pytest.raises(DriftGone):
        choose(world, "correct")


def test_what_was_told_stays_where_an_agent_cant_read_what_is_enforced(world):
    state = AccountState(
        account=world.account, partition=world.name, accelerator_seconds_limit=60, core_seconds_limit=0
    )
    drift = [DriftReport(account=world.account, partition=world.name, what="users", made="ann", found="ann, eve")]
    report_enforced(world.cluster, EnforcedReport(agent_version="1", accounts=[state], drift=drift))
    report_enforced(world.cluster, EnforcedReport(agent_version="1", error="another cluster", accounts=None))
    world.cluster.refresh_from_db()
    assert world.cluster.agent_error == "another cluster"
    assert [one.account for one in world.cluster.enforced.all()] == [world.account]
    assert len(changed_by_hand(world.cluster)) == 1


def test_a_change_that_is_let_be_stays_until_another_award_is_made(world):
    reported(world, "ann, eve")
    with pytest.raises(DriftNeedsReason):
        choose(world, "accept", "  ")
    choose(world, "accept", "a guest for the summer school")
    reported(world, "ann, eve")
    (seen,) = changed_by_hand(world.cluster)
    assert (seen.choice, seen.drift.why) == ("accept", "a guest for the summer school")
    allocation = world.allocation
    award(world.officer, allocation.project, allocation.partition, allocation.starts, 1, 3_600, key="more")
    (seen,) = changed_by_hand(world.cluster)
    assert (seen.choice, seen.drift.choice) == ("", "accept")


def test_another_change_of_the_same_account_is_asked_about_again(world):
    reported(world, "ann, eve")
    choose(world, "correct")
    reported(world, "ann, eve, mallory")
    (seen,) = changed_by_hand(world.cluster)
    assert seen.choice == ""
    assert Drift.objects.count() == 1


def test_a_cluster_may_have_changes_by_hand_changed_back_at_once_but_for_what_was_let_be(world):
    names = {name.name: name.partition for name in world.cluster.names.all()}
    said = {"code": world.cluster.code, "site": world.cluster.site, "engine": world.cluster.engine}
    register_cluster(world.operator, **said, partitions=names, on_drift="correct")
    world.cluster.refresh_from_db()
    assert may_correct(world)
    reported(world, "ann, eve")
    assert may_correct(world)
    choose(world, "accept", "agreed with the site")
    assert not may_correct(world)


def test_who_may_not_manage_clusters_may_not_choose(world):
    reported(world, "ann, eve")
    with pytest.raises(Refused):
        choose_about_drift(make_person(), world.cluster, account=world.account, partition=world.name, choice="correct")


def test_differences_are_told_in_hours_and_words():
    assert (label_of("accelerator-seconds"), value_of("accelerator-seconds", "59999940")) == ("GPU-hours", "16,666.65")
    assert value_of("core-seconds", str(10**15)) == "no limit"
    assert (value_of("active", "False"), value_of("users", "ann, bob")) == ("no", "ann, bob")
    with override("nl"):
        assert value_of("accelerator-seconds", "59999940") == "16.666,65"
