"""What fits, over the API and by the command."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from tests.api.test_rest import client_of
from tests.factories.catalogue import make_entry
from tests.factories.world import make_allocation, make_draft, make_person, make_world

from fabriek.access.actions import save_draft
from fabriek.access.models import Application
from fabriek.cli.main import app

pytestmark = pytest.mark.django_db


@pytest.fixture
def application() -> Application:
    make_entry(code="speech", title="Speech", tasks=["automatic-speech-recognition"], licence="CC-BY-NC-4.0")
    draft = make_draft(make_world())
    return save_draft(draft.applicant, draft, draft.version, title="Speech recognition")


def test_an_application_is_told_what_fits_with_why_as_data_and_in_words(application: Application) -> None:
    answer = client_of(application.applicant).get(f"/api/v1/applications/{application.code}/matches").json()
    assert "task:speech-recognition" in answer["needs"]["named"]
    data = answer["sections"][0]
    assert (data["section"], data["title"]) == ("data", "Data")
    (match,) = data["matches"]
    assert match["entry"] == "speech"
    assert match["reasons"] == [
        {
            "code": "task",
            "values": {"concepts": ["task:speech-recognition"]},
            "sentence": "For what you do: speech recognition.",
        },
        {"code": "alike", "values": {"place": 1}, "sentence": "Found when your title is searched."},
    ]
    assert [one["code"] for one in match["remarks"]] == ["licence-non-commercial"]
    assert all(not section["matches"] for section in answer["sections"][1:])


def test_a_stranger_is_told_that_it_is_not_there(application: Application) -> None:
    stranger = client_of(make_person())
    for code in (application.code, "nothing-here"):
        assert stranger.get(f"/api/v1/applications/{code}/matches").status_code == 404
        assert stranger.get(f"/api/v1/projects/{code}/matches").status_code == 404


def test_the_page_says_it_in_the_language_of_its_reader(application: Application) -> None:
    client = Client()
    client.force_login(application.applicant)
    page = client.get(f"/applications/{application.code}/").content.decode()
    assert f"/applications/{application.code}/matches/" in page
    shown = client.get(f"/applications/{application.code}/matches/").content.decode()
    assert "For what you do: speech recognition." in shown
    assert "/catalogue/entries/speech/" in shown
    assert "Not for commercial use" in shown
    client.cookies["django_language"] = "nl"
    assert "spraakherkenning" in client.get(f"/applications/{application.code}/matches/").content.decode()


def test_a_project_has_its_page_for_its_members_alone() -> None:
    project = make_allocation(make_world()).project
    make_entry("funding", code="grant", details={"classes": [project.organisation_class]})
    client = Client()
    client.force_login(project.members.get().person)
    assert f"/projects/{project.code}/matches/" in client.get(f"/projects/{project.code}/").content.decode()
    assert "/catalogue/entries/grant/" in client.get(f"/projects/{project.code}/matches/").content.decode()
    client.force_login(make_person())
    assert client.get(f"/projects/{project.code}/matches/").status_code == 404


def test_where_nothing_is_said_the_page_asks_for_more() -> None:
    draft = make_draft(make_world())
    said = dict.fromkeys(("title", "summary", "method", "data_statement"), "A plan.")
    draft = save_draft(draft.applicant, draft, draft.version, **said)
    client = Client()
    client.force_login(draft.applicant)
    shown = client.get(f"/applications/{draft.code}/matches/").content.decode()
    assert "Its texts name little that can be looked for" in shown
    assert "Nothing fits yet" in shown


def test_the_command_prints_what_the_api_says(monkeypatch: pytest.MonkeyPatch) -> None:
    from typer.testing import CliRunner

    asked: list[str] = []
    reason: dict[str, Any] = {"code": "task", "values": {}, "sentence": "For it."}
    match = {"entry": "speech", "title": "Speech", "reasons": [reason], "remarks": []}

    def answer(method: str, url: str, token: str, path: str) -> dict[str, Any]:
        asked.append(path)
        return {"needs": {}, "sections": [{"section": "data", "title": "Data", "matches": [match]}]}

    monkeypatch.setattr("fabriek.cli.remote.matching.ask", answer)
    for words in (["project", "matches", "p"], ["application", "matches", "a"]):
        result = CliRunner().invoke(app, words)
        assert result.exit_code == 0
        assert "speech" in result.output
        assert "For it." in result.output
    assert asked == ["/projects/p/matches", "/applications/a/matches"]
