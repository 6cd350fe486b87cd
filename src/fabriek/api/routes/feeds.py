"""The catalogue for machines: the DCAT-AP feed, OAI-PMH, and each entry in the standards that have words for it.

These answer in the standards' own formats, not in the API's; they are for everybody.
"""

from __future__ import annotations

from typing import Literal
from urllib.parse import urlencode

from django.conf import settings
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from ninja import Query, Router

from fabriek.api.paging import Paging
from fabriek.catalogue import feeds
from fabriek.catalogue.queries import entry_of
from fabriek.catalogue.standards import dcat, oai
from fabriek.conf.errors import NotFound

router = Router(tags=["catalogue"])

MEDIA_TYPES: dict[str, dcat.Form] = {
    "text/turtle": "turtle",
    "application/ld+json": "json-ld",
    "application/rdf+xml": "xml",
}
Standard = Literal["turtle", "json-ld", "schema-org", "croissant", "card"]


def base_of(request: HttpRequest) -> str:
    """What an entry's address begins with, before its code: its page's."""
    return request.build_absolute_uri("/catalogue/entries/")


@router.get("/catalogue/feed", auth=None, summary="The catalogue as a DCAT-AP feed")
def feed(
    request: HttpRequest, paging: Query[Paging], form: Literal["turtle", "json-ld", "xml"] | None = None
) -> HttpResponse:
    """DCAT-AP 3 (models: MLDCAT-AP 3), in pages that Hydra links. As Turtle, or as `Accept` or `form` asks."""
    chosen: dcat.Form = form or _accepted(request)
    page = Paginator(feeds.harvestable(), paging.per_page).get_page(paging.page)
    here = request.build_absolute_uri(request.path)

    def where(number: int) -> str:
        asked = {"page": number, "per_page": paging.per_page} | ({"form": form} if form else {})
        return f"{here}?{urlencode(asked)}"

    text = dcat.write(
        [entry.as_record() for entry in page],
        base=base_of(request),
        form=chosen,
        catalogue=_about(request),
        page=dcat.Page(
            this=where(page.number),
            first=where(1),
            last=where(page.paginator.num_pages),
            total=page.paginator.count,
            next=where(page.next_page_number()) if page.has_next() else "",
            previous=where(page.previous_page_number()) if page.has_previous() else "",
        ),
    )
    media_type = next(name for name, named in MEDIA_TYPES.items() if named == chosen)
    response = HttpResponse(text, content_type=f"{media_type}; charset=utf-8")
    response["Vary"] = "Accept"
    return response


@router.get("/catalogue/entries/{code}/as/{standard}", auth=None, summary="An entry in the words of a standard")
def entry_as(request: HttpRequest, code: str, standard: Standard) -> HttpResponse:
    """DCAT-AP as Turtle or JSON-LD, and schema.org, for every kind; Croissant for datasets; cards for models too."""
    entry = entry_of(None, code)
    media_type, _kinds, write = feeds.WRITERS[standard]
    if not feeds.is_given(entry):
        raise NotFound(_("The owner of this profile didn't agree that it is given in the words of standards."))
    if standard not in feeds.standards_for(entry.kind):
        raise NotFound(
            _("%(standard)s has no words for this kind of entry; there are: %(others)s.")
            % {"standard": standard, "others": ", ".join(feeds.standards_for(entry.kind))}
        )
    return HttpResponse(write(entry.as_record(), base_of(request)), content_type=f"{media_type}; charset=utf-8")


@router.get("/catalogue/oai", auth=None, summary="The catalogue over OAI-PMH 2.0")
def harvest(request: HttpRequest) -> HttpResponse:
    """Verbs and arguments are OAI-PMH's own. Metadata as `oai_dc` and `dcat_ap`; a set is a kind of entry."""
    return _answered(request, dict(request.GET.lists()))


# The protocol asks for POST too (3.1.1); what it sends is a question like any other, and changes nothing.
@router.post("/catalogue/oai", auth=None, include_in_schema=False)
def harvest_by_post(request: HttpRequest) -> HttpResponse:
    """The same, with the arguments as a form."""
    return _answered(request, dict(request.POST.lists()))


def _answered(request: HttpRequest, arguments: dict[str, list[str]]) -> HttpResponse:
    about = oai.Repository(
        name=_about(request).title,
        address=request.build_absolute_uri(request.path),
        base=base_of(request),
        email=settings.DEFAULT_FROM_EMAIL,
        earliest=feeds.earliest(),
        host=request.get_host().partition(":")[0],
    )
    text = oai.answer(arguments, feeds.Shelf(), about, timezone.now())
    return HttpResponse(text, content_type="text/xml; charset=utf-8")


def _accepted(request: HttpRequest) -> dcat.Form:
    """The form that the reader likes best of those that there are; Turtle where it names none."""
    wanted = request.get_preferred_type(list(MEDIA_TYPES)) if request.headers.get("Accept") else None
    return MEDIA_TYPES[wanted] if wanted else "turtle"


def _about(request: HttpRequest) -> dcat.Catalogue:
    return dcat.Catalogue(
        address=request.build_absolute_uri("/api/v1/catalogue/feed"),
        title=_("Catalogue of an AI factory"),
        description=_("Data, models, software, training, services and money to build with, each where it lies."),
        publisher=request.get_host(),
        homepage=request.build_absolute_uri("/catalogue/"),
    )
