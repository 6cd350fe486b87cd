"""The officer establishes and renames programmes, makes promises and ends them."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from fabriek.conf.errors import Refused
from fabriek.portal.access import requires
from fabriek.portal.pages.decide.declaring_forms import EndingForm, ProgrammeForm, PromiseForm, RenameForm
from fabriek.portal.pages.decide.replies import add_refusal, page, person_of, see_other
from fabriek.programmes import actions
from fabriek.programmes.models import Programme, Promise
from fabriek.programmes.rules import check_promise


@requires("establish shares", "GET", "POST")
def programme(request: HttpRequest) -> HttpResponse:
    """A programme: it can hold shares at once."""
    suggested = {"kind": "national", "parent": request.GET.get("parent", ""), "overbooking": 1}
    form = ProgrammeForm(request.POST if request.method == "POST" else None, initial=suggested)
    if request.method == "POST" and form.is_valid():
        try:
            made = actions.establish_programme(person_of(request), **form.cleaned_data)
        except Refused as refusal:
            add_refusal(form, refusal)
        else:
            messages.success(request, _("%(programme)s is established. Now it can have shares.") % {"programme": made})
            return see_other(reverse("portal:programmes"))
    return page(
        request,
        "declare",
        form,
        up=reverse("portal:programmes"),
        up_words=_("Programmes"),
        heading=_("Establish a programme"),
        lead=_("Whose promise hours are given under. It has hours once a partition's shares are established."),
        submit=_("Establish the programme"),
    )


@requires("establish shares", "GET", "POST")
def rename(request: HttpRequest, code: str) -> HttpResponse:
    """A programme is called otherwise from today on; what it holds stays."""
    found = Programme.objects.filter(code=code).prefetch_related("former_names").first()
    if found is None:
        raise Http404
    form = RenameForm(request.POST if request.method == "POST" else None, initial={"name": found.name})
    if request.method == "POST" and form.is_valid():
        try:
            actions.rename_programme(person_of(request), found, form.cleaned_data["name"], form.cleaned_data["why"])
        except Refused as refusal:
            add_refusal(form, refusal)
        else:
            messages.success(request, _("It is called %(name)s from now on.") % {"name": form.cleaned_data["name"]})
            return see_other(reverse("portal:programmes"))
    return page(
        request,
        "declare",
        form,
        up=reverse("portal:programmes"),
        up_words=_("Programmes"),
        kicker=found.code,
        heading=_("Rename %(programme)s") % {"programme": found.name},
        lead=_("Its short name, shares and promises stay. What was decided before keeps the name it had."),
        submit=_("Rename the programme"),
        former=found.former_names.all(),
    )


@requires("establish shares", "GET", "POST")
def end_promise(request: HttpRequest, code: str) -> HttpResponse:
    """The day on which a promise ends."""
    found = Promise.objects.filter(code=code).first()
    if found is None:
        raise Http404
    form = EndingForm(
        request.POST if request.method == "POST" else None, initial={"valid_until": timezone.now().date()}
    )
    if request.method == "POST" and form.is_valid():
        try:
            actions.end_promise(person_of(request), found, form.cleaned_data["valid_until"], form.cleaned_data["why"])
        except Refused as refusal:
            add_refusal(form, refusal)
        else:
            messages.success(request, _("The promise ends on that day. What was decided under it stays."))
            return see_other(reverse("portal:promises"))
    return page(
        request,
        "declare",
        form,
        up=reverse("portal:promises"),
        up_words=_("Promises"),
        kicker=found.get_kind_display(),
        heading=_("End the promise %(promise)s") % {"promise": found.name},
        lead=_("Decisions no longer keep it from that day on, and everybody can see that it ended, and why."),
        submit=_("End the promise"),
        tone="danger",
    )


@requires("establish shares", "GET", "POST")
def promise(request: HttpRequest) -> HttpResponse:
    """A promise, after asking: everybody sees it at once, and it stays."""
    suggested = {"kind": "floor", "valid_from": timezone.now().date(), "of": "capacity", "rank": 1}
    form = PromiseForm(request.POST if request.method == "POST" else None, initial=suggested)
    if request.method == "POST" and form.is_valid() and _can_be_measured(form) and "change" not in request.POST:
        if "sure" not in request.POST:
            return page(request, "make_promise", form)
        try:
            actions.make_promise(person_of(request), **form.said())
        except Refused as refusal:
            add_refusal(form, refusal, form.NAMES)
        else:
            messages.success(request, _("The promise is made, and measured from now on."))
            return see_other(reverse("portal:promises"))
    return page(
        request,
        "declare",
        form,
        up=reverse("portal:programmes"),
        up_words=_("Programmes"),
        heading=_("Make a promise"),
        lead=_("A floor, a cap or a baseline: kept at the decision, and measured in the queue and in the use."),
        submit=_("Continue"),
    )


def _can_be_measured(form: PromiseForm) -> bool:
    """Asks the room's rule before the person is asked to confirm."""
    said: dict[str, Any] = form.said()
    names = ("organisation_class", "fraction", "accelerator_seconds_a_month", "valid_from", "valid_until")
    try:
        check_promise(
            said["kind"],
            programme=said["programme"].code if said["programme"] else None,
            **{name: said[name] for name in names},
        )
    except Refused as refusal:
        add_refusal(form, refusal, form.NAMES)
        return False
    return True
