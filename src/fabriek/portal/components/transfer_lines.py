"""A transfer as pages show it: amounts in words, whose move it is, what a reader can do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

from django.utils import timezone
from django.utils.translation import gettext as _

from fabriek.conf.amounts import number_text
from fabriek.operations.models import Transfer, TransferState
from fabriek.operations.speeds import Estimate, Measured, speed_of
from fabriek.operations.transfer_lifecycle import ACTIVE, MEMBER, possible
from fabriek.operations.transfer_queries import Waiting, expected_end, waits_for
from fabriek.operations.transfer_words import Trouble, trouble_of
from fabriek.portal.components.amounts import bytes_text, lasting_text


@dataclass(frozen=True)
class TransferLine:
    """One transfer. `measured`: the speed of one that is done, where it measured any."""

    transfer: Transfer
    size: str
    done: str
    speed: str
    measured: str
    left: str
    expected: datetime | None
    trouble: Trouble | None
    waits: list[Waiting]
    may: frozenset[str]

    @property
    def active(self) -> bool:
        return self.transfer.state in ACTIVE

    @property
    def copying(self) -> bool:
        """Whether there is a bar to show."""
        shown = {TransferState.RUNNING, TransferState.FAILED, TransferState.CANCELLED}
        return bool(self.transfer.bytes_total) and (
            self.transfer.state in shown and (self.transfer.bytes_done > 0 or self.transfer.state == "running")
        )


def line_of(transfer: Transfer) -> TransferLine:
    """A transfer for a page."""
    expected = expected_end(transfer)
    left = expected - timezone.now() if expected else None
    measured = speed_of(transfer)
    return TransferLine(
        transfer,
        "" if transfer.bytes_total is None else bytes_text(transfer.bytes_total),
        bytes_text(transfer.bytes_done),
        speed_text(transfer.speed) if transfer.speed else "",
        speed_text(measured) if measured else "",
        lasting_text(max(left, timedelta(seconds=1))) if left is not None else "",
        expected,
        trouble_of(transfer),
        waits_for(transfer),
        possible(transfer, MEMBER),
    )


def speed_text(bytes_per_second: float) -> str:
    """A speed in bytes: 12.3 MiB a second."""
    return _("%(amount)s a second") % {"amount": bytes_text(bytes_per_second)}


def gigabits_text(measured: Measured) -> str:
    """A measured speed as links are declared, with as many decimals as help."""
    gigabits = measured.gigabits_per_second
    return number_text(gigabits, 0 if gigabits >= 100 else 1 if gigabits >= 10 else 2 if gigabits >= 0.1 else 4)


def estimate_words(estimate: Estimate) -> tuple[str, str]:
    """How long, and on what that rests."""
    seconds = estimate.seconds
    time = lasting_text(timedelta(seconds=max(ceil(seconds), 1))) if seconds is not None else _("not known")
    if estimate.basis == "measured" and estimate.measured:
        return time, _("At %(speed)s, the median of %(number)s finished transfers between these sites.") % {
            "speed": speed_text(estimate.bytes_per_second or 0),
            "number": estimate.measured.number,
        }
    if estimate.basis == "declared" and estimate.link:
        return time, _(
            "At half of the %(declared)s gigabits a second that are declared for the link %(network)s: nothing was "
            "measured between these sites yet."
        ) % {
            "declared": number_text(estimate.link.gigabits_per_second or 0),
            "network": estimate.link.network or _("without a name"),
        }
    return time, _("Nothing was measured between these sites yet, and the register declares no speed.")
