"""Jobs of Microsoft's Philly clusters, 2017, in the table that petuum/adaptdl made of them.

One line a job: `timestamp` (of submission), `duration` in seconds, `num_gpus`, `cluster` (one of 15 virtual clusters,
each with its own quota). Source: https://github.com/msr-fiddle/philly-traces (CC-BY-4.0), told in Jeon et al.: Analysis
of Large-Scale Multi-Tenant GPU Clusters for DNN Training Workloads, USENIX ATC 2019.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from fabriek.simulation.jobs import Repairs
from fabriek.simulation.workloads import trace as common
from fabriek.simulation.workloads.table import Table
from fabriek.simulation.workloads.trace import Trace, names_of, queued, skip_where

COLUMNS = frozenset({"timestamp", "duration", "num_gpus", "cluster"})


def read_philly(table: Table) -> Trace:
    """A trace whose accounts are the virtual clusters. Processors are GPUs, because nothing else of a job is known.

    The jobs asked for no time: their run times are their estimates (`synthetic.with_estimates` gives others). The
    times are taken for UTC, as the table says no zone. Errors: WorkloadBroken, with the line.
    """
    repairs, count = Repairs(), len(table)
    moment = table.seconds("timestamp")
    duration = table.numbers("duration", common.MOST_SECONDS, lacking=-1)
    gpus = table.numbers("num_gpus", common.MOST_PROCESSORS, lacking=-1)
    number, keep = np.arange(1, count + 1), np.ones(count, bool)
    skip_where(repairs, keep, number, moment < 0, common.NO_SUBMIT)
    skip_where(repairs, keep, number, duration <= 0, common.NEVER_RAN)
    skip_where(repairs, keep, number, gpus <= 0, common.NO_PROCESSORS)
    repairs.repair(common.NO_ESTIMATE, int(keep.sum()))
    repairs.repair(common.ROUNDED, int((((duration % 1 != 0) | (gpus % 1 != 0)) & keep).sum()))
    start = int(moment[keep].min()) if keep.any() else 0
    account, accounts = names_of(table.texts("cluster"))
    whole = np.ceil(gpus).astype(np.int64)
    columns: dict[str, Any] = {
        "number": number,
        "submit": moment - start,
        "run": np.maximum(np.rint(duration), 1).astype(np.int64),
        "processors": whole,
        "gpus": whole,
        "account": account,
        "accounts": accounts,
    }
    jobs, _places = queued(columns, keep, repairs)
    return Trace(jobs=jobs, repairs=repairs, format="philly", start=start, zone="UTC")
