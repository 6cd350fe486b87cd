"""The command over the API: each role's verbs, from a machine that is declared to a decision that is published."""

from __future__ import annotations

import inspect
import json
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
import typer
from click.testing import Result
from django.core.wsgi import get_wsgi_application
from tests.factories.catalogue import make_entry
from tests.factories.traces import simulated_figures, swf_file
from tests.factories.world import (
    ETHICS,
    MONTH,
    World,
    make_allocation,
    make_draft,
    make_organisation,
    make_partition,
    make_person,
    make_submitted,
    make_world,
)
from typer.testing import CliRunner

from fabriek.access import actions
from fabriek.access.apart import Fault
from fabriek.access.models import Call, Decision, Inquiry, Review, Scenario
from fabriek.access.solving import hold_here, solve_here
from fabriek.allocation.plan import load_plan
from fabriek.allocation.problem import load_problem
from fabriek.allocation.verify import verify
from fabriek.cli.main import app
from fabriek.foresight import working
from fabriek.foresight.computing import Answer
from fabriek.foresight.models import Study
from fabriek.ledger.queries import check
from fabriek.people.actions import create_token
from fabriek.people.models import Person
from fabriek.programmes.actions import establish_programme, establish_shares
from fabriek.programmes.models import Programme, Promise, Reallocation
from fabriek.programmes.reference import load_programmes
from fabriek.register.models import Maintenance, Partition

pytestmark = pytest.mark.django_db
SCOPES = ["read", "apply", "describe", "curate", "ask", "attend", "organise", "review", "decide", "operate", "admin"]


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command asks the platform in this process, over the same WSGI as a server."""
    transport = httpx.WSGITransport(app=get_wsgi_application())

    def request(method: str, url: str, *, params: Any = None, **more: Any) -> httpx.Response:
        with httpx.Client(transport=transport) as client:
            return client.request(method, url, params=params or None, **more)

    monkeypatch.setattr(httpx, "request", request)
    # A table isn't cut because a terminal is narrow.
    monkeypatch.setenv("COLUMNS", "300")


class Command:
    """`fabriek`, for one person."""

    def __init__(self, person: Person) -> None:
        self.token = create_token(person, name="test", scopes=SCOPES, person=person)[1]

    def run(self, *words: object, status: int = 0, entered: str = "") -> Result:
        result = CliRunner().invoke(app, [*map(str, words)], input=entered, env={"FABRIEK_TOKEN": self.token})
        assert result.exit_code == status, f"{words}: {result.output} {result.exception!r}"
        return result

    def read(self, *words: object) -> Any:
        return json.loads(self.run(*words, "--json").stdout)


def written(folder: Path, name: str, content: Any) -> Path:
    file = folder / f"{name}.json"
    file.write_text(json.dumps(content), encoding="utf-8")
    return file


@pytest.fixture
def reviewers() -> list[Person]:
    return [make_person("reviewer", organisation=make_organisation("academia", "DE")) for _number in range(3)]


def in_review(world: World, **more: Any) -> Review:
    application = make_submitted(world, **more)
    actions.check_eligibility(world.officer, application)
    actions.assign_reviewers(world.officer, [application])
    return Review.objects.get(application=application)


def test_an_officer_and_a_reviewer_decide_a_call(reviewers: list[Person], tmp_path: Path) -> None:
    world = make_world()
    application = make_submitted(world)
    officer, call = Command(world.officer), world.call.code
    assert application.code in officer.run("call", "applications", call, "--state", "submitted").stdout
    assert "not checked yet" in officer.run("application", "show", application.code).stdout
    assert officer.read("call", "check", call)["done"] == 1
    (made,) = officer.read("call", "assign", call)
    review = Review.objects.get(pk=made["number"])

    reviewer = Command(review.reviewer)
    assert str(review.pk) in reviewer.run("review", "list").stdout
    shown = reviewer.run("review", "show", review.pk).stdout
    assert "We train a model." in shown
    assert "feasibility" in shown
    half = written(tmp_path, "half", {"scores": {}, "remark": "Good."})
    assert "feasibility: Give 0 to 5 points." in reviewer.run("review", "submit", review.pk, half, status=2).stderr
    whole = {"scores": {criterion["code"]: 5 for criterion in world.call.criteria}, "remark": "Good."}
    reviewer.run("review", "submit", review.pk, "-", entered=json.dumps(whole))

    assert "Good." in officer.run("application", "show", application.code).stdout
    assert officer.read("call", "settle", call) == {"done": 1, "refused": []}
    code = officer.read("decision", "propose", call)["code"]
    assert code in officer.run("decision", "list").stdout
    assert application.code in officer.run("decision", "show", code).stdout
    officer.run("decision", "download", code, tmp_path / "files")
    problem, plan = ((tmp_path / "files" / f"{name}.json").read_bytes() for name in ("problem", "plan"))
    assert verify(load_problem(problem), load_plan(plan)) == []
    assert officer.read("decision", "publish", code, "--why", "agreed")["state"] == "published"
    assert "Only a proposal" in officer.run("decision", "discard", code, status=1).stderr


def test_a_score_is_settled_one_by_one_and_a_proposal_discarded(reviewers: list[Person]) -> None:
    world = make_world()
    review = in_review(world)
    officer, code = Command(world.officer), review.application.code
    officer.run("application", "score", code, status=1)
    actions.submit_review(review.reviewer, review, {c["code"]: 4 for c in world.call.criteria}, "Good.")
    officer.run("application", "score", code, "--score", "90", status=2)
    assert officer.read("application", "score", code, "--score", "90", "--remark", "agreed")["state"] == "reviewed"
    decision = officer.read("decision", "propose", world.call.code)["code"]
    officer.run("decision", "discard", decision, "--why", "a slip")
    assert Decision.objects.get().state == "discarded"


def test_a_declined_review_goes_to_somebody_else(reviewers: list[Person]) -> None:
    world = make_world()
    review = in_review(world)
    Command(review.reviewer).run("review", "decline", review.pk, "--why", "We publish together")
    Command(world.officer).run("application", "replace-reviewer", review.application.code)
    assert Review.objects.exclude(state="declined").get().reviewer != review.reviewer


def test_eligibility_against_the_findings_needs_a_remark() -> None:
    world = make_world()
    application = make_submitted(world)
    officer = Command(world.officer)
    officer.run("application", "check", application.code, "--not-eligible", status=2)
    answer = officer.read("application", "check", application.code, "--not-eligible", "--remark", "Twice.")
    assert answer["state"] == "ineligible"


def test_the_host_assesses_before_peers() -> None:
    world = make_world()
    Call.objects.filter(pk=world.call.pk).update(review="peer")
    application = make_submitted(world)
    Command(world.officer).run("application", "check", application.code)
    words = ("application", "assess", application.code, "--feasible", "--remark", "Scales.")
    assert Command(world.operator).read(*words)["state"] == "assessed"


def test_an_objection_is_made_and_answered_by_another_officer(reviewers: list[Person]) -> None:
    world = make_world()
    for points in (5, 1):
        review = in_review(world)
        actions.submit_review(review.reviewer, review, {c["code"]: points for c in world.call.criteria}, "So.")
        actions.settle_consensus(world.officer, review.application)
    actions.publish_decision(world.officer, actions.propose_decision(world.officer, [world.call]))
    code = review.application.code
    Command(review.application.applicant).run("application", "object", code, "--why", "Unfair.")
    other = Command(make_person("officer"))
    assert "Unfair." in other.run("objection", "list").stdout
    words = ("objection", "answer", code, "--not-upheld", "--answer", "Looked at again.")
    Command(world.officer).run(*words, status=1)
    other.run(*words)
    assert other.read("objection", "list", "--answered")[0]["answer"] == "Looked at again."


def test_a_proposal_is_signed_off_or_sent_back(reviewers: list[Person]) -> None:
    world, board = make_world(), Command(make_person("board"))
    review = in_review(world)
    actions.submit_review(review.reviewer, review, {c["code"]: 5 for c in world.call.criteria}, "So.")
    actions.settle_consensus(world.officer, review.application)
    programme = world.call.programme.code
    board.run("programme", "sign-off", programme, "--step", "board", "--why", "no role", status=2)
    steps = ("--step", "Head = access=officer", "--step", "Governing Board=board")
    told = board.run("programme", "sign-off", programme, *steps, "--why", "two eyes more").stdout
    assert "signed off by Head = access, Governing Board" in told
    officer, second = Command(world.officer), Command(make_person("officer"))
    first = officer.read("decision", "propose", world.call.code)
    assert "Next: Governing Board." in second.run("decision", "initial", first["code"], "--remark", "Seen.").stdout
    board.run("decision", "send-back", first["code"], "--why", "The floor lacks hours.")
    again = officer.read("decision", "propose", world.call.code)
    second.run("decision", "initial", again["code"])
    assert "It can be published." in board.run("decision", "initial", again["code"]).stdout
    assert officer.read("decision", "publish", again["code"])["state"] == "published"


def test_a_call_is_opened_from_a_file_and_closed(tmp_path: Path) -> None:
    world = make_world()
    officer = Command(world.officer)
    content = {
        "access_mode": "aif-fast-lane",
        "factory": world.factory.code,
        "programme": "eu-industrial-entry",
        "partitions": [world.partition.code],
        "title": "Fast Lane",
        "opens": "2026-01-01T00:00:00Z",
        "closes": "2036-01-01T00:00:00Z",
        "first_month": str(MONTH),
        "months": 2,
    }
    code = officer.read("call", "open", written(tmp_path, "call", content))["code"]
    assert "Fast Lane" in officer.run("call", "show", code).stdout
    assert code in officer.run("calls").stdout
    officer.run("call", "close", code, "--why", "a test")
    assert code not in officer.run("calls").stdout


def test_shares_are_established_and_hours_moved() -> None:
    world = make_world()
    officer, partition = Command(world.officer), world.partition.code
    month = f"{MONTH:%Y-%m}"
    off = officer.run(
        "share", "establish", partition, "eu-science=60", "eu-industrial-entry=50%", "--month", month, status=2
    )
    assert "eu-" in off.stderr
    officer.run("share", "establish", partition, "eu-science=60", "eu-industrial-entry=40", "--month", month)
    words = ("--from", "eu-science", "--to", "eu-industrial-entry", "--hours", "10", "--month", month, "--why", "need")
    officer.run("share", "reallocate", partition, *words)
    assert Reallocation.objects.get().accelerator_seconds == 36_000
    assert "eu-science" in officer.run("share", "list", partition).stdout
    assert check() == []
    assert "no month" in officer.run("share", "establish", partition, "a=1", "--month", "soon", status=2).stderr
    assert "NAME=VALUE" in officer.run("share", "establish", partition, "a", "--month", month, status=2).stderr


def test_a_machine_is_declared_and_promised(tmp_path: Path) -> None:
    load_programmes()
    operator, officer = Command(make_person("operator")), Command(make_person("officer"))
    for kind, content in (
        ("site", {"code": "s", "name": "S", "country": "NL"}),
        ("factory", {"code": "f", "name": "F", "country": "NL", "hosting_entity": "Host"}),
        ("system", {"code": "x", "name": "X", "site": "s", "factory": "f"}),
    ):
        operator.run("declare", kind, written(tmp_path, kind, content))
    gpu = {"name": "gpu", "nodes": 4, "accelerators_per_node": 4, "cores_per_node": 64}
    operator.run("declare", "partition", "x", written(tmp_path, "gpu", gpu))
    operator.run("declare", "availability", "x/gpu", "--percent", "95", "--from", "2026-01-01")
    operator.run("declare", "capacity", "x/gpu", "--month", f"{MONTH:%Y-%m}", "--months", "2")
    operator.run("cluster", "register", "c", "--site", "s", "--partition", "boost=x/gpu")
    assert "x/gpu" in operator.run("cluster", "list").stdout
    assert Partition.objects.get().clusters.get().code == "c"

    programme = {"code": "nl", "name": "Netherlands", "country": "NL"}
    officer.run("programme", "establish", written(tmp_path, "nl", programme))
    assert "Netherlands" in officer.run("programme", "list").stdout
    promise = {
        "code": "p",
        "name": "P",
        "kind": "cap",
        "programme": "nl",
        "fraction": "0.2",
        "valid_from": "2026-01-01",
    }
    officer.run("promise", "make", written(tmp_path, "p", promise))
    assert Promise.objects.get(code="p").programme == Programme.objects.get(code="nl")
    operator.run("promise", "make", written(tmp_path, "q", promise), status=1)


def test_a_task_is_waited_for_and_what_came_of_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    world = make_world()
    for _number in range(2):
        make_submitted(world)
    monkeypatch.setattr("fabriek.access.actions.tasks.AT_ONCE", 0)
    # Each look at the task finds that the worker was there meanwhile.
    monkeypatch.setattr("fabriek.cli.remote.asking.time.sleep", lambda _seconds: actions.work_once("here"))
    officer = Command(world.officer)
    assert officer.read("call", "check", world.call.code)["done"] == 2
    assert [(row["verb"], row["state"]) for row in officer.read("call", "tasks", world.call.code)] == [
        ("check", "done")
    ]
    failed = officer.run("call", "assign", world.call.code, status=1)
    assert "Add reviewers" in failed.output


def test_links_are_declared_and_end_and_a_partition_grows(tmp_path: Path) -> None:
    world = make_world()
    operator = Command(world.operator)
    at = world.partition.system.site.code
    elsewhere = {"code": "there", "name": "There", "country": "DE"}
    operator.run("declare", "site", written(tmp_path, "site", elsewhere))
    said = ("link", "declare", at, "there", "--from", "2026-01-01", "--gigabits", 400, "--network", "GÉANT")
    number = operator.read(*said)["number"]
    assert operator.read(*said)["number"] == number
    assert [row["gigabits_per_second"] for row in operator.read("link", "list")] == [400]
    operator.run("link", "end", number, "--on", "2026-02-01")
    assert operator.read("link", "list") == []
    assert [row["valid_until"] for row in operator.read("link", "list", "--ended")] == ["2026-02-01"]
    operator.run("link", "end", 10**9, "--on", "2026-02-01", status=1)

    operator.run("declare", "size", world.partition.code, "--nodes", 8, "--from", MONTH, "--why", "a rack more")
    grown = operator.run("declare", "capacity", world.partition.code, "--month", f"{MONTH:%Y-%m}")
    assert grown.stdout.startswith("+")

    system = world.partition.system.code
    operator.run("declare", "stage", system, "--stage", "retired", "--on", "2026-02", "--confidence", "low")
    operator.run("declare", "stage", world.factory.code, "--factory", "--stage", "installed", "--on", "2026-01")
    operator.run("declare", "stage", system, "--stage", "operating", "--on", "2999", status=2)
    worth = ("declare", "conversion", world.partition.code, "--unit", "sbu", "--from", "2026-01-01")
    assert operator.read(*worth, "--worth", "1/192")["denominator"] == 192
    operator.run(*worth, "--worth", "1/0", status=2)
    price = ("declare", "price", world.partition.code, "--euro", "2.10", "--from", "2026-01-01", "--source", "a quote")
    assert float(operator.read(*price)["euro"]) == 2.1


def test_what_was_promised_ends_and_what_was_moved_is_moved_back() -> None:
    world = make_world()
    officer = Command(world.officer)
    officer.run("programme", "rename", "eu-science", "--name", "AI for Research", "--why", "the policy calls it so")
    named = {row["code"]: row for row in officer.read("programme", "list")}["eu-science"]
    assert (named["name"], len(named["former_names"])) == ("AI for Research", 1)
    officer.run("promise", "end", "ai-for-science", "--on", "2020-01-01", "--why", "too late", status=2)
    officer.run("promise", "end", "ai-for-science", "--on", "2999-01-01", "--why", "the policy ends")
    assert str(Promise.objects.get(code="ai-for-science").valid_until) == "2999-01-01"

    where = (world.partition.code, "--from", "eu-science", "--to", "eu-industrial-entry")
    officer.run("share", "reallocate", *where, "--hours", 10, "--month", f"{MONTH:%Y-%m}", "--why", "unused")
    (moved,) = officer.read("share", "moves")
    officer.run("share", "undo", moved["code"], "--why", "a mistake")
    undone, first = officer.read("share", "moves")
    assert (undone["undoes"], first["undone_by"]) == (first["code"], undone["code"])
    officer.run("share", "undo", moved["code"], "--why", "again", status=1)
    officer.run("share", "undo", "nothing", "--why", "nothing", status=1)
    assert check() == []


def test_a_state_lends_hours_to_another_and_gets_them_back() -> None:
    world = make_world()
    for code, country in (("nl-national", "NL"), ("de-national", "DE")):
        establish_programme(world.officer, code=code, name=code, kind="national", country=country)
    halves = {"nl-national": Decimal("0.5"), "eu-science": Decimal("0.3"), "eu-industrial-entry": Decimal("0.2")}
    establish_shares(world.officer, world.partition, [MONTH], halves)
    officer, partition = Command(world.officer), world.partition.code

    def seconds(programme: str) -> int:
        rows = officer.read("share", "list", partition)
        return sum(row["share"] for row in rows if (row["programme"], row["month"]) == (programme, str(MONTH)))

    lent, others = seconds("nl-national"), seconds("eu-science")
    words = ("--hours", 10, "--month", f"{MONTH:%Y-%m}", "--why", "unused in the summer", "--transfer")
    union = ("--from", "eu-science", "--to", "eu-industrial-entry")
    assert "between states" in officer.run("share", "reallocate", partition, *union, *words, status=2).stderr
    states = ("--from", "nl-national", "--to", "de-national")
    code = officer.read("share", "reallocate", partition, *states, *words)["code"]
    assert (seconds("nl-national"), seconds("de-national")) == (lent - 36_000, 36_000)

    officer.run("share", "undo", code, "--why", "needed at home")
    undone, first = officer.read("share", "moves")
    assert (first["kind"], undone["kind"], undone["undoes"]) == ("transfer", "transfer", code)
    assert (undone["from_programme"], undone["to_programme"]) == ("de-national", "nl-national")
    assert (seconds("nl-national"), seconds("de-national"), seconds("eu-science")) == (lent, 0, others)
    assert check() == []


def test_anybody_asks_what_fits_and_what_is_behind_a_promise() -> None:
    world = make_world()
    allocation = make_allocation(world)
    anybody = Command(make_person())
    wish = ("what-can-i-get", "--country", "NL", "--class", "startup")
    assert world.call.code in anybody.run(*wish, "--hours", 100).stdout
    assert "too-much" in anybody.run(*wish, "--hours", 6_000).stdout
    assert "partner" in anybody.run("what-can-i-get", "--country", "US", "--class", "sme").stdout
    assert "tokens" in anybody.run(*wish, "--parameters", 7, status=2).stderr
    for place in ("system", "factory"):
        thing = world.partition.system if place == "system" else world.factory
        assert thing.name in anybody.run(place, "show", thing.code).stdout

    shares = [row for row in anybody.read("promise", "show", "share-eu-industrial-entry")["numbers"] if row["decided"]]
    assert [row["decided"] for row in shares] == [100]
    assert "startup" in anybody.run("promise", "show", "share-eu-industrial-entry").stdout
    lead = Command(allocation.project.members.get(role="lead").person)
    assert allocation.code in lead.run("project", "show", allocation.project.code).stdout
    anybody.run("project", "show", allocation.project.code, status=1)


def test_maintenance_is_planned_and_cancelled() -> None:
    world = make_world()
    operator, partition = Command(world.operator), world.partition.code
    times = ("--start", "2036-01-01T08:00", "--end", "2036-01-02T08:00")
    number = operator.read("maintenance", "plan", partition, *times, "--nodes", "1", "--why", "cooling")["number"]
    assert Maintenance.objects.get().start.hour == 8
    assert "cooling" in operator.run("maintenance", "list", partition).stdout
    operator.run("maintenance", "cancel", partition, number)
    assert "Nothing here yet." in operator.run("maintenance", "list", partition).stdout


def test_what_is_awarded_and_not_enforced_is_told_with_status_1() -> None:
    world = make_world()
    operator, cluster = Command(world.operator), world.cluster.code
    assert "equals" in operator.run("cluster", "differences", cluster).stdout
    allocation = make_allocation(world)
    assert allocation.project.code in operator.run("cluster", "differences", cluster, status=1).stdout
    assert "no cluster" in operator.run("cluster", "differences", "nothing", status=1).stderr


def test_roles_and_members() -> None:
    world = make_world()
    administrator, somebody = Command(make_person("administrator")), make_person(name="Ada")
    administrator.run("role", "give", somebody.email, "reviewer")
    assert "reviewer" in administrator.run("people", "--search", somebody.email).stdout
    administrator.run("role", "withdraw", somebody.email, "reviewer")
    assert administrator.read("people", "--search", somebody.email)[0]["roles"] == []
    project = make_allocation(world).project
    lead = Command(project.members.get(role="lead").person)
    lead.run("member", "add", project.code, somebody.email)
    assert somebody.email in [member.person.email for member in project.members.all()]
    lead.run("member", "remove", project.code, somebody.email)


def test_the_verbs_of_applicants_are_what_they_were(tmp_path: Path) -> None:
    world = make_world()
    founder = Command(make_person(organisation=make_organisation()))
    asked = {"partition": world.partition.code, "first_month": str(MONTH), "months": 1, "gpu_hours": 100}
    content = {
        "title": "A model",
        "summary": "We train.",
        "method": "PyTorch",
        "data_statement": "Public.",
        "ethics": ETHICS,
        "alternatives": [asked],
    }
    made = founder.read("apply", world.call.code, written(tmp_path, "a", content), "--submit")
    assert made["state"] == "submitted"
    assert made["code"] in founder.run("applications").stdout
    assert founder.read("application", "withdraw", made["code"], "--why", "moved")["state"] == "withdrawn"
    assert founder.run("projects").stdout.strip() == "Nothing here yet."


def test_a_refusal_is_one_sentence_and_bad_input_is_2(tmp_path: Path) -> None:
    world = make_world()
    founder = Command(make_person())
    assert "role" in founder.run("decision", "list", status=1).stderr
    assert "lacks" not in founder.run("call", "close", world.call.code, status=1).stderr
    broken = tmp_path / "broken.json"
    broken.write_text("{", encoding="utf-8")
    assert "can't be read as JSON" in founder.run("call", "open", broken, status=2).stderr
    assert "no JSON object" in founder.run("call", "open", written(tmp_path, "list", []), status=2).stderr


def test_every_verb_over_the_api_takes_url_token_and_json() -> None:
    without_json = {"download", "attachment"}
    seen = 0
    for owner in [app, *(found.typer_instance for found in app.registered_groups)]:
        assert isinstance(owner, typer.Typer)
        for command in owner.registered_commands:
            verb = command.callback
            assert verb is not None
            if "cli.remote" not in verb.__module__:
                continue
            seen += 1
            parameters = set(inspect.signature(verb).parameters)
            assert {"url", "token"} <= parameters, verb
            assert "as_json" in parameters or verb.__name__ in without_json, verb
    assert seen >= 45


def test_an_applicant_attaches_a_file_and_replies_to_the_reviews(tmp_path: Path, settings: Any) -> None:
    settings.FABRIEK_FOLDER = tmp_path
    world = make_world(reply_working_days=2)
    make_person("reviewer")
    draft = make_draft(world)
    applicant = Command(draft.applicant)
    plan = tmp_path / "plan.pdf"
    plan.write_bytes(b"%PDF-1.7\n%%EOF\n")
    [attached] = applicant.read("application", "attach", draft.code, plan)
    applicant.run("application", "attachment", draft.code, attached["number"], tmp_path / "back.pdf")
    assert (tmp_path / "back.pdf").read_bytes() == plan.read_bytes()
    assert applicant.read("application", "detach", draft.code, attached["number"]) == []
    actions.submit_application(draft.applicant, draft)
    actions.check_eligibility(world.officer, draft)
    for review in actions.assign_reviewers(world.officer, [draft]):
        points = {criterion["code"]: 4 for criterion in world.call.criteria}
        actions.submit_review(review.reviewer, review, points, "Fine.")
    actions.settle_consensus(world.officer, draft)
    assert applicant.read("application", "reply", draft.code, "--text", "Thank you.")["reply"] == "Thank you."


def test_a_policy_is_tried_on_a_workload_and_its_verdicts_are_read(settings: Any, tmp_path: Path) -> None:
    settings.FABRIEK_FOLDER = tmp_path
    board, file = Command(make_person("board")), tmp_path / "trace.swf.gz"
    file.write_bytes(swf_file())
    sent = board.read("study-workload", "send", file, "--name", "March", "--classes", "g1=startup", "--by", "group")
    assert sent["classes_are"] == "told"
    rules = ["--floor", "startup=25", "--share", "others=3", "--most", "others=90", "--urgent", "startup"]
    asked = board.read("study", "ask", "A quarter?", "--workload", "march", "--units", "8", "--repeats", "3", *rules)
    assert asked["after"]["classes"]["startup"] == {"floor": 25.0, "share": None, "most": None, "urgent": True}
    assert (asked["after"]["by_shares"], asked["state"]) == (True, "asked")
    code = asked["code"]
    assert board.read("study", "cancel", code)["state"] == "cancelled"
    assert board.read("study", "again", code)["state"] == "asked"
    study = Study.objects.get()
    holder = working.LINE.hold_here(study.pk, timedelta(hours=1))
    working.keep(study, holder, Answer(json.dumps(simulated_figures()), 1.0))
    assert board.read("study", "wait", code)["state"] == "simulated"
    assert "Start-up: " in board.run("study", "show", code).stdout
    assert code in board.run("study", "list").stdout
    board.run("study", "figures", code, tmp_path / "waits.csv", "--of", "waits")
    assert (tmp_path / "waits.csv").read_text().startswith("class,policy,within_seconds")
    assert "scontrol create reservation" in board.run("study", "slurm", code).stdout
    board.run("study", "delete", code)
    assert board.read("study", "restore", code)["code"] == code
    board.run("study", "ask", "Q", "--workload", "march", "--units", "8", "--floor", "nonsense", status=2)
    board.run("study", "ask", "Q", "--workload", "march", "--units", "8", status=2)
    board.run("study-workload", "record", "no/where", "2026-01-01", "2026-02-01", "--name", "x", status=1)
    board.run("study-workload", "delete", "march", status=1)
    assert "march" in board.run("study-workload", "list").stdout


def test_a_what_if_is_asked_compared_and_the_calls_as_they_stand_are_chosen(
    reviewers: list[Person], tmp_path: Path
) -> None:
    world = make_world()
    review = in_review(world)
    actions.submit_review(review.reviewer, review, {c["code"]: 5 for c in world.call.criteria}, "Good.")
    actions.settle_consensus(world.officer, review.application)
    officer, call, partition = Command(world.officer), world.call.code, world.partition.code
    share = f"eu-industrial-entry:{partition}@{MONTH:%Y-%m}=40:eu-science"
    moved = ["--capacity", f"{partition}=50%", "--share", share, "--overbooking", "eu-industrial-entry=1.1"]
    terms = ["--threshold", f"{call}=70", "--value", "score"]
    asked = officer.read("scenario", "ask", call, *moved, *terms, "--why", "to know")
    assert [change["kind"] for change in asked["changes"]] == ["capacity", "share", "overbooking", "threshold", "value"]
    officer.run("scenario", "cancel", asked["code"])
    assert officer.read("scenario", "again", asked["code"])["state"] == "asked"
    for scenario in Scenario.objects.filter(run__state="asked"):
        solve_here(scenario, hold_here(scenario))
    assert officer.read("scenario", "wait", asked["code"])["state"] == "solved"
    assert asked["code"] in officer.run("scenario", "list", "--call", call).stdout
    told = officer.run("scenario", "compare", asked["base"], asked["code"]).stdout
    assert "value by the first rule" in told
    assert officer.read("scenario", "compare", asked["base"], asked["code"])["format"] == "fabriek/comparison/1"
    officer.run("scenario", "choose", asked["code"], status=1)
    officer.run("scenario", "download", asked["base"], tmp_path)
    problem, plan = ((tmp_path / f"{name}.json").read_bytes() for name in ("problem", "plan"))
    assert verify(load_problem(problem), load_plan(plan)) == []
    assert officer.read("scenario", "choose", asked["base"], "--why", "best")["scenario"] == asked["base"]
    officer.run("scenario", "ask", call, "--capacity", "nonsense", "--why", "x", status=2)
    officer.run("scenario", "ask", call, "--share", "a=b", "--why", "x", status=2)
    officer.run("scenario", "ask", call, "--value", "luck", "--why", "x", status=2)


def test_why_is_read_and_asked_and_waited_for(reviewers: list[Person], monkeypatch: pytest.MonkeyPatch) -> None:
    world = make_world()
    points = {criterion["code"]: 5 for criterion in world.call.criteria}
    for hours, less in ((4800, 0), (4000, 1)):
        review = in_review(world, gpu_hours=hours)
        actions.submit_review(review.reviewer, review, dict.fromkeys(points, 5 - less), "Good.")
        actions.settle_consensus(world.officer, review.application)
    refused = review.application
    # What is waited for is answered meanwhile.
    monkeypatch.setattr("fabriek.cli.remote.explaining.time.sleep", lambda _seconds: answer_all())
    officer, applicant = Command(world.officer), Command(refused.applicant)
    scenario = officer.read("scenario", "ask", world.call.code)["code"]
    for one in Scenario.objects.filter(run__state="asked"):
        solve_here(one, hold_here(one))
    assert "Others hold the room" in officer.run("scenario", "explain", scenario, refused.code).stdout
    assert not Inquiry.objects.exists(), "reading asks nothing"
    told = officer.run("scenario", "explain", scenario, refused.code, "--again").stdout
    assert "We checked each of these" in told
    assert officer.read("scenario", "prices", scenario)["partitions_asked"] is None
    assert officer.read("scenario", "prices", scenario, "--again", "partitions")["partitions_asked"]["state"] == "done"
    assert world.partition.code in officer.run("scenario", "prices", scenario).stdout
    officer.run("scenario", "prices", scenario, "--again", "weather", status=2)
    applicant.run("application", "explain", refused.code, status=1)
    officer.run("scenario", "choose", scenario, "--why", "the best")
    officer.run("decision", "publish", Decision.objects.get().code)
    assert "We checked each of these" in applicant.run("application", "explain", refused.code, "--again").stdout
    Inquiry.objects.filter(of="application").update(state="failed", answer="", fault="There was not enough memory.")
    monkeypatch.setattr("fabriek.access.actions.explaining.apart.explain", lambda _question: Fault("No memory."))
    failed = applicant.run("application", "explain", refused.code, "--again", status=1)
    assert "No memory." in failed.stderr


def test_a_question_is_asked_handed_over_answered_and_closed() -> None:
    operator, founder = make_person("operator"), make_person()
    (here, _), (there, _) = make_partition(operator), make_partition(operator)
    asker, expert = Command(founder), Command(operator)
    said = ("--subject", "Out of memory", "--text", "My job ends at once.")
    number = asker.read("ticket", "ask", here.code, *said, "--about", "project:aurora")["number"]
    asker.run("ticket", "ask", here.code, *said, "--about", "aurora", status=2)
    assert "Out of memory" in asker.run("ticket", "list").stdout
    assert "Out of memory" in expert.run("ticket", "list", "--desk", "--factory", here.code).stdout
    expert.run("ticket", "hand-over", number, "--to", there.code, "--why", "Theirs.")
    assert "is answered" in expert.run("ticket", "answer", number, "--text", "Halve the batch.").stdout
    shown = asker.run("ticket", "show", number).stdout
    assert all(words in shown for words in ("Halve the batch.", "Theirs.", there.code))
    assert [one["is_answer"] for one in asker.read("ticket", "show", number)["messages"]] == [False, True]
    asker.run("ticket", "close", number)
    assert expert.read("ticket", "list", "--desk", "--state", "closed")[0]["number"] == number
    assert asker.read("ticket", "reopen", number, "--why", "It came back.")["state"] == "open"


def answer_all() -> None:
    for inquiry in Inquiry.objects.filter(state="asked"):
        actions.answer_here(inquiry)


def test_a_profile_is_begun_agreed_to_written_to_and_erased(tmp_path: Path) -> None:
    owner, other, curator = Command(make_person()), Command(make_person()), Command(make_person("operator"))
    code = owner.read("profile", "begin", "expert", "--title", "Anna Jansen")["code"]
    record = json.loads(owner.run("catalogue", "show", code, "--record").stdout)
    owner.run("catalogue", "edit", code, written(tmp_path, "me", {**record, "summary": "Speech."}))
    assert owner.read("profile", "agree", code, "catalogue", "contact")["state"] == "published"
    assert "harvesters" not in other.run("profile", "consents", code, status=1).stdout
    other.run("profile", "write", code, "--text", "Will you help us?")
    assert "Will you help us?" in owner.run("profile", "letters", code).stdout
    assert "Anna Jansen" in owner.run("profile", "data").stdout
    curator.run("profile", "hide", code, "--why", "It misleads.")
    assert [one["code"] for one in curator.read("catalogue", "list", "--state", "hidden")["items"]] == [code]
    assert curator.read("profile", "lift", code)["state"] == "published"
    assert owner.read("profile", "agree", code)["state"] == "retired"
    owner.run("profile", "erase", code)
    assert owner.read("profile", "list") == []


def test_a_venture_sees_who_looked_and_is_found_by_its_ticket() -> None:
    lead = make_person(organisation=make_organisation())
    project = make_allocation(make_world(), lead=lead).project
    details = {"project": project.code, "seeks_amount": 400_000}
    venture = make_entry("venture", steward=lead, title="A venture", details=details)
    investor = Command(make_person(name="Ines Investor"))
    found = investor.read("catalogue", "ventures", "--least", 100_000, "--most", 500_000)
    assert [one["code"] for one in found] == [venture.code]
    assert "Told." in investor.run("profile", "look", venture.code).stdout
    assert "Ines Investor" in Command(lead).run("profile", "looks", venture.code).stdout
