"""Network links between sites: every one that was declared, a new one, and the end of one."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from fabriek.operations.speeds import measured_speeds, pair
from fabriek.people.permissions import may
from fabriek.portal.access import requires
from fabriek.portal.pages.decide.declaring_forms import EndingForm, LinkForm
from fabriek.portal.pages.decide.replies import acted, csv_file, page, person_of, posted
from fabriek.register import actions
from fabriek.register.models import Link
from fabriek.register.queries import links_for_list


@requires("read operations")
def index(request: HttpRequest) -> HttpResponse:
    """All links, those that ended too."""
    links = links_for_list(request.GET.get("sort", ""))
    speeds = measured_speeds()
    measured = {link.pk: speeds.get(pair(link.from_site_id, link.to_site_id)) for link in links}
    if request.GET.get("format") == "csv":
        return csv_file(
            "links",
            [
                "site",
                "other",
                "network",
                "gigabits_per_second",
                "valid_from",
                "valid_until",
                "source",
                "measured",
                "transfers",
            ],
            [
                (
                    link.from_site.code,
                    link.to_site.code,
                    link.network,
                    "" if link.gigabits_per_second is None else link.gigabits_per_second,
                    link.valid_from or "",
                    link.valid_until or "",
                    link.facts.get("gigabits_per_second", {}).get("source", ""),
                    found.gigabits_per_second if (found := measured[link.pk]) else "",
                    found.number if found else 0,
                )
                for link in links
            ],
        )
    today = timezone.now().date()
    return page(
        request,
        "links",
        links=[(link, measured[link.pk]) for link in links],
        today=today,
        may_declare=may(request.user, "declare capacity"),
    )


@requires("declare capacity", "GET", "POST")
def declare(request: HttpRequest) -> HttpResponse:
    """A link with its network, speed and period."""
    suggested = {"valid_from": timezone.now().date()}
    form = LinkForm(posted(request), initial=suggested)
    return acted(
        request,
        form,
        lambda: actions.declare_link(person_of(request), **form.said()),
        lambda _made: (
            _("The link is declared. It is on the map and on the factories' pages."),
            reverse("portal:links"),
        ),
    ) or page(
        request,
        "declare",
        form,
        up=reverse("portal:links"),
        up_words=_("Links"),
        heading=_("Declare a link"),
        lead=_("A network link between two sites, either way: how fast data can move from one to the other."),
        submit=_("Declare the link"),
        others=[(reverse("portal:declare_site"), _("The site is not in the list"))],
    )


@requires("declare capacity", "GET", "POST")
def end(request: HttpRequest, number: int) -> HttpResponse:
    """The day on which a link ends."""
    link = Link.objects.select_related("from_site", "to_site").filter(pk=number).first()
    if link is None:
        raise Http404
    form = EndingForm(posted(request), initial={"valid_until": timezone.now().date()})
    return acted(
        request,
        form,
        lambda: actions.end_link(person_of(request), link, form.cleaned_data["valid_until"], form.cleaned_data["why"]),
        lambda _made: (_("The link ends on that day."), reverse("portal:links")),
    ) or page(
        request,
        "declare",
        form,
        up=reverse("portal:links"),
        up_words=_("Links"),
        kicker=link.network,
        heading=_("End the link %(one)s – %(other)s") % {"one": link.from_site.name, "other": link.to_site.name},
        lead=_("It stays on record; pages and the map no longer show it from that day on."),
        submit=_("End the link"),
    )
