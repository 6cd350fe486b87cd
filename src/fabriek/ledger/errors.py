"""What the ledger refuses."""

from __future__ import annotations

from fabriek.conf.errors import Refused


class InsufficientHours(Refused):
    """A transfer would bring an account below what it may hold. `extra`: account, left, asked (seconds)."""

    slug = "insufficient-hours"


class LedgerKeyReused(Refused):
    """A transaction with this key was posted before, with other moves."""

    slug = "ledger-key-reused"
