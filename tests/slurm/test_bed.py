"""The clusters that everything of Slurm is tested on: they come up, run and account, survive, and leave nothing."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest
from tests.slurm.sites import PATIENCE

import fabriek
from fabriek.compute.slurm.rest_jobs import VERSIONS
from fabriek.demo.slurm import Bed, BedError, Cluster, NotInstalled, Partition, packages

SMALL = (Cluster("gamma", (Partition("gpu", nodes=1, gpus=2), Partition("cpu", nodes=1))),)
AGAIN = ["munged", "mariadb", "slurmdbd", "slurmctld-alpha", "slurmd-an1", "slurmd-bn2"]


def until(ready: Callable[[], object], patience: float = PATIENCE) -> None:
    """Waits for what Slurm does in its own time."""
    end = time.monotonic() + patience
    while not ready():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.1)


def let_in(bed: Bed, cluster: str, user: str, account: str, *more: str) -> None:
    """An account that the user may run jobs on."""
    bed.run(cluster, "sacctmgr", "-iQ", "add", "account", account, f"cluster={cluster}", *more)
    bed.run(cluster, "sacctmgr", "-iQ", "add", "user", user, f"account={account}", f"cluster={cluster}")


def submit(bed: Bed, cluster: str, user: str, account: str, script: str, *options: str) -> str:
    """Submits a batch job as somebody, and returns its number."""
    whose = [f"--uid={user}"] if os.geteuid() == 0 else []
    text = f"#!/bin/bash\n{script}\n"
    where = ["--chdir=/tmp", "--output=/dev/null"]
    return bed.run(
        cluster, "sbatch", "--parsable", *whose, *where, f"--account={account}", *options, given=text
    ).strip()


def state(bed: Bed, cluster: str, job: str) -> str:
    """What sacct tells of a job."""
    return bed.run(cluster, "sacct", "-XnP", "-j", job, "--format=state").strip()


def test_two_clusters_offer_gpus_and_cpus(bed: Bed) -> None:
    told = [bed.run(c, "sinfo", "-hN", "-o", "%N %P %T %G %c").splitlines() for c in ("alpha", "beta")]
    assert [line.split() for line in told[0]] == [
        ["an1", "gpu*", "idle", "gpu:h100:4", "8"],
        ["an2", "gpu*", "idle", "gpu:h100:4", "8"],
        ["an3", "cpu", "idle", "(null)", "16"],
    ]
    assert [line.split() for line in told[1]] == [
        ["bn1", "gpu*", "idle", "gpu:a100:2", "8"],
        ["bn2", "gpu*", "idle", "gpu:a100:2", "8"],
    ]


def test_a_job_gets_its_gpus_and_sacct_tells_it(bed: Bed, job_user: str) -> None:
    let_in(bed, "alpha", job_user, "seen")
    output = Path("/tmp") / f"{bed.folder.name}.out"
    job = submit(
        bed, "alpha", job_user, "seen", "id -un; echo gpus=$CUDA_VISIBLE_DEVICES; srun hostname",
        "--gres=gpu:2", "--time=1", f"--output={output}",
    )  # fmt: skip
    until(lambda: state(bed, "alpha", job) == "COMPLETED")
    lines = output.read_text().split()
    output.unlink()
    assert lines[0] == job_user
    devices = lines[1].removeprefix("gpus=").split(",")
    assert len(devices) == 2
    assert set(devices) <= {"0", "1", "2", "3"}
    tres = bed.run("alpha", "sacct", "-XnP", "-j", job, "--format=alloctres").strip().split(",")
    assert {"gres/gpu=2", "gres/gpu:h100=2"} <= set(tres)


def test_a_job_beyond_the_budget_is_held(bed: Bed, job_user: str) -> None:
    let_in(bed, "beta", job_user, "poor", "GrpTRESMins=gres/gpu=3")
    job = submit(bed, "beta", job_user, "poor", "true", "--gres=gpu:2", "--time=2")
    told = ["squeue", "-h", "-j", job, "-o", "%T %r"]
    until(lambda: bed.run("beta", *told).split() == ["PENDING", "AssocGrpGRESMinutes"])
    bed.run("beta", "sacctmgr", "-iQ", "modify", "account", "poor", "cluster=beta", "set", "GrpTRESMins=gres/gpu=4")
    until(lambda: state(bed, "beta", job) == "COMPLETED")


@pytest.mark.parametrize("daemon", AGAIN)
def test_a_killed_daemon_starts_again_and_jobs_run(bed: Bed, job_user: str, daemon: str) -> None:
    before = bed.pids[daemon]
    bed.kill(daemon)
    assert daemon not in bed.pids
    assert not Path(f"/proc/{before}").exists()
    bed.start(daemon)
    assert bed.pids[daemon] != before
    let_in(bed, "alpha", job_user, f"after-{daemon}")
    job = submit(bed, "alpha", job_user, f"after-{daemon}", "true", "--nodes=2", "--gres=gpu:1")
    until(lambda: state(bed, "alpha", job) == "COMPLETED")


def test_sreport_adds_up_after_a_roll_up(bed: Bed, job_user: str) -> None:
    let_in(bed, "alpha", job_user, "added-up")
    # All of it within one hour, which is what is looked at.
    until(lambda: time.time() % 3_600 < 3_480)
    job = submit(bed, "alpha", job_user, "added-up", "sleep 2", "--gres=gpu:3")
    until(lambda: state(bed, "alpha", job) == "COMPLETED")
    seconds = int(bed.run("alpha", "sacct", "-XnP", "-j", job, "--format=elapsedraw"))
    started = bed.run("alpha", "sacct", "-XnP", "-j", job, "--format=start").strip()
    bed.roll_up()
    # The hour at hand, by itself: of longer times sreport shows what slurmdbd has rolled up by itself.
    hour = datetime.fromisoformat(started).replace(minute=0, second=0)
    report = bed.run(
        "alpha", "sreport", "-nP", "-t", "Seconds", "-T", "gres/gpu", "cluster", "AccountUtilizationByUser",
        "accounts=added-up", f"users={job_user}", "clusters=alpha",
        f"start={hour.isoformat()}", f"end={(hour + timedelta(hours=1)).isoformat()}",
    )  # fmt: skip
    assert [line.split("|")[-1] for line in report.splitlines()] == [str(3 * seconds)]


def test_down_leaves_no_process_behind_and_the_folder_keeps_its_data(new_folder: Path, job_user: str) -> None:
    bed = Bed(new_folder, SMALL, rest=True).up()
    try:
        with httpx.Client(transport=httpx.HTTPTransport(uds=str(bed.rest_socket("gamma")))) as client:
            versions = (client.get(f"http://slurm/slurm/{version}/ping") for version in VERSIONS)
            pings = next(ping for ping in versions if ping.status_code == 200)
        token = bed.run("gamma", "scontrol", "token", "lifespan=60").strip().removeprefix("SLURM_JWT=")
        headers = {"X-SLURM-USER-NAME": pwd.getpwuid(os.geteuid()).pw_name, "X-SLURM-USER-TOKEN": token}
        jobs = httpx.get(bed.rest_url("gamma") + pings.url.path.replace("ping", "jobs"), headers=headers)
        let_in(bed, "gamma", job_user, "stubborn")
        # Hears no SIGTERM, and leaves something in a session of its own.
        script = "trap '' TERM; setsid sleep 300 & while true; do sleep 1; done"
        job = submit(bed, "gamma", job_user, "stubborn", script, "--partition=cpu")
        until(lambda: state(bed, "gamma", job) == "RUNNING")
        until(lambda: any("sleep 300" in command for command in bed.leftovers().values()))
        seen = bed.leftovers()
    finally:
        killed = bed.down()
    # Told in three ways: 22.05, 24.11, 26.05.
    (ping,) = pings.json()["pings"]
    assert "UP" in (ping.get("ping"), ping.get("pinged")) or ping["responding"] is True, ping
    assert jobs.status_code == 200
    assert killed == []
    assert set(bed.daemons) <= set(seen.values())
    assert [pid for pid in seen if _is_alive(pid)] == []
    assert _naming(new_folder) == []
    with Bed(new_folder, SMALL) as again:
        told = again.run("gamma", "sacct", "-XnP", "-a", "--format=jobid,state").split()
        assert told[:1] == [f"{job}|CANCELLED"]


def test_all_ends_with_the_program_that_started_it_even_when_that_is_killed(new_folder: Path) -> None:
    program = (
        "import sys, time; from fabriek.demo.slurm import *; "
        "bed = Bed(sys.argv[1], (Cluster('gamma', (Partition('cpu', nodes=1),)),)).up(); "
        "print(*bed.pids.values(), flush=True); time.sleep(600)"
    )
    starter = subprocess.Popen([sys.executable, "-c", program, str(new_folder)], stdout=subprocess.PIPE, text=True)
    assert starter.stdout is not None
    pids = [int(pid) for pid in starter.stdout.readline().split()]
    starter.send_signal(signal.SIGKILL)
    starter.wait()
    assert len(pids) == 5
    until(lambda: not any(_is_alive(pid) for pid in pids))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_an_ordinary_user_brings_one_up_with_nothing_but_python(new_folder: Path) -> None:
    """Debian's own Python, and of Fabriek this room alone: it needs no package."""
    source = Path(fabriek.__file__).parent
    room = new_folder / "src" / "fabriek"
    shutil.copytree(source / "demo" / "slurm", room / "demo" / "slurm")
    for name in ("__init__.py", "demo/__init__.py"):
        shutil.copy(source / name, room / name)
    (new_folder / "bed").mkdir()
    shutil.chown(new_folder / "bed", "daemon", "daemon")
    new_folder.chmod(0o755)
    program = (
        "import os, sys; from fabriek.demo.slurm import *; "
        "bed = Bed(sys.argv[1], (Cluster('gamma', (Partition('cpu', nodes=1),)),)).up(); "
        "bed.run('gamma', 'sacctmgr', '-iQ', 'add', 'account', 'mine'); "
        "bed.run('gamma', 'sacctmgr', '-iQ', 'add', 'user', 'daemon', 'account=mine'); "
        "bed.run('gamma', 'srun', '-A', 'mine', 'true'); bed.down(); print(bed.leftovers())"
    )
    done = subprocess.run(
        ["/usr/bin/python3", "-c", program, str(new_folder / "bed")],
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(new_folder / "src"), "PYTHONDONTWRITEBYTECODE": "1"},
        user="daemon", group="daemon", extra_groups=[], cwd="/", capture_output=True, text=True, timeout=600,
    )  # fmt: skip
    assert (done.returncode, done.stdout.strip()) == (0, "{}"), done.stderr


def test_what_lacks_is_told_with_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NotInstalled, match=r"slurm-client.* install: apt-get install .*slurm-client"):
        Bed(tmp_path / "bed").up()
    assert "slurm-client" in packages.missing()
    assert not (tmp_path / "bed").exists()


def test_a_folder_whose_sockets_would_have_too_long_names_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BedError, match="too long"):
        Bed(tmp_path / ("deep" * 30))


def test_clusters_whose_nodes_would_have_the_same_names_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BedError, match="different letters"):
        Bed("/tmp/b", (Cluster("alpha"), Cluster("aurora")))
    with pytest.raises(BedError, match="small letters"):
        Bed("/tmp/b", (Cluster("alpha; drop table"),))


def test_a_daemon_that_can_t_start_says_why(bed: Bed) -> None:
    with pytest.raises(BedError, match="runs already"):
        bed.start("slurmdbd")
    with pytest.raises(BedError, match="There is no slurmd-xn1"):
        bed.start("slurmd-xn1")


def _is_alive(pid: int) -> bool:
    """Whether a process is there and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _naming(folder: Path) -> list[str]:
    """The commands of all processes that name a folder."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = entry.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(folder) in command:
            found.append(command)
    return found
