"""What is found for whom: from published entries alone, for who may read the project or application."""

from __future__ import annotations

from datetime import date

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from tests.factories.catalogue import make_entry, make_record
from tests.factories.world import make_allocation, make_draft, make_person, make_submitted, make_world

from fabriek.access.actions import save_draft
from fabriek.access.models import Application
from fabriek.catalogue.actions import agree, draft_entry, retire_entry
from fabriek.catalogue.models import Entry, EntryState
from fabriek.catalogue.search import feeding
from fabriek.conf.errors import NotFound
from fabriek.matching.queries import Fitting, matches_of
from fabriek.projects.models import Project

pytestmark = pytest.mark.django_db
SPEECH = {"tasks": ["automatic-speech-recognition"], "languages": ["nl"]}


def application_about(text: str) -> Application:
    draft = make_draft(make_world())
    return save_draft(draft.applicant, draft, draft.version, title=text, summary=text)


def codes(fitting: Fitting, section: str) -> list[str]:
    return next([one.entry.code for one in found] for part, found in fitting.sections if part.code == section)


def test_an_application_gets_what_fits_and_nothing_else() -> None:
    application = application_about("Dutch speech recognition")
    fits = make_entry(**SPEECH)
    make_entry(tasks=["image-segmentation"])
    grant = make_entry("funding", details={"classes": ["startup"]})
    fitting = matches_of(application, application.applicant)
    assert codes(fitting, "data") == [fits.code]
    assert codes(fitting, "funding") == [grant.code]


def test_nothing_that_is_not_published_is_offered_even_where_the_index_lags() -> None:
    application = application_about("Dutch speech recognition")
    draft_entry(make_person(), make_record(**SPEECH))
    draft_entry(make_person(), make_record("funding", details={"classes": ["startup"]}))
    steward = make_person()
    retire_entry(steward, make_entry(steward=steward, **SPEECH))
    assert matches_of(application, application.applicant).is_empty
    make_entry(**SPEECH)
    assert codes(matches_of(application, application.applicant), "data")
    # Behind the index's back: no time tells it.
    Entry.objects.update(state=EntryState.RETIRED)
    assert matches_of(application, application.applicant).is_empty


def test_who_may_not_read_it_is_told_that_it_is_not_there() -> None:
    application = application_about("Dutch speech recognition")
    project = make_allocation(make_world()).project
    for stranger in (make_person(), make_person("reviewer"), None):
        for subject in (application, project):
            with pytest.raises(NotFound):
                matches_of(subject, stranger)
    # Officers read projects, and applications once they are submitted.
    matches_of(project, make_person("officer"))
    with pytest.raises(NotFound):
        matches_of(application, make_person("officer"))
    matches_of(make_submitted(make_world()), make_person("officer"))


def test_what_an_application_says_is_used_for_a_reader_of_the_application_alone() -> None:
    application = application_about("Dutch speech recognition")
    project = make_allocation(make_world(), lead=make_person(organisation=application.organisation)).project
    project.application = application.code
    project.save()
    make_entry(**SPEECH)
    lead = project.members.get().person
    assert not codes(matches_of(project, lead), "data")
    Application.objects.filter(pk=application.pk).update(applicant=lead)
    assert codes(matches_of(project, lead), "data")


def test_its_own_people_are_not_offered_and_what_they_know_needs_no_course() -> None:
    application = application_about("speech recognition")
    make_entry("training", details={"teaches": ["speech recognition"]})
    assert codes(matches_of(application, application.applicant), "training")
    make_entry("expert", steward=application.applicant, details={"skills": ["speech recognition"]})
    other = make_entry("expert", details={"skills": ["speech recognition"]})
    fitting = matches_of(application, application.applicant)
    assert codes(fitting, "experts") == [other.code]
    assert not codes(fitting, "training")


def test_what_a_projects_venture_seeks_and_is_about_counts_while_its_lead_agrees() -> None:
    project = make_allocation(make_world()).project
    lead = project.members.get().person
    assert matches_of(project, lead).needs.amount is None
    details = {"project": project.code, "seeks_amount": 500_000}
    venture = make_entry("venture", steward=lead, sectors=["agriculture"], details=details)
    make_entry("investor", details={"ticket_least": 100_000})
    fitting = matches_of(project, lead)
    assert fitting.needs.amount == 500_000
    assert "sector:agriculture" in fitting.needs.named
    assert len(codes(fitting, "investors")) == 1
    agree(lead, venture, ["catalogue"])
    assert matches_of(project, lead).needs.amount is None


def test_what_people_know_counts_for_their_projects_while_they_agree() -> None:
    application = application_about("speech recognition")
    known = {"details": {"skills": ["speech recognition"]}}
    expert = make_entry("expert", steward=application.applicant, **known)
    assert matches_of(application, application.applicant).needs.known
    agree(application.applicant, expert, ["catalogue"])
    assert not matches_of(application, application.applicant).needs.known


def test_of_those_that_are_of_the_same_the_one_that_is_called_so_comes_first() -> None:
    application = application_about("Dutch speech recognition in hospitals")
    for title in ("A", "Recordings of Dutch speech in hospitals", "Z"):
        make_entry(title=title, **SPEECH)
    fitting = matches_of(application, application.applicant)
    [first, *_others] = next(found for part, found in fitting.sections if part.code == "data")
    assert first.entry.title == "Recordings of Dutch speech in hospitals"
    assert "alike" in {one.code for one in first.match.reasons}


def test_an_application_without_a_title_is_not_searched_for_by_it() -> None:
    application = application_about("")
    make_entry("funding", details={"classes": ["startup"]})
    assert not any(
        one.code == "alike"
        for _section, found in matches_of(application, application.applicant).sections
        for row in found
        for one in row.match.reasons
    )


def test_partners_are_those_who_agree_to_be_found() -> None:
    application = application_about("Dutch speech recognition")
    seeks = {**SPEECH, "details": {"seeks": ["hospitals with recordings"]}}
    found = make_entry("team", **seeks)
    make_entry("team", purposes=["catalogue", "feeds", "contact"], **seeks)
    assert codes(matches_of(application, application.applicant), "partners") == [found.code]


def test_recipes_are_told_of_data_that_are_text() -> None:
    application = application_about("Dutch speech recognition")
    text = make_entry(**SPEECH, details={"modalities": ["Text"]})
    sound = make_entry(**SPEECH, details={"modalities": ["audio", "text"]})
    fitting = matches_of(application, application.applicant)
    told = {one.entry.code: [r.code for r in one.recipes] for _s, found in fitting.sections for one in found}
    assert "fine-tune-lm" in told[text.code]
    assert told[sound.code] == []


def test_the_number_of_queries_does_not_grow() -> None:
    project = Project.objects.get(pk=make_allocation(make_world()).project.pk)
    project.title = "Dutch speech recognition and translation for hospitals"
    lead = project.members.get().person
    counted = []
    for entries in (1, 12):
        for _number in range(entries):
            make_entry(**SPEECH)
            make_entry("funding", details={"classes": ["startup"]})
            make_entry("expert", details={"skills": ["speech recognition"]})
        feeding.follow()
        matches_of(project, lead)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            matches_of(project, lead, date(2026, 12, 1))
        counted.append(len(queries))
    assert counted[0] == counted[1] <= 8
