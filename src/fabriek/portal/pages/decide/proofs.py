"""The daily proof of usage: what the schedulers accounted for beside what the ledger says, to the second."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse

from fabriek.conf.sorting import ordered
from fabriek.operations.models import UsageProof
from fabriek.operations.proofs import Compared, Totals, compared_of, proofs
from fabriek.portal.access import requires
from fabriek.portal.pages.decide.replies import csv_file, page

PER_PAGE = 25
COLUMNS = {"day": "day", "cluster": "cluster__code", "result": "differs", "received": "received_at"}


@dataclass(frozen=True)
class Row:
    """A proof in the list, with the sums of its lines."""

    proof: UsageProof
    accounted: Totals
    ledger: Totals

    @property
    def difference(self) -> Totals:
        return Compared("", "", self.accounted, self.ledger).difference


@requires("read operations")
def index(request: HttpRequest) -> HttpResponse:
    """The newest proof of each day and cluster."""
    only_differing = request.GET.get("differs") == "1"
    found = ordered(proofs(differs=only_differing), request.GET.get("sort", ""), COLUMNS, ("-day", "cluster__code"))
    shown = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    return page(
        request, "usage_proofs", shown=shown, rows=[_row(proof) for proof in shown], only_differing=only_differing
    )


@requires("read operations")
def show(request: HttpRequest, number: int) -> HttpResponse:
    """One proof: each account on each partition, the runs that differ, and the scheduler's own report."""
    proof = UsageProof.objects.select_related("cluster").filter(pk=number).first()
    if proof is None:
        raise Http404
    lines = [compared_of(line) for line in proof.lines]
    if request.GET.get("format") == "csv":
        return _as_csv(proof, lines)
    return page(
        request,
        "usage_proof",
        proof=proof,
        row=_row(proof),
        lines=sorted(lines, key=lambda line: (not line.differs, line.account, line.partition)),
        others=Totals(*proof.others),
        roll_up=[_reported(row) for row in proof.roll_up or []],
        newer=UsageProof.objects.filter(cluster=proof.cluster, day=proof.day, pk__gt=proof.pk).last(),
        earlier=UsageProof.objects.filter(cluster=proof.cluster, day=proof.day, pk__lt=proof.pk),
    )


def _row(proof: UsageProof) -> Row:
    lines = [compared_of(line) for line in proof.lines]
    return Row(proof, _sum([line.accounted for line in lines]), _sum([line.ledger for line in lines]))


def _sum(totals: list[Totals]) -> Totals:
    return Totals(*(sum(column) for column in zip(*totals, strict=True))) if totals else Totals()


def _reported(row: dict[str, Any]) -> dict[str, Any]:
    """A line of the report, with what is left that nobody explains."""
    left = {
        unit: row[f"{unit}_seconds"] - row[f"records_{unit}_seconds"] - row[f"explained_{unit}_seconds"]
        for unit in ("accelerator", "core")
    }
    return {**row, "left_accelerator": left["accelerator"], "left_core": left["core"]}


def _as_csv(proof: UsageProof, lines: list[Compared]) -> HttpResponse:
    kinds = ("runs", "accelerator_seconds", "core_seconds")
    return csv_file(
        f"proof-{proof.cluster.code}-{proof.day}",
        ["account", "partition", *(f"accounted_{kind}" for kind in kinds), *(f"ledger_{kind}" for kind in kinds)],
        [(line.account, line.partition, *line.accounted, *line.ledger) for line in lines],
    )
