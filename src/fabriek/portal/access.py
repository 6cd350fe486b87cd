"""Who may open which page: every view carries its rule, and a test walks all of them.

A rule is one of `EVERYBODY`, `SIGNED_IN`, or a permission of `people.permissions`. Rules about single objects (one's
own application, a member's project) are in the rooms, and answer 404: who may not know of a thing doesn't learn of it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from fabriek.people.permissions import PERMISSIONS, require

EVERYBODY = "everybody"
SIGNED_IN = "signed in"

View = Callable[..., HttpResponseBase]


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
                    return redirect_to_login(request.get_full_path() if request.method == "GET" else "/")
                if rule != SIGNED_IN:
                    require(request.user, rule)
            return view(request, *args, **kwargs)

        guarded.access_rule = rule  # type: ignore[attr-defined]
        guarded.methods = allowed  # type: ignore[attr-defined]
        return guarded

    return decorate
