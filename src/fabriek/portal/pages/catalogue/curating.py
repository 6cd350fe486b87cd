"""The curators' desk: what waits, what differs from what is published, publish or send back."""

from __future__ import annotations

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from fabriek.catalogue import actions, queries
from fabriek.catalogue.actions.entries import working_record
from fabriek.catalogue.differences import differences
from fabriek.catalogue.rules import lacks
from fabriek.catalogue.words import label_of
from fabriek.conf.errors import Refused
from fabriek.portal.access import requires
from fabriek.portal.pages.catalogue.browsing import told
from fabriek.portal.pages.catalogue.writing import ReasonForm
from fabriek.portal.pages.decide.replies import acted, person_of, posted, see_other, show_refusal


@requires("curate the catalogue")
def desk(request: HttpRequest) -> HttpResponse:
    """What waits, the longest first."""
    page = Paginator(queries.to_curate(), 25).get_page(request.GET.get("page"))
    return render(request, "catalogue/desk.html", {"page": page, "hidden": queries.hidden_profiles()})


@requires("curate the catalogue")
def look(request: HttpRequest, code: str) -> HttpResponse:
    """One that waits: all of it where it is new, what differs where it changes what is published."""
    entry = queries.entry_of(request.user, code)
    record = working_record(entry)
    is_change = bool(entry.published)
    context = {
        **told(entry, record, None),
        "is_change": is_change,
        "changes": [(label_of(one.path), one) for one in differences(entry.as_record(), record)] if is_change else [],
        "lacks": [(label_of(path), sentences) for path, sentences in lacks(record).items()],
        "may_publish": not (entry.state == "published" and entry.proposed is None),
    }
    return render(request, "catalogue/look.html", context)


@requires("curate the catalogue", "GET", "POST")
def publish(request: HttpRequest, code: str) -> HttpResponse:
    """Publish it, once asked whether."""
    entry = queries.entry_of(request.user, code)
    if request.method == "POST":
        try:
            made = actions.publish_entry(person_of(request), entry)
        except Refused as refusal:
            return show_refusal(request, refusal, reverse("portal:curate_entry", args=[code]))
        messages.success(request, _("Published as version %(number)s.") % {"number": made.published})
        return see_other(reverse("portal:entry", args=[code]))
    return render(request, "catalogue/publish.html", {"entry": entry, "number": entry.published + 1})


@requires("curate the catalogue", "GET", "POST")
def send_back(request: HttpRequest, code: str) -> HttpResponse:
    """To its steward, with what should be mended."""
    entry = queries.entry_of(request.user, code)
    form = ReasonForm(posted(request))
    form.fields["why"].label = _("What should be mended?")
    return acted(
        request,
        form,
        lambda: actions.send_back(person_of(request), entry, form.cleaned_data["why"]),
        lambda _sent: (_("Sent back. Its steward reads why."), reverse("portal:curate")),
    ) or render(request, "catalogue/send_back.html", {"entry": entry, "form": form}, status=422 if form.errors else 200)
