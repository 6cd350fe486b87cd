"""The verbs of projects: open, award hours, take in and let go members, give back what is not used."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from fabriek.audit.actions import record
from fabriek.conf.amounts import month_text
from fabriek.conf.errors import Invalid, NotFound
from fabriek.ledger import actions as ledger
from fabriek.ledger.errors import InsufficientHours
from fabriek.ledger.models import Account, AccountKind, Entry, Kind, Transaction, Unit
from fabriek.people.models import Organisation, Person
from fabriek.people.permissions import may
from fabriek.programmes.models import Programme
from fabriek.projects.errors import LeadStays, NotAMember
from fabriek.projects.models import Allocation, Member, Project
from fabriek.projects.rules import leads, month_after, months_between, spread_evenly
from fabriek.register.models import Factory, Partition


@transaction.atomic
def open_project(
    actor: Any,
    *,
    code: str,
    title: str,
    programme: Programme,
    organisation: Organisation,
    lead: Person | None,
    starts: date,
    ends: date,
    factory: Factory | None = None,
    organisation_class: str = "",
    country: str = "",
    commercial: bool = False,
    application: str = "",
    summary: str = "",
    origin: str = "awarded",
    is_demo: bool = False,
) -> Project:
    """Open a project and make its lead a member. Called by a published decision or an import, which checked the actor.

    Opening a code that is open already returns that project: an interrupted decision can be repeated.
    """
    found = Project.objects.filter(code=code).first()
    if found is not None:
        return found
    project = Project.objects.create(
        code=code,
        title=title,
        summary=summary,
        factory=factory,
        programme=programme,
        organisation=organisation,
        organisation_class=organisation_class or organisation.organisation_class,
        country=country or organisation.country,
        commercial=commercial,
        origin=origin,
        application=application,
        starts=starts,
        ends=ends,
        is_demo=is_demo,
    )
    if lead is not None:
        Member.objects.create(project=project, person=lead, role="lead", unix_name=unix_name(lead))
    record(actor, "projects.open_project", project, application=application, programme=programme.code)
    return project


def unix_name(person: Person) -> str:
    """Who a person's jobs run as: the same at every site and in every project."""
    return f"u{person.pk:06d}"


def share_account(programme: str, partition: str, month: date, unit: str) -> Account:
    """The share that an award draws on; it must have been established."""
    code = ledger.account_code(AccountKind.SHARE, unit, partition, month, programme)
    found = Account.objects.filter(code=code).first()
    if found is None:
        raise NotFound(
            _("%(programme)s has no share of %(partition)s in %(month)s. Establish the shares first.")
            % {"programme": programme, "partition": partition, "month": month_text(month)}
        )
    return found


@transaction.atomic
def award(
    actor: Any,
    project: Project,
    partition: Partition,
    first_month: date,
    months: int,
    accelerator_seconds: int,
    *,
    key: str,
) -> Allocation:
    """Give a project hours of its programme's share on a partition, spread evenly over whole months.

    Core-seconds go with them in the partition's ratio of cores to accelerators (on a partition without accelerators,
    `accelerator_seconds` counts core-seconds). The same key again returns the allocation that was made.
    Errors: InsufficientHours where the share holds less (rule 3), NotFound where there is no share.
    """
    if accelerator_seconds <= 0 or months <= 0:
        raise Invalid(_("Award at least one hour over at least one month."))
    if partition.accelerators_per_node:
        amounts = {Unit.ACCELERATOR_SECONDS: accelerator_seconds}
        if partition.cores_per_node:
            amounts[Unit.CORE_SECONDS] = (
                accelerator_seconds * partition.cores_per_node // partition.accelerators_per_node
            )
    else:
        amounts = {Unit.CORE_SECONDS: accelerator_seconds}

    number = project.allocations.count() + 1
    allocation, created = Allocation.objects.get_or_create(
        code=_allocation_code(project, key, number),
        defaults={
            "project": project,
            "partition": partition,
            "starts": first_month,
            "ends": month_after(first_month, months),
        },
    )
    moves = []
    for unit, total in amounts.items():
        for month, amount in zip(
            months_between(allocation.starts, allocation.ends), spread_evenly(total, months), strict=True
        ):
            share = share_account(project.programme.code, partition.code, month, unit)
            if unit == Unit.CORE_SECONDS and Unit.ACCELERATOR_SECONDS in amounts:
                # The ratio's rounding must not refuse the last accelerator-hour of a share.
                amount = min(amount, max(0, share.balance - (share.minimum or 0)) if created else amount)
            moves.append(ledger.Move(share, station("award", allocation, month, unit), amount, allocation.code))
    if created:
        try:
            ledger.post(actor, key=f"award:{key}", kind=Kind.AWARD, moves=moves, why=f"award to {project.code}")
        except InsufficientHours as refusal:
            raise InsufficientHours(
                _("The share of %(programme)s can't carry this award: %(why)s")
                % {"programme": project.programme.name, "why": refusal.sentence},
                **refusal.extra,
            ) from refusal
        record(
            actor,
            "projects.award",
            project,
            allocation=allocation.code,
            partition=partition.code,
            accelerator_seconds=amounts.get(Unit.ACCELERATOR_SECONDS, 0),
            core_seconds=amounts.get(Unit.CORE_SECONDS, 0),
            months=[f"{first_month:%Y-%m}", months],
        )
    return allocation


def _allocation_code(project: Project, key: str, number: int) -> str:
    """`project.1`, or the code that this key got before: the ledger remembers it."""
    made = Entry.objects.filter(transaction__key=f"award:{key}").values_list("credit__allocation", flat=True).first()
    return made or f"{project.code}.{number}"


def station(kind: str, allocation: Allocation, month: date, unit: str) -> Account:
    """The account of an allocation's hours of a month: awarded, used or lapsed."""
    return ledger.account(
        kind,
        unit=unit,
        partition=allocation.partition.code,
        month=month,
        programme=allocation.project.programme.code,
        allocation=allocation.code,
    )


@transaction.atomic
def add_member(actor: Any, project: Project, person: Person) -> Member:
    """Take a person into a project. Its lead does so, or an operator."""
    _require_lead(actor, project)
    member, created = Member.objects.get_or_create(
        project=project, person=person, defaults={"unix_name": unix_name(person)}
    )
    if not created and member.left_at is None:
        return member
    member.left_at = None
    member.save(update_fields=["left_at"])
    record(actor, "projects.add_member", project, person=person.email)
    return member


@transaction.atomic
def remove_member(actor: Any, project: Project, person: Person) -> None:
    """Let a member go; what they did stays on record. Errors: LeadStays for the lead."""
    _require_lead(actor, project)
    member = project.members.filter(person=person, left_at__isnull=True).first()
    if member is None:
        return
    if member.role == "lead":
        raise LeadStays(_("The lead can't leave the project. Make somebody else the lead first."))
    member.left_at = timezone.now()
    member.save(update_fields=["left_at"])
    record(actor, "projects.remove_member", project, person=person.email)


def _require_lead(actor: Any, project: Project) -> None:
    if not (leads(actor, project) or may(actor, "manage clusters")):
        raise NotAMember(_("Only the project's lead may change its members."))


@transaction.atomic
def settle(actor: Any, allocation: Allocation, now: datetime | None = None) -> int:
    """Give back what an allocation did not use: months to come to the share, months gone by lapse.

    Returns the accelerator-seconds that moved. Settling twice moves nothing the second time. An allocation that was
    used ahead of its spread gives back only what it holds over all months together, latest months first.
    """
    now = now or timezone.now()
    if allocation.settled_at is not None:
        return 0
    this_month = now.date().replace(day=1)
    moves, moved = [], 0
    for unit in Unit.values:
        held = Account.objects.filter(allocation=allocation.code, kind=AccountKind.AWARD, unit=unit).order_by("-month")
        left = sum(account.balance for account in held)
        for account in held:
            amount = min(left, account.balance)
            if amount <= 0:
                continue
            left -= amount
            if account.month >= this_month:
                to = share_account(account.programme, account.partition, account.month, unit)
            else:
                to = station("lapsed", allocation, account.month, unit)
            moves.append(ledger.Move(account, to, amount, allocation.code))
            moved += amount if unit == Unit.ACCELERATOR_SECONDS else 0
    ledger.post(actor, key=f"settle:{allocation.code}", kind=Kind.LAPSE, moves=moves, why="the allocation ended")
    allocation.settled_at = now
    allocation.save(update_fields=["settled_at"])
    record(actor, "projects.settle", allocation, accelerator_seconds=moved)
    return moved


@transaction.atomic
def settle_ended(actor: Any, now: datetime | None = None) -> Sequence[Allocation]:
    """Settle every allocation whose last month has gone by, and end projects that have none left."""
    now = now or timezone.now()
    ended = list(
        Allocation.objects.filter(ends__lte=now.date(), settled_at__isnull=True).select_related(
            "project__programme", "partition"
        )
    )
    for allocation in ended:
        settle(actor, allocation, now)
    for project in {a.project for a in ended}:
        if project.ended_at is None and not project.allocations.filter(settled_at__isnull=True).exists():
            project.ended_at = now
            project.save(update_fields=["ended_at"])
    return ended


@transaction.atomic
def lapse_shares(actor: Any, now: datetime | None = None) -> int:
    """Hours of a share that nobody was awarded before their month went by: from the share to lapsed.

    Returns the accelerator-seconds that lapsed. Doing it twice moves nothing the second time; hours that come back to a
    month that has gone by lapse the next time.
    """
    this_month = (now or timezone.now()).date().replace(day=1)
    moves: dict[date, list[ledger.Move]] = {}
    for share in Account.objects.filter(kind=AccountKind.SHARE, month__lt=this_month, credits__gt=F("debits")):
        lapsed = ledger.account(
            AccountKind.LAPSED, unit=share.unit, partition=share.partition, month=share.month, programme=share.programme
        )
        moves.setdefault(share.month, []).append(ledger.Move(share, lapsed, share.balance))
    for month, of_month in sorted(moves.items()):
        name = f"lapse:{month:%Y-%m}:"
        number = Transaction.objects.filter(key__startswith=name).count() + 1
        ledger.post(actor, key=f"{name}{number}", kind=Kind.LAPSE, moves=of_month, why="the month has gone by")
    return sum(
        move.amount for of_month in moves.values() for move in of_month if move.debit.unit == Unit.ACCELERATOR_SECONDS
    )
