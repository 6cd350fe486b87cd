"""The questions of a study: what is to be known, on which workload and machine, today's policy and the one to try."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.forms.boundfield import BoundField
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fabriek.conf.amounts import number_text
from fabriek.foresight.asking import MOST_DEMAND, MOST_REPEATS, MOST_UNITS, MOST_WEEKS, Asked, units_of
from fabriek.foresight.models import Study, Way, Workload
from fabriek.foresight.policies import MOST_JOBS, ClassRules, StudyPolicy
from fabriek.foresight.words import class_name
from fabriek.portal.components.amounts import percent_text
from fabriek.portal.components.numbers import DecimalField, IntegerField
from fabriek.register.models import Partition

BACKFILL = (
    ("easy", gettext_lazy("Jobs that fit in a gap start earlier, if the first in the queue isn't delayed")),
    ("conservative", gettext_lazy("Jobs that fit in a gap start earlier, if nobody before them is delayed")),
    ("none", gettext_lazy("Nobody overtakes")),
)
ORDER = (
    ("", gettext_lazy("Who came first")),
    ("shares", gettext_lazy("Who has used less of its share")),
)


def _slider(label: Any, most: float = 100, step: float = 1, **more: Any) -> DecimalField:
    """A number that the page's script gives a slider."""
    widget = forms.NumberInput(attrs={"data-slider": "", "step": step})
    return DecimalField(
        label=label, required=False, min_value=0, max_value=most, max_digits=5, decimal_places=1, widget=widget, **more
    )


class PolicyForm(forms.Form):
    """One policy. prefix: `before` or `after`; classes: of the workload, without the one that has no name."""

    backfill = forms.ChoiceField(label=gettext_lazy("Who may overtake"), choices=BACKFILL)
    order = forms.ChoiceField(
        label=gettext_lazy("Who goes first"), choices=ORDER, required=False, widget=forms.RadioSelect
    )
    jobs_each = IntegerField(
        label=gettext_lazy("Jobs of one user at once, at most"), required=False, min_value=1, max_value=MOST_JOBS
    )

    def __init__(self, data: Any, *, prefix: str, classes: Sequence[str], policy: StudyPolicy) -> None:
        said = {"backfill": policy.backfill, "order": "shares" if policy.by_shares else ""}
        super().__init__(data, prefix=prefix, initial={**said, "jobs_each": policy.jobs_each})
        self.classes = classes
        for klass in classes:
            rules, name = policy.classes.get(klass, ClassRules()), class_name(klass)
            self.fields[f"floor-{klass}"] = _slider(name, initial=_plain(rules.floor))
            self.fields[f"share-{klass}"] = _slider(name, initial=_plain(rules.share))
            self.fields[f"most-{klass}"] = DecimalField(
                label=name, required=False, min_value=0.1, max_value=100, max_digits=5, decimal_places=1,
                initial=_plain(rules.most),
            )  # fmt: skip
            self.fields[f"urgent-{klass}"] = forms.BooleanField(label=name, required=False, initial=rules.urgent)

    def policy(self) -> StudyPolicy:
        """What was said; a class of which nothing was said is left out."""
        said = self.cleaned_data
        rules = {
            klass: ClassRules(
                floor=said.get(f"floor-{klass}") or 0,
                share=said.get(f"share-{klass}"),
                most=said.get(f"most-{klass}"),
                urgent=bool(said.get(f"urgent-{klass}")),
            )
            for klass in self.classes
        }
        return StudyPolicy(
            backfill=said["backfill"],
            by_shares=said.get("order") == "shares",
            jobs_each=said.get("jobs_each"),
            classes={klass: one for klass, one in rules.items() if one != ClassRules()},
        )

    def _of_classes(self, name: str) -> list[BoundField]:
        return [self[f"{name}-{klass}"] for klass in self.classes]

    @property
    def floors(self) -> list[BoundField]:
        return self._of_classes("floor")

    @property
    def shares(self) -> list[BoundField]:
        return self._of_classes("share")

    @property
    def mosts(self) -> list[BoundField]:
        return self._of_classes("most")

    @property
    def urgents(self) -> list[BoundField]:
        return self._of_classes("urgent")


class StudyForm(forms.Form):
    """Built about a workload. start: the study that this one begins from."""

    name = forms.CharField(
        label=gettext_lazy("What do you want to know?"),
        max_length=160,
        help_text=gettext_lazy("For example: what does a fifth for start-ups cost science?"),
    )
    partition = forms.ChoiceField(label=gettext_lazy("Machine"), required=False)
    units = IntegerField(
        label=gettext_lazy("Or a machine of so many processors or accelerators"),
        required=False,
        min_value=1,
        max_value=MOST_UNITS,
    )
    way = forms.ChoiceField(
        label=gettext_lazy("What tells chance from change"),
        choices=(
            (Way.WINDOWS.value, gettext_lazy("The workload in parts: real jobs, each part on an empty machine")),
            (Way.SEEDS.value, gettext_lazy("Workloads drawn like it: other weeks of the same users")),
        ),
        widget=forms.RadioSelect,
    )
    count = IntegerField(label=gettext_lazy("How many"), min_value=2, max_value=MOST_REPEATS)
    weeks = IntegerField(label=gettext_lazy("Weeks of each"), required=False, min_value=1, max_value=MOST_WEEKS)
    demand_before = forms.ChoiceField(
        label=gettext_lazy("Today's policy is simulated with"),
        choices=(("yes", gettext_lazy("that demand too")), ("no", gettext_lazy("the demand of now"))),
        widget=forms.RadioSelect,
        required=False,
    )
    why = forms.CharField(label=gettext_lazy("Why do you ask?"), max_length=500, required=False)

    def __init__(self, data: Any, workload: Workload, machines: Sequence[Partition], start: Study | None) -> None:
        super().__init__(data, initial=_initial(start, workload))
        self.workload = workload
        self.machines = {partition.code: partition for partition in machines}
        self.fields["partition"].choices = [  # type: ignore[attr-defined]
            ("", _("None of these")),
            *((code, _machine_words(partition)) for code, partition in self.machines.items()),
        ]
        self.classes = [row["class"] for row in workload.classes if row["class"]]
        for klass in self.classes:
            times = start.demand.get(klass, 1) if start else 1
            self.fields[f"demand-{klass}"] = _slider(
                class_name(klass), most=MOST_DEMAND, step=0.5, initial=_plain(float(times))
            )
        before = StudyPolicy.model_validate(start.before) if start else StudyPolicy()
        after = StudyPolicy.model_validate(start.after) if start else StudyPolicy()
        self.before = PolicyForm(data, prefix="before", classes=self.classes, policy=_within(before, self.classes))
        self.after = PolicyForm(data, prefix="after", classes=self.classes, policy=_within(after, self.classes))

    def is_valid(self) -> bool:
        """All three forms are."""
        return all([super().is_valid(), self.before.is_valid(), self.after.is_valid()])

    @property
    def demands(self) -> list[BoundField]:
        return [self[f"demand-{klass}"] for klass in self.classes]

    def asked(self) -> Asked:
        """The question, once the form is valid."""
        said = self.cleaned_data
        demand = {klass: said[f"demand-{klass}"] for klass in self.classes}
        return Asked(
            name=said["name"],
            why=said["why"],
            partition=self.machines.get(said["partition"]),
            units=said["units"],
            before=self.before.policy(),
            after=self.after.policy(),
            way=said["way"],
            count=said["count"],
            weeks=said["weeks"] or 4,
            demand={klass: 1.0 if times is None else float(times) for klass, times in demand.items()},
            demand_before=said["demand_before"] != "no",
        )


def _initial(start: Study | None, workload: Workload) -> dict[str, Any]:
    if start is None:
        known = workload.partition.code if workload.partition else ""
        units = workload.units if not known and workload.units and workload.units <= MOST_UNITS else None
        return {
            "way": Way.WINDOWS, "count": 20, "weeks": 4, "demand_before": "yes", "partition": known, "units": units,
        }  # fmt: skip
    return {
        "name": start.name,
        "way": start.way,
        "count": start.count,
        "weeks": start.weeks,
        "demand_before": "yes" if start.demand_before else "no",
        "partition": start.partition.code if start.partition else "",
        "units": None if start.partition else start.units,
    }


def _within(policy: StudyPolicy, classes: Sequence[str]) -> StudyPolicy:
    """What a policy says of classes that another workload has too."""
    kept = {klass: rules for klass, rules in policy.classes.items() if klass in classes}
    return policy.model_copy(update={"classes": kept})


def _machine_words(partition: Partition) -> str:
    units = number_text(units_of(partition) or 0)
    words = _("%(system)s, %(partition)s: %(units)s cores") if partition.counts_cores else None
    words = words or _("%(system)s, %(partition)s: %(units)s accelerators")
    return words % {"system": partition.system.name, "partition": partition.name, "units": units}


def class_words(workload: Workload) -> list[str]:
    """Each class of a workload with its part of all use."""
    return [f"{class_name(row['class'])} {percent_text(row['part'])}" for row in workload.classes]


def _plain(number: float | None) -> str | None:
    return None if number is None else f"{number:g}"


def floors_in(form: PolicyForm) -> Mapping[str, float]:
    """The floors that are readable in a form, valid or not yet."""
    form.is_valid()
    return {klass: float(form.cleaned_data.get(f"floor-{klass}") or 0) for klass in form.classes}
