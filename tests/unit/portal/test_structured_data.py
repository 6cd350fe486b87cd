"""What an entry's page tells programs: the same as the API, and no way out of its script."""

from __future__ import annotations

import json
from html.parser import HTMLParser

import pytest
from django.test import Client
from tests.factories.catalogue import make_entry, make_record
from tests.factories.world import make_person

from fabriek.catalogue.actions import draft_entry
from fabriek.catalogue.record import KINDS
from fabriek.catalogue.rules import PERSONAL

pytestmark = pytest.mark.django_db


class Page(HTMLParser):
    """The texts of a page's data blocks, and all scripts by their address."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.data: list[str] = []
        self.scripts: list[str] = []
        self._inside = False
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "script":
            said = dict(attrs)
            self._inside = said.get("type") == "application/ld+json"
            if self._inside:
                self.data.append("")
            else:
                self.scripts.append(said.get("src") or "")

    def handle_endtag(self, tag: str) -> None:
        self._inside = self._inside and tag != "script"

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.data[-1] += data


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in PERSONAL])
def test_a_page_says_what_the_api_says(kind: str) -> None:
    entry = make_entry(kind, title="One </script><script>alert(1)</script>", keywords=["a & b"])
    page = Page(Client().get(f"/catalogue/entries/{entry.code}/").content.decode())
    told = Client().get(f"/api/v1/catalogue/entries/{entry.code}/as/schema-org").json()
    assert [json.loads(text) for text in page.data] == [told]
    assert told["name"] == entry.title
    assert all(page.scripts), "a script without an address is one that a text began"


def test_a_draft_s_page_tells_programs_nothing() -> None:
    steward = make_person()
    draft = draft_entry(steward, make_record("dataset"))
    client = Client()
    client.force_login(steward)
    assert Page(client.get(f"/catalogue/entries/{draft.code}/").content.decode()).data == []
