"""axe finds no violation of WCAG 2.2 A and AA on any page, for any role, on a desk's and on a phone's screen.

The last test holds the first ones to "any page": what can be opened and was not is named there, with the reason.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.urls import Resolver404, resolve
from tests.browser.conftest import door
from tests.browser.happenings import let_things_happen

from fabriek.portal.urls import urlpatterns

pytestmark = pytest.mark.browser
# axe-core 4.14.1 (npm, MPL-2.0), as the asset build installs it.
AXE = (Path(__file__).parent / "axe.min.js").read_text(encoding="utf-8")
RUN = """async () => (await axe.run(document, {
    resultTypes: ["violations"], runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
  })).violations.map(v => v.id + ": " + v.nodes.slice(0, 3).map(n => n.target.join(" ")).join(" | "))"""
PEOPLE = ("", "founder", "reviewer", "officer", "operator", "board", "administrator")
WIDTHS = (1440, 390)
# What this file's tests looked at, and which of them ran: the last one reads it.
looked_at: set[str] = set()
ran: set[tuple[str, int]] = set()

NOT_LOOKED_AT = {
    "task": "a page, but only of work on more applications at once than the demonstration has waiting",
    "attachment": "a download",
    "decision_problem": "a download",
    "decision_plan": "a download",
    "scenario_problem": "a download",
    "scenario_plan": "a download",
    "openid_start": "a redirect to the provider",
    "openid_back": "a redirect from the provider",
    "openid_connect": "a redirect to the provider; its page is in test_openid",
    "scenario_now": "a part of the page `scenario`, loaded again into it",
    "inquiry_now": "a part of the page that asked, loaded again into it",
    "shares_total": "a part of the page `establish_shares`, loaded again into it",
}


@pytest.fixture(scope="module")
def happened(portal: str, chromium: Any) -> tuple[str, str, str]:
    with door(portal, chromium) as enter:
        return let_things_happen(enter)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("who", PEOPLE)
def test_no_page_is_in_the_way(enter: Any, happened: Any, who: str, width: int) -> None:
    ran.add((who, width))
    page = enter(who, width)
    todo, seen, faults = ["/", "/account/", "/sign-in/"], set(), []
    visits: dict[str, int] = {}
    while todo:
        address = todo.pop(0)
        # Two of each page are enough: a factory with and one without its facts, say. Another order of its table is
        # the same one.
        path, name = urlsplit(address).path, name_of(address)
        if path in seen or visits.get(name, 0) >= 2 or name in NOT_LOOKED_AT:
            continue
        seen.add(path)
        visits[name] = visits.get(name, 0) + 1
        faults += faults_at(page, address, width)
        links = page.eval_on_selector_all("a[href]", "links => links.map(link => link.getAttribute('href'))")
        todo += [link for link in links if link.startswith("/") and "format=csv" not in link]
    assert faults == []
    assert len(seen) >= 15


@pytest.mark.parametrize("width", WIDTHS)
def test_no_page_that_no_link_reaches_is_in_the_way(
    enter: Any, happened: tuple[str, str, str], demo_folder: Path, width: int
) -> None:
    ran.add(("by hand", width))
    draft, review, reviewer = happened
    founder, officer, nobody = enter("founder", width), enter("officer", width), enter("", width)
    faults = []
    for step in ("organisation", "request", "project", "data", "check"):
        faults += faults_at(founder, f"{draft}{step}/", width)
    faults += faults_at(enter(reviewer, width), review, width)
    decision = newest(officer, "/decisions/", "decision-")
    scenario = newest(officer, "/scenarios/", "scenario-")
    faults += faults_at(officer, f"{decision}publish/", width)
    faults += faults_at(officer, f"{decision}discard/", width)
    faults += faults_at(officer, f"{scenario}choose/", width)
    science = newest(officer, "/calls/", "demo-science-").removeprefix("/calls/")
    faults += faults_at(officer, f"/desk/calls/{science}offer/", width)
    officer.goto("/scenarios/")
    for box in officer.locator("input[name=plan]").all()[:3]:
        box.check()
    officer.get_by_role("button", name="Compare").click()
    faults += faults_of(officer, width)
    faults += faults_at(enter("operator", width), "/operations/systems/molen/partitions/new/", width)
    faults += faults_at(founder, "/people/", width, 403)
    faults += faults_at(nobody, "/nothing/here/", width, 404)
    # Forms with errors.
    officer.goto("/programmes/reallocate/")
    founder.goto(f"{draft}request/")
    founder.get_by_label("GPU-hours").first.fill("9000")
    for page in (officer, founder):
        page.locator("main form").get_by_role("button", name=re.compile("^(Move|Save and continue)")).click()
        page.locator(".error-summary").wait_for()
        faults += faults_of(page, width)
    nobody.goto("/sign-in/")
    nobody.locator("#id_email").fill("second-officer@demo.example")
    nobody.locator("form:has(#id_email) button").click()
    nobody.get_by_text("second-officer@demo.example").wait_for()
    faults += faults_of(nobody, width)
    faults += faults_at(nobody, mailed_link(demo_folder), width)
    assert faults == []


def test_every_page_was_looked_at() -> None:
    if ran < {(who, width) for who in (*PEOPLE, "by hand") for width in WIDTHS}:
        pytest.skip("not all of this file's tests ran")
    pages = {pattern.name for pattern in urlpatterns if "GET" in pattern.callback.methods}  # type: ignore[union-attr]
    assert pages - looked_at == set(NOT_LOOKED_AT)


def faults_at(page: Any, address: str, width: int, status: int = 200) -> list[str]:
    """What is wrong with the page at this address."""
    response = page.goto(address)
    assert response.status == status, f"{address}: {response.status}"
    assert "text/html" in response.headers["content-type"], f"{address} is no page: say so under NOT_LOOKED_AT"
    return faults_of(page, width)


def faults_of(page: Any, width: int) -> list[str]:
    """What is wrong with the page that is open."""
    address = urlsplit(page.url).path
    looked_at.add(name_of(address))
    page.evaluate(AXE)
    faults = [f"{address}: {violation}" for violation in page.evaluate(RUN)]
    if (wide := page.evaluate("document.documentElement.scrollWidth")) > width:
        faults.append(f"{address}: scrolls sideways, {wide} of {width}")
    if not page.locator(".demo-strip").is_visible():
        faults.append(f"{address}: does not say that it is a demonstration")
    return faults


def name_of(address: str) -> str:
    """The page's name in the routes: `/factories/lumi/` and `/factories/it4lia/` are one; what is no page has none."""
    try:
        return resolve(urlsplit(address).path).url_name or ""
    except Resolver404:
        return ""


def newest(page: Any, address: str, code: str) -> str:
    """The address of the newest thing of a list."""
    page.goto(address)
    return str(page.locator(f"main a[href*='/{code}']").first.get_attribute("href"))


def mailed_link(folder: Path) -> str:
    """The sign-in link's path, in the mail that was written last."""
    mail = max((folder / "mail").iterdir(), key=lambda file: file.stat().st_mtime)
    found = re.search(r"/sign-in/\S+", mail.read_text(encoding="utf-8"))
    assert found
    return found[0]
