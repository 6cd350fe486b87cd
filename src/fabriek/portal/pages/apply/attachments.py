"""An application's attachments: added to a draft, read by whoever may read the application."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from fabriek.access.actions import add_attachment, remove_attachment
from fabriek.access.attachments import path_of
from fabriek.access.models import Application, Attachment
from fabriek.access.queries import application_of
from fabriek.access.rules import ATTACHMENT_MIB
from fabriek.conf.errors import Invalid, Refused
from fabriek.portal.access import SIGNED_IN, requires
from fabriek.portal.pages.apply.applications import draft_of


def attachment_of(application: Application | None, number: int) -> Attachment:
    """An attachment of an application that may be read. Errors: Http404."""
    found = application.attachments.filter(pk=number).first() if application is not None else None
    if found is None or not path_of(found.key).is_file():
        raise Http404
    return found


def pdf_of(attachment: Attachment) -> FileResponse:
    """The file, to be kept and not shown: a PDF from elsewhere doesn't run in the platform's pages."""
    response = FileResponse(
        path_of(attachment.key).open("rb"), as_attachment=True, filename=attachment.name, content_type="application/pdf"
    )
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, no-store"
    return response


@requires("apply", "POST")
def add(request: HttpRequest, code: str) -> HttpResponse:
    """Add a PDF."""
    person: Any = request.user
    draft = draft_of(request, code)
    file = request.FILES.get("file")
    try:
        if file is None:
            raise Invalid(_("Choose a file first."))
        # What is far too large isn't read at all.
        most = ATTACHMENT_MIB * 1024 * 1024 + 1
        add_attachment(person, draft, str(file.name), file.read(most))
        messages.success(request, _("Attached."))
    except Refused as refusal:
        messages.error(request, str(refusal.sentence))
    return redirect("portal:application_step", code, "check")


@requires("apply", "POST")
def remove(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Take a PDF away."""
    person: Any = request.user
    draft = draft_of(request, code)
    try:
        remove_attachment(person, draft, attachment_of(draft, number))
        messages.success(request, _("Removed."))
    except Refused as refusal:
        messages.error(request, str(refusal.sentence))
    return redirect("portal:application_step", code, "check")


@requires(SIGNED_IN)
def download(request: HttpRequest, code: str, number: int) -> HttpResponseBase:
    """The file, for whoever may read the application."""
    return pdf_of(attachment_of(application_of(request.user, code), number))
