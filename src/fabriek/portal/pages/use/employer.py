"""For whom one works: what decides on conflicts of interest. An application says for itself for whom it is."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from fabriek.conf.errors import Invalid
from fabriek.people.actions import join_organisation, register_organisation
from fabriek.portal.access import requires
from fabriek.portal.pages.apply.forms import OrganisationForm, initial_of_organisation


@requires("apply", "GET", "POST")
def join(request: HttpRequest) -> HttpResponse:
    """Say for whom one works."""
    person: Any = request.user
    form = OrganisationForm(request.POST or None, initial=initial_of_organisation(person.organisation))
    if request.method == "POST" and form.is_valid():
        try:
            join_organisation(person, register_organisation(person, **form.cleaned_data))
        except Invalid as fault:
            form.add_error("name", str(fault.sentence))
        else:
            messages.success(request, _("Saved."))
            return redirect("portal:account")
    return render(request, "use/join_organisation.html", {"form": form}, status=422 if form.errors else 200)
