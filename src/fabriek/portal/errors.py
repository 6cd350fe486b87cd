"""Pages for when it doesn't work: each says what happened and what to do. The last one needs no database."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.views.decorators.csrf import requires_csrf_token

from fabriek.conf.errors import NotAllowed, NotFound, Refused
from fabriek.conf.trouble import trouble_of

_log = logging.getLogger("fabriek.portal")


def _page(request: HttpRequest, status: int, **context: Any) -> HttpResponse:
    return HttpResponse(
        render_to_string(f"errors/{status}.html", {"path": request.path, **context}, request), status=status
    )


@requires_csrf_token
def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """400: the request could not be read."""
    del exception
    return _page(request, 400)


@requires_csrf_token
def permission_denied(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """403: known, but not allowed; a sentence given to PermissionDenied is shown."""
    reason = str(exception) if exception and str(exception) else ""
    return _page(request, 403, reason=reason)


@requires_csrf_token
def page_not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """404: nothing at this address."""
    del exception
    return _page(request, 404)


def server_error(request: HttpRequest) -> HttpResponse:
    """500: our mistake. Rendered without the context processors, for the database may be what failed."""
    del request
    return HttpResponse(render_to_string("errors/500.html"), status=500)


@requires_csrf_token
def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403 when a form's token is missing or old: a page open too long, or no cookies."""
    del reason
    return HttpResponse(render_to_string("errors/csrf.html", {}, request), status=403)


class RefusalPages:
    """Middleware: what a room refuses becomes a page with its sentence, wherever a view doesn't show it itself."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """A Refused, or a trouble of the machine, as a page; None for everything else."""
        if request.path.startswith("/api/"):
            return None
        if (trouble := trouble_of(exception)) is not None:
            _log.error("%s %s: %s", request.method, request.path, exception)
            # Without the context processors: they ask the database, which is what fails.
            page = render_to_string("errors/trouble.html", {"sentence": trouble.sentence})
            return HttpResponse(page, status=trouble.status)
        if not isinstance(exception, Refused):
            return None
        if isinstance(exception, NotFound):
            return page_not_found(request)
        if isinstance(exception, NotAllowed):
            return permission_denied(request, exception)
        return HttpResponse(
            render_to_string("errors/refused.html", {"sentence": exception.sentence}, request), status=exception.status
        )
