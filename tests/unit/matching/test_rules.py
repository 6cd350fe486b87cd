"""What fits, what doesn't, and what is said of it."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from tests.factories.catalogue import make_record

from fabriek.catalogue.record import Record, VentureDetails
from fabriek.catalogue.reference import reference_records
from fabriek.matching.licences import commercial_use
from fabriek.matching.needs import CLASSES, Needs, needs_of
from fabriek.matching.rules import SECTIONS, Match, best, weigh
from fabriek.matching.words import SENTENCES, TITLES, sentence
from fabriek.people.models import OrganisationClass

TODAY = date(2026, 12, 1)
NEXT = (TODAY.replace(day=1) + timedelta(31)).strftime("%Y-%m")
BY_CODE = {section.code: section for section in SECTIONS}
STARTUP = needs_of(
    named=["Spraakherkenning voor ziekenhuizen", "We fine-tune a Dutch speech recognition model."],
    heard=["PyTorch with MPI: parallel programming on eight nodes."],
    organisation_class="startup",
    country="NL",
)


def weighed(section: str, record: Record, needs: Needs = STARTUP) -> Match | None:
    return weigh(BY_CODE[section], needs, record, TODAY)


def fits(section: str, kind: str, needs: Needs = STARTUP, **said: Any) -> Match:
    match = weighed(section, make_record(kind, **said), needs)
    assert match is not None
    return match


def codes(match: Match) -> set[str]:
    return {one.code for one in (*match.reasons, *match.remarks)}


def test_needs_are_what_texts_name_in_the_language_of_the_country() -> None:
    assert STARTUP.named >= {"task:speech-recognition", "task:fine-tuning", "language:nl", "sector:health"}
    assert STARTUP.heard == {"topic:parallel-programming"}
    assert STARTUP.languages == {"nl"}
    assert STARTUP.commercial
    assert not needs_of(named=["Spraakherkenning"], country="FI").concepts
    assert not needs_of(named=["A project in the Netherlands"]).concepts


def test_classes_are_those_of_the_platform() -> None:
    assert set(OrganisationClass.values) == CLASSES


def test_data_of_the_task_fit_and_a_language_alone_is_not_enough() -> None:
    match = fits("data", "dataset", tasks=["automatic-speech-recognition"], languages=["nl"])
    assert {one.code for one in match.reasons} == {"task", "language", "licence"}
    assert weighed("data", make_record(tasks=["image-segmentation"], languages=["nl"])) is None
    assert weighed("models", make_record(tasks=["automatic-speech-recognition"])) is None


def test_what_is_named_counts_twice_what_is_only_heard() -> None:
    said = {"tasks": ["automatic-speech-recognition"]}
    named = needs_of(named=["speech recognition"])
    heard = needs_of(named=[], heard=["speech recognition"])
    of = [fits("data", "dataset", needs, **said).reasons[0].worth for needs in (named, heard)]
    assert of[0] == 2 * of[1]


def test_another_language_is_told_and_an_unsaid_one_is_not() -> None:
    other = fits("models", "model", tasks=["automatic-speech-recognition"], languages=["sv"])
    unsaid = fits("models", "model", tasks=["automatic-speech-recognition"])
    assert "other-languages" in codes(other)
    assert "other-languages" not in codes(unsaid)
    assert unsaid.score > other.score


@pytest.mark.parametrize(
    ("licence", "told"),
    [
        ("CC-BY-4.0", "licence"),
        ("CC-BY-NC-4.0", "licence-non-commercial"),
        ("https://example.org/licence", "licence-to-read"),
        ("", "licence-unsaid"),
    ],
)
def test_companies_are_told_of_licences_and_others_are_not(licence: str, told: str) -> None:
    said = {"tasks": ["automatic-speech-recognition"], "licence": licence}
    assert told in codes(fits("data", "dataset", **said))
    academia = needs_of(named=["speech recognition"], organisation_class="academia")
    assert not any(code.startswith("licence") for code in codes(fits("data", "dataset", academia, **said)))


@pytest.mark.parametrize(
    ("licence", "told"),
    [
        ("MIT", "allowed"),
        ("apache-2.0", "allowed"),
        ("GPL-3.0-or-later WITH GCC-exception-3.1", "allowed"),
        ("Apache-2.0 OR CC-BY-NC-4.0", "allowed"),
        ("Apache-2.0 AND CC-BY-NC-4.0", "refused"),
        ("(MIT OR CC-BY-NC-4.0) AND CC-BY-NC-4.0", "unknown"),
        ("(MIT OR Apache-2.0)", "allowed"),
        ("CC-BY-NC-SA-3.0", "refused"),
        ("PolyForm-Noncommercial-1.0.0", "refused"),
        ("LicenseRef-ours", "unknown"),
        ("https://example.org/NC", "unknown"),
        ("", "unknown"),
    ],
)
def test_what_a_licence_says_of_commercial_use(licence: str, told: str) -> None:
    assert commercial_use(licence) == told


def test_the_licences_of_the_reference_catalogue_are_known_but_for_addresses() -> None:
    licences = {one.licence for one in reference_records() if one.licence and "://" not in one.licence}
    assert {one for one in licences if commercial_use(one) == "unknown"} == set()


def test_a_course_teaches_what_nobody_knows_yet() -> None:
    said = {"details": {"teaches": ["parallel programming"]}}
    assert codes(fits("training", "training", **said)) == {"teaches"}
    able = needs_of(named=["parallel programming"], known=["parallel programming"])
    assert weighed("training", make_record("training", **said), able) is None


def test_what_all_is_of_is_taught_but_is_no_reason_by_itself() -> None:
    needs = needs_of(named=["machine learning on text"])
    match = fits("training", "training", needs, details={"teaches": ["machine learning", "text"]})
    assert [one.values for one in match.reasons] == [{"concepts": ["topic:machine-learning"]}]
    assert weighed("data", make_record(keywords=["machine learning", "text"]), needs) is None


def test_a_course_that_is_over_is_not_offered() -> None:
    details = {"teaches": ["parallel programming"], "starts": str(TODAY - timedelta(2)), "ends": str(TODAY)}
    assert weighed("training", make_record("training", details=details)) is not None
    details["ends"] = str(TODAY - timedelta(1))
    assert weighed("training", make_record("training", details=details)) is None


@pytest.mark.parametrize(
    ("details", "told"),
    [
        ({"free_from": str(TODAY + timedelta(31))}, "free"),
        ({"free_from": str(TODAY - timedelta(400))}, "free"),
        ({}, "free-unsaid"),
        ({"free_from": str(TODAY + timedelta(32))}, None),
        ({"hours_a_month": 0}, None),
        # What is said of next month goes before what is said of all.
        ({"months": [{"month": NEXT, "hours": 40}], "hours_a_month": 0}, "free-month"),
        ({"months": [{"month": NEXT, "hours": 40}], "free_from": str(TODAY + timedelta(90))}, "free-month"),
        ({"months": [{"month": NEXT, "hours": 0}], "free_from": str(TODAY)}, None),
        ({"months": [{"month": "2020-01", "hours": 0}]}, "free-unsaid"),
    ],
)
def test_experts_are_free_within_a_month_or_do_not_say(details: dict[str, Any], told: str | None) -> None:
    record = make_record("expert", details={"skills": ["speech recognition"], **details})
    match = weighed("experts", record)
    assert told in codes(match) if match else told is None


def test_partners_are_those_who_look_for_one() -> None:
    said = {"tasks": ["automatic-speech-recognition"]}
    assert weighed("partners", make_record("venture", **said)) is None
    assert "seeks" in codes(fits("partners", "venture", **said, details={"seeks": ["hospitals with data"]}))


@pytest.mark.parametrize(
    ("details", "told"),
    [
        ({"classes": ["startup"], "closes": str(TODAY)}, {"class", "open", "country-unsaid"}),
        ({"classes": ["startup"]}, {"class", "closes-unsaid", "country-unsaid"}),
        ({"countries": ["NL", "BE"]}, {"country", "closes-unsaid", "class-unsaid"}),
        ({"classes": ["founders"], "countries": ["NL"]}, {"country", "closes-unsaid", "class-unsaid"}),
        ({"classes": ["startup"], "countries": ["EU"]}, {"class", "closes-unsaid", "country-unsaid"}),
        ({"classes": ["academia"], "countries": ["NL"]}, None),
        ({"classes": ["startup"], "countries": ["DE"]}, None),
        ({"classes": ["startup"], "closes": str(TODAY - timedelta(1))}, None),
        ({"classes": ["startup"], "opens": str(TODAY + timedelta(1))}, None),
        ({}, None),
    ],
)
def test_funding_is_open_today_to_this_class_and_country(details: dict[str, Any], told: set[str] | None) -> None:
    match = weighed("funding", make_record("funding", details=details))
    assert (codes(match) if match else None) == told


def test_days_left_are_counted_from_today() -> None:
    details = {"classes": ["startup"], "closes": str(TODAY + timedelta(9))}
    reason = next(one for one in fits("funding", "funding", details=details).reasons if one.code == "open")
    assert reason.values == {"closes": "2026-12-10", "days_left": 9}
    assert sentence(reason) == "Open, 9 days left: until 10 Dec 2026."


@pytest.mark.parametrize(
    ("least", "most", "told"),
    [
        (100_000, 1_000_000, "ticket"),
        (None, 500_000, "ticket"),
        (600_000, None, None),
        (None, 400_000, "amount"),
        (None, None, "ticket-unsaid"),
    ],
)
def test_investors_by_sector_and_ticket(least: int | None, most: int | None, told: str | None) -> None:
    needs = needs_of(named=["hospitals"], country="NL", venture=VentureDetails(seeks_amount=500_000, round="Seed"))
    said = {"sectors": ["health"], "details": {"ticket_least": least, "ticket_most": most, "rounds": ["seed"]}}
    match = weighed("investors", make_record("investor", **said), needs)
    assert {told, "round", "sector"} <= codes(match) if match else told is None


def test_the_reference_catalogue_has_something_for_a_start_up_in_speech() -> None:
    records = reference_records()
    found = {s.code: [one.record.code for one in best(s, STARTUP, records, TODAY, 6)] for s in SECTIONS}
    assert {"common-voice", "fleurs", "mls", "voxpopuli"} <= set(found["data"])
    assert found["models"][0] == "voxtral-mini"
    assert found["funding"][0] == "innovatiekrediet"
    assert found["training"]
    assert not found["experts"]


def test_every_reason_and_section_has_its_words() -> None:
    said: dict[str, str] = {}
    for record in [*reference_records(), make_record("expert", details={"skills": ["speech recognition"]})]:
        for section in SECTIONS:
            match = weigh(section, STARTUP, record, TODAY)
            for reason in (*match.reasons, *match.remarks) if match else ():
                said[reason.code] = sentence(reason)
    assert said.keys() <= SENTENCES.keys()
    assert all("%(" not in words for words in said.values())
    assert TITLES.keys() == BY_CODE.keys()
