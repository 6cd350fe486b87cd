"""What a real slurmctld has counted is compared with what is booked, and an award ends when the ledger says so."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from tests.slurm.sites import PATIENCE, Site

from fabriek.compute.engine import SubmitRefused, difference
from fabriek.compute.slurm import counts
from fabriek.compute.slurm.accounts import qos_name
from fabriek.compute.slurm.formats import counts_shown
from fabriek.compute.wire import AccountState
from fabriek.demo.slurm import Bed


@pytest.fixture
def site(bed: Bed, job_user: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    monkeypatch.setattr(counts, "READ_EVERY", 0.0)
    monkeypatch.setattr(counts, "READ_EVERY_OF_EACH", 0.0)
    return Site(bed, "alpha", job_user, folder)


def used(site: Site, state: AccountState, seconds: int = 16) -> AccountState:
    """The award once a job of eight GPUs has run for so long and its record came: with what was booked of it."""
    site.ended(site.engine.submit(site.order(state, f"sleep {seconds}", "--gpus=8 -N 2 -t 1")))
    began = time.monotonic()
    while True:
        records, _cursor = site.engine.usage_since("", 100)
        booked = sum(record.accelerator_seconds for record in records if record.account == state.account)
        if booked:
            return state.model_copy(update={"booked_accelerator_seconds": booked, "booked_core_seconds": 0})
        assert time.monotonic() - began < PATIENCE
        time.sleep(0.3)


def counted(site: Site, state: AccountState) -> int | None:
    text = site.bed.run("alpha", "scontrol", "-o", "show", "assoc_mgr", "flags=qos")
    return counts_shown(text)[qos_name(site.settings, state.account, "gpu")].accelerator_minutes


def limit(site: Site, state: AccountState) -> str:
    """GrpTRESMins as it stands in Slurm."""
    name = qos_name(site.settings, state.account, "gpu")
    return site.bed.run("alpha", "sacctmgr", "-nP", "show", "qos", name, "format=GrpTRESMins").strip()


def a_round(site: Site, state: AccountState) -> None:
    site.engine.tick()
    site.engine.note_booked([state])
    if difference([state], site.engine.enforced()):
        assert site.engine.provision([state]) == {}


def test_an_award_whose_count_was_set_back_ends_when_the_ledger_says_so(site: Site) -> None:
    state = used(site, site.made("counts", accelerator_seconds_limit=600))
    minutes = (state.booked_accelerator_seconds or 0) // 60
    assert minutes >= 2
    assert counted(site, state) == minutes
    a_round(site, state)
    assert (limit(site, state), site.engine.notes()) == ("gres/gpu=10", [])

    site.bed.run("alpha", "sacctmgr", "-i", "modify", "qos", qos_name(site.settings, state.account, "gpu"), "set",
                 "RawUsage=0")  # fmt: skip
    assert counted(site, state) == 0
    a_round(site, state)
    assert limit(site, state) == f"gres/gpu={10 - minutes}"
    (note,) = site.engine.notes()
    assert f"{minutes} GPU-minutes of {state.account} on gpu" in note
    for engine in (site.engine, site.new_engine()):
        engine.note_booked([state])
        assert difference([state], engine.enforced()) == []
        assert (engine.plan([state]), engine.drift()) == (([], {}), [])
    with pytest.raises(SubmitRefused, match="QOSGrpGRESMinutes"):
        site.engine.submit(site.order(state, directives=f"--gpus={11 - minutes} -N 2 -t 1"))

    topped_up = state.model_copy(update={"accelerator_seconds_limit": 1_200})
    a_round(site, topped_up)
    assert limit(site, state) == f"gres/gpu={20 - minutes}"
    again = used(site, topped_up, seconds=8)
    a_round(site, again)
    assert limit(site, state) == f"gres/gpu={20 - minutes}", "what runs since is counted and booked alike"
    assert site.ended(site.engine.submit(site.order(again, directives="--gpus=1 -t 1"))).state == "COMPLETED"


def test_a_usage_factor_by_hand_is_found_told_and_changed_back(site: Site) -> None:
    state = site.made("factor").model_copy(update={"booked_accelerator_seconds": 0, "booked_core_seconds": 0})
    name = qos_name(site.settings, state.account, "gpu")
    site.bed.run("alpha", "sacctmgr", "-i", "modify", "qos", name, "set", "UsageFactor=0.5")
    site.engine.tick()
    site.engine.note_booked([state])
    assert {found.what for found in site.engine.drift()} == {"accelerator-seconds", "core-seconds"}
    assert any(f"modify qos {name} set UsageFactor=1" in note for note in site.engine.notes())
    a_round(site, state)
    assert (site.engine.drift(), site.engine.notes()) == ([], [])
    assert difference([state], site.engine.enforced()) == []


def test_a_job_that_runs_is_counted_as_it_does_and_moves_no_limit(site: Site) -> None:
    state = site.made("runs", accelerator_seconds_limit=6_000)
    state = state.model_copy(update={"booked_accelerator_seconds": 0, "booked_core_seconds": 0})
    number = site.engine.submit(site.order(state, "sleep 100", "--gpus=8 -N 2 -t 3"))
    site.until(number, lambda report: report.state == "RUNNING")
    text = site.bed.run("alpha", "scontrol", "-o", "show", "assoc_mgr", "flags=qos")
    assert counts_shown(text)[qos_name(site.settings, state.account, "gpu")].running == 1
    a_round(site, state)
    assert limit(site, state) == "gres/gpu=100"
    site.engine.cancel(number)
    site.ended(number)
    a_round(site, state)
    assert (limit(site, state), site.engine.notes()) == ("gres/gpu=100", [])
