"""What Slurm has counted against what is booked: when they differ, what becomes of limits then, and what is told."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from fabriek.compute.engine import difference
from fabriek.compute.slurm import SlurmEngine
from fabriek.compute.slurm.accounts import FLAGS, Limits, Tree, enforced, qos_name
from fabriek.compute.slurm.changes import steps
from fabriek.compute.slurm.commands import Commands
from fabriek.compute.slurm.counts import (
    READ_EVERY,
    STOOD,
    TOLD_FOR,
    Counts,
    Gap,
    as_awarded,
    as_limited,
    compare,
    short_of,
)
from fabriek.compute.slurm.formats import Count, FormatError, counts_shown
from fabriek.compute.slurm.settings import SlurmSettings
from fabriek.compute.wire import UNLIMITED, AccountState

SETTINGS = SlurmSettings(cluster="alpha", default_user="ann")
NAME = qos_name(SETTINGS, "vision", "gpu")
KEY = ("vision", "gpu")
LINE = (
    "QOS={name}(7) UsageRaw=47.000000 GrpJobs=N({running}) GrpJobsAccrue=N(0) GrpSubmitJobs=N(0) GrpWall=N(0.63) "
    "GrpTRES=cpu=N(3),gres/gpu=N(3) GrpTRESMins=cpu={cores},mem=N(802),billing=N(9),{gpus}gres/gpu:h100=N(8) "
    "GrpTRESRunMins=cpu=N(44),gres/gpu=N(44) MaxWallPJ= MinPrioThresh=  MinTRESPJ=gres/gpu=1 Priority=0 "
    "Account Limits= vision={{MaxJobsPA=N(0) MaxTRESPA=cpu=N(0)}}\n"
)


def shown(gpus: str = "gres/gpu=100(6),", cores: str = "N(5)", running: int = 0, name: str = NAME) -> str:
    return "Current Association Manager state\nQOS Records\n" + LINE.format(
        name=name, running=running, gpus=gpus, cores=cores
    )


def award(**changed: Any) -> AccountState:
    whole = {"account": "vision", "partition": "gpu", "accelerator_seconds_limit": 6_000, "core_seconds_limit": 0}
    booked = {"booked_accelerator_seconds": 3_000, "booked_core_seconds": 0}
    return AccountState.model_validate({**whole, **booked, "programme": "science", "fairshare": 300, **changed})


# Reading


def test_a_count_is_read_by_the_qos_name_and_by_no_other_limit_of_it() -> None:
    assert counts_shown(shown()) == {NAME: Count(6, 5, 0)}
    assert counts_shown(shown(running=3, cores="10(9)")) == {NAME: Count(6, 9, 3)}
    assert counts_shown(shown(gpus="")) == {NAME: Count(None, 5, 0)}
    assert counts_shown("Current Association Manager state\n\nNo QOS Records\n\n") == {}


@pytest.mark.parametrize("text", ["", "slurm_load_assoc_mgr error\n", shown().replace("cpu=N(5)", "cpu=N")])
def test_what_is_no_count_is_not_taken_for_one(text: str) -> None:
    with pytest.raises(FormatError):
        counts_shown(text)


# Comparing


@pytest.mark.parametrize(
    ("booked", "counted", "gap"),
    [
        (3_000, 50, 0),
        (3_059, 50, 0),
        (3_119, 50, 0),
        (3_120, 50, 2),
        (3_000, 0, 50),
        (0, 50, -50),
        (0, 1, 0),
        (9_000, 0, 100),
    ],
)
def test_booked_and_counted_differ_beyond_what_rounding_makes_and_by_no_more_than_the_limit(
    booked: int, counted: int, gap: int
) -> None:
    found = compare([award(booked_accelerator_seconds=booked)], {NAME: Count(counted, 0, 0)}, SETTINGS, has_gpus=True)
    assert found.get(KEY, Gap()).accelerator_minutes == gap
    assert short_of(found) == ({KEY: Gap(gap)} if gap > 0 else {})


def test_only_what_is_limited_counted_and_told_is_compared() -> None:
    wanted = award(booked_core_seconds=90_000)
    assert compare([wanted], {}, SETTINGS, has_gpus=True) == {}
    assert compare([wanted], {NAME: Count(50, 0, 0)}, SETTINGS, has_gpus=True) == {}, "no core-hours were awarded"
    assert compare([wanted], {NAME: Count(None, 0, 0)}, SETTINGS, has_gpus=False) == {}
    old = award(booked_accelerator_seconds=None, booked_core_seconds=None)
    assert compare([old], {NAME: Count(0, 0, 0)}, SETTINGS, has_gpus=True) == {}
    cores = award(core_seconds_limit=60_000, booked_core_seconds=30_000)
    assert compare([cores], {NAME: Count(50, 300, 1)}, SETTINGS, has_gpus=True) == {KEY: Gap(0, 200, idle=False)}


def standing(state: AccountState, minutes: int | None, cores: int | None = None) -> Tree:
    return Tree(
        parents={"root": "", "fabriek": "root", "fabriek-science": "fabriek", "vision": "fabriek-science"},
        shares={"fabriek-science": 300},
        limits={NAME: Limits(minutes, cores, state.active, FLAGS, gpus_only=cores is None)},
        described={NAME: "vision gpu"},
    )


@pytest.mark.parametrize(
    ("changed", "gap", "words"),
    [
        ({}, Gap(50), "GrpTRESMins=cpu=-1,gres/gpu=50"),
        ({}, Gap(100), "GrpTRESMins=cpu=-1,gres/gpu=0"),
        ({"core_seconds_limit": 60_000}, Gap(0, 1_000), "GrpTRESMins=cpu=0,gres/gpu=100"),
        ({"accelerator_seconds_limit": 0, "core_seconds_limit": 60_000}, Gap(0, 1), "GrpTRESMins=cpu=999,gres/gpu=0"),
    ],
)
def test_a_limit_is_lowered_by_what_slurm_lacks_and_what_is_not_limited_stays_so(
    changed: dict[str, int], gap: Gap, words: str
) -> None:
    wanted, short = award(**changed), {KEY: gap}
    (step,) = steps([wanted], standing(wanted, 1, 1), SETTINGS, short)[0]
    assert words in step.words
    assert "which is less than was awarded" in step.why
    minutes = dict(pair.split("=") for pair in words.removeprefix("GrpTRESMins=").split(","))
    cores = None if minutes["cpu"] == "-1" else int(minutes["cpu"])
    tree = standing(wanted, int(minutes["gres/gpu"]), cores)
    assert steps([wanted], tree, SETTINGS, short) == ([], {}), "it is done once"
    (there,) = enforced(tree, SETTINGS, {KEY: wanted})
    assert difference([wanted], [as_awarded(there, short)]) == [], "and is what was awarded"
    assert difference([as_limited(wanted, short)], [there]) == [], "and nobody's change by hand"


def test_what_has_no_limit_has_none_whatever_was_forgotten() -> None:
    (there,) = enforced(standing(award(), None), SETTINGS, {KEY: award()})
    assert as_awarded(there, {KEY: Gap(50)}).accelerator_seconds_limit == UNLIMITED


# The engine


class Slurm:
    """A cluster with one award of 100 GPU-minutes: sacctmgr changes its QOS, slurmctld counts."""

    def __init__(self) -> None:
        self.minutes, self.counted, self.running, self.factor = "100", 50, 0, "1.000000"
        self.silent, self.asked, self.written = False, 0, list[str]()

    def run(
        self, words: Sequence[str], environment: dict[str, str], stdin: str, timeout: float, *_where: object
    ) -> tuple[int, bytes, str]:
        said = " ".join(words)
        columns = words[-1].removeprefix("format=").split(",")
        rows: list[dict[str, str]] = []
        if "assoc_mgr" in words:
            self.asked += 1
            if self.silent:
                return 1, b"", "slurm_load_assoc_mgr_info error: Unable to contact slurm controller"
            return 0, shown(f"gres/gpu=100({self.counted}),", running=self.running).encode(), ""
        if "config" in words:
            text = "ClusterName = alpha\nAccountingStorageTRES = gres/gpu\nPriorityType = priority/multifactor\n"
            return 0, f"{text}AccountingStorageEnforce = associations,limits,qos,safe\n".encode(), ""
        if "partition" in words:
            return 0, b"PartitionName=gpu AllowQos=ALL\n", ""
        if "modify" in words:
            self.written.append(said)
            self.minutes = said.partition("gres/gpu=")[2].split(" ")[0]
            self.factor = "1.000000"
            return 0, b"", ""
        if "qos" in words:
            limits = {
                "GrpTRESMins": f"gres/gpu={self.minutes}",
                "Flags": "DenyOnLimit,NoDecay",
                "MinTRESPerJob": "gres/gpu=1",
            }
            rows = [{"Name": NAME, "Descr": "vision gpu", "UsageFactor": self.factor, **limits}]
        elif "associations" in words and "WOPInfo" not in words:
            above = {"vision": "fabriek-science", "fabriek-science": "fabriek", "fabriek": "root", "root": ""}
            rows = [{"Account": name, "ParentName": parent, "Fairshare": "300"} for name, parent in above.items()]
        lines = ("|".join(row.get(column, "") for column in columns) for row in rows)
        return 0, "".join(f"{line}\n" for line in lines).encode(), ""


class Site:
    """An agent's engine on that cluster, and a clock."""

    def __init__(self, folder: Path) -> None:
        self.slurm, self.now = Slurm(), 0.0
        commands = Commands(SETTINGS, self.slurm)
        self.engine = SlurmEngine(folder, "alpha", SETTINGS, commands)
        self.engine._counts = Counts(commands, SETTINGS, lambda: self.now)

    def round(self, state: AccountState, *, later: float = READ_EVERY) -> int:
        """As a round of an agent: how many commands it took."""
        self.now += later
        before = len(self.slurm.written)
        self.engine.note_booked([state])
        if difference([state], self.engine.enforced()):
            assert self.engine.provision([state]) == {}
            self.engine.tick()
            assert difference([state], self.engine.enforced()) == []
        self.engine.tick()
        return len(self.slurm.written) - before


@pytest.fixture
def site(tmp_path: Path) -> Site:
    made = Site(tmp_path)
    assert made.round(award()) == 0
    assert made.engine.provision([award()]) == {}
    return made


def test_what_a_count_lacks_is_taken_from_the_limit_once_and_given_back_when_it_is_there_again(site: Site) -> None:
    site.slurm.counted = 10
    assert site.round(award()) == 1
    assert (site.slurm.minutes, site.engine.drift()) == ("60", [])
    assert site.round(award()) == 0
    (note,) = site.engine.notes()
    assert "40 GPU-minutes of vision on gpu" in note
    site.slurm.counted = 20
    assert site.round(award(booked_accelerator_seconds=3_600)) == 0, "what ran meanwhile is in both"
    topped_up = award(booked_accelerator_seconds=3_600, accelerator_seconds_limit=12_000)
    assert site.round(topped_up) == 1
    assert site.slurm.minutes == "160"
    site.slurm.counted = 60
    assert site.round(topped_up) == 1
    assert (site.slurm.minutes, site.engine.notes(), site.engine.drift()) == ("200", [], [])


def test_jobs_under_way_which_are_counted_and_not_booked_change_nothing(site: Site) -> None:
    site.slurm.counted, site.slurm.running = 90, 3
    assert site.round(award(), later=STOOD) == 0
    assert site.round(award(), later=STOOD) == 0
    assert (site.slurm.minutes, site.engine.notes()) == ("100", [])


def test_what_is_counted_and_never_booked_is_told_after_an_hour_with_what_to_say(site: Site) -> None:
    site.slurm.counted = 70
    site.round(award())
    assert site.engine.notes() == [], "it may be booked yet"
    site.round(award(), later=STOOD)
    (note,) = site.engine.notes()
    assert f"20 GPU-minutes of vision on gpu (QOS {NAME})" in note
    site.slurm.counted = 0
    assert site.round(award()) == 1, "as the note says: RawUsage=0"
    assert site.slurm.minutes == "50"


def test_what_was_mended_is_told_for_a_day(site: Site) -> None:
    site.slurm.counted = 10
    site.round(award())
    site.round(award(), later=TOLD_FOR - READ_EVERY)
    assert len(site.engine.notes()) == 1
    assert site.round(award()) == 0
    assert (site.engine.notes(), site.slurm.minutes) == ([], "60"), "it stays mended"


def test_without_an_answer_limits_stay_as_they_are_and_it_is_told(site: Site) -> None:
    site.slurm.counted = 10
    site.round(award())
    site.slurm.silent = True
    assert site.round(award(booked_accelerator_seconds=5_400)) == 0
    assert (site.slurm.minutes, site.engine.drift()) == ("60", [])
    assert any("can't be compared" in note for note in site.engine.notes())


def test_it_is_asked_once_a_minute_and_not_at_all_where_nothing_is_told(site: Site) -> None:
    asked = site.slurm.asked
    for _round in range(30):
        site.round(award(), later=2.0)
    assert site.slurm.asked == asked + 1
    old = award(booked_accelerator_seconds=None, booked_core_seconds=None)
    site.round(old)
    assert site.slurm.asked == asked + 1


def test_a_usage_factor_is_a_change_by_hand_and_told(site: Site) -> None:
    site.slurm.factor = "0.500000"
    site.engine.tick()
    assert {(found.what, found.enforced) for found in site.engine.drift()} == {
        ("accelerator-seconds", str(UNLIMITED)),
        ("core-seconds", str(UNLIMITED)),
    }
    (note,) = site.engine.notes()
    assert "counts 0.5 of what vision uses on gpu (UsageFactor of its QOS)" in note
    assert f"modify qos {NAME} set UsageFactor=1" in note
    assert site.round(award()) == 1
    assert "UsageFactor=1" in site.slurm.written[-1]
    assert (site.engine.drift(), site.engine.notes()) == ([], [])
