"""Signing in by a mailed link, and on the demonstration by choosing a role; signing out; one's account."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login, logout
from django.core.cache import cache
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import translation
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fabriek.conf.errors import Refused
from fabriek.people.actions import (
    create_token,
    person_of_sign_in_token,
    revoke_token,
    send_sign_in_link,
    update_profile,
)
from fabriek.people.models import Person, Role, Token
from fabriek.people.openid import provider, sign_out_address
from fabriek.people.queries import demo_people, identities_of, tokens_of
from fabriek.people.scopes import SCOPES, scopes_for
from fabriek.portal.access import EVERYBODY, SIGNED_IN, requires

_BACKEND = "django.contrib.auth.backends.ModelBackend"
# In the session: whether a provider signed this person in.
_BY_PROVIDER = "openid"
# Mails to one address within a quarter of an hour: enough for somebody who mistypes, too few to be a nuisance.
_MAILS, _WITHIN = 5, 15 * 60

# Where somebody starts, by the role that they came for.
_DESKS = (
    (Role.ADMINISTRATOR, "portal:people"),
    (Role.OFFICER, "portal:decisions"),
    (Role.OPERATOR, "portal:operations"),
    (Role.BOARD, "portal:decisions"),
    (Role.REVIEWER, "portal:reviews"),
)


class SignInForm(forms.Form):
    """The address that the link goes to."""

    email = forms.EmailField(
        label=gettext_lazy("Your e-mail address"),
        help_text=gettext_lazy("We mail you a link that signs you in. There is no password."),
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )


class AccountForm(forms.Form):
    """One's own name and language."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=200)
    language = forms.ChoiceField(label=gettext_lazy("Language"), choices=[("en", "English"), ("nl", "Nederlands")])
    expertise = forms.CharField(
        label=gettext_lazy("Your expertise"),
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=gettext_lazy(
            "Subjects, methods and fields, one a line or with commas. "
            "Applications whose words are like these come to you first."
        ),
    )

    def __init__(self, person: Person, data: Any = None) -> None:
        initial = {"name": person.name, "language": person.language, "expertise": "\n".join(person.expertise)}
        super().__init__(data, initial=initial)
        if Role.REVIEWER not in person.role_names():
            del self.fields["expertise"]

    def clean_expertise(self) -> list[str]:
        """The words or phrases."""
        return re.split(r"[\n,;]", self.cleaned_data["expertise"])


class TokenForm(forms.Form):
    """A token for the API."""

    label = forms.CharField(
        label=gettext_lazy("What it is for"), max_length=100, help_text=gettext_lazy("For example: my laptop")
    )
    scopes = forms.MultipleChoiceField(
        label=gettext_lazy("What it may do"),
        widget=forms.CheckboxSelectMultiple,
        initial=["read"],
    )

    def __init__(self, person: Person, data: Any = None) -> None:
        super().__init__(data)
        scopes = self.fields["scopes"]
        if isinstance(scopes, forms.MultipleChoiceField):
            scopes.choices = [(scope, SCOPES[scope]) for scope in scopes_for(person)]


def start_of(person: Person) -> str:
    """The page that somebody starts on."""
    roles = person.role_names()
    return reverse(next((name for role, name in _DESKS if role in roles), "portal:applications"))


@requires(EVERYBODY, "GET", "POST")
def sign_in(request: HttpRequest) -> HttpResponse:
    """Ask for a link."""
    form = SignInForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        email = form.cleaned_data["email"].lower()
        key = f"sign-in:{email}"
        cache.add(key, 0, _WITHIN)
        if cache.incr(key) <= _MAILS:
            send_sign_in_link(email, settings.FABRIEK_BASE_URL)
        # A demonstration without a mail server writes its mail to files; elsewhere nobody is told of folders.
        folder = getattr(settings, "EMAIL_FILE_PATH", None) if settings.FABRIEK_DEMO else None
        return render(request, "use/link_sent.html", {"email": email, "mail_folder": folder})
    context = {"form": form, "people": demo_people() if settings.FABRIEK_DEMO else [], "next": next_of(request)}
    context["provider"] = provider()
    return render(request, "use/sign_in.html", context, status=422 if form.errors else 200)


def next_of(request: HttpRequest) -> str:
    """Where to go afterwards: a page of this portal, or nowhere."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    safe = url_has_allowed_host_and_scheme(wanted, allowed_hosts=None)
    return wanted if safe else ""


@requires(EVERYBODY, "POST")
def sign_in_demo(request: HttpRequest) -> HttpResponse:
    """Become one of the demonstration's persons."""
    person = Person.objects.filter(email=request.POST.get("email", ""), is_demo=True, is_active=True).first()
    if not settings.FABRIEK_DEMO or person is None:
        raise Http404
    return enter(request, person, next_of(request))


@requires(EVERYBODY, "GET", "POST")
def sign_in_link(request: HttpRequest, token: str) -> HttpResponse:
    """Follow a link: the page asks once more, because mail scanners open links and would use them up."""
    try:
        person = person_of_sign_in_token(token)
    except Refused as refusal:
        messages.error(request, str(refusal.sentence))
        return redirect("portal:sign_in")
    if request.method == "POST":
        return enter(request, person, next_of(request))
    return render(request, "use/sign_in_link.html", {"person": person, "next": next_of(request)})


def enter(request: HttpRequest, person: Person, then: str, *, by_provider: bool = False) -> HttpResponse:
    """Begin the person's session, and go where they wanted to, or to where they start."""
    login(request, person, backend=_BACKEND)
    request.session[_BY_PROVIDER] = by_provider
    response = HttpResponseRedirect(then or start_of(person))
    response.set_cookie(settings.LANGUAGE_COOKIE_NAME, person.language, samesite="Lax")
    return response


@requires(EVERYBODY, "POST")
def sign_out(request: HttpRequest) -> HttpResponse:
    """Leave. Who came from a provider may still be signed in there, which matters on a shared screen: they are told."""
    by_provider = request.session.get(_BY_PROVIDER, False)
    logout(request)
    known = provider()
    if known is None or not by_provider:
        return redirect("portal:home")
    there = sign_out_address(settings.FABRIEK_BASE_URL.rstrip("/") + reverse("portal:home"))
    return render(request, "use/signed_out.html", {"provider": known, "there": there})


@requires(SIGNED_IN, "GET", "POST")
def account(request: HttpRequest) -> HttpResponse:
    """One's name, language, organisation and tokens."""
    person: Any = request.user
    form = AccountForm(person, request.POST or None)
    if request.method == "POST" and form.is_valid():
        update_profile(person, **form.cleaned_data)
        messages.success(request, _("Saved."))
        translation.activate(person.language)
        response = redirect("portal:account")
        response.set_cookie(settings.LANGUAGE_COOKIE_NAME, person.language, samesite="Lax")
        return response
    return _account(request, form, TokenForm(person), status=422 if form.errors else 200)


def _account(request: HttpRequest, form: forms.Form, token_form: forms.Form, status: int = 200) -> HttpResponse:
    person: Any = request.user
    roles = [Role(role).label for role in sorted(person.role_names())]
    context = {"form": form, "token_form": token_form, "tokens": tokens_of(person), "roles": roles}
    context["provider"], context["identities"] = provider(), identities_of(person)
    context["plain"] = request.session.pop("new_token", "")
    return render(request, "use/account.html", context, status=status)


@requires(SIGNED_IN, "POST")
def make_token(request: HttpRequest) -> HttpResponse:
    """Make a token and show it, once."""
    person: Any = request.user
    form = TokenForm(person, request.POST)
    if not form.is_valid():
        account_form = AccountForm(person)
        return _account(request, account_form, form, status=422)
    _token, plain = create_token(
        person, name=form.cleaned_data["label"], scopes=form.cleaned_data["scopes"], person=person
    )
    request.session["new_token"] = plain
    return redirect("portal:account")


@requires(SIGNED_IN, "POST")
def void_token(request: HttpRequest, number: int) -> HttpResponse:
    """Make one of one's own tokens void."""
    person: Any = request.user
    token = Token.objects.filter(pk=number, person=person).first()
    if token is None:
        raise Http404
    revoke_token(person, token)
    messages.success(request, _("The token is void."))
    return redirect("portal:account")
