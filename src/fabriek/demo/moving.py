"""Data of one project moves between the demonstration's two sites, by their agents, while its jobs run."""

from __future__ import annotations

import os
import pwd
import random
from pathlib import Path

from fabriek.compute.transfers.settings import read_transfers
from fabriek.demo.machines import Machine
from fabriek.demo.world import agent_folder
from fabriek.operations.actions import ask_transfer
from fabriek.operations.models import Cluster, Transfer, TransferState
from fabriek.operations.transfer_lifecycle import ACTIVE
from fabriek.operations.transfer_queries import ways_of
from fabriek.projects.models import Project

NAME = "samples"
FILES, FILE_BYTES = 8, 1024**2
LIMIT_KIB_PER_SECOND = 1_280
"""Between two folders of one disk nothing would be measured: so the line is a slow one, and copying takes some seconds,
the least that counts as a measurement (`operations/speeds.py`)."""
_ABOUT = "Invented for the demonstration: random numbers from a fixed seed, to show how data moves between two sites.\n"


def write_settings(folder: Path, machines: tuple[Machine, ...], user: str) -> None:
    """Each agent's transfers.toml: where projects' files are below `folder`, whose they are, and that each site fetches
    from the others. Needs no sshd: the sites are folders of one machine."""
    for machine in machines:
        own = folder / machine.cluster
        own.mkdir(parents=True, exist_ok=True)
        _give(own, user)
        lines = [f'folder = "{own}"']
        for other in machines:
            if other is not machine:
                lines += [
                    f"[fetch.{other.cluster}]",
                    f'folder = "{folder / other.cluster}"',
                    f"limit_kib_per_second = {LIMIT_KIB_PER_SECOND}",
                ]
        (agent_folder(machine) / "transfers.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")


def move_data(machines: tuple[Machine, ...]) -> None:
    """Once both agents have said what they can do, ask for the samples of one project. Once in a database."""
    codes = {machine.cluster for machine in machines}
    able = Cluster.objects.filter(code__in=codes, transfer_ability__storage=True).count()
    if len(codes) < 2 or able < len(codes) or Transfer.objects.exists():
        return
    for project in Project.objects.filter(is_demo=True, jobs__isnull=False).distinct().order_by("code"):
        for here, there in ways_of(project):
            for machine in machines:
                _lay_out(machine, project, full=machine.cluster == here.code)
            lead = project.members.get(role="lead").person
            ask_transfer(lead, project, from_cluster=here.code, to_cluster=there.code, path=NAME, start_at_once=True)
            return


def is_moving() -> bool:
    """Whether a transfer is under way."""
    return Transfer.objects.filter(state__in=ACTIVE).exists()


def told() -> str:
    """What was moved, in words; '' where nothing was."""
    done = Transfer.objects.filter(state=TransferState.DONE).first()
    if done is None or done.bytes_total is None:
        return ""
    return f"{done.bytes_total / 1e6:.0f} MB copied from {done.from_cluster.code} to {done.to_cluster.code}"


def _lay_out(machine: Machine, project: Project, *, full: bool) -> None:
    """The project's folder at a site; full: with the samples in it."""
    settings = read_transfers(agent_folder(machine) / "transfers.toml")
    if settings is None:
        return
    root = Path(settings.root(project.code))
    owner = root.parent.stat()
    made = [root]
    root.mkdir(mode=0o700, exist_ok=True)
    if full:
        chance = random.Random(1)  # noqa: S311 - data, no secret
        (root / NAME).mkdir(exist_ok=True)
        (root / NAME / "README.txt").write_text(_ABOUT, encoding="utf-8")
        for number in range(FILES):
            (root / NAME / f"part-{number:02d}.bin").write_bytes(chance.randbytes(FILE_BYTES))
        made += [root / NAME, *(root / NAME).iterdir()]
    for path in made:
        os.chown(path, owner.st_uid, owner.st_gid)


def _give(path: Path, user: str) -> None:
    """Make a folder the jobs' user's own; an ordinary user is that already."""
    if os.geteuid() == 0:
        found = pwd.getpwnam(user)
        os.chown(path, found.pw_uid, found.pw_gid)
