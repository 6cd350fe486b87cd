"""The officer establishes and renames programmes, makes promises and ends them."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from fabriek.conf.errors import Refused
from fabriek.portal.access import requires
from fabriek.portal.pages.decide.declaring_forms import EndingForm, ProgrammeForm, PromiseForm, RenameForm
from fabriek.portal.pages.decide.replies import acted, add_refusal, page, person_of, posted
from fabriek.programmes import actions
from fabriek.programmes.models import Programme, Promise
from fabriek.programmes.rules import check_promise


@requires("establish shares", "GET", "POST")
def programme(request: HttpRequest) -> HttpResponse:
    """A programme: it can hold shares at once."""
    suggested = {"kind": "national", "parent": request.GET.get("parent", ""), "overbooking": 1}
    form = ProgrammeForm(posted(request), initial=suggested)
    return acted(
        request,
        form,
        lambda: actions.establish_programme(person_of(request), **form.cleaned_data),
        lambda made: (
            _("%(programme)s is established. Now it can have shares.") % {"programme": made},
            reverse("portal:programmes"),
        ),
    ) or page(
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
    form = RenameForm(posted(request), initial={"name": found.name})
    return acted(
        request,
        form,
        lambda: actions.rename_programme(
            person_of(request), found, form.cleaned_data["name"], form.cleaned_data["why"]
        ),
        lambda _made: (
            _("It is called %(name)s from now on.") % {"name": form.cleaned_data["name"]},
            reverse("portal:programmes"),
        ),
    ) or page(
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
    form = EndingForm(posted(request), initial={"valid_until": timezone.now().date()})
    return acted(
        request,
        form,
        lambda: actions.end_promise(
            person_of(request), found, form.cleaned_data["valid_until"], form.cleaned_data["why"]
        ),
        lambda _made: (
            _("The promise ends on that day. What was decided under it stays."),
            reverse("portal:promises"),
        ),
    ) or page(
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
    form = PromiseForm(posted(request), initial=suggested)
    answer = None
    if request.method == "POST" and form.is_valid() and _can_be_measured(form) and "change" not in request.POST:
        if "sure" not in request.POST:
            return page(request, "make_promise", form)
        answer = acted(
            request,
            form,
            lambda: actions.make_promise(person_of(request), **form.said()),
            lambda _made: (_("The promise is made, and measured from now on."), reverse("portal:promises")),
            form.NAMES,
        )
    return answer or page(
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
    names = (
        "organisation_class",
        "country",
        "commercial",
        "fraction",
        "accelerator_seconds_a_month",
        "valid_from",
        "valid_until",
    )
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
