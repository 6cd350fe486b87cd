"""Applying, a page a step; my applications; one application and what became of it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fabriek.access.actions import ask_why as ask_why_of
from fabriek.access.actions import (
    is_open,
    make_objection,
    reply_to_reviews,
    save_draft,
    submit_application,
    withdraw_application,
)
from fabriek.access.explaining import can_be_asked, inquiry_about, plan_behind, told_by
from fabriek.access.findings import eligibility_findings, in_words, limit_faults, refusal_of
from fabriek.access.lifecycle import BY_NAME, possible
from fabriek.access.models import Application, ApplicationState, InquiryOf
from fabriek.access.queries import application_of, my_applications, outcome_of
from fabriek.access.room import shortages
from fabriek.access.rules import (
    answer_due,
    completeness_faults,
    may_read_confidential,
    may_reply,
    objection_until,
    remarks_are_open,
    working_days_left,
)
from fabriek.access.words import outcome_words, speech_for
from fabriek.allocation.explain import change_sentences
from fabriek.audit.queries import events_of
from fabriek.conf.errors import Invalid, Refused
from fabriek.people.actions import join_organisation, register_organisation
from fabriek.portal.access import SIGNED_IN, requires
from fabriek.portal.pages.apply.forms import (
    DataForm,
    OrganisationForm,
    ProjectForm,
    RequestForm,
    initial_of,
)

STEPS = (
    ("organisation", gettext_lazy("Organisation")),
    ("request", gettext_lazy("Hours")),
    ("project", gettext_lazy("Project")),
    ("data", gettext_lazy("Data and ethics")),
    ("check", gettext_lazy("Check and submit")),
)
_NAMES = [name for name, _label in STEPS]
_NEEDED = {
    "organisation": {"organisation"},
    "request": {"alternatives"},
    "project": {"title", "summary", "method"},
    "data": {"data_statement", "ethics"},
}
# Half a name of an organisation would be registered as one, so that step waits for its button.
_SAVED_MEANWHILE = _NEEDED.keys() - {"organisation"}


def draft_of(request: HttpRequest, code: str) -> Application:
    """One's own application. Errors: Http404."""
    application = application_of(request.user, code)
    if application is None or application.applicant_id != request.user.pk:
        raise Http404
    return application


def form_of(application: Application, step: str, data: Any = None) -> forms.Form:
    """The form of a step."""
    initial = initial_of(application, step)
    if step == "request":
        return RequestForm(data, initial=initial, call=application.call)
    kinds: dict[str, type[forms.Form]] = {"organisation": OrganisationForm, "project": ProjectForm, "data": DataForm}
    return kinds[step](data, initial=initial)


def keep(person: Any, application: Application, step: str, form: forms.Form, version: int) -> Application:
    """Save what a step's form says. Errors: those of `save_draft`."""
    answers = form.cleaned_data
    if step == "organisation":
        organisation = register_organisation(person, **answers)
        if person.organisation is None:
            # Who works for somebody goes on doing so, for whomever they apply: it decides on conflicts of interest.
            join_organisation(person, organisation)
        return save_draft(person, application, version, organisation=organisation)
    if isinstance(form, RequestForm):
        return save_draft(person, application, version, alternatives=form.alternatives())
    if isinstance(form, DataForm):
        statement, commercial = answers["data_statement"], bool(answers["commercial"])
        return save_draft(
            person, application, version, data_statement=statement, commercial=commercial, ethics=form.ethics()
        )
    return save_draft(person, application, version, **answers)


def _version(request: HttpRequest, application: Application) -> int:
    text = request.POST.get("version", "")
    return int(text) if text.isdigit() else application.version


@requires("apply", "GET", "POST")
def step(request: HttpRequest, code: str, name: str) -> HttpResponse:
    """One page of an application."""
    application = draft_of(request, code)
    if name not in _NAMES:
        raise Http404
    if application.state != ApplicationState.DRAFT:
        if request.method == "POST":
            messages.warning(request, _("This application was submitted; it can't be changed any more."))
        return redirect("portal:application", code)
    if name == "check":
        return _check(request, application)
    form = form_of(application, name, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            application = keep(request.user, application, name, form, _version(request, application))
        except Invalid as fault:
            form.add_error(None, str(fault.sentence))
        except Refused as refusal:
            form.add_error(None, str(refusal.sentence))
        else:
            if "later" in request.POST:
                messages.success(request, _("Saved. Go on whenever you like, until the call closes."))
                return redirect("portal:applications")
            _tell_limits(application, form)
            if form.is_valid():
                return redirect(_url(code, _NAMES[_NAMES.index(name) + 1]))
    return render(
        request, f"apply/step_{name}.html", _context(application, name, form), status=422 if form.errors else 200
    )


def _tell_limits(application: Application, form: forms.Form) -> None:
    """A request outside the call's limits is saved, and told at once, not only before submitting."""
    if isinstance(form, RequestForm):
        asked = application.alternatives.select_related("partition")
        form.add_limit_faults(limit_faults(application.call, asked))


def _url(code: str, name: str) -> str:
    return reverse("portal:application_step", args=[code, name])


def _context(application: Application, name: str, form: forms.Form | None) -> dict[str, Any]:
    return {
        "application": application,
        "call": application.call,
        "form": form,
        "steps": [{"label": label, "url": _url(application.code, key)} for key, label in STEPS],
        "current": _NAMES.index(name) + 1,
        "is_open": is_open(application.call),
        "save_url": reverse("portal:save_step", args=[application.code, name]) if name in _SAVED_MEANWHILE else "",
        "factory_theme": application.call.factory.theme,
    }


@requires("apply", "POST")
def save(request: HttpRequest, code: str, name: str) -> HttpResponse:
    """What the page saves by itself: what is valid so far. The answer carries the new version for the next time."""
    application = draft_of(request, code)
    if name not in _SAVED_MEANWHILE:
        raise Http404
    form = form_of(application, name, request.POST)
    if not form.is_valid():
        first = next(iter(form.errors.values()))[0]
        told: dict[str, Any] = {"version": _version(request, application), "sentence": first}
        return render(request, "apply/version.html", told, status=422)
    try:
        saved = keep(request.user, application, name, form, _version(request, application))
    except Refused as refusal:
        context = {"version": _version(request, application), "sentence": refusal.sentence}
        return render(request, "apply/version.html", context, status=409)
    return render(request, "apply/version.html", {"version": saved.version})


def _check(request: HttpRequest, application: Application) -> HttpResponse:
    person: Any = request.user
    if request.method == "POST":
        try:
            submit_application(person, application)
        except Refused as refusal:
            messages.error(request, str(refusal.sentence))
        else:
            messages.success(request, _("Submitted. By when you get your answer stands below."))
            return redirect("portal:application", application.code)
    faults = {**completeness_faults(application), **limit_faults(application.call, application.alternatives.all())}
    found = {field.split(".")[0] for field in faults}
    tasks = [
        {
            "label": label,
            "url": _url(application.code, name),
            "state": "incomplete" if _NEEDED[name] & found else "done",
            "hint": " ".join(s for field, ss in faults.items() if field.split(".")[0] in _NEEDED[name] for s in ss),
        }
        for name, label in STEPS[:-1]
    ]
    context = {
        **_context(application, "check", None),
        "tasks": tasks,
        "complete": not faults,
        "doubts": [
            finding["sentence"]
            for finding in (in_words(eligibility_findings(application)) if application.organisation else [])
            if not finding["holds"] and finding["rule"] != "limits"
        ],
        "shortages": shortages(application.call, application.alternatives.select_related("partition")),
        "is_draft_check": True,
        # A day, which is the same in every zone: the moment at its end falls on the next one to the east.
        "answer_by": answer_due(
            timezone.now(), application.call.answer_working_days, application.call.factory.country
        ).date(),
    }
    return render(request, "apply/step_check.html", context)


@requires("apply")
def index(request: HttpRequest) -> HttpResponse:
    """My applications, with the clock."""
    person: Any = request.user
    now = timezone.now()
    rows = [
        (a, working_days_left(now, a.answer_due, a.call.factory.country) if a.answer_due else None, may_reply(a, now))
        for a in my_applications(person, request.GET.get("sort", ""))
    ]
    return render(request, "apply/applications.html", {"rows": rows})


@requires(SIGNED_IN)
def show(request: HttpRequest, code: str) -> HttpResponse:
    """An application: its content, where it is, what was decided and why."""
    application = application_of(request.user, code)
    if application is None:
        raise Http404
    own = application.applicant_id == request.user.pk
    outcome = outcome_of(application)
    explanation = outcome_words(outcome) if outcome else ""
    events = [(event, BY_NAME.get(event.verb.partition(".")[2])) for event in events_of(application)]
    now = timezone.now()
    due = application.answer_due
    is_readable = bool(outcome) or remarks_are_open(application)
    remarks = [r for r in application.reviews.all() if r.state == "submitted"] if is_readable else []
    steps = {transition.name for transition in possible(application)}
    context = {
        "application": application,
        "call": application.call,
        "own": own,
        "outcome": outcome,
        "explanation": explanation,
        "not_eligible": refusal_of(application.eligibility_check)
        if application.state == ApplicationState.INELIGIBLE
        else "",
        "object_until": objection_until(outcome) if outcome else None,
        "may_object": outcome is not None and own and now <= objection_until(outcome),
        "objection": getattr(outcome, "objection", None) if outcome else None,
        "events": [(event, transition) for event, transition in events if transition is not None],
        "days_left": working_days_left(now, due, application.call.factory.country) if due else None,
        "confidential": may_read_confidential(request.user),
        "remarks": remarks,
        "may_reply": own and may_reply(application, now),
        "reply": getattr(application, "reply", None),
        "may_withdraw": own and "withdraw" in steps,
        "final_words": (ApplicationState.INELIGIBLE, ApplicationState.INFEASIBLE),
        "is_draft": application.state == ApplicationState.DRAFT,
        **_why(request, application),
    }
    return render(request, "apply/application.html", context)


@requires("apply", "POST")
def withdraw(request: HttpRequest, code: str) -> HttpResponse:
    """Take an application back."""
    person: Any = request.user
    try:
        withdraw_application(person, draft_of(request, code), request.POST.get("why", "")[:2_000])
        messages.success(request, _("Withdrawn."))
    except Refused as refusal:
        messages.error(request, str(refusal.sentence))
    return redirect("portal:application", code)


@requires("apply", "POST")
def reply(request: HttpRequest, code: str) -> HttpResponse:
    """Answer the reviews, or say that there is nothing to add."""
    person: Any = request.user
    text = "" if "nothing" in request.POST else request.POST.get("text", "")
    try:
        if not text.strip() and "nothing" not in request.POST:
            raise Invalid(_("Write your reply, or say that you have nothing to add."))
        reply_to_reviews(person, draft_of(request, code), text)
        messages.success(request, _("Thank you: it is on record, and goes with your application to the decision."))
    except Refused as refusal:
        messages.error(request, str(refusal.sentence))
    return redirect("portal:application", code)


@requires("apply", "POST")
def ask_why(request: HttpRequest, code: str) -> HttpResponse:
    """Find out what would have been enough."""
    application = draft_of(request, code)
    scenario = plan_behind(application)
    if scenario is None:
        raise Http404
    person: Any = request.user
    try:
        ask_why_of(person, scenario, application)
    except Refused as refusal:
        messages.error(request, str(refusal.sentence))
    return redirect(f"{reverse('portal:application', args=[code])}#why")


def _why(request: HttpRequest, application: Application) -> dict[str, Any]:
    """What is known of what would have changed a refusal, and whether it can be asked. Two queries."""
    outcome = outcome_of(application)
    if outcome is None or outcome.awarded or outcome.decision.scenario is None:
        return {}
    inquiry = inquiry_about(outcome.decision.scenario, InquiryOf.APPLICATION, application)
    told = told_by(inquiry)
    return {
        "is_explained": True,
        "inquiry": inquiry,
        "changes": change_sentences(told, speech_for(told)) if told else [],
        "solved": told.solved if told else 0,
        "may_ask_why": can_be_asked(inquiry) and application.applicant_id == request.user.pk,
    }


@requires("apply", "POST")
def object_to(request: HttpRequest, code: str) -> HttpResponse:
    """Object to the decision."""
    person: Any = request.user
    try:
        make_objection(person, draft_of(request, code), request.POST.get("text", ""))
        messages.success(request, _("Your objection was received. Somebody who did not decide answers it."))
    except Refused as refusal:
        messages.error(request, str(refusal.sentence))
    return redirect("portal:application", code)
