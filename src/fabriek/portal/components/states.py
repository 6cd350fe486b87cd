"""How a state looks: its words, its colour and its shape (never by colour alone).

Keys are the states' stored values, in lower case: of applications and calls (access), of jobs in Slurm's
words (https://slurm.schedmd.com/job_state_codes.html), of promises, agents, factories and systems.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True)
class Look:
    """``color`` is a colour of the theme, ``shape`` the form of the dot before the words.

    Dot, ring or square.
    """

    label: str | Promise
    color: str
    shape: str = "dot"


STATES: dict[str, Look] = {
    # applications
    "draft": Look(_("Draft"), "neutral", "ring"),
    "submitted": Look(_("Submitted"), "info"),
    "withdrawn": Look(_("Withdrawn"), "neutral", "square"),
    "eligible": Look(_("Eligible"), "info"),
    "ineligible": Look(_("Not eligible"), "danger", "square"),
    "assessed": Look(_("Technically sound"), "info"),
    "infeasible": Look(_("Not feasible"), "danger", "square"),
    "in_review": Look(_("In review"), "info", "ring"),
    "reviewed": Look(_("Reviewed"), "info"),
    "awarded": Look(_("Awarded"), "success"),
    "reserve": Look(_("On the reserve list"), "warning", "ring"),
    "rejected": Look(_("Not awarded"), "danger", "square"),
    "objected": Look(_("Objection made"), "warning"),
    "expired": Look(_("Expired"), "neutral", "square"),
    # reviews
    "assigned": Look(_("Assigned"), "info", "ring"),
    "declined": Look(_("Declined"), "neutral", "square"),
    # calls and decisions
    "planned": Look(_("Planned"), "neutral", "ring"),
    "open": Look(_("Open"), "success"),
    "closed": Look(_("Closed"), "neutral", "square"),
    "proposed": Look(_("Proposed"), "info", "ring"),
    "discarded": Look(_("Discarded"), "neutral", "square"),
    "published": Look(_("Published"), "success"),
    # initials under a proposal
    "signed": Look(_("Initials given"), "success"),
    "sent_back": Look(_("Sent back"), "danger", "square"),
    "waits": Look(_("To come"), "neutral", "ring"),
    # scenarios
    "asked": Look(_("Waits for the solver"), "neutral", "ring"),
    "solving": Look(_("Being solved"), "info", "ring"),
    "solved": Look(_("Solved"), "success"),
    # studies of policies
    "simulating": Look(_("Being simulated"), "info", "ring"),
    "simulated": Look(_("Simulated"), "success"),
    # what a study says of a class's waits
    "shorter": Look(_("Shorter waits"), "success"),
    "longer": Look(_("Longer waits"), "warning"),
    "mixed": Look(_("Some shorter, some longer"), "info", "ring"),
    "unsure": Look(_("No sure change"), "neutral", "ring"),
    "unknown": Look(_("Too little to tell"), "neutral", "ring"),
    # projects and allocations
    "active": Look(_("Active"), "success"),
    "suspended": Look(_("Suspended"), "warning", "ring"),
    "ended": Look(_("Ended"), "neutral", "square"),
    # jobs
    "queued": Look(_("Waiting for the agent"), "neutral", "ring"),
    "refused": Look(_("Refused"), "danger", "square"),
    "pending": Look(_("Pending"), "neutral", "ring"),
    "configuring": Look(_("Configuring"), "info", "ring"),
    "running": Look(_("Running"), "info"),
    "completing": Look(_("Completing"), "info"),
    "completed": Look(_("Completed"), "success"),
    "failed": Look(_("Failed"), "danger", "square"),
    "cancelled": Look(_("Cancelled"), "neutral", "square"),
    "timeout": Look(_("Time limit reached"), "warning", "square"),
    "deadline": Look(_("Deadline reached"), "warning", "square"),
    "out_of_memory": Look(_("Out of memory"), "danger", "square"),
    "node_fail": Look(_("Node failed"), "danger", "square"),
    "boot_fail": Look(_("Boot failed"), "danger", "square"),
    "preempted": Look(_("Preempted"), "warning", "square"),
    # harvests
    "overtaken": Look(_("Overtaken by another run"), "neutral", "square"),
    # questions
    "answered": Look(_("Answered"), "success"),
    # events
    "seat": Look(_("You have a seat"), "success"),
    "waiting": Look(_("On the waiting list"), "warning", "ring"),
    "full": Look(_("Full"), "neutral", "square"),
    # data between sites
    "measured": Look(_("Waits for your word"), "warning", "ring"),
    "ready": Look(_("Waiting for the agent"), "neutral", "ring"),
    "checking": Look(_("Checksums are compared"), "info", "ring"),
    "removing": Look(_("Original is being removed"), "info", "ring"),
    # promises
    "kept": Look(_("Kept"), "success"),
    "holds": Look(_("Holds"), "success"),
    "at_risk": Look(_("At risk"), "warning", "ring"),
    "broken": Look(_("Broken"), "danger", "square"),
    "nothing_awarded": Look(_("Nothing awarded yet"), "neutral", "ring"),
    "not_measured": Look(_("Not measured yet"), "neutral", "ring"),
    # agents and what they enforce
    "online": Look(_("Online"), "success"),
    "late": Look(_("Late"), "warning", "ring"),
    "silent": Look(_("Silent"), "danger", "square"),
    "equal": Look(_("Equal"), "success"),
    "differs": Look(_("Differs"), "danger", "square"),
    # factories and systems
    "selected": Look(_("Selected"), "neutral", "ring"),
    "agreed": Look(_("Agreed"), "neutral"),
    "procured": Look(_("Procured"), "info", "ring"),
    "installed": Look(_("Installed"), "info"),
    "operating": Look(_("Operating"), "success"),
    "retired": Look(_("Retired"), "neutral", "square"),
    "maintenance": Look(_("Maintenance"), "warning"),
    # tasks and steps
    "done": Look(_("Done"), "success"),
    "current": Look(_("Current"), "info"),
    "to_do": Look(_("To do"), "neutral", "ring"),
    "cannot_start": Look(_("Cannot start yet"), "neutral", "square"),
    "incomplete": Look(_("Incomplete"), "warning", "ring"),
}


def look_of(state: Any) -> Look:
    """The look of a stored state (or of an enumeration's member).

    Unknown ones are neutral, in their own words.
    """
    value = str(getattr(state, "value", state))
    known = STATES.get(value.lower().replace("-", "_").replace(" ", "_"))
    if known:
        return known
    label = getattr(state, "label", None) or value.replace("_", " ").capitalize()
    return Look(label, "neutral")
