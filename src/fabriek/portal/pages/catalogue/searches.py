"""Searches that somebody keeps: saved from the catalogue, repeated, what they found since, forgotten."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from fabriek.catalogue import actions, queries
from fabriek.portal.access import SIGNED_IN, requires
from fabriek.portal.pages.catalogue.browsing import PER_PAGE, asked_of, query_of, value_text
from fabriek.portal.pages.decide.replies import acted, person_of, posted, see_other


class NameForm(forms.Form):
    """What its owner calls it."""

    name = forms.CharField(label=gettext_lazy("What do you call it?"), max_length=200)


@requires(SIGNED_IN)
def searches(request: HttpRequest) -> HttpResponse:
    """What somebody keeps, each with how many are new."""
    page = Paginator(queries.searches_of(person_of(request)), PER_PAGE).get_page(request.GET.get("page"))
    names = queries.names_of(code for search in page for code in search.asked.get("factory", []))
    rows = [(search, words_of(search.asked, names)) for search in page]
    return render(request, "catalogue/searches.html", {"page": page, "rows": rows})


@requires("describe entries", "GET", "POST")
def save(request: HttpRequest) -> HttpResponse:
    """Keep what the address asks, under a name."""
    asked = asked_of(request)
    said: dict[str, Any] = {"q": asked.q, "exact": asked.exact, **asked.narrowed}
    words = words_of({name: [value] if name in queries.FACETS else value for name, value in said.items()})
    form = NameForm(posted(request), initial={"name": ", ".join(words)[:200]})
    return acted(
        request,
        form,
        lambda: actions.save_search(person_of(request), form.cleaned_data["name"], said),
        lambda _made: (_("Saved. You are told by mail of what is new."), reverse("portal:saved_searches")),
    ) or render(
        request,
        "catalogue/save_search.html",
        {"form": form, "words": words, "asked_query": query_of(asked)},
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
    return see_other(reverse("portal:saved_searches"))


@requires(SIGNED_IN, "GET", "POST")
def forget(request: HttpRequest, number: int) -> HttpResponse:
    """Keep it no longer, once asked whether."""
    person = person_of(request)
    search = queries.search_of(person, number)
    if request.method == "POST":
        actions.forget_search(person, search)
        messages.success(request, _("“%(name)s” is forgotten.") % {"name": search.name})
        return see_other(reverse("portal:saved_searches"))
    return render(request, "catalogue/forget_search.html", {"search": search})


def words_of(asked: dict[str, Any], names: dict[str, str] | None = None) -> list[str]:
    """What a search asks, as a reader reads it: ['speech', 'Dataset', 'Frisian']. `names`: of factories, by code."""
    words = [asked["q"]] if asked.get("q") else []
    words += [value_text(facet, value, names) for facet in queries.FACETS for value in asked.get(facet, [])]
    return [*words, _("Exactly as typed")] if asked.get("exact") else words
