"""What the rules that need no judgement find of an application: kept as codes and numbers, told in one's language.

What was kept before findings had numbers has its sentence, in the language of who checked it then.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from django.utils.translation import gettext as _

from fabriek.access.models import Alternative, Application, Call, EligibilityCheck
from fabriek.access.rules import ELIGIBLE_COUNTRIES
from fabriek.conf.amounts import month_text, number_text
from fabriek.projects.rules import month_after

Off = dict[str, Any]
"""One thing that lies outside a call: `field` (of the second request `alternatives.1`), `off` and its numbers."""


def limits_off(call: Call, alternatives: Iterable[Alternative]) -> list[Off]:
    """What in a request lies outside the call, as data."""
    found: list[Off] = []
    last = month_after(call.first_month, call.months)
    partitions = {partition.pk for partition in call.partitions.all()}
    number = -1
    for number, asked in enumerate(alternatives):

        def add(off: str, place: int = number, **numbers: Any) -> None:
            found.append({"field": f"alternatives.{place}", "off": off, **numbers})

        if asked.partition_id not in partitions:
            add("partition", partition=asked.partition.code)
        if call.maximum_gpu_hours is not None and asked.gpu_hours > call.maximum_gpu_hours:
            add("too-much", hours=asked.gpu_hours, limit=call.maximum_gpu_hours)
        if call.minimum_gpu_hours is not None and asked.gpu_hours < call.minimum_gpu_hours:
            add("too-little", hours=asked.gpu_hours, limit=call.minimum_gpu_hours)
        if call.durations_months and asked.months not in call.durations_months:
            add("duration", months=list(call.durations_months))
        if asked.first_month < call.first_month or month_after(asked.first_month, asked.months) > last:
            add("months", first=f"{call.first_month:%Y-%m}", last=f"{month_after(last, -1):%Y-%m}")
    if number < 0:
        found.append({"field": "alternatives", "off": "nothing"})
    return found


_OFF: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "partition": lambda off: _("%(partition)s is not offered in this call.") % {"partition": off["partition"]},
    "too-much": lambda off: (
        _("%(hours)s GPU-hours are more than this call's %(maximum)s. Ask for less, or choose a larger mode.")
        % {"hours": number_text(off["hours"]), "maximum": number_text(off["limit"])}
    ),
    "too-little": lambda off: (
        _("%(hours)s GPU-hours are fewer than the %(minimum)s of this call. Choose a smaller mode.")
        % {"hours": number_text(off["hours"]), "minimum": number_text(off["limit"])}
    ),
    "duration": lambda off: (
        _("Choose a duration of %(months)s months.")
        % {"months": _(" or ").join(str(months) for months in off["months"])}
    ),
    "months": lambda off: (
        _("Choose months between %(first)s and %(last)s.")
        % {"first": month_text(off["first"]), "last": month_text(off["last"])}
    ),
    "nothing": lambda _off: _("Say how many GPU-hours you need, where and when."),
}


def off_words(off: Off) -> str:
    """One of `limits_off` in the reader's language."""
    return _OFF[off["off"]](off)


def limit_faults(call: Call, alternatives: Iterable[Alternative]) -> dict[str, list[str]]:
    """What in a request lies outside the call: {field: [sentences]}; the field of the second is `alternatives.1`."""
    faults: dict[str, list[str]] = defaultdict(list)
    for off in limits_off(call, alternatives):
        faults[off["field"]].append(off_words(off))
    return dict(faults)


def eligibility_findings(application: Application) -> list[dict[str, Any]]:
    """The rules that need no judgement, each with whether it holds, as data: `finding_words` tells it."""
    call, organisation = application.call, application.organisation
    findings: list[dict[str, Any]] = []
    if call.classes:
        findings.append({"rule": "organisation-class", "holds": application.organisation_class in call.classes})
    country = (organisation.country if organisation else application.country) or ""
    findings.append({"rule": "country", "holds": country in ELIGIBLE_COUNTRIES})
    off = limits_off(call, application.alternatives.select_related("partition"))
    findings.append({"rule": "limits", "holds": not off, "off": off})
    return findings


def finding_words(finding: Mapping[str, Any]) -> str:
    """A finding in the reader's language."""
    rule, holds = finding["rule"], finding["holds"]
    if rule == "organisation-class":
        return (
            _("The call is open to the applicant's class of organisation.")
            if holds
            else _("The call is not open to this class of organisation.")
        )
    if rule == "country":
        return (
            _("The organisation is established in a Member State or an associated country.")
            if holds
            else _("The organisation is not established in a Member State or an associated country.")
        )
    if holds:
        return _("The request lies within the limits of the call.")
    return " ".join(map(off_words, finding["off"])) if "off" in finding else str(finding.get("sentence", ""))


def in_words(findings: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Findings with their sentences: rule, holds, sentence."""
    return [{"rule": one["rule"], "holds": one["holds"], "sentence": finding_words(one)} for one in findings]


def refusal_of(check: EligibilityCheck) -> str:
    """Why an application was found not eligible: what the person said, else what the rules found; empty where it was
    found eligible."""
    if check.eligible:
        return ""
    return check.remark or " ".join(one["sentence"] for one in in_words(check.findings) if not one["holds"])
