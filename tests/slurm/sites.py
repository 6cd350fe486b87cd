"""A site for tests: an agent's engine on one of the bed's clusters, and awards on it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

from fabriek.compute.slurm import SlurmEngine
from fabriek.compute.slurm.commands import Commands
from fabriek.compute.slurm.settings import SlurmSettings
from fabriek.compute.wire import ENDED, AccountState, JobOrder, JobReport
from fabriek.demo.slurm import Bed

_numbers = count(1)
PATIENCE = 300.0
"""Seconds after which something won't happen any more, on however busy a machine. What works waits less."""


class Site:
    """`root`: the account under which all of it stands, another one for each test."""

    def __init__(self, bed: Bed, cluster: str, user: str, folder: Path) -> None:
        self.bed, self.cluster, self.user, self.folder = bed, cluster, user, folder
        self.root = f"fab{next(_numbers)}"
        jobs = folder / "jobs"
        jobs.mkdir(parents=True)
        jobs.chmod(0o1777)
        (folder / "agent").mkdir()
        self.settings = SlurmSettings.model_validate(
            {
                "cluster": cluster,
                "root_account": self.root,
                "default_user": user,
                "commands": {"environment": bed.env(cluster)},
                "jobs": {"folder": str(jobs), "become": "self" if os.geteuid() else "runuser"},
                "metering": {"interval": 0.1},
            }
        )
        self.engine = self.new_engine()

    def new_engine(self) -> SlurmEngine:
        """As after a restart of the agent."""
        return SlurmEngine(self.folder / "agent", self.cluster, self.settings, Commands(self.settings))

    def award(self, account: str, **changed: Any) -> AccountState:
        """An award of ten GPU-minutes on alpha's gpu partition, not yet made so."""
        whole = {
            "account": f"{self.root}x{account}",
            "partition": "gpu",
            "accelerator_seconds_limit": 600,
            "core_seconds_limit": 0,
            "users": ["u000001"],
            "programme": "science",
            "fairshare": 300,
        }
        return AccountState.model_validate({**whole, **changed})

    def made(self, account: str, **changed: Any) -> AccountState:
        """An award that is made so."""
        state = self.award(account, **changed)
        assert self.engine.provision([state]) == {}
        return state

    def order(
        self, state: AccountState, body: str = "true", directives: str = "--gpus=1 -t 1", **more: Any
    ) -> JobOrder:
        """A job of an award."""
        return JobOrder.model_validate(
            {
                "uuid": f"{self.root}-{next(_numbers)}",
                "account": state.account,
                "user": "u000001",
                "partition": state.partition,
                "name": "a job",
                "script": f"#!/bin/bash\n#SBATCH {directives}\n{body}\n",
                **more,
            }
        )

    def until(self, number: str, enough: Callable[[JobReport], bool], patience: float = PATIENCE) -> JobReport:
        """The job's report once it says enough."""
        began = time.monotonic()
        while True:
            self.engine.tick()
            report = self.engine.report(number)
            if enough(report):
                return report
            assert time.monotonic() - began < patience, report
            time.sleep(0.3)

    def ended(self, number: str) -> JobReport:
        """The job's report once it is over."""
        return self.until(number, lambda report: report.state in ENDED)
