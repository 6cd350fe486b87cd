"""The life of a transfer, in one table: which step, from where to where, and whose it is.

`advance` is the only code that changes a transfer's state.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fabriek.compute.wire import TransferTask
from fabriek.operations.errors import TransferMoved
from fabriek.operations.models import Cluster, Transfer
from fabriek.operations.models import TransferState as S

MEMBER, AGENTS = "member", "agents"


@dataclass(frozen=True)
class Transition:
    """A step. `who`: a member of the project, or the sites' agents by what they report."""

    name: str
    sources: tuple[str, ...]
    target: str
    who: str
    sentence: Any


ACTIVE = frozenset({S.ASKED, S.MEASURED, S.READY, S.RUNNING, S.CHECKING, S.REMOVING})
TRANSITIONS: tuple[Transition, ...] = (
    Transition("measure", (S.ASKED,), S.MEASURED, AGENTS, gettext_lazy("measured")),
    Transition("go_on", (S.ASKED,), S.READY, AGENTS, gettext_lazy("measured, and started without asking again")),
    Transition("start", (S.MEASURED,), S.READY, MEMBER, gettext_lazy("started")),
    Transition("begin", (S.READY,), S.RUNNING, AGENTS, gettext_lazy("taken up")),
    Transition("arrive", (S.READY, S.RUNNING), S.CHECKING, AGENTS, gettext_lazy("copied")),
    # Only with the same checksums from both sites; the database holds that too.
    Transition("finish", (S.CHECKING, S.REMOVING), S.DONE, AGENTS, gettext_lazy("finished")),
    Transition("clear", (S.CHECKING,), S.REMOVING, AGENTS, gettext_lazy("checked")),
    Transition("fail", (S.ASKED, S.READY, S.RUNNING, S.CHECKING, S.REMOVING), S.FAILED, AGENTS, gettext_lazy("failed")),
    # What is being removed was checked, and half of an original is of no use to anybody.
    Transition(
        "cancel", (S.ASKED, S.MEASURED, S.READY, S.RUNNING, S.CHECKING), S.CANCELLED, MEMBER, gettext_lazy("cancelled")
    ),
    Transition("retry", (S.FAILED, S.CANCELLED), S.ASKED, MEMBER, gettext_lazy("tried again")),
)
BY_NAME = {transition.name: transition for transition in TRANSITIONS}


def possible(transfer: Transfer, who: str) -> frozenset[str]:
    """The steps that somebody can take now."""
    return frozenset(t.name for t in TRANSITIONS if t.who == who and transfer.state in t.sources)


def advance(transfer: Transfer, step: str, **changes: Any) -> Transfer:
    """Take one step, inside the caller's transaction; the transfer that was given shows it afterwards.

    Errors: TransferMoved where it is elsewhere by now.
    """
    transition = BY_NAME[step]
    changes = {"state": transition.target, "version": transfer.version + 1, **changes}
    # The condition on the version is what holds where a database has no row locks (SQLite).
    changed = transfer.state in transition.sources and Transfer.objects.filter(
        pk=transfer.pk, version=transfer.version
    ).update(**changes)
    if not changed:
        raise TransferMoved(
            _("It can't be %(step)s: it is no longer as you saw it. Load the page again.")
            % {"step": transition.sentence},
            state=transfer.state,
            step=step,
        )
    for name, value in changes.items():
        setattr(transfer, name, value)
    return transfer


def task_at(transfer: Transfer, cluster: Cluster) -> TransferTask | None:
    """What a site's agent is to do about a transfer now; None: nothing."""
    sends = transfer.from_cluster_id == cluster.pk
    if transfer.state == S.ASKED:
        if sends:
            return None if transfer.measured_at else "measure"
        return None if transfer.prepared_at else "prepare"
    if transfer.state in (S.READY, S.RUNNING):
        return "carry" if sends == (transfer.carried_by == "bring") else None
    if transfer.state == S.CHECKING:
        return None if (transfer.from_digest if sends else transfer.to_digest) else "digest"
    return "remove" if transfer.state == S.REMOVING and sends else None
