"""What a factory is in law: told with source and confidence, and 'not known' where nothing is."""

from __future__ import annotations

from datetime import date

import pytest
from django.conf import settings
from django.db import IntegrityError
from django.test import Client
from django.utils.translation import override
from tests.api.test_rest import client_of, post
from tests.factories.world import World, make_world
from tests.unit.portal.test_declaring import faults_of, send, signed_in

from fabriek.audit.models import Event
from fabriek.conf.errors import Invalid, NotAllowed
from fabriek.register.legal import SENTENCES, declare_statement, statements_of
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
        source="reg-2021-1173",
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


def test_an_operator_puts_a_statement_on_record_and_corrects_it() -> None:
    world: World = make_world()
    load_reference()
    factory, operator = world.factory, world.operator
    for _again in range(2):
        declare_statement(operator, factory, "form", "A foundation", source="its statutes", confidence="medium")
    assert said(factory, "form") == "A foundation"
    declare_statement(operator, factory, "form", "An association", source="reg-2021-1173")
    declare_statement(operator, factory, "form", "A company", source="a letter", valid_from=date(2026, 11, 1))
    assert said(factory, "form", date(2026, 10, 31)) == "An association"
    assert said(factory, "form") == "A company"
    Source.objects.filter(code="reference-register").update(text="of an older package")
    load_reference()
    assert said(factory, "form", date(2026, 10, 31)) == "An association", "what is declared stays, whatever its source"
    events = list(Event.objects.filter(verb="register.declare_statement").order_by("pk"))
    assert [event.data["text"] for event in events] == ["A foundation", "An association", "A company"]
    assert [event.data["before"] and event.data["before"]["text"] for event in events] == [None, "A foundation", None]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"subject": "mood"}, "subject"),
        ({"text": "  "}, "text"),
        ({"source": ""}, "source"),
        ({"confidence": "certain"}, "confidence"),
        ({"valid_from": date(2026, 1, 1), "valid_until": date(2026, 1, 1)}, "valid_until"),
    ],
)
def test_a_statement_that_lacks_something_is_refused_at_its_field(wrong: dict[str, object], field: str) -> None:
    world = make_world()
    told = {"subject": "form", "text": "An association", "source": "its statutes", **wrong}
    with pytest.raises(Invalid) as refused:
        declare_statement(world.operator, world.factory, **told)  # type: ignore[arg-type]
    assert list(refused.value.faults) == [field]
    with pytest.raises(NotAllowed):
        declare_statement(world.officer, world.factory, "form", "An association", source="its statutes")
    assert not LegalStatement.objects.exists()


def test_the_page_and_the_api_declare_it_and_show_it() -> None:
    world = make_world()
    load_reference()
    code = world.factory.code
    client = signed_in(world.operator)
    told = {"factory": code, "subject": "agreement", "text": "Agreement of 2025", "source": "the ministry's letter"}
    assert "text" in faults_of(send(client, "declare_statement", {**told, "confidence": "low", "text": ""}))
    done = send(client, "declare_statement", {**told, "confidence": "low"})
    assert done["Location"] == f"/factories/{code}/#status"
    page = Client().get(f"/factories/{code}/").content.decode()
    assert "Agreement of 2025" in page
    assert "the ministry&#x27;s letter" in page
    assert 'href="#source-the' not in page
    body = {"subject": "form", "text": "A foundation", "source": "its statutes", "valid_from": "2026-01-01"}
    answer = post(client_of(world.operator, "read", "operate"), f"/factories/{code}/legal", body).json()
    form = next(one for one in answer["legal"] if one["subject"] == "form")
    assert (form["sentence"], form["source"], form["valid_from"]) == ("A foundation", "its statutes", "2026-01-01")
