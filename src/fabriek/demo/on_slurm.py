"""The demonstration on real Slurm: its clusters come up on this machine, each agent is told how to reach its own."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import pwd
import stat
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from rich.console import Console

from fabriek.conf.errors import Refused
from fabriek.demo import moving
from fabriek.demo.machines import ON_SLURM, bed_clusters
from fabriek.demo.slurm import Bed, BedError, NotInstalled, ordinary_user, packages
from fabriek.demo.world import agent_folder

# Sockets in a bed have names below this folder's, of which systems take 107 bytes.
_LONGEST = 60


@contextlib.contextmanager
def clusters(console: Console) -> Iterator[Bed]:
    """Both clusters, from here on until the end, whatever ends it. Installs Debian's packages where they lack, and says
    so. What they accounted for is kept. Errors: Refused."""
    user = job_user()
    try:
        packages.install(lambda line: console.print(f"[dim]{line}[/dim]", soft_wrap=True))
        bed = Bed(bed_folder(), bed_clusters())
        with console.status("Slurm: munge, MariaDB, slurmdbd and two clusters come up"):
            bed.up()
    except (NotInstalled, BedError) as error:
        raise Refused(str(error)) from error
    try:
        tell_the_agents(bed, user)
        names = " and ".join(cluster.name for cluster in bed.clusters)
        console.print(
            f"Slurm's clusters [bold]{names}[/bold] run in {bed.folder}; jobs run as {user}. To use its commands:\n"
            f"  export SLURM_CONF={bed.env(bed.clusters[0].name)['SLURM_CONF']}",
            soft_wrap=True,
            highlight=False,
        )
        yield bed
    finally:
        with console.status("Slurm: all jobs are cancelled, the clusters go down"):
            bed.down()


def bed_folder() -> Path:
    """Where the clusters live: with the platform's data where that will do, else in /var/tmp under a name of its own.

    It won't do where the name is too long for sockets, or where not everybody may pass, as in a home: munged refuses,
    and another user's job could not come there.
    """
    folder: Path = settings.FABRIEK_FOLDER / "bed"
    if len(str(folder)) <= _LONGEST and _is_open(settings.FABRIEK_FOLDER):
        return folder
    name = hashlib.sha256(str(settings.FABRIEK_FOLDER).encode()).hexdigest()[:12]
    return _own(Path("/var/tmp") / f"fabriek-{os.geteuid()}-{name}")  # noqa: S108 - see _own


def _is_open(folder: Path) -> bool:
    """Whether anybody may pass through a folder and all above it."""
    return all(one.stat().st_mode & stat.S_IXOTH for one in (folder, *folder.parents))


def _own(folder: Path) -> Path:
    """A folder in a place where anybody may make one: ours, and no link. Errors: Refused."""
    folder.mkdir(mode=0o755, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise Refused(f"{folder} belongs to somebody else. Remove it, or choose another FABRIEK_FOLDER")
    return folder


def job_user() -> str:
    """Whose jobs run. As root: who called sudo, else `ordinary_user`; never root. Errors: Refused."""
    called = os.environ.get("SUDO_USER", "") if os.geteuid() == 0 else ""
    with contextlib.suppress(KeyError):
        if called and pwd.getpwnam(called).pw_uid != 0:
            return called
    try:
        return ordinary_user()
    except BedError as error:
        raise Refused(f"{error}. Start this as an ordinary user") from error


def tell_the_agents(bed: Bed, user: str) -> None:
    """Write each agent's slurm.toml: how its cluster is reached, and that everybody's jobs run as this user; and how
    data moves between the sites."""
    jobs = bed.folder / "jobs"
    jobs.mkdir(exist_ok=True)
    # As /tmp: everybody makes folders there, nobody removes another's.
    jobs.chmod(0o1777)
    become = "runuser" if os.geteuid() == 0 else "self"
    for machine in ON_SLURM:
        environment = ", ".join(f"{name} = {json.dumps(value)}" for name, value in bed.env(machine.cluster).items())
        lines = [
            f"cluster = {json.dumps(machine.cluster)}",
            f"default_user = {json.dumps(user)}",
            "[commands]",
            f"environment = {{ {environment} }}",
            "[jobs]",
            f"folder = {json.dumps(str(jobs / machine.cluster))}",
            f"become = {json.dumps(become)}",
        ]
        (jobs / machine.cluster).mkdir(exist_ok=True)
        (jobs / machine.cluster).chmod(0o1777)
        (agent_folder(machine) / "slurm.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    moving.write_settings(bed.folder / "projects", ON_SLURM, user)
