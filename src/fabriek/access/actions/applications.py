"""Applications: drafts that save themselves, submitting, withdrawing, the eligibility check."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import override

from fabriek.access.actions.calls import is_open
from fabriek.access.errors import CallClosed, Incomplete, OldVersion, OutsideLimits, WrongState
from fabriek.access.findings import eligibility_findings, finding_words, limit_faults
from fabriek.access.lifecycle import advance
from fabriek.access.models import Alternative, Application, Call, EligibilityCheck, Partner
from fabriek.access.rules import answer_due, completeness_faults
from fabriek.audit.actions import record
from fabriek.conf.errors import Invalid, NotAllowed, Refused
from fabriek.people.models import Organisation, Person
from fabriek.people.permissions import require
from fabriek.projects.rules import shortened
from fabriek.register.models import Partition

# What a draft may set; the rest is the platform's.
FIELDS = ("title", "summary", "method", "data_statement", "ethics", "keywords", "commercial")


@transaction.atomic
def start_application(actor: Person, call: Call, **more: Any) -> Application:
    """Begin a draft under an open call. A second click goes on with a draft in which nothing was written yet.

    Errors: CallClosed.
    """
    require(actor, "apply")
    _require_open(call)
    untouched = Application.objects.filter(call=call, applicant=actor, state="draft", version=0).first()
    if untouched is not None and not more:
        return untouched
    organisation = actor.organisation
    for _attempt in range(10):
        number = Application.objects.filter(call=call).count() + 1 + _attempt
        try:
            with transaction.atomic():
                application = Application.objects.create(
                    code=shortened(f"{call.code}-{number:03d}"),
                    call=call,
                    applicant=actor,
                    organisation=organisation,
                    organisation_class=organisation.organisation_class if organisation else "",
                    country=organisation.country if organisation else "",
                    **more,
                )
        except IntegrityError:
            continue
        record(actor, "access.start_application", application, call=call.code)
        return application
    raise WrongState(_("Too many people began at this moment. Try again."))


def _require_open(call: Call) -> None:
    if not is_open(call):
        raise CallClosed(
            _("%(call)s takes applications from %(opens)s until %(closes)s.")
            % {"call": call.title, "opens": f"{call.opens:%Y-%m-%d %H:%M}", "closes": f"{call.closes:%Y-%m-%d %H:%M}"}
        )


@transaction.atomic
def save_draft(
    actor: Person,
    application: Application,
    version: int,
    *,
    alternatives: Sequence[Mapping[str, Any]] | None = None,
    organisation: Organisation | None = None,
    partners: Sequence[Organisation] | None = None,
    **fields: Any,
) -> Application:
    """Save (part of) a draft. `version` is the one that the writer saw: an older one is refused, nothing is lost.

    alternatives: in order of preference, each {"partition": Partition, "first_month": date, "months": n,
    "gpu_hours": n}; they replace those that there are. Errors: OldVersion, WrongState, NotAllowed, Invalid.
    """
    if application.applicant_id != actor.pk:
        raise NotAllowed(_("Only the applicant may write this application."))
    unknown = sorted(set(fields) - set(FIELDS))
    if unknown:
        raise Invalid(_("A draft has no %(fields)s.") % {"fields": ", ".join(unknown)})
    changes: dict[str, Any] = dict(fields)
    if organisation is not None:
        changes |= {
            "organisation": organisation,
            "organisation_class": organisation.organisation_class,
            "country": organisation.country,
        }
    changes |= {"version": version + 1, "saved_at": timezone.now()}
    _check_lengths(changes)
    changed = Application.objects.filter(pk=application.pk, version=version, state="draft").update(**changes)
    if not changed:
        now = Application.objects.get(pk=application.pk)
        if now.state != "draft":
            raise WrongState(_("This application was submitted; it can't be changed any more."), state=now.state)
        raise OldVersion(
            _("This draft was changed in another window. Load it again to go on from there; your text is still here."),
            version=now.version,
        )
    if alternatives is not None:
        _replace_alternatives(application, alternatives)
    if partners is not None:
        application.partners.all().delete()
        Partner.objects.bulk_create([Partner(application=application, organisation=o) for o in partners])
    application.refresh_from_db()
    return application


def _check_lengths(changes: Mapping[str, Any]) -> None:
    if len(str(changes.get("title", ""))) > 200:
        raise Invalid(_("The title is too long."), faults={"title": [_("Use at most 200 characters.")]})
    for name in ("summary", "method", "data_statement"):
        if len(str(changes.get(name, ""))) > 20_000:
            raise Invalid(_("The text is too long."), faults={name: [_("Use at most 20,000 characters.")]})


def _replace_alternatives(application: Application, alternatives: Sequence[Mapping[str, Any]]) -> None:
    if len(alternatives) > 20:
        raise Invalid(_("Give at most 20 alternatives."), faults={"alternatives": [_("Give at most 20.")]})
    rows = []
    seen: dict[tuple[Any, date, int], int] = {}
    for place, asked in enumerate(alternatives):
        partition, month = asked["partition"], asked["first_month"]
        if not isinstance(partition, Partition) or not isinstance(month, date):
            raise Invalid(_("An alternative needs a partition and a month."))
        if asked["gpu_hours"] < 1 or asked["months"] < 1 or asked["gpu_hours"] > 10**10:
            raise Invalid(
                _("Ask for at least one GPU-hour over at least one month."),
                faults={f"alternatives.{place}": [_("Ask for at least one GPU-hour over at least one month.")]},
            )
        # The order of preference would contradict itself, and no decision could be made.
        where = (partition.pk, month.replace(day=1), asked["months"])
        if where in seen and asked["gpu_hours"] >= seen[where]:
            fault = _("An earlier choice asks for the same partition and months. Ask for less here, or leave it out.")
            raise Invalid(fault, faults={f"alternatives.{place}": [fault]})
        seen[where] = asked["gpu_hours"]
        rows.append(
            Alternative(
                application=application,
                place=place,
                partition=partition,
                first_month=month.replace(day=1),
                months=asked["months"],
                gpu_hours=asked["gpu_hours"],
            )
        )
    application.alternatives.all().delete()
    Alternative.objects.bulk_create(rows)


@transaction.atomic
def submit_application(actor: Person, application: Application) -> Application:
    """Submit a draft: from now on it can't be changed, and the clock runs. Submitting again changes nothing.

    Errors: CallClosed (deadline), Incomplete, OutsideLimits.
    """
    if application.state == "submitted" and application.applicant_id == actor.pk:
        return application

    def guard(now: Application) -> None:
        _require_open(now.call)
        if faults := completeness_faults(now):
            raise Incomplete(_("Some answers are missing."), faults=faults)
        if faults := limit_faults(now.call, now.alternatives.select_related("partition")):
            raise OutsideLimits(_("The request lies outside this call's limits."), faults=faults)

    now = timezone.now()
    due = answer_due(now, application.call.answer_working_days, application.call.factory.country)
    return advance(actor, application, "submit", guard=guard, submitted_at=now, answer_due=due)


@transaction.atomic
def withdraw_application(actor: Person, application: Application, why: str = "") -> Application:
    """Take an application back, any time before it is decided."""
    return advance(actor, application, "withdraw", why=why, answered_at=timezone.now())


def check_all(
    actor: Person, applications: Sequence[Application], told: Callable[[int], None] = lambda _done: None
) -> tuple[int, list[Refused]]:
    """Follow the automatic findings for many applications, each by itself: how many, and what was refused.

    told: hears how many are through.
    """
    refused: list[Refused] = []
    for number, application in enumerate(applications, start=1):
        try:
            check_eligibility(actor, application)
        except Refused as refusal:
            refused.append(refusal)
        told(number)
    return len(applications) - len(refused), refused


@transaction.atomic
def check_eligibility(
    actor: Person, application: Application, eligible: bool | None = None, remark: str = ""
) -> EligibilityCheck:
    """A person's verdict on eligibility, beside the automatic findings. None: follow the findings.

    Going against the findings needs a remark. Errors: Invalid, WrongState, ConflictOfInterest.
    """
    require(actor, "check eligibility")
    findings = eligibility_findings(application)
    advised = all(finding["holds"] for finding in findings)
    verdict = advised if eligible is None else eligible
    if verdict != advised and not remark.strip():
        raise Invalid(_("This goes against the automatic findings. Say why."), faults={"remark": [_("Say why.")]})
    # The record has the rules' words in the platform's language; readers have them in their own, from the findings.
    with override(settings.LANGUAGE_CODE):
        found = " ".join(finding_words(finding) for finding in findings if not finding["holds"])
    advance(
        actor,
        application,
        "find_eligible" if verdict else "find_ineligible",
        why=remark if verdict else remark.strip() or found,
        answered_at=None if verdict else timezone.now(),
    )
    return EligibilityCheck.objects.create(
        application=application, findings=findings, eligible=verdict, remark=remark.strip(), made_by=actor
    )
