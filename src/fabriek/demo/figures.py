"""What came of the main job: per programme and class what was promised, asked, awarded and used; the certificate."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from fabriek.access.models import Application, Decision
from fabriek.allocation.plan import Plan, load_plan
from fabriek.people.models import OrganisationClass
from fabriek.programmes.models import Programme
from fabriek.promises.queries import hours


@dataclass(frozen=True)
class Line:
    """Hours of one programme, in GPU-hours; with a class: of that class's applicants."""

    programme: str
    organisation_class: str
    share: float
    asked: float
    awarded: float
    used: float


def lines() -> list[Line]:
    """A line for each programme with a share, and one for each class in it that asked or got something."""
    asked: dict[tuple[str, str], float] = defaultdict(float)
    applications = Application.objects.exclude(state__in=["draft", "withdrawn"]).prefetch_related("alternatives")
    for application in applications.select_related("call__programme"):
        first = next(iter(application.alternatives.all()), None)
        asked[application.call.programme.code, application.organisation_class] += first.gpu_hours if first else 0
    share: dict[str, float] = defaultdict(float)
    awarded: dict[tuple[str, str], float] = defaultdict(float)
    used: dict[tuple[str, str], float] = defaultdict(float)
    for row in hours():
        share[row.programme] += row.share / 3600
        awarded[row.programme, row.organisation_class] += row.decided / 3600
        used[row.programme, row.organisation_class] += row.used / 3600
    names = dict(Programme.objects.values_list("code", "name"))
    labels = dict(OrganisationClass.choices)
    found = []
    for code in sorted(share):
        classes = sorted({c for p, c in [*asked, *awarded] if p == code and c})
        found.append(
            Line(
                names[code],
                "",
                share[code],
                sum(v for (p, _c), v in asked.items() if p == code),
                sum(v for (p, _c), v in awarded.items() if p == code),
                sum(v for (p, _c), v in used.items() if p == code),
            )
        )
        found += [
            Line(names[code], str(labels[c]), 0.0, asked[code, c], awarded[code, c], used[code, c]) for c in classes
        ]
    return found


def latest_plan() -> tuple[Decision, Plan] | None:
    """The latest published demo decision with its plan."""
    decision = Decision.objects.filter(is_demo=True, state="published").order_by("-published_at").first()
    return (decision, load_plan(decision.plan)) if decision else None
