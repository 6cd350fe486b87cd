"""The countries whose organisations may apply (access.rules.ELIGIBLE_COUNTRIES), in the reader's language."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fabriek.access.rules import ASSOCIATED, MEMBER_STATES

ELSEWHERE = "ZZ"
"""Any other country: a code that ISO 3166 leaves to its users."""

NAMES = {
    "AL": gettext_lazy("Albania"),
    "AM": gettext_lazy("Armenia"),
    "AT": gettext_lazy("Austria"),
    "BA": gettext_lazy("Bosnia and Herzegovina"),
    "BE": gettext_lazy("Belgium"),
    "BG": gettext_lazy("Bulgaria"),
    "CH": gettext_lazy("Switzerland"),
    "CY": gettext_lazy("Cyprus"),
    "CZ": gettext_lazy("Czechia"),
    "DE": gettext_lazy("Germany"),
    "DK": gettext_lazy("Denmark"),
    "EE": gettext_lazy("Estonia"),
    "ES": gettext_lazy("Spain"),
    "FI": gettext_lazy("Finland"),
    "FO": gettext_lazy("Faroe Islands"),
    "FR": gettext_lazy("France"),
    "GB": gettext_lazy("United Kingdom"),
    "GE": gettext_lazy("Georgia"),
    "GR": gettext_lazy("Greece"),
    "HR": gettext_lazy("Croatia"),
    "HU": gettext_lazy("Hungary"),
    "IE": gettext_lazy("Ireland"),
    "IL": gettext_lazy("Israel"),
    "IS": gettext_lazy("Iceland"),
    "IT": gettext_lazy("Italy"),
    "LI": gettext_lazy("Liechtenstein"),
    "LT": gettext_lazy("Lithuania"),
    "LU": gettext_lazy("Luxembourg"),
    "LV": gettext_lazy("Latvia"),
    "MD": gettext_lazy("Moldova"),
    "ME": gettext_lazy("Montenegro"),
    "MK": gettext_lazy("North Macedonia"),
    "MT": gettext_lazy("Malta"),
    "NL": gettext_lazy("Netherlands"),
    "NO": gettext_lazy("Norway"),
    "PL": gettext_lazy("Poland"),
    "PT": gettext_lazy("Portugal"),
    "RO": gettext_lazy("Romania"),
    "RS": gettext_lazy("Serbia"),
    "SE": gettext_lazy("Sweden"),
    "SI": gettext_lazy("Slovenia"),
    "SK": gettext_lazy("Slovakia"),
    "TN": gettext_lazy("Tunisia"),
    "TR": gettext_lazy("Türkiye"),
    "UA": gettext_lazy("Ukraine"),
    "XK": gettext_lazy("Kosovo"),
}
OTHERS: dict[str, Any] = {
    # The register's source writes UK, which ISO 3166 reserves for GB.
    "UK": gettext_lazy("United Kingdom"),
    "US": gettext_lazy("United States"),
    ELSEWHERE: gettext_lazy("Another country"),
}


def country_name(code: str) -> str:
    """A country's name, or its code where this platform has no name for it."""
    return str(NAMES[code] if code in NAMES else OTHERS.get(code, code))


def _named(codes: Iterable[str]) -> list[tuple[str, str]]:
    return sorted(((code, country_name(code)) for code in codes), key=lambda pair: pair[1].casefold())


def country_choices() -> list[tuple[str, str | list[tuple[str, str]]]]:
    """For a form: Member States, associated countries, and all others as one."""
    return [
        (_("Member States"), _named(MEMBER_STATES)),
        (_("Associated countries"), _named(ASSOCIATED)),
        (ELSEWHERE, _("Another country")),
    ]
