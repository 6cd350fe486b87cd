"""Reasons and remarks as sentences, in the reader's language."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from typing import Any

from django.utils.formats import date_format, number_format
from django.utils.translation import get_language, gettext_lazy, ngettext
from django.utils.translation import gettext as _

from fabriek.catalogue.search import terms
from fabriek.matching.rules import Reason, Section
from fabriek.people.models import OrganisationClass

TITLES: dict[str, Any] = {
    "data": gettext_lazy("Data"),
    "models": gettext_lazy("Models to start from"),
    "software": gettext_lazy("Software"),
    "training": gettext_lazy("Training"),
    "experts": gettext_lazy("Experts"),
    "partners": gettext_lazy("Partners who look for a partner"),
    "services": gettext_lazy("Services"),
    "funding": gettext_lazy("Funding that is open"),
    "investors": gettext_lazy("Investors"),
}
"""Of each section of rules.SECTIONS."""


def title_of(section: Section) -> str:
    """What a section is of, in the reader's language."""
    return str(TITLES[section.code])


def sentence(reason: Reason) -> str:
    """A reason or a remark, as its reader reads it."""
    return SENTENCES[reason.code](reason.values)


def names_of(concepts: Iterable[str]) -> str:
    """Concepts in the reader's language, in a row."""
    language = (get_language() or "en").partition("-")[0]
    return ", ".join(sorted(terms.label(one, language) for one in concepts))


def _named(text: Any) -> Callable[[dict[str, Any]], str]:
    """A sentence about the concepts that both name. `text`: lazy, with %(what)s."""
    return lambda values: str(text) % {"what": names_of(values["concepts"])}


def _plain(text: Any) -> Callable[[dict[str, Any]], str]:
    return lambda values: str(text) % values


def _day(text: str) -> str:
    return date_format(date.fromisoformat(text), "j M Y")


def _euros(amount: int) -> str:
    return f"€\N{NO-BREAK SPACE}{number_format(amount, use_l10n=True, force_grouping=True)}"


def _between(values: dict[str, Any]) -> str:
    least, most = values["least"], values["most"]
    if least is None:
        return _("up to %(most)s") % {"most": _euros(most)}
    if most is None:
        return _("from %(least)s") % {"least": _euros(least)}
    return _("%(least)s to %(most)s") % {"least": _euros(least), "most": _euros(most)}


def _open(values: dict[str, Any]) -> str:
    left = values["days_left"]
    if not left:
        return _("Open until today.")
    told = ngettext("Open, %(n)s day left: until %(day)s.", "Open, %(n)s days left: until %(day)s.", left)
    return told % {"n": left, "day": _day(values["closes"])}


def _languages(values: dict[str, Any]) -> str:
    known = [f"language:{code}" for code in values["languages"]]
    return _("Not in the language that you name: %(what)s.") % {"what": names_of(known)}


SENTENCES: dict[str, Callable[[dict[str, Any]], str]] = {
    # What counts.
    "task": _named(gettext_lazy("For what you do: %(what)s.")),
    "sector": _named(gettext_lazy("Of your field: %(what)s.")),
    "topic": _named(gettext_lazy("About the same: %(what)s.")),
    "language": _named(gettext_lazy("In the language that you name: %(what)s.")),
    "teaches": _named(gettext_lazy("Teaches what you need and nobody here says they know: %(what)s.")),
    "skill": _named(gettext_lazy("Knows about what you do: %(what)s.")),
    "alike": lambda _values: _("Found when your title is searched."),
    "class": lambda values: (
        _("For your kind of organisation: %(what)s.") % {"what": OrganisationClass(values["organisation_class"]).label}
    ),
    "country": lambda values: (
        _("In your country: %(what)s.") % {"what": names_of([f"country:{values['country'].lower()}"])}
    ),
    "open": _open,
    "free": lambda values: _("Free from %(day)s.") % {"day": _day(values["free_from"])},
    "free-month": lambda values: (
        _("Free in %(month)s: %(hours)s hours.")
        % {"month": date_format(date.fromisoformat(values["month"]), "F Y"), "hours": values["hours"]}
    ),
    "seeks": lambda values: _("Looks for: %(what)s.") % {"what": ", ".join(values["seeks"])},
    "ticket": lambda values: (
        _("Invests %(between)s; you seek %(amount)s.")
        % {"between": _between(values), "amount": _euros(values["amount"])}
    ),
    "round": _plain(gettext_lazy("Invests in your round: %(round)s.")),
    "licence": _plain(gettext_lazy("May be used commercially: %(licence)s.")),
    # What one has to know.
    "licence-non-commercial": _plain(
        gettext_lazy("Not for commercial use (%(licence)s): you need another agreement with its owner.")
    ),
    "licence-to-read": _plain(gettext_lazy("Read whether its licence allows commercial use: %(licence)s.")),
    "licence-unsaid": _plain(gettext_lazy("Its licence isn't known: ask its owner before you build on it.")),
    "other-languages": _languages,
    "closed": _plain(gettext_lazy("It is closed to others.")),
    "on-request": _plain(gettext_lazy("Access is asked for.")),
    "personal-data": _plain(gettext_lazy("Holds personal data.")),
    "starts": lambda values: _("Starts on %(day)s.") % {"day": _day(values["starts"])},
    "free-unsaid": _plain(gettext_lazy("Doesn't say from when they are free.")),
    "closes-unsaid": _plain(gettext_lazy("Says no day on which it closes: see its own page.")),
    "amount": lambda values: _("Gives %(between)s.") % {"between": _between(values)},
    "ticket-unsaid": _plain(gettext_lazy("Doesn't say how much it invests.")),
    "class-unsaid": _plain(gettext_lazy("Doesn't say for which kinds of organisation.")),
    "country-unsaid": _plain(gettext_lazy("Names no countries: see its own page for who may apply.")),
}
"""By the codes of rules.Reason. Values: as the rules give them."""
