"""Data of projects between sites: the agent's part. rsync copies, SHA-256 at both ends proves it; see `part`."""

from fabriek.compute.transfers.part import Transfers

__all__ = ["Transfers"]
