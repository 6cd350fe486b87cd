"""The policy that a study tried as settings of Slurm, to be set by who runs the machine."""

from __future__ import annotations

import re

import numpy as np

from fabriek.foresight import storage
from fabriek.foresight.errors import StudyInvalid
from fabriek.foresight.models import Study
from fabriek.foresight.policies import StudyPolicy, simulated
from fabriek.foresight.trace_files import unpacked
from fabriek.simulation.emitting import slurm_settings
from fabriek.simulation.jobs import Jobs
from fabriek.simulation.policy import Machine

_IN_SLURM = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")


def settings_of(study: Study) -> str:
    """Lines for slurm.conf, commands and comments, headed by what they come from. Errors: StudyInvalid, OSError."""
    policy = StudyPolicy.model_validate(study.after)
    parents = accounts_of_classes(unpacked(storage.path_of(study.workload.key).read_bytes()).jobs)
    try:
        said = slurm_settings(Machine.of(study.units), simulated(policy, study.units, parents)).text()
    except ValueError as fault:
        raise StudyInvalid(str(fault)) from None
    return f"{_head(study)}\n{said}"


def _head(study: Study) -> str:
    lines = [f"{study.code}: {study.name}", f"A machine of {study.units} units, as its workload counts them."]
    if study.partition is not None and not study.partition.counts_cores:
        lines.append(
            f"Units of {study.partition.code} are accelerators: where a line below counts cpu or cores, count "
            "gres/gpu instead."
        )
    # A name of several lines would end the comment.
    return "".join(f"# {' '.join(line.split())}\n" for line in lines)


def accounts_of_classes(jobs: Jobs) -> dict[str, str]:
    """The class of each account that is of one class, and whose name Slurm takes."""
    pairs = np.unique(np.stack((jobs.account, jobs.klass), axis=1), axis=0)
    found: dict[str, set[str]] = {}
    for account, klass in pairs.tolist():
        found.setdefault(jobs.accounts[account], set()).add(jobs.klasses[klass])
    return {
        account: next(iter(klasses))
        for account, klasses in sorted(found.items())
        if len(klasses) == 1 and all(_IN_SLURM.fullmatch(name) for name in (account, *klasses))
    }
