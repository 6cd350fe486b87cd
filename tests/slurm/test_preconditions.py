"""What a real slurmctld that doesn't hold people to awards is told of, each time with what to write."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.slurm.sites import Site

from fabriek.compute.engine import SubmitRefused
from fabriek.compute.slurm.accounts import qos_name
from fabriek.compute.slurm.preconditions import WrongCluster
from fabriek.demo.slurm import Bed

Change = Callable[[dict[str, str]], None]


@pytest.fixture
def site(bed: Bed, job_user: str, folder: Path) -> Site:
    return Site(bed, "alpha", job_user, folder)


@pytest.fixture
def changed(bed: Bed) -> Iterator[Change]:
    """Starts alpha's slurmctld with other words in its slurm.conf, and afterwards as it was."""
    conf = Path(bed.env("alpha")["SLURM_CONF"])
    before = conf.read_text()

    def restart(words: dict[str, str]) -> None:
        text = before
        for old, new in words.items():
            assert old in text
            text = text.replace(old, new)
        conf.write_text(text)
        bed.stop("slurmctld-alpha")
        bed.start("slurmctld-alpha")

    yield restart
    restart({})
    bed.wait_until_idle()


def test_a_site_as_the_reference_describes_it_has_nothing_wrong(site: Site) -> None:
    assert site.engine.provision([site.award("well"), site.award("well", partition="cpu")]) == {}
    assert site.engine.notes() == []


def test_what_is_wrong_with_a_slurmctld_is_told(site: Site, changed: Change) -> None:
    state = site.made("told")
    qos = qos_name(site.settings, state.account, "gpu")
    capped, partition = f"{site.root}capped", "PartitionName=gpu "
    site.bed.run("alpha", "sacctmgr", "-i", "add", "account", f"{site.root}other", "cluster=alpha")
    site.bed.run("alpha", "sacctmgr", "-i", "add", "qos", capped, "set", "GrpTRESMins=gres/gpu=1000000")
    changed(
        {
            "associations,limits,qos,safe": "safe",
            "PriorityDecayHalfLife=7-0": "PriorityDecayHalfLife=0\nPriorityUsageResetPeriod=MONTHLY",
            partition: f"{partition}AllowQos=normal AllowAccounts={site.root}other QOS={capped} ",
        }
    )
    assert_told(
        notes(site),
        "AccountingStorageEnforce of alpha is associations,limits,safe and lacks qos",
        "PriorityUsageResetPeriod=MONTHLY",
        "Partition gpu lets in AllowQos=normal only",
        f"Partition gpu does not let in {state.account}",
        f"sacctmgr modify qos {capped} set",
    )
    changed(
        {
            "priority/multifactor": "priority/basic",
            "AccountingStorageTRES=": "#",
            partition: f"{partition}DenyQos={qos} DenyAccounts={state.account} ",
        }
    )
    wrong = ("PriorityType=priority/basic", "neither limited nor metered", "out of DenyQos", "DenyAccounts")
    assert_told(notes(site), *wrong)
    refused = site.new_engine().provision([state, site.award("absent", partition="nosuch")])
    assert all("counts no GPUs" in why for why in refused.values())


def test_whether_an_account_brings_those_below_it_is_told_as_slurm_has_it(site: Site, changed: Change) -> None:
    state = site.made("below")
    changed({"PartitionName=gpu ": f"EnforcePartLimits=ALL\nPartitionName=gpu AllowAccounts={site.root} "})
    try:
        site.engine.cancel(site.engine.submit(site.order(state)))
        let_in = True
    except SubmitRefused:
        let_in = False
    said = notes(site)
    assert any("Partition gpu does not let in" in sentence for sentence in said) != let_in


def test_awards_on_a_partition_that_is_not_there_are_told(site: Site) -> None:
    state = site.made("absent", partition="nosuch")
    (sentence,) = site.engine.notes()
    assert "There is no partition nosuch" in sentence
    assert state.account in sentence


def test_another_clusters_slurm_conf_is_refused(site: Site) -> None:
    site.settings = site.settings.model_copy(update={"cluster": "beta"})
    engine = site.new_engine()
    before = site.bed.run("alpha", "sacctmgr", "-nP", "show", "assoc", "format=cluster,account,user")
    with pytest.raises(WrongCluster, match="speak to the cluster alpha"):
        engine.provision([site.award("astray")])
    assert site.bed.run("alpha", "sacctmgr", "-nP", "show", "assoc", "format=cluster,account,user") == before


def assert_told(said: list[str], *wrong: str) -> None:
    """Each of these, and nothing else."""
    assert len(said) == len(wrong), said
    for words in wrong:
        assert any(words in sentence for sentence in said), (words, said)


def notes(site: Site) -> list[str]:
    """As after a restart of the agent."""
    engine = site.new_engine()
    found = engine.notes()
    engine.close()
    return found
