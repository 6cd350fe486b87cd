"""Reads of people."""

from __future__ import annotations

from django.core.paginator import Page, Paginator
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Lower

from fabriek.conf.sorting import Column, ordered
from fabriek.people.models import Identity, Organisation, Person, Role, Token

PEOPLE_COLUMNS: dict[str, Column] = {
    "name": Lower("name"),
    "email": "email",
    "organisation": Lower(F("organisation__name")),
}


def people(*, search: str = "", sort: str = "", page: int | str = 1, per_page: int = 25) -> Page[Person]:
    """A page of persons with their organisation and roles, by name or by a column. Three queries."""
    found = Person.objects.select_related("organisation").prefetch_related("roles")
    if search:
        found = found.filter(Q(name__icontains=search) | Q(email__icontains=search))
    return Paginator(ordered(found, sort, PEOPLE_COLUMNS, ("name", "pk")), per_page).get_page(page)


def people_with_roles() -> QuerySet[Person]:
    """Everybody who holds a role, by name."""
    return Person.objects.filter(roles__isnull=False).distinct().order_by("name")


def reviewers() -> QuerySet[Person]:
    """Everybody who may review."""
    return (
        Person.objects.filter(roles__role=Role.REVIEWER, is_active=True).select_related("organisation").order_by("pk")
    )


DEMO_APPLICANTS = ("founder@demo.example", "scientist@demo.example")
"""Whom the demonstration has beside those with a role; its other applicants only apply."""


def demo_people() -> QuerySet[Person]:
    """Whom one may be in the demonstration: somebody of each role, and the applicants with a name."""
    known = Q(roles__isnull=False) | Q(email__in=DEMO_APPLICANTS)
    return Person.objects.filter(known, is_demo=True, is_active=True).distinct().order_by("email")


def tokens_of(person: Person) -> QuerySet[Token]:
    """A person's own tokens, newest first."""
    return person.tokens.order_by("-created_at")


def identities_of(person: Person) -> QuerySet[Identity]:
    """By which identities a person may sign in."""
    return person.identities.order_by("created_at")


def organisations(search: str = "") -> QuerySet[Organisation]:
    """Organisations whose name holds the text."""
    found = Organisation.objects.order_by("name")
    return found.filter(name__icontains=search) if search else found
