"""A demonstration in a temporary folder, served as `make run` serves it, and Debian's Chromium."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or ""
FABRIEK = [sys.executable, "-m", "fabriek.cli.main"]


@pytest.fixture(scope="session")
def demo_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the served demonstration keeps its data and its mail."""
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="session")
def portal(demo_folder: Path) -> Iterator[str]:
    """The address of a served demonstration."""
    if not CHROMIUM:
        pytest.skip("chromium is not installed")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {**os.environ, "FABRIEK_FOLDER": str(demo_folder)}
    subprocess.run([*FABRIEK, "demo", "--no-serve"], env=environment, check=True, capture_output=True, timeout=180)
    server = subprocess.Popen([*FABRIEK, "serve", "--port", str(port)], env=environment, start_new_session=True)
    address = f"http://127.0.0.1:{port}"
    try:
        for _attempt in range(150):
            try:
                httpx.get(address, timeout=5)
                break
            except httpx.HTTPError:
                time.sleep(0.2)
        yield address
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(timeout=20)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


Enter = Callable[..., Any]


@contextmanager
def door(portal: str, chromium: Any) -> Iterator[Enter]:
    """Opens pages of the portal, for somebody of the demonstration (or nobody), on a screen of a width."""
    contexts = []

    def open_page(who: str = "", width: int = 1440) -> Any:
        context = chromium.new_context(viewport={"width": width, "height": 900}, base_url=portal)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15_000)
        if who:
            page.goto("/sign-in/")
            page.locator(f"form:has(input[value='{who}@demo.example']) button").click()
            page.wait_for_load_state()
        return page

    try:
        yield open_page
    finally:
        for context in contexts:
            context.close()


@pytest.fixture
def enter(portal: str, chromium: Any) -> Iterator[Enter]:
    """A page of the portal, for somebody of the demonstration (or nobody), on a screen of this width."""
    with door(portal, chromium) as open_page:
        yield open_page
