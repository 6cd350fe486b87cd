"""What every page knows.

The navigation that the reader's roles open, whether this is a demonstration, the language.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from fabriek.portal.asked_from import carried

EVERYBODY = frozenset({"everybody"})


@dataclass(frozen=True)
class Destination:
    """A place in the navigation: an URL name of the portal and the roles that it is for."""

    name: str
    label: str | Promise
    roles: frozenset[str] = EVERYBODY
    also: tuple[str, ...] = ()
    """Where the addresses begin of pages that belong to it, and don't lie below its own."""


@dataclass(frozen=True)
class NavigationItem:
    """A link of the navigation. ``current`` when the page is it or lies below it."""

    label: str | Promise
    url: str
    current: bool


def _roles(*names: str) -> frozenset[str]:
    return frozenset(names)


# What anyone may look at; in the header.
PUBLIC = (
    Destination("what_can_i_get", _("What can I get?")),
    Destination("factories", _("Factories")),
    Destination("calls", _("Calls")),
    Destination("promises", _("Promises")),
    Destination("catalogue", _("Catalogue")),
    Destination("recipes", _("Recipes")),
    Destination("events", _("Events and training")),
)

# What somebody comes to do; in the desk under the header.
DESK = (
    Destination("applications", _("My applications"), _roles("applicant")),
    Destination("projects", _("Projects"), _roles("applicant")),
    Destination("reviews", _("Reviews"), _roles("reviewer")),
    Destination("assessments", _("Assessments"), _roles("operator", "officer")),
    Destination(
        "decisions",
        _("Decisions"),
        _roles("officer", "board"),
        ("/scenarios/", "/desk/calls/", "/desk/applications/", "/desk/tasks/", "/desk/returns/", "/desk/changes/"),
    ),
    Destination("studies", _("Foresee"), _roles("operator", "officer", "board", "administrator")),
    Destination("tickets_desk", _("Questions"), _roles("officer", "operator")),
    Destination("events_desk", _("Plan events"), _roles("officer", "operator")),
    Destination("objections", _("Objections"), _roles("officer", "board")),
    Destination("programmes", _("Programmes"), _roles("officer", "board")),
    Destination("access_time", _("Reports"), _roles("operator", "officer", "board", "administrator")),
    Destination("operations", _("Operations"), _roles("operator", "officer", "board", "administrator")),
    Destination("people", _("People"), _roles("administrator")),
    Destination("audit", _("Audit"), _roles("officer", "board", "administrator")),
)


def page_url(name: str) -> str:
    """The address of a portal page by its name, "" while there is none."""
    try:
        return reverse(f"portal:{name}")
    except NoReverseMatch:
        return ""


def role_names(request: HttpRequest) -> set[str]:
    """The reader's roles; nobody's are none."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return set()
    names: set[str] = user.role_names()
    return names


def navigation_of(request: HttpRequest, destinations: tuple[Destination, ...]) -> list[NavigationItem]:
    """The links of these destinations that the reader's roles open; pages that don't exist are left out."""
    roles = role_names(request) | EVERYBODY
    items = []
    for destination in destinations:
        if destination.roles & roles and (url := page_url(destination.name)):
            items.append(NavigationItem(destination.label, url, request.path.startswith((url, *destination.also))))
    return items


def ask_url(request: HttpRequest) -> str:
    """Where one asks the experts, with the page that one asks from."""
    url, page = page_url("ask_ticket"), carried(request.path)
    return f"{url}?from={quote(page)}" if page else url


def portal(request: HttpRequest) -> dict[str, Any]:
    """The context processor: see the names below in ``templates/base.html``."""
    return {
        "navigation": navigation_of(request, PUBLIC),
        "desk": navigation_of(request, DESK) if role_names(request) else [],
        "demo": settings.FABRIEK_DEMO,
        "home_url": page_url("home") or "/",
        "sign_in_url": page_url("sign_in"),
        "sign_out_url": page_url("sign_out"),
        "account_url": page_url("account"),
        "legal_url": page_url("legal"),
        "accessibility_url": page_url("accessibility"),
        "about_demo_url": page_url("about_demo"),
        "ask_url": ask_url(request),
        "my_tickets_url": page_url("my_tickets"),
        "my_events_url": page_url("my_events"),
        "set_language_url": page_url("set_language"),
    }
