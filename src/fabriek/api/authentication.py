"""Tokens with scopes. A route names the scope it needs, and the permission; a token without gets 403, no token 401."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja.errors import AuthenticationError
from ninja.security import HttpBearer

from fabriek.conf.errors import NotAllowed, Refused
from fabriek.operations.errors import NotThisCluster
from fabriek.operations.models import Cluster
from fabriek.operations.queries import cluster_of
from fabriek.people.actions import authenticate
from fabriek.people.models import Person, Token
from fabriek.people.permissions import PERMISSIONS, require


class Scope(HttpBearer):
    """A bearer token that holds `scope`, of a person with the `permission`, where one is named.

    It is asked for before anything is looked up or read of the request: who may not do a thing doesn't learn from a
    404 or a 422 what is there.
    """

    openapi_scheme = "bearer"

    def __init__(self, scope: str, permission: str | None = None) -> None:
        super().__init__()
        if permission is not None and permission not in PERMISSIONS:
            raise ValueError(f"there is no permission {permission!r}")
        self.scope = scope
        self.permission = permission

    def authenticate(self, request: HttpRequest, token: str) -> Token:
        try:
            found = authenticate(token)
        except Refused as refusal:
            raise AuthenticationError from refusal
        if self.scope not in found.scopes:
            raise NotAllowed(
                f"This token lacks the scope {self.scope!r}; it has {', '.join(found.scopes) or 'none'}.",
                scope=self.scope,
            )
        if self.permission is not None:
            require(found.person, self.permission)
        return found


def actor_of(request: HttpRequest) -> Person:
    """The person that the token speaks for. Errors: NotAllowed for an agent's token."""
    token: Any = request.auth  # type: ignore[attr-defined]
    if token.person is None:
        raise NotAllowed("This token belongs to a site's agent; use one of a person.")
    person: Person = token.person
    return person


def reader_of(request: HttpRequest) -> Person | None:
    """Who asks a route that is open to all: the person of the token, where one was sent, and may read with it.

    Errors: AuthenticationError for a token that isn't valid, NotAllowed for one without the scope.
    """
    header = request.headers.get("Authorization", "")
    if not header:
        return None
    kind, _space, plain = header.partition(" ")
    if kind.lower() != "bearer":
        raise AuthenticationError
    return Scope("read").authenticate(request, plain.strip()).person


def cluster_for(request: HttpRequest, code: str) -> Cluster:
    """The cluster of the address, if the agent's token is for it."""
    token: Any = request.auth  # type: ignore[attr-defined]
    if token.site != code:
        raise NotThisCluster(f"This token is for the agent of {token.site or 'no cluster'}, not of {code}.")
    return cluster_of(code)
