"""The machines of the demonstration AI Factory: what they are in the register, and what schedules them.

Invented, to show what the platform does. On the embedded engine there is one. On real Slurm there are two, at two
sites, each a cluster of its own; `bed_clusters` says how many of their nodes really run on this machine.
"""

from __future__ import annotations

from dataclasses import dataclass

from fabriek.demo.slurm import Cluster as BedCluster
from fabriek.demo.slurm import Partition as BedPartition


@dataclass(frozen=True)
class Part:
    """A partition of the register, and its name in the scheduler. `running`: how many nodes this machine plays."""

    name: str
    nodes: int
    gpus: int
    cores: int
    model: str = ""
    gpu_type: str = ""
    running: int = 0

    @property
    def kind(self) -> str:
        """As the register calls it."""
        return "gpu" if self.gpus else "cpu"


@dataclass(frozen=True)
class Machine:
    """A system at a site, with its cluster."""

    system: str
    name: str
    site: str
    site_name: str
    city: str
    latitude: float
    longitude: float
    cluster: str
    engine: str
    scheduler: str
    notes: str
    parts: tuple[Part, ...]


EMBEDDED = (
    Machine(
        system="molen",
        name="Molen (demo)",
        site="demo-utrecht",
        site_name="Demonstration site",
        city="Utrecht",
        latitude=52.09,
        longitude=5.12,
        cluster="molen",
        engine="local",
        scheduler="embedded engine",
        notes="",
        parts=(Part("gpu", nodes=256, gpus=4, cores=64, model="declared slot (no hardware)"),),
    ),
)

_NOTES = (
    "Invented. Its Slurm is real; {running} of its nodes run, as processes of one machine. Its GPUs are no hardware."
)
ON_SLURM = (
    Machine(
        system="molen",
        name="Molen (demo)",
        site="demo-utrecht",
        site_name="Demonstration site",
        city="Utrecht",
        latitude=52.09,
        longitude=5.12,
        cluster="alpha",
        engine="slurm",
        scheduler="Slurm",
        notes=_NOTES.format(running=3),
        parts=(
            Part("gpu", nodes=256, gpus=4, cores=64, model="H100 (no hardware)", gpu_type="h100", running=2),
            Part("cpu", nodes=64, gpus=0, cores=128, running=1),
        ),
    ),
    Machine(
        system="getij",
        name="Getij (demo)",
        site="demo-vlissingen",
        site_name="Demonstration site by the sea",
        city="Vlissingen",
        latitude=51.45,
        longitude=3.57,
        cluster="beta",
        engine="slurm",
        scheduler="Slurm",
        notes=_NOTES.format(running=2),
        parts=(Part("gpu", nodes=128, gpus=4, cores=64, model="A100 (no hardware)", gpu_type="a100", running=2),),
    ),
)


def bed_clusters(machines: tuple[Machine, ...] = ON_SLURM) -> tuple[BedCluster, ...]:
    """The Slurm clusters that play these machines: nodes of the same make, fewer of them."""
    return tuple(
        BedCluster(
            machine.cluster,
            tuple(
                BedPartition(
                    part.name,
                    nodes=part.running,
                    cores=part.cores,
                    gpus=part.gpus,
                    gpu_type=part.gpu_type,
                    memory_mb=2_048 * part.cores,
                )
                for part in machine.parts
            ),
        )
        for machine in machines
    )
