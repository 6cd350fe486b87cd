"""`fabriek catalogue`: from a file with a record to an entry that is found."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.factories.catalogue import make_entry, make_record
from tests.factories.world import make_person
from tests.unit.cli.test_over_the_api import Command, _no_network  # noqa: F401 - the fixture

from fabriek.catalogue.actions import look_for_news
from fabriek.catalogue.models import Entry
from fabriek.catalogue.search import feeding

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Any, settings: Any) -> None:
    stores = dict(settings.STORAGES)
    stores["uploads"] = {**stores["uploads"], "OPTIONS": {"location": tmp_path / "uploads"}}
    settings.STORAGES = stores


def written(folder: Path, **said: Any) -> Path:
    file = folder / "record.json"
    file.write_text(json.dumps(make_record().as_json() | said))
    return file


def test_an_entry_goes_its_way_from_a_file_to_being_found(tmp_path: Path) -> None:
    steward, curator = Command(make_person()), Command(make_person("officer"))
    file = written(tmp_path, code="frisian", title="Frisian speech")
    assert steward.read("catalogue", "new", file)["state"] == "draft"
    assert "frisian" in steward.run("catalogue", "list", "--state", "mine").stdout
    assert steward.read("catalogue", "ask", "frisian")["asked_at"]
    assert "frisian" in curator.run("catalogue", "list", "--state", "waiting").stdout
    assert curator.read("catalogue", "publish", "frisian")["published"] == 1
    found = Command(make_person()).read("catalogue", "list", "speech", "--kind", "dataset")
    assert [row["code"] for row in found["items"]] == ["frisian"]
    assert "Frisian speech (dataset, published, version 1)" in steward.run("catalogue", "show", "frisian").stdout
    assert steward.read("catalogue", "versions", "frisian")[0]["number"] == 1
    record = json.loads(steward.run("catalogue", "version", "frisian", "1").stdout)
    assert record == Entry.objects.get().record


def test_a_slip_is_told_and_can_be_searched_as_typed() -> None:
    make_entry(title="Frisian poems")
    told = Command(make_person()).run("catalogue", "list", "frisain").stdout
    assert "“frisain” was taken for “frisian”" in told
    assert Command(make_person()).read("catalogue", "list", "frisain", "--exact")["items"] == []


def test_a_search_is_saved_and_forgotten() -> None:
    person = Command(make_person())
    saved = person.read("catalogue", "save", "Mine", "frisian", "--kind", "dataset", "--sector", "culture")
    number = saved["number"]
    assert "kind=dataset" in saved["query"]
    assert "Mine" in person.run("catalogue", "searches").stdout
    make_entry(code="poems", title="Frisian poems", sectors=["culture"])
    feeding.reconcile()
    look_for_news()
    assert "poems" in person.run("catalogue", "news", number).stdout
    assert "1 seen." in person.run("catalogue", "seen", number).stdout
    assert person.read("catalogue", "news", number) == []
    renamed = person.read("catalogue", "change-search", number, "--name", "Ours")
    assert (renamed["name"], renamed["asked"]) == ("Ours", saved["asked"])
    changed = person.read("catalogue", "change-search", number, "dutch", "--kind", "dataset", "--kind", "model")
    assert (changed["name"], changed["query"]) == ("Ours", "q=dutch&kind=dataset&kind=model")
    assert f"no search {2**40}" in person.run("catalogue", "change-search", 2**40, "--name", "X", status=1).output
    assert "is forgotten" in person.run("catalogue", "forget", number).stdout
    assert person.read("catalogue", "searches") == []
    assert "q: Say what to look for" in person.run("catalogue", "save", "Nothing", status=2).output


def test_what_is_shown_as_a_record_is_what_edit_takes(tmp_path: Path) -> None:
    steward = Command(make_person())
    steward.run("catalogue", "new", written(tmp_path, code="one"))
    file = tmp_path / "changed.json"
    read = steward.read("catalogue", "show", "one")["read"]
    record = json.loads(steward.run("catalogue", "show", "one", "--record").stdout)
    file.write_text(json.dumps({**record, "title": "Another title"}))
    assert steward.read("catalogue", "edit", "one", file, "--read", read)["title"] == "Another title"
    file.write_text(json.dumps({**record, "title": "A third"}))
    assert (
        "Somebody changed this entry" in steward.run("catalogue", "edit", "one", file, "--read", read, status=1).output
    )
    file.write_text(json.dumps({**record, "homepage": "javascript:"}))
    assert "homepage:" in steward.run("catalogue", "edit", "one", file, status=2).output


def test_what_is_sent_back_or_retired_says_why(tmp_path: Path) -> None:
    steward, curator = Command(make_person()), Command(make_person("operator"))
    steward.run("catalogue", "new", written(tmp_path, code="one"))
    steward.run("catalogue", "ask", "one")
    curator.run("catalogue", "send-back", "one", "--why", "Whose is it?")
    assert "Remark: Whose is it?" in steward.run("catalogue", "show", "one").stdout
    assert steward.read("catalogue", "retire", "one", "--why", "Made twice.")["state"] == "retired"


def test_a_file_goes_up_and_comes_down_proved(tmp_path: Path) -> None:
    steward = Command(make_person())
    steward.run("catalogue", "new", written(tmp_path, code="one"))
    file = tmp_path / "table.csv"
    file.write_bytes(b"a,b\n1,2\n")
    place = steward.read("catalogue", "upload", "one", file)["record"]["distributions"][0]
    down = tmp_path / "down.csv"
    steward.run("catalogue", "download", "one", place["sha256"], down)
    assert down.read_bytes() == file.read_bytes()
    assert "no such file" in steward.run("catalogue", "download", "one", "0" * 64, down, status=1).output
