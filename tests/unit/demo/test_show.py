"""`fabriek demo` on a terminal: the table, the promises, the certificate, and a link for each role that works once."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from fabriek.demo import show
from fabriek.demo.figures import lines
from fabriek.demo.world import ROLES, gather_people
from fabriek.people.actions import register_person
from fabriek.programmes.models import Promise

pytestmark = pytest.mark.django_db
LINK = re.compile(r"^  (\w+) +http://127\.0\.0\.1:8123(/sign-in/\S+)$", re.MULTILINE)


@pytest.fixture(autouse=True)
def _on_a_terminal(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.FABRIEK_FOLDER = tmp_path
    settings.EMAIL_FILE_PATH = str(tmp_path / "mail")
    # A table isn't cut because a terminal is narrow.
    monkeypatch.setenv("COLUMNS", "200")


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_it_prints_the_whole_way_and_the_second_time_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    show.run_and_show(8123)
    first = capsys.readouterr().out
    assert [role for role, _link in LINK.findall(first)] == [role for role, _name, _address in ROLES]
    rows = lines()
    assert {line.organisation_class for line in rows} > {""}
    for line in rows:
        figures = [f"{line.asked:,.0f}", f"{line.awarded:,.0f}", f"{line.used:,.3f}"]
        assert (line.organisation_class or line.programme, figures) in _rows_of(first)
    for name in Promise.objects.values_list("name", flat=True):
        assert name in first
    assert re.search(r"gap \d+\.\d{4}%, (optimal|gap|time)", first)
    assert "problem sha256" in first

    show.run_and_show(None)
    second = capsys.readouterr().out
    assert LINK.findall(second) == []
    assert "the main job on a demonstration" in first
    assert "the main job on a demonstration" not in second
    assert _tables(second) == _tables(first)


def test_each_link_signs_in_its_role_once_and_is_then_refused(capsys: pytest.CaptureFixture[str]) -> None:
    gather_people()
    show._links(show.Console(), 8123)
    links = dict(LINK.findall(capsys.readouterr().out))
    assert list(links) == [role for role, _name, _address in ROLES]
    for role, name, _address in ROLES:
        browser = Client()
        # The link opens a page with one button, so that a mail scanner that follows it uses nothing up.
        assert browser.get(links[role]).status_code == 200
        assert browser.post(links[role]).status_code == 302
        assert name in browser.get("/account/").content.decode()
        another = Client()
        refused = another.post(links[role], follow=True)
        assert refused.redirect_chain[-1][0] == "/sign-in/"
        assert name not in refused.content.decode().split("<main")[0]
        assert another.get("/account/").status_code == 302


def test_everybody_with_a_link_stands_on_the_sign_in_page_and_the_other_applicants_do_not(settings: Any) -> None:
    settings.FABRIEK_DEMO = True
    gather_people()
    register_person("applicant-1@demo.example", "Applicant of somebody", is_demo=True)
    page = Client().get("/sign-in/").content.decode()
    assert all(page.count(f'value="{address}"') == 1 for _role, _name, address in ROLES)
    assert "applicant-1" not in page


def _rows_of(printed: str) -> list[tuple[str, list[str]]]:
    """Each row of a table: its first cell, and its last three."""
    rows = [[cell.strip() for cell in row.strip("│┃").split("│")] for row in _tables(printed)]
    return [(row[0], row[-3:]) for row in rows]


def _tables(printed: str) -> list[str]:
    return [row for row in printed.splitlines() if "│" in row]
