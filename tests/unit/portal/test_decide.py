"""The officer's, operator's and administrator's desk: each page opens, acts, and says why it refuses."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from tests.factories.world import MONTH, NEXT, World, make_organisation, make_person, make_submitted, make_world

from fabriek.access import actions as access
from fabriek.access.models import Application, Call, Decision, Review, Scenario
from fabriek.access.solving import hold_here, solve_here
from fabriek.allocation.plan import load_plan
from fabriek.allocation.problem import load_problem
from fabriek.allocation.verify import verify
from fabriek.audit.models import Event
from fabriek.conf.amounts import number_text
from fabriek.ledger.queries import balances
from fabriek.operations.models import UsageBatch
from fabriek.people.actions import give_first_role
from fabriek.people.models import Person
from fabriek.portal.pages.decide.replies import csv_file
from fabriek.portal.pages.decide.verbs import VERBS
from fabriek.programmes.actions import make_promise
from fabriek.programmes.models import Programme, Reallocation, Share
from fabriek.programmes.queries import declared_capacity
from fabriek.projects.models import Project
from fabriek.register.models import Maintenance

pytestmark = pytest.mark.django_db


def signed_in(person: Person) -> Client:
    client = Client()
    client.force_login(person)
    return client


def get(client: Client, name: str, *args: Any, query: str = "") -> Any:
    response = client.get(reverse(f"portal:{name}", args=args) + query)
    assert response.status_code == 200, response.content.decode()[:2000]
    return response


def text_of(response: Any) -> str:
    return str(response.content.decode()).replace("&#x27;", "'")


def rows_of(response: HttpResponse) -> list[dict[str, str]]:
    assert response["Content-Type"].startswith("text/csv")
    return list(csv.DictReader(io.StringIO(response.content.decode())))


def with_reviewers(number: int = 2) -> list[Person]:
    return [make_person("reviewer", organisation=make_organisation("academia", "DE")) for _n in range(number)]


def reviewed(world: World, *, points: float = 5, gpu_hours: int = 100) -> Application:
    """An application with its score."""
    return judged(world, make_submitted(world, gpu_hours=gpu_hours), points)


def judged(world: World, application: Application, points: float) -> Application:
    """The application, with its score."""
    access.check_eligibility(world.officer, application)
    access.assign_reviewers(world.officer, [application])
    for review in Review.objects.filter(application=application):
        scores = {criterion["code"]: points for criterion in world.call.criteria}
        access.submit_review(review.reviewer, review, scores, "Good work.")
    return access.settle_consensus(world.officer, application)


@pytest.fixture
def world() -> World:
    with_reviewers()
    return make_world()


# Decisions


def test_what_waits_is_listed_with_its_call(world: World) -> None:
    make_submitted(world)
    text = text_of(get(signed_in(world.officer), "decisions"))
    assert f"Check eligibility: {world.call.title}" in text
    assert f"{reverse('portal:call_applications', args=[world.call.code])}?state=submitted" in text
    assert "Ask the optimiser" not in text, "nothing is ready yet"


def test_a_decision_is_proposed_read_and_published(world: World) -> None:
    first, second = reviewed(world, gpu_hours=100), reviewed(world, points=1, gpu_hours=200)
    client = signed_in(world.officer)
    assert "Ask the optimiser" in text_of(get(client, "decisions"))
    response = client.post(reverse("portal:propose_decision"), {"calls": [world.call.code]})
    assert response.status_code == 303
    scenario = Scenario.objects.get()
    assert response["Location"] == reverse("portal:scenario", args=[scenario.code])
    solve_here(scenario, hold_here(scenario))
    response = client.post(reverse("portal:choose_scenario", args=[scenario.code]))
    decision = Decision.objects.get()
    assert response["Location"] == reverse("portal:decision", args=[decision.code])

    text = text_of(get(client, "decision", decision.code))
    assert "This is a proposal" in text
    assert first.title in text
    assert "Below the threshold" in text, "the second application scored 20 of 100"
    assert decision.problem_sha256[:8] in text
    assert "fabriek verify problem.json plan.json" in text
    assert not Project.objects.exists()

    client.post(reverse("portal:publish_decision", args=[decision.code]))
    decision.refresh_from_db()
    assert decision.state == "published"
    assert Project.objects.get().application == first.code
    second.refresh_from_db()
    assert second.state == "rejected"
    assert "This is a proposal" not in text_of(get(client, "decision", decision.code))


def test_the_downloads_are_what_was_decided_on_and_verify(world: World) -> None:
    reviewed(world)
    decision = access.propose_decision(world.officer, [world.call])
    client = signed_in(world.officer)
    problem = get(client, "decision_problem", decision.code).content
    plan = get(client, "decision_plan", decision.code).content
    assert problem.decode() == decision.problem
    assert verify(load_problem(problem), load_plan(plan)) == []
    assert json.loads(plan)["problem_sha256"] == decision.problem_sha256


def test_the_ranking_as_csv_is_in_order_of_score(world: World) -> None:
    low, high = reviewed(world, points=3), reviewed(world, points=5)
    decision = access.propose_decision(world.officer, [world.call])
    rows = rows_of(get(signed_in(world.officer), "decision", decision.code, query="?format=csv"))
    assert [row["application"] for row in rows] == [high.code, low.code]
    assert [row["rank"] for row in rows] == ["1", "2"]


def test_without_scores_nothing_is_proposed_and_the_page_says_why(world: World) -> None:
    make_submitted(world)
    response = signed_in(world.officer).post(
        reverse("portal:propose_decision"), {"calls": [world.call.code]}, follow=True
    )
    assert "No application of these calls has its score yet" in text_of(response)
    assert not Decision.objects.exists()


def test_a_proposal_that_has_become_stale_is_not_published(world: World) -> None:
    reviewed(world)
    decision = access.propose_decision(world.officer, [world.call])
    reviewed(world)
    response = signed_in(world.officer).post(reverse("portal:publish_decision", args=[decision.code]), follow=True)
    assert "have changed since this was proposed" in text_of(response)
    assert not Project.objects.exists()


def test_who_has_an_interest_sees_it_and_cannot_publish(world: World) -> None:
    reviewed(world)
    decision = access.propose_decision(world.officer, [world.call])
    applicant = Application.objects.get().applicant
    give_first_role(applicant, "officer")
    client = signed_in(Person.objects.get(pk=applicant.pk))
    text = text_of(get(client, "decision", decision.code))
    assert "You can't publish this decision" in text
    assert reverse("portal:publish_decision", args=[decision.code]) not in text
    client.post(reverse("portal:publish_decision", args=[decision.code]))
    decision.refresh_from_db()
    assert decision.state == "proposed"


def test_a_discarded_proposal_can_be_neither_discarded_nor_published_again(world: World) -> None:
    reviewed(world)
    decision = access.propose_decision(world.officer, [world.call])
    client = signed_in(world.officer)
    assert "Discard this proposal?" in text_of(get(client, "discard_decision", decision.code))
    client.post(reverse("portal:discard_decision", args=[decision.code]))
    decision.refresh_from_db()
    assert decision.state == "discarded"
    response = client.post(reverse("portal:publish_decision", args=[decision.code]), follow=True)
    assert "This proposal was discarded" in text_of(response)


def test_the_board_reads_decisions_and_publishes_none(world: World) -> None:
    reviewed(world)
    decision = access.propose_decision(world.officer, [world.call])
    client = signed_in(make_person("board"))
    text = text_of(get(client, "decision", decision.code))
    assert "Publish…" not in text
    assert client.post(reverse("portal:publish_decision", args=[decision.code])).status_code == 403
    scenario = Scenario.objects.get()
    assert client.post(reverse("portal:choose_scenario", args=[scenario.code])).status_code == 403
    assert client.post(reverse("portal:propose_decision"), {"calls": [world.call.code]}).status_code == 303


# Applications of a call


def test_from_submitted_to_scored_in_three_posts(world: World) -> None:
    one, two = make_submitted(world), make_submitted(world)
    client, code = signed_in(world.officer), world.call.code
    assert one.title in text_of(get(client, "call_applications", code))
    client.post(reverse("portal:check_applications", args=[code]))
    client.post(reverse("portal:assign_reviewers", args=[code]))
    for review in Review.objects.all():
        access.submit_review(review.reviewer, review, {c["code"]: 4 for c in world.call.criteria}, "Fine.")
    client.post(reverse("portal:settle_scores", args=[code]))
    for application in (one, two):
        application.refresh_from_db()
        assert application.state == "reviewed"
        assert application.score == Decimal("80.00")


def test_without_reviewers_the_page_says_which_application_lacks_them() -> None:
    world = make_world()
    application = make_submitted(world)
    access.check_eligibility(world.officer, application)
    client = signed_in(world.officer)
    response = client.post(reverse("portal:assign_reviewers", args=[world.call.code]), follow=True)
    assert f"{application.code} can't get" in text_of(response)
    application.refresh_from_db()
    assert application.state == "eligible"


def test_the_applications_of_a_call_filtered_and_as_csv(world: World) -> None:
    submitted, eligible = make_submitted(world), make_submitted(world)
    access.check_eligibility(world.officer, eligible)
    client = signed_in(world.officer)
    rows = rows_of(get(client, "call_applications", world.call.code, query="?state=eligible&format=csv"))
    assert [row["application"] for row in rows] == [eligible.code]
    every = rows_of(get(client, "call_applications", world.call.code, query="?format=csv"))
    assert {row["application"] for row in every} == {submitted.code, eligible.code}


def test_a_verdict_against_the_findings_needs_a_remark(world: World) -> None:
    application = make_submitted(world)
    client = signed_in(world.officer)
    get(client, "judge_application", application.code)
    address = reverse("portal:check_application", args=[application.code])
    response = client.post(address, {"eligible": "no", "remark": ""})
    assert response.status_code == 422
    assert "Say why." in text_of(response)
    client.post(address, {"eligible": "no", "remark": "The organisation no longer exists."})
    application.refresh_from_db()
    assert application.state == "ineligible"


def test_another_score_than_the_mean_needs_a_reason(world: World) -> None:
    application = make_submitted(world)
    access.check_eligibility(world.officer, application)
    access.assign_reviewers(world.officer, [application])
    for review in application.reviews.all():
        access.submit_review(review.reviewer, review, {c["code"]: 4 for c in world.call.criteria}, "Fine.")
    client = signed_in(world.officer)
    assert "<strong>80</strong>" in text_of(get(client, "judge_application", application.code))
    address = reverse("portal:settle_score", args=[application.code])
    response = client.post(address, {"score": "95", "remark": ""})
    assert response.status_code == 422
    assert "not the reviews' mean" in text_of(response) or "Say why." in text_of(response)
    client.post(address, {"score": "95", "remark": "The second reader missed the appendix."})
    application.refresh_from_db()
    assert application.score == Decimal("95.00")


def test_a_declined_review_goes_to_somebody_else(world: World) -> None:
    application = make_submitted(world)
    access.check_eligibility(world.officer, application)
    (review, *_more) = access.assign_reviewers(world.officer, [application])
    access.decline_review(review.reviewer, review, "I know them.")
    client = signed_in(world.officer)
    assert "Find another reviewer" in text_of(get(client, "judge_application", application.code))
    client.post(reverse("portal:replace_reviewer", args=[application.code]))
    standing = application.reviews.exclude(state="declined")
    assert standing.count() == world.call.reviewers
    assert review.reviewer not in [other.reviewer for other in standing]


def test_an_officer_with_an_interest_is_told_and_refused(world: World) -> None:
    application = make_submitted(world)
    applicant = application.applicant
    give_first_role(applicant, "officer")
    client = signed_in(Person.objects.get(pk=applicant.pk))
    assert "You have an interest in this application" in text_of(get(client, "judge_application", application.code))
    response = client.post(
        reverse("portal:check_application", args=[application.code]), {"eligible": "yes", "remark": ""}
    )
    assert response.status_code == 422
    application.refresh_from_db()
    assert application.state == "submitted"


def test_a_draft_is_nobodys_business_but_its_writers(world: World) -> None:
    from tests.factories.world import make_draft

    draft = make_draft(world)
    client = signed_in(world.officer)
    assert client.get(reverse("portal:judge_application", args=[draft.code])).status_code == 404


# Objections


def objected(world: World) -> Application:
    application = reviewed(world, points=1)
    decision = access.propose_decision(world.officer, [world.call])
    access.publish_decision(world.officer, decision)
    access.make_objection(application.applicant, application, "The review misread our method.")
    return application


def test_an_objection_is_answered_by_another_officer(world: World) -> None:
    application = objected(world)
    number = application.outcomes.get().objection.pk
    publisher = signed_in(world.officer)
    assert "The review misread our method." in text_of(get(publisher, "objections"))
    assert "Let another officer answer" in text_of(get(publisher, "answer_objection", number))
    address = reverse("portal:answer_objection", args=[number])
    assert publisher.post(address, {"upheld": "yes", "answer": "Right."}).status_code == 422

    other = signed_in(make_person("officer", organisation=make_organisation("public-sector")))
    assert other.post(address, {"upheld": "yes", "answer": ""}).status_code == 422
    assert other.post(address, {"upheld": "yes", "answer": "You are right."}).status_code == 303
    application.refresh_from_db()
    assert application.state == "reviewed"
    assert "You are right." in text_of(get(other, "objections"))


# Calls


def call_fields(world: World, **changes: Any) -> dict[str, Any]:
    now = timezone.now()
    return {
        "access_mode": "aif-playground",
        "factory": world.factory.code,
        "programme": "eu-industrial-entry",
        "partitions": [world.partition.code],
        "title": "Playground, second round",
        "opens": f"{now:%Y-%m-%dT%H:%M}",
        "closes": f"{now + timedelta(days=20):%Y-%m-%dT%H:%M}",
        "first_month": f"{MONTH:%Y-%m}",
        "months": "2",
        **changes,
    }


def test_a_call_is_opened_with_the_modes_terms_and_closed(world: World) -> None:
    client = signed_in(world.officer)
    get(client, "open_call", query="?mode=aif-playground")
    response = client.post(reverse("portal:open_call"), call_fields(world))
    call = Call.objects.get(title="Playground, second round")
    assert response["Location"] == reverse("portal:call_applications", args=[call.code])
    assert call.maximum_gpu_hours == world.call.maximum_gpu_hours
    assert call.first_month == MONTH
    get(client, "close_call", call.code)
    client.post(reverse("portal:close_call", args=[call.code]))
    call.refresh_from_db()
    assert call.state == "closed"


def test_a_call_that_closes_before_it_opens_is_refused_at_that_field(world: World) -> None:
    response = signed_in(world.officer).post(
        reverse("portal:open_call"), call_fields(world, closes="2020-01-01T00:00", first_month="soon")
    )
    assert response.status_code == 422
    assert "Give a month such as 2026-11." in text_of(response)
    response = signed_in(world.officer).post(reverse("portal:open_call"), call_fields(world, closes="2020-01-01T00:00"))
    assert response.status_code == 422
    assert "A call closes after it opens." in text_of(response)
    assert Call.objects.count() == 1


# Programmes


def test_the_tree_counts_the_shares_of_its_leaves(world: World) -> None:
    response = get(signed_in(make_person("board")), "programmes")
    tree = {branch.programme.code: branch for branch in response.context["tree"]}
    leaf, science, root = (tree[code] for code in ("eu-industrial-entry", "eu-science", "eu"))
    assert root.share == leaf.share + science.share
    assert root.share == sum(balances(["partition"], kind="share", unit="accelerator-seconds").values())
    assert leaf.depth == 2


def test_shares_as_csv_add_up_to_the_capacity(world: World) -> None:
    rows = rows_of(get(signed_in(world.officer), "programmes", query="?format=csv"))
    assert len(rows) == 4
    assert {row["fraction"] for row in rows} == {"0.50000000"}


def share_fields(world: World, **percent: str) -> dict[str, Any]:
    return {"partition": world.partition.code, "first": f"{MONTH:%Y-%m}", "months": "2", **percent}


def test_shares_are_established_for_all_months(world: World) -> None:
    client = signed_in(world.officer)
    form = get(client, "establish_shares", query=f"?partition={world.partition.code}").context["form"]
    assert form.initial["eu-science"] == "50"
    response = client.post(
        reverse("portal:establish_shares"),
        share_fields(world, **{"eu-industrial-entry": "12.5", "eu-science": "87.5"}),
    )
    assert response.status_code == 303
    shares = Share.objects.filter(programme__code="eu-science", partition=world.partition)
    assert {share.month: share.fraction for share in shares} == {MONTH: Decimal("0.875"), NEXT: Decimal("0.875")}


def test_a_table_that_is_off_is_refused_at_the_row_that_is_off(world: World) -> None:
    response = signed_in(world.officer).post(
        reverse("portal:establish_shares"),
        share_fields(world, **{"eu-industrial-entry": "50", "eu-science": "51"}),
    )
    assert response.status_code == 422
    # Either row could be the one; the page marks the last that would mend the table.
    assert response.context["form"].errors["eu-industrial-entry"] == ["The table is off by 1 %."]
    assert "The shares add up to 101 %" in text_of(response)
    assert set(Share.objects.values_list("fraction", flat=True)) == {Decimal("0.5")}


def test_a_table_says_what_it_comes_to_while_it_is_written(world: World) -> None:
    """Together and by month: what is left, what is over, what is no number, which month has no capacity."""
    client = signed_in(world.officer)

    def told(**percent: str) -> str:
        return text_of(client.get(reverse("portal:shares_total"), share_fields(world, **percent)))

    assert "Adds up: all of it is divided." in told(**{"eu-industrial-entry": "12.5", "eu-science": "87.5"})
    short = told(**{"eu-industrial-entry": "12.5", "eu-science": "80"})
    assert "7.5% left to divide." in short
    capacity = declared_capacity(world.partition, [MONTH])[MONTH]
    assert capacity is not None
    assert number_text(round(capacity * 0.075 / 3600), 0) in short
    over = told(**{"eu-industrial-entry": "50", "eu-science": "50.000001"})
    assert "0.000001% over." in over
    assert "It adds up with Playground and Fast Lane at 49.999999%." in over
    assert "Not a number:" in told(**{"eu-industrial-entry": "half", "eu-science": "50"})
    fields = share_fields(world, **{"eu-science": "50"}) | {"first": "2031-01"}
    assert "capacity not declared" in text_of(client.get(reverse("portal:shares_total"), fields))


def test_a_table_is_added_up_without_script_and_nothing_is_established(world: World) -> None:
    before = set(Share.objects.values_list("fraction", flat=True))
    fields = share_fields(world, **{"eu-industrial-entry": "50", "eu-science": "51"})
    response = signed_in(world.officer).post(reverse("portal:establish_shares"), fields | {"check": "1"})
    assert response.status_code == 200
    assert "1% over." in text_of(response)
    assert 'name="check"' in text_of(response)
    assert set(Share.objects.values_list("fraction", flat=True)) == before
    response = signed_in(world.officer).post(reverse("portal:establish_shares"), fields)
    assert response.status_code == 422
    assert "1% over." in text_of(response)


def test_the_desk_leads_to_objections_and_says_where_one_is(world: World) -> None:
    client = signed_in(world.officer)
    here = re.compile(r'<a href="([^"]+)" aria-current="true">')
    assert here.findall(text_of(get(client, "objections"))) == [reverse("portal:objections")]
    assert here.findall(text_of(get(client, "scenarios"))) == [reverse("portal:decisions")]
    assert reverse("portal:objections") not in text_of(get(signed_in(world.operator), "operations"))


def test_shares_of_a_month_without_capacity_are_refused_in_words(world: World) -> None:
    fields = share_fields(world, **{"eu-industrial-entry": "50", "eu-science": "50"}) | {"first": "2031-01"}
    response = signed_in(world.officer).post(reverse("portal:establish_shares"), fields)
    assert response.status_code == 422
    assert "is not declared yet" in text_of(response)


def move(world: World, **changes: str) -> dict[str, str]:
    return {
        "kind": "reallocation",
        "partition": world.partition.code,
        "month": f"{MONTH:%Y-%m}",
        "from_programme": "eu-science",
        "to_programme": "eu-industrial-entry",
        "hours": "10",
        "why": "Science has no demand this month.",
        **changes,
    }


def test_hours_are_moved_with_the_reason(world: World) -> None:
    client = signed_in(world.officer)
    get(client, "reallocate")
    assert client.post(reverse("portal:reallocate"), move(world)).status_code == 303
    assert Reallocation.objects.get().accelerator_seconds == 36_000
    assert "Science has no demand this month." in text_of(get(client, "programmes"))
    (row,) = rows_of(get(client, "programmes", query="?format=csv&of=reallocations"))
    assert (row["accelerator_seconds"], row["why"]) == ("36000", "Science has no demand this month.")


def test_a_move_that_breaks_a_promise_says_so_and_its_opposite_does_not(world: World) -> None:
    make_promise(
        world.officer,
        code="cap-on-entry",
        name="No more than half for entry",
        kind="cap",
        programme=Programme.objects.get(code="eu-industrial-entry"),
        base=Programme.objects.get(code="eu"),
        fraction=Decimal("0.5"),
        valid_from=MONTH,
    )
    client = signed_in(world.officer)
    moved = client.post(reverse("portal:reallocate"), move(world), follow=True)
    assert "No longer kept: No more than half for entry." in text_of(moved)
    code = Reallocation.objects.get().code
    undone = client.post(reverse("portal:undo_reallocation", args=[code]), {"why": "It broke a promise."}, follow=True)
    assert "No longer kept" not in text_of(undone)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"hours": "99999999"}, "GPU-hours left to move"),
        ({"kind": "transfer"}, "A transfer is between states"),
        ({"to_programme": "eu-science"}, "Choose another one."),
    ],
)
def test_a_move_that_cannot_be_is_refused_in_words(world: World, changes: dict[str, str], sentence: str) -> None:
    response = signed_in(world.officer).post(reverse("portal:reallocate"), move(world, **changes))
    assert response.status_code == 422
    assert sentence in text_of(response)
    assert not Reallocation.objects.exists()


# Operations


def test_the_calendar_shows_what_is_declared_and_what_follows_from_the_register(world: World) -> None:
    response = get(signed_in(world.operator), "operations")
    (partition, cells) = response.context["calendar"][0]
    assert partition == world.partition
    assert [cell.is_declared for cell in cells] == [True, True, False, False, False, False]
    assert world.cluster.code in text_of(response)
    rows = rows_of(get(signed_in(world.operator), "operations", query="?format=csv"))
    assert int(rows[0]["declared"]) == int(rows[0]["accelerator_seconds"]) == cells[0].derived.accelerator_seconds


def test_maintenance_lowers_the_capacity_and_declaring_books_the_difference(world: World) -> None:
    client = signed_in(world.operator)
    start = NEXT + timedelta(days=60)
    fields = {
        "partition": world.partition.code,
        "start": f"{start:%Y-%m-%d}T08:00",
        "end": f"{start:%Y-%m-%d}T18:00",
        "nodes": "2",
        "why": "New firmware",
    }
    assert client.post(reverse("portal:plan_maintenance"), fields).status_code == 303
    maintenance = Maintenance.objects.get()
    assert "New firmware" in text_of(get(client, "operations"))

    declared = {"partition": world.partition.code, "first": f"{start:%Y-%m}", "months": "1"}
    client.post(reverse("portal:declare_capacity"), declared)
    month = start.replace(day=1)
    before = balances(["month"], kind="capacity", unit="accelerator-seconds", month=month)[(month,)]
    get(client, "cancel_maintenance", maintenance.pk)
    client.post(reverse("portal:cancel_maintenance", args=[maintenance.pk]))
    assert not Maintenance.objects.exists()
    client.post(reverse("portal:declare_capacity"), declared)
    after = balances(["month"], kind="capacity", unit="accelerator-seconds", month=month)[(month,)]
    assert after > before


def test_maintenance_that_ends_before_it_starts_is_refused_at_that_field(world: World) -> None:
    response = signed_in(world.operator).post(
        reverse("portal:plan_maintenance"),
        {
            "partition": world.partition.code,
            "start": "2026-12-02T08:00",
            "end": "2026-12-01T08:00",
            "why": "New firmware",
        },
    )
    assert response.status_code == 422
    assert "end" in response.context["form"].errors


def test_an_officer_sees_operations_and_declares_nothing(world: World) -> None:
    client = signed_in(world.officer)
    assert reverse("portal:declare_capacity") not in text_of(get(client, "operations"))
    assert client.get(reverse("portal:declare_capacity")).status_code == 403


def test_what_is_awarded_and_not_enforced_is_shown(world: World) -> None:
    from tests.factories.world import make_allocation

    allocation = make_allocation(world)
    text = text_of(get(signed_in(world.operator), "operations"))
    assert "awarded and enforced differ" in text
    assert allocation.project.code in text


def test_broken_records_are_shown_with_their_reason(world: World) -> None:
    UsageBatch.objects.create(
        cluster=world.cluster, key="one", source="march.log", broken=[{"line": 12, "why": "no end time"}]
    )
    UsageBatch.objects.create(cluster=world.cluster, key="two", source="april.log", booked=3)
    client = signed_in(world.operator)
    every, broken = get(client, "usage_batches"), get(client, "usage_batches", query="?broken=1")
    assert "no end time" in text_of(broken)
    assert "april.log" in text_of(every)
    assert "april.log" not in text_of(broken)


def test_the_list_of_waiting_jobs_opens_when_there_are_none(world: World) -> None:
    assert "No job waits or runs" in text_of(get(signed_in(world.operator), "waiting_jobs"))


# People


def test_roles_are_given_and_withdrawn() -> None:
    client, somebody = signed_in(make_person("administrator")), make_person(name="Ada")
    assert "Ada" in text_of(get(client, "people", query="?q=ada"))
    get(client, "person", somebody.pk)
    client.post(reverse("portal:give_role", args=[somebody.pk]), {"role": "officer"})
    assert Person.objects.get(pk=somebody.pk).role_names() == {"applicant", "officer"}
    get(client, "withdraw_role", somebody.pk, "officer")
    client.post(reverse("portal:withdraw_role", args=[somebody.pk, "officer"]))
    assert Person.objects.get(pk=somebody.pk).role_names() == {"applicant"}


def test_the_last_administrator_keeps_the_role() -> None:
    administrator = make_person("administrator")
    response = signed_in(administrator).post(
        reverse("portal:withdraw_role", args=[administrator.pk, "administrator"]), follow=True
    )
    assert response.status_code == 200
    assert "This is the only administrator." in text_of(response)


def test_a_role_that_does_not_exist_is_refused_in_words() -> None:
    client, somebody = signed_in(make_person("administrator")), make_person()
    response = client.post(reverse("portal:give_role", args=[somebody.pk]), {"role": "emperor"}, follow=True)
    assert "There is no role emperor." in text_of(response)


# Audit


def test_events_are_filtered_by_words_actor_subject_and_day(world: World) -> None:
    application = make_submitted(world)
    access.check_eligibility(world.officer, application, remark="Looks fine.")
    client = signed_in(make_person("board"))
    text = text_of(get(client, "audit", query=f"?verb=access.find_eligible&subject={application.code}"))
    assert "access.find_eligible" in text
    assert "Looks fine." in text
    assert 'data-when="seconds"' in text
    rows = rows_of(get(client, "audit", query=f"?actor={world.officer.email}&kind=access.application&format=csv"))
    assert {row["verb"] for row in rows} == {"access.find_eligible"}
    yesterday = timezone.now().date() - timedelta(days=1)
    assert "Nothing fits this filter." in text_of(get(client, "audit", query=f"?until={yesterday}"))


def test_the_check_of_the_ledger_says_that_it_balances(world: World) -> None:
    text = text_of(get(signed_in(make_person("board")), "ledger_check"))
    assert "The ledger balances" in text


def test_every_verb_of_the_record_has_words(world: World) -> None:
    objected(world)
    assert set(Event.objects.values_list("verb", flat=True)) <= set(VERBS)


def test_text_that_a_spreadsheet_would_run_stays_text() -> None:
    (row,) = rows_of(csv_file("x", ["name", "number"], [("=1+1", -5)]))
    assert row == {"name": "'=1+1", "number": "-5"}


def test_a_programme_without_parts_is_a_leaf(world: World) -> None:
    root = Programme.objects.get(code="eu")
    response = get(signed_in(world.officer), "establish_shares")
    assert root not in [programme for programme, _field in response.context["rows"]]


# Technical assessments


def test_the_operator_assesses_before_peers_review() -> None:
    world = make_world()
    make_person("reviewer")
    application = make_submitted(world)
    Call.objects.filter(pk=world.call.pk).update(review="peer")
    access.check_eligibility(world.officer, Application.objects.get(pk=application.pk))
    operator = signed_in(world.operator)
    assert application.code in operator.get(reverse("portal:assessments")).content.decode()
    address = reverse("portal:assessment", args=[application.code])
    assert operator.post(address, {"feasible": "yes", "remark": ""}).status_code == 422
    answer = operator.post(address, {"feasible": "yes", "remark": "Scales."}, follow=True)
    assert "assessed" in answer.content.decode()
    application.refresh_from_db()
    assert application.state == "assessed"
    assert "Scales." in operator.get(address).content.decode()
    officer = signed_in(world.officer)
    assert "Scales." in officer.get(reverse("portal:judge_application", args=[application.code])).content.decode()
    officer.post(reverse("portal:assign_reviewers", args=[world.call.code]))
    application.refresh_from_db()
    assert application.state == "in-review"


def test_operators_read_only_what_they_assess() -> None:
    world = make_world()
    application = make_submitted(world)
    operator = signed_in(world.operator)
    assert operator.get(reverse("portal:assessment", args=[application.code])).status_code == 404
    assert operator.get(reverse("portal:application", args=[application.code])).status_code == 404
