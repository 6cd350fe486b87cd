"""What slurmctld says of itself is read, and what keeps awards from holding is told with what to write."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import httpx
import pytest
from tests.unit.compute.test_agent import Platform

from fabriek.compute.agent import Agent
from fabriek.compute.command import show_plan
from fabriek.compute.engine import EngineError
from fabriek.compute.slurm import SlurmEngine
from fabriek.compute.slurm.accounts import Limits, Tree, qos_name
from fabriek.compute.slurm.commands import Commands, NoAnswer
from fabriek.compute.slurm.formats import FormatError, config_shown, partitions_shown
from fabriek.compute.slurm.preconditions import (
    ASKED_EVERY,
    SILENT_EVERY,
    WRONG_EVERY,
    Preconditions,
    Told,
    WrongCluster,
    problems,
)
from fabriek.compute.slurm.settings import SlurmSettings
from fabriek.compute.wire import AccountState

SETTINGS = SlurmSettings(cluster="alpha", default_user="ann")
CONFIG = """\
Configuration data as of 2026-11-28T18:09:19
AccountingStorageBackupHost = (null)
AccountingStorageEnforce = associations,limits,qos,safe
AccountingStorageTRES   = cpu,mem,energy,node,billing,fs/disk,vmem,pages,gres/gpu,gres/gpu:h100
ClusterName             = alpha
GresTypes               = gpu
PriorityFlags           =
PriorityUsageResetPeriod = NONE
PriorityType            = priority/multifactor
SLURM_VERSION           = 22.05.8
WaitTime                = 0 sec

Cgroup Support Configuration:
ConstrainCores          = no

Slurmctld(primary) at an1 is UP
"""
# 22.05 as it ran here; the fields that newer ones have in addition by https://slurm.schedmd.com/scontrol.html. How they
# write QOS is not relied on: 26.05's is a third way here.
PARTITION = {
    "22.05": "PartitionName=gpu AllowGroups=ALL AllowAccounts=ALL AllowQos=ALL AllocNodes=ALL Default=YES QoS=N/A "
    "DefaultTime=01:00:00 DisableRootJobs=NO Hidden=NO Nodes=an[1-2] State=UP JobDefaults=(null) TRES=gres/gpu=8",
    "24.11": "PartitionName=gpu AllowGroups=ALL AllowAccounts=ALL AllowQos=ALL AllocNodes=ALL Default=YES QoS=N/A "
    "DefaultTime=NONE DisableRootJobs=NO ExclusiveUser=NO ExclusiveTopo=NO MaxCPUsPerSocket=UNLIMITED NodeSets=ALL "
    "Nodes=an[1-2] State=UP JobDefaults=(null) TRES=gres/gpu=8",
    "26.05": "PartitionName=gpu AllowGroups=ALL AllowAccounts=ALL AllowQOS=ALL AllocNodes=ALL Default=YES QOS=N/A "
    "Topology=(null) Nodes=an[1-2] State=UP JobDefaults=(null) TRES=gres/gpu=8",
}
WANTED = frozenset({("vision", "gpu"), ("speech", "gpu")})
TREE = Tree(
    parents={"fabriek": "root", "fabriek-science": "fabriek", "vision": "fabriek-science", "speech": "fabriek-science"},
    limits={
        "normal": Limits(None, None, True, frozenset()),
        "capped": Limits(None, 100, True, frozenset()),
    },
)


def found(config: str = CONFIG, partition: str = PARTITION["22.05"], wanted: frozenset[tuple[str, str]] = WANTED):
    told = Told(config_shown(config), partitions_shown(f"{partition}\n"))
    return problems(told, TREE, wanted, SETTINGS)


@pytest.mark.parametrize("version", PARTITION)
def test_where_all_is_well_nothing_is_told(version: str) -> None:
    assert found(CONFIG.replace("22.05.8", f"{version}.3"), PARTITION[version]) == []


@pytest.mark.parametrize(
    ("before", "after", "wrong", "advice"),
    [
        # As `safe` alone is shown.
        ("limits,qos,safe", "limits,safe", "lacks qos.", "AccountingStorageEnforce=associations,limits,qos,safe"),
        ("limits,qos,safe", "qos", "lacks limits and safe", "restart slurmctld"),
        ("associations,limits,qos,safe", "none", "lacks associations and limits", "restart slurmctld"),
        ("priority/multifactor", "priority/basic", "PriorityType=priority/basic", "PriorityType=priority/multifactor"),
        ("= NONE", "= MONTHLY", "PriorityUsageResetPeriod=MONTHLY", "PriorityUsageResetPeriod=NONE"),
        ("gres/gpu,gres/gpu:h100", "gres/gpu:h100", "neither limited nor metered", "AccountingStorageTRES=gres/gpu"),
    ],
)
def test_what_slurm_conf_lacks_is_told(before: str, after: str, wrong: str, advice: str) -> None:
    (sentence,) = found(CONFIG.replace(before, after))
    assert wrong in sentence
    assert advice in sentence


def test_what_a_version_does_not_show_is_not_wrong() -> None:
    """With priority/basic nothing more of priorities is shown; a cluster without GPUs has no GresTypes."""
    lines = [line for line in CONFIG.splitlines() if "ResetPeriod" not in line and "GresTypes" not in line]
    assert found("\n".join(lines).replace(",gres/gpu,gres/gpu:h100", "")) == []


def own(account: str) -> str:
    return qos_name(SETTINGS, account, "gpu")


@pytest.mark.parametrize(
    ("before", "after", "wrong"),
    [
        ("AllowQos=ALL", "AllowQos=normal", "lets in AllowQos=normal only"),
        ("AllowQos=ALL", f"AllowQos={own('speech')}", "jobs of vision are refused"),
        ("AllowQos=ALL", f"DenyQos=x,{own('vision')}", f"Take {own('vision')} out of DenyQos"),
        ("AllowAccounts=ALL", "AllowAccounts=Acme,speech", "does not let in vision:"),
        ("AllowAccounts=ALL", "AllowAccounts=fabriek", "does not let in speech, vision:"),
        ("AllowAccounts=ALL", "DenyAccounts=vision", "keeps out vision:"),
        ("AllowAccounts=ALL", "DenyAccounts=fabriek-science", "keeps out speech, vision:"),
        ("QoS=N/A", "QoS=capped", "sacctmgr modify qos capped set"),
        ("PartitionName=gpu", "PartitionName=GPU", "There is no partition gpu (there are GPU)"),
    ],
)
def test_what_a_partition_does_to_awards_is_told(before: str, after: str, wrong: str) -> None:
    assert before in PARTITION["22.05"]
    (sentence,) = found(partition=PARTITION["22.05"].replace(before, after))
    assert wrong in sentence


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("AllowQos=ALL", f"AllowQos={own('speech')},{own('vision').upper()}"),
        ("AllowQos=ALL", "DenyQos=normal"),
        ("AllowAccounts=ALL", "AllowAccounts=vision,speech"),
        ("AllowAccounts=ALL", "DenyAccounts=acme"),
        ("QoS=N/A", "QoS=normal"),
    ],
)
def test_rules_of_a_partition_that_leave_awards_alone_are_not_told(before: str, after: str) -> None:
    assert found(partition=PARTITION["22.05"].replace(before, after)) == []


def test_an_account_brings_those_below_it_where_slurm_says_so() -> None:
    partition = PARTITION["26.05"].replace("AllowAccounts=ALL", "AllowAccounts=fabriek")
    assert found(CONFIG.replace("22.05.8", "26.05.5"), partition) == []
    elsewhere = partition.replace("=fabriek", "=acme")
    assert "Add fabriek to its" in found(CONFIG.replace("22.05.8", "26.05.5"), elsewhere)[0]


def test_partitions_without_awards_are_the_sites_business() -> None:
    assert found(partition=PARTITION["22.05"].replace("AllowQos=ALL", "AllowQos=normal"), wanted=frozenset()) == []


def test_what_is_no_partition_is_said() -> None:
    assert partitions_shown("No partitions in the system\n") == []
    with pytest.raises(FormatError, match="names none"):
        partitions_shown("slurm_load_partitions error\n")


class Slurm:
    """Runs commands: scontrol tells `config` and `partitions`, or nothing where it is silent; sacctmgr one account."""

    def __init__(self) -> None:
        self.config, self.partitions, self.silent = CONFIG, f"{PARTITION['22.05']}\n", False
        self.asked, self.written = 0, 0

    def run(
        self, words: Sequence[str], environment: dict[str, str], stdin: str, timeout: float, *_where: object
    ) -> tuple[int, bytes, str]:
        if words[0] == "scontrol":
            self.asked += 1
            if self.silent:
                raise NoAnswer(words, "Unable to contact slurm controller")
            return 0, (self.config if "config" in words else self.partitions).encode(), ""
        if words[0] == "sacctmgr" and "show" in words:
            columns = words[-1].removeprefix("format=").split(",")
            root = "|".join({"Account": "root", "Fairshare": "1", "QOS": "normal"}.get(name, "") for name in columns)
            return 0, f"{root}\n".encode() if "associations" in words and "user=" in words else b"", ""
        self.written += 1
        return 0, b"", ""


class Clock:
    """Stands until it is set."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def asking(slurm: Slurm) -> tuple[Preconditions, Clock]:
    clock = Clock()
    return Preconditions(Commands(SETTINGS, slurm), SETTINGS, clock), clock


def test_it_is_asked_once_an_hour_and_for_partitions_that_are_new() -> None:
    slurm = Slurm()
    preconditions, clock = asking(slurm)
    for _round in range(3):
        preconditions.told()
        assert preconditions.problems(frozenset({("vision", "gpu")}), TREE) == []
    assert slurm.asked == 2, "one command each"
    assert preconditions.problems(WANTED, TREE) == []
    assert slurm.asked == 2, "another award on the same partition"
    slurm.partitions += PARTITION["22.05"].replace("=gpu", "=cpu") + "\n"
    assert preconditions.problems(WANTED | {("vision", "cpu")}, TREE) == []
    assert slurm.asked == 4
    clock.now = ASKED_EVERY - 1
    preconditions.told()
    assert slurm.asked == 4
    clock.now = ASKED_EVERY
    slurm.config = CONFIG.replace("= NONE", "= DAILY")
    assert "DAILY" in preconditions.problems(WANTED, TREE)[0]
    assert slurm.asked == 6


def test_what_was_wrong_is_soon_seen_mended() -> None:
    slurm = Slurm()
    slurm.config = CONFIG.replace("priority/multifactor", "priority/basic")
    preconditions, clock = asking(slurm)
    assert len(preconditions.problems(WANTED, TREE)) == 1
    slurm.config = CONFIG
    assert len(preconditions.problems(WANTED, TREE)) == 1
    clock.now = WRONG_EVERY
    assert preconditions.problems(WANTED, TREE) == []


def test_without_an_answer_the_last_one_holds() -> None:
    slurm = Slurm()
    preconditions, clock = asking(slurm)
    slurm.silent = True
    with pytest.raises(EngineError):
        preconditions.told()
    slurm.silent = False
    told = preconditions.told()
    slurm.silent, clock.now = True, ASKED_EVERY
    assert preconditions.told() is told
    asked = slurm.asked
    preconditions.told()
    assert slurm.asked == asked
    slurm.silent, clock.now = False, ASKED_EVERY + SILENT_EVERY
    assert preconditions.told() is not told


def test_of_another_cluster_nothing_is_read_or_written(tmp_path: Path) -> None:
    slurm = Slurm()
    slurm.config = CONFIG.replace("= alpha", "= beta")
    engine = SlurmEngine(tmp_path, "alpha", SETTINGS, Commands(SETTINGS, slurm))
    award = AccountState(account="vision", partition="gpu", accelerator_seconds_limit=600, core_seconds_limit=0)
    for asked in (engine.enforced, engine.drift, lambda: engine.provision([award]), lambda: engine.plan([award])):
        with pytest.raises(WrongCluster, match=r"the cluster beta, and slurm\.toml says cluster = 'alpha'"):
            asked()
    assert slurm.written == 0
    assert engine.notes() == []
    engine.close()


def test_whether_gpus_are_counted_is_this_clusters_word(tmp_path: Path) -> None:
    slurm = Slurm()
    slurm.config = CONFIG.replace(",gres/gpu,gres/gpu:h100", "")
    engine = SlurmEngine(tmp_path, "alpha", SETTINGS, Commands(SETTINGS, slurm))
    award = AccountState(
        account="vision", partition="gpu", accelerator_seconds_limit=600, core_seconds_limit=0, programme="science"
    )
    refused = engine.provision([award])
    assert "counts no GPUs" in refused["vision", "gpu"]
    (note,) = engine.notes()
    assert "neither limited nor metered" in note
    slurm.partitions = ""
    engine.plan([award.model_copy(update={"partition": "gpu2"})])
    assert any("no partition gpu2 (there are none)" in note for note in engine.notes()), (
        "refused is wanted all the same"
    )
    engine.close()


@pytest.fixture
def platform(tmp_path: Path) -> Platform:
    made = Platform(tmp_path / "platform.json")
    made.awards()
    made.state["accounts"][0]["programme"] = "science"
    return made


def agent_on(slurm: Slurm, platform: Platform, folder: Path) -> Agent:
    """An agent of the cluster that the platform knows as bench."""
    engine = SlurmEngine(folder, "bench", SETTINGS, Commands(SETTINGS, slurm))
    client = httpx.Client(transport=httpx.MockTransport(platform), base_url="http://platform")
    return Agent(engine, client, "bench", folder, patience=1)


def test_the_platform_hears_of_it_and_so_does_who_looks_at_the_plan(
    tmp_path: Path, platform: Platform, capsys: pytest.CaptureFixture[str]
) -> None:
    slurm = Slurm()
    slurm.config = CONFIG.replace("priority/multifactor", "priority/basic")
    agent = agent_on(slurm, platform, tmp_path / "site")
    agent.round()
    assert "PriorityType=priority/basic" in platform.state["enforced"]["error"]
    written = slurm.written
    show_plan(agent, as_json=False)
    assert "wrong     No award ever ends: with PriorityType=priority/basic" in capsys.readouterr().out
    assert slurm.written == written
    agent.engine.close()


def test_the_platform_hears_of_another_cluster_and_keeps_what_it_was_told(tmp_path: Path, platform: Platform) -> None:
    slurm = Slurm()
    slurm.config = CONFIG.replace("= alpha", "= beta")
    agent = agent_on(slurm, platform, tmp_path / "site")
    summary = agent.round()
    assert platform.state["enforced"]["accounts"] is None
    for said in (platform.state["enforced"]["error"], summary.error):
        assert said.count("speak to the cluster beta") >= 1
    assert slurm.written == 0
    agent.engine.close()
