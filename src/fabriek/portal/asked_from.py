"""What a page is about, told from its address: a question carries it, so that an expert sees what its asker saw."""

from __future__ import annotations

from django.urls import Resolver404, resolve

from fabriek.support.models import AboutKind
from fabriek.support.rules import LONGEST_ABOUT, is_page

# How the address of a thing's pages begins -> what it is, and the name of its code in the address. The first that fits.
_ABOUT = (
    ("factories/<", AboutKind.FACTORY, "code"),
    ("systems/<", AboutKind.SYSTEM, "code"),
    ("calls/<", AboutKind.CALL, "code"),
    ("desk/calls/<", AboutKind.CALL, "code"),
    ("applications/<", AboutKind.APPLICATION, "code"),
    ("desk/applications/<", AboutKind.APPLICATION, "code"),
    ("desk/assessments/<", AboutKind.APPLICATION, "code"),
    ("projects/<slug:code>/recipes/<", AboutKind.RECIPE, "recipe"),
    ("projects/<", AboutKind.PROJECT, "code"),
    ("allocations/<", AboutKind.ALLOCATION, "code"),
    ("jobs/<", AboutKind.JOB, "uuid"),
    ("results/<", AboutKind.RESULT, "uuid"),
    ("transfers/<", AboutKind.TRANSFER, "uuid"),
    ("catalogue/entries/<", AboutKind.ENTRY, "code"),
    ("catalogue/desk/<", AboutKind.ENTRY, "code"),
    ("promises/<", AboutKind.PROMISE, "code"),
    ("decisions/<", AboutKind.DECISION, "code"),
    ("events/<", AboutKind.EVENT, "code"),
    ("desk/events/<", AboutKind.EVENT, "code"),
)
# Addresses that are a secret (a sign-in link's, one's own calendar's), or lead round in a circle.
_NOT_FROM = ("/sign-in/", "/sign-out/", "/questions/", "/events/own/")


def carried(path: str) -> str:
    """The address as a question may carry it: '' where it is none of ours, or tells what nobody else may know."""
    return path if is_page(path) and not path.startswith(_NOT_FROM) else ""


def about(path: str) -> tuple[str, str]:
    """The kind (AboutKind) and code of the thing that a page is of, '' and '' where it is of none."""
    try:
        found = resolve(path)
    except Resolver404:
        return "", ""
    for begins, kind, name in _ABOUT:
        if found.route.startswith(begins):
            code = str(found.kwargs.get(name, ""))
            return (kind.value, code) if 0 < len(code) <= LONGEST_ABOUT else ("", "")
    return "", ""
