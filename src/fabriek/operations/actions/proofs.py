"""Taking in daily proofs. A difference is stored and shown, whatever becomes of it later."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from fabriek.audit.actions import record as audit
from fabriek.compute.wire import DailyProof, ProofPlace, ProofRuns
from fabriek.conf.errors import NotFound
from fabriek.operations.models import Cluster, UsageProof
from fabriek.operations.proofs import Compared, Totals, booked_on, booked_runs, compare, compare_runs
from fabriek.projects.models import Project

MOST_RUNS = 1_000
"""So many runs that differ are kept with a proof; how many there are is always told."""
MOST_PLACES = 200
"""Of so many lines the runs are asked for."""


@transaction.atomic
def prove_usage(cluster: Cluster, proof: DailyProof) -> tuple[UsageProof, list[ProofPlace]]:
    """Compare a day's totals with the ledger and keep the result. Returns it and the lines whose runs are wanted.

    The same result again only notes that it was confirmed; another one is kept beside the earlier, which stays.
    """
    told = {line.account for line in proof.lines} | {line.account for line in proof.roll_up or []}
    known = set(Project.objects.filter(code__in=told).values_list("code", flat=True))
    lines = compare([p for p in proof.lines if p.account in known], booked_on(cluster, proof.day))
    others = [p for p in proof.lines if p.account not in known]
    said: dict[str, Any] = {
        "lines": [line.as_dict() for line in lines],
        "others": list(
            Totals(
                sum(p.runs for p in others),
                sum(p.accelerator_seconds for p in others),
                sum(p.core_seconds for p in others),
            )
        ),
        "roll_up": None if proof.roll_up is None else [r.model_dump() for r in proof.roll_up if r.account in known],
        "differs": any(line.differs for line in lines),
        "roll_up_differs": any(r.differs for r in proof.roll_up or [] if r.account in known),
    }
    last = UsageProof.objects.filter(cluster=cluster, day=proof.day).first()
    if last is not None and all(getattr(last, name) == value for name, value in said.items()):
        UsageProof.objects.filter(pk=last.pk).update(confirmed_at=timezone.now())
        last.refresh_from_db()
        return last, _wanted(lines)
    made = UsageProof.objects.create(cluster=cluster, day=proof.day, **said)
    was_shown = last is not None and last.differs
    if made.differs or was_shown:
        audit(
            None,
            "operations.prove_usage" if made.differs else "operations.settle_usage",
            cluster,
            day=str(proof.day),
            proof=made.pk,
            lines=sum(line.differs for line in lines),
        )
    return made, _wanted(lines)


def _wanted(lines: list[Compared]) -> list[ProofPlace]:
    return [ProofPlace(account=p.account, partition=p.partition) for p in lines if p.differs][:MOST_PLACES]


@transaction.atomic
def note_proof_runs(cluster: Cluster, day: date, told: ProofRuns) -> UsageProof:
    """Find which runs of the lines that differ are the ones, and keep them with the day's last proof.

    Errors: NotFound where the day has no proof.
    """
    proof = UsageProof.objects.filter(cluster=cluster, day=day).first()
    if proof is None:
        raise NotFound(_("There is no proof of this day. Send its totals first."))
    places = {(place.account, place.partition) for place in told.places}
    accounted = {
        run.key: ((run.account, run.partition), run.accelerator_seconds, run.core_seconds) for run in told.runs
    }
    found = compare_runs(accounted, booked_runs(cluster, day, places))
    if told.cut:
        # A run that was not sent is not one that the scheduler lacks.
        found = [run for run in found if run.accounted is not None]
    proof.runs = [
        {
            "account": run.account,
            "partition": run.partition,
            "key": run.key,
            "accounted": run.accounted and list(run.accounted),
            "ledger": run.ledger and list(run.ledger),
        }
        for run in found[:MOST_RUNS]
    ]
    proof.runs_found, proof.runs_cut = len(found), told.cut
    proof.save(update_fields=["runs", "runs_found", "runs_cut"])
    return proof
