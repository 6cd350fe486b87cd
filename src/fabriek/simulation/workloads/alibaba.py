"""Alibaba's cluster-trace-gpu-v2023: pods on a shared GPU cluster, and its nodes.

https://github.com/alibaba/clusterdata/tree/master/cluster-trace-gpu-v2023, told in Weng et al.: Beware of
Fragmentation: Scheduling GPU-Sharing Workloads with Fragmentation Gradient Descent, USENIX ATC 2023. Times are seconds
of the trace. A pod asks `num_gpu` GPUs; where that is one, `gpu_milli` says how many thousandths of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fabriek.simulation.jobs import Repairs
from fabriek.simulation.workloads import trace as common
from fabriek.simulation.workloads.table import Table
from fabriek.simulation.workloads.trace import Trace, names_of, queued, skip_where

COLUMNS = frozenset(
    {"cpu_milli", "memory_mib", "num_gpu", "gpu_milli", "qos", "creation_time", "deletion_time", "scheduled_time"}
)
NODE_COLUMNS = frozenset({"sn", "cpu_milli", "memory_mib", "gpu", "model"})
SHARED = "parts of a GPU: a whole one taken"
_UNKNOWN = -1.0


def read_alibaba(table: Table, *, gpu_parts: int = 1) -> Trace:
    """A trace of the pods that were scheduled: processors are CPU cores (rounded up), partitions the GPU models that a
    pod may have (`gpu_spec`; "" is any), QOS those of the pods.

    gpu_parts: how many parts a GPU is counted in. 1 takes a whole one for a pod that shares it, and counts these as
    repairs; with 1000 `gpus` are exact thousandths, on a machine whose GPUs are counted so too. The pods asked for no
    time: their run times are their estimates. Errors: WorkloadBroken, with the line.
    """
    repairs, count = Repairs(), len(table)
    created, deleted, scheduled = (
        table.numbers(name, common.MOST_SECONDS, _UNKNOWN)
        for name in ("creation_time", "deletion_time", "scheduled_time")
    )
    cores = np.ceil(table.numbers("cpu_milli", 1000 * common.MOST_PROCESSORS, _UNKNOWN) / 1000)
    whole = table.numbers("num_gpu", common.MOST_PROCESSORS, 0)
    milli = table.numbers("gpu_milli", 1000, 0)
    number, keep = np.arange(1, count + 1), np.ones(count, bool)
    skip_where(repairs, keep, number, created < 0, common.NO_SUBMIT)
    skip_where(repairs, keep, number, scheduled < 0, common.NEVER_RAN)
    skip_where(repairs, keep, number, deleted <= scheduled, common.NEVER_RAN)
    skip_where(repairs, keep, number, cores <= 0, common.NO_PROCESSORS)
    parts = np.where(whole == 1, milli / 1000, whole) * gpu_parts
    repairs.repair(SHARED, int(((parts % 1 != 0) & keep).sum()))
    repairs.repair(common.NO_ESTIMATE, int(keep.sum()))
    run = np.rint(deleted) - np.rint(scheduled)
    columns: dict[str, Any] = {
        "number": number,
        "submit": np.rint(created).astype(np.int64),
        "run": np.maximum(run, 1).astype(np.int64),
        "processors": cores.astype(np.int64),
        "gpus": np.ceil(np.maximum(parts, 0)).astype(np.int64),
        "memory": np.rint(np.maximum(table.numbers("memory_mib", 1e15, 0), 0)).astype(np.int64),
    }
    columns["qos"], columns["qoses"] = names_of(table.texts("qos"))
    columns["partition"], columns["partitions"] = names_of(table.columns.get("gpu_spec") or [""] * count)
    jobs, places = queued(columns, keep, repairs)
    waits = np.rint(np.maximum(scheduled - created, 0)).astype(np.int64)[places]
    return Trace(jobs=jobs, repairs=repairs, format="alibaba", waits=waits)


@dataclass(frozen=True, slots=True)
class Nodes:
    """The nodes of the cluster: name, cores, memory in MiB, GPUs, and their model."""

    name: tuple[str, ...]
    cores: NDArray[np.int64]
    memory: NDArray[np.int64]
    gpus: NDArray[np.int64]
    model: tuple[str, ...]


def read_alibaba_nodes(table: Table) -> Nodes:
    """The list of nodes that comes with the trace. Errors: WorkloadBroken, with the line."""
    return Nodes(
        name=tuple(table.texts("sn")),
        cores=(table.numbers("cpu_milli", 1000 * common.MOST_PROCESSORS) // 1000).astype(np.int64),
        memory=table.numbers("memory_mib", 1e15).astype(np.int64),
        gpus=table.numbers("gpu", common.MOST_PROCESSORS).astype(np.int64),
        model=tuple(table.texts("model")),
    )
