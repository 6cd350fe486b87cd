"""What `fabriek work` keeps of what profiles were promised: consents to old words end, and what is old is forgotten."""

from __future__ import annotations

from fabriek.catalogue.actions.letters import forget_old_letters
from fabriek.catalogue.actions.looks import forget_old_looks
from fabriek.catalogue.actions.profiles import ask_again


def keep_promises() -> int:
    """Ask owners again whose words changed; erase letters and looks that are older than was said. How many were asked.
    May be killed anywhere and repeated."""
    forget_old_letters()
    forget_old_looks()
    return ask_again()
