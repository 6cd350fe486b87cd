"""In a real browser: a table of shares adds up while it is typed, and with scripts off by a button."""

from __future__ import annotations

import re
from typing import Any

import pytest

pytestmark = pytest.mark.browser
SHARES = "/programmes/shares/?partition=molen/gpu"


@pytest.mark.parametrize("width", [1440, 390])
def test_a_table_of_shares_adds_up_while_it_is_typed(enter: Any, width: int) -> None:
    page = enter("officer", width)
    page.goto(SHARES)
    total = page.locator("#share-sum")
    assert "100%" in total.inner_text()
    field = page.locator("input[name='eu-science']")
    before = field.input_value()
    field.fill(str(float(before) + 2.5))
    total.get_by_text("2.5% over.").wait_for()
    page.locator("#share-sum-heard", has_text="2.5% over.").wait_for(state="attached")
    # Beside the form or at the foot of the screen: it is in sight while one types.
    assert page.locator(".running-total").bounding_box()["y"] < 900
    field.fill(str(float(before) - 2.5))
    total.get_by_text("2.5% left to divide.").wait_for()
    field.fill(before)
    total.get_by_text("Adds up: all of it is divided.").wait_for()
    assert "csrfmiddlewaretoken" not in page.evaluate(
        "performance.getEntriesByType('resource').map(e => e.name).join()"
    )


def test_without_scripts_a_button_adds_up(enter: Any, chromium: Any, portal: str) -> None:
    state = enter("officer").context.storage_state()
    context = chromium.new_context(java_script_enabled=False, storage_state=state, base_url=portal)
    page = context.new_page()
    page.goto(SHARES)
    page.locator("input[name='eu-science']").fill("20")
    page.get_by_role("button", name="Add up").click()
    assert re.search("7.5% over", page.locator("#share-sum").inner_text())
    page.goto("/programmes/")
    assert page.get_by_text("20.00%").count() == 0
    context.close()
