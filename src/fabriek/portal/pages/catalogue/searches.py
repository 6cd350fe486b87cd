"""Searches that somebody keeps: saved from the catalogue, repeated, what they found since, forgotten."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from fabriek.catalogue import actions, queries
from fabriek.catalogue.asked import Asked
from fabriek.catalogue.models import SavedSearch
from fabriek.portal.access import SIGNED_IN, requires
from fabriek.portal.pages.catalogue.browsing import PER_PAGE, address_of_search, asked_of, value_text
from fabriek.portal.pages.decide.replies import acted, person_of, posted, see_other

SEARCHES = "portal:saved_searches"


class NameForm(forms.Form):
    """What its owner calls it."""

    name = forms.CharField(label=gettext_lazy("What do you call it?"), max_length=200)


class SaveForm(NameForm):
    """A new search, or another question for one that is kept."""

    instead_of = forms.ModelChoiceField(
        label=gettext_lazy("Keep it as"),
        queryset=SavedSearch.objects.none(),
        required=False,
        empty_label=gettext_lazy("A new search"),
        help_text=gettext_lazy("In place of one of yours, it looks for this from now on."),
    )

    def __init__(self, kept: QuerySet[SavedSearch], *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        field = self.fields["instead_of"]
        field.queryset = kept  # type: ignore[attr-defined]
        if not kept:
            del self.fields["instead_of"]


class ChangeForm(NameForm):
    """Its name and its words."""

    q = forms.CharField(label=gettext_lazy("Words"), max_length=200, required=False)
    exact = forms.BooleanField(label=gettext_lazy("Exactly as typed"), required=False)


@requires(SIGNED_IN)
def searches(request: HttpRequest) -> HttpResponse:
    """What somebody keeps, each with how many are new."""
    page = Paginator(queries.searches_of(person_of(request)), PER_PAGE).get_page(request.GET.get("page"))
    names = queries.names_of(code for search in page for code in search.asked.get("factory", []))
    rows = [(search, words_of(Asked.of(search.asked), names)) for search in page]
    return render(request, "catalogue/searches.html", {"page": page, "rows": rows})


@requires("describe entries", "GET", "POST")
def save(request: HttpRequest) -> HttpResponse:
    """Keep what the address asks, as a new search or in place of one that is kept."""
    person, asked = person_of(request), asked_of(request)
    words = words_of(asked)
    form = SaveForm(queries.searches_of(person), posted(request), initial={"name": ", ".join(words)[:200]})

    def act() -> SavedSearch:
        name, before = form.cleaned_data["name"], form.cleaned_data.get("instead_of")
        if before is None:
            return actions.save_search(person, name, asked)
        return actions.change_search(person, before, name, asked)

    return acted(
        request, form, act, lambda _made: (_("Saved. You are told by mail of what is new."), reverse(SEARCHES))
    ) or render(
        request,
        "catalogue/save_search.html",
        {"form": form, "words": words, "back": address_of_search(asked)},
        status=422 if form.errors else 200,
    )


@requires(SIGNED_IN, "GET", "POST")
def change(request: HttpRequest, number: int) -> HttpResponse:
    """Call it otherwise, or have it look for other words; what it is narrowed to is chosen in the catalogue."""
    person = person_of(request)
    search = queries.search_of(person, number)
    before = Asked.of(search.asked)
    form = ChangeForm(posted(request), initial={"name": search.name, "q": before.q, "exact": before.exact})

    def act() -> SavedSearch:
        said = form.cleaned_data
        asked = Asked.of({**before.narrowed, "q": said["q"], "exact": said["exact"]})
        return actions.change_search(person, search, said["name"], asked)

    narrowed = words_of(replace(before, q="", exact=False))
    return acted(
        request, form, act, lambda made: (_("“%(name)s” is changed.") % {"name": made.name}, reverse(SEARCHES))
    ) or render(
        request,
        "catalogue/change_search.html",
        {"form": form, "search": search, "narrowed": narrowed},
        status=422 if form.errors else 200,
    )


@requires(SIGNED_IN)
def news(request: HttpRequest, number: int) -> HttpResponse:
    """What a search found that its owner hasn't seen."""
    search = queries.search_of(person_of(request), number)
    page = Paginator(queries.news_of(search), PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "catalogue/news.html", {"search": search, "page": page})


@requires(SIGNED_IN, "POST")
def seen(request: HttpRequest, number: int) -> HttpResponse:
    """Its owner has seen what is new."""
    person = person_of(request)
    count = actions.see_news(person, queries.search_of(person, number))
    messages.success(request, ngettext("%(number)s seen.", "%(number)s seen.", count) % {"number": count})
    return see_other(reverse(SEARCHES))


@requires(SIGNED_IN, "GET", "POST")
def forget(request: HttpRequest, number: int) -> HttpResponse:
    """Keep it no longer, once asked whether."""
    person = person_of(request)
    search = queries.search_of(person, number)
    if request.method == "POST":
        actions.forget_search(person, search)
        messages.success(request, _("“%(name)s” is forgotten.") % {"name": search.name})
        return see_other(reverse(SEARCHES))
    return render(request, "catalogue/forget_search.html", {"search": search})


def words_of(asked: Asked, names: dict[str, str] | None = None) -> list[str]:
    """What a search asks, as a reader reads it: ['speech', 'Dataset', 'Frisian']. `names`: of factories, by code."""
    words = [asked.q] if asked.q else []
    words += [value_text(facet, value, names) for facet, values in asked.narrowed.items() for value in values]
    return [*words, _("Exactly as typed")] if asked.exact else words
