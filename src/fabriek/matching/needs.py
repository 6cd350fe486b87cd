"""What a project or an application needs, from what it says of itself.

Pure. Its texts are read for the field's terms (catalogue.search.terms), in English and in the languages of its country;
what a text doesn't name isn't guessed. What title, keywords and summary say is `named`; what only the method or the
data statement says is `heard`, and counts half.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from fabriek.catalogue.record import VentureDetails
from fabriek.catalogue.search import terms

COUNTRY_LANGUAGES: dict[str, tuple[str, ...]] = {
    "AT": ("de",), "BE": ("nl", "fr", "de"), "BG": ("bg",), "CH": ("de", "fr", "it"), "CY": ("el",), "CZ": ("cs",),
    "DE": ("de",), "DK": ("da",), "EE": ("et",), "ES": ("es",), "FI": ("fi", "sv"), "FR": ("fr",), "GR": ("el",),
    "HR": ("hr",), "HU": ("hu",), "IE": ("ga",), "IT": ("it",), "LI": ("de",), "LT": ("lt",), "LU": ("fr", "de"),
    "LV": ("lv",), "MT": ("mt",), "NL": ("nl",), "PL": ("pl",), "PT": ("pt",), "RO": ("ro",), "SE": ("sv",),
    "SI": ("sl",), "SK": ("sk",),
}  # fmt: skip
"""Languages of the Union in which somebody of a country is likely to write, beside English."""
TEACHABLE = frozenset(
    {
        "topic:artificial-intelligence", "topic:machine-learning", "topic:deep-learning", "topic:gpu",
        "topic:supercomputing",
    }
)  # fmt: skip
"""Concepts that nearly everything here is of, but that a course may teach."""
TOO_WIDE = TEACHABLE | {
    "topic:compute-time", "topic:open-source", "topic:start-up", "topic:sme", "topic:text", "topic:image",
    "sector:education",
}  # fmt: skip
"""Concepts that are no reason by themselves. What is of education, research and science is one concept, which every
applicant's text names."""
COMPANIES = frozenset({"startup", "sme", "large-industry"})
CLASSES = COMPANIES | {"public-sector", "academia"}
"""Classes of applicant, as promises name them (people.models.OrganisationClass)."""


@dataclass(frozen=True)
class Needs:
    """What is looked for. named, heard: concepts of the field (terms.concepts), no countries among them, apart.
    known: concepts that its people say they know. organisation_class, country: of the applicant, "" where not said.
    commercial: what comes of it is used commercially. amount, round: whole euros and the round that it seeks, from its
    published venture; None and "" where it doesn't say."""

    named: frozenset[str] = frozenset()
    heard: frozenset[str] = frozenset()
    known: frozenset[str] = frozenset()
    organisation_class: str = ""
    country: str = ""
    commercial: bool = False
    amount: int | None = None
    round: str = ""

    @property
    def concepts(self) -> frozenset[str]:
        """All that it speaks of."""
        return self.named | self.heard

    @property
    def languages(self) -> frozenset[str]:
        """ISO 639 codes of the languages that it is about."""
        return frozenset(one.partition(":")[2] for one in self.concepts if one.startswith("language:"))

    @property
    def says_something(self) -> bool:
        """Whether its texts name anything that can be looked for."""
        return bool(self.concepts - TOO_WIDE)

    def ordered(self, *families: str, but: frozenset[str] = TOO_WIDE) -> list[str]:
        """Its concepts of these families ('task', 'sector', ...), in this order, what is named first."""
        found = [one for one in self.concepts - but if one.partition(":")[0] in families]
        return sorted(found, key=lambda one: (one in self.heard, families.index(one.partition(":")[0]), one))


def needs_of(
    *,
    named: Iterable[str],
    heard: Iterable[str] = (),
    known: Iterable[str] = (),
    organisation_class: str = "",
    country: str = "",
    commercial: bool = False,
    venture: VentureDetails | None = None,
) -> Needs:
    """Needs from texts: named (title, keywords, summary), heard (method, data), known (skills of its people)."""
    languages = COUNTRY_LANGUAGES.get(country, ())
    said = concepts_in(named, languages)
    return Needs(
        named=said,
        heard=concepts_in(heard, languages) - said,
        known=concepts_in(known, languages),
        organisation_class=organisation_class,
        country=country,
        commercial=commercial or organisation_class in COMPANIES,
        amount=venture.seeks_amount if venture else None,
        round=venture.round.strip().casefold() if venture else "",
    )


def concepts_in(texts: Iterable[str], languages: Iterable[str] = ()) -> frozenset[str]:
    """The concepts that texts name in English and these languages. Countries aside: where somebody is from isn't what
    they look for."""
    words = "\n".join(texts)
    found = terms.heard([("en", words), *((language, words) for language in languages)])
    return frozenset(one for one in found if not one.startswith("country:"))
