"""An entry's whole way in the browser, from a draft to being found; and its pages are in nobody's way."""

from __future__ import annotations

import re
from typing import Any

import pytest
from tests.browser.axe import violations

pytestmark = pytest.mark.browser
STEPS = ("about", "details", "terms", "places", "ties", "trust", "languages", "check")


def faults(page: Any, width: int) -> list[str]:
    found = [f"{page.url}: {violation}" for violation in violations(page)]
    wide = page.evaluate("document.documentElement.scrollWidth")
    return found + ([f"{page.url}: scrolls sideways, {wide} of {width}"] if wide > width else [])


def save(page: Any) -> None:
    page.get_by_role("button", name="Save and continue").click()


def describe(page: Any, title: str) -> str:
    """Begin an entry and go through its steps; returns its address."""
    page.goto("/catalogue/")
    page.get_by_role("link", name="Describe something").click()
    page.get_by_text("Dataset", exact=True).click()
    page.get_by_label("Its title").fill(title)
    page.get_by_role("button", name="Begin").click()
    page.get_by_label("Summary").fill("Bells of bicycles, recorded in the street.")
    page.get_by_label("Languages").fill("nl")
    save(page)
    page.get_by_label("Records").fill("many")
    save(page)
    page.locator(".error-summary").get_by_role("link", name="Write a whole number.").click()
    page.get_by_label("Records").fill("1200")
    save(page)
    page.locator("[name='owner.name']").fill("Bell collectors")
    page.locator("[name=licence]").fill("CC0-1.0")
    save(page)
    page.get_by_text("Place 1").click()
    page.locator("[name='distributions.0.storage']").select_option("http")
    page.locator("[name='distributions.0.location']").fill("https://example.org/bells.tar")
    save(page)
    page.get_by_role("heading", name="Ties to others").wait_for()
    page.get_by_role("button", name="Save, and to the end").click()
    page.get_by_role("button", name="Ask to publish it").click()
    page.get_by_text("Asked. A curator looks at it").wait_for()
    return re.sub(r"^https?://[^/]+", "", page.url)


def test_from_a_draft_to_being_found(enter: Any) -> None:
    founder, officer, anybody = enter("founder"), enter("officer"), enter()
    address = describe(founder, "Bicycle bells")
    assert anybody.goto(address).status == 404
    officer.goto("/catalogue/desk/")
    officer.get_by_role("link", name="Bicycle bells").click()
    officer.get_by_role("button", name="Publish…").click()
    officer.locator("dialog").get_by_role("button", name="Publish").click()
    officer.get_by_text("Published as version 1.").wait_for()
    anybody.goto("/catalogue/")
    anybody.get_by_label("Search the catalogue").fill("bicycle bells")
    anybody.get_by_role("button", name="Search").click()
    anybody.locator("tbody").get_by_role("link", name="Bicycle bells").click()
    anybody.get_by_text("Bells of bicycles, recorded in the street.").wait_for()


def test_no_page_of_an_entry_is_in_the_way(enter: Any) -> None:
    founder, officer = enter("founder"), enter("officer")
    address = describe(founder, "Bicycle bells again")
    code = address.rstrip("/").rpartition("/")[2]
    desk = f"/catalogue/desk/{code}/"
    # New on the desk, then published, then with a change that waits.
    stages: list[list[tuple[Any, str]]] = [
        [(officer, "/catalogue/desk/"), (officer, desk), (officer, f"{desk}publish/"), (officer, f"{desk}send-back/")],
        [
            (founder, address),
            (founder, f"{address}use/"),
            (founder, f"{address}retire/"),
            (founder, f"{address}versions/1/"),
            (founder, "/catalogue/?q=bells"),
            (founder, "/catalogue/?q=nothing-at-all"),
            (founder, "/catalogue/new/"),
            (founder, "/catalogue/mine/"),
            *((founder, f"{address}edit/{step}/") for step in STEPS),
        ],
        [(officer, desk), (founder, f"{address}?as=proposed"), (founder, f"{address}edit/check/")],
    ]
    found = []
    for number, pages in enumerate(stages):
        for width in (1440, 390):
            for page, one in pages:
                page.set_viewport_size({"width": width, "height": 900})
                assert page.goto(one).status == 200, one
                found += faults(page, width)
        if number == 0:
            officer.goto(f"{desk}publish/")
            officer.locator("main form").get_by_role("button", name="Publish").click()
        if number == 1:
            founder.goto(f"{address}edit/terms/")
            founder.locator("[name=licence]").fill("CC-BY-4.0")
            founder.get_by_role("button", name="Save, and to the end").click()
            founder.get_by_role("button", name="Ask to publish it").click()
    assert found == []


def test_what_is_asked_is_told_where_it_lacks(enter: Any) -> None:
    page = enter("founder", 390)
    page.goto("/catalogue/new/")
    page.get_by_role("button", name="Begin").click()
    page.locator(".error-summary").wait_for()
    assert faults(page, 390) == []


@pytest.mark.parametrize("width", [1440, 390])
def test_a_search_is_saved_changed_and_forgotten_and_its_pages_are_in_nobodys_way(enter: Any, width: int) -> None:
    founder = enter("founder", width)
    founder.goto("/catalogue/?q=speech")
    found = faults(founder, width)
    founder.get_by_role("link", name="Save this search").click()
    founder.get_by_label("What do you call it?").fill(f"Speech {width}")
    found += faults(founder, width)
    founder.get_by_role("button", name="Save", exact=True).click()
    founder.get_by_text("Saved. You are told by mail").wait_for()
    found += faults(founder, width)
    founder.get_by_role("link", name=f"Change Speech {width}").click()
    found += faults(founder, width)
    founder.get_by_label("What do you call it?").fill(f"Spoken {width}")
    founder.get_by_role("button", name="Save", exact=True).click()
    founder.get_by_text("is changed.").wait_for()
    forget = founder.get_by_role("link", name=f"Forget Spoken {width}").get_attribute("href")
    founder.goto(forget.removesuffix("forget/"))
    founder.get_by_text("Nothing new").wait_for()
    found += faults(founder, width)
    founder.goto(forget)
    found += faults(founder, width)
    founder.get_by_role("button", name="Forget").click()
    founder.get_by_text("is forgotten").wait_for()
    assert found == []
