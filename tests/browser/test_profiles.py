"""An expert in the browser, from nothing to being found and gone again; who looks at a venture is told before."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from tests.browser.test_catalogue import faults, save

pytestmark = pytest.mark.browser


def venture_of(folder: Path) -> tuple[str, str]:
    """The demonstration's venture, and the address of who leads its project."""
    asked = """SELECT entry.code, person.email FROM catalogue_entry entry JOIN people_person person
               ON person.id = entry.steward_id WHERE entry.kind = 'venture' AND entry.is_demo"""
    [(code, email)] = sqlite3.connect(folder / "fabriek.sqlite3").execute(asked)
    return code, email


def sign_in_as(page: Any, email: str) -> None:
    """As somebody of the demonstration whom its sign-in page doesn't offer."""
    page.goto("/sign-in/")
    submit = "(input, email) => { input.value = email; input.form.requestSubmit() }"
    with page.expect_navigation():
        page.locator("input[value='founder@demo.example']").evaluate(submit, email)


@pytest.mark.parametrize("width", [1440, 390])
def test_an_expert_is_shown_for_what_they_agree_to_and_gone_when_they_withdraw(enter: Any, width: int) -> None:
    board, anybody = enter("board", width), enter("", width)
    board.goto("/catalogue/profiles/")
    found = faults(board, width)
    board.get_by_role("button", name="Describe yourself").click()
    board.get_by_label("Summary").fill("Twenty years of boards.")
    save(board)
    board.get_by_label("Skills").fill("governance")
    board.get_by_role("button", name="Save, and to the end").click()
    found += faults(board, width)
    board.locator("main").get_by_role("link", name="What you agree to").click()
    address = board.url
    found += faults(board, width)
    # Nothing is ticked for anybody.
    assert board.locator("input:checked").count() == 0
    board.get_by_label("Written to through the platform").check()
    board.get_by_role("button", name="Save what I agree to").click()
    board.locator(".error-summary").wait_for()
    found += faults(board, width)
    board.get_by_label("Shown in the catalogue").check()
    board.get_by_role("button", name="Save what I agree to").click()
    board.get_by_text("Your profile is shown").wait_for()
    board.get_by_role("link", name="See it").click()
    page = board.url
    assert anybody.goto(page).status == 200
    anybody.get_by_text("Twenty years of boards.").wait_for()
    found += faults(anybody, width)
    for part in ("letters/", "erase/"):
        board.goto(address + part)
        found += faults(board, width)
    board.goto(address)
    board.get_by_role("button", name="Withdraw all").click()
    board.get_by_text("Your profile is not shown.").wait_for()
    assert anybody.goto(page).status == 404
    board.goto(f"{address}erase/")
    board.get_by_role("button", name="Erase").click()
    board.get_by_text("Erased.").wait_for()
    assert found == []


@pytest.mark.parametrize("width", [1440, 390])
def test_who_looks_at_a_venture_is_told_before_and_seen_after(enter: Any, demo_folder: Path, width: int) -> None:
    code, email = venture_of(demo_folder)
    operator, lead, anybody = enter("operator", width), enter("", width), enter("", width)
    anybody.goto("/catalogue/ventures/?sector=energy&least=100000")
    found = faults(anybody, width)
    anybody.goto("/catalogue/ventures/?least=9000000")
    anybody.get_by_text("None is shown that fits this.").wait_for()
    found += faults(anybody, width)
    operator.goto(f"/catalogue/entries/{code}/")
    operator.get_by_text("Ventures see who looks").wait_for()
    found += faults(operator, width)
    operator.get_by_role("button", name="Go on, and be seen").click()
    operator.get_by_role("heading", name="Used on the factory").wait_for()
    found += faults(operator, width)
    for address in (f"/catalogue/entries/{code}/write/", f"/catalogue/entries/{code}/hide/"):
        operator.goto(address)
        found += faults(operator, width)
    sign_in_as(lead, email)
    lead.goto(f"/catalogue/profiles/{code}/looks/")
    lead.get_by_role("cell", name="Otto the operator").or_(lead.get_by_text("Otto the operator")).first.wait_for()
    found += faults(lead, width)
    assert found == []
