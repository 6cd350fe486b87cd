"""Who may open which page: every view carries its rule, and a test walks all of them.

A rule is one of `EVERYBODY`, `SIGNED_IN`, or a permission of `people.permissions`. Rules about single objects (one's
own application, a member's project) are in the rooms, and answer 404: who may not know of a thing doesn't learn of it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme

from fabriek.people.permissions import PERMISSIONS, require

EVERYBODY = "everybody"
SIGNED_IN = "signed in"

View = Callable[..., HttpResponseBase]


def _to_sign_in(request: HttpRequest) -> HttpResponse:
    """Signed out, or not in yet: to the sign-in page, and afterwards back to the page where one was.

    A part of a page that loads or saves by itself is told in place: the rest of the page, with what somebody is
    writing, stays as it is.
    """
    if request.headers.get("HX-Request"):
        response = render(request, "errors/signed_out.html", status=401)
        response["HX-Reswap"] = "none"
        return response
    if request.method == "GET":
        return redirect_to_login(request.get_full_path())
    came_from = request.headers.get("Referer", "")
    is_ours = url_has_allowed_host_and_scheme(came_from, {request.get_host()}, require_https=request.is_secure())
    page = urlsplit(came_from)
    return redirect_to_login(urlunsplit(("", "", page.path, page.query, "")) if is_ours and page.path else "/")


def requires(rule: str, *methods: str) -> Callable[[View], View]:
    """Let only those in to whom the rule applies, with these methods (default: GET). Others sign in, or get a 403."""
    if rule not in (EVERYBODY, SIGNED_IN) and rule not in PERMISSIONS:
        raise ValueError(f"there is no rule {rule!r}")
    allowed = methods or ("GET",)

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if request.method not in allowed and not (request.method == "HEAD" and "GET" in allowed):
                response = HttpResponse(status=405)
                response["Allow"] = ", ".join(allowed)
                return response
            if rule != EVERYBODY:
                if not request.user.is_authenticated:
                    return _to_sign_in(request)
                if rule != SIGNED_IN:
                    require(request.user, rule)
            return view(request, *args, **kwargs)

        guarded.access_rule = rule  # type: ignore[attr-defined]
        guarded.methods = allowed  # type: ignore[attr-defined]
        return guarded

    return decorate
