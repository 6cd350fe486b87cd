"""The verbs of identities: sign in by one, connect one to an account, let one go.

Issuer and subject are who somebody is. An e-mail address only finds the person the first time, and only when the
provider has verified it: whoever may write any address into their profile would otherwise become its owner here.
"""

from __future__ import annotations

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from fabriek.audit.actions import record
from fabriek.people.actions import register_person
from fabriek.people.errors import EmailNotVerified, IdentityTaken, SignInRefused
from fabriek.people.models import Identity, Person
from fabriek.people.openid import Claims


@transaction.atomic
def sign_in_by_identity(claims: Claims) -> Person:
    """Whom these claims sign in; somebody new is registered. Errors: SignInRefused, EmailNotVerified, IdentityTaken."""
    known = Identity.objects.select_related("person").filter(issuer=claims.issuer, subject=claims.subject).first()
    if known is not None:
        person = _active(known.person)
        Identity.objects.filter(pk=known.pk).update(last_used_at=timezone.now(), email=claims.email[:254])
        return person
    if not claims.email or not claims.email_verified:
        raise EmailNotVerified(
            _(
                "Your provider does not say that your e-mail address is verified. Sign in by the mailed link; "
                "then connect your provider on your account's page."
            )
        )
    person = _active(register_person(claims.email, claims.name))
    _connect(person, claims)
    return person


@transaction.atomic
def connect_identity(person: Person, claims: Claims) -> Identity:
    """Let somebody who is signed in sign in by this identity too. Connecting it again changes nothing.

    Errors: IdentityTaken.
    """
    known = Identity.objects.filter(issuer=claims.issuer, subject=claims.subject).first()
    if known is not None and known.person_id == person.pk:
        return known
    return _connect(person, claims)


@transaction.atomic
def disconnect_identity(person: Person, number: int) -> None:
    """Let go of one's own identity; signing in by the mailed link stays. Nobody's else: nothing changes."""
    found = Identity.objects.filter(pk=number, person=person).first()
    if found is not None:
        record(person, "people.disconnect_identity", person, issuer=found.issuer, identity=found.subject)
        found.delete()


def _active(person: Person) -> Person:
    if not person.is_active:
        raise SignInRefused(_("This account is closed. Ask the administrator."))
    return person


def _connect(person: Person, claims: Claims) -> Identity:
    """A person has one identity an issuer: an address that was given to somebody new must not open the old account."""
    try:
        with transaction.atomic():
            made = Identity.objects.create(
                person=person,
                issuer=claims.issuer,
                subject=claims.subject,
                email=claims.email[:254],
                last_used_at=timezone.now(),
            )
    except IntegrityError as error:
        raise IdentityTaken(
            _(
                "Another identity of this provider belongs to this account, or this identity to another account. "
                "Sign in by the mailed link, and look at your account's page."
            )
        ) from error
    record(person, "people.connect_identity", person, issuer=claims.issuer, identity=claims.subject)
    return made
