"""Awards as Slurm's limits: what stands in its database, what should, and the commands between the two.

The tree, below the one account that is the platform's (`root_account`, here `fabriek`):

    root
    └── fabriek
        └── fabriek-PROGRAMME     Fairshare = the programme's weight
            └── PROJECT           its people, each on the partitions that were awarded and on no other

What a project may use on a partition is a QOS of its own, `fabriek.CLUSTER.PROJECT.PARTITION` (shortened where that is
too long; its description names both), which each member's association on that partition has and defaults to: nobody
needs to name it, nobody can leave it. GrpTRESMins on a QOS with NoDecay counts use for ever; on an account
PriorityDecayHalfLife would let it fade, and the award would be used twice. DenyOnLimit refuses a job that never can
fit; one that doesn't fit yet waits (reason QOSGrpGRESMinutes).
Sources: https://slurm.schedmd.com/qos.html, /resource_limits.html, /sacctmgr.html.

Nothing is ever deleted: an award that ended gets GrpJobs=0 and GrpSubmitJobs=0, a member who left MaxSubmitJobs=0. So
running jobs end in peace, use stays counted, and what was closed can be opened again.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from fabriek.compute.slurm.commands import CommandFailed, Commands, NoAnswer
from fabriek.compute.slurm.formats import rows, tres
from fabriek.compute.slurm.settings import SlurmSettings
from fabriek.compute.wire import UNLIMITED, AccountState

STEP_SECONDS = 60
_FLAGS = frozenset({"DenyOnLimit", "NoDecay"})
# Slurm's database tells names apart by their first 42 characters (`unique index udex (name(42))`, `acct(42)`, ...): of
# two that agree in those, adding the second silently changes the first.
LONGEST_NAME = 42
_ACCOUNT = re.compile(r"[a-z0-9_][a-z0-9_-]{0,41}")
_PARTITION = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,41}")
_USER = re.compile(r"[a-z_][a-z0-9_-]{0,31}")
_ASSOCIATIONS = ("Account", "User", "Partition", "ParentName", "Fairshare", "MaxSubmitJobs", "QOS", "DefaultQOS")
_QOS = ("Name", "Descr", "Flags", "GrpTRESMins", "GrpJobs", "GrpSubmitJobs")
# How many names go into one command: far below the longest command line that a kernel takes.
_CHUNK = 500

Key = tuple[str, str]
"""(account, partition)"""


@dataclass(frozen=True)
class Step:
    """A command that brings Slurm nearer to what was awarded, why, and for whose sake."""

    words: tuple[str, ...]
    why: str
    keys: frozenset[Key]


@dataclass(frozen=True)
class Member:
    """A user's association: on a partition ("": on all of them), open or closed, with which QOS."""

    user: str
    partition: str
    open: bool
    qos: str
    default_qos: str


@dataclass(frozen=True)
class Limits:
    """A QOS. Minutes None: not limited."""

    accelerator_minutes: int | None
    core_minutes: int | None
    open: bool
    flags: frozenset[str]


@dataclass
class Tree:
    """What stands in Slurm's database for one cluster."""

    parents: dict[str, str] = field(default_factory=dict)
    shares: dict[str, int] = field(default_factory=dict)
    members: dict[str, list[Member]] = field(default_factory=lambda: defaultdict(list))
    limits: dict[str, Limits] = field(default_factory=dict)
    described: dict[str, str] = field(default_factory=dict)
    has_gpus: bool = True

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


class NotOurs(Exception):
    """An award's account can't be made so: the name is another's, or no name that Slurm takes. The sentence says it."""


def qos_name(settings: SlurmSettings, account: str, partition: str) -> str:
    """Slurm writes the names of QOS in small letters, and knows them in all clusters of one database.

    A name that is too long ends in a digest of the whole: it can be told from every other, and still be read.
    """
    whole = f"{settings.root_account}.{settings.cluster}.{account}.{partition}".lower()
    if len(whole) <= LONGEST_NAME:
        return whole
    digest = hashlib.sha256(whole.encode()).hexdigest()[:16]
    return f"{whole[: LONGEST_NAME - len(digest) - 1].rstrip('.')}.{digest}"


def _description(account: str, partition: str) -> str:
    """What a QOS says of itself, so that its account and partition are known without the agent's own notes."""
    return f"{account} {partition}".lower()


def programme_account(settings: SlurmSettings, programme: str) -> str:
    """The account above a programme's projects."""
    return f"{settings.root_account}-{programme or 'none'}".lower()


def read_tree(commands: Commands, settings: SlurmSettings) -> Tree:
    """What stands in Slurm's database. Three commands, whatever the number of accounts. Errors: CommandFailed,
    FormatError."""

    def shown(what: str, columns: Sequence[str], *where: str) -> list[dict[str, str]]:
        words = ["sacctmgr", "--noheader", "--parsable2", "show", what, *where, f"format={','.join(columns)}"]
        return rows(commands.run(words), columns)

    tree = Tree()
    for row in shown("associations", _ASSOCIATIONS, "where", f"cluster={settings.cluster}"):
        if not row["User"]:
            tree.parents[row["Account"]] = row["ParentName"]
            tree.shares[row["Account"]] = int(row["Fairshare"]) if row["Fairshare"].isdecimal() else 0
        else:
            tree.members[row["Account"]].append(
                Member(row["User"], row["Partition"], row["MaxSubmitJobs"] != "0", row["QOS"], row["DefaultQOS"])
            )
    for row in shown("qos", _QOS):
        minutes = tres(row["GrpTRESMins"])
        tree.described[row["Name"]] = row["Descr"]
        tree.limits[row["Name"]] = Limits(
            minutes.get("gres/gpu"),
            minutes.get("cpu"),
            not (row["GrpJobs"] == "0" or row["GrpSubmitJobs"] == "0"),
            frozenset(row["Flags"].split(",")) & _FLAGS,
        )
    tree.has_gpus = any(row == {"Type": "gres", "Name": "gpu"} for row in shown("tres", ("Type", "Name")))
    return tree


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
        sound = limits.flags >= _FLAGS
        found.append(
            AccountState(
                account=account,
                partition=known.partition if known else partition,
                accelerator_seconds_limit=_seconds(limits.accelerator_minutes, tree.has_gpus) if sound else UNLIMITED,
                core_seconds_limit=_core_seconds(limits) if sound else UNLIMITED,
                active=limits.open,
                users=sorted(_people(tree, settings, account, partition, name, known)),
                programme=parent.removeprefix(prefix) if parent.startswith(prefix) else parent or "-",
                fairshare=tree.shares.get(parent, 0),
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
    return minutes * STEP_SECONDS


def _core_seconds(limits: Limits) -> int:
    # Where no core-hours were awarded beside GPU-hours, cores aren't limited, and 0 is what was awarded.
    return 0 if limits.core_minutes is None else limits.core_minutes * STEP_SECONDS


def _people(
    tree: Tree, settings: SlurmSettings, account: str, partition: str, qos: str, known: AccountState | None
) -> set[str]:
    """Who may submit: the platform's names where they are its people; others as they are called here."""
    there = [m for m in tree.members.get(account, []) if m.open]
    held = {m.user for m in there if m.partition.lower() == partition and m.qos == m.default_qos == qos}
    free = {m for m in there if (m.partition.lower() == partition or not m.partition) and m.qos != qos}
    names = {name for name in (known.users if known else []) if settings.unix_user(name) in held}
    mapped = {settings.unix_user(name) for name in names}
    return names | (held - mapped) | {f"{m.user} (outside the award's limits)" for m in free}


def steps(wanted: Collection[AccountState], tree: Tree, settings: SlurmSettings) -> tuple[list[Step], dict[Key, str]]:
    """The commands that make these accounts so, in order, fewest first where several can share one; and, by account
    and partition, why one can't be made so. Pure."""
    refused: dict[Key, str] = {}
    sound: list[AccountState] = []
    ours = tree.below(settings.root_account)
    for state in wanted:
        try:
            _check(state, tree, settings, ours)
            sound.append(state)
        except NotOurs as error:
            refused[state.account, state.partition] = str(error)
    found = [
        *_accounts(sound, tree, settings),
        *(step for state in sound for step in _limits(state, tree, settings)),
        *(step for state in sound for step in _members(state, tree, settings)),
    ]
    return found, refused


def _check(state: AccountState, tree: Tree, settings: SlurmSettings, ours: set[str]) -> None:
    """Errors: NotOurs."""
    account = state.account
    above = programme_account(settings, state.programme)
    if not _ACCOUNT.fullmatch(account) or not _ACCOUNT.fullmatch(above):
        raise NotOurs(
            f"{account!r} in {state.programme!r}: Slurm's accounts have small letters, digits, - and _ only, "
            f"at most {LONGEST_NAME}"
        )
    if not _PARTITION.fullmatch(state.partition):
        raise NotOurs(f"{state.partition!r} is no partition's name (at most {LONGEST_NAME} letters, digits, - and _)")
    if account in tree.parents and account not in ours:
        raise NotOurs(
            f"the account {account} is there already and stands outside {settings.root_account}; it isn't touched. "
            "Rename it, or move it below if it is this project's"
        )
    if settings.root_account in tree.parents and tree.parents[settings.root_account] != "root":
        raise NotOurs(f"{settings.root_account} stands below {tree.parents[settings.root_account]}, not below root")
    if above in tree.parents and above not in ours:
        raise NotOurs(f"the account {above} is there already and stands outside {settings.root_account}")
    if state.accelerator_seconds_limit > 0 and not tree.has_gpus:
        raise NotOurs(
            "this cluster counts no GPUs: put gres/gpu into AccountingStorageTRES in slurm.conf and restart slurmctld"
        )
    for name in state.users:
        if not _USER.fullmatch(settings.unix_user(name)):
            raise NotOurs(f"{settings.unix_user(name)!r} is no name of a user")


def _accounts(wanted: Sequence[AccountState], tree: Tree, settings: SlurmSettings) -> list[Step]:
    """The tree down to the projects."""
    if not wanted:
        return []
    root = settings.root_account
    cluster = f"cluster={settings.cluster}"
    found = []
    words: tuple[str, ...]
    everyone = frozenset((s.account, s.partition) for s in wanted)
    described = ("Description=fabriek", "Organization=fabriek")
    if root not in tree.parents:
        words = ("add", "account", f"name={root}", cluster, "parent=root", *described)
        found.append(Step(_sacctmgr(*words), f"the platform's own account {root}", everyone))
    new: dict[str, dict[str, set[Key]]] = defaultdict(lambda: defaultdict(set))
    moved: dict[str, tuple[str, set[Key]]] = {}
    for programme in sorted({s.programme for s in wanted}):
        above = programme_account(settings, programme)
        of = [s for s in wanted if s.programme == programme]
        share = max((s.fairshare for s in of), default=0) or 1
        keys = frozenset((s.account, s.partition) for s in of)
        if above not in tree.parents:
            words = ("add", "account", f"name={above}", cluster, f"parent={root}", f"fairshare={share}", *described)
            found.append(Step(_sacctmgr(*words), f"programme {programme}, which weighs {share}", keys))
        elif tree.shares.get(above) != share:
            words = ("modify", "account", "where", f"name={above}", cluster, "set", f"fairshare={share}")
            why = f"programme {programme} weighs {share}, not {tree.shares.get(above)}"
            found.append(Step(_sacctmgr(*words), why, keys))
        for state in of:
            if state.account not in tree.parents:
                new[above][state.account].add((state.account, state.partition))
            elif tree.parents[state.account] != above:
                moved.setdefault(state.account, (above, set()))[1].add((state.account, state.partition))
    for above, accounts in new.items():
        names = sorted(accounts)
        for first in range(0, len(names), _CHUNK):
            some = names[first : first + _CHUNK]
            words = ("add", "account", f"name={','.join(some)}", cluster, f"parent={above}", *described)
            keys = frozenset(key for name in some for key in accounts[name])
            found.append(Step(_sacctmgr(*words), f"new: {_listed(some)}", keys))
    for account, (above, keys_of) in sorted(moved.items()):
        words = ("modify", "account", "where", f"name={account}", cluster, "set", f"parent={above}")
        why = f"{account} belongs below {above}, not {tree.parents[account]}"
        found.append(Step(_sacctmgr(*words), why, frozenset(keys_of)))
    return found


def _limits(state: AccountState, tree: Tree, settings: SlurmSettings) -> list[Step]:
    """The award's QOS."""
    name = qos_name(settings, state.account, state.partition)
    want = wanted_limits(state, tree.has_gpus)
    there = tree.limits.get(name)
    if there == want:
        return []
    minutes = [f"cpu={-1 if want.core_minutes is None else want.core_minutes}"]
    if tree.has_gpus:
        minutes.append(f"gres/gpu={-1 if want.accelerator_minutes is None else want.accelerator_minutes}")
    how_many = "-1" if want.open else "0"
    settled = (
        f"GrpTRESMins={','.join(minutes)}",
        f"GrpJobs={how_many}",
        f"GrpSubmitJobs={how_many}",
        f"Flags={','.join(sorted(_FLAGS))}",
    )
    key = frozenset({(state.account, state.partition)})
    said = f"{state.account} on {state.partition}: {_limit_words(want)}"
    if there is None:
        described = f"Description={_description(state.account, state.partition)}"
        return [Step(_sacctmgr("add", "qos", f"name={name}", described, "set", *settled), said, key)]
    words = ("modify", "qos", "where", f"name={name}", "set", *settled)
    return [Step(_sacctmgr(*words), f"{said}; it was: {_limit_words(there)}", key)]


def wanted_limits(state: AccountState, has_gpus: bool) -> Limits:
    """What an award's QOS should say. Whole minutes, rounded down: an award is never exceeded. Core-hours are limited
    where some were awarded, or where no GPU-hours were."""
    accelerators, cores = max(0, state.accelerator_seconds_limit), max(0, state.core_seconds_limit)
    return Limits(
        accelerators // STEP_SECONDS if has_gpus else None,
        cores // STEP_SECONDS if cores or not accelerators else None,
        state.active,
        _FLAGS,
    )


def _limit_words(limits: Limits) -> str:
    parts = [
        f"{minutes} {unit}" if minutes is not None else f"any {unit}"
        for minutes, unit in ((limits.accelerator_minutes, "GPU-minutes"), (limits.core_minutes, "core-minutes"))
    ]
    if not limits.open:
        parts.append("closed")
    if not limits.flags >= _FLAGS:
        parts.append(f"without {' and '.join(sorted(_FLAGS - limits.flags))}")
    return ", ".join(parts)


def _members(state: AccountState, tree: Tree, settings: SlurmSettings) -> list[Step]:
    """Who may submit, on this partition, within the award's QOS."""
    qos = qos_name(settings, state.account, state.partition)
    cluster, account = f"cluster={settings.cluster}", state.account
    key = frozenset({(account, state.partition)})
    there = tree.members.get(account, [])
    here = {m.user: m for m in there if m.partition.lower() == state.partition.lower()}
    want = {settings.unix_user(name) for name in state.users}

    def modify(users: Sequence[str], partition: str, why: str, *settled: str) -> list[Step]:
        where = (f"name={','.join(users)}", f"account={account}", cluster, f"partition={partition}")
        words = ("modify", "user", "where", *where, "set", *settled)
        return [Step(_sacctmgr(*words), f"{account} on {state.partition}: {why}", key)] if users else []

    anywhere = sorted(m.user for m in there if not m.partition and m.open)
    gone = sorted(user for user, m in here.items() if m.open and user not in want)
    new = sorted(want - here.keys())
    changed = sorted(
        user for user in want & here.keys() if not (here[user].open and here[user].qos == here[user].default_qos == qos)
    )
    found = modify(anywhere, "", f"{_listed(anywhere)} had every partition, without a limit", "MaxSubmitJobs=0")
    found += modify(gone, state.partition, f"{_listed(gone)} may not submit any more", "MaxSubmitJobs=0")
    settled = (f"qos={qos}", f"defaultqos={qos}")
    if new:
        words = ("add", "user", f"name={','.join(new)}", f"account={account}", cluster, f"partition={state.partition}")
        found.append(
            Step(_sacctmgr(*words, *settled), f"{account} on {state.partition}: {_listed(new)} may submit", key)
        )
    found += modify(changed, state.partition, f"{_listed(changed)} may submit within it", *settled, "MaxSubmitJobs=-1")
    return found


def apply(commands: Commands, todo: Sequence[Step]) -> dict[Key, str]:
    """Carry the steps out, and say, by account and partition, why one could not be. A step whose earlier one failed
    is tried all the same: it may be another account's too. Errors: NoAnswer, with the rest undone.

    One after another: slurmdbd 22.05 was seen to go down when four sacctmgr wrote side by side.
    """
    failed: dict[Key, str] = {}
    for step in todo:
        try:
            commands.run(step.words)
        except NoAnswer:
            raise
        except CommandFailed as error:
            # sacctmgr ends with 1 where all was so already (another agent, an answer that was lost): that is no fault.
            if "Nothing new added" in error.said or "Nothing modified" in error.said:
                continue
            for key in step.keys:
                failed.setdefault(key, f"{' '.join(step.words)}: {error.said}")
    return failed


def _sacctmgr(*words: str) -> tuple[str, ...]:
    return ("sacctmgr", "--immediate", *words)


def _listed(names: Sequence[str], most: int = 5) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
