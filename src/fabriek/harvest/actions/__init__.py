"""Verbs of harvesting: the only place that writes sources, runs and what was seen."""

from fabriek.harvest.actions.running import run_due, run_source
from fabriek.harvest.actions.sources import add_source, ask_soon, change_source

__all__ = ["add_source", "ask_soon", "change_source", "run_due", "run_source"]
