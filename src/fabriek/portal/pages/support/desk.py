"""The experts' desk: what waits for an answer, and who is mailed of it."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from fabriek.portal.access import requires
from fabriek.portal.pages.decide.replies import acted, page, person_of, posted
from fabriek.portal.pages.support.forms import AddressForm, DeskFilter
from fabriek.register.queries import factory_of
from fabriek.support import actions, queries
from fabriek.support.models import TicketState
from fabriek.support.rules import ANSWERS

PER_PAGE = 25


@requires(ANSWERS)
def waiting(request: HttpRequest) -> HttpResponse:
    """What waits for an answer, the longest first; of one factory, or in another state."""
    filters = DeskFilter({"state": TicketState.OPEN, **request.GET.dict()})
    said: dict[str, Any] = filters.cleaned_data if filters.is_valid() else {}
    state, factory = said.get("state") or TicketState.OPEN, said.get("factory")
    found = queries.desk(
        state="" if state == "all" else state,
        factory=factory.code if factory else "",
        sort=request.GET.get("sort", ""),
    )
    shown = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "support/desk.html", {"shown": shown, "filters": filters})


@requires(ANSWERS)
def addresses(request: HttpRequest) -> HttpResponse:
    """Where the experts of each factory are mailed."""
    shown = Paginator(queries.desks(), PER_PAGE).get_page(request.GET.get("page"))
    rows = [(factory, queries.address_of_desk(factory)) for factory in shown]
    return render(request, "support/addresses.html", {"shown": shown, "rows": rows})


@requires(ANSWERS, "GET", "POST")
def mail_to(request: HttpRequest, code: str) -> HttpResponse:
    """Have a factory's experts mailed, elsewhere or no longer."""
    factory = factory_of(code)
    form = AddressForm(posted(request), initial={"email": queries.address_of_desk(factory)})
    return acted(
        request,
        form,
        lambda: actions.mail_desk(person_of(request), factory, form.cleaned_data["email"]),
        lambda _made: (
            _("New questions to %(name)s are mailed to %(email)s.")
            % {"name": factory.name, "email": form.cleaned_data["email"]}
            if form.cleaned_data["email"]
            else _("Nobody is mailed of new questions to %(name)s.") % {"name": factory.name},
            reverse("portal:desk_addresses"),
        ),
    ) or page(
        request,
        "declare",
        form,
        up=reverse("portal:desk_addresses"),
        up_words=_("Who is mailed"),
        kicker=factory.name,
        heading=_("Mail of new questions"),
        lead=_("A new question, one that is handed over, and what is asked more before somebody answered."),
        submit=_("Save"),
    )
