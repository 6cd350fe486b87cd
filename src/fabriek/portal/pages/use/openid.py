"""Signing in with an identity provider, and connecting one to one's account."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from fabriek.conf.errors import Refused
from fabriek.people import openid
from fabriek.people.identities import connect_identity, disconnect_identity, sign_in_by_identity
from fabriek.people.openid import Claims
from fabriek.portal.access import EVERYBODY, SIGNED_IN, requires
from fabriek.portal.pages.use.signing_in import enter, next_of

# In the session: what a signed-in person is asked to confirm.
_PENDING = "openid_to_connect"


def _provider() -> openid.OpenID:
    found = openid.provider()
    if found is None:
        raise Http404
    return found


@requires(EVERYBODY)
def openid_start(request: HttpRequest) -> HttpResponse:
    """Off to the provider. A link, not a form: Chromium holds a form's redirects to form-action 'self'."""
    _provider()
    person: Any = request.user
    back = settings.FABRIEK_BASE_URL.rstrip("/") + reverse("portal:openid_back")
    try:
        address = openid.start(
            request, back, next=next_of(request), connects=person.pk if person.is_authenticated else None
        )
    except Refused as refusal:
        messages.error(request, str(refusal.sentence))
        return redirect("portal:account" if person.is_authenticated else "portal:sign_in")
    return HttpResponseRedirect(address)


@requires(EVERYBODY)
def openid_back(request: HttpRequest) -> HttpResponse:
    """Back from the provider: signed in, or asked whether to connect, or told why not."""
    _provider()
    person: Any = request.user
    try:
        claims, remembered = openid.finish(request)
        if person.is_authenticated:
            # Who began as somebody else, or as nobody, is asked as well: nothing is connected without a click here.
            request.session[_PENDING] = asdict(claims)
            return redirect("portal:openid_connect")
        return enter(request, sign_in_by_identity(claims), str(remembered.get("next") or ""), by_provider=True)
    except Refused as refusal:
        messages.error(request, str(refusal.sentence))
        return redirect("portal:account" if person.is_authenticated else "portal:sign_in")


@requires(SIGNED_IN, "GET", "POST")
def openid_connect(request: HttpRequest) -> HttpResponse:
    """Ask whether this identity may sign in as the person who is signed in, so that nobody slips theirs in."""
    known = _provider()
    person: Any = request.user
    pending = request.session.get(_PENDING)
    if pending is None:
        return redirect("portal:account")
    claims = Claims(**pending)
    if request.method == "GET":
        return render(request, "use/connect_identity.html", {"claims": claims, "label": known.label})
    del request.session[_PENDING]
    try:
        connect_identity(person, claims)
    except Refused as refusal:
        messages.error(request, str(refusal.sentence))
    else:
        messages.success(request, _("You can now sign in with %(label)s.") % {"label": known.label})
    return redirect("portal:account")


@requires(SIGNED_IN, "POST")
def openid_disconnect(request: HttpRequest, number: int) -> HttpResponse:
    """Let go of one's own identity."""
    person: Any = request.user
    disconnect_identity(person, number)
    messages.success(request, _("It signs you in no longer. The mailed link still does."))
    return redirect("portal:account")
