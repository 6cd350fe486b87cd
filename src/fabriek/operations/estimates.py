"""What a script would ask of an allocation: said before it is submitted, and held to when it is."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import F, Sum
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from fabriek.compute.directives import DirectiveError, Directives, read_directives
from fabriek.conf.amounts import number_text
from fabriek.ledger.models import Unit
from fabriek.ledger.queries import allocation_hours
from fabriek.operations.errors import ScriptInvalid
from fabriek.operations.models import ENDED_STATES, ClusterPartition, Job
from fabriek.projects.models import Allocation
from fabriek.register.models import Partition


@dataclass(frozen=True)
class Budget:
    """What is left of an allocation, in seconds, and what jobs that wait or run may still come to."""

    accelerator_seconds_left: int
    core_seconds_left: int
    cores_count: bool
    accelerator_seconds_queued: int = 0

    def refusal(self, asked: Directives) -> str:
        """Why a job that asks this can never run; empty: it can."""
        left = max(self.accelerator_seconds_left, 0)
        if asked.accelerator_seconds > left:
            return _(
                "This job could use %(asked)s GPU-hours and %(left)s are left. Ask for fewer GPUs or less time."
            ) % {"asked": number_text(asked.accelerator_seconds / 3600, 2), "left": number_text(left / 3600, 2)}
        left = max(self.core_seconds_left, 0)
        # Core-hours bind where some were awarded, and jobs without GPUs always: as at the cluster.
        if (self.cores_count or not asked.accelerators) and asked.core_seconds > left:
            return _(
                "This job could use %(asked)s core-hours and %(left)s are left. Ask for fewer cores or less time."
            ) % {"asked": number_text(asked.core_seconds / 3600, 2), "left": number_text(left / 3600, 2)}
        return ""


@dataclass(frozen=True)
class Estimate:
    """What a script asks, beside what is left. fault: what can't be read, with its line, or why it can never run."""

    asked: Directives | None
    budget: Budget
    fault: str = ""
    notes: tuple[str, ...] = ()

    @property
    def left_afterwards(self) -> int:
        """Accelerator-seconds, if it ran to its limit."""
        return self.budget.accelerator_seconds_left - (self.asked.accelerator_seconds if self.asked else 0)


def with_line_ends(script: str) -> str:
    """Browsers send forms with CR LF, and `/bin/bash` with a CR behind it is no interpreter."""
    return script.replace("\r\n", "\n")


def directives_of(script: str) -> Directives:
    """What a script asks for. Errors: ScriptInvalid, with the line."""
    try:
        return read_directives(script)
    except DirectiveError as fault:
        raise ScriptInvalid(str(fault), faults={"script": [str(fault)]}) from fault


def budget_of(allocation: Allocation, *, queued: bool = False) -> Budget:
    """What is left of an allocation. Two queries, three with what is queued."""
    cores = allocation_hours([allocation.code], Unit.CORE_SECONDS)[allocation.code]
    return Budget(
        accelerator_seconds_left=allocation_hours([allocation.code])[allocation.code].left,
        core_seconds_left=cores.left,
        cores_count=cores.awarded > 0,
        accelerator_seconds_queued=_queued(allocation) if queued else 0,
    )


def elsewhere(asked: Directives, allocation: Allocation) -> str:
    """Why a script can't run where it says that it will; empty: it names nothing, or what its allocation has at the
    site. One query where it names something."""
    if not (asked.account or asked.partition):
        return ""
    account = allocation.project.code
    names = sorted(
        ClusterPartition.objects.filter(partition=allocation.partition)
        .exclude(cluster__engine="log")
        .values_list("name", flat=True)
    )
    if asked.account not in ("", account):
        return _(
            "The script names account %(asked)s, and these hours are of %(account)s. "
            "Leave --account out, or correct it."
        ) % {"asked": asked.account, "account": account}
    if names and asked.partition not in ("", *names):
        return _(
            "The script names partition %(asked)s, and these hours are on %(partition)s. "
            "Leave --partition out, or correct it."
        ) % {"asked": asked.partition, "partition": ", ".join(names)}
    return ""


def estimate(allocation: Allocation, script: str) -> Estimate:
    """What a script would come to on an allocation. Three queries, four where it names an account or a partition."""
    budget = budget_of(allocation, queued=True)
    try:
        asked = directives_of(with_line_ends(script))
    except ScriptInvalid as fault:
        return Estimate(None, budget, str(fault.sentence))
    refusal = elsewhere(asked, allocation) or budget.refusal(asked)
    return Estimate(asked, budget, refusal, tuple(_notes(asked, budget, allocation.partition)))


def _queued(allocation: Allocation) -> int:
    asked = F("accelerators") * F("time_limit_seconds") * F("runs")
    going = Job.objects.filter(allocation=allocation).exclude(state__in=ENDED_STATES)
    return int(going.aggregate(all=Sum(asked))["all"] or 0)


def _notes(asked: Directives, budget: Budget, partition: Partition) -> list[str]:
    """What is worth a thought before it is submitted."""
    notes = []
    if asked.time_limit is None:
        notes.append(_("The script has no time limit: it gets an hour. Say how long it takes with --time."))
    elif asked.accelerator_seconds == 0 and partition.accelerators_per_node:
        notes.append(_("It asks for no GPU, on a partition of GPUs. With --gpus=1 it gets one."))
    if asked.array is not None:
        notes.append(
            ngettext(
                "An array of %(n)s task; what each asks counts as often.",
                "An array of %(n)s tasks; what each asks counts as often.",
                asked.runs,
            )
            % {"n": number_text(asked.runs)}
        )
    if partition.nodes and asked.nodes > partition.nodes:
        notes.append(_("It asks for %(asked)s nodes, and %(name)s has %(there)s.") % {
            "asked": asked.nodes, "name": partition.code, "there": partition.nodes,
        })  # fmt: skip
    elif partition.nodes and partition.accelerators_per_node:
        there = partition.nodes * partition.accelerators_per_node
        if asked.accelerators > there:
            notes.append(_("It asks for %(asked)s GPUs, and %(name)s has %(there)s.") % {
                "asked": asked.accelerators, "name": partition.code, "there": there,
            })  # fmt: skip
    left = budget.accelerator_seconds_left - budget.accelerator_seconds_queued
    if asked.accelerator_seconds and left < asked.accelerator_seconds <= budget.accelerator_seconds_left:
        notes.append(_("Jobs that wait or run may use what this one needs: it may have to wait until they end."))
    return notes
