"""The questions of a what-if: each with what stands now in it; what is left as it is changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django import forms
from django.forms.boundfield import BoundField
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fabriek.access.change_words import value_words, words_of_changes
from fabriek.access.changes import (
    CapacityChange,
    Change,
    OverbookingChange,
    PromiseChange,
    ShareChange,
    ThresholdChange,
    ValueChange,
)
from fabriek.access.scenarios import Facts
from fabriek.conf.amounts import month_text
from fabriek.portal.components.numbers import DecimalField
from fabriek.programmes.models import Programme

ROWS = 2
"""Dated changes of one kind on one page; a what-if that goes on from another keeps what that one supposes."""


class WhatIfForm(forms.Form):
    """Built from what stands now. kept: what the scenario that one goes on from supposes already."""

    why = forms.CharField(
        label=gettext_lazy("Why do you ask?"),
        max_length=500,
        help_text=gettext_lazy("It stays with the scenario, with your name and the time."),
    )

    def __init__(self, data: Any = None, *, facts: Facts, kept: Sequence[Change] = ()) -> None:
        super().__init__(data)
        self.facts = facts
        self.kept = [change for change in kept if isinstance(change, CapacityChange | ShareChange)]
        self._supposed = {change.place: change for change in kept}
        self.now: dict[str, Any] = {}
        self.promises = [self._promise(n) for n in range(len(facts.promises))]
        self.thresholds = [self._threshold(n) for n in range(len(facts.calls))]
        self.overbookings = [self._overbooking(n) for n in range(len(facts.programmes))]
        self.fields["value"] = forms.ChoiceField(
            label=_("The plan makes as great as possible"),
            choices=[(rule, value_words(rule)) for rule in ("score", "score*sqrt(hours)", "score*hours")],
            initial=self._supposed_or(("value",), "value", facts.value),
        )
        self.now["value"] = facts.value
        if self.kept:
            words = words_of_changes(self.kept)
            self.fields["keep"] = forms.MultipleChoiceField(
                label=_("Go on supposing"),
                required=False,
                choices=[(str(n), text) for n, text in enumerate(words)],
                initial=[str(n) for n in range(len(words))],
                widget=forms.CheckboxSelectMultiple,
            )
        for n in range(ROWS):
            self._share_row(n)
            self._capacity_row(n)

    # Fields

    def _supposed_or(self, place: tuple[str, ...], name: str, now: Any) -> Any:
        change = self._supposed.get(place)
        return getattr(change, name) if change is not None else now

    def _number(self, key: str, label: str, initial: Any, now: Any, **limits: Any) -> str:
        self.fields[key] = DecimalField(label=label, required=False, initial=_plain(initial), **limits)
        self.now[key] = now
        return key

    def _promise(self, n: int) -> str:
        promise = self.facts.promises[n]
        now = _plain((promise.fraction or Decimal(0)) * 100)
        place = ("promise", promise.code)
        return self._number(
            f"promise-{n}",
            promise.name,
            self._supposed_or(place, "percent", now),
            now,
            min_value=0,
            max_value=100,
            max_digits=9,
            decimal_places=4,
            help_text=_("At most; now %(now)s %%") % {"now": now}
            if promise.kind == "cap"
            else _("At least; now %(now)s %%") % {"now": now},
        )

    def _threshold(self, n: int) -> str:
        call = self.facts.calls[n]
        return self._number(
            f"threshold-{n}",
            call.title,
            self._supposed_or(("threshold", call.code), "threshold", call.threshold),
            call.threshold,
            min_value=0,
            max_value=100,
            max_digits=5,
            decimal_places=2,
            help_text=_("Now %(now)s of 100") % {"now": _plain(call.threshold)},
        )

    def _overbooking(self, n: int) -> str:
        code = self.facts.programmes[n]
        now = self.facts.stands.overbooking[code]
        programme = next(call.programme for call in self.facts.calls if call.programme.code == code)
        return self._number(
            f"overbooking-{n}",
            programme.name,
            self._supposed_or(("overbooking", code), "overbooking", now),
            now,
            min_value=1,
            max_value=9,
            max_digits=4,
            decimal_places=3,
            help_text=_("Awards may reach the share times this; now %(now)s") % {"now": _plain(now)},
        )

    def _months(self) -> list[tuple[str, str]]:
        return [("", _("All months")), *((f"{m:%Y-%m}", month_text(m)) for m in self.facts.months)]

    def _partitions(self) -> list[tuple[str, str]]:
        return [("", _("Choose a partition")), *((code, code) for code in self.facts.partitions)]

    def _share_row(self, n: int) -> None:
        holders = {q for row in self.facts.stands.fractions.values() for q in row}
        names = dict(Programme.objects.filter(code__in=holders).order_by("name").values_list("code", "name"))
        mine = [(code, names.get(code, code)) for code in self.facts.programmes]
        self.fields[f"share-{n}-programme"] = forms.ChoiceField(
            label=_("Share of"), required=False, choices=[("", _("Choose a programme")), *mine]
        )
        self.fields[f"share-{n}-partition"] = forms.ChoiceField(
            label=_("In"), required=False, choices=self._partitions(), initial=self._only_partition()
        )
        self.fields[f"share-{n}-month"] = forms.ChoiceField(label=_("Month"), required=False, choices=self._months())
        self.fields[f"share-{n}-percent"] = DecimalField(
            label=_("Becomes"), required=False, min_value=0, max_value=100, max_digits=9, decimal_places=6
        )
        self.fields[f"share-{n}-counterpart"] = forms.ChoiceField(
            label=_("The difference comes from, or goes to"),
            required=False,
            choices=[("", _("Choose a programme")), *names.items()],
        )

    def _capacity_row(self, n: int) -> None:
        self.fields[f"capacity-{n}-partition"] = forms.ChoiceField(
            label=_("Capacity of"), required=False, choices=self._partitions(), initial=self._only_partition()
        )
        self.fields[f"capacity-{n}-month"] = forms.ChoiceField(label=_("Month"), required=False, choices=self._months())
        self.fields[f"capacity-{n}-percent"] = DecimalField(
            label=_("Becomes"),
            required=False,
            min_value=0,
            max_value=1000,
            max_digits=10,
            decimal_places=6,
            help_text=_("Of what it gives now: 100 is no change"),
        )

    def _only_partition(self) -> str:
        return self.facts.partitions[0] if len(self.facts.partitions) == 1 else ""

    # For the template

    def bound(self, names: Sequence[str]) -> list[BoundField]:
        """These fields, ready to be shown."""
        return [self[name] for name in names]

    @property
    def floors_and_caps(self) -> list[BoundField]:
        return self.bound(self.promises)

    @property
    def threshold_fields(self) -> list[BoundField]:
        return self.bound(self.thresholds)

    @property
    def overbooking_fields(self) -> list[BoundField]:
        return self.bound(self.overbookings)

    @property
    def share_rows(self) -> list[dict[str, BoundField]]:
        return [
            {name: self[f"share-{n}-{name}"] for name in ("programme", "partition", "month", "percent", "counterpart")}
            for n in range(ROWS)
        ]

    @property
    def capacity_rows(self) -> list[dict[str, BoundField]]:
        return [{name: self[f"capacity-{n}-{name}"] for name in ("partition", "month", "percent")} for n in range(ROWS)]

    # What is asked

    def clean(self) -> dict[str, Any]:
        """A row that is begun is filled in whole."""
        cleaned: dict[str, Any] = super().clean() or {}
        for n in range(ROWS):
            share = {name: cleaned.get(f"share-{n}-{name}") for name in ("programme", "percent", "counterpart")}
            if any(value not in (None, "") for value in share.values()):
                self._whole(f"share-{n}", {**share, "partition": cleaned.get(f"share-{n}-partition")})
            if cleaned.get(f"capacity-{n}-percent") is not None:
                self._whole(f"capacity-{n}", {"partition": cleaned.get(f"capacity-{n}-partition")})
        return cleaned

    def _whole(self, row: str, values: dict[str, Any]) -> None:
        for name, value in values.items():
            if value in (None, "") and f"{row}-{name}" not in self.errors:
                self.add_error(f"{row}-{name}", _("Needed for this change."))

    def changes(self) -> list[Change]:
        """What differs from what stands now, and what is kept."""
        said, found = self.cleaned_data, list[Change]()
        for n, key in enumerate(self.promises):
            if self._differs(key):
                found.append(PromiseChange(promise=self.facts.promises[n].code, percent=said[key]))
        for n, key in enumerate(self.thresholds):
            if self._differs(key):
                found.append(ThresholdChange(call=self.facts.calls[n].code, threshold=said[key]))
        for n, key in enumerate(self.overbookings):
            if self._differs(key):
                found.append(OverbookingChange(programme=self.facts.programmes[n], overbooking=said[key]))
        if self._differs("value"):
            found.append(ValueChange(value=said["value"]))
        dated: dict[tuple[str, ...], Change] = {}
        for number in said.get("keep", []):
            dated[self.kept[int(number)].place] = self.kept[int(number)]
        for n in range(ROWS):
            for change in (self._share(n), self._capacity(n)):
                if change is not None:
                    dated[change.place] = change
        return [*found, *dated.values()]

    def _differs(self, key: str) -> bool:
        said = self.cleaned_data.get(key)
        return said not in (None, "") and said != self.now[key]

    def _share(self, n: int) -> ShareChange | None:
        said = self.cleaned_data
        if said.get(f"share-{n}-percent") is None:
            return None
        return ShareChange(
            programme=said[f"share-{n}-programme"],
            partition=said[f"share-{n}-partition"],
            month=said[f"share-{n}-month"] or None,
            percent=said[f"share-{n}-percent"],
            counterpart=said[f"share-{n}-counterpart"],
        )

    def _capacity(self, n: int) -> CapacityChange | None:
        said = self.cleaned_data
        if said.get(f"capacity-{n}-percent") is None:
            return None
        return CapacityChange(
            partition=said[f"capacity-{n}-partition"],
            month=said[f"capacity-{n}-month"] or None,
            percent=said[f"capacity-{n}-percent"],
        )


def _plain(number: Any) -> Decimal:
    """A decimal without noughts at its end."""
    text = f"{Decimal(str(number)):f}"
    return Decimal(text.rstrip("0").rstrip(".") if "." in text else text)
