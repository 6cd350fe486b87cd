"""The verbs of people: register, give roles, sign in by a mailed link, make tokens."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.core import signing
from django.core.mail import send_mail
from django.core.validators import validate_email
from django.db import transaction
from django.utils import timezone, translation
from django.utils.text import slugify
from django.utils.translation import gettext as _

from fabriek.audit.actions import record
from fabriek.conf.errors import Invalid, NotAllowed
from fabriek.people.errors import LastAdministrator, SignInRefused, TokenRefused, UnknownScope
from fabriek.people.models import Organisation, Person, Role, RoleAssignment, Token
from fabriek.people.permissions import require
from fabriek.people.scopes import SCOPES

LINK_SECONDS = 15 * 60
_SALT = "fabriek.people.sign-in"
_PREFIX = "fbk_"


@transaction.atomic
def register_person(
    email: str,
    name: str = "",
    *,
    organisation: Organisation | None = None,
    language: str = "en",
    is_demo: bool = False,
    expertise: Iterable[str] = (),
) -> Person:
    """Make a person known; one who is known already is returned as they are. Errors: Invalid for a bad address."""
    email = email.strip().lower()
    try:
        validate_email(email)
    except Exception as error:
        raise Invalid(
            _("%(email)s is not an e-mail address.") % {"email": email or "''"},
            faults={"email": [_("Give an address such as name@example.org.")]},
        ) from error
    found = Person.objects.filter(email=email).first()
    if found is not None:
        return found
    person = Person.objects.create_user(
        email,
        name.strip(),
        organisation=organisation,
        language=language,
        is_demo=is_demo,
        expertise=list(expertise),
    )
    record(person, "people.register_person", person)
    return person


@transaction.atomic
def update_profile(person: Person, *, name: str, language: str, expertise: Iterable[str] | None = None) -> Person:
    """Change one's own name and language, and the expertise by which reviewers are found (None: it stays)."""
    person.name = name.strip() or person.name
    person.language = language
    if expertise is not None:
        person.expertise = [word for given in expertise if (word := " ".join(given.split()))]
    person.save(update_fields=["name", "language", "expertise"])
    record(person, "people.update_profile", person)
    return person


@transaction.atomic
def register_organisation(
    actor: Person, *, name: str, organisation_class: str, country: str, website: str = "", is_demo: bool = False
) -> Organisation:
    """Make an organisation known; the same name and country again is the same organisation."""
    name = " ".join(name.split())
    if not name:
        raise Invalid(_("Give the organisation's name."), faults={"name": [_("Give its legal name.")]})
    found = Organisation.objects.filter(name__iexact=name, country=country).first()
    if found is not None:
        return found
    base = slugify(f"{name}-{country}")[:70] or "organisation"
    code, number = base, 1
    while Organisation.objects.filter(code=code).exists():
        number += 1
        code = f"{base}-{number}"
    organisation = Organisation(
        code=code,
        name=name,
        organisation_class=organisation_class,
        country=country.upper(),
        website=website,
        is_demo=is_demo,
    )
    organisation.full_clean()
    organisation.save()
    record(actor, "people.register_organisation", organisation, organisation_class=organisation_class, country=country)
    return organisation


@transaction.atomic
def join_organisation(actor: Person, organisation: Organisation) -> Person:
    """Say for whom one works: what decides on conflicts of interest and on the class of one's applications."""
    before = actor.organisation.code if actor.organisation else ""
    if before != organisation.code:
        actor.organisation = organisation
        actor.save(update_fields=["organisation"])
        record(actor, "people.join_organisation", actor, before=before, after=organisation.code)
    return actor


# Roles


@transaction.atomic
def give_role(actor: Person, person: Person, role: str) -> None:
    """Give somebody a role. Giving it again changes nothing."""
    require(actor, "manage people")
    _give(actor, person, role)


@transaction.atomic
def give_first_role(person: Person, role: str) -> None:
    """Give a role from the machine itself: whoever can run commands there owns the platform."""
    _give(None, person, role)


def _give(actor: Person | None, person: Person, role: str) -> None:
    if role not in Role.values:
        raise Invalid(
            _("There is no role %(role)s. Roles: %(roles)s.") % {"role": role, "roles": ", ".join(Role.values)}
        )
    _row, created = RoleAssignment.objects.get_or_create(person=person, role=role, defaults={"given_by": actor})
    _forget_roles(person)
    if created:
        record(actor, "people.give_role", person, role=role)


@transaction.atomic
def withdraw_role(actor: Person, person: Person, role: str) -> None:
    """Take a role back. Errors: LastAdministrator."""
    require(actor, "manage people")
    held = RoleAssignment.objects.select_for_update(of=("self",)).filter(person=person, role=role)
    if not held.exists():
        return
    if role == Role.ADMINISTRATOR and RoleAssignment.objects.filter(role=role, person__is_active=True).count() == 1:
        raise LastAdministrator(_("This is the only administrator. Make somebody else one first."))
    held.delete()
    _forget_roles(person)
    record(actor, "people.withdraw_role", person, role=role)


def _forget_roles(person: Person) -> None:
    person.__dict__.pop("_role_names", None)


# Signing in


def sign_in_token(person: Person, seconds: int = LINK_SECONDS) -> str:
    """What a sign-in link carries: who, until when, when they last signed in, signed. Using it makes it void."""
    until = int(timezone.now().timestamp()) + seconds
    return signing.dumps({"person": person.pk, "last": _last(person), "until": until}, salt=_SALT, compress=True)


def person_of_sign_in_token(token: str) -> Person:
    """Whom a link signs in. Errors: SignInRefused for a link that is not ours, too old, or used."""
    try:
        said = signing.loads(token, salt=_SALT)
    except signing.BadSignature as error:
        raise SignInRefused(
            _("This link is not complete. Open it from the mail again, or ask for a new one.")
        ) from error
    if said.get("until", 0) < timezone.now().timestamp():
        raise SignInRefused(_("This link is too old. Ask for a new one below."))
    person = Person.objects.filter(pk=said.get("person"), is_active=True).first()
    if person is None or said.get("last") != _last(person):
        raise SignInRefused(_("This link was used already. Ask for a new one below."))
    return person


def _last(person: Person) -> str:
    return person.last_login.isoformat() if person.last_login else ""


def send_sign_in_link(email: str, base_url: str) -> None:
    """Mail a link. An unknown address becomes a person, so that the answer tells nobody who is known here."""
    person = register_person(email)
    if not person.is_active:
        return
    link = f"{base_url}/sign-in/{sign_in_token(person)}"
    with translation.override(person.language):
        send_mail(
            _("Your sign-in link"),
            _("Open this link within 15 minutes to sign in:\n\n%(link)s\n\nYou did not ask for it? Then do nothing.")
            % {"link": link},
            settings.DEFAULT_FROM_EMAIL,
            [person.email],
        )


# Tokens


@transaction.atomic
def create_token(
    actor: Person | None,
    *,
    name: str,
    scopes: Iterable[str],
    person: Person | None = None,
    site: str = "",
    expires_at: datetime | None = None,
) -> tuple[Token, str]:
    """Make a token. Returns it with its text, which is shown once and never kept.

    A person makes tokens for themselves; for a cluster's agent one needs to look after clusters. actor None: made from
    the machine itself.
    """
    wanted = sorted(set(scopes))
    unknown = [scope for scope in wanted if scope not in SCOPES]
    if unknown or not wanted:
        raise UnknownScope(
            _("Choose scopes out of: %(scopes)s.") % {"scopes": ", ".join(SCOPES)},
            faults={"scopes": unknown or [_("none")]},
        )
    if site:
        if actor is not None:
            require(actor, "manage clusters")
        wanted = ["agent"]
    elif person is None or (actor is not None and actor.pk != person.pk):
        raise NotAllowed(_("A token speaks for oneself, or for the agent of a cluster."))
    elif "agent" in wanted:
        raise UnknownScope(_("The scope agent is for clusters."), faults={"scopes": ["agent"]})
    plain = _PREFIX + secrets.token_urlsafe(32)
    token = Token.objects.create(
        name=name.strip()[:100] or "token",
        digest=_digest(plain),
        person=None if site else person,
        site=site,
        scopes=wanted,
        expires_at=expires_at,
    )
    record(actor, "people.create_token", token, name=token.name, scopes=wanted, site=site)
    return token, plain


@transaction.atomic
def revoke_token(actor: Person, token: Token) -> None:
    """Make a token void: one's own, or that of a cluster by who looks after clusters."""
    if token.person_id != actor.pk:
        require(actor, "manage clusters" if token.site else "manage people")
    if token.revoked_at is None:
        token.revoked_at = timezone.now()
        token.save(update_fields=["revoked_at"])
        record(actor, "people.revoke_token", token, name=token.name)


def authenticate(plain: str) -> Token:
    """The token of this text. Errors: TokenRefused. Its last use is noted at most once a minute."""
    token = Token.objects.select_related("person").filter(digest=_digest(plain)).first()
    now = timezone.now()
    if (
        token is None
        or token.revoked_at is not None
        or (token.expires_at is not None and token.expires_at <= now)
        or (token.person is not None and not token.person.is_active)
    ):
        raise TokenRefused(_("This token is not valid (any more). Make a new one on your account's page."))
    if token.last_used_at is None or now - token.last_used_at > timedelta(minutes=1):
        Token.objects.filter(pk=token.pk).update(last_used_at=now)
    return token


def _digest(plain: str) -> str:
    """SHA-256 is enough for 256 random bits; a slow hash is for what people make up."""
    return hashlib.sha256(plain.encode()).hexdigest()
