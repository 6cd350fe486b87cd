"""Accounts of many awards written into slurmdbd's own tables (22.05), as the agent would have made them by sacctmgr.

slurmdbd 22.05 keeps associations as nested sets, and numbers those behind a new one anew, and slurmctld is told of each
that moved: the person of one project more takes both half a second of processor time beside ten thousand. So only the
last ones are made by the agent.
"""

from __future__ import annotations

import getpass
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence

from fabriek.compute.slurm.accounts import programme_account, qos_name
from fabriek.compute.slurm.settings import SlurmSettings
from fabriek.compute.wire import AccountState
from fabriek.demo.slurm import Bed
from fabriek.demo.slurm.database import Database

# DenyOnLimit and NoDecay (slurm/slurmdb.h: QOS_FLAG_DENY_LIMIT, QOS_FLAG_NO_DECAY).
FLAGS = 0x40 | 0x100
FIRST_QOS = 1_000
_QOS = "creation_time, id, name, description, flags, grace_time, grp_tres_mins, priority, usage_factor, limit_factor"
_ACCOUNTS = "creation_time, name, description, organization"
_ASSOCIATIONS = (
    "creation_time, mod_time, is_def, user, acct, `partition`, parent_acct, lft, rgt, shares, def_qos_id, qos"
)


def write(bed: Bed, settings: SlurmSettings, states: Sequence[AccountState]) -> None:
    """A new cluster's tables, with slurmctld and slurmdbd down meanwhile. Each state has one person."""
    daemons = (f"slurmctld-{settings.cluster}", "slurmdbd")
    for name in daemons:
        bed.stop(name)
    database = Database(bed.folder / "db", getpass.getuser())
    ((gpu,),) = [database.ask("SELECT id FROM tres_table WHERE type = 'gres' AND name = 'gpu'").split()]
    user = settings.unix_user(states[0].users[0])
    now = int(time.time()) - 60
    programmes: dict[str, list[AccountState]] = defaultdict(list)
    for state in states:
        programmes[programme_account(settings, state.programme)].append(state)
    names = [settings.root_account, *programmes, *(state.account for state in states)]
    database.ask(_insert("acct_table", _ACCOUNTS, [(now, name, "fabriek", "fabriek") for name in names]))
    database.ask(_insert("user_table", "creation_time, name", [(now, user)]))
    database.ask(
        _insert(
            "qos_table",
            _QOS,
            [
                (
                    now, FIRST_QOS + place, qos_name(settings, state.account, state.partition),
                    f"{state.account} {state.partition}", FLAGS, 0,
                    f"{gpu}={state.accelerator_seconds_limit // 60}", 0, 1, "NULL",
                )
                for place, state in enumerate(states)
            ],
        )
    )  # fmt: skip
    table = f"{settings.cluster}_assoc_table"
    rows = list(_associations(settings, states, programmes, user, now))
    last = max(row[8] for row in rows)
    database.ask(_insert(table, _ASSOCIATIONS, rows))
    database.ask(
        f"UPDATE {table} SET lft = {last + 1}, rgt = {last + 2} WHERE acct = 'root' AND user = 'root'; "
        f"UPDATE {table} SET rgt = {last + 3} WHERE acct = 'root' AND user = ''"
    )
    for name in reversed(daemons):
        bed.start(name)


def _associations(
    settings: SlurmSettings,
    states: Sequence[AccountState],
    programmes: dict[str, list[AccountState]],
    user: str,
    now: int,
) -> Iterator[tuple[int, int, int, str, str, str, str, int, int, int, str, str]]:
    """Rows of `_ASSOCIATIONS`: the platform's account, its programmes, their projects, each with its person; the two
    numbers of each stand around those of what is below it."""
    qos = {state.account: FIRST_QOS + place for place, state in enumerate(states)}
    left = 3
    for programme, some in programmes.items():
        share = some[0].fairshare
        rgt = left + 1 + 4 * len(some)
        yield now, now, 0, "", programme, "", settings.root_account, left, rgt, share, "NULL", ""
        for number, state in enumerate(some):
            lft, mine = left + 1 + 4 * number, qos[state.account]
            yield now, now, 0, "", state.account, "", programme, lft, lft + 3, 1, "NULL", ""
            is_first = int(mine == FIRST_QOS)
            name, partition = state.account, state.partition
            yield now, now, is_first, user, name, partition, "", lft + 1, lft + 2, 1, str(mine), f",{mine},"
        left = rgt + 1
    yield now, now, 0, "", settings.root_account, "", "root", 2, left, 1, "NULL", ""


def _insert(table: str, columns: str, rows: Sequence[tuple[object, ...]]) -> str:
    """No value of these holds a quote."""
    values = ",".join(
        "(" + ",".join(str(v) if isinstance(v, int) or v == "NULL" else f"'{v}'" for v in row) + ")" for row in rows
    )
    return f"INSERT INTO {table} ({columns}) VALUES {values}"
