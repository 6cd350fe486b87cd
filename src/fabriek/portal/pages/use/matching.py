"""What fits: of a project, and of an application."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from fabriek.matching.queries import Fitting, Found, matches_of_application, matches_of_project
from fabriek.matching.words import names_of, sentence, title_of
from fabriek.portal.access import SIGNED_IN, requires


@requires(SIGNED_IN)
def of_project(request: HttpRequest, code: str) -> HttpResponse:
    """What fits a project, for who may read it."""
    project, fitting = matches_of_project(code, request.user)
    up = [reverse("portal:projects"), reverse("portal:project", args=[project.code])]
    return render(request, "use/project_matches.html", {"project": project, "up": up, **_told(fitting)})


@requires(SIGNED_IN)
def of_application(request: HttpRequest, code: str) -> HttpResponse:
    """What fits an application, for who may read it."""
    application, fitting = matches_of_application(code, request.user)
    own = application.applicant_id == request.user.pk
    up = [reverse("portal:applications"), reverse("portal:application", args=[application.code])]
    context = {"application": application, "own": own, "up": up, **_told(fitting)}
    return render(request, "apply/application_matches.html", context)


def _told(fitting: Fitting) -> dict[str, Any]:
    return {
        "sections": [
            (section.code, title_of(section), [_row(one) for one in found])
            for section, found in fitting.sections
            if found
        ],
        "empty": [title_of(section) for section, found in fitting.sections if not found],
        "looked_for": names_of(fitting.needs.concepts),
        "says_something": fitting.needs.says_something,
    }


def _row(found: Found) -> dict[str, Any]:
    return {
        "entry": found.entry,
        "reasons": [sentence(one) for one in found.match.reasons],
        "remarks": [sentence(one) for one in found.match.remarks],
        "recipes": [one.title for one in found.recipes],
    }
