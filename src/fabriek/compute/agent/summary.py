"""What an agent did in a round."""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass
class RoundSummary:
    """What one round did."""

    provisioned: int = 0
    submitted: int = 0
    refused: int = 0
    cancelled: int = 0
    reported: int = 0
    booked: int = 0
    repeated: int = 0
    broken: int = 0
    error: str = ""

    def __bool__(self) -> bool:
        return any(asdict(self).values())
