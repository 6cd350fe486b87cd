"""Runs: incremental, resumable, deduplicated, with a report; cut off anywhere and run again they end in the same."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from ipaddress import ip_network
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase
from tests.factories.world import make_person
from tests.unit.harvest.serving import RECORDED, Answer, Server, serving

from fabriek.audit.models import Event
from fabriek.catalogue.actions import edit_entry
from fabriek.catalogue.models import Entry
from fabriek.catalogue.record import Record
from fabriek.conf.errors import NotAllowed
from fabriek.harvest.actions import add_source, ask_soon, change_source, run_due, run_source
from fabriek.harvest.errors import SourceInvalid, SourceSleeps
from fabriek.harvest.models import Run, Seen, Source
from fabriek.harvest.network import Line

HERE = (ip_network("127.0.0.0/8"),)


class Feed:
    """A source that says what a test put in it: AI-on-Demand's API, two things a page."""

    def __init__(self, names: dict[int, str]) -> None:
        self.names = names
        self.dies_at = -1

    def __call__(self, path: str) -> Answer:
        if not path.startswith("/datasets/v1"):
            return Answer(b"[]")
        offset = int(path.split("offset=")[1].split("&")[0])
        if offset == self.dies_at:
            return Answer(status=404)
        items = sorted(self.names.items())[offset : offset + 2]
        return Answer(
            json.dumps([{"identifier": n, "name": name, "description": "Data"} for n, name in items]).encode()
        )


@pytest.fixture
def line() -> Iterator[Line]:
    with Line(HERE, patience=0) as made:
        yield made


def source_at(server: Server, kind: str = "aiod", path: str = "", **more: Any) -> Source:
    return add_source(
        make_person("operator"), code=f"from-{kind}", name="Elsewhere", kind=kind, address=server.url + path, **more
    )


def catalogue() -> set[tuple[str, str, str]]:
    return set(Entry.objects.values_list("origin_identifier", "title", "state"))


def report(run: Run) -> dict[str, int]:
    names = ("added", "changed", "same", "kept", "gone", "double", "passed_over", "broken")
    return {name: getattr(run, name) for name in names if getattr(run, name)}


@pytest.mark.django_db
def test_a_sweep_adds_refreshes_and_retires_and_says_so(line: Line) -> None:
    feed = Feed({1: "One", 2: "Two", 3: "Three"})
    with serving(feed) as server:
        source = source_at(server, part="datasets")
        first = run_source(source, line)
        assert (first.state, report(first), first.pages) == ("completed", {"added": 3}, 3)
        assert report(run_source(source, line)) == {"same": 3}
        feed.names = {1: "One", 2: "Second"}
        assert report(run_source(source, line)) == {"same": 1, "changed": 1, "gone": 1}
        assert catalogue() == {
            ("datasets/1", "One", "published"),
            ("datasets/2", "Second", "published"),
            ("datasets/3", "Three", "retired"),
        }
        feed.names = {1: "One", 2: "Second", 3: "Three"}
        assert report(run_source(source, line)) == {"same": 2, "changed": 1}
        assert ("datasets/3", "Three", "published") in catalogue()
    assert Entry.objects.get(title="Second").versions.count() == 2
    assert Event.objects.filter(verb="catalogue.retire_gone").count() == 1


@pytest.mark.django_db
def test_what_somebody_here_took_over_stays_as_they_have_it(line: Line) -> None:
    feed = Feed({1: "One", 2: "Two"})
    with serving(feed) as server:
        source = source_at(server, part="datasets")
        run_source(source, line)
        entry = Entry.objects.get(title="One")
        curator = make_person("officer")
        edit_entry(curator, entry, Record.model_validate({**entry.record, "title": "Ours"}))
        Entry.objects.filter(pk=entry.pk).update(steward=curator)
        feed.names = {1: "Theirs"}
        assert report(run_source(source, line)) == {"kept": 1, "gone": 1}
    entry.refresh_from_db()
    assert (entry.title, entry.state) == ("One", "published")
    assert entry.proposed is not None


@pytest.mark.django_db
def test_a_run_that_was_cut_off_is_gone_on_with(line: Line) -> None:
    feed = Feed({n: f"Number {n}" for n in range(7)})
    with serving(feed) as server:
        source = source_at(server, part="datasets")
        feed.dies_at = 4
        cut = run_source(source, line)
        assert (cut.state, report(cut), cut.pages) == ("failed", {"added": 4}, 2)
        assert "404" in cut.why
        assert source.next_run > timezone.now()
        feed.dies_at = -1
        asked = len(server.asked)
        rest = run_source(source, line)
        assert (rest.state, rest.resumed, report(rest)) == ("completed", True, {"added": 3})
        assert "offset=4" in server.asked[asked]
        assert len(catalogue()) == 7


@pytest.mark.django_db
def test_where_its_place_is_no_longer_known_a_resumed_run_begins_anew(line: Line) -> None:
    answers = {"verb=ListRecords&metadataPrefix=oai_datacite": (RECORDED / "zenodo-1.xml").read_bytes()}

    def answer(path: str) -> Answer:
        query = path.partition("?")[2]
        return Answer(answers[query], "text/xml") if query in answers else Answer(status=422)

    with serving(answer) as server:
        source = source_at(server, "oai-pmh", "/oai2d")
        assert (run_source(source, line).state, Entry.objects.count()) == ("failed", 1)
        token = "verb=ListRecords&resumptionToken=.resumption-token-to-page-2"
        answers[token] = (RECORDED / "zenodo-2.xml").read_bytes()
        del answers["verb=ListRecords&metadataPrefix=oai_datacite"]
        again = run_source(source, line)
        assert (again.state, report(again)) == ("completed", {"added": 1, "passed_over": 1})
        assert source.since is not None
        source.refresh_from_db()
        assert source.since < timezone.now() - timedelta(minutes=50)
        answers.clear()
        Source.objects.update(
            sweep="6ec7bc0d-4f0f-4d5c-9c3d-5d2c6a2ffd11",
            sweep_began=timezone.now(),
            next_page=f"{server.url}/oai2d?{token}",
        )
        assert run_source(source, line).state == "failed"
        assert "from=" in server.asked[-1], "from the beginning, of what changed since"


@pytest.mark.django_db
def test_a_source_that_lost_nearly_all_is_thought_ill(line: Line) -> None:
    feed = Feed({n: f"Number {n}" for n in range(20)})
    with serving(feed) as server:
        source = source_at(server, part="datasets")
        run_source(source, line)
        feed.names = {1: "Number 1"}
        ill = run_source(source, line)
        assert (ill.state, report(ill)) == ("failed", {"same": 1})
        assert "19 of 20" in ill.why
        assert Entry.objects.filter(state="published").count() == 20
        ask_soon(make_person("operator"), source, accept_losses=True)
        assert report(run_source(source, line)) == {"same": 1, "gone": 19}
        assert not source.accepts_losses, "once"


@pytest.mark.django_db
def test_what_is_known_from_elsewhere_is_not_told_of_twice(line: Line) -> None:
    items = json.loads((RECORDED / "hub-datasets.json").read_text())

    def answer(path: str) -> Answer:
        if path.startswith("/api/datasets"):
            return Answer(json.dumps(items).encode())
        return Answer((RECORDED / "zenodo-2.xml").read_bytes(), "text/xml")

    with serving(answer) as server:
        assert report(run_source(source_at(server, "hub", "/api/datasets"), line)) == {"added": 5}
        second = add_source(
            make_person("operator"), code="mirror", name="M", kind="hub", address=f"{server.url}/api/datasets/"
        )
        items[0]["id"] = items[0]["id"].upper()
        assert report(run_source(second, line)) == {"double": 5}
        assert report(run_source(source_at(server, "oai-pmh", "/oai2d"), line)) == {"added": 1, "passed_over": 1}
        third = add_source(
            make_person("operator"), code="zenodo-2", name="Z", kind="oai-pmh", address=f"{server.url}/oai"
        )
        assert report(run_source(third, line)) == {"double": 1, "passed_over": 1}


@pytest.mark.django_db
def test_items_that_are_broken_are_told_and_the_others_taken(line: Line) -> None:
    items = [{"id": "a/good"}, {"id": ""}, 7, {"id": "b/" + "x" * 600}, {"id": "c/ok", "description": "y" * 30_000}]
    with serving(lambda _path: Answer(json.dumps(items).encode())) as server:
        run = run_source(source_at(server, "hub", "/api/models"), line)
    assert report(run) == {"added": 2, "broken": 3}
    assert set(run.remarks.filter(is_fault=False).values_list("identifier", flat=True)) == {"c/ok"}
    assert run.remarks.filter(is_fault=True).count() == 3


@pytest.mark.django_db
def test_a_page_that_leads_to_itself_or_into_an_inner_network_ends_the_run(line: Line) -> None:
    link = {"Link": '</api/models>; rel="next"'}

    def answer(path: str) -> Answer:
        if path.startswith("/inner"):
            return Answer(b'[{"id":"a/b"}]', headers={"Link": '<http://169.254.169.254/>; rel="next"'})
        return Answer(b'[{"id":"a/c"}]', headers=link)

    with serving(answer) as server:
        round_ = run_source(source_at(server, "hub", "/api/models"), line)
        assert (round_.state, round_.why) == ("failed", "the address of its next page leads nowhere")
        inner = add_source(
            make_person("operator"), code="inner", name="I", kind="hub", address=f"{server.url}/inner/models"
        )
        run = run_source(inner, line)
        assert run.state == "failed"
        assert "public internet" in run.why


@pytest.mark.django_db
def test_two_runs_at_once_do_the_work_once(line: Line) -> None:
    feed = Feed({1: "One", 2: "Two", 3: "Three"})
    with serving(feed) as server:
        source = source_at(server, part="datasets")

        class Slow(Line):
            """Another run goes by while a page is fetched."""

            def get(self, url: str, accept: str = "*/*") -> Any:
                found = super().get(url, accept)
                if not Entry.objects.exists():
                    run_source(Source.objects.get(), line)
                return found

        with Slow(HERE, patience=0) as slow:
            run = run_source(source, slow)
        assert (run.state, report(run)) == ("overtaken", {})
    assert sorted(Run.objects.values_list("state", flat=True)) == ["completed", "overtaken"]
    assert Entry.objects.count() == 3


@pytest.mark.django_db
def test_sources_are_asked_when_their_time_has_come(line: Line) -> None:
    with serving(Feed({1: "One"})) as server:
        source = source_at(server, part="datasets", every_hours=6)
        assert [run.state for run in run_due(line)] == ["completed"]
        source.refresh_from_db()
        assert timedelta(hours=5) < source.next_run - timezone.now() <= timedelta(hours=6)
        assert run_due(line) == []
        officer = make_person("operator")
        ask_soon(officer, source)
        assert len(run_due(line)) == 1
        change_source(officer, source, is_active=False)
        with pytest.raises(SourceInvalid):
            ask_soon(officer, source)
        with pytest.raises(SourceSleeps):
            run_source(source, line)
        assert run_due(line) == []


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"address": "file:///etc/passwd"}, "address"),
        ({"address": "https://me:secret@example.org/"}, "address"),
        ({"kind": "gopher"}, "kind"),
        ({"kind": "aiod", "part": "persons"}, "part"),
        ({"every_hours": 0}, "every_hours"),
    ],
)
def test_a_source_that_cannot_be_asked_is_refused_at_its_field(wrong: dict[str, Any], field: str) -> None:
    said = {"code": "x", "name": "X", "kind": "dcat", "address": "https://data.example/", **wrong}
    with pytest.raises(SourceInvalid) as refused:
        add_source(make_person("operator"), **said)
    assert list(refused.value.faults) == [field]
    with pytest.raises(NotAllowed):
        add_source(make_person("applicant"), **said)
    assert not Source.objects.exists()


class Interrupted(TestCase):
    """However a source changes and wherever runs are cut off: once one completes, the catalogue is what it has."""

    @settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(
        st.lists(
            st.tuples(
                st.dictionaries(st.integers(0, 8), st.sampled_from(["A", "B", "C"]), max_size=7), st.integers(-1, 6)
            ),
            min_size=1,
            max_size=4,
        )
    )
    def test_the_last_whole_sweep_decides(self, steps: list[tuple[dict[int, str], int]]) -> None:
        feed = Feed({})
        with serving(feed) as server, Line(HERE, patience=0) as line:
            source = source_at(server, part="datasets")
            for names, dies_at in steps:
                feed.names, feed.dies_at = names, dies_at
                run_source(source, line)
            feed.dies_at = -1
            # A sweep under way ends what it began; the next one sees the source as it stands.
            run_source(source, line)
            run_source(source, line)
        there = {(f"datasets/{n}", name) for n, name in feed.names.items()}
        assert set(Entry.objects.filter(state="published").values_list("origin_identifier", "title")) == there
        assert Seen.objects.filter(gone=False).count() == len(there)


@pytest.mark.django_db
def test_two_portals_that_tell_of_one_dataset_are_one_entry_whatever_their_form(line: Line) -> None:
    turtle = """
        @prefix dcat: <http://www.w3.org/ns/dcat#> . @prefix dct: <http://purl.org/dc/terms/> .
        <https://data.example/set/Air> a dcat:Dataset ; dct:title "Air" ; dct:description "By the hour" .
    """
    labels = {
        "@context": "https://semiceu.github.io/DCAT-AP/releases/3.0.0/context/dcat-ap.jsonld",
        "@id": "https://data.example/set/Air",
        "@type": "Dataset",
        "title": "Air",
        "description": "By the hour",
    }
    answers = {"/ttl": Answer(turtle.encode(), "text/turtle"), "/json": Answer(json.dumps(labels).encode())}
    with serving(lambda path: answers[path]) as server:
        operator = make_person("operator")
        one, other = (
            add_source(operator, code=path[1:], name=path, kind="dcat", address=server.url + path) for path in answers
        )
        assert report(run_source(one, line)) == {"added": 1}
        assert report(run_source(other, line)) == {"double": 1}
        assert report(run_source(one, line)) == {"same": 1}
    assert Entry.objects.get().identifier == "https://data.example/set/air"
