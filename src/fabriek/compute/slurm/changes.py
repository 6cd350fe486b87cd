"""From what stands in Slurm's database (`accounts.py`) to what was awarded: the commands, and what can't be made so."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from fabriek.compute.engine import less
from fabriek.compute.slurm.accounts import (
    FLAGS,
    LONGEST_NAME,
    Key,
    Limits,
    Member,
    Tree,
    known_as,
    programme_account,
    qos_name,
    wanted_limits,
)
from fabriek.compute.slurm.counts import NO_GAP, Short
from fabriek.compute.slurm.settings import SlurmSettings
from fabriek.compute.slurm.steps import SACCTMGR, Step
from fabriek.compute.wire import AccountState

_ACCOUNT = re.compile(r"[a-z0-9_][a-z0-9_-]{0,41}")
_PARTITION = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,41}")
# Directories have people with dots, capitals, or an @ and their domain. To sacctmgr these are letters like others: in a
# word of its command, in a line, and in a file that it loads. Digits alone would be looked up as somebody's number.
_USER = re.compile(r"(?![0-9]+\Z)[A-Za-z0-9_][A-Za-z0-9_.@+-]{0,41}")
# How many names go into one command: far below the longest command line that a kernel takes.
_CHUNK = 500

# From so many on, new members are loaded from a file in one go, and new QOS added by one command: each command that
# adds reads what is there first.
_MANY = 20
# How many are loaded at once, and beside how many accounts at most. Loading reads every association with all that it
# has from above, which takes slurmdbd 22.05 a second beside 2,000 accounts and five beside 10,000, and all of it has to
# be done while slurmdbd's client waits. One by one what was done stays done.
_LOADED, _LOADABLE = 100, 2_000
# It opens its input by name, which sshd gives it as a socket, and only a pipe can be opened so.
_LOAD = ("sh", "-c", "cat | sacctmgr --immediate load /dev/stdin")
_COUNTED = (f"Flags={','.join(sorted(FLAGS))}", "UsageFactor=1")
_CLOSED_AWARD = ("GrpJobs=0", "GrpSubmitJobs=0")
_SHUT_OUT = ("MaxJobs=0", "MaxSubmitJobs=0")


class NotOurs(Exception):
    """An award's account can't be made so: the name is another's, or no name that Slurm takes. The sentence says it."""


def _description(account: str, partition: str) -> str:
    """What a QOS says of itself, so that its account and partition are known without the agent's own notes."""
    return f"{account} {partition}".lower()


def steps(
    wanted: Collection[AccountState], tree: Tree, settings: SlurmSettings, short: Short | None = None
) -> tuple[list[Step], dict[Key, str]]:
    """The commands that make these accounts so, in order, fewest first where several can share one; and, by account
    and partition, why one can't be made so. short: by how much limits are lower than awarded. Pure."""
    refused: dict[Key, str] = {}
    sound: list[AccountState] = []
    ours = tree.below(settings.root_account)
    for state in wanted:
        try:
            _check(state, tree, settings, ours)
            sound.append(with_known_names(state, settings))
        except NotOurs as error:
            refused[state.account, state.partition] = str(error)
    found = [
        *_accounts(sound, tree, settings),
        *_limits(sound, tree, settings, short or {}),
        *_together([new for state in sound for new in _new_members(state, tree, settings)], tree, settings),
        *(step for state in sound for step in _members(state, tree, settings)),
    ]
    return found, refused


def withdrawals(
    wanted: Collection[AccountState], tree: Tree, settings: SlurmSettings, made: Mapping[Key, AccountState]
) -> tuple[list[Step], list[AccountState], dict[Key, str]]:
    """What waits for nobody of accounts that wait for the operator's choice: an award's end, and who left.

    made: what all were made to be. Returns the commands, what these are made to be then, and why one can't be. Pure.
    """
    found: list[Step] = []
    lessened: list[AccountState] = []
    refused: dict[Key, str] = {}
    ours = tree.below(settings.root_account)
    for state in wanted:
        key = (state.account, state.partition)
        before = made.get(key)
        if before is None or (after := less(before, state)) == before:
            continue
        if state.account in tree.parents and state.account not in ours:
            refused[key] = f"the account {state.account} stands outside {settings.root_account}; it isn't touched"
            continue
        lessened.append(after)
        name = qos_name(settings, *key)
        limits = tree.limits.get(name)
        if before.active and not after.active and limits and limits.open:
            words = _sacctmgr("modify", "qos", "where", f"name={name}", "set", *_CLOSED_AWARD)
            found.append(Step(words, f"{state.account} on {state.partition}: ended", frozenset({key})))
        stay = {known_as(settings, name) for name in after.users}
        left = {known_as(settings, name) for name in before.users} - stay
        gone = [m for user, m in _on_partition(state, tree).items() if user in left and m.open]
        found += _modify(state, settings, gone, "may not submit any more", *_SHUT_OUT)
    return found, lessened, refused


def with_known_names(state: AccountState, settings: SlurmSettings) -> AccountState:
    """An award with those of its people whose names Slurm takes: one odd name is no reason to refuse the others."""
    odd = _odd_names(state, settings)
    return state.model_copy(update={"users": [name for name in state.users if name not in odd]}) if odd else state


def left_out(wanted: Collection[AccountState], settings: SlurmSettings) -> dict[Key, str]:
    """Who of an open award can't be let in, and why, by account and partition."""
    return {
        (state.account, state.partition): f"{_listed([repr(name) for name in odd.values()])}: no name of a user that "
        "Slurm takes (letters, digits, . _ @ + and -, not digits alone); left out, the others may submit"
        for state in wanted
        if state.active and (odd := _odd_names(state, settings))
    }


def _odd_names(state: AccountState, settings: SlurmSettings) -> dict[str, str]:
    """The platform's names of those who have one here that Slurm doesn't take, and that name."""
    mapped = {name: settings.unix_user(name) for name in state.users}
    return {name: here for name, here in mapped.items() if not _USER.fullmatch(here)}


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
        raise NotOurs(f"{state.partition!r} is no partition's name (at most {LONGEST_NAME} letters, digits, . - and _)")
    if account in tree.parents and account not in ours:
        raise NotOurs(
            f"the account {account} is there already and stands outside {settings.root_account}; it isn't touched. "
            "Rename it, or move it below if it is this project's"
        )
    if settings.root_account in tree.parents and tree.parents[settings.root_account] != "root":
        raise NotOurs(f"{settings.root_account} stands below {tree.parents[settings.root_account]}, not below root")
    if above in tree.parents and above not in ours:
        raise NotOurs(f"the account {above} is there already and stands outside {settings.root_account}")
    # One that ended is closed all the same.
    if state.active and state.accelerator_seconds_limit > 0 and not tree.has_gpus:
        raise NotOurs(
            "this cluster counts no GPUs: put gres/gpu into AccountingStorageTRES in slurm.conf and restart slurmctld"
        )


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
    return found + _reopened(wanted, tree, settings)


def _reopened(wanted: Sequence[AccountState], tree: Tree, settings: SlurmSettings) -> list[Step]:
    """Accounts of ours that somebody stopped: who may submit is said of each person, and what is used of each award."""
    whose: dict[str, set[Key]] = defaultdict(set)
    for state in wanted:
        for name in (settings.root_account, programme_account(settings, state.programme), state.account):
            whose[name].add((state.account, state.partition))
    return [
        Step(
            _sacctmgr("modify", "account", "where", f"name={name}", f"cluster={settings.cluster}", "set", *stops),
            f"{name} was stopped",
            frozenset(keys),
        )
        for name, keys in whose.items()
        if (stops := tree.stopped.get(name))
    ]


def _limits(wanted: Sequence[AccountState], tree: Tree, settings: SlurmSettings, short: Short) -> list[Step]:
    """The awards' QOS. Many new ones are added by one command, closed, and then set: each command that adds reads all
    QOS that there are, which takes the longer the more there are."""
    new = [state for state in wanted if qos_name(settings, state.account, state.partition) not in tree.limits]
    found = []
    for first in range(0, len(new), _CHUNK) if len(new) >= _MANY else ():
        some = new[first : first + _CHUNK]
        names = ",".join(qos_name(settings, state.account, state.partition) for state in some)
        words = _sacctmgr("add", "qos", f"name={names}", "set", *_CLOSED_AWARD, *_COUNTED)
        keys = frozenset((state.account, state.partition) for state in some)
        found.append(Step(words, f"limits, closed as yet: {_listed([state.account for state in some])}", keys))
    added = len(new) >= _MANY
    return found + [step for state in wanted for step in _limit(state, tree, settings, short, added=added)]


def _limit(state: AccountState, tree: Tree, settings: SlurmSettings, short: Short, *, added: bool) -> list[Step]:
    """One award's QOS. added: new ones are there by now."""
    name = qos_name(settings, state.account, state.partition)
    gap = short.get((state.account, state.partition), NO_GAP)
    want = wanted_limits(state, tree.has_gpus).less(gap.accelerator_minutes, gap.core_minutes)
    there = tree.limits.get(name)
    if there == want:
        return []
    minutes = [f"cpu={-1 if want.core_minutes is None else want.core_minutes}"]
    if tree.has_gpus:
        minutes.append(f"gres/gpu={-1 if want.accelerator_minutes is None else want.accelerator_minutes}")
    least = (f"MinTRESPerJob=gres/gpu={1 if want.gpus_only else -1}",) if tree.has_gpus else ()
    how_many = "-1" if want.open else "0"
    settled = (
        f"GrpTRESMins={','.join(minutes)}",
        f"GrpJobs={how_many}",
        f"GrpSubmitJobs={how_many}",
        *least,
        *_COUNTED,
    )
    key = frozenset({(state.account, state.partition)})
    said = f"{state.account} on {state.partition}: {_limit_words(want)}"
    if gap != NO_GAP:
        said += ", which is less than was awarded by what Slurm has not counted"
    described = f"Description={_description(state.account, state.partition)}"
    words: tuple[str, ...]
    if there is not None:
        words = ("modify", "qos", "where", f"name={name}", "set", *settled)
        said += f"; it was: {_limit_words(there)}"
    elif added:
        words = ("modify", "qos", "where", f"name={name}", "set", described, *settled)
    else:
        words = ("add", "qos", f"name={name}", described, "set", *settled)
    return [Step(_sacctmgr(*words), said, key)]


def _limit_words(limits: Limits) -> str:
    parts = [
        f"{minutes} {unit}" if minutes is not None else f"any {unit}"
        for minutes, unit in ((limits.accelerator_minutes, "GPU-minutes"), (limits.core_minutes, "core-minutes"))
    ]
    if limits.gpus_only:
        parts.append("for jobs with GPUs only")
    if not limits.open:
        parts.append("closed")
    if not limits.flags >= FLAGS:
        parts.append(f"without {' and '.join(sorted(FLAGS - limits.flags))}")
    if limits.usage_factor != 1:
        parts.append(f"of which {limits.usage_factor:g} counts")
    return ", ".join(parts)


@dataclass(frozen=True)
class _NewMembers:
    """Users who get an association with an account on a partition, within a QOS."""

    users: tuple[str, ...]
    key: Key
    qos: str


def _new_members(state: AccountState, tree: Tree, settings: SlurmSettings) -> Iterator[_NewMembers]:
    there = _on_partition(state, tree)
    new = sorted({settings.unix_user(name) for name in state.users if known_as(settings, name) not in there})
    if new:
        key = (state.account, state.partition)
        yield _NewMembers(tuple(new), key, qos_name(settings, *key))


def _together(new: Sequence[_NewMembers], tree: Tree, settings: SlurmSettings) -> list[Step]:
    """New members by a command for each account; many of them by `sacctmgr load`, which adds to what is there."""
    one_by_one = [_added(members, settings) for members in new]
    if len(new) < _MANY or len(tree.parents) > _LOADABLE:
        return one_by_one
    found = []
    for first in range(0, len(new), _LOADED):
        some = new[first : first + _LOADED]
        # No options behind the cluster's name: they would be its root account's (sacctmgr, "FLAT FILE DUMP AND LOAD").
        lines = [f"Cluster - '{settings.cluster}'"]
        for members in some:
            (account, partition), qos = members.key, members.qos
            lines.append(f"Parent - '{account}'")
            lines += [f"User - '{u}':Partition='{partition}':DefaultQOS='{qos}':QOS='{qos}'" for u in members.users]
        found.append(
            Step(
                _LOAD,
                f"the people of {_listed([members.key[0] for members in some])} may submit",
                frozenset(members.key for members in some),
                "\n".join(lines) + "\n",
                tuple(one_by_one[first : first + _LOADED]),
            )
        )
    return found


def _added(members: _NewMembers, settings: SlurmSettings) -> Step:
    account, partition = members.key
    where = (f"account={account}", f"cluster={settings.cluster}", f"partition={partition}")
    settled = (f"qos={members.qos}", f"defaultqos={members.qos}")
    words = _sacctmgr("add", "user", f"name={','.join(members.users)}", *where, *settled)
    return Step(words, f"{account} on {partition}: {_listed(members.users)} may submit", frozenset({members.key}))


def _on_partition(state: AccountState, tree: Tree) -> dict[str, Member]:
    """The associations of an award's account with its partition, by whose they are (`known_as`)."""
    there = tree.members.get(state.account, [])
    return {m.user.lower(): m for m in there if m.partition.lower() == state.partition.lower()}


def _members(state: AccountState, tree: Tree, settings: SlurmSettings) -> list[Step]:
    """Who was there already and may submit, or may not any more, on this partition, within the award's QOS."""
    qos = qos_name(settings, state.account, state.partition)
    here = _on_partition(state, tree)
    want = {known_as(settings, name) for name in state.users}
    anywhere = [m for m in tree.members.get(state.account, []) if not m.partition and m.open]
    gone = [m for user, m in here.items() if m.open and user not in want]
    changed = [m for user, m in here.items() if user in want and not (m.open and m.qos == m.default_qos == qos)]
    lifted = sorted({stop for m in changed for stop in m.stops})
    return [
        *_modify(state, settings, anywhere, "had every partition, without a limit", *_SHUT_OUT, partition=""),
        *_modify(state, settings, gone, "may not submit any more", *_SHUT_OUT),
        *_modify(state, settings, changed, "may submit within it", f"qos={qos}", f"defaultqos={qos}", *lifted),
    ]


def _modify(
    state: AccountState,
    settings: SlurmSettings,
    members: Sequence[Member],
    why: str,
    *settled: str,
    partition: str | None = None,
) -> list[Step]:
    """What makes the associations of some people so; none where there are no people."""
    if not members:
        return []
    account, users = state.account, sorted(m.user for m in members)
    where = (f"name={','.join(users)}", f"account={account}", f"cluster={settings.cluster}")
    on = f"partition={state.partition if partition is None else partition}"
    words = _sacctmgr("modify", "user", "where", *where, on, "set", *settled)
    said = f"{account} on {state.partition}: {_listed(users)} {why}"
    return [Step(words, said, frozenset({(account, state.partition)}))]


def _sacctmgr(*words: str) -> tuple[str, ...]:
    return (*SACCTMGR, *words)


def _listed(names: Sequence[str], most: int = 5) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
