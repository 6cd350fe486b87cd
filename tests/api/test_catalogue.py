"""The catalogue over the API: from a draft to being found, who sees what, and what is refused by field."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from tests.api.test_rest import client_of, post
from tests.factories.catalogue import make_entry, make_record
from tests.factories.world import make_person

from fabriek.catalogue import uploads
from fabriek.catalogue.actions import ask_to_publish, draft_entry, edit_entry, look_for_news
from fabriek.catalogue.models import Entry
from fabriek.catalogue.search import feeding

pytestmark = pytest.mark.django_db
SCOPES = ("read", "describe", "curate")


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Any, settings: Any) -> None:
    stores = dict(settings.STORAGES)
    stores["uploads"] = {**stores["uploads"], "OPTIONS": {**stores["uploads"]["OPTIONS"], "location": tmp_path}}
    settings.STORAGES = stores


def address(entry: Entry, rest: str = "") -> str:
    return f"/catalogue/entries/{entry.code}{rest}"


def put(client: Client, entry: Entry, record: Any, **headers: str) -> Any:
    body = json.dumps({"record": record})
    return client.put(f"/api/v1{address(entry)}", body, content_type="application/json", headers=headers)


def test_a_draft_is_asked_published_and_found() -> None:
    steward, curator = client_of(make_person(), *SCOPES), client_of(make_person("officer"), *SCOPES)
    record = make_record(title="Frisian speech", languages=["fy"], tasks=["speech-recognition"]).as_json()
    made = post(steward, "/catalogue/entries", {"record": record})
    assert made.status_code == 200, made.content
    code = made.json()["code"]
    assert Client().get(f"/api/v1/catalogue/entries/{code}").status_code == 404
    assert post(steward, f"/catalogue/entries/{code}/ask").json()["asked_at"]
    waiting = curator.get("/api/v1/catalogue/entries?state=waiting").json()["items"]
    assert [row["code"] for row in waiting] == [code]
    assert post(steward, f"/catalogue/entries/{code}/publish").status_code == 403
    assert post(curator, f"/catalogue/entries/{code}/publish").json()["published"] == 1
    found = Client().get("/api/v1/catalogue/entries?q=speech+frisian&language=fy&task=speech-recognition").json()
    assert [row["code"] for row in found["items"]] == [code]
    shown = Client().get(f"/api/v1/catalogue/entries/{code}")
    assert shown.json()["record"] == record
    assert shown["ETag"] == f'"{shown.json()["sha256"]}"'
    version = Client().get(f"/api/v1/catalogue/entries/{code}/versions/1").json()
    assert version["record"] == record
    assert Client().get(f"/api/v1/catalogue/entries/{code}/versions").json()["total"] == 1


def test_each_row_says_why_it_was_found() -> None:
    make_entry(title="Frisian poems", summary="Poems.")
    make_entry(title="Saxon <i>", summary="Frisian too.")
    found = Client().get("/api/v1/catalogue/entries?q=frisain&sort=title").json()
    assert found["corrected"] == {"frisain": "frisian"}
    assert found["relaxed"] is False
    why = [row["why"] for row in found["items"]]
    assert why[0]["title"] == [{"text": "Frisian", "marked": True}, {"text": " poems", "marked": False}]
    assert why[1]["title"] == [{"text": "Saxon <i>", "marked": False}]
    assert why[1]["snippet"][0] == {"text": "Frisian", "marked": True}
    exact = Client().get("/api/v1/catalogue/entries?q=frisain&exact=true").json()
    assert (exact["total"], exact["corrected"]) == (0, {})
    assert Client().get("/api/v1/catalogue/entries?q=frisian+saxon+poems").json()["relaxed"] is True


def test_a_search_is_kept_tells_what_is_new_and_is_forgotten() -> None:
    client, stranger = client_of(make_person(), *SCOPES), client_of(make_person(), *SCOPES)
    made = post(client, "/catalogue/searches", {"name": "Mine", "q": "frisian", "sector": "culture", "exact": True})
    assert made.status_code == 200, made.content
    assert made.json()["asked"] == {"q": "frisian", "exact": "1", "sector": ["culture"]}
    assert made.json()["query"] == "q=frisian&sector=culture&exact=1"
    assert post(client, "/catalogue/searches", {"name": "Nothing"}).json()["faults"].keys() == {"q"}
    number = made.json()["number"]
    new = make_entry(title="Frisian poems", sectors=["culture"])
    make_entry(title="Frisian fields", sectors=["agriculture"])
    feeding.reconcile()
    look_for_news()
    assert [row["new"] for row in client.get("/api/v1/catalogue/searches").json()["items"]] == [1]
    news = client.get(f"/api/v1/catalogue/searches/{number}/news").json()["items"]
    assert [row["code"] for row in news] == [new.code]
    repeated = Client().get(f"/api/v1/catalogue/entries?{made.json()['query']}").json()
    assert [row["code"] for row in repeated["items"]] == [new.code]
    assert stranger.get("/api/v1/catalogue/searches").json()["total"] == 0
    assert stranger.get(f"/api/v1/catalogue/searches/{number}/news").status_code == 404
    assert stranger.delete(f"/api/v1/catalogue/searches/{number}").status_code == 404
    assert post(stranger, f"/catalogue/searches/{number}/seen").status_code == 404
    assert post(client, f"/catalogue/searches/{number}/seen").json() == {"seen": 1}
    assert client.get("/api/v1/catalogue/searches").json()["items"][0]["new"] == 0
    changed = {"name": "Ours", "q": "frisian", "kind": ["dataset", "model"]}
    put = {"data": json.dumps(changed), "content_type": "application/json"}
    assert stranger.put(f"/api/v1/catalogue/searches/{number}", **put).status_code == 404
    answer = client.put(f"/api/v1/catalogue/searches/{number}", **put).json()
    assert (answer["name"], answer["query"]) == ("Ours", "q=frisian&kind=dataset&kind=model")
    assert client.delete(f"/api/v1/catalogue/searches/{number}").status_code == 204
    assert client.get(f"/api/v1/catalogue/searches/{2**70}/news").status_code == 404


def test_facets_narrow_and_count_what_their_other_values_would_give() -> None:
    make_entry("dataset", licence="CC0-1.0")
    make_entry("dataset", licence="MIT")
    make_entry("model", licence="MIT")
    found = Client().get("/api/v1/catalogue/entries?kind=dataset&licence=MIT").json()
    assert found["total"] == 1
    assert {one["value"]: one["count"] for one in found["facets"]["licence"]} == {"CC0-1.0": 1, "MIT": 1}
    assert {one["value"]: one["count"] for one in found["facets"]["kind"]} == {"dataset": 1, "model": 1}


def test_several_values_of_a_facet_widen_and_those_of_two_facets_narrow() -> None:
    make_entry("dataset", licence="CC0-1.0")
    make_entry("dataset", licence="MIT")
    make_entry("model", licence="MIT")
    make_entry("story")

    def found(query: str) -> list[str]:
        answer = Client().get(f"/api/v1/catalogue/entries?{query}")
        assert answer.status_code == 200, answer.content
        return sorted(row["kind"] for row in answer.json()["items"])

    assert found("kind=dataset&kind=model") == ["dataset", "dataset", "model"]
    assert found("kind=dataset&kind=model&licence=MIT") == ["dataset", "model"]
    assert found("kind=dataset&kind=model&sort=-title&licence=MIT&licence=CC0-1.0") == ["dataset", "dataset", "model"]
    assert len(found("kind=&licence=")) == 4, "nothing chosen is no choice"
    assert Client().get("/api/v1/catalogue/entries?kind=dataset&kind=nonsense").status_code == 422


def test_what_is_sorted_says_where_only_the_best_are(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("fabriek.catalogue.queries", "fabriek.catalogue.search.finding"):
        monkeypatch.setattr(f"{module}.DEEPEST", 2)
    for title in ("Speech B", "Speech A", "Speech C"):
        make_entry(title=title)
    feeding.reconcile()
    some = Client().get("/api/v1/catalogue/entries?q=speech&sort=title").json()
    assert (some["sorted_best"], len(some["items"])) == (2, 2)
    every = Client().get("/api/v1/catalogue/entries?kind=dataset&sort=title").json()
    assert (every["sorted_best"], [row["title"] for row in every["items"]]) == (0, ["Speech A", "Speech B", "Speech C"])


def test_a_list_is_sorted_both_ways_and_paged() -> None:
    for title in ("B", "C", "A"):
        make_entry(title=title)
    titles = [
        row["title"]
        for page in (1, 2)
        for row in Client().get(f"/api/v1/catalogue/entries?sort=-title&per_page=2&page={page}").json()["items"]
    ]
    assert titles == ["C", "B", "A"]


def test_mine_takes_a_token_and_waiting_a_curator() -> None:
    steward = make_person()
    entry = draft_entry(steward, make_record())
    mine = client_of(steward).get("/api/v1/catalogue/entries?state=mine").json()["items"]
    assert [row["code"] for row in mine] == [entry.code]
    assert Client().get("/api/v1/catalogue/entries?state=mine").status_code == 401
    assert client_of(steward).get("/api/v1/catalogue/entries?state=waiting").status_code == 403
    bad = Client(headers={"Authorization": "Bearer nonsense"})
    assert bad.get("/api/v1/catalogue/entries").status_code == 401


def test_what_does_not_hold_is_named_by_field_in_the_readers_language() -> None:
    client = client_of(make_person(), *SCOPES)
    record = make_record().as_json() | {
        "homepage": "javascript:alert(1)",
        "details": {"kind": "dataset", "records": -1},
    }
    refused = post(client, "/catalogue/entries", {"record": record})
    assert refused.status_code == 422
    assert refused["Content-Type"] == "application/problem+json"
    assert refused.json()["type"] == "urn:fabriek:problem:record-invalid"
    assert set(refused.json()["faults"]) == {"homepage", "details.records"}
    assert "https://" in refused.json()["faults"]["homepage"][0]


def test_a_code_is_given_once() -> None:
    client = client_of(make_person(), *SCOPES)
    record = make_record().as_json()
    assert post(client, "/catalogue/entries", {"record": record}).status_code == 200
    again = post(client, "/catalogue/entries", {"record": record})
    assert (again.status_code, list(again.json()["faults"])) == (422, ["code"])


def test_two_who_change_at_once_are_told_by_either_way() -> None:
    steward = make_person()
    entry = draft_entry(steward, make_record())
    client, record = client_of(steward, *SCOPES), entry.record
    first = client.get(f"/api/v1{address(entry)}")
    changed = put(client, entry, {**record, "title": "One"}, **{"If-Match": first["ETag"]})
    assert changed.json()["record"]["title"] == "One"
    assert put(client, entry, {**record, "title": "Two"}, **{"If-Match": first["ETag"]}).status_code == 412
    stale = post(client, address(entry), {"record": {**record, "title": "Two"}, "read": entry.sha256}, "put")
    assert stale.status_code == 409
    assert stale.json()["sha256"] == changed.json()["read"]


def test_a_proposal_is_for_its_steward_and_the_curators() -> None:
    steward = make_person()
    entry = make_entry(steward=steward, title="Before")
    edit_entry(steward, entry, entry.as_record().model_copy(update={"title": "After"}))
    told = client_of(make_person("officer")).get(f"/api/v1{address(entry)}").json()
    assert (told["record"]["title"], told["proposed"]["title"]) == ("Before", "After")
    for stranger in (Client(), client_of(make_person())):
        told = stranger.get(f"/api/v1{address(entry)}").json()
        assert (told["record"]["title"], told["proposed"], told["read"]) == ("Before", None, told["sha256"])


def test_strangers_change_nothing() -> None:
    entry = make_entry()
    stranger = client_of(make_person(), *SCOPES)
    assert put(stranger, entry, entry.record | {"title": "Mine"}).status_code == 403
    assert post(stranger, address(entry, "/retire")).status_code == 403
    draft = draft_entry(make_person(), make_record())
    assert post(stranger, address(draft, "/ask")).status_code == 404
    assert post(client_of(make_person("officer"), "read"), address(entry, "/publish")).status_code == 403


def test_sent_back_with_a_reason_that_its_steward_reads() -> None:
    steward = make_person()
    entry = draft_entry(steward, make_record())
    ask_to_publish(steward, entry)
    curator = client_of(make_person("operator"), *SCOPES)
    assert post(curator, address(entry, "/send-back")).status_code == 422
    assert post(curator, address(entry, "/send-back"), {"why": "Whose is it?"}).json()["asked_at"] is None
    assert client_of(steward).get(f"/api/v1{address(entry)}").json()["remark"] == "Whose is it?"


def test_what_is_retired_says_so_at_its_address_and_of_people_nothing() -> None:
    steward = make_person()
    entry, expert = make_entry(steward=steward), make_entry("expert", steward=steward)
    client = client_of(steward, *SCOPES)
    for one in (entry, expert):
        assert post(client, address(one, "/retire"), {"why": "It moved."}).json()["state"] == "retired"
    gone = Client().get(f"/api/v1{address(entry)}")
    assert (gone.status_code, gone.json()["type"]) == (410, "urn:fabriek:problem:gone")
    assert "It moved." in gone.json()["detail"]
    assert Client().get(f"/api/v1{address(expert)}").status_code == 404
    assert Client().get("/api/v1/catalogue/entries").json()["total"] == 0


def send(client: Client, entry: Entry, content: bytes, **more: str) -> Any:
    file = SimpleUploadedFile("../../a table.csv", content, content_type="text/csv")
    return client.post(f"/api/v1{address(entry, '/files')}", {"file": file, **more})


def test_a_small_file_is_kept_proved_and_given_out_to_readers_only() -> None:
    steward = make_person()
    entry = draft_entry(steward, make_record())
    client, content = client_of(steward, *SCOPES), b"a,b\n1,2\n"
    digest = hashlib.sha256(content).hexdigest()
    assert list(send(client, entry, content, sha256="0" * 64).json()["faults"]) == ["sha256"]
    for _again in range(2):
        place = send(client, entry, content, sha256=digest).json()["record"]["distributions"]
    assert place == [
        {
            "storage": "upload",
            "location": digest,
            "name": "a table.csv",
            "media_type": "text/csv",
            "bytes": 8,
            "sha256": digest,
        }
    ]
    file = f"/api/v1{address(entry, '/files/')}{digest}"
    assert Client().get(file).status_code == 404
    given = client.get(file)
    assert b"".join(given.streaming_content) == content  # type: ignore[attr-defined]
    assert given["Content-Disposition"] == 'attachment; filename="a table.csv"'
    assert given["Content-Type"] == "application/octet-stream"
    assert client.get(f"/api/v1{address(entry, '/files/')}{'1' * 64}").status_code == 404


def test_what_is_too_large_empty_or_about_people_is_not_kept(settings: Any) -> None:
    settings.FABRIEK_UPLOAD_BYTES = 4
    steward = make_person()
    entry, expert = draft_entry(steward, make_record()), draft_entry(steward, make_record("expert"))
    client = client_of(steward, *SCOPES)
    for refused in (send(client, entry, b"12345"), send(client, entry, b""), send(client, expert, b"1")):
        assert (refused.status_code, list(refused.json()["faults"])) == (422, ["file"])
    assert send(client, entry, b"1234").status_code == 200


def test_an_entry_does_not_point_to_what_was_uploaded_to_another() -> None:
    steward = make_person()
    entry, other = draft_entry(steward, make_record()), draft_entry(steward, make_record())
    client = client_of(steward, *SCOPES)
    places = send(client, entry, b"secret").json()["record"]["distributions"]
    assert put(client, other, {**other.record, "distributions": places}).status_code == 200
    refused = post(client, address(other, "/ask"))
    assert list(refused.json()["faults"]) == ["distributions.0.location"]
    assert client.get(f"/api/v1{address(other, '/files/')}{places[0]['location']}").status_code == 404


def test_a_file_that_nothing_names_any_more_is_erased(django_capture_on_commit_callbacks: Any) -> None:
    steward = make_person()
    entry = draft_entry(steward, make_record())
    client = client_of(steward, *SCOPES)
    with django_capture_on_commit_callbacks(execute=True):
        places = send(client, entry, b"one").json()["record"]["distributions"]
    digest = places[0]["location"]
    assert uploads.is_kept(entry, digest)
    with django_capture_on_commit_callbacks(execute=True):
        put(client, entry, entry.record)
    assert not uploads.is_kept(entry, digest)


def test_a_file_of_a_published_version_stays(django_capture_on_commit_callbacks: Any) -> None:
    steward = make_person()
    entry = draft_entry(steward, make_record())
    client = client_of(steward, *SCOPES)
    digest = send(client, entry, b"one").json()["record"]["distributions"][0]["location"]
    curator = client_of(make_person("officer"), *SCOPES)
    post(curator, address(entry, "/publish"))
    with django_capture_on_commit_callbacks(execute=True):
        put(client, entry, entry.record)
        post(curator, address(entry, "/publish"))
    assert Client().get(f"/api/v1{address(entry, '/files/')}{digest}").status_code == 200


def test_a_list_of_many_takes_as_many_queries_as_one_of_one(django_assert_num_queries: Any) -> None:
    make_entry()
    for number in (0, 3):
        for _more in range(number):
            make_entry()
        # The index follows what was made.
        Client().get("/api/v1/catalogue/entries")
        with django_assert_num_queries(2):
            Client().get("/api/v1/catalogue/entries")
