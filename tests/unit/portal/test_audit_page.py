"""The record on its page: chosen from lists, told in words, each subject a link where its reader may open it."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse
from django.utils.translation import override
from tests.factories.world import make_draft, make_person, make_submitted, make_world

from fabriek.access.lifecycle import BY_NAME
from fabriek.audit.actions import record
from fabriek.audit.models import Event
from fabriek.people.models import Person
from fabriek.portal.pages.decide.subjects import KINDS
from fabriek.portal.pages.decide.verbs import ROOMS, VERBS

SOURCE = Path(__file__).parents[3] / "src" / "fabriek"


def page_of(reader: Person, query: str = "") -> str:
    client = Client()
    client.force_login(reader)
    return html.unescape(client.get(reverse("portal:audit") + query).content.decode())


def test_every_verb_that_is_recorded_can_be_chosen_and_has_words() -> None:
    written = {f"access.{name}" for name in BY_NAME}
    for room in ROOMS:
        for path in [*SOURCE.glob(f"{room}/actions*.py"), *SOURCE.glob(f"{room}/actions/*.py")]:
            written |= set(re.findall(rf'"({room}\.[a-z_]+)"', path.read_text()))
    assert len(written) > 90
    assert sorted(written - VERBS.keys()) == []


@pytest.mark.django_db
def test_what_who_and_about_are_chosen_from_lists() -> None:
    world = make_world()
    application = make_submitted(world)
    board = make_person("board", name="Beatrix")
    page = page_of(board)
    for verb, words in VERBS.items():
        assert f'<option value="{verb}">{words}</option>' in page
    for kind, known in KINDS.items():
        assert f'<option value="{kind}">{known.words}</option>' in page
    assert '<option value="Beatrix">' in page
    found = page_of(board, "?verb=access.submit&kind=access.application")
    assert application.code in found
    assert "access.start_application" not in found.split("<tbody>")[1], "exactly this verb"
    assert "Select a valid choice" in page_of(board, "?verb=nonsense")


@pytest.mark.django_db
def test_a_subject_is_a_link_where_its_reader_may_open_it() -> None:
    world = make_world()
    submitted, draft = make_submitted(world), make_draft(world)
    somebody = draft.applicant
    record(somebody, "people.update_profile", somebody)
    administrator, board = make_person("administrator"), make_person("board")
    for reader in (administrator, board):
        page = page_of(reader)
        links = re.findall(r'<div class="breaks"><a href="([^"]+)"', page)
        assert f"/desk/applications/{submitted.code}/" in links
        assert f"/calls/{world.call.code}/" in links
        assert f"/desk/applications/{draft.code}/" not in links, "a draft is its writer's"
        client = Client()
        client.force_login(reader)
        for link in set(links):
            assert client.get(link).status_code == 200, link
        assert somebody.name in page
    assert f'<a href="/people/{somebody.pk}/">' in page_of(administrator)
    assert f'<a href="/people/{somebody.pk}/">' not in page_of(board)


@pytest.mark.django_db
def test_what_happened_is_told_in_the_readers_words() -> None:
    world = make_world()
    record(None, "operations.job_ended", world.cluster, state="COMPLETED")
    record(None, "operations.book_usage", world.cluster, booked=5, repeated=1, broken=0)
    record(None, "recipes.run_recipe", world.cluster)
    reader = make_person("board")
    reader.language = "nl"
    reader.save()
    with override("nl"):
        client = Client(headers={"accept-language": "nl"})
        client.force_login(reader)
        page = html.unescape(client.get(reverse("portal:audit")).content.decode())
    rows = page.split("<tbody>")[1].split("</tbody>")[0]
    for english in ("COMPLETED", "booked", "repeated", "Run recipe"):
        assert english not in rows
    assert Event.objects.filter(verb="operations.job_ended").exists()
