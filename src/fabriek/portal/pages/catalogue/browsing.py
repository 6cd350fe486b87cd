"""The catalogue's front, an entry with what surrounds it, its versions and files, and its use in a recipe."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from fabriek.catalogue import actions, queries, uploads
from fabriek.catalogue.actions import looks as noting_looks
from fabriek.catalogue.actions.entries import working_record
from fabriek.catalogue.actions.letters import may_be_written_to
from fabriek.catalogue.asked import Asked
from fabriek.catalogue.consents import agrees
from fabriek.catalogue.downloads import file_of
from fabriek.catalogue.feeds import standards_for
from fabriek.catalogue.models import Access, Entry, EntryKind, EntryState, Place, Purpose, Tie
from fabriek.catalogue.profiles import factory_hours
from fabriek.catalogue.record import Record
from fabriek.catalogue.rules import PROFILES, is_owner, may_edit, may_see_inside
from fabriek.catalogue.search import terms
from fabriek.catalogue.standards import schema_org
from fabriek.catalogue.translations import said_in
from fabriek.catalogue.using import Use, recipes_that_take, uses
from fabriek.catalogue.words import CHOICES, TIED_BY
from fabriek.conf.trouble import StorageAway
from fabriek.events.models import Event
from fabriek.events.queries import coming_of
from fabriek.events.structured import with_dates
from fabriek.people.permissions import may
from fabriek.portal.access import EVERYBODY, SIGNED_IN, requires
from fabriek.portal.components import entry_lines
from fabriek.portal.components.entry_lines import address_of, language_name
from fabriek.portal.components.prose import prose

PER_PAGE = 25
TOLD = "told_of_looks"
"""In the session: that its reader was told that ventures see who looks."""
MOST_OF_A_FACET = 12


class SearchForm(forms.Form):
    """The one box."""

    q = forms.CharField(
        label=gettext_lazy("Search the catalogue"),
        required=False,
        max_length=200,
        widget=forms.TextInput(attrs={"data-width": "lg", "type": "search", "autocomplete": "off"}),
    )


@dataclass(frozen=True)
class Choice:
    """A value of a facet: how many there would be, and where it leads."""

    label: str
    count: int
    url: str
    chosen: bool


@requires(EVERYBODY)
def index(request: HttpRequest) -> HttpResponse:
    """What there is: by kind, found by words, narrowed by facets."""
    asked = asked_of(request)
    found = queries.found(asked)
    page = Paginator(found.hits, PER_PAGE).get_page(request.GET.get("page"))
    is_front = not asked.q and not asked.narrowed
    context = {
        "asked": asked,
        "form": SearchForm(initial={"q": asked.q}),
        "page": page,
        "kinds": _kinds(asked, found) if is_front else [],
        "facets": _facets(asked, found, but="kind" if is_front else ""),
        "chosen": _chosen(asked, found),
        "corrected": list(found.corrected.items()),
        "relaxed": found.relaxed,
        "exact_url": address_of_search(replace(asked, exact=True)),
        "is_front": is_front,
        "may_describe": may(request.user, "describe entries"),
        "may_curate": may(request.user, "curate the catalogue"),
        "asked_query": asked.query(),
        "best": found.best,
        "new": queries.new_to(request.user) if request.user.is_authenticated else 0,
    }
    return render(request, "catalogue/index.html", context)


def asked_of(request: HttpRequest) -> Asked:
    """What the address asks; a facet's value that can't be is passed on, and finds nothing."""
    return Asked.of(dict(request.GET.lists()))


def address_of_search(asked: Asked) -> str:
    """The page that asks this."""
    query = asked.query()
    return f"{reverse('portal:catalogue')}?{query}" if query else reverse("portal:catalogue")


def _kinds(asked: Asked, found: queries.Found) -> list[Choice]:
    counts = dict(found.facets["kind"])
    shown = [Choice(_("All"), sum(counts.values()), "#found", False)]
    for kind, label in EntryKind.choices:
        count = counts.get(kind, 0)
        # A kind of which there is nothing leads nowhere.
        shown.append(Choice(str(label), count, address_of_search(asked.turned("kind", kind)) if count else "", False))
    return shown


def _facets(asked: Asked, found: queries.Found, but: str) -> list[tuple[str, list[Choice]]]:
    """Each facet with its values. One with a single value that isn't chosen tells nothing, and is left out."""
    titles = {
        "kind": _("Kind"),
        "access": _("Access"),
        "licence": _("Licence"),
        "task": _("Task"),
        "sector": _("Sector"),
        "language": _("Language"),
        "factory": _("Factory"),
    }
    shown = []
    for name, title in titles.items():
        now = asked.narrowed.get(name, [])
        counts = dict(found.facets[name])
        # The commonest, and what was chosen wherever it stands.
        values = [*list(counts)[:MOST_OF_A_FACET], *now]
        choices = [
            Choice(
                value_text(name, value, found.names),
                counts.get(value, 0),
                address_of_search(asked.turned(name, value)),
                value in now,
            )
            for value in dict.fromkeys(values)
        ]
        if name != but and (len(choices) > 1 or now):
            shown.append((title, choices))
    return shown


def _chosen(asked: Asked, found: queries.Found) -> list[Choice]:
    """What the list is narrowed by, each leading to the list without it."""
    chosen = [
        Choice(value_text(name, value, found.names), 0, address_of_search(asked.turned(name, value)), True)
        for name, values in asked.narrowed.items()
        for value in values
    ]
    if asked.exact:
        chosen.append(Choice(_("Exactly as typed"), 0, address_of_search(replace(asked, exact=False)), True))
    return chosen


def value_text(facet: str, value: str, names: dict[str, str] | None = None) -> str:
    """A facet's value in words."""
    match facet:
        case "kind":
            return str(dict(EntryKind.choices).get(value, value))
        case "access":
            return str(dict(Access.choices).get(value, value))
        case "language":
            return language_name(value)
        case "factory":
            return (names or {}).get(value, value)
        case "sector":
            return terms.label_of("sector", value, get_language() or "en")
        case _:
            return value


@requires(EVERYBODY)
def show(request: HttpRequest, code: str) -> HttpResponse:
    """An entry, in the reader's language where it was translated (`?in=original`: as it was written). Its steward and
    the curators may look at what is proposed: `?as=proposed`."""
    entry = queries.entry_of(request.user, code)
    if is_told_of(request, entry):
        return render(request, "catalogue/before_look.html", {"entry": entry, "kept": noting_looks.KEPT.days})
    inside = may_see_inside(request.user, entry)
    proposed = inside and entry.proposed is not None and request.GET.get("as") == "proposed"
    record = working_record(entry) if proposed else entry.as_record()
    near = queries.surroundings(request.user, entry)
    given = entry.state == EntryState.PUBLISHED and agrees(entry, Purpose.FEEDS)
    coming = coming_of(entry=entry) if entry.kind == EntryKind.TRAINING else []
    context = {
        **told(entry, record, near.places, original=request.GET.get("in") == "original"),
        **_of_profile(request, entry),
        "ties": _ties(near.ties),
        "tied_by": _tied_by(near.tied_by),
        "versions": [] if entry.kind in PROFILES else near.versions,
        "inside": inside,
        "is_proposed": proposed,
        "may_edit": may_edit(request.user, entry),
        "may_curate": may(request.user, "curate the catalogue"),
        "standards": [(name, STANDARDS[name]) for name in standards_for(entry.kind)] if given else [],
        "structured": _structured(request, record, coming) if given and not proposed else "",
        "is_for_search_engines": given or entry.kind not in PROFILES,
        "coming": coming,
        "is_usable": entry.state == EntryState.PUBLISHED and bool(recipes_that_take(entry)),
    }
    return render(request, "catalogue/entry.html", context)


def is_told_of(request: HttpRequest, entry: Entry) -> bool:
    """Whether the reader is first to be told that this venture sees who looks. If not, the look is noted: by name of
    whoever was told in this session, as one more of whoever isn't signed in."""
    if entry.kind != "venture" or entry.state != EntryState.PUBLISHED or request.method != "GET":
        return False
    if not request.user.is_authenticated:
        came_from = f"{request.META.get('REMOTE_ADDR', '')} {request.headers.get('X-Forwarded-For', '')}"
        actions.count_visitor(entry, address=came_from, agent=request.headers.get("User-Agent", ""))
        return False
    if noting_looks.is_own(request.user, entry):
        return False
    if not request.session.get(TOLD):
        return True
    actions.look(request.user, entry)
    return False


def _of_profile(request: HttpRequest, entry: Entry) -> dict[str, Any]:
    """What only profiles have: whether one may write to its owner or decides about it, the hours that it tells."""
    if entry.kind not in PROFILES:
        return {}
    own = is_owner(request.user, entry)
    return {
        "is_own": own,
        "may_write": not own and may_be_written_to(entry),
        "may_hide": entry.state == EntryState.PUBLISHED and may(request.user, "curate the catalogue"),
        "hours": factory_hours(entry),
    }


STANDARDS = {
    "turtle": gettext_lazy("DCAT-AP (Turtle)"),
    "json-ld": gettext_lazy("DCAT-AP (JSON-LD)"),
    "schema-org": "schema.org",
    "croissant": "Croissant",
    "card": gettext_lazy("Card for a hub"),
}


def _structured(request: HttpRequest, record: Record, coming: list[Event]) -> SafeString:
    """What the page tells, in schema.org's words, for search engines: a course with its dates."""
    node = schema_org.document(record, base=request.build_absolute_uri("/catalogue/entries/"))
    node = with_dates(node, coming, request.build_absolute_uri("/").rstrip("/"))
    # `embedded` lets no text end the script that it stands in.
    return mark_safe(schema_org.embedded(node))  # noqa: S308


@requires(EVERYBODY)
def version(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """An entry as it was published once."""
    entry = queries.entry_of(request.user, code)
    found = queries.version_of(entry, number)
    record = Record.model_validate(found.record)
    return render(request, "catalogue/version.html", {**told(entry, record, None), "version": found})


@requires(EVERYBODY)
def file(request: HttpRequest, code: str, sha256: str) -> HttpResponseBase:
    """A file that an entry holds."""
    return file_of(request.user, queries.entry_of(request.user, code), sha256)


@requires(SIGNED_IN)
def use(request: HttpRequest, code: str) -> HttpResponse:
    """Where one could use it: which project's hours, in which recipe; each leads to the recipe's form, filled."""
    entry = queries.entry_of(request.user, code)
    found = uses(request.user, entry)
    context = {
        "entry": entry,
        "rows": [(one, _form_of(one)) for one in found],
        "takes": recipes_that_take(entry),
        "places": entry.places.select_related("site"),
        "is_elsewhere": any(not one.is_there for one in found),
    }
    return render(request, "catalogue/use.html", context)


def _form_of(found: Use) -> str:
    """The recipe's form, with the answers that the entry gives."""
    form = reverse("portal:run_recipe", args=[found.allocation.project.code, found.recipe.code])
    return f"{form}?{urlencode({'allocation': found.allocation.code, **found.answers})}"


def told(entry: Entry, record: Record, places: list[Place] | None, *, original: bool = False) -> dict[str, Any]:
    """What a page tells of a record of an entry, its texts in the reader's language where there are, or as they were
    written (`original`). `places`: its rows, where they are of this record."""
    said = said_in(record.as_json(), record.language if original else get_language() or "en")
    card = getattr(record.details, "card", "")
    return {
        "entry": entry,
        "record": record,
        "said": said,
        "original_language": language_name(record.language),
        "is_translatable": (get_language() or "en").partition("-")[0] in record.translations,
        "kind": dict(EntryKind.choices)[record.kind],
        "general": entry_lines.general_source(record),
        "head": entry_lines.lines(record, entry_lines.HEAD),
        "details": entry_lines.details(record),
        "terms": entry_lines.lines(record, entry_lines.TERMS),
        "trust": entry_lines.lines(record, entry_lines.TRUST),
        "links": entry_lines.lines(record, entry_lines.PAGES),
        "texts": [(title, prose(text, 3)) for title, text in entry_lines.texts(record)],
        "sheet": [(title, prose(text, 3)) for title, text in entry_lines.sheet(record)],
        "description": prose(said.description.text, 2),
        "card": prose(card, 3) if card else "",
        "contact": entry_lines.contact_of(record),
        "columns": getattr(record.details, "columns", []),
        "metrics": getattr(record.details, "metrics", []),
        "months": _months(record),
        "places": _places(entry, record, places),
    }


def _months(record: Record) -> list[tuple[date, int]]:
    """In which months from this one on somebody is free, and how many hours."""
    months = getattr(record.details, "months", [])
    first = timezone.localdate().strftime("%Y-%m")
    return sorted((date.fromisoformat(f"{one.month}-01"), one.hours) for one in months if one.month >= first)


def _places(entry: Entry, record: Record, known: list[Place] | None) -> list[dict[str, Any]]:
    """Where a record says that the entry lies: with the site of the register, and a way there for a browser."""
    sites = {place.site.code: place.site for place in known or [] if place.site is not None}
    files = _files(entry) if uploads.named_in(record) else set()
    shown = []
    for one in record.distributions:
        url = one.location if one.storage == "http" else ""
        if one.storage == "upload" and (files is None or one.location in files):
            url = reverse("portal:entry_file", args=[entry.code, one.location])
        shown.append(
            {
                "place": one,
                "storage": CHOICES["distributions.storage"][one.storage],
                "site": sites.get(one.site or ""),
                "url": url,
            }
        )
    return shown


def _files(entry: Entry) -> set[str] | None:
    """What the entry holds. None: its storage is away, which the download says; the page is there all the same."""
    try:
        return uploads.kept(entry)
    except StorageAway:
        return None


def _ties(ties: list[Tie]) -> list[tuple[str, list[dict[str, str]]]]:
    """What the entry is tied to, by the kind of tie."""
    grouped: dict[str, list[dict[str, str]]] = {}
    language = get_language() or "en"
    for tie in ties:
        url = reverse("portal:entry", args=[tie.target.code]) if tie.target else address_of(tie.address)
        title = tie.target.said_in(language).title.text if tie.target else tie.title or tie.address
        note = tie.target.get_kind_display() if tie.target else ("" if title == tie.address else tie.address)
        label = str(CHOICES["relations.kind"].get(tie.kind, tie.kind))
        grouped.setdefault(label, []).append({"title": title, "url": url, "note": note})
    return list(grouped.items())


def _tied_by(ties: list[Tie]) -> list[tuple[str, list[dict[str, str]]]]:
    """What is tied to the entry, by the kind of tie."""
    grouped: dict[str, list[dict[str, str]]] = {}
    for tie in ties:
        grouped.setdefault(str(TIED_BY.get(tie.kind, tie.kind)), []).append(
            {
                "title": tie.entry.said_in(get_language() or "en").title.text,
                "url": reverse("portal:entry", args=[tie.entry.code]),
                "note": tie.entry.get_kind_display(),
            }
        )
    return list(grouped.items())
