"""What comes back, to whom it is offered again, and the changes that projects ask for."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from fabriek.access import actions
from fabriek.access.models import Call
from fabriek.access.queries import call_of
from fabriek.access.rolling import OfferRow, calls_to_offer_in, is_decided, offer_of
from fabriek.access.words import refusal_words, threshold_detail
from fabriek.conf.amounts import number_text
from fabriek.conf.errors import Refused
from fabriek.people.permissions import may
from fabriek.portal.access import requires
from fabriek.portal.pages.decide.replies import page, person_of, posted, see_other, show_refusal
from fabriek.projects.actions import refuse_change, take_back, warn_unused
from fabriek.projects.actions.returning import would_return
from fabriek.projects.models import Change, ChangeState, Return
from fabriek.projects.queries import changes, returns
from fabriek.projects.rolling import RULE


class RefusalForm(forms.Form):
    """Why a change is refused."""

    answer = forms.CharField(
        label=gettext_lazy("Why not"),
        help_text=gettext_lazy("The project reads this."),
        widget=forms.Textarea(attrs={"rows": 3}),
        max_length=2000,
    )


@requires("read decisions")
def index(request: HttpRequest) -> HttpResponse:
    """What the rule would warn of, what was announced, what projects ask, and where hours can be offered again."""
    today = timezone.now().date()
    return page(
        request,
        "returns",
        rule=RULE,
        new=would_return(today),
        announced=[(one, one.due <= today) for one in returns(["warned", "claimed"])],
        done=returns(["returned", "cancelled"], newest=True)[:20],
        asked=changes([ChangeState.ASKED]),
        decided=changes([ChangeState.GRANTED, ChangeState.REFUSED], newest=True)[:20],
        calls=[(call, is_decided(call, timezone.now())) for call in calls_to_offer_in()],
        may_decide=may(request.user, "decide"),
    )


@requires("decide", "POST")
def warn(request: HttpRequest) -> HttpResponse:
    """Warn all whom the rule concerns."""
    back = reverse("portal:returns")
    try:
        made = warn_unused(person_of(request))
    except Refused as refusal:
        return show_refusal(request, refusal, back)
    messages.success(
        request,
        ngettext("%(number)s project was warned.", "%(number)s projects were warned.", len(made))
        % {"number": len(made)},
    )
    return see_other(back)


@requires("decide", "POST")
def take(request: HttpRequest, number: int) -> HttpResponse:
    """Carry out a return that is due."""
    one, back = Return.objects.filter(pk=number).first(), reverse("portal:returns")
    if one is None:
        raise Http404
    try:
        done = take_back(person_of(request), one)
    except Refused as refusal:
        return show_refusal(request, refusal, back)
    if done.state == "returned":
        messages.success(
            request, _("%(hours)s GPU-hours are back.") % {"hours": number_text(done.accelerator_seconds // 3600)}
        )
    else:
        messages.success(request, _("The project caught up, and keeps its hours."))
    return see_other(back)


def _change(number: int) -> Change:
    found = changes().filter(pk=number).first()
    if found is None:
        raise Http404
    return found


@requires("decide", "GET", "POST")
def change(request: HttpRequest, number: int) -> HttpResponse:
    """A change that was asked: what stands in its way as things are; refuse it with a reason."""
    found, back = _change(number), reverse("portal:returns")
    form = RefusalForm(posted(request))
    if request.method == "POST" and form.is_valid():
        try:
            refuse_change(person_of(request), found, form.cleaned_data["answer"])
        except Refused as refusal:
            return show_refusal(request, refusal, back)
        messages.success(request, _("Refused; the project reads why."))
        return see_other(back)
    is_open = found.state == ChangeState.ASKED
    return page(
        request,
        "change",
        form,
        change=found,
        is_open=is_open,
        obstacle=actions.would_be_granted(person_of(request), found) if is_open else "",
    )


@requires("decide", "POST")
def grant(request: HttpRequest, number: int) -> HttpResponse:
    """Grant a change, as far as the model allows it."""
    back = reverse("portal:returns")
    try:
        actions.grant_change(person_of(request), _change(number))
    except Refused as refusal:
        return show_refusal(request, refusal, reverse("portal:change", args=[number]))
    messages.success(request, _("Granted: the hours moved, and the limits follow at the next reconciling."))
    return see_other(back)


def _why_not(row: OfferRow) -> str:
    if row.reason == "late":
        return _("No month that it could use is left in this call.")
    detail = {**threshold_detail(row.application), **row.detail} if row.reason == "threshold" else row.detail
    return refusal_words(row.reason, detail)


def _decided_call(code: str) -> Call:
    call = call_of(code)
    if call is None or call.continuous:
        raise Http404
    return call


@requires("decide", "GET", "POST")
def offer(request: HttpRequest, code: str) -> HttpResponse:
    """To whom a fresh plan offers what is free in a call's months to come; confirm it."""
    call, here = _decided_call(code), reverse("portal:offer_again", args=[code])
    if request.method == "POST":
        try:
            decision = actions.offer_again(person_of(request), call, request.POST.get("sha256", ""))
        except Refused as refusal:
            return show_refusal(request, refusal, here)
        messages.success(request, _("Published: who was displaced has been told."))
        return see_other(reverse("portal:decision", args=[decision.code]))
    found = offer_of(call)
    return page(
        request,
        "offer",
        call=call,
        offer=found,
        rest=[(row, _why_not(row)) for row in found.rows if not row.hours],
        awarded=sum(row.hours for row in found.awards) * 3600,
        free=found.free_hours * 3600,
        is_decided=is_decided(call, timezone.now()),
    )
