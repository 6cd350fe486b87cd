"""Slurm as an engine: its own commands, on this machine or over SSH."""

from fabriek.compute.slurm.engine import SlurmEngine, load_slurm

__all__ = ["SlurmEngine", "load_slurm"]
