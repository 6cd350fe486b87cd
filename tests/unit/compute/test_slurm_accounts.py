"""Reading what stands in Slurm's database: how often, and what people have from their accounts."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path

import httpx
import pytest

from fabriek.compute.agent import Agent
from fabriek.compute.command import show_plan
from fabriek.compute.slurm import SlurmEngine
from fabriek.compute.slurm import engine as engine_module
from fabriek.compute.slurm.accounts import Tree, enforced, qos_name, read_tree
from fabriek.compute.slurm.changes import steps
from fabriek.compute.slurm.commands import Commands
from fabriek.compute.slurm.formats import FormatError
from fabriek.compute.slurm.settings import SlurmSettings
from fabriek.compute.wire import DesiredState

SETTINGS = SlurmSettings(cluster="alpha", default_user="ann")


class Slurmdbd:
    """Prints accounts, people in them and QOS, each a row of what isn't empty, in the columns that are asked."""

    def __init__(self, *projects: str) -> None:
        self.accounts = [
            {"Account": "root", "Fairshare": "1", "QOS": "normal"},
            {"Account": "fabriek", "ParentName": "root", "Fairshare": "1", "QOS": "normal"},
            {"Account": "fabriek-science", "ParentName": "fabriek", "Fairshare": "300", "QOS": "normal"},
        ]
        self.accounts += [{"Account": p, "ParentName": "fabriek-science", "Fairshare": "1"} for p in projects]
        self.people: list[dict[str, str]] = []
        self.qos: list[dict[str, str]] = []
        self.read = 0

    def run(
        self, words: Sequence[str], environment: dict[str, str], stdin: str, timeout: float, *_where: object
    ) -> tuple[int, bytes, str]:
        shown = words[words.index("show") + 1]
        if shown == "config":
            return 0, b"ClusterName             = alpha\n", ""
        if shown == "partition":
            return 0, b"", ""
        found = self.qos if shown == "qos" else []
        if shown == "associations":
            self.read += "WOPInfo" in words
            found = self.people if "WOPInfo" in words else self.accounts
        columns = words[-1].removeprefix("format=").split(",")
        lines = ("|".join(row.get(column, "") for column in columns) for row in found)
        return 0, "".join(f"{line}\n" for line in lines).encode(), ""

    def tree(self) -> Tree:
        return read_tree(Commands(SETTINGS, self), SETTINGS, has_gpus=True)


def person(account: str, user: str, partition: str = "gpu", **own: str) -> dict[str, str]:
    return {"Account": account, "User": user, "Partition": partition, **own}


def with_an_award() -> Slurmdbd:
    """Ann's award of ten GPU-minutes in vision."""
    dbd = Slurmdbd("vision")
    name = qos_name(SETTINGS, "vision", "gpu")
    limits = {"GrpTRESMins": "gres/gpu=10", "Flags": "DenyOnLimit,NoDecay", "MinTRESPerJob": "gres/gpu=1"}
    dbd.qos = [{"Name": name, "Descr": "vision gpu", **limits}]
    dbd.people = [person("vision", "ann", QOS=name, DefaultQOS=name)]
    return dbd


def test_what_people_have_not_themselves_is_their_accounts() -> None:
    dbd = Slurmdbd("vision", "speech")
    dbd.accounts[-1] |= {"MaxSubmitJobs": "0", "QOS": "normal", "DefaultQOS": "normal"}
    dbd.people = [
        person("root", "root", ""),
        person("vision", "ann", QOS="own", DefaultQOS="own"),
        person("vision", "bob", "", QOS="own"),
        person("speech", "ann"),
        person("gone", "ann", ""),
    ]
    tree = dbd.tree()
    assert tree.parents["vision"] == "fabriek-science"
    assert tree.shares["fabriek-science"] == 300
    assert [(m.user, m.partition, m.open, m.qos, m.default_qos) for m in tree.members["vision"]] == [
        ("ann", "gpu", True, "own", "own"),
        ("bob", "", True, "own", ""),
    ]
    (ann,) = tree.members["speech"]
    assert (ann.open, ann.qos, ann.default_qos) == (False, "normal", "normal")
    assert tree.stopped == {"speech": ("MaxSubmitJobs=-1",)}
    assert "gone" not in tree.members


STOPS = [{name: "0"} for name in ("MaxJobs", "MaxSubmitJobs", "GrpJobs", "GrpSubmitJobs")]
STOPS += [{"GrpTRES": "cpu=0"}, {"GrpTRES": "gres/gpu=4,node=0"}]


@pytest.mark.parametrize("stop", STOPS, ids=str)
@pytest.mark.parametrize("place", ["fabriek-science", "vision", "ann"])
def test_whoever_is_stopped_by_hand_is_no_user_and_only_that_stop_is_lifted(place: str, stop: dict[str, str]) -> None:
    dbd = with_an_award()
    (state,) = enforced(dbd.tree(), SETTINGS, {})
    assert state.users == ["ann"]
    wanted = state.model_copy(update={"fairshare": 300})
    assert steps([wanted], dbd.tree(), SETTINGS) == ([], {})
    for row in dbd.accounts:
        # slurmdbd shows each account what people in it have from above.
        inherits = place == "fabriek-science" and row["Account"] == "vision" and next(iter(stop)).startswith("Max")
        if row["Account"] == place or inherits:
            row.update(stop)
    dbd.people[0] |= stop if place == "ann" else {}
    (found,) = enforced(dbd.tree(), SETTINGS, {})
    assert found.users == []
    todo, refused = steps([wanted], dbd.tree(), SETTINGS)
    lifts = {word for step in todo for word in step.words[step.words.index("set") + 1 :] if "qos" not in word}
    ((name, value),) = stop.items()
    assert lifts == {f"{name}=-1" if value == "0" else f"GrpTRES={value.split(',')[-1].replace('=0', '=-1')}"}
    assert refused == {}


@pytest.mark.parametrize(
    "limit",
    [{"MaxJobs": "10"}, {"GrpJobs": "1"}, {"GrpTRES": "cpu=64,gres/gpu=0"}, {"GrpTRES": "license/x=0"}],
    ids=str,
)
def test_a_sites_own_limits_are_no_stop(limit: dict[str, str]) -> None:
    dbd = with_an_award()
    dbd.accounts[-1] |= limit
    assert [state.users for state in enforced(dbd.tree(), SETTINGS, {})] == [["ann"]]
    assert dbd.tree().stopped == {}


def test_what_is_more_than_can_be_told_is_told_as_the_most_that_can() -> None:
    dbd = with_an_award()
    dbd.qos[0]["GrpTRESMins"] = f"cpu={10**18},gres/gpu={10**15}"
    dbd.accounts[2]["Fairshare"] = str(2**31)
    (found,) = enforced(dbd.tree(), SETTINGS, {})
    assert (found.accelerator_seconds_limit, found.core_seconds_limit, found.fairshare) == (10**15, 10**15, 10**6)
    dbd.accounts.append({"Account": "x" * 200, "ParentName": "fabriek"})
    dbd.accounts[-2]["ParentName"] = "x" * 200
    assert enforced(dbd.tree(), SETTINGS, {})[0].programme == "x" * 80


def test_people_are_the_same_whatever_capitals_their_names_have() -> None:
    """sacctmgr writes them in small letters, unless slurmdbd.conf says PreserveCaseUser."""
    settings = SETTINGS.model_copy(update={"default_user": None, "users": {"u000001": "Ann.B@uni.nl"}})
    dbd = with_an_award()
    (state,) = enforced(dbd.tree(), SETTINGS, {})
    wanted = state.model_copy(update={"users": ["u000001"], "fairshare": 300})
    made = {("vision", "gpu"): wanted}
    for written in ("ann.b@uni.nl", "Ann.B@uni.nl"):
        dbd.people[0]["User"] = written
        assert enforced(dbd.tree(), settings, made)[0].users == ["u000001"]
        assert steps([wanted], dbd.tree(), settings) == ([], {})
        ((gone,), _refused) = steps([wanted.model_copy(update={"users": []})], dbd.tree(), settings)
        assert f"name={written}" in gone.words
    dbd.people.clear()
    ((new,), _refused) = steps([wanted], dbd.tree(), settings)
    assert "name=Ann.B@uni.nl" in new.words


def test_a_plan_shows_what_is_taken_at_once_from_an_award_that_waits_for_a_choice(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dbd = with_an_award()
    (made,) = enforced(dbd.tree(), SETTINGS, {})
    wanted = made.model_copy(update={"active": False, "users": [], "correct_drift": False})
    desired = DesiredState(cluster="alpha", generation="1", accounts=[wanted]).model_dump_json()
    platform = httpx.MockTransport(lambda _request: httpx.Response(200, text=desired))
    engine = SlurmEngine(tmp_path, "alpha", SETTINGS, Commands(SETTINGS, dbd))
    engine._store.remember_made([made])
    agent = Agent(engine, httpx.Client(transport=platform, base_url="http://platform"), "alpha", tmp_path, patience=1)
    dbd.qos[0]["GrpTRESMins"] = "gres/gpu=999"
    show_plan(agent, as_json=False)
    lines = capsys.readouterr().out.splitlines()
    would_do = [line for line in lines if line.startswith("would do")]
    assert ["GrpJobs=0 GrpSubmitJobs=0" in line for line in would_do] == [True, False]
    assert "name=ann" in would_do[1]
    assert would_do[1].endswith("set MaxJobs=0 MaxSubmitJobs=0")
    assert not any("gres/gpu=10" in line for line in would_do), "its limit waits"
    assert sum(line.startswith("waits     vision on gpu") for line in lines) == 1
    show_plan(agent, as_json=True)
    assert len(json.loads(capsys.readouterr().out)["steps"]) == 2
    agent.close()
    engine.close()


def test_a_cluster_without_its_root_is_no_answer() -> None:
    dbd = Slurmdbd()
    dbd.accounts = []
    with pytest.raises(FormatError, match="alpha"):
        read_tree(Commands(SETTINGS, dbd), SETTINGS, has_gpus=True)


@pytest.mark.parametrize(("many", "reads"), [(2, 3), (5_000, 1)])
def test_many_accounts_are_not_read_in_each_round(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, many: int, reads: int
) -> None:
    monkeypatch.setattr(engine_module, "MANY_ACCOUNTS", 1_000)
    now = 0.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    dbd = Slurmdbd(*(f"p{n}" for n in range(many)))
    engine = SlurmEngine(tmp_path, "alpha", SETTINGS, Commands(SETTINGS, dbd))
    for _round in range(3):
        engine.enforced()
        engine.drift()
        engine.tick()
        now += 2.0
    assert dbd.read == reads
    now += engine_module.READ_AGAIN
    engine.tick()
    engine.enforced()
    assert dbd.read == reads + 1
    engine.close()
