"""What the simulator prints as Slurm's settings is what Slurm takes and then says of itself."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path

import pytest
from tests.slurm.replay import configure, values

from fabriek.demo.slurm import Bed, Cluster, Partition
from fabriek.simulation.emitting import slurm_settings
from fabriek.simulation.policy import EASY, FairShare, Held, Limit, Machine, Over, Policy, Pool, Weights

MACHINE = Machine((Pool("cpu", 16),))
POLICY = Policy(
    weights=Weights(
        age=1_000,
        fair_share=2.5,
        partition=10,
        qos=20,
        half_life=3 * 86_400,
        most_age=90_000,
        period=120,
        algorithm=FairShare.CLASSIC,
        damping=2,
        small_first=True,
        shares={"physics": 2.0},
        parents={"optics": "physics"},
        partition_factors={"cpu": 3.0},
        qos_factors={"urgent": 2.0, "debug": 1.0},
    ),
    limits=(
        Limit(Over.USER, jobs=100),
        Limit(Over.ACCOUNT, "physics", processors=12),
        Limit(Over.KLASS, "startup", jobs=7),
        Limit(Over.QOS, "debug", processors=4, processor_minutes=100_000),
    ),
    held=(
        Held(4, "startup", partition="cpu"),
        Held(2, "academia", 7_200, 14_400, "cpu"),
        Held(16, None, 604_800, 633_600, "cpu"),
    ),
    preempt={"urgent": 1},
)
NODES = Machine((Pool("", 2),), 4)
ON_NODES = replace(EASY, held=(Held(1, "startup"), Held(2, None, 700_000, 720_000)))


AS_TOLD = {"OverTimeLimit": "0 min", "PriorityCalcPeriod": "00:02:00", "PriorityFavorSmall": "Yes"}
"""Where Slurm says what it was told in other words."""


def reservations(bed: Bed) -> dict[str, dict[str, str]]:
    """What Slurm says of each, by name."""
    told = bed.run("gamma", "scontrol", "-o", "show", "reservation").splitlines()
    found = [values(line.split()) for line in told if line.startswith("ReservationName=")]
    return {one["ReservationName"]: one for one in found}


@pytest.mark.slow
def test_slurm_takes_all_of_it(new_folder: Path) -> None:
    settings = slurm_settings(MACHINE, POLICY)
    asked = values(settings.conf)
    with Bed(new_folder, [Cluster("gamma", (Partition("cpu", nodes=2, cores=8),))]) as bed:
        configure(bed, "gamma", settings.conf)
        now = values(bed.run("gamma", "scontrol", "show", "config").splitlines())
        # 22.05 says Yes, later ones yes.
        told = {name: now[name].casefold() for name in asked}
        assert told == {name: value.casefold() for name, value in (asked | AS_TOLD).items()}

        for line in settings.commands:
            bed.run("gamma", *shlex.split(line))
        shown = ("sacctmgr", "-nP", "show")
        columns = "format=name,priority,preempt,grptres,grptresmins,maxjobspu,flags"
        assert set(bed.run("gamma", *shown, "qos", columns).splitlines()) == {
            "normal|0||||100|",
            "urgent|10000|debug,normal|||100|",
            "debug|5000||cpu=4|cpu=100000|100|NoDecay",
        }
        columns = "format=account,share,parentname,grptres,grpjobs"
        assert set(bed.run("gamma", *shown, "assoc", "user=", columns).splitlines()) >= {
            "academia|parent|root||",
            "physics|2|root|cpu=12|",
            "optics|1|physics||",
            "startup|parent|root||7",
        }
        made = reservations(bed)
        kinds = {name: (one["CoreCnt"], one["Accounts"], one["Duration"]) for name, one in made.items()}
        assert kinds == {
            "floor_1_startup": ("4", "startup", "365-00:00:00"),
            "advance_2_academia": ("2", "academia", "02:00:00"),
            "maintenance_3": ("16", "(null)", "08:00:00"),
        }

        for name in made:
            bed.run("gamma", "scontrol", "delete", f"ReservationName={name}")
        for line in slurm_settings(NODES, ON_NODES).reservations:
            bed.run("gamma", *shlex.split(line))
        assert {name: one["NodeCnt"] for name, one in reservations(bed).items()} == {
            "floor_1_startup": "1",
            "maintenance_2": "2",
        }
