"""Jobs as slurmrestd reads and tells them, by the version of its data: here and nowhere else.

Each Slurm offers its own version and those of some releases before it (https://slurm.schedmd.com/rest.html): 22.05
v0.0.36 to 38, 24.11 v0.0.40 to 42, 26.05 v0.0.43 to 45, and what lies between at least one of these.
"""

from __future__ import annotations

import argparse
import math
import re
from typing import Any, NoReturn

from fabriek.compute.directives import DirectiveError, bytes_of, directive_words, seconds_of_limit
from fabriek.compute.slurm.controller import Queued
from fabriek.compute.slurm.formats import plain, state_shown, tasks_in, tres

VERSIONS = tuple(f"v0.0.{number}" for number in (45, 44, 43, 42, 41, 40, 38, 37, 36))
"""Those that were tried on a real slurmrestd, the newest first."""
_MEBIBYTE = 2**20


class _Unknown(Exception):
    pass


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise _Unknown(message)


def _parser() -> _Parser:
    parser = _Parser(add_help=False, allow_abbrev=False, argument_default=argparse.SUPPRESS)
    for names, key in (
        (("--job-name", "-J"), "name"),
        (("--nodes", "-N"), "nodes"),
        (("--gres",), "gres"),
        (("--gpus", "-G"), "gpus"),
        (("--gpus-per-node",), "gpus_per_node"),
        (("--output", "-o"), "standard_output"),
        (("--error", "-e"), "standard_error"),
        (("--array", "-a"), "array"),
    ):
        parser.add_argument(*names, dest=key)
    for names, key in ((("--mem",), "memory_per_node"), (("--mem-per-cpu",), "memory_per_cpu")):
        # In MiB, and no less than was asked.
        parser.add_argument(*names, dest=key, type=lambda text: math.ceil(bytes_of(text) / _MEBIBYTE))
    for names, key in (
        (("--ntasks", "-n"), "tasks"),
        (("--ntasks-per-node",), "tasks_per_node"),
        (("--cpus-per-task", "-c"), "cpus_per_task"),
    ):
        parser.add_argument(*names, dest=key, type=int)
    parser.add_argument("--time", "-t", dest="time_limit", type=lambda text: math.ceil(seconds_of_limit(text) / 60))
    # The award's go before these, and requeuing is said apart.
    for passed in (("--account", "-A"), ("--partition", "-p"), ("--qos", "-q"), ("--comment",)):
        parser.add_argument(*passed, dest="passed")
    parser.add_argument("--requeue", "--no-requeue", dest="passed", action="store_true")
    return parser


def options_of(script: str) -> dict[str, Any] | None:
    """A script's #SBATCH lines as slurmrestd's job (https://slurm.schedmd.com/rest_api.html), or None where one of them
    has no translation here. One node is not said where the script doesn't: slurmrestd would otherwise fix it."""
    try:
        found = vars(_parser().parse_args(directive_words(script)))
    except (_Unknown, DirectiveError):
        return None
    found.pop("passed", None)
    if "tasks_per_node" in found and "tasks" not in found:
        # As sbatch does it, of the least of nodes.
        nodes = re.match(r"\d+", found.get("nodes", "1"))
        if nodes is None:
            return None
        found["tasks"] = found["tasks_per_node"] * int(nodes[0])
    # Patterns of file names are filled in by sbatch's own rules; paths that are not absolute lie in the job's folder.
    if any(re.search(r"[\x00-\x1f]", str(value)) for value in found.values()):
        return None
    return found


def as_told(version: str, job: dict[str, Any], script: str) -> dict[str, Any]:
    """A job of `options_of`, with its environment by names, as this version reads it.

    Until v0.0.38 as sbatch's own options. Since v0.0.40 as slurmctld's own fields, where what it doesn't know is passed
    over: GPUs are a TRES of the job or of a node, the environment is a list.
    """
    number = int(version.rpartition(".")[2])
    environment = {**job["environment"], **_environment_of(job)}
    if number < 40:
        told = {key: value for key, value in job.items() if key != "requeue"}
        # As sbatch's --requeue and --no-requeue: "requeue": false would be the former.
        told["requeue" if job["requeue"] else "no_requeue"] = True
        return {"job": {**told, "environment": environment}, "script": script}
    told = {key: value for key, value in job.items() if key not in _BY_NODE and key != "gpus"}
    by_node = [one for key in _BY_NODE if key in job for one in _as_tres(key, job[key])]
    if by_node:
        told["tres_per_node"] = ",".join(by_node)
    if "gpus" in job:
        told["tres_per_job"] = ",".join(_as_tres("gpus", job["gpus"]))
    if "cpus_per_task" in job:
        told["tres_per_task"] = environment["SLURM_TRES_PER_TASK"] = f"cpu={job['cpus_per_task']}"
    told["environment"] = [f"{name}={value}" for name, value in {**environment, **_LAUNCHERS}.items()]
    return {"job": {**told, "script": script}}


_SAID = {
    "tasks": ("SLURM_NTASKS", "SLURM_NPROCS"),
    "tasks_per_node": ("SLURM_NTASKS_PER_NODE",),
    "cpus_per_task": ("SLURM_CPUS_PER_TASK",),
    "gpus": ("SLURM_GPUS",),
    "gpus_per_node": ("SLURM_GPUS_PER_NODE",),
    "current_working_directory": ("SLURM_SUBMIT_DIR",),
}
"""What sbatch itself tells a script of what was asked (https://slurm.schedmd.com/sbatch.html, OUTPUT ENVIRONMENT
VARIABLES); slurmrestd doesn't."""
_LAUNCHERS = {
    "HYDRA_BOOTSTRAP": "slurm",
    "I_MPI_HYDRA_BOOTSTRAP": "slurm",
    "HYDRA_LAUNCHER_EXTRA_ARGS": "--external-launcher",
    "I_MPI_HYDRA_BOOTSTRAP_EXEC_EXTRA_ARGS": "--external-launcher",
    "OMPI_MCA_plm_slurm_args": "--external-launcher",
    "PRTE_MCA_plm_slurm_args": "--external-launcher",
}
"""By which mpirun starts its processes with srun, as sbatch of these versions sets them."""


def _environment_of(job: dict[str, Any]) -> dict[str, str]:
    return {name: str(job[key]) for key, names in _SAID.items() if key in job for name in names}


_BY_NODE = ("gres", "gpus_per_node")


def _as_tres(key: str, asked: str) -> list[str]:
    """gpu:h100:2 of --gres, and h100:2 or 2 of --gpus, as gres/gpu:h100:2."""
    return [f"gres/{one}" if key == "gres" else f"gres/gpu:{one}" for one in asked.split(",")]


def queued_of(job: dict[str, Any]) -> Queued:
    """A job as slurmrestd tells it, of v0.0.36 and later. Errors: KeyError, TypeError, ValueError, FormatError."""
    number, array = plain(job["job_id"]), plain(job["array_job_id"])
    resources = tres(job.get("tres_alloc_str") or job.get("tres_req_str") or "")
    limit = plain(job["time_limit"])
    return Queued(
        number=str(number),
        array=str(array or number),
        state=state_shown(job["job_state"]),
        reason=str(job["state_reason"]),
        start=plain(job["start_time"]) or 0,
        limit=limit * 60 if limit else None,
        cores=plain(job["cpus"]) or 0,
        accelerators=resources.get("gres/gpu", 0),
        priority=plain(job["priority"]) or 0,
        partition=str(job["partition"]),
        tasks=_tasks_of(job),
    )


def _tasks_of(job: dict[str, Any]) -> tuple[str, ...]:
    """Those that wait together have a text; each other has its number."""
    task = plain(job.get("array_task_id")) if plain(job["array_job_id"]) else None
    return tasks_in(job.get("array_task_string") or ("" if task is None else str(task)))
