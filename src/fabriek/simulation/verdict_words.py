"""Verdicts in sentences, for the command and for pages: a `Speech` says in which language.

The texts are marked with `gettext_noop`, so that a portal can collect and translate them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from fabriek.simulation.verdicts import Shift, Verdict


def gettext_noop(text: str) -> str:
    """Marks a text to be translated later."""
    return text


_TEXTS = {
    "verdict": gettext_noop(
        "%(who)s: %(told)s; half of the jobs start within %(typical)s (%(typical_before)s before), and 19 of 20 within "
        "%(longest)s (%(longest_before)s before)."
    ),
    "all": gettext_noop("all jobs"),
    "typical_longer": gettext_noop("typical waits are longer by %(least)s to %(most)s (95 %% sure)"),
    "typical_shorter": gettext_noop("typical waits are shorter by %(least)s to %(most)s (95 %% sure)"),
    "longest_longer": gettext_noop("the longest waits are longer by %(least)s to %(most)s (95 %% sure)"),
    "longest_shorter": gettext_noop("the longest waits are shorter by %(least)s to %(most)s (95 %% sure)"),
    "both": gettext_noop("%(one)s and %(other)s"),
    "unsure": gettext_noop("waits are not surely longer or shorter"),
    "unknown": gettext_noop("one window doesn't tell whether a difference is more than chance"),
    "d": gettext_noop("%(number)s d"),
    "h": gettext_noop("%(number)s h"),
    "min": gettext_noop("%(number)s min"),
    "s": gettext_noop("%(number)s s"),
}

_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"))


@dataclass(frozen=True)
class Speech:
    """How data is written. number: of at most one decimal; classes: names of classes; shortest: seconds, below which
    no time is said within which jobs start: for a board, a minute is at once."""

    translate: Callable[[str], str] = str
    number: Callable[[float], str] = lambda number: f"{number:,.2g}" if number < 10 else f"{number:,.0f}"
    classes: Mapping[str, str] = field(default_factory=dict)
    shortest: float = 0.0

    def say(self, code: str, **values: object) -> str:
        """One text."""
        return self.translate(_TEXTS[code]) % values


_ENGLISH = Speech()


def sentence(verdict: Verdict, speech: Speech = _ENGLISH) -> str:
    """A verdict in one sentence."""
    return speech.say(
        "verdict",
        who=speech.classes.get(verdict.klass, verdict.klass) or speech.say("all"),
        told=_told(verdict, speech),
        typical=_within(verdict.typical.after, speech),
        typical_before=_within(verdict.typical.before, speech),
        longest=_within(verdict.longest.after, speech),
        longest_before=_within(verdict.longest.before, speech),
    )


def _within(seconds: float, speech: Speech) -> str:
    return span(max(seconds, speech.shortest), speech)


def _told(verdict: Verdict, speech: Speech) -> str:
    if verdict.typical.direction == "unknown":
        return speech.say("unknown")
    told = [
        _moved(name, shift, speech)
        for name, shift in (("typical", verdict.typical), ("longest", verdict.longest))
        if shift.direction in ("longer", "shorter")
    ]
    if not told:
        return speech.say("unsure")
    return told[0] if len(told) == 1 else speech.say("both", one=told[0], other=told[1])


def _moved(name: str, shift: Shift, speech: Speech) -> str:
    return speech.say(f"{name}_{shift.direction}", least=span(shift.least, speech), most=span(shift.most, speech))


def span(seconds: float, speech: Speech = _ENGLISH) -> str:
    """A time in the largest unit of which it is two or more: "45 s", "12 min", "3.5 h"."""
    for size, unit in _UNITS:
        if seconds >= 2 * size:
            return speech.say(unit, number=speech.number(seconds / size))
    return speech.say("s", number=speech.number(round(seconds)))
