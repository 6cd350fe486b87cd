"""What somebody changed by hand at a site: taken note of, and what the operator chooses."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from fabriek.audit.actions import record
from fabriek.compute.wire import DriftReport
from fabriek.operations.errors import DriftGone, DriftNeedsReason
from fabriek.operations.models import Cluster, Drift
from fabriek.operations.queries import desired_state
from fabriek.operations.rules import what_was_awarded
from fabriek.people.permissions import require


def note_drift(cluster: Cluster, reported: Sequence[DriftReport]) -> None:
    """Keep what the agent says was changed by hand. What it names no longer is gone; what changed again, is asked
    again. Part of the report's transaction."""
    now = timezone.now()
    there: dict[tuple[str, str], list[dict[str, str]]] = defaultdict(list)
    for one in reported:
        there[one.account, one.partition].append({"what": one.what, "made": one.made, "found": one.found})
    for row in cluster.drift.filter(gone_at__isnull=True):
        found = there.pop((row.account, row.partition), None)
        if found is None:
            row.gone_at = now
            row.save(update_fields=["gone_at"])
            record(None, "operations.drift_gone", cluster, account=row.account, partition=row.partition)
        elif found != row.found:
            row.found, row.choice, row.chosen_by, row.chosen_at, row.why = found, "", None, None, ""
            row.save(update_fields=["found", "choice", "chosen_by", "chosen_at", "why"])
    for (account, partition), found in there.items():
        Drift.objects.create(cluster=cluster, account=account, partition=partition, found=found, first_seen_at=now)
        record(None, "operations.drift_found", cluster, account=account, partition=partition, found=found)


@transaction.atomic
def choose_about_drift(
    actor: Any, cluster: Cluster, *, account: str, partition: str, choice: str, why: str = ""
) -> Drift:
    """Have it changed back in the agent's next round, or let it be, with the reason, until what is awarded changes.

    Errors: DriftGone, DriftNeedsReason.
    """
    require(actor, "manage clusters")
    row = (
        Drift.objects.select_for_update()
        .filter(cluster=cluster, account=account, partition=partition, gone_at__isnull=True)
        .first()
    )
    if row is None:
        raise DriftGone(
            _("Of %(account)s on %(partition)s nothing is changed by hand any more.")
            % {"account": account, "partition": partition}
        )
    if choice == "accept" and not why.strip():
        raise DriftNeedsReason(
            _("Say why it may stay: the auditor reads it."), faults={"why": [_("Say why it may stay.")]}
        )
    row.choice, row.why, row.chosen_by, row.chosen_at = choice, why.strip()[:500], actor, timezone.now()
    state = next((a for a in desired_state(cluster).accounts if (a.account, a.partition) == (account, partition)), None)
    row.awarded = what_was_awarded(state) if state else None
    row.save()
    said = {"account": account, "partition": partition, "choice": choice}
    record(actor, "operations.choose_about_drift", cluster, why=row.why, **said)
    return row
