"""Signing in with an identity provider: a certified one (npm oidc-provider), on loopback, in Debian's Chromium."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from .axe import checked, violations
from .conftest import CHROMIUM, FABRIEK

pytestmark = pytest.mark.browser
PROVIDER = Path(__file__).parents[1] / "openid"
NODE, NPM = shutil.which("node"), shutil.which("npm")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for(address: str, process: subprocess.Popen[bytes]) -> None:
    for _attempt in range(300):
        assert process.poll() is None, f"{address} ended with {process.returncode}"
        try:
            httpx.get(address, timeout=5)
            return
        except httpx.HTTPError:
            time.sleep(0.1)
    raise AssertionError(f"{address} does not answer")


@pytest.fixture(scope="module")
def environment() -> dict[str, str]:
    """The environment of the portal, once `federated` has filled it in."""
    return dict(os.environ)


@pytest.fixture(scope="module")
def federated(tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str]) -> Iterator[str]:
    """The address of a portal that knows the provider, with one person in it: keeper@fabriek.example."""
    if not CHROMIUM:
        pytest.skip("chromium is not installed")
    if not NODE or not NPM:
        pytest.skip("Node is not installed: signing in with a provider is NOT tested (apt-get install nodejs npm)")
    if not (PROVIDER / "node_modules" / "oidc-provider").exists():
        subprocess.run([NPM, "ci", "--no-audit", "--no-fund"], cwd=PROVIDER, check=True, timeout=300)
    port, provider_port = free_port(), free_port()
    address, issuer = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{provider_port}"
    environment |= {
        "FABRIEK_FOLDER": str(tmp_path_factory.mktemp("federated")),
        "FABRIEK_DEMO": "false",
        "FABRIEK_BASE_URL": address,
        "FABRIEK_OPENID_ISSUER": issuer,
        "FABRIEK_OPENID_CLIENT_ID": "fabriek",
        "FABRIEK_OPENID_CLIENT_SECRET": "a secret of the tests",
        "FABRIEK_OPENID_LABEL": "MyAccessID",
    }
    command = [NODE, "provider.mjs", str(provider_port), f"{address}/sign-in/openid/back/", "fabriek"]
    provider = subprocess.Popen([*command, "a secret of the tests"], cwd=PROVIDER, start_new_session=True)
    subprocess.run(
        [*FABRIEK, "person", "keeper@fabriek.example", "--name", "Kim Keeper", "--role", "officer"],
        env=environment,
        check=True,
        capture_output=True,
        timeout=120,
    )
    server = subprocess.Popen([*FABRIEK, "serve", "--port", str(port)], env=environment, start_new_session=True)
    try:
        wait_for(f"{issuer}/.well-known/openid-configuration", provider)
        wait_for(f"{address}/sign-in/", server)
        yield address
    finally:
        for process in (server, provider):
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=20)


@pytest.fixture
def keeper_link(federated: str, environment: dict[str, str]) -> str:
    """A sign-in link of the person that the portal knows."""
    asked = [*FABRIEK, "sign-in-link", "keeper@fabriek.example"]
    return subprocess.run(asked, env=environment, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def page(federated: str, chromium: Any) -> Iterator[Any]:
    context = chromium.new_context(viewport={"width": 1440, "height": 900}, base_url=federated)
    opened = context.new_page()
    opened.set_default_timeout(15_000)
    yield opened
    context.close()


def to_provider(page: Any) -> str:
    """Begin signing in. Returns the address at the provider that asked."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/auth?" in request.url else None)
    page.goto("/sign-in/")
    page.get_by_role("link", name="Sign in with MyAccessID").click()
    page.wait_for_url(re.compile("/interaction/"))
    return asked[0]


def sign_in(page: Any, account: str) -> None:
    to_provider(page)
    answer(page, account)


def answer(page: Any, account: str) -> None:
    page.get_by_label("Account").fill(account)
    page.get_by_role("button", name="Continue").click()
    page.wait_for_load_state()


def test_somebody_new_signs_in_and_out(page: Any, federated: str) -> None:
    asked = parse_qs(urlsplit(to_provider(page)).query)
    assert asked["response_type"] == ["code"]
    assert asked["code_challenge_method"] == ["S256"]
    assert {"code_challenge", "state", "nonce"} <= asked.keys()
    answer(page, "ada")
    assert page.url == f"{federated}/applications/"
    page.goto("/account/")
    assert page.get_by_text("ada@university.example").first.is_visible()
    assert page.get_by_label("Name").input_value() == "Ada Lovelace"
    page.get_by_role("button", name="Sign out").first.click()
    page.get_by_role("heading", name="You are signed out").wait_for()
    page.get_by_role("link", name="Leave MyAccessID too").click()
    assert "/session/end" in page.url
    page.goto("/account/")
    assert "/sign-in/" in page.url


def test_the_second_time_it_is_the_same_person(page: Any, chromium: Any, federated: str) -> None:
    sign_in(page, "ada")
    page.goto("/account/")
    page.get_by_label("Name").fill("Countess of Lovelace")
    page.get_by_role("button", name="Save").click()
    context = chromium.new_context(base_url=federated)
    try:
        again = context.new_page()
        sign_in(again, "ada")
        again.goto("/account/")
        assert again.get_by_label("Name").input_value() == "Countess of Lovelace"
    finally:
        context.close()


def test_a_verified_address_finds_the_person_and_the_wish_is_kept(page: Any, federated: str) -> None:
    page.goto("/decisions/")
    page.get_by_role("link", name="Sign in with MyAccessID").click()
    page.wait_for_url(re.compile("/interaction/"))
    answer(page, "keeper")
    assert page.url == f"{federated}/decisions/"


@pytest.mark.parametrize("account", ["mallory", "silent"])
def test_an_unverified_address_is_not_linked(page: Any, account: str) -> None:
    sign_in(page, account)
    page.get_by_text("does not say that your e-mail address is verified").wait_for()
    page.goto("/account/")
    assert "/sign-in/" in page.url


def unused_answer(federated: str, account: str) -> str:
    """The address with which the provider sends somebody back, not followed: what an attacker would hand on."""
    with httpx.Client(follow_redirects=True, timeout=20) as client:
        asked = client.get(f"{federated}/sign-in/openid/")
        step = client.post(asked.url, data={"account": account}, follow_redirects=False)
        while not (to := step.headers["location"]).startswith(f"{federated}/sign-in/openid/back/"):
            step = client.get(step.url.join(to), follow_redirects=False)
        return to


def test_the_answer_to_one_browser_signs_nobody_in_elsewhere(page: Any, federated: str) -> None:
    to_provider(page)
    page.goto(unused_answer(federated, "ada"))
    page.get_by_text("was not begun in this browser").wait_for()
    page.goto("/account/")
    assert "/sign-in/" in page.url


def test_a_wrong_state_is_refused(page: Any) -> None:
    asked = parse_qs(urlsplit(to_provider(page)).query)
    page.goto(f"/sign-in/openid/back/?code=made-up&state={asked['state'][0][::-1]}")
    page.get_by_text("was not begun in this browser").wait_for()
    # The right state with a code that the provider never gave: the provider refuses it.
    page.goto(f"/sign-in/openid/back/?code=made-up&state={asked['state'][0]}")
    page.get_by_text("The answer of MyAccessID does not hold").wait_for()
    page.goto("/account/")
    assert "/sign-in/" in page.url


def test_one_connects_and_disconnects_an_identity_whose_address_is_not_verified(
    page: Any, federated: str, keeper_link: str
) -> None:
    page.goto(keeper_link)
    page.locator("main").get_by_role("button", name="Sign in").click()
    page.goto("/account/")
    if page.get_by_role("button", name="Disconnect").count():
        page.get_by_role("button", name="Disconnect").click()
    page.get_by_role("link", name="Connect MyAccessID").click()
    page.wait_for_url(re.compile("/interaction/"))
    answer(page, "mallory")
    page.get_by_text("Connect it only if it is yours").wait_for()
    page.locator("main").get_by_role("button", name="Connect").click()
    page.get_by_text("You can now sign in with MyAccessID").wait_for()
    page.context.clear_cookies()
    sign_in(page, "mallory")
    page.goto("/account/")
    assert page.get_by_label("Name").input_value() == "Kim Keeper"
    page.get_by_role("button", name="Disconnect").click()
    page.get_by_text("It signs you in no longer").wait_for()


def test_refusing_at_the_provider_leads_back_with_a_sentence(page: Any) -> None:
    to_provider(page)
    page.get_by_role("button", name="Refuse").click()
    page.get_by_text("You did not finish signing in with MyAccessID").wait_for()


@pytest.mark.parametrize("language", ["en", "nl"])
@pytest.mark.parametrize("width", [1440, 390])
def test_the_pages_are_in_nobodys_way(page: Any, width: int, language: str) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    sign_in(page, "ada")
    page.goto("/account/")
    page.locator("#id_language").select_option(language)
    page.locator("main form:has(#id_language) button[type=submit]").click()
    page.wait_for_load_state()
    assert violations(page) == []
    page.locator("form[action='/sign-out/']").first.evaluate("form => form.requestSubmit()")
    page.wait_for_url("**/sign-out/")
    for address in ("", "/sign-in/"):
        if address:
            page.goto(address)
        checked(page, width)
