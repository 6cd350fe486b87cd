"""What people and tokens are refused."""

from __future__ import annotations

from fabriek.conf.errors import Invalid, NotAllowed, Refused


class SignInRefused(NotAllowed):
    """A sign-in link that is too old, was used, or was never ours."""

    slug = "sign-in-refused"


class TokenRefused(NotAllowed):
    """A token that is unknown, revoked or too old."""

    slug = "token-refused"
    status = 401


class UnknownScope(Invalid):
    """A scope that there isn't."""

    slug = "unknown-scope"


class LastAdministrator(Refused):
    """The platform keeps at least one administrator."""

    slug = "last-administrator"


class EmailNotVerified(SignInRefused):
    """An identity that nobody here has, with an address that its provider does not vouch for."""

    slug = "email-not-verified"


class IdentityTaken(SignInRefused):
    """An identity of somebody else, or somebody who has another one at this provider."""

    slug = "identity-taken"
