"""Sentences of the reference data that readers meet, in their language. What somebody wrote stays as it was written."""

from __future__ import annotations

from django.utils.translation import gettext, gettext_noop

from fabriek.access.actions.decisions import HOW_TO_OBJECT

TEXTS = frozenset(
    {
        HOW_TO_OBJECT,
        # on what programmes, promises and decisions rest
        gettext_noop("Council Regulation (EU) 2021/1173, Articles 16 and 17"),
        gettext_noop("Council Regulation (EU) 2021/1173, Article 18: 20 % of the Union's access time, per system"),
        gettext_noop("Access Policy of the EuroHPC Joint Undertaking"),
        gettext_noop("Invented for the demonstration"),
        # what access modes cost, and who is eligible
        gettext_noop("free"),
        gettext_noop("free for AI SMEs and start-ups; other industry pay-per-use"),
        gettext_noop("pay-per-use at market prices; income of the JU"),
        gettext_noop(
            "Established or located in an EU Member State or a country associated to Digital Europe or Horizon Europe "
            "(for machines bought under the 2018 Regulation the older call texts still say Horizon 2020)"
        ),
        # classes of systems
        gettext_noop("pre-exascale"),
        gettext_noop("exascale (high-end)"),
        gettext_noop("petascale"),
        gettext_noop("mid-range"),
        gettext_noop("AI-optimised"),
        gettext_noop("national"),
        # the demonstration's machines, and from whom their facts are
        gettext_noop("declared slot (no hardware)"),
        gettext_noop("H100 (no hardware)"),
        gettext_noop("A100 (no hardware)"),
        gettext_noop("embedded engine"),
        gettext_noop("declared by the operator"),
    }
)


def reference_text(text: str) -> str:
    """A stored text in the reader's language, where it is one of ours."""
    return gettext(text) if text in TEXTS else text
