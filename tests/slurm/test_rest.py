"""A site with slurmrestd: jobs go by it, with JWT as their user; what it can't say goes by sbatch."""

from __future__ import annotations

import getpass
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.slurm.conftest import short_folder
from tests.slurm.sites import Site
from tests.slurm.test_bed import until

from fabriek.compute.engine import EngineUnavailable, SubmitRefused
from fabriek.compute.slurm.accounts import qos_name
from fabriek.compute.slurm.controller import ByCommands, Submission
from fabriek.compute.slurm.rest import ByRest
from fabriek.compute.slurm.rest_jobs import options_of
from fabriek.compute.slurm.settings import RestSettings
from fabriek.compute.wire import JobOrder
from fabriek.demo.slurm import Bed, Cluster, Partition


@pytest.fixture(scope="module")
def bed(slurm_installed: None) -> Iterator[Bed]:
    folder = short_folder()
    found = Bed(folder, [Cluster("rho", (Partition("gpu", gpus=4),))], rest=True)
    try:
        yield found.up()
    finally:
        found.down(remove=True)


def with_rest(bed: Bed, user: str, folder: Path, **rest: Any) -> Site:
    site = Site(bed, "rho", user, folder)
    said = {"url": bed.rest_url("rho"), "user": getpass.getuser(), **rest}
    site.settings = site.settings.model_copy(update={"rest": RestSettings.model_validate(said)})
    site.engine = site.new_engine()
    return site


@pytest.fixture
def site(bed: Bed, job_user: str, folder: Path) -> Site:
    return with_rest(bed, job_user, folder)


def no_sbatch(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands but for sbatch, squeue and scancel."""
    run = site.engine._commands.read

    def guarded(words: Any, **more: Any) -> bytes:
        assert words[0] not in ("sbatch", "squeue", "scancel"), words
        return run(words, **more)

    monkeypatch.setattr(site.engine._commands, "read", guarded)


def test_a_job_goes_by_slurmrestd_as_its_user(site, job_user, monkeypatch):
    state = site.made("rest")
    no_sbatch(site, monkeypatch)
    body = "whoami; pwd; sleep 2; echo $SLURM_JOB_NAME $SLURM_NNODES"
    report = site.ended(site.engine.submit(site.order(state, body, "--gpus=1 -t 00:01:30 -J named --output=%x.txt")))
    assert report.state == "COMPLETED"
    assert report.output is not None
    assert report.output.splitlines()[0] == job_user
    assert report.output.splitlines()[2] == "named 1"
    assert report.accelerators == 1


def test_by_its_socket_who_is_oneself_submits_and_others_jobs_are_theirs(bed, job_user, folder, monkeypatch):
    """All that comes by the socket is slurmrestd's user's, whoever the order is of."""
    site = with_rest(bed, job_user, folder, url=f"unix:{bed.rest_socket('rho')}")
    state = site.made("socket")
    if site.engine._commands.is_oneself:
        no_sbatch(site, monkeypatch)
    number = site.engine.submit(site.order(state, "sleep 60"))
    assert f"UserId={job_user}(" in bed.run("rho", "scontrol", "show", "job", number)
    site.until(number, lambda report: report.state == "RUNNING")
    site.engine.cancel(number)
    assert site.ended(number).state == "CANCELLED"


def test_a_job_beyond_the_award_is_refused(site):
    state = site.made("poor", accelerator_seconds_limit=60)
    with pytest.raises(SubmitRefused, match="Job violates accounting/QOS policy"):
        site.engine.submit(site.order(state, directives="--gpus=2 -t 1"))


def test_a_script_that_has_no_translation_goes_by_sbatch(site):
    state = site.made("both")
    number = site.engine.submit(site.order(state, "echo by sbatch", "--gpus=1 -t 1 --nice=5"))
    assert (site.ended(number).output or "").strip() == "by sbatch"


def test_an_array_and_a_lost_answer(site):
    state = site.made("array", accelerator_seconds_limit=6_000)
    order = site.order(state, "echo $SLURM_ARRAY_TASK_ID", "--gpus=1 -t 1 --array=1-2")
    number = site.engine.submit(order)
    with site.engine._store.change() as change:
        change.execute("UPDATE job SET number = NULL WHERE uuid = ?", (order.uuid,))
    assert site.engine.submit(order) == number
    assert site.ended(number).tasks == {"COMPLETED": 2}


SCRIPTS = [
    "--gpus=2 -t 00:03:30 -J 'a name' -o %x-%j.txt -e errors.txt",
    "--gres=gpu:1 -N 1 -n 2 -c 2 -t 5 --mem=100M",
    "--gpus-per-node=2 --ntasks-per-node=2 --mem-per-cpu=1G --time=1:00:00 --requeue",
    "-n 3 -t 2 --mem=1500K",
    "--gpus=1 -t 1 --array=1-3%2",
]
SAME = re.compile(
    r"\b(JobName|Account|QOS|Requeue|TimeLimit|Partition|NumNodes|NumCPUs|NumTasks|CPUs/Task|NtasksPerN\S*|ReqTRES|TRES|"
    r"MinMemory\w+|TresPer\w+|Comment|StdErr|StdOut|ArrayTaskThrottle)=(\S*)"
)


@pytest.mark.parametrize("directives", SCRIPTS)
def test_every_version_that_is_offered_makes_the_job_that_sbatch_makes(bed, job_user, folder, directives):
    """What slurmctld shows of the job is word for word the same, but for its number and folder."""
    site = with_rest(bed, job_user, folder)
    state = site.made("alike", accelerator_seconds_limit=600_000, core_seconds_limit=6_000_000)
    bed.run("rho", "scontrol", "update", "PartitionName=gpu", "State=DOWN")
    try:
        made = {}
        for version in ["sbatch", *by_rest(site).offered()]:
            order = site.order(state, "true", directives)
            number = submit(site, version, order)
            shown = bed.run("rho", "scontrol", "show", "job", "--oneliner", number)
            shown = re.sub(
                rf"(?<!\d){number}(?!\d)", "NUMBER", shown.replace(order.uuid, "UUID").replace(str(folder), "FOLDER")
            )
            made[version] = dict(SAME.findall(shown))
            bed.run("rho", "scancel", number)
    finally:
        bed.run("rho", "scontrol", "update", "PartitionName=gpu", "State=UP")
    assert len(made) > 3
    for version, job in made.items():
        assert job == made["sbatch"], version


# What differs from job to job, and what says from where sbatch was called.
OF_ITS_OWN = {
    "SLURM_TASK_PID", "SLURM_JOB_START_TIME", "SLURM_JOB_END_TIME", "SLURM_JOB_SLUID", "SLURM_SUBMIT_HOST",
    "SLURM_PRIO_PROCESS", "SHLVL",
}  # fmt: skip


@pytest.mark.parametrize("directives", SCRIPTS[:4])
def test_a_script_finds_the_environment_that_sbatch_gives_it(bed, job_user, folder, directives):
    site = with_rest(bed, job_user, folder)
    state = site.made("within", accelerator_seconds_limit=600_000, core_seconds_limit=6_000_000)
    found = {}
    for version in ["sbatch", *by_rest(site).offered()]:
        order = site.order(state, "env > partial; mv partial environment", directives)
        number = submit(site, version, order)
        path = folder / "jobs" / order.uuid / "environment"
        until(path.exists)
        told = dict(line.split("=", 1) for line in path.read_text().splitlines())
        found[version] = {
            name: re.sub(rf"(?<![0-9.]){number}(?![0-9.])", "NUMBER", value.replace(order.uuid, "UUID"))
            if name.startswith("SLURM_JOB")
            else value.replace(order.uuid, "UUID")
            for name, value in told.items()
            if name not in OF_ITS_OWN
        }
    for version, environment in found.items():
        assert environment == found["sbatch"], version


def submit(site: Site, version: str, order: JobOrder) -> str:
    """By sbatch, or by slurmrestd's version."""
    folder = str(site.folder / "jobs" / order.uuid)
    submission = Submission(order, site.user, folder, qos_name(site.settings, order.account, order.partition))
    way = ByCommands(site.engine._commands) if version == "sbatch" else by_rest(site, version)
    return way.submit(submission)


def by_rest(site: Site, version: str | None = None) -> ByRest:
    assert site.settings.rest is not None
    commands = site.engine._commands
    return ByRest(site.settings.rest.model_copy(update={"version": version}), commands)


def test_without_slurmrestd_nothing_is_refused_and_nothing_lost(bed, job_user, folder):
    site = with_rest(bed, job_user, folder, url="http://127.0.0.1:9")
    order = site.order(site.made("away"))
    with pytest.raises(EngineUnavailable):
        site.engine.submit(order)


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("--gpus=2 -t 90", {"gpus": "2", "time_limit": 90}),
        ("-N 2 -n 4 -c 8 --time=1:30", {"nodes": "2", "tasks": 4, "cpus_per_task": 8, "time_limit": 2}),
        ("-J 'a name' -o out.%j --mem=4G", {"name": "a name", "standard_output": "out.%j", "memory_per_node": 4096}),
        ("--account=x --qos=y --requeue", {}),
        ("--constraint=fast", None),
        ("--time=never", None),
        ("-n four", None),
    ],
)
def test_sbatch_lines_are_translated_whole_or_not_at_all(line, found):
    assert options_of(f"#!/bin/sh\n#SBATCH {line}\ntrue\n") == found
