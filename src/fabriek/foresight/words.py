"""Studies in the reader's words: verdicts, policies, and what a study simulates.

The sentences of verdicts are those of `fabriek simulate`; here are only the language, the looks of numbers and the
names of classes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from fabriek.foresight.figures import difference
from fabriek.foresight.models import Study, Way
from fabriek.foresight.policies import StudyPolicy
from fabriek.people.models import OrganisationClass
from fabriek.simulation.verdict_words import Speech, sentence, span
from fabriek.simulation.verdicts import Verdict, verdict


def class_names() -> dict[str, str]:
    """The classes that promises speak of, in the reader's language."""
    return {value: str(label) for value, label in OrganisationClass.choices}


def class_name(klass: str) -> str:
    """A class in the reader's language; one that somebody named in their own words."""
    return class_names().get(klass, klass) or _("All jobs")


def speech() -> Speech:
    """How the reader's language writes verdicts."""
    return Speech(translate=_, number=number_words, classes=class_names(), shortest=60.0)


def number_words(number: float) -> str:
    """Two digits of what is small, else whole."""
    text = f"{number:.2g}" if number < 10 else f"{number:.0f}"
    return number_format(text, force_grouping=True)


def span_words(seconds: float) -> str:
    """A time as verdicts write it: "3.5 h"."""
    return span(seconds, speech())


def verdict_of(row: Mapping[str, Any]) -> Verdict:
    """The verdict on a class of `fabriek/study/1`."""
    return verdict(row["name"], difference(row["median_wait"]), difference(row["wait_95"]))


def verdict_words(row: Mapping[str, Any]) -> str:
    """It in one sentence, which begins with a capital."""
    said = sentence(verdict_of(row), speech())
    return said[:1].upper() + said[1:]


def backfill_words(value: str) -> str:
    """Who may overtake."""
    return {
        "none": _("Nobody overtakes: who comes first starts first"),
        "easy": _("Jobs that fit in a gap start earlier, where that doesn't delay the first in the queue"),
        "conservative": _("Jobs that fit in a gap start earlier, where that delays nobody before them"),
    }[value]


def policy_words(said: Mapping[str, Any]) -> list[str]:
    """A policy in lines; the first says who may overtake."""
    policy = StudyPolicy.model_validate(said)
    lines = [backfill_words(policy.backfill)]
    if policy.by_shares:
        lines.append(_("Who has used less of its share goes first"))
    if policy.jobs_each:
        lines.append(
            ngettext("Each user runs %(jobs)s job at once", "Each user runs %(jobs)s jobs at once", policy.jobs_each)
            % {"jobs": number_format(policy.jobs_each, force_grouping=True)}
        )
    for klass, rules in policy.classes.items():
        name = class_name(klass)
        if rules.floor:
            lines.append(_("%(part)s %% is kept free for %(klass)s") % {"part": _plain(rules.floor), "klass": name})
        if policy.by_shares and rules.share is not None:
            lines.append(_("The share of %(klass)s is %(part)s") % {"part": _plain(rules.share), "klass": name})
        if rules.most is not None:
            lines.append(_("%(klass)s uses %(part)s %% at most") % {"part": _plain(rules.most), "klass": name})
        if rules.urgent:
            lines.append(_("Jobs of %(klass)s may stop others' running jobs") % {"klass": name})
    return lines


def repeats_words(study: Study) -> str:
    """On what it was simulated, and how often."""
    if study.way == Way.WINDOWS:
        return _("the whole workload, and %(count)s spans of it, each on an empty machine") % {"count": study.count}
    return _("%(count)s workloads of %(weeks)s weeks that were drawn like it") % {
        "count": study.count,
        "weeks": study.weeks,
    }


def demand_words(study: Study) -> list[str]:
    """Whose demand changes, in lines."""
    lines = [
        _("%(klass)s submit %(times)s times as much") % {"klass": class_name(klass), "times": number_words(times)}
        for klass, times in study.demand.items()
    ]
    if lines and not study.demand_before:
        lines.append(_("today's policy is simulated with the demand of now"))
    return lines


def _plain(number: float) -> str:
    return number_format(f"{number:g}")
