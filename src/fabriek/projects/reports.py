"""The final report of a project: its figures from the ledger, and handing it in."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from fabriek.audit.actions import record
from fabriek.conf.amounts import number_text
from fabriek.conf.errors import Invalid
from fabriek.ledger.models import AccountKind, Unit
from fabriek.ledger.queries import balances
from fabriek.projects.errors import NotAMember, ReportTooEarly
from fabriek.projects.models import FinalReport, Project
from fabriek.projects.rules import leads, report_faults, report_is_due

LONGEST = 20_000


@dataclass(frozen=True)
class MonthOfUse:
    """A month's accelerator-seconds: what was planned in it (the award lies evenly over its months), what was used."""

    month: date
    planned: int
    used: int


@dataclass(frozen=True)
class ReportFigures:
    """What the ledger knows of a project, in accelerator-seconds. Energy and CO2 are None: nothing measures them."""

    months: list[MonthOfUse]
    awarded: int
    used: int
    energy_kwh: float | None = None
    co2_kg: float | None = None

    @property
    def unused(self) -> int:
        return max(self.awarded - self.used, 0)


def report_figures(project: Project) -> ReportFigures:
    """Use against plan, month by month. Two queries."""
    codes = list(project.allocations.values_list("code", flat=True))
    planned: dict[date, int] = defaultdict(int)
    used: dict[date, int] = defaultdict(int)
    kinds = [AccountKind.AWARD, AccountKind.USED, AccountKind.LAPSED]
    sums = balances(["month", "kind"], allocation__in=codes, unit=Unit.ACCELERATOR_SECONDS, kind__in=kinds)
    for (month, kind), seconds in sums.items():
        planned[month] += seconds
        used[month] += seconds if kind == AccountKind.USED else 0
    months = [MonthOfUse(month, planned[month], used[month]) for month in sorted(planned)]
    return ReportFigures(months, sum(planned.values()), sum(used.values()))


def report_of(project: Project) -> FinalReport | None:
    """The report that was handed in, if there is one."""
    return FinalReport.objects.select_related("handed_in_by").filter(project=project).first()


@transaction.atomic
def hand_in_report(actor: Any, project: Project, results: str, outputs: str = "", unused_why: str = "") -> FinalReport:
    """Hand in the final report, or a corrected one in its place. The lead does so, from the last month on.

    Errors: NotAMember, ReportTooEarly, Invalid with the fields.
    """
    if not leads(actor, project):
        raise NotAMember(_("Only the project's lead may hand in its report."))
    if not report_is_due(project, timezone.now().date()):
        raise ReportTooEarly(_("The final report can be handed in from the project's last month on."))
    faults = report_faults(results, unused_why, report_figures(project).unused)
    for name, text in (("results", results), ("outputs", outputs), ("unused_why", unused_why)):
        if len(text) > LONGEST:
            faults[name] = [_("Use at most %(number)s characters.") % {"number": number_text(LONGEST)}]
    if faults:
        raise Invalid(_("The report is not complete."), faults=faults)
    said = {"results": results.strip(), "outputs": outputs.strip(), "unused_why": unused_why.strip()}
    before = FinalReport.objects.filter(project=project).values(*said).first()
    if before == said:
        return FinalReport.objects.get(project=project)
    report, _created = FinalReport.objects.update_or_create(
        project=project, defaults={**said, "handed_in_by": actor, "handed_in_at": timezone.now()}
    )
    # A corrected report replaces the words, and the record keeps those that were there.
    record(actor, "projects.hand_in_report", project, before=before or {}, after=said)
    return report
