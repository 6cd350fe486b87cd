"""What visitors, applicants, reviewers and members meet when something isn't as it should be."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from tests.factories.world import MONTH, make_allocation, make_draft, make_person, make_submitted, make_world

from fabriek.access.actions import assign_reviewers, check_eligibility, close_call
from fabriek.access.models import Application, Conflict
from fabriek.operations.models import Job
from fabriek.portal.components.amounts import hours_text
from fabriek.programmes.actions import make_promise
from fabriek.programmes.models import Programme
from fabriek.register.models import Factory, Link, Site, StageChange

pytestmark = pytest.mark.django_db
ORIGIN = {"Referer": "http://testserver/calls/somewhere/?page=2"}


def signed_in(person: Any) -> Client:
    client = Client()
    client.force_login(person)
    return client


def text_of(response: Any) -> str:
    return re.sub(r"\s+", " ", response.content.decode())


def test_a_request_over_the_limit_is_told_beside_its_field_and_kept() -> None:
    draft = make_draft(make_world())
    client, address = signed_in(draft.applicant), f"/applications/{draft.code}/request/"
    over = {"version": draft.version, "gpu_hours_0": 9_000, "months_0": 1, "gpu_hours_2": 8_000, "months_2": 1}
    answer = client.post(address, over)
    assert answer.status_code == 422
    assert "9,000 GPU-hours are more than this call&#x27;s 5,000" in text_of(answer)
    assert "id_gpu_hours_2-error" in text_of(answer), "the second that was filled in is the form's third choice"
    assert [asked.gpu_hours for asked in draft.alternatives.all()] == [9_000, 8_000]
    draft.refresh_from_db()
    fitting = client.post(address, {"version": draft.version, "gpu_hours_0": 100, "months_0": 1})
    assert fitting["Location"] == f"/applications/{draft.code}/project/"


def test_who_is_signed_out_comes_back_to_the_page_and_a_part_of_a_page_is_told_in_place() -> None:
    client = Client()
    assert client.post("/calls/somewhere/apply/", headers=ORIGIN)["Location"] == (
        "/sign-in/?next=/calls/somewhere/%3Fpage%3D2"
    )
    elsewhere = client.post("/calls/somewhere/apply/", headers={"Referer": "https://evil.example/"})
    assert elsewhere["Location"] == "/sign-in/?next=/"
    saving = client.post("/applications/a/save/project/", headers={"HX-Request": "true"})
    assert saving.status_code == 401
    assert saving["HX-Reswap"] == "none"
    assert "you are signed out" in text_of(saving)


def test_a_draft_that_can_not_be_saved_says_why() -> None:
    draft = make_draft(make_world())
    client, address = signed_in(draft.applicant), f"/applications/{draft.code}/save/project/"
    assert "Ensure this value has at most" in text_of(client.post(address, {"version": 1, "summary": "x" * 5_001}))
    old = client.post(address, {"version": draft.version - 1, "title": "Old"})
    assert old.status_code == 409
    assert "changed in another window" in text_of(old)


def test_applying_twice_goes_on_with_the_same_untouched_draft() -> None:
    world = make_world()
    client = signed_in(make_person())
    first, second = (client.post(f"/calls/{world.call.code}/apply/")["Location"] for _ in range(2))
    assert first == second
    assert Application.objects.count() == 1


def test_what_the_front_door_worked_out_is_in_the_draft() -> None:
    world = make_world()
    person = make_person()
    signed_in(person).post(f"/calls/{world.call.code}/apply/", {"gpu_hours": "674", "months": "2"})
    asked = Application.objects.get(applicant=person).alternatives.get()
    assert (asked.gpu_hours, asked.months, asked.partition) == (674, 2, world.partition)


def test_the_last_step_reads_back_all_that_is_sent_and_warns_who_may_be_refused() -> None:
    world = make_world()
    draft = make_draft(world, applicant=make_person())
    client = signed_in(draft.applicant)
    said = {"version": draft.version, "name": "A club", "organisation_class": "academia", "country": "ZZ"}
    assert client.post(f"/applications/{draft.code}/organisation/", said).status_code == 302
    page = text_of(client.get(f"/applications/{draft.code}/check/"))
    assert "We train a model." in page
    assert "You may be found not eligible" in page
    assert "not established in a Member State" in page
    close_call(world.officer, world.call)
    closed = text_of(client.get(f"/applications/{draft.code}/check/"))
    assert "This call is closed" in closed
    assert "Submit the application" not in closed


def test_an_application_that_was_sent_can_not_be_changed_by_going_back() -> None:
    application = make_submitted(make_world())
    client = signed_in(application.applicant)
    answer = client.post(f"/applications/{application.code}/project/", {"title": "Other"}, follow=True)
    assert "can&#x27;t be changed any more" in text_of(answer)
    assert Application.objects.get(pk=application.pk).title == "A model"


def test_a_job_that_is_sent_twice_runs_once_and_can_be_sent_again_with_changes() -> None:
    allocation = make_allocation(make_world())
    lead = allocation.project.members.get().person
    client, address = signed_in(lead), f"/projects/{allocation.project.code}/jobs/new/"
    number = re.search(r'name="uuid" value="([^"]+)"', text_of(client.get(address)))
    assert number is not None
    said = {"uuid": number[1], "allocation": allocation.code, "name": "mine", "script": "#!/bin/bash\necho once\n"}
    assert client.post(address, said)["Location"] == client.post(address, said)["Location"]
    job = Job.objects.get()
    assert "echo once" in text_of(client.get(f"{address}?like={job.uuid}"))
    assert client.get(f"{address}?like=nothing").status_code == 200


def test_lists_and_plots_of_a_project_are_exported() -> None:
    allocation = make_allocation(make_world())
    lead = allocation.project.members.get().person
    client, project = signed_in(lead), f"/projects/{allocation.project.code}/"
    assert client.get(f"{project}?format=csv").content.decode().startswith("day,left_seconds,planned_seconds")
    assert client.get(f"{project}jobs/?format=csv&sort=-name").content.decode().startswith("uuid,engine_job")
    entries = client.get(f"/allocations/{allocation.code}/?format=csv").content.decode()
    assert "360000,accelerator-seconds" in entries
    assert signed_in(make_person()).get(f"{project}?format=csv").status_code == 404


def test_declining_a_review_needs_the_interest_and_keeps_what_was_written() -> None:
    world = make_world()
    make_person("reviewer")
    application = make_submitted(world)
    check_eligibility(world.officer, application)
    review = assign_reviewers(world.officer, [application])[0]
    client, address = signed_in(review.reviewer), f"/reviews/{review.pk}/"
    assert client.post(f"{address}decline/", {"why": ""}).status_code == 422
    assert "Say which interest you have." in text_of(client.post(f"{address}decline/", {"why": ""}))
    Conflict.objects.create(application=application, person=review.reviewer, why="a cousin")
    scores = {criterion["code"]: 3 for criterion in world.call.criteria}
    refused = text_of(client.post(address, {**scores, "remark": "Long thoughts."}))
    assert "declared a conflict of interest: a cousin" in refused
    assert "Long thoughts." in refused


def test_the_register_leads_to_its_sources_and_shows_links() -> None:
    world = make_world()
    factory, system = world.factory, world.partition.system
    Factory.objects.filter(pk=factory.pk).update(
        sectors=["health"], facts={"sectors": {"source": "s1", "confidence": "medium"}}
    )
    StageChange.objects.create(factory=factory, stage="procured", on="2026-08-31", text="the <machine>")
    StageChange.objects.create(factory=factory, stage="operating", on="2027")
    page = text_of(Client().get(f"/factories/{factory.code}/"))
    assert 'href="#source-s1"' in page
    assert 'id="source-s1"' in page
    assert "31 Aug 2026 · the &lt;machine&gt;" in page
    assert "&lt;p&gt;" not in page
    assert "is not a legal entity" in page
    there = f"/systems/{system.code}/"
    assert "the register has no link of this site" in text_of(Client().get(there))
    other = Site.objects.create(code="other", name="The other site", country="DE", latitude=50, longitude=8)
    Link.objects.create(from_site=other, to_site=system.site, gigabits_per_second=400, network="GÉANT")
    linked = text_of(Client().get(there))
    assert "The other site, Germany" in linked
    assert "400" in linked
    assert f'href="/factories/{factory.code}/"' in linked


def test_promises_are_sorted_and_each_figure_leads_to_its_numbers() -> None:
    make_allocation(make_world())
    page = text_of(Client().get("/promises/?sort=-decided"))
    assert 'href="/promises/share-eu-industrial-entry/#numbers"' in page
    assert page.index("share-eu-industrial-entry") < page.index("share-eu-science")
    assert page.index("share-eu-industrial-entry") > 0
    flipped = text_of(Client().get("/promises/?sort=decided"))
    assert flipped.index("share-eu-industrial-entry") > flipped.index("share-eu-science")


def test_a_broken_promise_says_which_figure_breaks_it() -> None:
    world = make_world()
    make_allocation(world, 100)
    make_promise(
        world.officer,
        code="floor-of-startups",
        name="Room for science",
        kind="floor",
        programme=Programme.objects.get(code="eu-industrial-entry"),
        base=Programme.objects.get(code="eu-industrial-entry"),
        organisation_class="academia",
        fraction=Decimal("0.5"),
        of="awarded",
        valid_from=MONTH,
    )
    assert "Floors: a bar should reach its mark" in text_of(Client().get("/promises/"))
    page = Client().get("/promises/floor-of-startups/").content.decode()
    assert "Not kept" in page
    assert re.search(r"What was decided: .*0.* GPU-hours; at least .*50", re.sub(r"<[^>]+>|\s+", " ", page))


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(180_000, "50"), (179_976, "49.99"), (179_640, "49.9"), (36_024, "10.01"), (17_999_976, "5,000")],
)
def test_what_a_first_short_job_used_is_seen_in_what_is_left(seconds: int, words: str) -> None:
    assert hours_text(seconds) == words


def test_criteria_of_ours_are_read_in_the_readers_language_and_an_officers_own_as_written() -> None:
    world = make_world()
    address = f"/calls/{world.call.code}/"
    assert "Technical feasibility" in text_of(Client().get(address))
    assert "Technische haalbaarheid" in text_of(Client().get(address, headers={"Accept-Language": "nl"}))
    world.call.criteria = [{"code": "own", "name": "Beauty", "weight": 1, "scale": 5}]
    world.call.save()
    assert "Beauty" in text_of(Client().get(address, headers={"Accept-Language": "nl"}))


def test_every_page_ends_a_project_on_its_last_day() -> None:
    allocation = make_allocation(make_world())
    project = allocation.project
    client = Client()
    client.force_login(project.members.get(role="lead").person)
    last = project.ends - timedelta(days=1)
    assert (project.last_day, allocation.last_day) == (last, allocation.ends - timedelta(days=1))
    lists = [reverse("portal:projects"), reverse("portal:allocations")]
    lists.append(reverse("portal:project_hours", args=[project.code]))
    pages = [reverse("portal:project", args=[project.code]), reverse("portal:allocation", args=[allocation.code])]
    for address in lists + pages:
        page = client.get(address).content.decode()
        assert f'datetime="{last}"' in page, address
        # The curve of a project's hours has the day after too.
        assert address in pages or f'datetime="{project.ends}"' not in page, address


def test_a_demonstration_says_where_its_mail_lies_and_a_platform_does_not(
    client: Client, settings: Any, tmp_path: Path
) -> None:
    settings.EMAIL_FILE_PATH = tmp_path / "mail"
    for demo in (True, False):
        settings.FABRIEK_DEMO = demo
        page = client.post("/sign-in/", {"email": f"somebody-{demo}@example.org"}).content.decode()
        assert "A link is on its way" in page
        assert (str(tmp_path) in page) == demo
