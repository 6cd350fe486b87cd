"""Dutch is complete: nothing untranslated, nothing doubtful, and the same blanks to fill in."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from django.test import Client

PO = Path(__file__).parents[3] / "src/fabriek/portal/locale/nl/LC_MESSAGES/django.po"
BLANKS = re.compile(r"%\(\w+\)s|%%s|<[^>]+>")


def test_every_text_has_its_dutch_with_the_same_blanks() -> None:
    with PO.open("rb") as file:
        catalogue = read_po(file)
    for message in catalogue:
        if not message.id:
            continue
        assert not message.fuzzy, message.id
        if isinstance(message.id, str):
            assert message.string, message.id
            assert sorted(BLANKS.findall(message.id)) == sorted(BLANKS.findall(str(message.string))), message.id
        else:
            assert all(message.string), message.id


@pytest.mark.django_db
def test_pages_speak_dutch() -> None:
    page = Client(headers={"Accept-Language": "nl"}).get("/").content.decode()
    assert '<html lang="nl"' in page
    assert "Wat kan ik krijgen?" in page
