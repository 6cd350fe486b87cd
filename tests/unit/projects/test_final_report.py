"""A project's final report: the ledger fills in the figures, the lead says what came of it."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from tests.factories.world import make_allocation, make_person, make_world

from fabriek.audit.queries import events_of
from fabriek.conf.errors import Invalid
from fabriek.people.actions import create_token
from fabriek.people.models import Person
from fabriek.projects.actions import settle
from fabriek.projects.errors import NotAMember, ReportTooEarly
from fabriek.projects.models import Allocation, FinalReport, Project
from fabriek.projects.reports import hand_in_report, report_figures
from fabriek.projects.rules import month_after

pytestmark = pytest.mark.django_db
SAID = {"results": "A model for windmills.", "outputs": "", "unused_why": "The data came late."}


def lead_of(allocation: Allocation) -> Person:
    return allocation.project.members.get(role="lead").person


def test_the_figures_are_the_ledgers_by_month_also_after_the_hours_lapsed() -> None:
    allocation = make_allocation(make_world(), gpu_hours=101, months=2)
    figures = report_figures(allocation.project)
    assert [row.planned for row in figures.months] == [181_800, 181_800]
    assert (figures.awarded, figures.used, figures.unused) == (363_600, 0, 363_600)
    assert (figures.energy_kwh, figures.co2_kg) == (None, None), "nothing measures them"
    settle(None, allocation, timezone.now() + timedelta(days=100))
    assert report_figures(allocation.project) == figures


def test_only_the_lead_only_at_the_end_and_unused_hours_need_a_reason() -> None:
    allocation = make_allocation(make_world())
    project, lead = allocation.project, lead_of(allocation)
    with pytest.raises(NotAMember):
        hand_in_report(make_person(), project, **SAID)
    with pytest.raises(Invalid) as refusal:
        hand_in_report(lead, project, " ", unused_why="")
    assert set(refusal.value.faults) == {"results", "unused_why"}
    Project.objects.filter(pk=project.pk).update(ends=month_after(project.ends, 3))
    project.refresh_from_db()
    with pytest.raises(ReportTooEarly):
        hand_in_report(lead, project, **SAID)


def test_handing_in_again_corrects_it_and_the_record_keeps_what_was_there() -> None:
    allocation = make_allocation(make_world())
    project, lead = allocation.project, lead_of(allocation)
    first = hand_in_report(lead, project, **SAID)
    assert hand_in_report(lead, project, **SAID) == first
    hand_in_report(lead, project, **SAID | {"results": "Two models."})
    assert FinalReport.objects.get().results == "Two models."
    handed = [event for event in events_of(project) if event.verb == "projects.hand_in_report"]
    assert len(handed) == 2


def test_the_page_is_filled_in_for_members_and_written_by_the_lead() -> None:
    allocation = make_allocation(make_world())
    client, address = Client(), f"/projects/{allocation.project.code}/report/"
    client.force_login(lead_of(allocation))
    page = re.sub(r"\s+", " ", client.get(address).content.decode())
    assert "not measured at this site" in page
    assert "Not known" in page
    lacking = client.post(address, {"results": "Something."})
    assert lacking.status_code == 422
    assert "Hours were not used. Say why." in lacking.content.decode()
    assert client.post(address, SAID).status_code == 302
    assert "A model for windmills." in client.get(address).content.decode()
    stranger = Client()
    stranger.force_login(make_person())
    assert stranger.get(address).status_code == 404


def test_the_api_gives_the_figures_and_takes_the_report() -> None:
    allocation = make_allocation(make_world())
    lead = lead_of(allocation)
    token = create_token(lead, name="test", scopes=["read", "apply"], person=lead)[1]
    client = Client(headers={"Authorization": f"Bearer {token}"})
    address = f"/api/v1/projects/{allocation.project.code}/report"
    before: dict[str, Any] = client.get(address).json()
    assert (before["results"], before["accelerator_seconds"]["unused"]) == (None, 360_000)
    after = client.put(address, json.dumps(SAID), content_type="application/json").json()
    assert after["results"] == "A model for windmills."
    assert client.put(address, json.dumps({"results": ""}), content_type="application/json").status_code == 422
