"""Opening a call from an access mode's terms, and closing it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from fabriek.access import actions
from fabriek.access.models import AccessMode, Scoring
from fabriek.access.queries import call_of
from fabriek.conf.errors import Refused
from fabriek.portal.access import requires
from fabriek.portal.pages.decide.forms import CallForm
from fabriek.portal.pages.decide.replies import add_refusal, page, person_of, see_other, show_refusal
from fabriek.projects.rules import month_after


@requires("open calls", "GET", "POST")
def new(request: HttpRequest) -> HttpResponse:
    """Open a call."""
    form = CallForm(request.POST) if request.method == "POST" else CallForm(initial=_suggested(request))
    if request.method == "POST" and form.is_valid():
        # What was left empty is as the access mode says.
        said: dict[str, Any] = {name: value for name, value in form.cleaned_data.items() if value not in (None, "")}
        try:
            call = actions.open_call(person_of(request), **said)
        except Refused as refusal:
            add_refusal(form, refusal)
        else:
            messages.success(request, _("%(call)s is open.") % {"call": call.title})
            return see_other(reverse("portal:call_applications", args=[call.code]))
    return page(request, "open_call", form, modes=AccessMode.objects.filter(is_open_to_calls=True))


def _suggested(request: HttpRequest) -> dict[str, Any]:
    """A month to apply in, use from the month after."""
    now = timezone.now().replace(second=0, microsecond=0)
    closes = (now + timedelta(days=30)).replace(hour=17, minute=0)
    mode = AccessMode.objects.filter(code=request.GET.get("mode", ""), is_open_to_calls=True).first()
    suggested = {
        "opens": now,
        "closes": closes,
        "first_month": month_after(closes.date().replace(day=1), 1),
        "months": max(mode.durations_months, default=3) if mode else 3,
        "scoring": Scoring.MEAN,
    }
    return {**suggested, "access_mode": mode.code, "title": mode.name} if mode else suggested


@requires("open calls", "GET", "POST")
def close(request: HttpRequest, code: str) -> HttpResponse:
    """Close a call before its cut-off, after asking."""
    call = call_of(code)
    if call is None:
        raise Http404
    back = reverse("portal:call_applications", args=[code])
    if request.method != "POST":
        return page(request, "close_call", call=call, back=back)
    try:
        actions.close_call(person_of(request), call, why=request.POST.get("why", ""))
    except Refused as refusal:
        return show_refusal(request, refusal, back)
    messages.success(request, _("%(call)s is closed.") % {"call": call.title})
    return see_other(back)
