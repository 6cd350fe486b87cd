"""Changes of a what-if in words: what is supposed, and what stands there instead."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

from django.utils.translation import gettext as _

from fabriek.access.changes import (
    CapacityChange,
    Change,
    OverbookingChange,
    PromiseChange,
    ShareChange,
    ThresholdChange,
    read_changes,
)
from fabriek.access.models import Call, Scenario
from fabriek.programmes.models import Programme, Promise


def value_words(value: str) -> str:
    """The value rule in words."""
    words = {
        "score": _("score alone"),
        "score*hours": _("score × hours"),
        "score*sqrt(hours)": _("score × √hours"),
    }
    return words.get(value, value)


def words_of_changes(changes: Sequence[Change]) -> list[str]:
    """One sentence for each change. Three queries at most."""
    promises = _names(Promise, (c.promise for c in changes if isinstance(c, PromiseChange)))
    calls = dict(
        Call.objects.filter(code__in=[c.call for c in changes if isinstance(c, ThresholdChange)]).values_list(
            "code", "title"
        )
    )
    programmes = _names(
        Programme,
        (
            code
            for c in changes
            for code in (
                (c.programme, c.counterpart)
                if isinstance(c, ShareChange)
                else (c.programme,)
                if isinstance(c, OverbookingChange)
                else ()
            )
        ),
    )
    return [_sentence(change, promises, calls, programmes) for change in changes]


def words_of(scenario: Scenario) -> list[str]:
    """What a stored scenario supposes, one sentence for each change."""
    return words_of_changes(read_changes(scenario.changes))


def _names(model: type[Programme] | type[Promise], codes: Iterable[str]) -> dict[str, str]:
    return dict(model._default_manager.filter(code__in=list(codes)).values_list("code", "name"))


def _sentence(change: Change, promises: dict[str, str], calls: dict[str, str], programmes: dict[str, str]) -> str:
    if isinstance(change, PromiseChange):
        text = _("%(what)s: %(new)s %%") % {
            "what": promises.get(change.promise, change.promise),
            "new": _number(change.percent),
        }
        return text + _instead(change, " %")
    if isinstance(change, ThresholdChange):
        text = _("Threshold of %(call)s: %(new)s") % {
            "call": calls.get(change.call, change.call),
            "new": _number(change.threshold),
        }
        return text + _instead(change)
    if isinstance(change, OverbookingChange):
        text = _("Overbooking of %(programme)s: %(new)s times its share") % {
            "programme": programmes.get(change.programme, change.programme),
            "new": _number(change.overbooking),
        }
        return text + _instead(change)
    if isinstance(change, CapacityChange):
        return _("Capacity of %(partition)s, %(month)s: %(new)s %% of what it gives now") % {
            "partition": change.partition,
            "month": _when(change.month),
            "new": _number(change.percent),
        }
    if isinstance(change, ShareChange):
        text = _("Share of %(programme)s in %(partition)s, %(month)s: %(new)s %%") % {
            "programme": programmes.get(change.programme, change.programme),
            "partition": change.partition,
            "month": _when(change.month),
            "new": _number(change.percent),
        }
        other = programmes.get(change.counterpart, change.counterpart)
        return text + _instead(change, " %") + " " + _("(the difference with %(other)s)") % {"other": other}
    text = _("Value: %(new)s") % {"new": value_words(change.value)}
    if change.was:
        text += " " + _("instead of %(was)s") % {"was": value_words(str(change.was))}
    return text


def _instead(change: Change, unit: str = "") -> str:
    if change.was is None:
        return ""
    return " " + _("instead of %(was)s") % {"was": f"{_number(change.was)}{unit}"}


def _number(value: object) -> str:
    text = f"{Decimal(str(value)):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _when(month: str | None) -> str:
    return month or _("all months")
