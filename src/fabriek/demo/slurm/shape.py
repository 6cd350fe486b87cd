"""What a bed of clusters looks like: clusters, their partitions, the nodes and accelerators in them."""

from __future__ import annotations

from dataclasses import dataclass, field

_MEMORY_MB = 65_536


@dataclass(frozen=True)
class Partition:
    """Some nodes of a kind under one name. The nodes claim their cores, memory and GPUs: the machine needs none."""

    name: str
    nodes: int = 2
    cores: int = 8
    gpus: int = 0
    gpu_type: str = "h100"
    memory_mb: int = _MEMORY_MB


@dataclass(frozen=True)
class Node:
    """One slurmd. `name` is unique on the bed."""

    name: str
    cores: int
    gpus: int
    gpu_type: str
    memory_mb: int


@dataclass(frozen=True)
class Cluster:
    """One slurmctld and its nodes. The first partition is the default one."""

    name: str
    partitions: tuple[Partition, ...] = field(default=(Partition("gpu", gpus=4),))

    @property
    def partition_nodes(self) -> dict[str, list[Node]]:
        """The nodes of each partition, numbered through the cluster: alpha's are an1, an2, ..."""
        found: dict[str, list[Node]] = {}
        number = 0
        for partition in self.partitions:
            found[partition.name] = []
            for _ in range(partition.nodes):
                number += 1
                found[partition.name].append(
                    Node(
                        f"{self.name[0]}n{number}",
                        partition.cores,
                        partition.gpus,
                        partition.gpu_type,
                        partition.memory_mb,
                    )
                )
        return found

    @property
    def nodes(self) -> list[Node]:
        """All nodes, in order of their numbers."""
        return [node for nodes in self.partition_nodes.values() for node in nodes]

    @property
    def gpu_types(self) -> list[str]:
        """The models of GPU that it has."""
        return sorted({partition.gpu_type for partition in self.partitions if partition.gpus})


TWO_CLUSTERS = (
    Cluster("alpha", (Partition("gpu", nodes=2, cores=8, gpus=4), Partition("cpu", nodes=1, cores=16))),
    Cluster("beta", (Partition("gpu", nodes=2, cores=8, gpus=2, gpu_type="a100"),)),
)
"""What tests and the demonstration start: one cluster with GPUs and a CPU partition, one with other GPUs."""
