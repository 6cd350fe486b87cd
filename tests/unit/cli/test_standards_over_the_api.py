"""`fabriek catalogue export` and `document`, against the whole platform."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.factories.catalogue import make_entry
from typer.testing import CliRunner

from fabriek.catalogue.standards import cards, dcat
from fabriek.cli.main import app
from fabriek.cli.remote import standards
from fabriek.conf.wsgi import application

pytestmark = pytest.mark.django_db
BASE = "http://testserver/catalogue/entries/"


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def request(method: str, url: str, **asked: Any) -> httpx.Response:
        with httpx.Client(transport=httpx.WSGITransport(app=application)) as client:
            return client.request(method, url, **asked)

    monkeypatch.setattr(httpx, "request", request)


def run(*words: str) -> Any:
    return CliRunner().invoke(app, ["catalogue", *words, "--url", "http://testserver"])


@pytest.mark.parametrize("ending", ["ttl", "jsonld", "rdf"])
def test_the_whole_catalogue_is_one_document(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str) -> None:
    monkeypatch.setattr(standards, "PER_PAGE", 2)
    entries = [make_entry(kind) for kind in ("dataset", "model", "story", "funding", "dataset")]
    file = tmp_path / f"catalogue.{ending}"
    told = run("export", str(file), "--json")
    assert json.loads(told.stdout)["entries"] == 5, told.output
    form: dcat.Form = {"ttl": "turtle", "jsonld": "json-ld", "rdf": "xml"}[ending]  # type: ignore[assignment]
    read = {record.code: record for record in dcat.read(file.read_text(), form, base=BASE).records}
    assert read == {entry.code: entry.as_record() for entry in entries}
    assert not dcat.next_page(dcat.graph_from(file.read_text(), form))


def test_a_file_of_no_known_ending_is_refused(tmp_path: Path) -> None:
    assert run("export", str(tmp_path / "catalogue.csv")).exit_code == 2


def test_one_entry_in_a_standard_is_printed() -> None:
    entry = make_entry("model")
    told = run("document", entry.code, "card")
    assert cards.read(told.stdout, "model").record == entry.as_record()
    assert json.loads(run("document", entry.code, "card", "--json").stdout)["standard"] == "card"
    assert run("document", entry.code, "croissant").exit_code == 1
    assert run("document", entry.code, "marc").exit_code == 2


def test_lineage_and_crate_are_for_who_may_read_the_project() -> None:
    """A stranger is told that it isn't there; what they say is tested with the routes (tests/api/test_lineages.py)."""
    assert run("lineage", "00000000-0000-4000-8000-000000000000").exit_code == 1
    assert run("crate", "nothing-here").exit_code == 1
