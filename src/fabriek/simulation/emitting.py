"""A policy as settings of Slurm: what can be tried on a trace can be deployed as it stands.

Sources: slurm.conf, sacctmgr and scontrol of Slurm 22.05, slurm.schedmd.com. How each rule is said is told in
`docs/reference/simulation.md`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from fabriek.simulation.policy import Backfill, FairShare, Held, Limit, Machine, Over, Policy, Weights

_DEFAULT_QOS = "normal"
"""What slurmdbd makes by itself: the QOS of jobs that ask for none."""

_STEPS = 10_000
"""Priorities of QOS and partitions are whole numbers, up to this; Slurm divides them by the highest."""

_EACH_IN_QOS = frozenset({Over.USER, Over.ACCOUNT})
"""What a QOS can limit each of."""


@dataclass(frozen=True, slots=True)
class SlurmSettings:
    """Lines, in the order in which they are to be used; those that begin with # are comments.

    conf: of slurm.conf. accounting, reservations: commands of sacctmgr and scontrol. apart: sentences about rules that
    Slurm has no counterpart for, or another one, and why.
    """

    conf: tuple[str, ...]
    accounting: tuple[str, ...]
    reservations: tuple[str, ...]
    apart: tuple[str, ...]

    @property
    def commands(self) -> tuple[str, ...]:
        """What a shell is to run, without comments."""
        return tuple(line for line in (*self.accounting, *self.reservations) if not line.startswith("#"))

    def text(self) -> str:
        """All of it as a text; what isn't of slurm.conf is a shell's."""
        parts = {
            "slurm.conf: put these lines in it and restart slurmctld": self.conf,
            "Accounts and QOS: run these as Slurm's administrator": self.accounting,
            "Reservations": self.reservations,
            "What Slurm does otherwise, and why": tuple(f"# - {sentence}" for sentence in self.apart),
        }
        return "\n".join("\n".join((f"# {title}", *lines, "")) for title, lines in parts.items() if lines)


def slurm_settings(machine: Machine, policy: Policy) -> SlurmSettings:
    """The settings under which Slurm's scheduler comes nearest to this policy on this machine.

    A class is an account with its members' accounts below it, that leaves fair-share alone (Fairshare=parent). Times of
    what is held count from when the commands are run. Raises ValueError for a name that Slurm's commands can't take.
    """
    for name in _names(policy) | {pool.name for pool in machine.pools if pool.name}:
        if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", name):
            raise ValueError(f"{name!r} can't be a name in Slurm: letters, digits, '_', '.' and '-' only")
    conf, apart = [*_scheduling(policy)], [*_apart_of_machine(machine), *_apart_of_scheduling(policy)]
    accounting: list[str] = []
    if policy.weights is None:
        conf.append("PriorityType=priority/basic")
    else:
        conf += _priority(policy.weights)
        apart += _apart_of_priority(policy.weights)
        accounting += _accounts(policy.weights)
    accounting += [*_classes(policy), *_qoses(policy)]
    tres = "node" if machine.cores_per_node > 1 else "cpu"
    for limit in policy.limits:
        accounting += _limit(limit, policy, tres)
        apart += _apart_of_limit(limit, policy)
    if accounting:
        conf += [
            "# Limits hold, and a job starts only where its whole time fits the budget (safe).",
            "AccountingStorageEnforce=associations,limits,qos,safe",
        ]
    # Maintenance may lie over a reservation that is there, and not the other way round.
    numbered = sorted(enumerate(policy.held, 1), key=lambda one: one[1].klass is None)
    reservations = [_reservation(number, held, machine) for number, held in numbered]
    if machine.placed and policy.held:
        apart.append("Slurm chooses which nodes are held: say Nodes=… where it should be those of the simulation.")
    elif any(held.klass for held in policy.held):
        apart.append(
            "A floor is a reservation of certain cores or nodes: what a class runs beside them doesn't count "
            "towards its floor, as it does in the simulation."
        )
    if any(held.until is None for held in policy.held):
        apart.append("What is held for ever Slurm holds for a year: it has to be renewed by then.")
    return SlurmSettings(tuple(conf), tuple(accounting), tuple(reservations), tuple(apart))


def _names(policy: Policy) -> set[str]:
    """All names in a policy."""
    weights = policy.weights or Weights()
    named = (weights.shares, weights.user_shares, weights.parents, weights.partition_factors, weights.qos_factors)
    found = {name for mapping in named for name in mapping} | set(weights.parents.values()) | set(policy.preempt)
    found |= {limit.name for limit in policy.limits if limit.name}
    return found | {name for held in policy.held for name in (held.klass, held.partition) if name}


# slurm.conf


def _scheduling(policy: Policy) -> Iterator[str]:
    if policy.backfill is Backfill.NONE:
        yield "SchedulerType=sched/builtin"
    else:
        yield "SchedulerType=sched/backfill"
        yield "# bf_window, in minutes: at least the longest time limit that jobs may ask."
    parameters = []
    if policy.backfill is not Backfill.NONE:
        # Who has a reservation: the first of each partition, or, with 0, all.
        reserve = int(policy.backfill is Backfill.EASY)
        # bf_busy_nodes: it is planned on nodes that are still busy, so that idle ones stay for whoever may pass.
        parameters += [
            "bf_busy_nodes",
            "bf_continue",
            f"bf_job_part_count_reserve={reserve}",
            "bf_max_job_test=10000",
            "bf_window=10080",
        ]
    if policy.preempt:
        yield "PreemptType=preempt/qos"
        yield "PreemptMode=REQUEUE"
        parameters.append("preempt_youngest_first")
    # Without preemption nothing but a node that fails stops a job.
    if policy.preempt or not policy.requeue:
        yield f"JobRequeue={int(policy.requeue)}"
    if parameters:
        yield f"SchedulerParameters={','.join(parameters)}"
    yield "OverTimeLimit=0"


def _priority(weights: Weights) -> Iterator[str]:
    partition, qos = (
        weight * max(factors.values(), default=1.0)
        for weight, factors in (
            (weights.partition, weights.partition_factors),
            (weights.qos, weights.qos_factors),
        )
    )
    named = {
        "Age": weights.age, "FairShare": weights.fair_share, "JobSize": weights.size, "Partition": partition,
        "QOS": qos,
    }  # fmt: skip
    whole = _whole(named)
    yield "PriorityType=priority/multifactor"
    yield from (f"PriorityWeight{name}={whole[name]}" for name in named)
    yield f"PriorityMaxAge={_span(weights.most_age)}"
    yield f"PriorityDecayHalfLife={_span(weights.half_life) if weights.half_life else 0}"
    yield f"PriorityCalcPeriod={_minutes(weights.period)}"
    yield "PriorityUsageResetPeriod=NONE"
    yield f"PriorityFavorSmall={'YES' if weights.small_first else 'NO'}"
    if weights.algorithm is FairShare.CLASSIC:
        yield "PriorityFlags=NO_FAIR_TREE"
        yield f"FairShareDampeningFactor={max(1, round(weights.damping))}"
    else:
        yield "# Fair Tree is what Slurm does without a flag."
    for name, factor in weights.partition_factors.items():
        share = _step(factor, weights.partition_factors)
        yield f"# Add to the line of the partition {name}: PriorityJobFactor={share}"


# sacctmgr


def _accounts(weights: Weights) -> Iterator[str]:
    """Accounts above before those below them, then users' shares."""
    shares, users = _whole(weights.shares), _whole(weights.user_shares)
    scale = _scale(weights.shares)
    ordered: list[str] = []
    for name in [*weights.shares, *weights.parents]:
        above = [name]
        while above[-1] in weights.parents and weights.parents[above[-1]] not in above:
            above.append(weights.parents[above[-1]])
        ordered += [one for one in reversed(above) if one not in ordered]
    for name in ordered:
        parent = f" parent={weights.parents[name]}" if name in weights.parents else ""
        yield f"sacctmgr -i add account {name}{parent} fairshare={shares.get(name, scale)}"
    if scale > 1:
        yield f"# Shares are whole numbers: accounts that aren't named need fairshare={scale}."
    for name, share in users.items():
        yield f"sacctmgr -i modify user where name={name} set fairshare={share}"
    if (scale := _scale(weights.user_shares)) > 1:
        yield f"# Shares are whole numbers: users that aren't named need fairshare={scale}."


def _classes(policy: Policy) -> Iterator[str]:
    klasses = [held.klass for held in policy.held if held.klass]
    klasses += [limit.name for limit in policy.limits if limit.over is Over.KLASS and limit.name]
    weights = policy.weights or Weights()
    known = {*weights.shares, *weights.parents, *weights.parents.values()}
    for klass in dict.fromkeys(klasses):
        if klass not in known:
            yield f"sacctmgr -i add account {klass} fairshare=parent"
        yield f"# Whose account is below is of that class: sacctmgr modify account where name=… set parent={klass}"


def _qoses(policy: Policy) -> Iterator[str]:
    factors = policy.weights.qos_factors if policy.weights else {}
    limited = [limit.name for limit in policy.limits if limit.over is Over.QOS and limit.name]
    named = list(dict.fromkeys([*factors, *policy.preempt, *limited]))
    for name in named:
        if name != _DEFAULT_QOS:
            yield f"sacctmgr -i add qos {name}"
    for name in factors:
        yield f"sacctmgr -i modify qos where name={name} set priority={_step(factors[name], factors)}"
    tiers = {_DEFAULT_QOS: 0, **dict.fromkeys(named, 0), **policy.preempt}
    for name, tier in tiers.items():
        below = [other for other, its in tiers.items() if its < tier]
        if policy.preempt and below:
            yield f"sacctmgr -i modify qos where name={name} set preempt={','.join(below)}"
    if named:
        yield f"# Who may use which: sacctmgr modify account where name=… set qos+={','.join(named)}"


def _limit(limit: Limit, policy: Policy, tres: str) -> Iterator[str]:
    """What a name may have in all is a limit of its own; what each may have, one of the QOS that jobs have."""
    if limit.name:
        entity = "account" if limit.over is Over.KLASS else limit.over.value
        asked = " ".join(_grouped(limit, tres))
        yield f"sacctmgr -i modify {entity} where name={limit.name} set {asked}"
        return
    if limit.over in _EACH_IN_QOS:
        who = limit.over.value.capitalize()
        at_once = [f"MaxJobsPer{who}={limit.jobs}"] if limit.jobs else []
        at_once += [f"MaxTRESPer{who}={tres}={limit.processors}"] if limit.processors else []
        for name in _used_qoses(policy) if at_once else ():
            yield f"sacctmgr -i modify qos where name={name} set {' '.join(at_once)}"
        if limit.processor_minutes is not None:
            kind = limit.over.value
            yield (
                f"# For each {kind}: sacctmgr modify {kind} where name=… set "
                f"GrpTRESMins={tres}={int(limit.processor_minutes)}"
            )
    elif limit.over is Over.QOS:
        for name in _used_qoses(policy):
            yield f"sacctmgr -i modify qos where name={name} set {' '.join(_grouped(limit, tres))}"
    else:
        asked = " ".join(_grouped(limit, tres))
        yield f"# For the account of each class: sacctmgr modify account where name=… set {asked}"


def _grouped(limit: Limit, tres: str) -> Iterator[str]:
    """The terms of a limit on all jobs of one name together."""
    if limit.processors:
        yield f"GrpTRES={tres}={limit.processors}"
    if limit.jobs:
        yield f"GrpJobs={limit.jobs}"
    if limit.processor_minutes is not None:
        yield f"GrpTRESMins={tres}={int(limit.processor_minutes)}"
        if limit.over is Over.QOS:
            yield "flags+=NoDecay"


def _used_qoses(policy: Policy) -> list[str]:
    factors = policy.weights.qos_factors if policy.weights else {}
    limited = [limit.name for limit in policy.limits if limit.over is Over.QOS and limit.name]
    return list(dict.fromkeys([_DEFAULT_QOS, *factors, *policy.preempt, *limited]))


# scontrol


def _reservation(number: int, held: Held, machine: Machine) -> str:
    kind = "floor" if held.klass and held.until is None else "advance" if held.klass else "maintenance"
    terms = [f"ReservationName={kind}_{number}" + (f"_{held.klass}" if held.klass else "")]
    terms.append(f"Accounts={held.klass}" if held.klass else "Users=root")
    terms.append(f"StartTime=now+{max(held.since, 0)}seconds" if held.since else "StartTime=now")
    terms.append("Duration=UNLIMITED" if held.until is None else f"EndTime=now+{max(held.until, 0)}seconds")
    whole = sum(pool.processors for pool in machine.pools if held.partition in ("", pool.name))
    if held.processors >= whole and not held.partition:
        terms.append("Nodes=ALL")
    elif machine.placed:
        cores = next((pool.node_cores for pool in machine.pools if pool.name == held.partition), 1)
        terms.append(f"NodeCnt={-(-held.processors // cores)}")
    else:
        terms.append(f"{'NodeCnt' if machine.cores_per_node > 1 else 'CoreCnt'}={held.processors}")
    if held.partition:
        terms.append(f"PartitionName={held.partition}")
    # Magnetic: jobs of the class go there without asking; flexible: they may run beside it as well.
    terms.append("Flags=MAGNETIC,FLEX,IGNORE_JOBS" if held.klass else "Flags=MAINT,IGNORE_JOBS")
    return f"scontrol create reservation {' '.join(terms)}"


# What is otherwise


def _apart_of_machine(machine: Machine) -> Iterator[str]:
    if machine.cores_per_node > 1:
        yield "Jobs take whole nodes: say OverSubscribe=EXCLUSIVE on the line of each partition."
    elif machine.placed:
        yield "The fullest node first is what select/cons_tres does without CR_LLN; GPUs need GresTypes=gpu."
    if machine.routing:
        yield "Sites would be clusters of a federation: Slurm asks all of them, and the first that starts a job has it."


def _apart_of_scheduling(policy: Policy) -> Iterator[str]:
    if policy.backfill is not Backfill.NONE:
        yield (
            "Slurm's backfill looks at its queue every bf_interval seconds, up to bf_max_job_test jobs and bf_window "
            "ahead; the simulation at each end and arrival, at all of them."
        )
        yield (
            "Slurm's backfill plans by whole nodes: what the first in the queue will leave of its nodes isn't given "
            "to a job that would still run there; the simulation gives it."
        )
    if policy.backfill is Backfill.CONSERVATIVE:
        yield "Slurm plans its reservations anew at each look; the simulation keeps those that were given."
    if not policy.kill_at_limit:
        yield "Slurm ends a job at its limit; the simulation ran on, and took its run time for the limit."
    if policy.preempt and not policy.requeue:
        yield "In Slurm JobRequeue=0 makes an end of preempted jobs too; in the simulation they wait again."
    if policy.preempt:
        yield "In Slurm any job that a QOS lets preempt may do so; in the simulation only the first in the queue."


def _apart_of_priority(weights: Weights) -> Iterator[str]:
    for name, seconds in (("most_age", weights.most_age), ("half_life", weights.half_life), ("period", weights.period)):
        if seconds % 60:
            yield f"{name} is {seconds} s; Slurm counts whole minutes, so it was rounded up."
    if weights.size:
        yield "Slurm's size factor is the mean of a job's parts of the nodes and of the processors, not of one of them."
    if weights.algorithm is FairShare.CLASSIC and weights.damping != max(1, round(weights.damping)):
        yield f"damping is {weights.damping:g}; FairShareDampeningFactor is a whole number from 1."


def _apart_of_limit(limit: Limit, policy: Policy) -> Iterator[str]:
    fades = policy.weights is not None and policy.weights.half_life > 0
    if limit.processor_minutes is not None and limit.over is not Over.QOS and fades:
        yield (
            f"The budget over {limit.over.value} {limit.name or '(each)'}: what accounts and users used fades with "
            "PriorityDecayHalfLife, so that a budget fills up again; only a QOS can say NoDecay."
        )
    if limit.over is Over.USER and limit.name:
        yield f"The limit of the user {limit.name} holds in each of their accounts by itself."
    if not limit.name and limit.over in _EACH_IN_QOS and (limit.jobs or limit.processors):
        yield f"The limit of each {limit.over.value} holds in each QOS by itself."


# Numbers as Slurm takes them


def _scale(values: Mapping[str, float]) -> int:
    """The least power of ten, up to a million, that makes whole numbers of all."""
    for power in range(6):
        if all(float(value * 10**power).is_integer() for value in values.values()):
            return int(10**power)
    return 10**6


def _whole(values: Mapping[str, float]) -> dict[str, int]:
    """The same proportions in whole numbers, which is all that weights and shares mean."""
    scale = _scale(values)
    return {name: round(value * scale) for name, value in values.items()}


def _step(factor: float, factors: Mapping[str, float]) -> int:
    most = max(factors.values())
    return round(_STEPS * factor / most) if most else 0


def _minutes(seconds: int) -> int:
    return -(-seconds // 60)


def _span(seconds: int) -> str:
    """Days-hours:minutes:seconds, of whole minutes, rounded up."""
    hours, minutes = divmod(_minutes(seconds), 60)
    return f"{hours // 24}-{hours % 24:02}:{minutes:02}:00"
