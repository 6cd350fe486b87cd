"""In a real browser: stored what-ifs are read and set side by side, on a desk and on a phone, with axe."""

from __future__ import annotations

import re
from typing import Any

import pytest
from tests.browser.axe import checked

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("width", [1440, 390])
def test_what_ifs_are_read_and_compared(enter: Any, width: int) -> None:
    page = enter("officer", width)
    page.goto("/scenarios/")
    checked(page, width)
    # Other tests ask scenarios too: the newest one may suppose nothing, or not be solved yet.
    supposing = page.get_by_role("row").filter(has_not_text="as it stands").filter(has_text="Solved")
    supposing.get_by_role("link", name=re.compile("^scenario-")).first.click()
    page.get_by_role("heading", name="What it supposes").wait_for()
    page.get_by_role("heading", name="Who gains, who loses").wait_for()
    page.locator("fabriek-plot svg[role=img]").first.wait_for()
    page.get_by_text("fabriek verify").wait_for()
    checked(page, width)
    page.goto("/scenarios/")
    for box in page.locator("input[name=plan]").all()[:3]:
        box.check()
    page.get_by_role("button", name="Compare").click()
    page.get_by_role("heading", name="Scenarios side by side").wait_for()
    page.locator("fabriek-plot svg[role=img]").first.wait_for()
    checked(page, width)


def test_the_board_reads_and_does_not_choose(enter: Any) -> None:
    page = enter("board")
    page.goto("/scenarios/")
    page.get_by_role("row").filter(has_text="Solved").get_by_role("link", name=re.compile("^scenario-")).last.click()
    page.get_by_role("heading", name="Certificate").wait_for()
    assert not page.get_by_role("button", name="Choose this plan…").count()
