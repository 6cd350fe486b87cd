"""What a factory is in law: told with source and confidence, and 'not known' where nothing is."""

from __future__ import annotations

from datetime import date

import pytest
from django.conf import settings
from django.db import IntegrityError
from django.test import Client
from django.utils.translation import override
from tests.factories.world import World, make_world

from fabriek.register.legal import SENTENCES, statements_of
from fabriek.register.models import Confidence, Factory, LegalStatement, LegalSubject, Source
from fabriek.register.reference import load_reference

pytestmark = pytest.mark.django_db
TODAY = date(2026, 11, 24)


@pytest.fixture
def lumi() -> Factory:
    load_reference()
    return Factory.objects.get(code="lumi-aif")


def said(factory: Factory | None, subject: str, on: date = TODAY) -> str:
    return next((one.sentence for one in statements_of(factory, on) if one.subject == subject), "")


def test_every_statement_of_the_reference_has_a_source_that_is_told_and_a_sentence(lumi: Factory) -> None:
    rows = list(LegalStatement.objects.all())
    assert {row.subject for row in rows} == set(LegalSubject.values) - {"form", "agreement"}
    for row in rows:
        assert Source.objects.get(code=row.source).text
        assert row.confidence in Confidence.values
        assert row.says in SENTENCES
        assert row.basis.startswith("Regulation (EU) 2021/1173, Article ")
    load_reference()
    assert LegalStatement.objects.count() == len(rows), "loading again adds nothing"


def test_a_factory_is_told_on_each_subject_and_what_nobody_knows_is_not_known(lumi: Factory) -> None:
    told = {one.subject: one for one in statements_of(lumi, TODAY)}
    assert list(told) == LegalSubject.values
    assert [subject for subject, one in told.items() if not one.known] == ["form", "agreement"]
    assert told["form"].source == told["form"].confidence == ""
    assert "CSC - IT Center for Science" in told["contracts"].sentence
    assert lumi.hosting_entity is not None
    lumi.hosting_entity = None
    assert "not known to this register" in said(lumi, "contracts")


def test_what_is_known_of_one_factory_goes_before_what_holds_for_all(lumi: Factory) -> None:
    other = Factory.objects.exclude(pk=lumi.pk).filter(is_demo=False)[0]
    LegalStatement.objects.create(
        factory=lumi,
        subject="person",
        text="A company of its own",
        valid_from=date(2026, 6, 1),
        valid_until=date(2027, 1, 1),
        source="its statutes",
        confidence="high",
    )
    assert said(lumi, "person") == "A company of its own"
    assert said(lumi, "person", date(2026, 5, 31)).startswith("It is no person in law")
    assert said(lumi, "person", date(2027, 1, 1)).startswith("It is no person in law")
    assert said(other, "person").startswith("It is no person in law")
    load_reference()
    assert said(lumi, "person") == "A company of its own", "the operator's own stays"


def test_before_there_was_a_rule_nothing_is_said(lumi: Factory) -> None:
    assert said(lumi, "person", date(2024, 7, 8)) == ""
    assert said(None, "person", date(2024, 7, 9)) != ""


@pytest.mark.parametrize("lacks", [{"source": ""}, {"text": ""}, {"subject": "mood"}])
def test_a_statement_without_a_source_a_text_or_a_subject_is_refused(lacks: dict[str, str]) -> None:
    row = {"subject": "form", "text": "An association", "source": "its statutes", "confidence": "high", **lacks}
    with pytest.raises(IntegrityError):
        LegalStatement.objects.create(**row)


def test_the_page_of_a_factory_says_it_with_its_source_and_leads_to_the_law(lumi: Factory) -> None:
    page = Client().get("/factories/lumi-aif/").content.decode()
    status = page[page.index('id="status"') : page.index("</section>", page.index('id="status"'))]
    assert "Regulation (EU) 2021/1173, Article 2(3b)" in status
    assert 'href="#source-reg-2021-1173"' in status
    assert 'id="source-reg-2021-1173"' in page
    assert status.count("Not known") == 2
    assert "High confidence" in status
    assert 'href="/legal/#ai-factories"' in status
    law = Client().get("/legal/").content.decode()
    assert 'id="ai-factories"' in law
    assert "It is no person in law" in law
    assert "Not known" not in law


def test_the_api_tells_it_to_machines_and_in_the_language_that_is_asked(lumi: Factory) -> None:
    found = Client().get("/api/v1/factories/lumi-aif").json()["legal"]
    person = next(one for one in found if one["subject"] == "person")
    assert (person["says"], person["known"], person["confidence"]) == ("no-person", True, "high")
    form = next(one for one in found if one["subject"] == "form")
    assert (form["known"], form["sentence"]) == (False, "")
    dutch = Client().get("/api/v1/legal", headers={"Accept-Language": "nl"}).json()
    assert {one["says"] for one in dutch} == set(SENTENCES)
    with override("nl"):
        assert {one["sentence"] for one in dutch} >= {str(SENTENCES["no-person"]), str(SENTENCES["fifth"])}
        assert str(SENTENCES["no-person"]).startswith("Het is geen rechtspersoon")
    assert settings.LANGUAGE_CODE == "en"


def test_a_factory_that_an_operator_declared_is_told_its_host() -> None:
    world: World = make_world()
    load_reference()
    assert world.factory.hosting_entity is not None
    assert world.factory.hosting_entity.name in said(world.factory, "contracts")
