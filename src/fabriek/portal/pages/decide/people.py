"""People: who holds which role."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from fabriek.conf.errors import Refused
from fabriek.people import actions
from fabriek.people.models import Person, Role
from fabriek.people.queries import people
from fabriek.portal.access import requires
from fabriek.portal.pages.decide.forms import PeopleFilter, RoleForm
from fabriek.portal.pages.decide.replies import csv_file, page, person_of, see_other, show_refusal


@requires("manage people")
def index(request: HttpRequest) -> HttpResponse:
    """Search people; each with their roles."""
    filters = PeopleFilter(request.GET)
    search = filters.cleaned_data["q"] if filters.is_valid() else ""
    sort = request.GET.get("sort", "")
    if request.GET.get("format") == "csv":
        return _as_csv(search, sort)
    return page(
        request,
        "people",
        filters=filters,
        search=search,
        shown=people(search=search, sort=sort, page=request.GET.get("page", 1)),
    )


def _as_csv(search: str, sort: str) -> HttpResponse:
    found = people(search=search, sort=sort, per_page=1_000_000)
    return csv_file(
        "people",
        ["name", "email", "organisation", "roles", "active"],
        [
            (
                person.name,
                person.email,
                person.organisation.name if person.organisation else "",
                " ".join(sorted(role.role for role in person.roles.all())),
                "yes" if person.is_active else "no",
            )
            for person in found
        ],
    )


@requires("manage people")
def person(request: HttpRequest, number: int) -> HttpResponse:
    """One person: their roles, to give and to withdraw."""
    shown = _person(number)
    held = {role.role: role for role in shown.roles.select_related("given_by")}
    form = RoleForm(held)
    return page(
        request,
        "person",
        shown=shown,
        held=sorted(held.values(), key=lambda role: role.role),
        form=form if form.has_choices else None,
        tokens=shown.tokens.filter(revoked_at__isnull=True).count(),
        is_self=shown.pk == person_of(request).pk,
    )


def _person(number: int) -> Person:
    found = Person.objects.select_related("organisation").filter(pk=number).first()
    if found is None:
        raise Http404
    return found


@requires("manage people", "POST")
def give(request: HttpRequest, number: int) -> HttpResponse:
    """Give a role."""
    shown, role = _person(number), request.POST.get("role", "")
    back = reverse("portal:person", args=[number])
    try:
        actions.give_role(person_of(request), shown, role)
    except Refused as refusal:
        return show_refusal(request, refusal, back)
    messages.success(
        request, _("%(person)s is now %(role)s.") % {"person": shown.name, "role": str(Role(role).label).lower()}
    )
    return see_other(back)


@requires("manage people", "GET", "POST")
def withdraw(request: HttpRequest, number: int, role: str) -> HttpResponse:
    """Withdraw a role, after asking."""
    shown = _person(number)
    if role not in Role.values:
        raise Http404
    back, words = reverse("portal:person", args=[number]), str(Role(role).label)
    if request.method != "POST":
        return page(request, "withdraw_role", shown=shown, role=words, back=back)
    try:
        actions.withdraw_role(person_of(request), shown, role)
    except Refused as refusal:
        return show_refusal(request, refusal, back)
    messages.success(request, _("%(person)s is no longer %(role)s.") % {"person": shown.name, "role": words.lower()})
    return see_other(back if shown.pk != person_of(request).pk or role != Role.ADMINISTRATOR else "/")
