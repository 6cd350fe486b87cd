"""The desk of the host's application support: what waits for a technical assessment, and one of them."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from fabriek.access import actions
from fabriek.access.models import Application
from fabriek.access.queries import application_of, assessment_desk
from fabriek.access.rules import conflict_of, may_be_assessed, needs_assessment, working_days_left
from fabriek.portal.access import requires
from fabriek.portal.pages.decide.forms import AssessmentForm
from fabriek.portal.pages.decide.replies import acted, page, person_of, posted


@requires("assess technically")
def index(request: HttpRequest) -> HttpResponse:
    """What waits, those whose answer is due first on top or by a column, and what was assessed last."""
    waiting, assessed = assessment_desk(request.GET.get("sort", ""))
    return page(
        request,
        "assessments",
        waiting=[(application, _days_left(application)) for application in waiting],
        assessed=assessed[:50],
    )


def _days_left(application: Application) -> int | None:
    if application.answer_due is None:
        return None
    return working_days_left(timezone.now(), application.answer_due, application.call.factory.country)


@requires("assess technically", "GET", "POST")
def assess(request: HttpRequest, code: str) -> HttpResponse:
    """One application and its assessment: to be made, or made."""
    application = application_of(request.user, code)
    if application is None or not may_be_assessed(application):
        raise Http404
    form = AssessmentForm(posted(request))
    return acted(
        request,
        form,
        lambda: actions.assess_technically(
            person_of(request),
            application,
            form.cleaned_data["feasible"] == "yes",
            form.cleaned_data["remark"],
            form.cleaned_data["confidential_remark"],
        ),
        lambda _made: (_("%(code)s: assessed.") % {"code": application.code}, reverse("portal:assessments")),
    ) or page(
        request,
        "assessment",
        form,
        application=application,
        call=application.call,
        assessment=getattr(application, "technical_assessment", None),
        open=needs_assessment(application),
        interest=conflict_of(person_of(request), application),
        days_left=_days_left(application),
    )
