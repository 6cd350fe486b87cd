"""Programmes: the tree with what each has, the share table, establishing shares, moving hours between programmes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from fabriek.conf.amounts import number_text
from fabriek.conf.errors import Refused
from fabriek.people.permissions import may
from fabriek.portal.access import requires
from fabriek.portal.components import plots
from fabriek.portal.components.amounts import percent_text
from fabriek.portal.components.plots import Column, Figure
from fabriek.portal.pages.decide.declaring_forms import WhyForm
from fabriek.portal.pages.decide.forms import ReallocationForm, ShareForm
from fabriek.portal.pages.decide.replies import acted, add_refusal, csv_file, page, person_of, posted, see_other
from fabriek.programmes import actions, moving
from fabriek.programmes.models import Programme, Reallocation, Share
from fabriek.programmes.queries import (
    ShareRow,
    declared_capacity,
    in_order,
    leaf_programmes,
    reallocations,
    share_table,
)
from fabriek.programmes.rules import sum_of_shares
from fabriek.projects.rules import month_after
from fabriek.promises.queries import broken_promises
from fabriek.register.models import Partition

MONTHS = 12
"""As many months at once in a table; `?from=` shows others."""


@dataclass(frozen=True)
class Branch:
    """A programme in the tree, its parts counted in; amounts in accelerator-seconds over the months shown."""

    programme: Programme
    depth: int
    share: int
    awarded: int
    used: int


@requires("read ledger")
def index(request: HttpRequest) -> HttpResponse:
    """The tree with what each programme has, and the share table of one partition."""
    partitions = _partitions_with_shares()
    partition = _chosen(partitions, request.GET.get("partition", ""))
    months = _months(partition) if partition else []
    table = share_table(partition, months) if partition else []
    sort = request.GET.get("sort", "")
    if request.GET.get("format") == "csv" and request.GET.get("of") == "reallocations":
        return _moved_as_csv()
    if request.GET.get("format") == "csv":
        return _as_csv(partition, in_order(table, sort))
    every = [row for one in partitions for row in (table if one == partition else share_table(one, _months(one)))]
    return page(
        request,
        "programmes",
        tree=_tree(every),
        partitions=partitions,
        partition=partition,
        table=in_order(table, sort),
        plot=_plot(partition, table) if partition else None,
        reallocations=reallocations()[:50],
        may_establish=may(request.user, "establish shares"),
        may_reallocate=may(request.user, "reallocate"),
        may_set_route=may(request.user, "set sign-off"),
    )


def _partitions_with_shares() -> list[Partition]:
    return list(Partition.objects.filter(shares__isnull=False).select_related("system").distinct().order_by("code"))


def _chosen(partitions: list[Partition], code: str) -> Partition | None:
    if not code:
        return partitions[0] if partitions else None
    found = next((partition for partition in partitions if partition.code == code), None)
    if found is None:
        raise Http404
    return found


def _months(partition: Partition) -> list[date]:
    """The last months that have shares, at most a year's."""
    months = Share.objects.filter(partition=partition).order_by("month").values_list("month", flat=True).distinct()
    return list(months)[-MONTHS:]


def _tree(rows: Iterable[ShareRow]) -> list[Branch]:
    """The programmes, parents before their parts, each with the sums of its leaves."""
    sums: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for row in rows:
        for place, amount in enumerate((row.share, row.awarded, row.used)):
            sums[row.programme.code][place] += amount
    children: dict[int | None, list[Programme]] = defaultdict(list)
    for programme in Programme.objects.select_related("pillar").order_by("-kind", "name"):
        children[programme.parent_id].append(programme)

    def below(programme: Programme, depth: int) -> list[Branch]:
        parts = [branch for child in children[programme.pk] for branch in below(child, depth + 1)]
        own = list(sums[programme.code])
        for part in parts:
            if part.depth == depth + 1:
                own = [own[0] + part.share, own[1] + part.awarded, own[2] + part.used]
        return [Branch(programme, depth, *own), *parts]

    return [branch for root in children[None] for branch in below(root, 0)]


def _plot(partition: Partition, table: list[ShareRow]) -> Figure:
    rows = []
    for row in table:
        rows.append({"month": row.month, "programme": row.programme.name, "hours": row.share})
    return plots.bars(
        _("Shares by month, GPU-hours: %(partition)s") % {"partition": partition.code},
        [
            Column("month", _("Month"), "month"),
            Column("programme", _("Programme")),
            Column("hours", _("Share"), "gpu_hours"),
        ],
        sorted(rows, key=lambda row: (row["month"], row["programme"])),
        x="month",
        y="hours",
        series="programme",
    )


def _as_csv(partition: Partition | None, table: list[ShareRow]) -> HttpResponse:
    return csv_file(
        "shares" + (f"-{partition.code.replace('/', '-')}" if partition else ""),
        [
            "programme",
            "month",
            "fraction",
            "share_accelerator_seconds",
            "awarded_accelerator_seconds",
            "used_accelerator_seconds",
            "free_accelerator_seconds",
        ],
        [
            (
                row.programme.code,
                f"{row.month:%Y-%m}",
                row.fraction if row.fraction is not None else "",
                row.share,
                row.awarded,
                row.used,
                row.free,
            )
            for row in table
        ],
    )


def _moved_as_csv() -> HttpResponse:
    return csv_file(
        "reallocations",
        [
            "code",
            "made_at",
            "made_by",
            "kind",
            "partition",
            "month",
            "from_programme",
            "to_programme",
            "accelerator_seconds",
            "why",
            "undoes",
            "undone_by",
        ],
        [
            (
                one.code,
                one.made_at.isoformat(),
                one.made_by.name,
                one.kind,
                one.partition.code,
                f"{one.month:%Y-%m}",
                one.from_programme.code,
                one.to_programme.code,
                one.accelerator_seconds,
                one.why,
                one.undoes.code if one.undoes else "",
                one.undone_by.code if getattr(one, "undone_by", None) else "",
            )
            for one in reallocations()
        ],
    )


@requires("establish shares", "GET", "POST")
def establish(request: HttpRequest) -> HttpResponse:
    """The shares of one partition over some months. A table that is off is shown again, the row marked.

    `check` instead of establishing only says what the table comes to: for who has no script.
    """
    partitions = list(
        Partition.objects.filter(nodes__isnull=False, availabilities__isnull=False).distinct().order_by("code")
    )
    partition = _chosen(partitions, request.POST.get("partition") or request.GET.get("partition", ""))
    if partition is None:
        return page(request, "establish_shares", partitions=[], partition=None)
    programmes = list(leaf_programmes())
    if request.method == "POST":
        form = ShareForm(programmes, request.POST)
        if form.is_valid() and "check" not in request.POST:
            try:
                with _telling_of_promises(request):
                    made = actions.establish_shares(
                        person_of(request), partition, form.month_list(), form.fractions(), form.cleaned_data["why"]
                    )
            except Refused as refusal:
                add_refusal(form, refusal, names={})
            else:
                messages.success(
                    request,
                    ngettext("%(number)s share established.", "%(number)s shares established.", len(made))
                    % {"number": len(made)},
                )
                return see_other(f"{reverse('portal:programmes')}?partition={partition.code}")
    else:
        form = ShareForm(programmes, initial=_latest(partition, programmes))
    context = {"partitions": partitions, "partition": partition, "rows": form.rows()}
    return page(request, "establish_shares", form, **context, **_sum_of(partition, programmes, form))


@requires("establish shares")
def shares_total(request: HttpRequest) -> HttpResponse:
    """What the table comes to while it is written: what is left or over, together and by month."""
    partitions = Partition.objects.filter(code=request.GET.get("partition", ""))
    partition = _chosen(list(partitions), request.GET.get("partition", ""))
    if partition is None:
        raise Http404
    programmes = list(leaf_programmes())
    form = ShareForm(programmes, request.GET)
    return page(request, "shares_total", partition=partition, live=True, **_sum_of(partition, programmes, form))


def _sum_of(partition: Partition, programmes: list[Programme], form: ShareForm) -> dict[str, Any]:
    """The running total of what is in the form, valid or not yet; rows that are no number are named."""
    # Read anew: a refusal took the row that it names out of the form's answers.
    said = form.data if form.is_bound else {**form.initial, "first": f"{form.initial['first']:%Y-%m}"}
    form = ShareForm(programmes, said)
    form.is_valid()
    named = {programme.code: programme.name for programme in programmes}
    months = form.month_list() if {"first", "months"} <= form.cleaned_data.keys() else []
    found = sum_of_shares(form.fractions(), declared_capacity(partition, months))
    return {
        "sum": found,
        "total": _exact_percent(found.total),
        "apart": _exact_percent(abs(found.off)),
        "is_over": found.off > 0,
        "row": named.get(found.row, ""),
        "mended": None if found.mended is None else _exact_percent(found.mended),
        "unread": [name for code, name in named.items() if code in form.errors and code not in form.cleaned_data],
    }


def _exact_percent(fraction: Decimal) -> str:
    """As many decimals as somebody typed: 12.5 %, 99.999999 %."""
    exponent = (fraction * 100).normalize().as_tuple().exponent
    return percent_text(fraction, max(0, -exponent) if isinstance(exponent, int) else 0)


def _latest(partition: Partition, programmes: list[Programme]) -> dict[str, Any]:
    """The shares as they are in the last month, for that month and those after."""
    last = Share.objects.filter(partition=partition).order_by("-month").values_list("month", flat=True).first()
    shares = (
        Share.objects.filter(partition=partition, month=last).values_list("programme__code", "fraction") if last else []
    )
    known = {programme.code for programme in programmes}
    return {
        "first": last or month_after(timezone.now().date().replace(day=1), 1),
        "months": 1,
        **{code: _plain(fraction * 100) for code, fraction in shares if code in known},
    }


def _plain(percent: Decimal) -> str:
    text = f"{percent:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


@requires("reallocate", "GET", "POST")
def reallocate(request: HttpRequest) -> HttpResponse:
    """Move hours of one programme to another, with the reason."""
    form = ReallocationForm(posted(request), initial=_suggested(request))

    def move() -> Reallocation:
        said = form.cleaned_data
        return moving.reallocate(
            person_of(request),
            said["partition"],
            said["month"],
            said["from_programme"],
            said["to_programme"],
            said["hours"] * 3600,
            said["why"],
            said["kind"],
        )

    with _telling_of_promises(request):
        done = acted(
            request,
            form,
            move,
            lambda made: (
                _("Moved: %(hours)s GPU-hours from %(from)s to %(to)s.")
                % {
                    "hours": number_text(form.cleaned_data["hours"]),
                    "from": made.from_programme.name,
                    "to": made.to_programme.name,
                },
                f"{reverse('portal:programmes')}?partition={made.partition.code}#reallocations",
            ),
        )
    return done or page(request, "reallocate", form)


@requires("reallocate", "GET", "POST")
def undo(request: HttpRequest, code: str) -> HttpResponse:
    """Move hours back, after asking why."""
    found = (
        Reallocation.objects.select_related("partition", "from_programme", "to_programme", "made_by")
        .filter(code=code)
        .first()
    )
    if found is None:
        raise Http404
    back = f"{reverse('portal:programmes')}?partition={found.partition.code}#reallocations"
    form = WhyForm(posted(request))
    with _telling_of_promises(request):
        done = acted(
            request,
            form,
            lambda: moving.undo_reallocation(person_of(request), found, form.cleaned_data["why"]),
            lambda _made: (
                _("Moved back: %(hours)s GPU-hours to %(programme)s.")
                % {"hours": number_text(found.accelerator_seconds / 3600, 1), "programme": found.from_programme.name},
                back,
            ),
        )
    return done or page(request, "undo_reallocation", form, one=found, back=back)


@contextmanager
def _telling_of_promises(request: HttpRequest) -> Iterator[None]:
    """Say which promises the officer breaks by what is posted: other shares, or the opposite move, mend them."""
    if request.method != "POST":
        yield
        return
    before = broken_promises()
    yield
    broken = [name for code, name in broken_promises().items() if code not in before]
    if broken:
        messages.warning(request, _("No longer kept: %(promises)s.") % {"promises": ", ".join(broken)})


def _suggested(request: HttpRequest) -> dict[str, Any]:
    return {
        "kind": "reallocation",
        "partition": request.GET.get("partition", ""),
        "month": timezone.now().date().replace(day=1),
    }
