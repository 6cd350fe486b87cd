"""The identity provider: what is asked of it, and what is believed of its answer. Authlib speaks the protocol.

Authorization code flow with PKCE (S256), state and nonce; endpoints and keys by discovery
(https://openid.net/specs/openid-connect-core-1_0.html, https://openid.net/specs/openid-connect-discovery-1_0.html).
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from authlib.common.errors import AuthlibBaseError
from authlib.integrations.django_client import OAuth
from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import gettext as _
from joserfc.errors import JoseError
from requests import RequestException

from fabriek.conf.configuration import OpenID
from fabriek.people.errors import SignInRefused

# Signed by the provider's own key: neither 'none' nor a shared secret, whatever its metadata name.
_SIGNATURES = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519")
# Endpoints and keys are asked for again after this many seconds, and keys at once when an unknown one signs.
_KNOWN_FOR = 3600
_PATIENCE = 10
_log = logging.getLogger("fabriek.people.openid")


@dataclass(frozen=True)
class Claims:
    """What the provider says of somebody, once its signature, issuer, audience, time and nonce were found right."""

    issuer: str
    subject: str
    email: str
    email_verified: bool
    name: str


def provider() -> OpenID | None:
    """The provider that is configured, if any."""
    found: OpenID | None = settings.FABRIEK_OPENID
    return found


def start(request: HttpRequest, back: str, **remembered: Any) -> str:
    """The address at the provider where one signs in; `remembered` comes back with `finish`. Errors: SignInRefused.

    State, nonce and the PKCE verifier are kept in the session, under the state.
    """
    try:
        client = _client()
        asked = client.create_authorization_url(back)
        client.save_authorize_data(request, redirect_uri=back, remembered=remembered, **asked)
    except (RequestException, AuthlibBaseError, ValueError, KeyError, RuntimeError) as error:
        raise _no_answer(error) from error
    address: str = asked["url"]
    return address


def finish(request: HttpRequest) -> tuple[Claims, dict[str, Any]]:
    """What the provider said of who came back, and what `start` remembered. Errors: SignInRefused."""
    known = provider()
    if known is None:
        raise SignInRefused(_("Sign in by the mailed link."))
    try:
        client = _client()
        data = client.framework.get_state_data(request.session, request.GET.get("state"))
        if data is None:
            raise SignInRefused(_("This sign-in was not begun in this browser, or is too old. Begin again below."))
        metadata = client.load_server_metadata()
        # RFC 9207: against an answer of one provider that is passed off as another's.
        if request.GET.get("iss", metadata["issuer"]) != metadata["issuer"]:
            raise SignInRefused(_("The answer came from another provider than was asked. Begin again below."))
        if request.GET.get("error") == "access_denied":
            client.framework.clear_state_data(request.session, request.GET.get("state"))
            raise SignInRefused(_("You did not finish signing in with %(label)s.") % {"label": known.label})
        expected = {
            "iss": {"essential": True, "value": metadata["issuer"]},
            "aud": {"essential": True, "value": known.client_id},
        }
        token = client.authorize_access_token(request, claims_options=expected)
        said = token.get("userinfo")
        if not said:
            raise SignInRefused(_("%(label)s told nothing of who you are.") % {"label": known.label})
        said = {**said, **_more(client, token, str(said["sub"]))}
    except (AuthlibBaseError, JoseError) as error:
        _log.warning("sign-in refused: %s", error)
        raise SignInRefused(
            _("The answer of %(label)s does not hold. Begin again below.") % {"label": known.label}
        ) from error
    except (RequestException, ValueError, KeyError, RuntimeError) as error:
        raise _no_answer(error) from error
    return _claims(known, metadata["issuer"], said), dict(data.get("remembered") or {})


def sign_out_address(back: str) -> str:
    """Where one leaves the provider too, "" where it has no such place or doesn't answer (RP-Initiated Logout)."""
    known = provider()
    if known is None:
        return ""
    try:
        client = _client()
        if not client.load_server_metadata().get("end_session_endpoint"):
            return ""
        asked: dict[str, str] = client.create_logout_url(post_logout_redirect_uri=back, client_id=known.client_id)
        return asked["url"]
    except (RequestException, ValueError, KeyError, RuntimeError):
        return ""


def _more(client: Any, token: dict[str, Any], subject: str) -> dict[str, Any]:
    """What the user information endpoint adds; it must speak of the same subject (Core 1.0, section 5.3.2)."""
    if not client.load_server_metadata().get("userinfo_endpoint"):
        return {}
    more = dict(client.userinfo(token=token))
    if str(more.get("sub")) != subject:
        raise SignInRefused(_("The provider's answers speak of two persons. Begin again below."))
    return {
        name: more[name] for name in ("email", "email_verified", "name", "given_name", "family_name") if name in more
    }


def _claims(known: OpenID, issuer: str, said: dict[str, Any]) -> Claims:
    """An address is verified when the provider says so; or when it says nothing and is known to verify all."""
    verified = said.get("email_verified")
    name = said.get("name") or " ".join(filter(None, (said.get("given_name"), said.get("family_name"))))
    return Claims(
        issuer=issuer,
        subject=str(said["sub"]),
        email=str(said.get("email") or "").strip().lower(),
        email_verified=verified is True or (verified is None and known.emails_verified),
        name=" ".join(str(name).split())[:200],
    )


def _no_answer(error: Exception) -> SignInRefused:
    known = provider()
    _log.error("the identity provider: %s: %s", type(error).__name__, error)
    return SignInRefused(
        _("%(label)s does not answer as it should. Try again later, or use the mailed link.")
        % {"label": known.label if known else "OpenID"}
    )


def _client() -> Any:
    known = provider()
    if known is None:
        raise SignInRefused(_("Sign in by the mailed link."))
    return _made(known, int(time.monotonic() // _KNOWN_FOR))


@lru_cache(maxsize=2)
def _made(known: OpenID, hour: int) -> Any:
    """A client with the provider's metadata, made again each hour. Errors: RequestException; ValueError."""
    del hour
    issuer = known.issuer.rstrip("/")
    client = OAuth().register(
        "openid",
        client_id=known.client_id,
        client_secret=known.client_secret or None,
        server_metadata_url=f"{issuer}/.well-known/openid-configuration",
        client_kwargs={"scope": known.scopes, "code_challenge_method": "S256", "default_timeout": _PATIENCE},
    )
    metadata = client.load_server_metadata()
    if str(metadata.get("issuer", "")).rstrip("/") != issuer:
        raise ValueError(f"{issuer} says that it is {metadata.get('issuer')}")
    offered = metadata.get("id_token_signing_alg_values_supported") or ["RS256"]
    metadata["id_token_signing_alg_values_supported"] = [one for one in offered if one in _SIGNATURES]
    ways = metadata.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
    if known.client_secret and "client_secret_basic" not in ways and "client_secret_post" in ways:
        client.client_kwargs["token_endpoint_auth_method"] = "client_secret_post"  # noqa: S105
    return client
