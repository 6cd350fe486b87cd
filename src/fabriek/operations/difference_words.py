"""What is awarded, enforced or changed by hand at a site, in the reader's words: seconds as hours, yes and no."""

from __future__ import annotations

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fabriek.compute.wire import UNLIMITED

_LABELS = {
    "account": gettext_lazy("Account"),
    "accelerator-seconds": gettext_lazy("GPU-hours"),
    "core-seconds": gettext_lazy("Core-hours"),
    "active": gettext_lazy("Open for jobs"),
    "users": gettext_lazy("Members"),
    "ends": gettext_lazy("Ends"),
    "programme": gettext_lazy("Programme"),
    "fair share": gettext_lazy("Weight of the programme"),
}


def label_of(what: str) -> str:
    """The name of what differs."""
    return str(_LABELS.get(what, what))


def value_of(what: str, value: str) -> str:
    """A value as `Difference` tells it, in the reader's words; one that isn't known as it is."""
    if what.endswith("-seconds") and value.lstrip("-").isdecimal():
        if int(value) >= UNLIMITED:
            return _("no limit")
        return number_format(int(value) / 3600, decimal_pos=2, force_grouping=True)
    words = {
        "True": _("yes"),
        "False": _("no"),
        "nobody": _("nobody"),
        "there": _("is there"),
        "missing": _("is not there"),
    }
    return words.get(value, value)
