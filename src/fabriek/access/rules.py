"""What may be asked, who may read and judge, when the answer is due, what a score is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Any

from django.utils.translation import gettext as _

from fabriek.access.errors import ConflictOfInterest
from fabriek.access.ethics import unanswered
from fabriek.access.models import (
    AccessMode,
    Application,
    ApplicationState,
    Call,
    Conflict,
    Outcome,
    Review,
    ReviewKind,
)
from fabriek.conf.working_days import is_working_day, working_days_after
from fabriek.people.models import Person
from fabriek.people.permissions import may
from fabriek.projects.models import Member


def answer_due(submitted_at: datetime, working_days: int, country: str) -> datetime:
    """The end of the last working day of an answer time. The day of submission doesn't count."""
    day = working_days_after(submitted_at.date(), working_days, country)
    return submitted_at.replace(
        year=day.year, month=day.month, day=day.day, hour=23, minute=59, second=59, microsecond=0
    )


def working_days_left(now: datetime, due: datetime, country: str) -> int:
    """Working days until the answer is due, today not counted; negative: how many it is late."""
    today, last = now.date(), due.date()
    sign, day, until = (1, today, last) if last >= today else (-1, last, today)
    count = 0
    while day < until:
        day += timedelta(days=1)
        count += sign * is_working_day(day, country)
    return count


def completeness_faults(application: Application) -> dict[str, list[str]]:
    """What an application lacks to be submitted: field (of a question of ethics: `ethics.personal-data`) -> why."""
    faults = {}
    for field, sentence in (
        ("title", _("Give your project a title.")),
        ("summary", _("Tell what you will do and why it matters.")),
        ("method", _("Tell which software you use and why you need these hours.")),
        ("data_statement", _("Tell which data you use, whose they are and where they are.")),
    ):
        if not getattr(application, field).strip():
            faults[field] = [sentence]
    if application.organisation_id is None:
        faults["organisation"] = [_("Say for which organisation you apply.")]
    for code, question in unanswered(application):
        faults[f"ethics.{code}"] = [_("Answer with yes or no: %(question)s") % {"question": question}]
    return faults


ATTACHMENTS = 3
"""How many an application may have."""
ATTACHMENT_MIB = 10
"""The size of the largest."""


def attachment_faults(name: str, content: bytes) -> list[str]:
    """What makes a file unfit: only PDF, by its name, its first bytes and its end (ISO 32000-1, 7.5), of a size that
    reviewers can read."""
    faults = []
    if len(content) > ATTACHMENT_MIB * 1024 * 1024:
        faults.append(_("%(name)s is larger than %(mib)s MB.") % {"name": name, "mib": ATTACHMENT_MIB})
    is_pdf = name.lower().endswith(".pdf") and content.startswith(b"%PDF-") and b"%%EOF" in content[-2048:]
    if not is_pdf:
        faults.append(_("%(name)s is no whole PDF. Save it as a PDF and try again.") % {"name": name})
    return faults


def may_reply(application: Application, now: datetime) -> bool:
    """Whether its applicant may answer the reviews now, or hear that they needn't: once, before the decision."""
    until = application.reply_until
    waits = application.state == ApplicationState.REVIEWED and until is not None and now <= until
    return waits and not hasattr(application, "reply")


def remarks_are_open(application: Application) -> bool:
    """Whether the applicant may read the public remarks: once decided, and from the start of the right to reply."""
    return application.state == ApplicationState.REVIEWED and application.reply_until is not None


OBJECTION_DAYS = 30
"""Days after the publication within which an applicant may object."""


def objection_until(outcome: Outcome) -> datetime:
    """The last moment to object to an outcome."""
    published = outcome.decision.published_at
    if published is None:
        raise ValueError("an outcome belongs to a published decision")
    return published + timedelta(days=OBJECTION_DAYS)


def needs_assessment(application: Application) -> bool:
    """Whether peers may not review it yet: it was found eligible and nobody said whether it can be done."""
    return application.call.review == ReviewKind.PEER and application.state == ApplicationState.ELIGIBLE


# Member States, and countries associated to Digital Europe or Horizon Europe (the lists change: verify with the
# Commission's own before refusing anybody on them; a person decides, this only advises).
MEMBER_STATES = frozenset(
    [
        "AT",
        "BE",
        "BG",
        "CY",
        "CZ",
        "DE",
        "DK",
        "EE",
        "ES",
        "FI",
        "FR",
        "GR",
        "HR",
        "HU",
        "IE",
        "IT",
        "LT",
        "LU",
        "LV",
        "MT",
        "NL",
        "PL",
        "PT",
        "RO",
        "SE",
        "SI",
        "SK",
    ]
)
ASSOCIATED = frozenset(
    ["AL", "AM", "BA", "CH", "FO", "GB", "GE", "IL", "IS", "LI", "MD", "ME", "MK", "NO", "RS", "TN", "TR", "UA", "XK"]
)
ELIGIBLE_COUNTRIES = MEMBER_STATES | ASSOCIATED


class Establishment(StrEnum):
    """Where an organisation is established, as far as the right to apply goes."""

    MEMBER_STATE = "member-state"
    ASSOCIATED = "associated"
    ELSEWHERE = "elsewhere"


def establishment(country: str) -> Establishment:
    """What a country (ISO 3166-1 alpha-2) is to the Union's calls."""
    if country in MEMBER_STATES:
        return Establishment.MEMBER_STATE
    return Establishment.ASSOCIATED if country in ASSOCIATED else Establishment.ELSEWHERE


# The front door


@dataclass(frozen=True)
class Wish:
    """What somebody tells at the front door. `gpu_hours` None: not known yet. `country` empty: not asked.

    `factories`: codes of those where they want to be; none: anywhere.
    """

    organisation_class: str
    gpu_hours: int | None = None
    months: int = 1
    country: str = ""
    factories: frozenset[str] = frozenset()


def misfits(terms: AccessMode | Call, wish: Wish, worths: Sequence[Fraction] = ()) -> list[str]:
    """What of a wish lies outside the terms of a mode or a call: country, class, too-much, too-little, too-long.

    As `findings.limits_off` and `findings.eligibility_findings` judge the application that would follow; a longer
    duration than was wished for is none. worths: what the unit of a mode that doesn't count in GPU-hours is worth,
    where it may be used; a wish lies outside its limits where it does so everywhere, and where none is known they can't
    be told.
    """
    least: Fraction | int | None
    most: Fraction | int | None
    if isinstance(terms, Call):
        least, most = terms.minimum_gpu_hours, terms.maximum_gpu_hours
    else:
        least, most = _widest(terms, [Fraction(1)] if terms.unit == "gpu-hour" else worths)
    why = []
    if wish.country and wish.country not in ELIGIBLE_COUNTRIES:
        why.append("country")
    if terms.classes and wish.organisation_class not in terms.classes:
        why.append("class")
    if wish.gpu_hours is not None and most is not None and wish.gpu_hours > most:
        why.append("too-much")
    if wish.gpu_hours is not None and least is not None and wish.gpu_hours < least:
        why.append("too-little")
    if wish.months > longest(terms):
        why.append("too-long")
    return why


def longest(terms: AccessMode | Call) -> int:
    """The most months that may be asked of a mode or a call."""
    months = range(1, terms.months + 1) if isinstance(terms, Call) else range(1, 1_000)
    return max((duration for duration in terms.durations_months or months if duration in months), default=0)


def _widest(mode: AccessMode, worths: Sequence[Fraction]) -> tuple[Fraction | None, Fraction | None]:
    """The limits of a mode in GPU-hours where they are lowest and where they are highest."""
    if not worths:
        return None, None
    return (
        None if mode.minimum is None else mode.minimum * min(worths),
        None if mode.maximum is None else mode.maximum * max(worths),
    )


def score_of(criteria: Iterable[Mapping[str, Any]], scores: Mapping[str, float]) -> Decimal:
    """Points on the criteria's scales as a score of 100, weighted. Errors: KeyError for a criterion without points."""
    weights = reached = Decimal(0)
    for criterion in criteria:
        weight = Decimal(str(criterion.get("weight", 1)))
        reached += weight * Decimal(str(scores[criterion["code"]])) / Decimal(str(criterion["scale"]))
        weights += weight
    return (100 * reached / weights).quantize(Decimal("0.01"), ROUND_HALF_UP) if weights else Decimal(0)


# Interests


def conflict_of(person: Person, application: Application) -> str:
    """Why this person has an interest in the application, as a sentence; empty: they have none that is known."""
    found = conflicts([application], [person])
    return found.get((application.pk, person.pk), "")


def conflicts(applications: Sequence[Application], people: Sequence[Person]) -> dict[tuple[int, int], str]:
    """All known conflicts of interest: (application, person) -> why. Four queries, whatever the numbers."""
    numbers = [application.pk for application in applications]
    partners: dict[int, set[int]] = defaultdict(set)
    for number, organisation in Application.objects.filter(pk__in=numbers, partners__isnull=False).values_list(
        "pk", "partners__organisation"
    ):
        partners[number].add(organisation)
    declared = {
        (number, person_number): why
        for number, person_number, why in Conflict.objects.filter(application__in=numbers).values_list(
            "application", "person", "why"
        )
    }
    projects: dict[int, set[int]] = defaultdict(set)
    involved = {a.applicant_id for a in applications} | {p.pk for p in people}
    for person_number, project in Member.objects.filter(person__in=involved).values_list("person", "project"):
        projects[person_number].add(project)
    # Thousands of applications times hundreds of reviewers are millions of pairs: only those that meet are looked at.
    by_number = {person.pk: person for person in people}
    colleagues: dict[int | None, set[int]] = defaultdict(set)
    members: dict[int, set[int]] = defaultdict(set)
    declarers: dict[int, set[int]] = defaultdict(set)
    for person in people:
        colleagues[person.organisation_id].add(person.pk)
        for project in projects[person.pk]:
            members[project].add(person.pk)
    for number, person_number in declared:
        declarers[number].add(person_number)
    found: dict[tuple[int, int], str] = {}
    for application in applications:
        near = {application.applicant_id} | declarers[application.pk]
        for employer in {application.organisation_id} | partners[application.pk]:
            near |= colleagues[employer]
        for project in projects[application.applicant_id]:
            near |= members[project]
        for person in (by_number[number] for number in sorted(near) if number in by_number):
            why = _interest(application, person, partners[application.pk], declared, projects)
            if why:
                found[application.pk, person.pk] = why
    return found


def _interest(
    application: Application,
    person: Person,
    partners: set[int],
    declared: Mapping[tuple[int, int], str],
    projects: Mapping[int, set[int]],
) -> str:
    if application.applicant_id == person.pk:
        return _("is the applicant")
    if person.organisation_id is not None:
        if person.organisation_id == application.organisation_id:
            return _("works for the applicant's organisation")
        if person.organisation_id in partners:
            return _("works for a partner of the application")
    if (application.pk, person.pk) in declared:
        return _("declared a conflict of interest: %(why)s") % {"why": declared[application.pk, person.pk]}
    if projects.get(application.applicant_id, set()) & projects.get(person.pk, set()):
        return _("shares a project with the applicant")
    return ""


def refuse_conflict(person: Person, application: Application) -> None:
    """Raise ConflictOfInterest where this person has an interest in the application (rule 8)."""
    why = conflict_of(person, application)
    if why:
        raise ConflictOfInterest(
            _("%(person)s %(why)s and can't judge %(application)s. Let somebody else do so.")
            % {"person": person.name, "why": why, "application": application.code},
            application=application.code,
        )


# Reading


def may_read(person: Any, application: Application) -> bool:
    """The applicant, officers, board and administrator, who assesses it technically, and its reviewers."""
    if person is None or not person.is_authenticated:
        return False
    if application.applicant_id == person.pk:
        return True
    if may(person, "read applications"):
        return application.state != ApplicationState.DRAFT
    if may(person, "assess technically") and may_be_assessed(application):
        return True
    return bool(application.reviews.filter(reviewer=person).exclude(state="declined").exists())


def may_be_assessed(application: Application) -> bool:
    """Whether the host's application support has to do with it: it waits for them, or was assessed by them."""
    return needs_assessment(application) or hasattr(application, "technical_assessment")


def may_read_confidential(person: Any) -> bool:
    """Confidential remarks, and who reviewed: officers, board and administrator."""
    return may(person, "read applications")


def as_written(review: Review) -> dict[str, Any]:
    """The review as its writer left it: the draft, or what was handed in."""
    return review.draft or {
        "scores": review.scores,
        "remark": review.remark,
        "confidential_remark": review.confidential_remark,
    }
