"""The whole matrix, role x page: who may open what. A new page without a rule fails here."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern
from tests.factories.world import make_person

from fabriek.people.models import Role
from fabriek.people.permissions import PERMISSIONS
from fabriek.portal.access import EVERYBODY, SIGNED_IN
from fabriek.portal.urls import urlpatterns

PAGES = [pattern for pattern in urlpatterns if isinstance(pattern, URLPattern)]
ROLES = [None, *Role.values]
EXAMPLES = {"slug": "nothing-here", "str": "nothing-here", "int": "1", "uuid": "00000000-0000-4000-8000-000000000000"}


def address(pattern: URLPattern) -> str:
    route = str(pattern.pattern)
    return "/" + re.sub(r"<(\w+):\w+>", lambda found: EXAMPLES[found[1]], route)


def test_every_page_has_a_rule_and_a_name() -> None:
    assert len(PAGES) == len(urlpatterns)
    for pattern in PAGES:
        assert getattr(pattern.callback, "access_rule", None), f"{pattern.name or pattern.pattern} has no rule"
        assert pattern.name


def test_names_and_addresses_are_unique() -> None:
    names = [pattern.name for pattern in PAGES]
    assert len(names) == len(set(names))
    addresses = [str(pattern.pattern) for pattern in PAGES]
    assert len(addresses) == len(set(addresses))


@pytest.mark.django_db
@pytest.mark.parametrize("role", ROLES)
def test_who_may_open_what(role: str | None) -> None:
    person = None if role is None else make_person("" if role == Role.APPLICANT else role)
    for pattern in PAGES:
        client = Client()
        if person is not None:
            client.force_login(person)
        callback: Any = pattern.callback
        rule = callback.access_rule
        method = callback.methods[0]
        response = getattr(client, method.lower())(address(pattern))
        allowed = rule == EVERYBODY or (
            role is not None and (rule == SIGNED_IN or {role, Role.APPLICANT.value} & PERMISSIONS[rule])
        )
        told = f"{role} {method} {address(pattern)}: {response.status_code}"
        if allowed:
            assert response.status_code in (200, 302, 303, 404, 409, 422), told
            if response.status_code in (302, 303):
                assert "next=" not in response["Location"], told
        elif role is None:
            assert response.status_code == 302, told
            assert response["Location"].startswith("/sign-in/"), told
        else:
            assert response.status_code == 403, told


@pytest.mark.django_db
def test_a_page_takes_only_its_methods() -> None:
    client = Client()
    client.force_login(make_person())
    for pattern in PAGES:
        callback: Any = pattern.callback
        if "POST" not in callback.methods:
            assert client.post(address(pattern)).status_code == 405, pattern.name
