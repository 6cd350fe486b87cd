"""Awards as Slurm's limits: how they stand in its database. The commands that make them so: `changes.py`.

The tree, below the one account that is the platform's (`root_account`, here `fabriek`):

    root
    └── fabriek
        └── fabriek-PROGRAMME     Fairshare = the programme's weight
            └── PROJECT           its people, each on the partitions that were awarded and on no other

What a project may use on a partition is a QOS of its own, `fabriek.CLUSTER.PROJECT.PARTITION` (shortened where that is
too long; its description names both), which each member's association on that partition has and defaults to: nobody
needs to name it, nobody can leave it. GrpTRESMins on a QOS with NoDecay counts use for ever; on an account
PriorityDecayHalfLife would let it fade, and the award would be used twice. DenyOnLimit refuses a job that never can
fit; one that doesn't fit yet waits (reason QOSGrpGRESMinutes). Where GPU-hours alone were awarded MinTRESPerJob
refuses a job without a GPU (QOSMinGRES): no limit of GPUs would hold it back.
Sources: https://slurm.schedmd.com/qos.html, /resource_limits.html, /sacctmgr.html.

Nothing is ever deleted: an award that ended gets GrpJobs=0 and GrpSubmitJobs=0, a member who left MaxJobs=0 and
MaxSubmitJobs=0. So what waits does not start, running jobs end in peace, use stays counted, and what was closed can be
opened again.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from fabriek.compute.slurm.commands import Commands
from fabriek.compute.slurm.formats import FormatError, rows, tres
from fabriek.compute.slurm.settings import SlurmSettings
from fabriek.compute.wire import MOST_FAIRSHARE, UNLIMITED, AccountState

STEP_SECONDS = 60
FLAGS = frozenset({"DenyOnLimit", "NoDecay"})
# Slurm's database tells names apart by their first 42 characters (`unique index udex (name(42))`, `acct(42)`, ...): of
# two that agree in those, adding the second silently changes the first.
LONGEST_NAME = 42
# What somebody at a site made may be more than can be told (`wire.AccountState`): the most that can is told then.
_LONGEST_TOLD = 80
# A limit of 0 jobs, or of 0 of what every job has, is a stop. The first of an account's are those of each person in it,
# who may have another; the second of all of them together, and of all accounts below (resource_limits.html).
_OF_EACH = ("MaxJobs", "MaxSubmitJobs")
_OF_ALL = ("GrpJobs", "GrpSubmitJobs")
_EVERY_JOB_HAS = ("cpu", "mem", "node")
_INHERITED = (*_OF_EACH, "QOS", "DefaultQOS")
_OWN = (*_OF_ALL, "GrpTRES", *_INHERITED)
_ACCOUNTS = ("Account", "User", "ParentName", "Fairshare", *_OWN)
_MEMBERS = ("Account", "User", "Partition", *_OWN)
_QOS = ("Name", "Descr", "Flags", "GrpTRESMins", "GrpJobs", "GrpSubmitJobs", "UsageFactor", "MinTRESPerJob")
Key = tuple[str, str]
"""(account, partition)"""


@dataclass(frozen=True)
class Member:
    """A user's association: on a partition ("": on all of them), with which QOS. stops: see `_stops`."""

    user: str
    partition: str
    stops: tuple[str, ...]
    qos: str
    default_qos: str

    @property
    def open(self) -> bool:
        """Whether they may submit, and what waits may start, by their own limits."""
        return not self.stops


@dataclass(frozen=True)
class Limits:
    """A QOS. Minutes None: not limited. usage_factor: how much counts of what is used. gpus_only: no job has
    none."""

    accelerator_minutes: int | None
    core_minutes: int | None
    open: bool
    flags: frozenset[str]
    usage_factor: float = 1.0
    gpus_only: bool = False

    def less(self, accelerator_minutes: int, core_minutes: int) -> Limits:
        """The same with so much taken off what is limited."""

        def lowered(minutes: int | None, by: int) -> int | None:
            return None if minutes is None else max(minutes - by, 0)

        return replace(
            self,
            accelerator_minutes=lowered(self.accelerator_minutes, accelerator_minutes),
            core_minutes=lowered(self.core_minutes, core_minutes),
        )


@dataclass
class Tree:
    """What stands in Slurm's database for one cluster."""

    parents: dict[str, str] = field(default_factory=dict)
    shares: dict[str, int] = field(default_factory=dict)
    stopped: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Accounts with limits of their own, or of one above, by which nothing is submitted or starts, see `_stops`."""
    members: dict[str, list[Member]] = field(default_factory=lambda: defaultdict(list))
    limits: dict[str, Limits] = field(default_factory=dict)
    described: dict[str, str] = field(default_factory=dict)
    has_gpus: bool = True

    def stands_still(self, account: str) -> bool:
        """Whether an account, or one above it, is stopped for all together, whatever each person may."""
        while account:
            if any(word.startswith("Grp") for word in self.stopped.get(account, ())):
                return True
            account = self.parents.get(account, "")
        return False

    def below(self, root: str) -> set[str]:
        """All accounts under one, without itself."""
        children: dict[str, list[str]] = defaultdict(list)
        for account, parent in self.parents.items():
            children[parent].append(account)
        found: set[str] = set()
        waiting = [root]
        while waiting:
            for child in children[waiting.pop()]:
                if child not in found:
                    found.add(child)
                    waiting.append(child)
        return found


def qos_name(settings: SlurmSettings, account: str, partition: str) -> str:
    """Slurm writes the names of QOS in small letters, and knows them in all clusters of one database.

    A name that is too long ends in a digest of the whole: it can be told from every other, and still be read.
    """
    whole = f"{settings.root_account}.{settings.cluster}.{account}.{partition}".lower()
    if len(whole) <= LONGEST_NAME:
        return whole
    digest = hashlib.sha256(whole.encode()).hexdigest()[:16]
    return f"{whole[: LONGEST_NAME - len(digest) - 1].rstrip('.')}.{digest}"


def wanted_limits(state: AccountState, has_gpus: bool) -> Limits:
    """What an award's QOS should say. Whole minutes, rounded down: an award is never exceeded. Core-hours are limited
    where some were awarded, or where no GPU-hours were; where they aren't, every job asks a GPU, so that none goes
    unlimited."""
    accelerators, cores = max(0, state.accelerator_seconds_limit), max(0, state.core_seconds_limit)
    core_minutes = cores // STEP_SECONDS if cores or not accelerators else None
    return Limits(
        accelerators // STEP_SECONDS if has_gpus else None,
        core_minutes,
        state.active,
        FLAGS,
        gpus_only=has_gpus and core_minutes is None,
    )


def known_as(settings: SlurmSettings, name: str) -> str:
    """Who a person of the platform is in Slurm's database, to be compared with whom it names: it writes people in small
    letters, unless slurmdbd.conf says PreserveCaseUser."""
    return settings.unix_user(name).lower()


def programme_account(settings: SlurmSettings, programme: str) -> str:
    """The account above a programme's projects."""
    return f"{settings.root_account}-{programme or 'none'}".lower()


def read_tree(commands: Commands, settings: SlurmSettings, *, has_gpus: bool) -> Tree:
    """What stands in Slurm's database. Three commands, whatever the number of accounts. has_gpus: whether this cluster
    counts GPUs, which its slurmctld says (`preconditions.py`). Errors: CommandFailed, FormatError.

    What an association has from those above it slurmdbd looks up one by one: with 10,000 accounts for minutes. So it is
    asked of the accounts alone, and of people what is their own (sacctmgr, WOPInfo); what they have not is their
    account's.
    """

    def shown(what: str, columns: Sequence[str], *where: str) -> list[dict[str, str]]:
        words = ["sacctmgr", "--noheader", "--parsable2", "show", what, *where, f"format={','.join(columns)}"]
        return rows(commands.run(words), columns)

    tree, cluster = Tree(has_gpus=has_gpus), f"cluster={settings.cluster}"
    accounts = [row for row in shown("associations", _ACCOUNTS, "where", cluster, "user=") if not row["User"]]
    above = {row["Account"]: row for row in accounts}
    if "root" not in above:
        raise FormatError(f"sacctmgr shows no account root of the cluster {settings.cluster}: is that its name?")
    for row in accounts:
        tree.parents[row["Account"]] = row["ParentName"]
        tree.shares[row["Account"]] = int(row["Fairshare"]) if row["Fairshare"].isdecimal() else 0
    tree.stopped = {account: stops for account, row in above.items() if (stops := _stops(row))}
    for row in shown("associations", _MEMBERS, "WOPInfo", "where", cluster):
        if row["User"] and row["Account"] in above:
            theirs = row | {name: row[name] or above[row["Account"]][name] for name in _INHERITED}
            member = Member(row["User"], row["Partition"], _stops(theirs), theirs["QOS"], theirs["DefaultQOS"])
            tree.members[row["Account"]].append(member)
    for row in shown("qos", _QOS):
        minutes = tres(row["GrpTRESMins"])
        tree.described[row["Name"]] = row["Descr"]
        tree.limits[row["Name"]] = Limits(
            minutes.get("gres/gpu"),
            minutes.get("cpu"),
            not (row["GrpJobs"] == "0" or row["GrpSubmitJobs"] == "0"),
            frozenset(row["Flags"].split(",")) & FLAGS,
            float(row["UsageFactor"] or 1),
            tres(row["MinTRESPerJob"]).get("gres/gpu", 0) >= 1,
        )
    return tree


def _stops(row: Mapping[str, str]) -> tuple[str, ...]:
    """By which limits of an association no job is submitted, or none starts: what sacctmgr is told to lift them."""
    jobs = [f"{name}=-1" for name in (*_OF_EACH, *_OF_ALL) if row[name] == "0"]
    most = tres(row["GrpTRES"])
    shares = [f"{name}=-1" for name in _EVERY_JOB_HAS if most.get(name) == 0]
    return (*jobs, *([f"GrpTRES={','.join(shares)}"] if shares else ()))


def enforced(tree: Tree, settings: SlurmSettings, made: Mapping[Key, AccountState]) -> list[AccountState]:
    """What Slurm enforces of the platform's accounts. `made`: what was last made so, for the names of people and the
    capitals of partitions, which Slurm's database doesn't hold."""
    ours = tree.below(settings.root_account)
    by_lower = {(account, partition.lower()): state for (account, partition), state in made.items()}
    by_name = {qos_name(settings, *key): key for key in by_lower}
    found = []
    for name, limits in sorted(tree.limits.items()):
        whose = by_name.get(name) or _as_described(name, tree, settings)
        if whose is None or whose[0] not in ours:
            continue
        account, partition = whose
        known = by_lower.get(whose)
        parent = tree.parents.get(account, "")
        prefix = f"{settings.root_account}-"
        # Limits that can't be told from none are none: the award is not enforced.
        sound = limits.flags >= FLAGS and limits.usage_factor == 1
        found.append(
            AccountState(
                account=account,
                partition=known.partition if known else partition,
                accelerator_seconds_limit=_seconds(limits.accelerator_minutes, tree.has_gpus) if sound else UNLIMITED,
                core_seconds_limit=_core_seconds(limits, tree.has_gpus) if sound else UNLIMITED,
                active=limits.open,
                users=sorted(_people(tree, settings, account, partition, name, known)),
                programme=(parent.removeprefix(prefix) if parent.startswith(prefix) else parent or "-")[:_LONGEST_TOLD],
                fairshare=min(tree.shares.get(parent, 0), MOST_FAIRSHARE),
                limit_step_seconds=STEP_SECONDS,
            )
        )
    return found


def _as_described(name: str, tree: Tree, settings: SlurmSettings) -> Key | None:
    """Account and partition of a QOS by its description, where its name is theirs."""
    account, _, partition = tree.described.get(name, "").partition(" ")
    return (account, partition) if qos_name(settings, account, partition) == name else None


def _seconds(minutes: int | None, counted: bool) -> int:
    if minutes is None:
        return UNLIMITED if counted else 0
    return min(minutes * STEP_SECONDS, UNLIMITED)


def _core_seconds(limits: Limits, has_gpus: bool) -> int:
    # Where no core-hours were awarded beside GPU-hours, cores aren't limited: none can be used without GPUs.
    if limits.core_minutes is None:
        return 0 if limits.gpus_only or not has_gpus else UNLIMITED
    return min(limits.core_minutes * STEP_SECONDS, UNLIMITED)


def _people(
    tree: Tree, settings: SlurmSettings, account: str, partition: str, qos: str, known: AccountState | None
) -> set[str]:
    """Who may submit: the platform's names where they are its people; others as they are called here."""
    if tree.stands_still(account):
        return set()
    there = [m for m in tree.members.get(account, []) if m.open]
    held = {m.user.lower() for m in there if m.partition.lower() == partition and m.qos == m.default_qos == qos}
    free = {m for m in there if (m.partition.lower() == partition or not m.partition) and m.qos != qos}
    names = {name for name in (known.users if known else []) if known_as(settings, name) in held}
    mapped = {known_as(settings, name) for name in names}
    return names | (held - mapped) | {f"{m.user} (outside the award's limits)" for m in free}
