"""Signing in by an identity: issuer and subject are who one is; an address counts only when it is verified."""

from __future__ import annotations

from dataclasses import replace

import pytest
from pydantic import ValidationError
from tests.factories.world import make_person

from fabriek.audit.models import Event
from fabriek.conf.configuration import Configuration, OpenID
from fabriek.people.errors import EmailNotVerified, IdentityTaken, SignInRefused
from fabriek.people.identities import connect_identity, disconnect_identity, sign_in_by_identity
from fabriek.people.models import Identity, Person
from fabriek.people.openid import Claims, _claims

pytestmark = pytest.mark.django_db
ADA = Claims("https://provider.example", "subject-1", "ada@university.example", True, "Ada Lovelace")


def test_somebody_new_is_registered_and_is_the_same_the_next_time() -> None:
    first = sign_in_by_identity(ADA)
    assert (first.email, first.name, first.role_names()) == ("ada@university.example", "Ada Lovelace", {"applicant"})
    assert sign_in_by_identity(replace(ADA, email="other@university.example", email_verified=False)) == first
    assert Person.objects.get(pk=first.pk).email == "ada@university.example"
    assert Event.objects.filter(verb="people.connect_identity").count() == 1


def test_a_verified_address_finds_who_is_known() -> None:
    known = make_person("officer")
    assert sign_in_by_identity(replace(ADA, email=known.email)) == known


@pytest.mark.parametrize("email", ["", "known"])
def test_an_unverified_address_neither_finds_nor_makes_anybody(email: str) -> None:
    known = make_person("administrator")
    people = Person.objects.count()
    with pytest.raises(EmailNotVerified):
        sign_in_by_identity(replace(ADA, email=known.email if email else "", email_verified=False))
    with pytest.raises(EmailNotVerified):
        sign_in_by_identity(replace(ADA, email="new@university.example", email_verified=False))
    assert (Person.objects.count(), Identity.objects.count()) == (people, 0)


def test_the_same_subject_of_another_issuer_is_somebody_else() -> None:
    first = sign_in_by_identity(ADA)
    other = sign_in_by_identity(replace(ADA, issuer="https://other.example", email="b@university.example"))
    assert other != first


def test_an_address_that_was_given_to_somebody_new_does_not_open_the_old_account() -> None:
    sign_in_by_identity(ADA)
    with pytest.raises(IdentityTaken):
        sign_in_by_identity(replace(ADA, subject="subject-2"))


def test_a_closed_account_stays_closed() -> None:
    person = sign_in_by_identity(ADA)
    Person.objects.filter(pk=person.pk).update(is_active=False)
    with pytest.raises(SignInRefused, match="closed"):
        sign_in_by_identity(ADA)
    Identity.objects.all().delete()
    with pytest.raises(SignInRefused, match="closed"):
        sign_in_by_identity(ADA)
    assert not Identity.objects.exists()


def test_one_connects_an_identity_once_and_lets_go_of_ones_own_only() -> None:
    person, other = make_person(), make_person()
    made = connect_identity(person, replace(ADA, email_verified=False))
    assert connect_identity(person, ADA) == made
    assert sign_in_by_identity(ADA) == person
    with pytest.raises(IdentityTaken):
        connect_identity(other, ADA)
    disconnect_identity(other, made.pk)
    assert Identity.objects.filter(pk=made.pk).exists()
    disconnect_identity(person, made.pk)
    assert not Identity.objects.exists()


@pytest.mark.parametrize(
    ("said", "all_verified", "verified"),
    [
        ({"email_verified": True}, False, True),
        ({"email_verified": False}, True, False),
        ({"email_verified": "true"}, False, False),
        ({}, False, False),
        ({}, True, True),
    ],
)
def test_when_an_address_counts_as_verified(said: dict[str, object], all_verified: bool, verified: bool) -> None:
    known = OpenID("https://provider.example", "fabriek", "", "openid", "P", all_verified)
    claims = _claims(
        known, known.issuer, {"sub": 1, "email": " A@B.example", "given_name": "A", "family_name": "B", **said}
    )
    assert (claims.email_verified, claims.email, claims.name, claims.subject) == (verified, "a@b.example", "A B", "1")


@pytest.mark.parametrize(
    "fields",
    [
        {"openid_issuer": "http://provider.example", "openid_client_id": "x"},
        {"openid_issuer": "https://provider.example"},
        {"openid_issuer": "https://provider.example", "openid_client_id": "x", "openid_scopes": "profile"},
    ],
)
def test_half_a_provider_is_refused_when_the_program_starts(fields: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        Configuration(**fields)  # type: ignore[arg-type]


def test_without_settings_there_is_no_provider() -> None:
    assert Configuration().openid() is None
