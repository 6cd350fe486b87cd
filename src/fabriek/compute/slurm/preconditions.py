"""What a site's Slurm must be like for awards to hold: what slurmctld says of itself, and what is wrong with it.

A limit that stands in Slurm's database may be one that nobody keeps: slurmctld enforces what its slurm.conf says,
counts what was used with one priority plugin only, and lets partitions have rules of their own. So it is asked.
Sources: https://slurm.schedmd.com/slurm.conf.html, /resource_limits.html (which limit goes before which), /qos.html.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

from fabriek.compute.engine import EngineError
from fabriek.compute.slurm.accounts import Key, Tree, qos_name
from fabriek.compute.slurm.commands import Commands
from fabriek.compute.slurm.formats import FormatError, config_shown, partitions_shown
from fabriek.compute.slurm.settings import SlurmSettings

# Seconds until slurmctld is asked again: where all was well; where something was wrong, so that it is soon seen mended;
# and where it gave no answer.
ASKED_EVERY, WRONG_EVERY, SILENT_EVERY = 3_600.0, 300.0, 60.0
ENFORCED = ("associations", "limits", "qos", "safe")
_RESTART = "and restart slurmctld (reconfigure does not do it)"
# Newer ones let an account named in AllowAccounts bring those below it (scontrol(1)); 22.05 doesn't, as was tried. From
# when on isn't said: older ones than this are asked for each by its name.
_BRINGS_THOSE_BELOW = (24, 11)
_NAMED = 5


class WrongCluster(EngineError):
    """Slurm's commands speak to another cluster than slurm.toml names: limits would be written where nobody reads
    them."""


@dataclass(frozen=True)
class Told:
    """What slurmctld said: its configuration by name, and each partition's by name in small letters."""

    config: dict[str, str]
    partitions: list[dict[str, str]]

    @property
    def counts_gpus(self) -> bool:
        """Whether this cluster limits and accounts for GPUs; another one of the same database may."""
        return "gres/gpu" in _listed(self.config.get("AccountingStorageTRES", ""))


def ask(commands: Commands) -> Told:
    """Two commands. Errors: CommandFailed; FormatError where what is printed is no configuration."""
    config = config_shown(commands.run(["scontrol", "show", "config"]))
    if not config.get("ClusterName"):
        raise FormatError("scontrol show config tells no ClusterName")
    # Hidden ones too.
    return Told(config, partitions_shown(commands.run(["scontrol", "--all", "--oneliner", "show", "partition"])))


class Preconditions:
    """What slurmctld said last: asked at the start, every hour, and when an award comes to a partition that had none.

    clock: seconds, as `time.monotonic`.
    """

    def __init__(
        self, commands: Commands, settings: SlurmSettings, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._commands, self._settings, self._clock = commands, settings, clock
        self._told: Told | None = None
        self._ask_at = 0.0
        self._looked_at: frozenset[Key] | None = None
        self._problems: list[str] = []

    def told(self) -> Told:
        """What it said last; it is asked where that is due. Errors: as `ask` where it never answered; WrongCluster."""
        told = self._told
        if told is None or self._clock() >= self._ask_at:
            told = self._told = self._asked(told)
        named, settings = told.config["ClusterName"], self._settings
        if named != settings.cluster:
            self._ask_soon()
            raise WrongCluster(
                f"Slurm's commands speak to the cluster {named}, and slurm.toml says cluster = {settings.cluster!r}: "
                "nothing is enforced. Write the ClusterName of the slurm.conf that SLURM_CONF names ([commands] in "
                "slurm.toml), or have SLURM_CONF name that cluster's slurm.conf, and restart the agent"
            )
        return told

    def problems(self, wanted: frozenset[Key], tree: Tree) -> list[str]:
        """See `problems`; found once for what was told and is wanted. Errors: as `told`."""
        if self._looked_at is not None and self._partitions_of(wanted) - self._partitions_of(self._looked_at):
            self._ask_at = 0.0
        before, told = self._told, self.told()
        if told is not before or wanted != self._looked_at:
            self._problems, self._looked_at = problems(told, tree, wanted, self._settings), wanted
            if self._problems:
                self._ask_soon()
        return self._problems

    def _asked(self, before: Told | None) -> Told:
        try:
            told = ask(self._commands)
        except EngineError:
            if before is None:
                raise
            # The last answer holds until there is another.
            self._ask_at = self._clock() + SILENT_EVERY
            return before
        self._ask_at = self._clock() + ASKED_EVERY
        return told

    def _ask_soon(self) -> None:
        """What is wrong should be seen mended before an hour is over."""
        self._ask_at = min(self._ask_at, self._clock() + WRONG_EVERY)

    @staticmethod
    def _partitions_of(keys: Collection[Key]) -> set[str]:
        return {partition for _account, partition in keys}


def problems(told: Told, tree: Tree, wanted: Collection[Key], settings: SlurmSettings) -> list[str]:
    """What keeps awards from holding, or people from using them: each a sentence, with what to write. Pure.

    wanted: account and partition of each award that is open.
    """
    return [*_of_config(told), *_of_partitions(told, tree, wanted, settings)]


def _of_config(told: Told) -> Iterator[str]:
    config = told.config
    enforced = _listed(config.get("AccountingStorageEnforce", ""))
    if lacking := [word for word in ENFORCED if word not in enforced]:
        yield (
            f"Awards are not enforced: AccountingStorageEnforce of {config['ClusterName']} is "
            f"{','.join(sorted(enforced)) or 'nothing'} and lacks {' and '.join(lacking)}. Write "
            f"AccountingStorageEnforce={','.join(ENFORCED)} in slurm.conf {_RESTART}"
        )
    plugin = config.get("PriorityType", "")
    if plugin.rpartition("/")[2] != "multifactor":
        yield (
            f"No award ever ends: with PriorityType={plugin or 'nothing'} Slurm does not count what was used. Write "
            f"PriorityType=priority/multifactor in slurm.conf {_RESTART}; what was used until then is not counted"
        )
    period = config.get("PriorityUsageResetPeriod", "")
    if period not in ("", "NONE"):
        yield (
            f"Awards are given out again: PriorityUsageResetPeriod={period} sets what was used to 0, also of QOS with "
            f"NoDecay. Write PriorityUsageResetPeriod=NONE in slurm.conf {_RESTART}"
        )
    if "gpu" in _listed(config.get("GresTypes", "")) and not told.counts_gpus:
        yield (
            "GPUs are neither limited nor metered: AccountingStorageTRES lacks gres/gpu. Write "
            f"AccountingStorageTRES=gres/gpu in slurm.conf {_RESTART}; what ran until then stays unmetered"
        )


def _of_partitions(told: Told, tree: Tree, wanted: Collection[Key], settings: SlurmSettings) -> Iterator[str]:
    by_name = {partition["partitionname"]: partition for partition in told.partitions}
    accounts: dict[str, list[str]] = defaultdict(list)
    for account, partition in sorted(wanted):
        accounts[partition].append(account)
    for name, of in accounts.items():
        if name not in by_name:
            yield (
                f"There is no partition {name} (there are {_some(sorted(by_name)) or 'none'}), and {_some(of)} may use "
                "it: no job starts. Add it to slurm.conf, or have the platform know it by its name here"
            )
            continue
        yield from _of_partition(by_name[name], of, told, tree, settings)


def _of_partition(
    partition: dict[str, str], accounts: Sequence[str], told: Told, tree: Tree, settings: SlurmSettings
) -> Iterator[str]:
    name = partition["partitionname"]
    let_in, kept_out = (_names(partition, option) for option in ("allowqos", "denyqos"))
    qos = {account: qos_name(settings, account, name) for account in accounts}
    if let_in is not None and (out := [account for account in accounts if qos[account] not in let_in]):
        yield (
            f"Partition {name} lets in AllowQos={','.join(sorted(let_in))} only, and every award has a QOS of its own: "
            f"jobs of {_some(out)} are refused or wait for ever. Write AllowQos=ALL, and keep others out by DenyQos or "
            "AllowAccounts"
        )
    if kept_out is not None and (out := [account for account in accounts if qos[account] in kept_out]):
        yield (
            f"Partition {name} keeps out the QOS of {_some(out)}: their jobs are refused or wait for ever. Take "
            f"{_some([qos[account] for account in out])} out of DenyQos"
        )
    let_in, kept_out = (_names(partition, option) for option in ("allowaccounts", "denyaccounts"))
    below = _version(told.config) >= _BRINGS_THOSE_BELOW
    if let_in is not None and (out := [a for a in accounts if not let_in & (_and_above(a, tree) if below else {a})]):
        add = settings.root_account if below else _some(out)
        yield (
            f"Partition {name} does not let in {_some(out)}: their jobs are refused or wait for ever. Add {add} to its "
            "AllowAccounts, or write AllowAccounts=ALL"
        )
    if kept_out is not None and (out := [account for account in accounts if kept_out & _and_above(account, tree)]):
        yield (
            f"Partition {name} keeps out {_some(out)}: their jobs are refused or wait for ever. Take them, and what "
            "they stand below, out of its DenyAccounts"
        )
    own = partition.get("qos", "")
    limits = tree.limits.get(own.lower())
    if limits is not None and (limits.accelerator_minutes, limits.core_minutes) != (None, None):
        yield (
            f"Partition {name} has the QOS {own}, whose GrpTRESMins Slurm puts before the awards': they are not "
            f"enforced. Take it off with sacctmgr modify qos {own} set GrpTRESMins=cpu=-1,gres/gpu=-1"
        )


def _names(partition: dict[str, str], option: str) -> set[str] | None:
    """Who is let in or kept out by name; None: it isn't said, or is said of all. Slurm's names are of small letters."""
    said = partition.get(option, "")
    return None if said in ("", "ALL") else _listed(said.lower())


def _and_above(account: str, tree: Tree) -> set[str]:
    """An account and all that it stands below."""
    found: set[str] = set()
    while account and account not in found:
        found.add(account)
        account = tree.parents.get(account, "")
    return found


def _version(config: dict[str, str]) -> tuple[int, ...]:
    """(22, 5) of 22.05.8; () where it isn't told."""
    return tuple(int(part) for part in config.get("SLURM_VERSION", "").split(".")[:2] if part.isdecimal())


def _listed(text: str) -> set[str]:
    return {word.strip() for word in text.split(",")} - {""}


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")
