"""axe finds no violation of WCAG 2.2 A and AA on any page, for any role, on a desk's and on a phone's screen."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.browser
# axe-core 4.14.1 (npm, MPL-2.0), as the asset build installs it.
AXE = (Path(__file__).parent / "axe.min.js").read_text(encoding="utf-8")
RUN = """async () => (await axe.run(document, {runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}))
  .violations.map(v => v.id + ": " + v.nodes.slice(0, 3).map(n => n.target.join(" ")).join(" | "))"""
PEOPLE = ("", "founder", "reviewer", "officer", "operator", "board", "administrator")


@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("who", PEOPLE)
def test_no_page_is_in_the_way(enter: Any, portal: str, who: str, width: int) -> None:
    page = enter(who, width)
    todo, seen, faults = ["/", "/account/", "/sign-in/"], set(), []
    seen_kinds: dict[str, int] = {}
    while todo:
        address = todo.pop(0)
        # Two of each kind are enough: a factory with and one without its facts, say.
        if address in seen or seen_kinds.get(shape := shape_of(address), 0) >= 2:
            continue
        seen.add(address)
        seen_kinds[shape] = seen_kinds.get(shape, 0) + 1
        response = page.goto(address)
        if response is None or "text/html" not in response.headers.get("content-type", ""):
            continue
        assert response.status < 400, f"{address}: {response.status}"
        page.evaluate(AXE)
        faults += [f"{address}: {violation}" for violation in page.evaluate(RUN)]
        wide = page.evaluate("document.documentElement.scrollWidth")
        if wide > width:
            faults.append(f"{address}: scrolls sideways, {wide} of {width}")
        links = page.eval_on_selector_all("a[href]", "links => links.map(link => link.getAttribute('href'))")
        todo += [link for link in links if link.startswith("/") and not re.search(r"\.(json|csv)|format=csv", link)]
    assert faults == []
    assert len(seen) >= 15


def shape_of(address: str) -> str:
    """`/factories/lumi/` and `/factories/it4lia/` are one kind of page."""
    path = address.partition("?")[0]
    parts = [part for part in path.split("/") if part]
    fixed = {"new", "jobs", "apply", "applications", "members", "organisation", "request", "project", "data", "check"}
    fixed |= {"queue", "offer", "returns", "changes", "hours"}
    return "/".join(part if n == 0 or part in fixed else "*" for n, part in enumerate(parts)) or "/"
