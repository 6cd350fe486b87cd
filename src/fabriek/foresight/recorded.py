"""The jobs that really ran, as the platform recorded them: a workload with programmes and classes, without names of
people."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

import numpy as np

from fabriek.foresight.trace_files import MOST_JOBS
from fabriek.operations.models import Job
from fabriek.operations.queries import records_on
from fabriek.register.models import Partition
from fabriek.simulation.jobs import Repairs
from fabriek.simulation.workloads.trace import NEVER_RAN, Trace, names_of, queued

_COLUMNS = (
    "cluster_id", "job_id", "submit", "start", "end", "suspended", "accelerators", "cores", "user",
    "allocation__project__code", "allocation__project__programme__code", "allocation__project__organisation_class",
)  # fmt: skip


def recorded(partition: Partition, since: date, until: date) -> Trace:
    """What was submitted to a partition from a day until another, UTC. Two queries.

    Units are accelerators where the partition has them, else cores. Accounts are programmes and groups are projects;
    users are numbered. A job's estimate is its time limit, where the platform knows it, and never below its run.
    What doesn't use a unit, or took no time, is left out and counted. At most MOST_JOBS, the first submitted.
    """
    rows = list(
        records_on(partition, _second(since), _second(until))
        .order_by("submit", "id")
        .values_list(*_COLUMNS)[:MOST_JOBS]
    )
    limits = {
        (cluster, number): limit
        for cluster, number, limit in Job.objects.filter(allocation__partition=partition)
        .exclude(engine_job="")
        .values_list("cluster_id", "engine_job", "time_limit_seconds")
    }
    units = np.array([row[7] if partition.counts_cores else row[6] for row in rows], np.int64)
    run = np.array([row[4] - row[3] - row[5] for row in rows], np.int64)
    keep = (units > 0) & (run > 0)
    repairs, number = Repairs(), np.arange(1, len(rows) + 1)
    for one in number[~keep].tolist():
        repairs.skip(one, NEVER_RAN)
    asked = np.array([limits.get((row[0], row[1]), 0) for row in rows], np.int64)
    # Who it was says nothing about a policy; that it was the same person does.
    user, users = names_of([f"{row[9]}/{row[8]}" for row in rows])
    account, accounts = names_of([row[10] for row in rows])
    group, groups = names_of([row[9] for row in rows])
    klass, klasses = names_of([row[11] for row in rows])
    submit = np.array([row[2] for row in rows], np.int64)
    start = int(submit.min()) if len(rows) else 0
    jobs, _places = queued(
        {
            "number": number,
            "submit": submit - start,
            "run": run,
            "estimate": np.maximum(np.maximum(asked, run), 1),
            "processors": units,
            "gpus": np.zeros_like(units) if partition.counts_cores else units,
            "user": user,
            "users": tuple(f"u{place}" for place in range(1, len(users) + 1)),
            "group": group,
            "groups": groups,
            "account": account,
            "accounts": accounts,
            "klass": klass,
            "klasses": klasses,
        },
        keep,
        repairs,
    )
    return Trace(jobs=jobs, repairs=repairs, format="recorded", start=start, zone="UTC")


def _second(day: date) -> int:
    return int(datetime.combine(day, time(), UTC).timestamp())
