"""From awards to commands: whose names Slurm takes, what is closed whatever else, and what waits for nobody."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fabriek.compute.engine import difference
from fabriek.compute.slurm.accounts import FLAGS, Limits, Member, Tree, enforced, qos_name
from fabriek.compute.slurm.changes import left_out, steps, with_known_names, withdrawals
from fabriek.compute.slurm.settings import SlurmSettings
from fabriek.compute.slurm.steps import Step
from fabriek.compute.wire import UNLIMITED, AccountState

SETTINGS = SlurmSettings(cluster="alpha")
STATE = AccountState(
    account="vision",
    partition="gpu",
    accelerator_seconds_limit=600,
    core_seconds_limit=0,
    users=["ann", "bob"],
    programme="science",
    fairshare=300,
)
KEY = (STATE.account, STATE.partition)


def award(**changed: object) -> AccountState:
    return STATE.model_copy(update=changed)


def made_so(state: AccountState = STATE, minutes: int = 10) -> Tree:
    """What stands in Slurm's database once an award was made, with a limit of so many GPU-minutes."""
    name = qos_name(SETTINGS, state.account, state.partition)
    return Tree(
        parents={"root": "", "fabriek": "root", "fabriek-science": "fabriek", state.account: "fabriek-science"},
        shares={"fabriek-science": 300},
        members={state.account: [Member(user, state.partition, (), name, name) for user in state.users]},
        limits={name: Limits(minutes, None, True, FLAGS, gpus_only=True)},
    )


def sets(todo: list[Step]) -> list[str]:
    """Each command without sacctmgr's name, and without which cluster it goes for."""
    return [" ".join(word for word in step.words[2:] if not word.startswith("cluster=")) for step in todo]


# Names


@pytest.mark.parametrize("name", ["j.de.vries", "JVries", "jvries@uni.example", "a+b", "_x-1", "123abc"])
def test_people_of_a_directory_are_let_in_as_they_are_called(name: str) -> None:
    state = award(users=["ann", "bob", name])
    (add,), refused = steps([state], made_so(), SETTINGS)
    assert f"name={name}" in add.words
    assert (refused, left_out([state], SETTINGS)) == ({}, {})


ODD = ["", "a b", "a,b", "a=b", "a'b", 'a"b', "a;b", "a:b", "a\nb", "a\n", "-rf", "+a", ".a", "@a", "1000", "a" * 43]


@pytest.mark.parametrize("name", ODD)
def test_who_has_a_name_that_slurm_does_not_take_is_left_out_and_the_others_are_not(name: str) -> None:
    state = award(users=["ann", "bob", "carl", name], accelerator_seconds_limit=1_200)
    todo, refused = steps([state], made_so(), SETTINGS)
    assert refused == {}
    assert any("GrpTRESMins=cpu=-1,gres/gpu=20" in words for words in sets(todo)), "its top-up is made"
    assert [step.words[4] for step in todo if "add" in step.words] == ["name=carl"]
    assert with_known_names(state, SETTINGS).users == ["ann", "bob", "carl"]
    assert repr(name) in left_out([state], SETTINGS)[KEY]


def test_a_partition_may_have_a_dot() -> None:
    state = award(partition="gpu.a100")
    assert steps([state], made_so(state), SETTINGS) == ([], {})
    _todo, refused = steps([award(partition="gpu;a100")], made_so(), SETTINGS)
    assert list(refused) == [("vision", "gpu;a100")]


def test_where_gpu_hours_alone_were_awarded_every_job_has_a_gpu() -> None:
    tree, name = made_so(), qos_name(SETTINGS, *KEY)
    tree.limits[name] = replace(tree.limits[name], gpus_only=False)
    (there,) = enforced(tree, SETTINGS, {KEY: STATE})
    (found,) = difference([STATE], [there])
    assert (found.what, found.desired, found.enforced) == ("core-seconds", "0", str(UNLIMITED))
    (words,) = sets(steps([STATE], tree, SETTINGS)[0])
    assert "MinTRESPerJob=gres/gpu=1" in words
    assert steps([STATE], made_so(), SETTINGS) == ([], {})
    (words,) = sets(steps([award(core_seconds_limit=6_000)], made_so(), SETTINGS)[0])
    assert "GrpTRESMins=cpu=100,gres/gpu=10" in words
    assert "MinTRESPerJob=gres/gpu=-1" in words, "core-hours are for jobs without one too"


@pytest.mark.parametrize("has_gpus", [True, False])
def test_an_award_is_closed_whoever_is_in_it_and_whatever_the_cluster_counts(has_gpus: bool) -> None:
    tree = made_so()
    tree.has_gpus = has_gpus
    over = award(active=False, users=["ann", "bob", "o'neill"])
    (close,), refused = steps([over], tree, SETTINGS)
    assert {"GrpJobs=0", "GrpSubmitJobs=0"} <= set(close.words)
    assert (refused, left_out([over], SETTINGS)) == ({}, {})


# What waits for nobody


def test_of_what_was_changed_by_hand_the_end_and_who_left_wait_for_nobody() -> None:
    raised = made_so(minutes=100)
    over = award(active=False, users=["ann"], accelerator_seconds_limit=1_200)
    todo, (then,), refused = withdrawals([over], raised, SETTINGS, {KEY: STATE})
    assert sets(todo) == [
        "modify qos where name=fabriek.alpha.vision.gpu set GrpJobs=0 GrpSubmitJobs=0",
        "modify user where name=bob account=vision partition=gpu set MaxJobs=0 MaxSubmitJobs=0",
    ]
    assert (then, refused) == (award(active=False, users=["ann"]), {}), "the limit is what it was made to be"
    assert withdrawals([over], raised, SETTINGS, {KEY: then}) == ([], [], {}), "once"


def test_who_was_let_in_by_hand_and_who_is_new_wait_for_the_operator() -> None:
    tree = made_so()
    tree.members["vision"].append(Member("guest", "gpu", (), "normal", "normal"))
    assert withdrawals([award(users=["ann", "bob", "carl"])], tree, SETTINGS, {KEY: STATE}) == ([], [], {})


def test_who_left_stays_where_somebody_else_has_the_same_name_here() -> None:
    shared = SETTINGS.model_copy(update={"default_user": "ann"})
    todo, (then,), _refused = withdrawals([award(users=["ann"])], made_so(), shared, {KEY: STATE})
    assert (todo, then.users) == ([], ["ann"])


def test_an_account_that_was_moved_away_is_not_touched_either() -> None:
    tree = made_so()
    tree.parents["vision"] = "root"
    todo, lessened, refused = withdrawals([award(active=False)], tree, SETTINGS, {KEY: STATE})
    assert (todo, lessened, list(refused)) == ([], [], [KEY])
