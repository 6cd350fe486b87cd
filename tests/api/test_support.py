"""Questions over the API and by the command: the same rules as on the pages."""

from __future__ import annotations

import pytest
from tests.api.test_rest import client_of
from tests.factories.world import make_partition, make_person

pytestmark = pytest.mark.django_db


def test_a_question_from_asking_to_closing() -> None:
    operator, founder = make_person("operator"), make_person()
    here, there = make_partition(operator)[0], make_partition(operator)[0]
    asker, expert = client_of(founder, "read", "ask"), client_of(operator, "read", "ask")
    body = {
        "factory": here.code,
        "subject": "Out of memory",
        "text": "My job ends at once.",
        "page": "/projects/aurora/",
        "about_kind": "project",
        "about": "aurora",
    }
    made = asker.post("/api/v1/tickets", body, content_type="application/json").json()
    assert (made["state"], made["about_kind"], made["about"]) == ("open", "project", "aurora")
    path = f"/api/v1/tickets/{made['number']}"
    assert [one["number"] for one in expert.get("/api/v1/desk/tickets").json()["items"]] == [made["number"]]

    def post(client: object, verb: str, **said: str) -> dict[str, object]:
        answer = client.post(f"{path}/{verb}", said, content_type="application/json")  # type: ignore[attr-defined]
        assert answer.status_code == 200, answer.content
        return answer.json()  # type: ignore[no-any-return]

    moved = post(expert, "hand-over", factory=there.code, why="Theirs.")
    assert moved["factory"] == there.code
    assert [one["from_factory"] for one in moved["handovers"]] == [here.code]  # type: ignore[attr-defined]
    assert post(expert, "messages", text="Halve the batch.")["state"] == "answered"
    assert expert.get("/api/v1/desk/tickets").json()["total"] == 0
    assert expert.get("/api/v1/desk/tickets?state=answered").json()["total"] == 1
    assert expert.get("/api/v1/desk/tickets?state=all&sort=-since").json()["total"] == 1
    assert expert.get("/api/v1/desk/tickets?state=gone").status_code == 422
    said = asker.get(f"{path}/messages").json()["items"]
    assert [(one["text"], one["is_answer"]) for one in said] == [
        ("My job ends at once.", False),
        ("Halve the batch.", True),
    ]
    assert post(asker, "close")["state"] == "closed"
    assert post(asker, "reopen", why="It came back.")["state"] == "open"
    assert client_of(make_person(), "read").get(path).status_code == 404


def test_what_does_not_hold_is_said_by_its_field_and_a_token_needs_its_scope() -> None:
    factory = make_partition(make_person("operator"))[0]
    founder = make_person()
    body = {"factory": factory.code, "subject": "Hello", "text": "Hello?", "page": "//evil.example/"}
    refused = client_of(founder, "ask").post("/api/v1/tickets", body, content_type="application/json")
    assert (refused.status_code, set(refused.json()["faults"])) == (422, {"page"})
    read_only = client_of(founder, "read").post("/api/v1/tickets", body, content_type="application/json")
    assert read_only.status_code == 403
    unknown = {**body, "page": "", "factory": "nothing-here"}
    assert (
        client_of(founder, "ask").post("/api/v1/tickets", unknown, content_type="application/json").status_code == 404
    )
