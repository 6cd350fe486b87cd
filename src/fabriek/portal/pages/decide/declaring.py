"""The operator declares what there is: sites, factories, systems, partitions, availability, clusters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from fabriek.operations.actions import register_cluster
from fabriek.portal.access import requires
from fabriek.portal.pages.decide.declaring_forms import (
    AvailabilityForm,
    ClusterForm,
    ConversionForm,
    Declaring,
    FactoryForm,
    PartitionForm,
    PriceForm,
    SiteForm,
    SizeForm,
    SystemForm,
)
from fabriek.portal.pages.decide.replies import acted, page, person_of, posted
from fabriek.projects.rules import month_after
from fabriek.register import actions
from fabriek.register.conversions import declare_conversion
from fabriek.register.models import Partition, Site, System
from fabriek.register.prices import declare_price


def _declare(
    request: HttpRequest,
    form: Declaring,
    act: Callable[[], object],
    done: Callable[[], tuple[str, str]],
    names: dict[str, str] | None = None,
    **shown: Any,
) -> HttpResponse:
    """One form, one action: what is refused stands at its field; what is done is told (`done`: sentence, address)."""
    return acted(request, form, act, lambda _made: done(), names) or page(
        request, "declare", form, **{"up": reverse("portal:operations"), "up_words": _("Operations"), **shown}
    )


@requires("declare capacity", "GET", "POST")
def site(request: HttpRequest) -> HttpResponse:
    """A data centre."""
    form = SiteForm(posted(request))
    return _declare(
        request,
        form,
        lambda: actions.declare_site(person_of(request), **form.said()),
        lambda: (
            _("Declared: %(name)s.") % {"name": form.cleaned_data["name"]},
            f"{reverse('portal:declare_system')}?site={form.cleaned_data['code']}",
        ),
        heading=_("Declare a site"),
        lead=_("A data centre: where systems stand."),
        submit=_("Declare the site"),
    )


@requires("declare capacity", "GET", "POST")
def factory(request: HttpRequest) -> HttpResponse:
    """An AI factory."""
    form = FactoryForm(posted(request))
    return _declare(
        request,
        form,
        lambda: actions.declare_factory(person_of(request), **form.cleaned_data),
        lambda: (
            _("Declared: %(name)s.") % {"name": form.cleaned_data["name"]},
            f"{reverse('portal:declare_system')}?factory={form.cleaned_data['code']}",
        ),
        heading=_("Declare a factory"),
        lead=_("An AI factory is made of legal entities and is none itself: its hosting entity answers for it."),
        submit=_("Declare the factory"),
    )


@requires("declare capacity", "GET", "POST")
def system(request: HttpRequest) -> HttpResponse:
    """A supercomputer; its partitions come next."""
    suggested = {name: request.GET.get(name, "") for name in ("site", "factory")}
    form = SystemForm(posted(request), initial=suggested)
    return _declare(
        request,
        form,
        lambda: actions.declare_system(person_of(request), **form.cleaned_data),
        lambda: (
            _("Declared: %(name)s. Now its partitions.") % {"name": form.cleaned_data["name"]},
            reverse("portal:declare_partition", args=[form.cleaned_data["code"]]),
        ),
        heading=_("Declare a system"),
        lead=_("A supercomputer at a site, for a factory. Its partitions come next."),
        submit=_("Declare the system"),
        others=[
            (reverse("portal:declare_site"), _("The site is not in the list")),
            (reverse("portal:declare_factory"), _("The factory is not in the list")),
        ],
    )


@requires("declare capacity", "GET", "POST")
def partition(request: HttpRequest, code: str) -> HttpResponse:
    """A partition of a system, one after the other."""
    of = System.objects.filter(code=code).prefetch_related("partitions").first()
    if of is None:
        raise Http404
    form = PartitionForm(posted(request))
    return _declare(
        request,
        form,
        lambda: actions.declare_partition(person_of(request), of, **form.cleaned_data),
        lambda: (
            _("Declared: %(name)s. It has capacity once its availability is declared.")
            % {"name": f"{of.code}/{form.cleaned_data['name']}"},
            reverse("portal:declare_partition", args=[of.code]),
        ),
        {"code": "name"},
        kicker=of.name,
        heading=_("Declare a partition"),
        lead=_("Nodes that are alike. Their number and what is in them make the capacity."),
        submit=_("Declare the partition"),
        partitions=of.partitions.all(),
    )


@requires("declare capacity", "GET", "POST")
def availability(request: HttpRequest) -> HttpResponse:
    """The part of its time that a partition is up."""
    chosen = Partition.objects.filter(code=request.GET.get("partition", "")).first()
    following = month_after(timezone.now().date().replace(day=1), 1)
    suggested = {"partition": chosen.code if chosen else "", "valid_from": following}
    form = AvailabilityForm(posted(request), initial=suggested)

    def act() -> None:
        actions.declare_availability(person_of(request), **form.said())

    return _declare(
        request,
        form,
        act,
        lambda: (
            _("Declared. The derived capacity has changed: declare it again."),
            f"{reverse('portal:declare_capacity')}?partition={form.cleaned_data['partition'].code}",
        ),
        {"fraction": "percent"},
        heading=_("Declare availability"),
        lead=_("The part of its time that a partition is up. The capacity of each month follows from it."),
        submit=_("Declare availability"),
        availabilities=chosen.availabilities.all() if chosen else None,
        chosen=chosen,
    )


@requires("declare capacity", "GET", "POST")
def size(request: HttpRequest) -> HttpResponse:
    """A partition grows or shrinks on a day."""
    chosen = Partition.objects.filter(code=request.GET.get("partition", "")).first()
    following = month_after(timezone.now().date().replace(day=1), 1)
    form = SizeForm(posted(request), initial={"partition": chosen.code if chosen else "", "valid_from": following})
    return _declare(
        request,
        form,
        lambda: actions.resize_partition(person_of(request), **form.cleaned_data),
        lambda: (
            _("Declared. The derived capacity has changed: declare it again."),
            f"{reverse('portal:declare_capacity')}?partition={form.cleaned_data['partition'].code}",
        ),
        heading=_("Change a partition's size"),
        lead=_(
            "Nodes come or go on a day. What was shared out before is not taken back by it: lower the shares first."
        ),
        submit=_("Declare the size"),
        sizes=chosen.sizes.all() if chosen else None,
        chosen=chosen,
    )


@requires("declare capacity", "GET", "POST")
def conversion(request: HttpRequest) -> HttpResponse:
    """What a unit of a partition is worth, from a day on."""
    chosen = Partition.objects.filter(code=request.GET.get("partition", "")).first()
    following = month_after(timezone.now().date().replace(day=1), 1)
    suggested = {"partition": chosen.code if chosen else "", "valid_from": following}
    form = ConversionForm(posted(request), initial=suggested)
    return _declare(
        request,
        form,
        lambda: declare_conversion(person_of(request), **form.said()),
        lambda: (
            _("Declared. Calls that are opened from now on take their limits from it."),
            f"{reverse('portal:system', args=[form.cleaned_data['partition'].system.code])}#conversions",
        ),
        heading=_("Say what a unit is worth"),
        lead=_(
            "In GPU-hours, for a period. An access mode that counts in node-hours or SBU gets its limits in a "
            "call by it; calls that are open keep theirs."
        ),
        submit=_("Declare it"),
        conversions=chosen.conversions.all() if chosen else None,
        chosen=chosen,
    )


@requires("declare capacity", "GET", "POST")
def price(request: HttpRequest) -> HttpResponse:
    """What an hour on a partition costs, from a day on."""
    chosen = Partition.objects.filter(code=request.GET.get("partition", "")).first()
    form = PriceForm(posted(request), initial={"partition": chosen.code if chosen else ""})
    return _declare(
        request,
        form,
        lambda: declare_price(person_of(request), **form.cleaned_data),
        lambda: (_("Declared. What free use was worth follows from it."), reverse("portal:free_use")),
        heading=_("Say what an hour costs"),
        lead=_("On the market, in euros, for a period: what free use by firms is worth follows from it."),
        submit=_("Declare the price"),
        prices=chosen.prices.all() if chosen else None,
        chosen=chosen,
    )


@requires("manage clusters", "GET", "POST")
def cluster(request: HttpRequest) -> HttpResponse:
    """A scheduler and the partitions that it serves: first the site, then the rest."""
    sites = Site.objects.filter(systems__partitions__isnull=False).distinct()
    named = request.GET.get("site", "")
    at = sites.filter(code=named).first() if named else sites.first() if sites.count() == 1 else None
    if named and at is None:
        raise Http404
    if at is None:
        return page(request, "register_cluster", sites=sites)
    form = ClusterForm(at, posted(request))
    return acted(
        request,
        form,
        lambda: register_cluster(
            person_of(request),
            code=form.cleaned_data["code"],
            site=at,
            engine=form.cleaned_data["engine"],
            partitions=form.partitions(),
        ),
        lambda made: (
            _("Registered. On this machine, make its agent's token: %(command)s")
            % {"command": f"fabriek token agent --cluster {made.code}"},
            reverse("portal:operations"),
        ),
    ) or page(request, "register_cluster", form, sites=sites, at=at)
