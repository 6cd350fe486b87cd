"""What a token may do, at most: what its person may do, narrowed to these scopes."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from fabriek.people.permissions import may

SCOPES = {
    "read": _("Read what its person may read"),
    "apply": _("Write and submit applications, submit and cancel jobs"),
    "describe": _("Describe entries of the catalogue and ask to publish them, decide about your own profiles"),
    "curate": _("Publish entries of the catalogue and send them back, hide profiles"),
    "ask": _("Ask experts questions and answer them, write to people in the catalogue"),
    "attend": _("Register for events and withdraw"),
    "organise": _("Plan, publish and cancel events, and note who came"),
    "review": _("Write reviews"),
    "decide": _("Open calls, check eligibility, propose, sign off and publish decisions, establish shares"),
    "operate": _("Declare capacity, maintenance and clusters, import usage"),
    "admin": _("Give and withdraw roles"),
    "agent": _("Speak for the agent of one cluster"),
}

PERSONAL = frozenset(SCOPES) - {"agent"}
"""What a person's token may have; the agent's is a cluster's."""

_NEEDS: dict[str, frozenset[str]] = {
    "apply": frozenset({"apply"}),
    "describe": frozenset({"describe entries"}),
    "curate": frozenset({"curate the catalogue"}),
    "organise": frozenset({"organise events"}),
    "review": frozenset({"review", "assess technically"}),
    "decide": frozenset(
        {
            "decide",
            "open calls",
            "check eligibility",
            "establish shares",
            "ask scenarios",
            "study policies",
            "initial decisions",
            "set sign-off",
        }
    ),
    "operate": frozenset({"declare capacity", "manage clusters", "import usage", "harvest"}),
    "admin": frozenset({"manage people"}),
}
"""Of which permissions a scope lets one use any; of what is not here, everybody has some."""


def scopes_for(person: Any) -> list[str]:
    """What a token of this person could be good for today."""
    return [
        scope
        for scope in SCOPES
        if scope in PERSONAL and (scope not in _NEEDS or any(may(person, needed) for needed in _NEEDS[scope]))
    ]
