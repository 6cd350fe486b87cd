"""Errors as problem+json (RFC 9457): one shape for all of them, with a sentence that says what to do."""

from __future__ import annotations

import json
import logging
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.core.exceptions import ValidationError as DjangoValidationError
from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI, Schema
from ninja.errors import AuthenticationError, HttpError, ValidationError

from fabriek.conf.errors import Refused
from fabriek.conf.trouble import trouble_of

MEDIA_TYPE = "application/problem+json"
_log = logging.getLogger("fabriek.api")


class Problem(Schema):
    """RFC 9457. `type` names the kind of problem, `detail` says what to do, `faults` names fields."""

    type: str
    title: str
    status: int
    detail: str
    faults: dict[str, list[str]] | None = None


TITLES = {
    400: "The request can't be read",
    401: "Who are you?",
    403: "Not allowed",
    404: "Not found",
    405: "This address doesn't take that method",
    409: "Refused",
    410: "Gone",
    412: "Changed meanwhile",
    413: "Too large",
    422: "What was sent does not hold",
    500: "Our mistake",
    503: "Not now",
    507: "No room",
}


def problem(status: int, slug: str, detail: str, **extra: Any) -> HttpResponse:
    """One answer in the form of RFC 9457."""
    body = {
        "type": f"urn:fabriek:problem:{slug}",
        "title": TITLES.get(status, "Refused"),
        "status": status,
        "detail": detail,
        **{key: value for key, value in extra.items() if value not in (None, {}, [])},
    }
    response = HttpResponse(json.dumps(body, default=str), status=status, content_type=MEDIA_TYPE)
    if status == 401:
        response["WWW-Authenticate"] = 'Bearer realm="fabriek"'
    return response


def install(api: NinjaAPI) -> None:
    """Make every way to fail answer with a problem."""

    @api.exception_handler(Refused)
    def refused(request: HttpRequest, error: Refused) -> HttpResponse:
        return problem(
            error.status, error.slug, str(error.sentence), faults=getattr(error, "faults", None), **error.extra
        )

    @api.exception_handler(AuthenticationError)
    def unauthenticated(request: HttpRequest, error: AuthenticationError) -> HttpResponse:
        return problem(401, "unauthenticated", "Send a valid token: Authorization: Bearer TOKEN.")

    @api.exception_handler(ValidationError)
    def invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
        faults: dict[str, list[str]] = {}
        for fault in error.errors:
            place = ".".join(str(step) for step in fault.get("loc", ())[1:]) or "request"
            faults.setdefault(place, []).append(str(fault.get("msg", "")))
        return problem(422, "invalid", "Mend the fields that are named.", faults=faults)

    @api.exception_handler(DjangoValidationError)
    def not_valid(request: HttpRequest, error: DjangoValidationError) -> HttpResponse:
        return problem(422, "invalid", "; ".join(error.messages))

    @api.exception_handler(RequestDataTooBig)
    def too_large(request: HttpRequest, error: RequestDataTooBig) -> HttpResponse:
        return problem(413, "too-large", "Send less at once: the request is larger than this platform takes.")

    @api.exception_handler(Http404)
    def not_found(request: HttpRequest, error: Http404) -> HttpResponse:
        return problem(404, "not-found", "There is nothing at this address, or it isn't yours to see.")

    @api.exception_handler(HttpError)
    def http(request: HttpRequest, error: HttpError) -> HttpResponse:
        return problem(error.status_code, "bad-request", str(error))

    @api.exception_handler(Exception)
    def mistake(request: HttpRequest, error: Exception) -> HttpResponse:
        if (trouble := trouble_of(error)) is not None:
            _log.error("%s %s: %s", request.method, request.path, error)
            return problem(trouble.status, trouble.slug, str(trouble.sentence))
        _log.exception("%s %s", request.method, request.path)
        return problem(500, "mistake", "Something failed on our side. It is logged; try again, or tell the operator.")
