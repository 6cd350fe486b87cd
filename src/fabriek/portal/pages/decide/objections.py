"""Objections to decisions, and their answers."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from fabriek.access import actions
from fabriek.access.models import Objection
from fabriek.access.queries import answered_objections, open_objections
from fabriek.access.words import outcome_words
from fabriek.people.permissions import may
from fabriek.portal.access import requires
from fabriek.portal.pages.decide.forms import AnswerForm
from fabriek.portal.pages.decide.replies import acted, page, person_of, posted


@requires("read applications")
def index(request: HttpRequest) -> HttpResponse:
    """Objections that wait, oldest first, and those that were answered."""
    return page(
        request,
        "objections",
        waiting=open_objections(),
        answered=answered_objections()[:50],
        may_answer=may(request.user, "answer objections"),
    )


@requires("answer objections", "GET", "POST")
def answer(request: HttpRequest, number: int) -> HttpResponse:
    """Answer one objection; upheld, the application is decided on again."""
    objection = (
        Objection.objects.select_related(
            "outcome__application__organisation", "outcome__decision__published_by", "made_by", "answered_by"
        )
        .filter(pk=number)
        .first()
    )
    if objection is None:
        raise Http404
    form = AnswerForm(posted(request))
    return acted(
        request,
        form,
        lambda: actions.answer_objection(
            person_of(request),
            objection,
            form.cleaned_data["answer"],
            upheld=form.cleaned_data["upheld"] == "yes",
        ),
        lambda _made: (
            _("Answered. The applicant reads it on their application's page."),
            reverse("portal:objections"),
        ),
    ) or page(
        request,
        "objection",
        form,
        objection=objection,
        outcome=objection.outcome,
        outcome_words=outcome_words(objection.outcome),
        application=objection.outcome.application,
        is_publisher=objection.outcome.decision.published_by_id == person_of(request).pk,
    )
