"""What is asked of a study, and whether it can be asked so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from django.utils.translation import gettext as _

from fabriek.conf.amounts import number_text
from fabriek.foresight.models import Way, Workload
from fabriek.foresight.policies import StudyPolicy
from fabriek.register.models import Partition
from fabriek.register.queries import nodes_of

MOST_UNITS = 1_000_000
MOST_REPEATS = 100
MOST_WEEKS = 52
MOST_DEMAND = 10.0
MOST_SIMULATED = 20_000_000
"""Jobs, in all simulations of a study together: some minutes, and a gigabyte."""

WHOLE_WEEK = 7.0

Faults = dict[str, list[str]]


@dataclass(frozen=True)
class Asked:
    """A question. Either units are given, or a partition whose size of today is taken. For the rest: `models.Study`."""

    name: str
    before: StudyPolicy
    after: StudyPolicy
    partition: Partition | None = None
    units: int | None = None
    why: str = ""
    way: str = Way.WINDOWS
    count: int = 20
    weeks: int = 4
    demand: Mapping[str, float] = field(default_factory=dict)
    demand_before: bool = True

    @property
    def changed_demand(self) -> dict[str, float]:
        """The demand of classes that submit more or less than now."""
        return {klass: times for klass, times in sorted(self.demand.items()) if times != 1}


def units_of(partition: Partition) -> int | None:
    """How many accelerators a partition has today, or cores where it has none of these. None: not known. One query."""
    nodes = nodes_of(partition)
    each = partition.cores_per_node if partition.counts_cores else partition.accelerators_per_node
    return nodes * each if nodes and each else None


def faults_of(asked: Asked, workload: Workload, units: int | None) -> Faults:
    """What is wrong with a question, by field; nothing: it can be asked."""
    faults: Faults = {}

    def fault(name: str, sentence: str) -> None:
        faults.setdefault(name, []).append(sentence)

    if not asked.name.strip():
        fault("name", _("Say in a few words what you want to know."))
    if units is None:
        fault("units", _("How large the machine is isn't known. Give its processors or accelerators."))
    elif not 1 <= units <= MOST_UNITS:
        fault("units", _("From 1 to %(most)s.") % {"most": number_text(MOST_UNITS)})
    if not 2 <= asked.count <= MOST_REPEATS:
        fault("count", _("From 2 to %(most)s.") % {"most": MOST_REPEATS})
    if not 1 <= asked.weeks <= MOST_WEEKS:
        fault("weeks", _("From 1 to %(most)s.") % {"most": MOST_WEEKS})
    known = {row["class"] for row in workload.classes}
    for name, policy in (("before", asked.before), ("after", asked.after)):
        for sentence in _of_policy(policy, known):
            fault(name, sentence)
    for sentence in _of_demand(asked, workload, known):
        fault("demand", sentence)
    if asked.before == asked.after and (asked.demand_before or not asked.changed_demand):
        fault("after", _("Both policies are the same, and so would be all that comes of them. Change something."))
    if not faults and _simulated(asked, workload) > MOST_SIMULATED:
        fault("count", _("That would be too many jobs to simulate. Ask for fewer repeats or weeks, or less demand."))
    return faults


def _of_policy(policy: StudyPolicy, known: set[str]) -> list[str]:
    said = []
    for klass, rules in policy.classes.items():
        if klass not in known or not klass:
            said.append(_("No job of the workload is of the class %(klass)s.") % {"klass": klass or "–"})
        if rules.most is not None and rules.floor > rules.most:
            said.append(_("%(klass)s can't have a floor above the most that it may use.") % {"klass": klass})
    if policy.floors > 100:
        said.append(
            _("The floors come to %(sum)s %% of the machine; together they can be 100 %% at most.")
            % {"sum": f"{policy.floors:g}"}
        )
    if policy.backfill == "conservative" and not policy.is_plain:
        said.append(
            _("Where everybody in the queue has a reservation there are no floors, shares or limits. Choose another.")
        )
    return said


def _of_demand(asked: Asked, workload: Workload, known: set[str]) -> list[str]:
    said = []
    if asked.changed_demand and asked.way != Way.SEEDS:
        said.append(_("Another demand needs workloads that are drawn: choose that, or leave the demand as it is."))
    for klass, times in asked.changed_demand.items():
        if klass not in known:
            said.append(_("No job of the workload is of the class %(klass)s.") % {"klass": klass or "–"})
        elif not 0 <= times <= MOST_DEMAND:
            said.append(_("Demand is from 0 to %(most)s times what it is.") % {"most": f"{MOST_DEMAND:g}"})
    if asked.way == Way.SEEDS and workload.days < WHOLE_WEEK:
        said.append(_("The workload lasts less than a week: too little to draw others like it."))
    return said


def _simulated(asked: Asked, workload: Workload) -> float:
    """About how many jobs are simulated in all."""
    if asked.way == Way.WINDOWS:
        return 4.0 * workload.jobs
    parts = {row["class"]: row["jobs"] for row in workload.classes}
    more = sum(jobs * (asked.demand.get(klass, 1.0)) for klass, jobs in parts.items())
    return 2.0 * asked.count * more * asked.weeks * 7 / max(workload.days, 1.0)
