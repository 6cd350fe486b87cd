"""In a real browser: why is asked by a button, followed, and read; by an officer and by an applicant, with axe."""

from __future__ import annotations

import re
from typing import Any

import pytest
from tests.browser.axe import checked

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("width", [1440, 390])
def test_an_officer_asks_what_would_have_been_enough_and_what_promises_cost(enter: Any, width: int) -> None:
    page = enter("officer", width)
    page.goto("/decisions/")
    page.get_by_role("link", name=re.compile("^decision-")).last.click()
    page.locator("#prices fabriek-plot svg[role=img]").first.wait_for()
    room = page.url
    for name in ("Find what each promise costs", "Check by deciding again"):
        # The other width, or another test, may have asked it.
        if page.get_by_role("button", name=name).count():
            page.get_by_role("button", name=name).click()
            page.wait_for_url("**#prices")
    page.locator("#prices").get_by_text("Asked by").nth(1).wait_for(timeout=60_000)
    checked(page, width)
    page.goto(room)
    page.get_by_role("link", name=re.compile("^No room left on")).nth(0 if width == 1440 else 1).click()
    page.get_by_role("heading", name="Who holds hours on").wait_for()
    page.get_by_role("button", name="Find the smallest change").click()
    page.locator("#changes").get_by_text("Asked by").wait_for(timeout=60_000)
    checked(page, width)
    page.get_by_text("We checked each of these by deciding again").wait_for()


def test_an_applicant_asks_on_a_phone(enter: Any) -> None:
    page = enter("founder", 390)
    page.goto("/applications/")
    page.get_by_role("row").filter(has_text="Not awarded").get_by_role("link").first.click()
    page.get_by_role("button", name="Find out what would have been enough").click()
    page.get_by_text("with the applications and promises of the decision").wait_for(timeout=60_000)
    checked(page, 390)
