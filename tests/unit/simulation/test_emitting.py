"""A policy as Slurm's settings. Whether Slurm takes them: tests/slurm/test_emitted_settings.py."""

from __future__ import annotations

import pytest

from fabriek.simulation.emitting import slurm_settings
from fabriek.simulation.policy import (
    CONSERVATIVE,
    EASY,
    FCFS,
    MULTIFACTOR,
    FairShare,
    Held,
    Limit,
    Machine,
    Over,
    Policy,
    Pool,
    Weights,
)
from fabriek.simulation.sites import Routing

MACHINE = Machine.of(100)


def conf(policy: Policy) -> dict[str, str]:
    lines = [line for line in slurm_settings(MACHINE, policy).conf if not line.startswith("#")]
    return {name: value for name, _, value in (line.partition("=") for line in lines)}


def test_who_may_overtake() -> None:
    assert conf(FCFS) == {
        "SchedulerType": "sched/builtin",
        "OverTimeLimit": "0",
        "PriorityType": "priority/basic",
    }
    assert "bf_job_part_count_reserve=1," in conf(EASY)["SchedulerParameters"]
    assert "bf_job_part_count_reserve=0," in conf(CONSERVATIVE)["SchedulerParameters"]
    assert all("bf_busy_nodes," in conf(policy)["SchedulerParameters"] for policy in (EASY, CONSERVATIVE))


def test_the_two_algorithms_of_fair_share() -> None:
    assert not {"PriorityFlags", "FairShareDampeningFactor"} & conf(MULTIFACTOR).keys()
    classic = conf(Policy(weights=Weights(algorithm=FairShare.CLASSIC, damping=3.0)))
    assert (classic["PriorityFlags"], classic["FairShareDampeningFactor"]) == ("NO_FAIR_TREE", "3")


def test_fractions_become_whole_numbers_in_the_same_proportion() -> None:
    weights = Weights(age=0.25, fair_share=3, shares={"a": 1.5, "b": 2}, half_life=0)
    said = conf(Policy(weights=weights))
    assert (said["PriorityWeightAge"], said["PriorityWeightFairShare"]) == ("25", "300")
    assert said["PriorityDecayHalfLife"] == "0"
    settings = slurm_settings(MACHINE, Policy(weights=weights))
    assert settings.commands == (
        "sacctmgr -i add account a fairshare=15",
        "sacctmgr -i add account b fairshare=20",
    )
    assert any("aren't named need fairshare=10" in line for line in settings.accounting)


def test_a_factor_above_one_weighs_more() -> None:
    # Slurm divides by the highest factor: 5 x 4 is 20 x 1, and 5 x 1 is 20 x 0.25.
    policy = Policy(weights=Weights(qos=5, qos_factors={"urgent": 4, "late": 1}))
    assert conf(policy)["PriorityWeightQOS"] == "20"
    assert "sacctmgr -i modify qos where name=late set priority=2500" in slurm_settings(MACHINE, policy).commands


def test_accounts_come_after_those_above_them() -> None:
    weights = Weights(shares={"optics": 2}, parents={"optics": "physics", "physics": "science"})
    assert slurm_settings(MACHINE, Policy(weights=weights)).commands == (
        "sacctmgr -i add account science fairshare=1",
        "sacctmgr -i add account physics parent=science fairshare=1",
        "sacctmgr -i add account optics parent=physics fairshare=2",
    )


def test_tiers_preempt_all_below() -> None:
    policy = Policy(preempt={"urgent": 2, "day": 1, "scavenge": -1})
    settings = slurm_settings(MACHINE, policy)
    assert [line.partition("name=")[2] for line in settings.commands if "preempt" in line] == [
        "normal set preempt=scavenge",
        "urgent set preempt=normal,day,scavenge",
        "day set preempt=normal,scavenge",
    ]
    assert conf(policy)["PreemptMode"] == "REQUEUE"
    assert conf(policy)["SchedulerParameters"].endswith("preempt_youngest_first")


def test_limits() -> None:
    machine = Machine.of(100, 8)
    policy = Policy(
        limits=(Limit(Over.QOS, "debug", 4, 2, 90.0), Limit(Over.USER, jobs=3), Limit(Over.ACCOUNT, "a", 5))
    )
    assert slurm_settings(machine, policy).commands == (
        "sacctmgr -i add qos debug",
        "sacctmgr -i modify qos where name=debug set GrpTRES=node=4 GrpJobs=2 GrpTRESMins=node=90 flags+=NoDecay",
        "sacctmgr -i modify qos where name=normal set MaxJobsPerUser=3",
        "sacctmgr -i modify qos where name=debug set MaxJobsPerUser=3",
        "sacctmgr -i modify account where name=a set GrpTRES=node=5",
    )


def test_what_is_held() -> None:
    held = (Held(100, None, 60, 120), Held(20, "startup"), Held(8, None, 60, 120))
    assert slurm_settings(MACHINE, Policy(held=held)).reservations == (
        "scontrol create reservation ReservationName=floor_2_startup Accounts=startup StartTime=now "
        "Duration=UNLIMITED CoreCnt=20 Flags=MAGNETIC,FLEX,IGNORE_JOBS",
        "scontrol create reservation ReservationName=maintenance_1 Users=root StartTime=now+60seconds "
        "EndTime=now+120seconds Nodes=ALL Flags=MAINT,IGNORE_JOBS",
        "scontrol create reservation ReservationName=maintenance_3 Users=root StartTime=now+60seconds "
        "EndTime=now+120seconds CoreCnt=8 Flags=MAINT,IGNORE_JOBS",
    )


def test_of_nodes_so_many_are_held_and_who_is_stopped_may_be_lost() -> None:
    machine = Machine((Pool("gpu", 32, 8),), routing=Routing())
    settings = slurm_settings(machine, Policy(held=(Held(5, "startup", partition="gpu"),), requeue=False))
    assert "NodeCnt=2 PartitionName=gpu" in settings.reservations[0]
    assert "JobRequeue=0" in settings.conf
    assert "JobRequeue" not in conf(EASY)
    said = " ".join(settings.apart)
    assert "which nodes" in said
    assert "federation" in said
    assert "makes an end of preempted jobs" in " ".join(
        slurm_settings(machine, Policy(preempt={"urgent": 1}, requeue=False)).apart
    )


def test_what_slurm_does_otherwise_is_said() -> None:
    budget = Limit(Over.ACCOUNT, "a", processor_minutes=5)
    policy = Policy(weights=Weights(period=90, size=1), limits=(budget,), held=(Held(5, "startup"),))
    said = " ".join(slurm_settings(MACHINE, policy).apart)
    for part in ("period is 90 s", "size factor", "budget over account a", "doesn't count", "for a year", "its limit"):
        assert part in said
    never_fades = Policy(weights=Weights(half_life=0), limits=(budget,))
    assert "budget" not in " ".join(slurm_settings(MACHINE, never_fades).apart)


@pytest.mark.parametrize("name", ["two words", "a;reboot", "a,b", "a=b", "-x", "$(id)"])
def test_names_that_a_shell_or_slurm_would_take_apart(name: str) -> None:
    for policy in (
        Policy(held=(Held(1, name),)),
        Policy(weights=Weights(shares={name: 1})),
        Policy(limits=(Limit(Over.QOS, name, 1),)),
        Policy(preempt={name: 1}),
    ):
        with pytest.raises(ValueError, match="can't be a name in Slurm"):
            slurm_settings(MACHINE, policy)


def test_the_text_is_comments_settings_and_commands() -> None:
    text = slurm_settings(MACHINE, Policy(held=(Held(20, "startup"),), preempt={"urgent": 1})).text()
    starts = ("#", "sacctmgr -i ", "scontrol create reservation ")
    for line in filter(None, text.splitlines()):
        assert line.startswith(starts) or "=" in line.split()[0]
