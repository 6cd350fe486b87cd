"""The front door with its answers, and lists that are sorted: axe finds nothing, nothing scrolls sideways."""

from __future__ import annotations

from typing import Any

import pytest
from tests.browser.axe import violations

pytestmark = pytest.mark.browser
DOOR = "/what-can-i-get/?who=startup&purpose=train"
PAGES = (
    ("", f"{DOOR}&country=NL&size=estimate&parameters=7&tokens=100"),
    ("", f"{DOOR}&country=ZZ&size=unknown"),
    ("", f"{DOOR}&country=CH&size=hours&factories=demo"),
    ("founder", f"{DOOR}&country=NL&size=hours&gpu_hours=900&factories=demo"),
    ("", "/factories/?sort=-stage"),
    ("", "/calls/?sort=closes"),
    ("founder", "/applications/?sort=-asked"),
    ("founder", "/projects/?sort=left"),
    ("reviewer", "/reviews/?sort=title"),
    ("officer", "/decisions/?sort=-ready&decisions=-awarded"),
    ("operator", "/operations/?sort=-waiting"),
    ("operator", "/operations/usage/?sort=booked"),
    ("administrator", "/people/?sort=organisation"),
    ("administrator", "/audit/?sort=who"),
)


@pytest.mark.parametrize("width", [1440, 390])
def test_answers_and_sorted_lists_are_in_nobodys_way(enter: Any, width: int) -> None:
    faults, pages = [], {}
    for who, address in PAGES:
        page = pages.setdefault(who, None) or enter(who, width)
        pages[who] = page
        response = page.goto(address)
        assert response.status == 200, address
        faults += [f"{address}: {violation}" for violation in violations(page)]
        wide = page.evaluate("document.documentElement.scrollWidth")
        if wide > width:
            faults.append(f"{address}: scrolls sideways, {wide} of {width}")
    assert faults == []


def test_the_door_answers_while_one_fills_it_in(enter: Any) -> None:
    page = enter("founder")
    page.goto("/what-can-i-get/")
    page.get_by_label("I don't know yet").check()
    page.get_by_role("heading", name="What fits").wait_for()
    assert not page.get_by_label("Tokens of your data").is_visible()
    page.get_by_label("Where is your organisation established?").select_option(label="Another country")
    page.get_by_text("Find a partner who is established there").wait_for()
    page.get_by_label("Where is your organisation established?").select_option(label="Finland")
    page.get_by_role("button", name="Apply").first.click()
    page.wait_for_url("**/applications/*/organisation/")


def test_a_header_sorts_with_a_click_and_back_with_another(enter: Any) -> None:
    for width in (1440, 390):
        page = enter("", width)
        page.goto("/factories/")
        first = page.locator("#all tbody th a").first
        before = first.inner_text()
        page.locator("#all").get_by_role("link", name="Factory", exact=True).click()
        page.wait_for_url("**/factories/?sort=-name#all")
        assert first.inner_text() != before
        assert page.locator("#all th[aria-sort='descending']").count() == 1
        page.locator("#all").get_by_role("link", name="Factory", exact=True).click()
        page.wait_for_url("**/factories/?sort=name#all")
        assert first.inner_text() == before


def test_wide_pages_are_in_line_with_the_header(enter: Any) -> None:
    for width in (1440, 1920):
        page = enter("officer", width)
        page.goto("/audit/")
        header = page.locator(".site-header .brand").bounding_box()
        table = page.locator(".table-scroll").first.bounding_box()
        tools = page.locator(".site-nav__tools").bounding_box()
        assert abs(header["x"] - table["x"]) < 1
        assert abs(tools["x"] + tools["width"] - table["x"] - table["width"]) < 1


def test_the_header_is_one_line_or_a_menu(enter: Any) -> None:
    page = enter("officer", 1440)
    for language in ("en", "nl"):
        page.set_viewport_size({"width": 1440, "height": 900})
        page.goto("/calls/")
        page.locator(f".language button[value='{language}']").click()
        page.wait_for_load_state()
        for width in (1440, 1280, 1200):
            page.set_viewport_size({"width": width, "height": 900})
            parts = page.locator(".site-nav li a, .language, .account__name, .account button").all()
            middles = [box["y"] + box["height"] / 2 for part in parts if (box := part.bounding_box())]
            assert len(middles) == 10
            assert max(middles) - min(middles) < 4, (language, width)
            assert page.locator(".site-header").bounding_box()["height"] < 72, (language, width)
            assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.set_viewport_size({"width": 1024, "height": 900})
        assert page.locator(".menu-button").is_visible()
        assert not page.locator(".site-nav li a").first.is_visible()


def test_a_title_without_a_space_breaks(enter: Any) -> None:
    lengthen = "(part, word) => { part.textContent = word }"
    for width in (1440, 390):
        page = enter("founder", width)
        page.goto("/applications/")
        title = page.locator("tbody th a").first
        title.evaluate(lengthen, "Unbroken" * 25)
        table = page.locator(".table-scroll").first
        assert table.evaluate("part => part.scrollWidth - part.clientWidth") <= 0, width
        page.goto(title.get_attribute("href"))
        page.locator(".breadcrumbs li").last.evaluate(lengthen, "Unbroken" * 25)
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_records_on_a_phone_fit_and_their_values_are_in_line(enter: Any) -> None:
    page = enter("officer", 390)
    page.goto("/programmes/")
    for table in page.locator(".table-scroll").all():
        assert table.evaluate("part => part.scrollWidth - part.clientWidth") <= 0
    page.goto("/catalogue/")
    cells = page.locator(".table--records td[data-label]").all()
    assert cells
    assert {cell.evaluate("part => getComputedStyle(part).textAlign") for cell in cells[:20]} == {"start"}


def test_a_score_of_a_hundred_is_drawn_within_the_axis(enter: Any) -> None:
    page = enter("officer", 1440)
    page.goto("/decisions/")
    page.locator("tbody th a[href^='/decisions/decision-']").first.click()
    plot = page.locator("figure svg[aria-label='Scores']")
    plot.scroll_into_view_if_needed()
    ends = "part => Math.max(...[...part.querySelectorAll('rect')].map(bar => bar.getBoundingClientRect().right))"
    hundred = plot.get_by_text("100", exact=True).last.bounding_box()
    assert plot.evaluate(ends) <= hundred["x"] + hundred["width"] / 2 + 1


def test_what_a_job_wrote_opens_at_its_end_and_errors_wrap(enter: Any) -> None:
    page = enter("founder", 390)
    page.goto("/projects/?sort=left")
    address = page.locator("tbody th a").first.get_attribute("href")
    page.goto(f"{address}jobs/")
    page.locator("tbody th a").first.click()
    page.wait_for_url("**/jobs/*-*/")
    # The demonstration's jobs write a line: here is one that wrote a lot, as the server would have sent it.
    page.route("**/jobs/*/", _long)
    page.reload()
    assert page.locator("#output").evaluate("part => part.scrollTop + part.clientHeight >= part.scrollHeight - 1")
    assert page.locator("#output").evaluate("part => part.scrollTop") > 0
    page.locator("#output").evaluate("part => part.replaceChildren('Error: ' + 'x'.repeat(900))")
    assert page.locator("#output").evaluate("part => part.scrollWidth > part.clientWidth")
    page.locator("#output").evaluate("part => part.classList.add('output--wraps')")
    assert page.locator("#output").evaluate("part => part.scrollWidth <= part.clientWidth")


def _long(route: Any) -> None:
    response = route.fetch()
    body = response.text()
    start = body.index('<pre class="output" id="output"')
    start = body.index(">", body.index("data-ended", start)) + 1
    route.fulfill(response=response, body=body[:start] + "a step\n" * 400 + body[start:])
