"""Giving back before the end: by the rule, with a warning and a claim, or by the lead's own will.

Each return is one balanced transaction whose key is its number: interrupted, it is repeated and ends in the same state.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from django.conf import settings
from django.core.mail import send_mail
from django.db import IntegrityError, transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from fabriek.audit.actions import record
from fabriek.conf.amounts import number_text
from fabriek.conf.errors import Invalid, Refused
from fabriek.conf.working_days import working_days_after
from fabriek.ledger import actions as ledger
from fabriek.ledger.models import Account, AccountKind, Kind, Unit
from fabriek.ledger.queries import allocation_hours
from fabriek.people.permissions import require
from fabriek.projects.actions.projects import share_account, station
from fabriek.projects.errors import NotAMember
from fabriek.projects.models import Allocation, Return, ReturnState
from fabriek.projects.rolling import RULE, ReturnRule, is_behind, part_to_return, planned_by, released, with_cores
from fabriek.projects.rules import leads

_log = logging.getLogger("fabriek.projects")


def held_by_month(allocation: Allocation, unit: str) -> dict[date, int]:
    """What an allocation holds, month by month; below zero where it was used ahead. One query."""
    rows = Account.objects.filter(allocation=allocation.code, kind=AccountKind.AWARD, unit=unit)
    return {month: credits - debits for month, credits, debits in rows.values_list("month", "credits", "debits")}


def main_unit(allocation: Allocation) -> str:
    """What its partition counts: accelerators, or cores where it has none."""
    return Unit.ACCELERATOR_SECONDS if allocation.partition.accelerators_per_node else Unit.CORE_SECONDS


def taking(allocation: Allocation, taken: dict[date, int], on: date) -> list[ledger.Move]:
    """The moves that take seconds out of an allocation: months to come to the share, months gone by to lapsed."""
    unit = main_unit(allocation)
    amounts = {unit: taken}
    if unit == Unit.ACCELERATOR_SECONDS:
        amounts[Unit.CORE_SECONDS] = with_cores(
            taken, held_by_month(allocation, unit), held_by_month(allocation, Unit.CORE_SECONDS)
        )
    moves = []
    for each, months in amounts.items():
        for month, amount in sorted(months.items()):
            held = station("award", allocation, month, each)
            if month >= on.replace(day=1):
                to = share_account(allocation.project.programme.code, allocation.partition.code, month, each)
            else:
                to = station("lapsed", allocation, month, each)
            moves.append(ledger.Move(held, to, amount, allocation.code))
    return moves


def would_return(on: date, rule: ReturnRule = RULE) -> list[Return]:
    """The returns that the rule asks for now and that nobody was warned of yet. Nothing is written."""
    running = (
        Allocation.objects.filter(starts__lte=on, ends__gt=on, settled_at__isnull=True, project__ended_at__isnull=True)
        .filter(project__origin="awarded")
        .exclude(returns__kind="rule")
        .select_related("project__programme", "project__factory", "project__organisation", "partition__system__site")
        .order_by("code")
    )
    by_unit: dict[str, list[Allocation]] = {}
    for allocation in running:
        by_unit.setdefault(main_unit(allocation), []).append(allocation)
    found = []
    for unit, allocations in by_unit.items():
        hours = allocation_hours([a.code for a in allocations], unit)
        for allocation in allocations:
            of = hours[allocation.code]
            if not is_behind(of.awarded, of.used, allocation.starts, allocation.ends, on, rule):
                continue
            amount = sum(part_to_return(held_by_month(allocation, unit), on, rule).values())
            if amount:
                found.append(
                    Return(
                        allocation=allocation,
                        kind="rule",
                        state=ReturnState.WARNED,
                        rule=rule.numbers(),
                        awarded_seconds=of.awarded,
                        used_seconds=of.used,
                        planned_seconds=planned_by(of.awarded, allocation.starts, allocation.ends, on),
                        accelerator_seconds=amount,
                        due=working_days_after(on, rule.notice_working_days, _country(allocation)),
                    )
                )
    return found


def _country(allocation: Allocation) -> str:
    factory = allocation.project.factory
    return factory.country if factory else allocation.partition.system.site.country


def warn_unused(actor: Any, now: datetime | None = None) -> list[Return]:
    """Warn every project that gives back by the rule. Once for an allocation; can be repeated.

    actor: an officer, or None for the platform's own clock.
    """
    if actor is not None:
        require(actor, "decide")
    now, made = now or timezone.now(), []
    for one in would_return(now.date()):
        one.warned_at = now
        try:
            with transaction.atomic():
                one.save(force_insert=True)
                record(
                    actor,
                    "projects.warn_unused",
                    one.allocation.project,
                    allocation=one.allocation.code,
                    accelerator_seconds=one.accelerator_seconds,
                    due=one.due.isoformat(),
                    rule=one.rule,
                )
                _tell(one)
        except IntegrityError:  # Somebody else's clock warned at the same moment.
            continue
        made.append(one)
    return made


def _tell(one: Return) -> None:
    """Mail the members. A mail that can't be sent undoes nothing: the project's page says the same."""
    project = one.allocation.project
    link = f"{settings.FABRIEK_BASE_URL}/projects/{project.code}/hours/"
    people = [
        member.person
        for member in project.members.filter(left_at__isnull=True).select_related("person")
        if not member.person.is_demo
    ]

    def send() -> None:
        for person in people:
            try:
                with translation.override(person.language):
                    send_mail(
                        _("Unused hours of %(project)s go back on %(day)s")
                        % {"project": project.title, "day": one.due},
                        _(
                            "%(project)s used %(used)s of the %(planned)s GPU-hours that an even use would have "
                            "come to. On %(day)s, %(back)s GPU-hours of the months to come go back to others, unless "
                            "you say that you need them:"
                        )
                        % {
                            "project": project.title,
                            "used": number_text(one.used_seconds // 3600),
                            "planned": number_text(one.planned_seconds // 3600),
                            "back": number_text(one.accelerator_seconds // 3600),
                            "day": one.due,
                        }
                        + f"\n\n{link}",
                        settings.DEFAULT_FROM_EMAIL,
                        [person.email],
                    )
            except OSError:
                _log.exception("mail to %s about %s", person.email, project.code)

    transaction.on_commit(send)


@transaction.atomic
def claim_return(actor: Any, one: Return, why: str) -> Return:
    """Say that the hours are needed: the return is stopped. By the project's lead, before it is due.

    Errors: NotAMember, Invalid, Refused (it happened already).
    """
    if not leads(actor, one.allocation.project):
        raise NotAMember(_("Only the project's lead may claim its hours."))
    if not why.strip():
        raise Invalid(_("Say what you need the hours for."), faults={"why": [_("Say what you need the hours for.")]})
    now = timezone.now()
    claimed = Return.objects.filter(pk=one.pk, state=ReturnState.WARNED).update(
        state=ReturnState.CLAIMED, claim=why.strip()[:2000], claimed_by=actor, claimed_at=now
    )
    one.refresh_from_db()
    if not claimed:
        if one.state == ReturnState.CLAIMED:
            return one
        raise Refused(_("These hours went back already, or the warning was withdrawn."))
    record(actor, "projects.claim_return", one.allocation.project, why=why.strip(), allocation=one.allocation.code)
    return one


@transaction.atomic
def take_back(actor: Any, one: Return, now: datetime | None = None) -> Return:
    """Carry out a return that is due. Doing it again changes nothing. Errors: Refused where it isn't due, or claimed.

    A project that caught up meanwhile keeps its hours.
    """
    if actor is not None:
        require(actor, "decide")
    now = now or timezone.now()
    one = (
        Return.objects.select_for_update(of=("self",))
        .select_related("allocation__project__programme", "allocation__partition")
        .get(pk=one.pk)
    )
    if one.state in (ReturnState.RETURNED, ReturnState.CANCELLED):
        return one
    if one.state == ReturnState.CLAIMED:
        raise Refused(_("The project claimed these hours: they stay."))
    if one.due > now.date():
        raise Refused(_("The project has until %(day)s to say that it needs these hours.") % {"day": one.due})
    # A move or a giving back at the same moment: the second sees what the first left.
    Allocation.objects.select_for_update(of=("self",)).get(pk=one.allocation_id)
    allocation, rule = one.allocation, ReturnRule(**one.rule)
    hours = allocation_hours([allocation.code], main_unit(allocation))[allocation.code]
    behind = is_behind(hours.awarded, hours.used, allocation.starts, allocation.ends, now.date(), rule)
    if allocation.settled_at is not None or not behind:
        one.state = ReturnState.CANCELLED
        one.save(update_fields=["state"])
        record(actor, "projects.cancel_return", allocation.project, allocation=allocation.code)
        return one
    taken = part_to_return(held_by_month(allocation, main_unit(allocation)), now.date(), rule)
    return _carry_out(actor, one, taken, now)


def _carry_out(actor: Any, one: Return, taken: dict[date, int], now: datetime) -> Return:
    allocation = one.allocation
    ledger.post(
        actor,
        key=f"return:{one.pk}",
        kind=Kind.ADJUSTMENT,
        moves=taking(allocation, taken, now.date()),
        why=f"unused hours of {allocation.project.code} given back",
    )
    one.state, one.returned_at, one.accelerator_seconds = ReturnState.RETURNED, now, sum(taken.values())
    one.save(update_fields=["state", "returned_at", "accelerator_seconds"])
    record(
        actor,
        "projects.give_back",
        allocation.project,
        allocation=allocation.code,
        accelerator_seconds=one.accelerator_seconds,
        kind=one.kind,
    )
    return one


def take_back_due(actor: Any, now: datetime | None = None) -> list[Return]:
    """Carry out all returns that are due and unclaimed, each in its own transaction. Can be repeated."""
    now = now or timezone.now()
    due = list(Return.objects.filter(state=ReturnState.WARNED, due__lte=now.date()).order_by("pk"))
    return [one for one in (take_back(actor, each, now) for each in due) if one.state == ReturnState.RETURNED]


@transaction.atomic
def give_back(actor: Any, allocation: Allocation, seconds: int, now: datetime | None = None) -> Return:
    """Give hours back that the project will not use, from its last months on. By its lead. Errors: Invalid."""
    if not leads(actor, allocation.project):
        raise NotAMember(_("Only the project's lead may give back hours."))
    now = now or timezone.now()
    # Two at once: the second sees what the first left.
    allocation = (
        Allocation.objects.select_for_update(of=("self",))
        .select_related("project__programme", "partition")
        .get(pk=allocation.pk)
    )
    held = held_by_month(allocation, main_unit(allocation))
    to_come = {month: amount for month, amount in held.items() if month >= now.date().replace(day=1)}
    most = min(sum(max(0, amount) for amount in to_come.values()), max(0, sum(held.values())))
    if allocation.settled_at is not None or not 0 < seconds <= most:
        words = _("Give back at least 1 and at most %(most)s GPU-hours: what lies in this month and those to come.") % {
            "most": number_text(most // 3600)
        }
        raise Invalid(words, faults={"hours": [words]})
    one = Return.objects.create(
        allocation=allocation,
        kind="own",
        state=ReturnState.WARNED,
        accelerator_seconds=seconds,
        due=now.date(),
    )
    return _carry_out(actor, one, released(to_come, now.date(), seconds), now)


def returns_of(project: Any) -> Sequence[Return]:
    """All returns of a project, newest first."""
    return list(Return.objects.filter(allocation__project=project).select_related("allocation").order_by("-pk"))
