"""axe-core on an open page: what it finds of WCAG 2.2 A and AA, and whether the page fits its screen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

# axe-core 4.14.1 (npm, MPL-2.0), as the asset build installs it.
_AXE = (Path(__file__).parent / "axe.min.js").read_text(encoding="utf-8")
_RUN = """async () => (await axe.run(document, {
    resultTypes: ["violations"], runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
  })).violations.map(v => v.id + ": " + v.nodes.slice(0, 3).map(n => n.target.join(" ")).join(" | "))"""


def violations(page: Any) -> list[str]:
    """Each rule that the page breaks, with the first three places."""
    page.evaluate(_AXE)
    return [str(violation) for violation in page.evaluate(_RUN)]


def checked(page: Any, width: int) -> None:
    """The page breaks no rule, and is no wider than the screen."""
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
