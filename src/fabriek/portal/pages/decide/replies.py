"""What the desk's pages answer with: files, refusals, the person who asks."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar, cast

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render

from fabriek.conf.errors import Invalid, Refused
from fabriek.people.models import Person

T = TypeVar("T")

# What makes a spreadsheet take a cell for a formula (OWASP, CSV injection).
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def person_of(request: HttpRequest) -> Person:
    """Who asks; the view's rule has let nobody else in."""
    return cast(Person, request.user)


def see_other(url: str) -> HttpResponseRedirect:
    """303: what was posted is done, look there."""
    response = HttpResponseRedirect(url)
    response.status_code = 303
    return response


def csv_file(name: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> HttpResponse:
    """A table as a CSV file, UTF-8. Text that a spreadsheet would run as a formula gets an apostrophe before it."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return HttpResponse(
        text.getvalue(),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}.csv"'},
    )


def _cell(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def show_refusal(request: HttpRequest, refusal: Refused, url: str) -> HttpResponseRedirect:
    """Back to where one was, with the sentence."""
    messages.error(request, str(refusal.sentence))
    return see_other(url)


def add_refusal(form: forms.BaseForm, refusal: Refused, names: Mapping[str, str] | None = None) -> None:
    """A room's refusal as the form's errors: faults at their fields (`names`: fault -> field), the rest on top."""
    faults = refusal.faults if isinstance(refusal, Invalid) else {}
    placed = False
    for fault, sentences in faults.items():
        field = (names or {}).get(fault, fault)
        if field in form.fields:
            placed = True
            for sentence in sentences:
                form.add_error(field, sentence)
    if not placed or len(faults) > 1 or names is not None:
        form.add_error(None, str(refusal.sentence))


def posted(request: HttpRequest) -> Any:
    """What a form is filled with: what was posted, or nothing yet."""
    return request.POST if request.method == "POST" else None


def acted(
    request: HttpRequest,
    form: forms.BaseForm,
    act: Callable[[], T],
    done: Callable[[T], tuple[str, str]],
    names: Mapping[str, str] | None = None,
) -> HttpResponse | None:
    """One form, one action. Done: told, and away (`done`: the sentence and the address, given what `act` gave).

    None where nothing was posted, or where it was refused, which then stands at its field: the form is to be shown.
    """
    if request.method != "POST" or not form.is_valid():
        return None
    try:
        made = act()
    except Refused as refusal:
        add_refusal(form, refusal, names)
        return None
    sentence, address = done(made)
    messages.success(request, sentence)
    return see_other(address)


def page(request: HttpRequest, template: str, form: forms.BaseForm | None = None, **context: Any) -> HttpResponse:
    """A page of this desk; with a form that has errors its status is 422, so that htmx shows it too."""
    status = 422 if form is not None and form.is_bound and form.errors else 200
    return render(request, f"decide/{template}.html", {"form": form, **context}, status=status)


def form_about(
    request: HttpRequest, form: forms.BaseForm, about: tuple[str, str], heading: str, lead: str, submit: str
) -> HttpResponse:
    """A page with one form about one thing (`about`: its name and address), to which it leads back."""
    name, address = about
    words = {"up": address, "up_words": name, "kicker": name}
    return page(request, "declare", form, heading=heading, lead=lead, submit=submit, **words)
