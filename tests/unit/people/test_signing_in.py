"""Signing in by a link, roles, tokens."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import update_last_login
from django.core import mail
from django.utils import timezone
from tests.factories.world import make_person

from fabriek.audit.models import Event
from fabriek.conf.errors import Invalid, NotAllowed
from fabriek.people.actions import (
    authenticate,
    create_token,
    give_first_role,
    give_role,
    join_organisation,
    person_of_sign_in_token,
    register_organisation,
    register_person,
    send_sign_in_link,
    sign_in_token,
    withdraw_role,
)
from fabriek.people.errors import LastAdministrator, SignInRefused, TokenRefused, UnknownScope
from fabriek.people.models import Person, Token
from fabriek.people.permissions import PERMISSIONS, may

pytestmark = pytest.mark.django_db


def test_a_link_signs_in_once() -> None:
    person = make_person()
    token = sign_in_token(person)
    assert person_of_sign_in_token(token) == person
    update_last_login(None, person)  # type: ignore[arg-type]
    with pytest.raises(SignInRefused, match="used"):
        person_of_sign_in_token(token)


def test_a_link_that_is_old_or_changed_is_refused() -> None:
    person = make_person()
    with pytest.raises(SignInRefused, match="too old"):
        person_of_sign_in_token(sign_in_token(person, -1))
    with pytest.raises(SignInRefused, match="not complete"):
        person_of_sign_in_token(sign_in_token(person)[:-3] + "abc")


def test_asking_for_a_link_tells_nobody_who_is_known() -> None:
    known = make_person()
    send_sign_in_link(known.email, "http://localhost")
    send_sign_in_link("new@example.org", "http://localhost")
    assert [message.to for message in mail.outbox] == [[known.email], ["new@example.org"]]
    assert Person.objects.filter(email="new@example.org").exists()
    with pytest.raises(Invalid):
        send_sign_in_link("no address", "http://localhost")


def test_roles_are_given_by_administrators_and_one_stays() -> None:
    administrator, somebody = make_person("administrator"), make_person()
    with pytest.raises(NotAllowed):
        give_role(somebody, somebody, "administrator")
    give_role(administrator, somebody, "officer")
    assert may(somebody, "decide")
    withdraw_role(administrator, somebody, "officer")
    assert not may(somebody, "decide")
    with pytest.raises(LastAdministrator):
        withdraw_role(administrator, administrator, "administrator")
    with pytest.raises(Invalid):
        give_first_role(somebody, "emperor")


def test_every_permission_belongs_to_a_role_and_nobody_has_none() -> None:
    assert all(PERMISSIONS.values())
    for permission in PERMISSIONS:
        assert not may(None, permission)


def test_only_the_digest_of_a_token_is_kept() -> None:
    person = make_person()
    token, plain = create_token(person, name="t", scopes=["read"], person=person)
    assert plain not in str(Token.objects.values_list("name", "digest", "scopes"))
    assert authenticate(plain) == token
    assert plain[:12] not in str(list(Event.objects.values_list("data", "why")))


def test_tokens_that_are_expired_or_of_others_are_refused() -> None:
    person, other = make_person(), make_person()
    with pytest.raises(NotAllowed):
        create_token(other, name="t", scopes=["read"], person=person)
    with pytest.raises(UnknownScope):
        create_token(person, name="t", scopes=["everything"], person=person)
    with pytest.raises(UnknownScope):
        create_token(person, name="t", scopes=["agent"], person=person)
    _token, plain = create_token(
        person, name="t", scopes=["read"], person=person, expires_at=timezone.now() - timedelta(seconds=1)
    )
    with pytest.raises(TokenRefused):
        authenticate(plain)
    with pytest.raises(TokenRefused):
        authenticate("fbk_nothing")


def test_the_same_organisation_again_is_the_same() -> None:
    person = make_person()
    first = register_organisation(person, name="A  Company", organisation_class="sme", country="NL")
    again = register_organisation(person, name="a company", organisation_class="sme", country="NL")
    assert first == again
    join_organisation(person, first)
    assert register_person(person.email) == person
    assert Person.objects.get(pk=person.pk).organisation == first
