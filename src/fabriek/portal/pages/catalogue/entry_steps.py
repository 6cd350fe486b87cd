"""The pages of questions about an entry, by its kind: what each asks, and the hints beside the questions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fabriek.catalogue.models import EntryKind
from fabriek.catalogue.record import Record

KEY = {"translations": "language", "facts": "field"}
"""Tables whose rows have names: what their name is called."""

ROWS: dict[str, Any] = {
    "creators": gettext_lazy("Creator"),
    "distributions": gettext_lazy("Place"),
    "relations": gettext_lazy("Tie"),
    "facts": gettext_lazy("Source"),
    "translations": gettext_lazy("Translation"),
    "columns": gettext_lazy("Column"),
    "metrics": gettext_lazy("Measure"),
    "months": gettext_lazy("Month"),
}
"""What a row of a table is called."""

HINTS: dict[str, Any] = {
    "summary": gettext_lazy("In a sentence or two: what it is, and whom it is for."),
    "description": gettext_lazy("Markdown; no HTML."),
    "languages": gettext_lazy("Of what it holds, speaks or teaches in: codes between commas, as nl, en."),
    "tasks": gettext_lazy("What it is for, between commas: text-generation, translation, image-classification."),
    "licence": gettext_lazy("An SPDX expression, as CC-BY-4.0 or Apache-2.0, or the licence's address."),
    "conditions": gettext_lazy("What one has to do or promise to use it."),
    "identifier": gettext_lazy("A DOI (doi:10.…) or another address that lasts."),
    "owner.identifier": gettext_lazy("ROR or ORCID, as an address."),
    "creators.identifier": gettext_lazy("ROR or ORCID, as an address."),
    "details.identifier": gettext_lazy("ORCID, as an address."),
    "details.card": gettext_lazy("Markdown, as the README of a model on a hub, without its YAML head."),
    "details.months.month": gettext_lazy("As 2026-12. Of months that you don't name the answers above hold."),
    "details.months.hours": gettext_lazy("0: not at all."),
    "details.project": gettext_lazy("Its code, as its page and address have it. You lead it."),
    "details.countries": gettext_lazy("Two capitals each, between commas: NL, BE."),
    "distributions.location": gettext_lazy("Web address, s3://bucket/key, /path at the site, or owner/name on a hub."),
    "distributions.sha256": gettext_lazy("Whoever copies it can prove that it is whole."),
    "relations.target": gettext_lazy("The code of an entry stands in its address."),
    "facts.field": gettext_lazy("As licence or details.records; * for all that no other row names."),
    "facts.source": gettext_lazy("An address, or a document and the place in it."),
}
BETWEEN_COMMAS = gettext_lazy("Between commas.")
ON_LINES = gettext_lazy("One on each line.")


@dataclass(frozen=True)
class Step:
    """A page of questions. `fields`: names of the record's head, or `details` for all of its kind."""

    code: str
    title: Any
    fields: tuple[str, ...]
    lead: Any = ""


_ABOUT = ("title", "summary", "description", "language", "keywords", "sectors", "languages", "homepage")
_THINGS = ("tasks", "version", "documentation", "identifier", "issued", "modified")
_PEOPLE = frozenset({"expert", "team"})
_LIES = frozenset({"dataset", "model", "software", "training", "story"})
_USED = frozenset({"dataset", "model", "software", "service"})


def steps_of(kind: str) -> list[Step]:
    """The pages of questions about an entry of this kind, in the order in which they are asked."""
    things = _THINGS if kind in _LIES else ()
    owned = ("contact",) if kind in _PEOPLE else ("owner", "creators", "contact", "factory")
    found = [
        Step("about", _("What it is"), (*_ABOUT, *things)),
        Step("details", str(dict(EntryKind.choices)[kind]), ("details",)),
        Step(
            "terms",
            _("Whose it is, and on what terms"),
            (*owned, "access", "conditions") if kind in _PEOPLE else (*owned, "licence", "access", "conditions"),
        ),
    ]
    if kind in _LIES:
        lead = _("Files of any size stay where they are: give the address, the size and the checksum of each.")
        found.append(Step("places", _("Where it lies"), ("distributions",), lead))
    lead = _("What it came from, what it needs, what it belongs to. Entries here are tied both ways.")
    found.append(Step("ties", _("Ties to others"), ("relations",), lead))
    trust = ("personal_data", "ai_act_role", "ai_act_risk", "facts") if kind in _USED else ("facts",)
    found.append(
        Step("trust", _("How sure it is"), trust, _("Leave out what you don't know: readers see that it isn't known."))
    )
    found.append(Step("languages", _("In other languages"), ("translations",)))
    return found


def says_something(record: Record, names: Iterable[str]) -> bool:
    """Whether any of these fields of a record says more than it says of itself."""
    said = record.as_json()
    return any(len(said[name]) > 1 if name == "details" else name in said for name in names)
