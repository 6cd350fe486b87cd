"""axe finds no violation of WCAG 2.2 A and AA on any page, for any role, on a desk's and on a phone's screen.

The desk reads English, the phone Dutch, whose words are longer. The last test holds the first ones to "any page": what
can be opened and was not is named there, with the reason.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.urls import Resolver404, resolve
from tests.browser.axe import violations
from tests.browser.conftest import door
from tests.browser.happenings import Happened, let_things_happen

from fabriek.portal.urls import urlpatterns

pytestmark = [pytest.mark.browser, pytest.mark.slow]
# What the page says of itself: its links, how wide it is, which figures don't fit their frame, whether it says that it
# is a demonstration; and its two parts as they are written, without what only the server reads, and where it is itself.
READ = """() => {
  const frame = document.documentElement.cloneNode(true), main = frame.querySelector("main");
  frame.querySelectorAll("footer a[href*='?from=']").forEach(link => { link.href = link.pathname; });
  frame.querySelectorAll("head, input[type=hidden]").forEach(part => part.remove());
  main.remove();
  main.dataset.theme = document.body.dataset.factoryTheme;
  const strip = document.querySelector(".demo-strip");
  return {
    main: main.outerHTML,
    frame: frame.outerHTML,
    wide: document.documentElement.scrollWidth,
    language: document.documentElement.lang,
    demo: !!strip && strip.checkVisibility(),
    cut: [...document.querySelectorAll(".stat")].filter(one => one.scrollWidth > one.clientWidth)
      .map(one => one.innerText.replace(/\\s+/g, " ")),
    links: [...document.querySelectorAll("a[href]")].map(link => link.getAttribute("href")),
  };
}"""
PEOPLE = ("", "founder", "reviewer", "officer", "operator", "board", "administrator")
SCREENS = ((1440, "en"), (390, "nl"))
WIDTHS = tuple(width for width, _language in SCREENS)
# What this file's tests looked at, and which of them ran: the last one reads it.
looked_at: set[str] = set()
ran: set[tuple[str, int]] = set()
# Parts of pages that axe has seen on a screen of a width: a page whose content and whose frame it knows is not looked
# at once more, as the same factory under another role's menu.
known: set[tuple[int, str]] = set()
visits: Counter[tuple[int, str]] = Counter()

NOT_LOOKED_AT = {
    "attachment": "a download",
    "decision_problem": "a download",
    "decision_plan": "a download",
    "scenario_problem": "a download",
    "scenario_plan": "a download",
    "entry_file": "a download",
    "my_catalogue_data": "a download",
    **dict.fromkeys(
        ("profile", "letters", "looks", "erase_profile", "write_to_profile", "hide_profile"),
        "a page of a profile that somebody shows; looked at in test_profiles",
    ),
    "study_slurm": "a download",
    **dict.fromkeys(("events_calendar", "event_calendar", "own_calendar"), "a calendar for programs"),
    **dict.fromkeys(
        ("entry", "entry_version", "use_entry", "edit_entry", "retire_entry"),
        "a page of an entry that somebody described; looked at in test_catalogue",
    ),
    **dict.fromkeys(
        ("curate_entry", "publish_entry", "send_back_entry"),
        "a page of an entry that waits; looked at in test_catalogue",
    ),
    **dict.fromkeys(
        ("save_search", "saved_search", "change_search", "forget_search"),
        "a page of a search that somebody keeps; looked at in test_catalogue",
    ),
    "openid_start": "a redirect to the provider",
    "openid_back": "a redirect from the provider",
    "openid_connect": "a redirect to the provider; its page is in test_openid",
    "scenario_now": "a part of the page `scenario`, loaded again into it",
    "study_now": "a part of the page `study`, loaded again into it",
    "weigh_floors": "a part of the page `ask_study`, loaded again into it",
    "delete_workload": "a page of a workload that no study is about; looked at in test_foresee",
    "inquiry_now": "a part of the page that asked, loaded again into it",
    "job_output": "a download, and what comes after a part of the page `job`",
    "job_task_output": "a download, and what comes after a part of the page `job_task`",
    "job_task": "a page of job arrays, which the demonstration has none of; looked at in test_jobs",
    "shares_total": "a part of the page `establish_shares`, loaded again into it",
    "result": "a page of jobs that report what they made, which the demonstration's don't; looked at in test_recipes",
    "results": "a page of such jobs too; looked at in test_recipes",
}


@pytest.fixture(scope="module")
def happened(portal: str, chromium: Any, demo_folder: Path) -> Happened:
    with door(portal, chromium) as enter:
        return let_things_happen(enter, demo_folder)


@pytest.mark.parametrize(("width", "language"), SCREENS)
@pytest.mark.parametrize("who", PEOPLE)
def test_no_page_is_in_the_way(
    enter: Any, portal: str, happened: Happened, who: str, width: int, language: str
) -> None:
    ran.add((who, width))
    page = enter(who, width)
    page.context.add_cookies([{"name": "django_language", "value": language, "url": portal}])
    todo, seen, faults = ["/", "/account/", "/sign-in/"], set(), []
    here: Counter[str] = Counter()
    while todo:
        address = todo.pop(0)
        # Everybody looks at one of each page, the first two at two: a factory with and one without its facts, say.
        # Another order of its table is the same one.
        path, name = urlsplit(address).path, name_of(address)
        enough = 1 if visits[width, name] >= 4 else 2
        if path in seen or here[name] >= enough or name in NOT_LOOKED_AT:
            continue
        seen.add(path)
        here[name] += 1
        visits[width, name] += 1
        found, read = look(page, address, width, language)
        faults += found
        todo += [link for link in read["links"] if link.startswith("/") and "format=csv" not in link]
    assert faults == []
    assert len(seen) >= 15


@pytest.mark.parametrize("width", WIDTHS)
def test_no_page_that_no_link_reaches_is_in_the_way(
    enter: Any, happened: Happened, demo_folder: Path, width: int
) -> None:
    ran.add(("by hand", width))
    draft, review, reviewer, task, data = happened
    founder, officer, nobody = enter("founder", width), enter("officer", width), enter("", width)
    faults = []
    for step in ("organisation", "request", "project", "data", "check"):
        faults += faults_at(founder, f"{draft}{step}/", width)
    for address in data:
        faults += faults_at(founder, address, width)
    faults += faults_at(enter(reviewer, width), review, width)
    faults += faults_at(officer, task, width)
    decision = newest(officer, "/decisions/", "decision-")
    scenario = newest(officer, "/scenarios/", "scenario-")
    faults += faults_at(officer, f"{decision}publish/", width)
    faults += faults_at(officer, f"{decision}discard/", width)
    for verb in ("initial", "send-back"):
        faults += faults_at(officer, f"{decision}{verb}/", width)
    faults += faults_at(officer, f"{scenario}choose/", width)
    science = newest(officer, "/calls/", "demo-science-").removeprefix("/calls/")
    faults += faults_at(officer, f"/desk/calls/{science}offer/", width)
    playground = newest(officer, "/calls/", "demo-playground-").removeprefix("/calls/")
    faults += faults_at(officer, f"/desk/calls/{playground}queue/decide/", width)
    faults += faults_at(founder, f"/calls/{playground}apply/", width)
    officer.goto("/scenarios/")
    for box in officer.locator("input[name=plan]").all()[:3]:
        box.check()
    officer.get_by_role("button", name="Compare").click()
    officer.get_by_role("heading", name="Scenarios side by side").wait_for()
    faults += faults_of(officer, width)
    faults += faults_at(enter("operator", width), "/operations/systems/molen/partitions/new/", width)
    operator = enter("operator", width)
    draft_event = newest(operator, "/desk/events/?state=draft", "checkpoints-that-survive")
    for verb in ("change", "publish", "discard"):
        faults += faults_at(operator, f"/desk{draft_event}{verb}/", width)
    event = newest(operator, "/desk/events/?state=published", "from-one-gpu-to-many")
    for verb in ("cancel", "participants"):
        faults += faults_at(operator, f"/desk{event}{verb}/", width)
    faults += faults_at(founder, f"{event}withdraw/", width)
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
    return look(page, address, width, status=status)[0]


def faults_of(page: Any, width: int) -> list[str]:
    """What is wrong with the page that is open."""
    return look(page, "", width)[0]


def look(page: Any, address: str, width: int, language: str = "en", status: int = 200) -> tuple[list[str], Any]:
    """What is wrong with the page at this address (none: the one that is open), and what it says of itself."""
    if address:
        response = page.goto(address)
        assert response.status == status, f"{address}: {response.status}"
        assert "text/html" in response.headers["content-type"], f"{address} is no page: say so under NOT_LOOKED_AT"
    address = urlsplit(page.url).path
    looked_at.add(name_of(address))
    read = page.evaluate(READ)
    faults = []
    parts = {(width, read["main"]), (width, read["frame"])}
    if not parts <= known:
        faults += [f"{address}: {violation}" for violation in violations(page)]
        known.update(parts)
    if read["wide"] > width:
        faults.append(f"{address}: scrolls sideways, {read['wide']} of {width}")
    if read["language"] != language:
        faults.append(f"{address}: is in {read['language']}, not in {language}")
    faults += [f"{address}: cut off at the side: {words}" for words in read["cut"]]
    if not read["demo"]:
        faults.append(f"{address}: does not say that it is a demonstration")
    return faults, read


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
