"""The verbs of projects, by subject."""

from fabriek.projects.actions.changes import ask_change, refuse_change, release
from fabriek.projects.actions.projects import (
    add_member,
    award,
    lapse_shares,
    open_project,
    remove_member,
    settle,
    settle_ended,
    share_account,
    station,
    unix_name,
)
from fabriek.projects.actions.returning import claim_return, give_back, take_back, take_back_due, warn_unused

__all__ = [
    "add_member",
    "ask_change",
    "award",
    "claim_return",
    "give_back",
    "lapse_shares",
    "open_project",
    "refuse_change",
    "release",
    "remove_member",
    "settle",
    "settle_ended",
    "share_account",
    "station",
    "take_back",
    "take_back_due",
    "unix_name",
    "warn_unused",
]
