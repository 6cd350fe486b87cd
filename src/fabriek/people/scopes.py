"""What a token may do, at most: what its person may do, narrowed to these scopes."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

SCOPES = {
    "read": _("Read what its person may read"),
    "apply": _("Write and submit applications, submit and cancel jobs"),
    "describe": _("Describe entries of the catalogue and ask to publish them, decide about your own profiles"),
    "curate": _("Publish entries of the catalogue and send them back, hide profiles"),
    "ask": _("Ask experts questions and answer them, write to people in the catalogue"),
    "attend": _("Register for events and withdraw"),
    "organise": _("Plan, publish and cancel events, and note who came"),
    "review": _("Write reviews"),
    "decide": _("Open calls, check eligibility, propose and publish decisions, establish shares"),
    "operate": _("Declare capacity, maintenance and clusters, import usage"),
    "admin": _("Give and withdraw roles"),
    "agent": _("Speak for the agent of one cluster"),
}
PERSONAL = frozenset(SCOPES) - {"agent"}
