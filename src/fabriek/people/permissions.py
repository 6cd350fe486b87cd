"""Which role may do what: the one place. Rooms add the rules about single objects (own application, conflicts)."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from fabriek.conf.errors import NotAllowed
from fabriek.people.models import Role

_A, _R, _O, _P, _B, _M = (
    Role.APPLICANT.value,
    Role.REVIEWER.value,
    Role.OFFICER.value,
    Role.OPERATOR.value,
    Role.BOARD.value,
    Role.ADMINISTRATOR.value,
)

PERMISSIONS: dict[str, frozenset[str]] = {
    # applicant: own applications and projects only, checked per object
    "apply": frozenset({_A}),
    "use projects": frozenset({_A}),
    # reviewer
    "review": frozenset({_R}),
    # programme officer
    "open calls": frozenset({_O}),
    "check eligibility": frozenset({_O}),
    # the hosting entity's application support, or who works with them
    "assess technically": frozenset({_P, _O}),
    "assign reviewers": frozenset({_O}),
    "decide": frozenset({_O}),
    # what-ifs change nothing: the board asks them before a change of policy, officers before a decision
    "ask scenarios": frozenset({_O, _B}),
    # studies of policies change nothing either; who runs the machine tries a policy before it is set
    "study policies": frozenset({_O, _B, _P}),
    "read studies": frozenset({_P, _O, _B, _M}),
    # a proposal's sign-off route is set by who proposes and publishes nothing
    "set sign-off": frozenset({_B, _M}),
    "initial decisions": frozenset({_O, _B, _M}),
    "answer objections": frozenset({_O}),
    "establish shares": frozenset({_O}),
    "reallocate": frozenset({_O}),
    # operator
    "declare capacity": frozenset({_P}),
    "manage clusters": frozenset({_P}),
    "import usage": frozenset({_P}),
    # who may look
    "read applications": frozenset({_O, _B, _M}),
    "read decisions": frozenset({_O, _B, _M}),
    "read operations": frozenset({_P, _O, _B, _M}),
    "read projects": frozenset({_P, _O, _B, _M}),
    "read ledger": frozenset({_P, _O, _B, _M}),
    # what the law asks to be told: the hosting entity hands in its own, the board is told the rest
    "read reports": frozenset({_P, _O, _B, _M}),
    "read audit": frozenset({_O, _B, _M}),
    # the catalogue: everybody who signed in may describe what they have, and asks a curator to publish it
    "describe entries": frozenset({_A, _R, _O, _P, _B, _M}),
    "curate the catalogue": frozenset({_O, _P}),
    "harvest": frozenset({_P, _M}),
    # support: everybody who signed in may ask, and reads what they asked themselves
    "answer questions": frozenset({_O, _P}),
    # events: everybody who signed in may register; who organises sees the names of who comes
    "organise events": frozenset({_O, _P}),
    # administrator
    "manage people": frozenset({_M}),
}


def may(person: Any, permission: str) -> bool:
    """Whether this person (or None, or AnonymousUser) holds a role with the permission. Unknown ones raise KeyError."""
    allowed = PERMISSIONS[permission]
    if person is None or not getattr(person, "is_authenticated", False) or not person.is_active:
        return False
    return bool(allowed & person.role_names())


def require(person: Any, permission: str) -> None:
    """Raise NotAllowed with a sentence unless `may(person, permission)`."""
    if not may(person, permission):
        needed = sorted(str(Role(role).label) for role in PERMISSIONS[permission])
        raise NotAllowed(
            _("You need the role %(roles)s for this. Ask your administrator.") % {"roles": _(" or ").join(needed)},
            permission=permission,
        )
