"""Questions to a factory's experts: who reads them, what becomes of them, who is told, and what stays."""

from __future__ import annotations

from typing import Any

import pytest
from django.core import mail
from django.db import DatabaseError, IntegrityError, transaction
from tests.factories.world import make_partition, make_person

from fabriek.audit.models import Event
from fabriek.conf.errors import NotAllowed, NotFound
from fabriek.people.models import Person
from fabriek.register.models import Factory
from fabriek.support import queries, rules
from fabriek.support.actions import ask, close, hand_over, mail_desk, reopen, write
from fabriek.support.errors import TicketInvalid, TooManyOpen, WrongState
from fabriek.support.models import AboutKind, DeskAddress, Message, Ticket

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator() -> Person:
    return make_person("operator")


@pytest.fixture
def factory(operator: Person) -> Factory:
    return make_partition(operator)[0]


@pytest.fixture
def founder() -> Person:
    return make_person()


def asked(founder: Person, factory: Factory, **more: Any) -> Ticket:
    return ask(founder, factory, "Out of memory", "My job ends at once.", **more)


def faults_of(call: Any) -> set[str]:
    with pytest.raises(TicketInvalid) as caught:
        call()
    return set(caught.value.faults)


def test_a_question_carries_its_context_and_waits_on_the_desk(founder: Person, factory: Factory) -> None:
    made = asked(founder, factory, page="/projects/aurora/", about_kind="project", about="aurora")
    assert [(one.page, one.get_about_kind_display(), one.about) for one in queries.desk()] == [
        ("/projects/aurora/", "Project", "aurora")
    ]
    assert [one.text for one in queries.messages_of(made)] == ["My job ends at once."]
    assert Event.objects.get(verb="support.ask").data["about"] == "aurora"


def test_a_form_that_is_sent_twice_asks_once_and_the_same_answer_is_given_once(
    founder: Person, operator: Person, factory: Factory
) -> None:
    made = asked(founder, factory)
    assert asked(founder, factory) == made
    assert write(operator, made, "Ask for more.") == write(operator, made, " Ask for more. ")
    assert (Ticket.objects.count(), Message.objects.count()) == (1, 2)
    # It was answered: the same question again is a new one.
    assert asked(founder, factory) != made


def test_the_other_side_is_mailed_in_its_language(
    founder: Person,
    operator: Person,
    factory: Factory,
    settings: Any,
    django_capture_on_commit_callbacks: Any,
) -> None:
    settings.FABRIEK_BASE_URL = "https://fabriek.example.eu"
    founder.language = "nl"
    founder.save()
    with django_capture_on_commit_callbacks(execute=True):
        made = asked(founder, factory)
        write(founder, made, "At epoch 3.")
    # Nobody has taken it yet: it stands on the desk.
    assert mail.outbox == []
    with django_capture_on_commit_callbacks(execute=True):
        write(operator, made, "Halve the batch.")
    with django_capture_on_commit_callbacks(execute=True):
        write(founder, made, "That helped.")
    assert [(one.to, one.subject) for one in mail.outbox] == [
        ([founder.email], "Beantwoord: Out of memory"),
        ([operator.email], "More on: Out of memory"),
    ]
    assert "Halve the batch." in mail.outbox[0].body
    assert f"https://fabriek.example.eu/questions/{made.pk}/" in mail.outbox[0].body


def test_a_subject_is_one_line_so_that_no_head_of_a_mail_is_written_by_who_asks(
    founder: Person, operator: Person, factory: Factory, django_capture_on_commit_callbacks: Any
) -> None:
    made = ask(founder, factory, "Hello\r\nBcc: all@example.org", "Hello?")
    with django_capture_on_commit_callbacks(execute=True):
        write(operator, made, "Yes?")
    assert mail.outbox[0].subject == "Answered: Hello Bcc: all@example.org"
    assert mail.outbox[0].recipients() == [founder.email]


def test_mail_that_cannot_be_sent_undoes_nothing(
    founder: Person,
    operator: Person,
    factory: Factory,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Any,
) -> None:
    def refuse(*_args: Any) -> None:
        raise OSError

    monkeypatch.setattr("fabriek.support.actions.send_mail", refuse)
    made = asked(founder, factory)
    with django_capture_on_commit_callbacks(execute=True):
        write(operator, made, "Halve the batch.")
    assert Ticket.objects.get().state == "answered"


def test_its_life(founder: Person, operator: Person, factory: Factory) -> None:
    made = asked(founder, factory)
    states = []
    for step in (
        lambda: write(operator, made, "Halve the batch."),
        lambda: write(founder, made, "And the learning rate?"),
        lambda: write(operator, made, "Halve it too."),
        lambda: close(founder, made),
        lambda: reopen(founder, made, "It came back."),
        lambda: close(operator, made, "Asked twice; see the other question."),
    ):
        step()
        states.append(Ticket.objects.get().state)
    assert states == ["answered", "open", "answered", "closed", "open", "closed"]
    with pytest.raises(WrongState):
        write(founder, made, "One thing more.")
    with pytest.raises(WrongState):
        hand_over(operator, made, factory=make_partition(operator)[0], why="Theirs.")
    before = Message.objects.count()
    assert close(founder, made, "Again").state == "closed"
    assert Message.objects.count() == before


def test_who_asks_more_keeps_the_place_in_the_queue(founder: Person, factory: Factory) -> None:
    first, second = asked(founder, factory), ask(founder, factory, "Another", "And this?")
    write(founder, first, "More about it.")
    assert list(queries.desk()) == [first, second]


def test_an_expert_says_why_where_what_is_closed_was_not_answered(
    founder: Person, operator: Person, factory: Factory
) -> None:
    made = asked(founder, factory)
    assert faults_of(lambda: close(operator, made)) == {"why"}
    assert Ticket.objects.get().state == "open"
    close(founder, made)
    with pytest.raises(WrongState):
        # What was answered is closed without a word, but it is closed already.
        write(operator, made, "Too late.")


def test_it_is_handed_over_with_its_history(founder: Person, operator: Person, factory: Factory) -> None:
    there = make_partition(operator)[0]
    made = asked(founder, factory)
    write(operator, made, "They know better.")
    hand_over(operator, made, there, "They run that system.")
    assert [one.pk for one in queries.desk(factory=there.code)] == [made.pk]
    assert not queries.desk(factory=factory.code)
    assert faults_of(lambda: hand_over(operator, made, there, "Again.")) == {"factory"}
    hand_over(operator, made, factory, "Not of theirs after all.")
    assert [(one.from_factory, one.to_factory, one.why) for one in queries.handovers_of(made)] == [
        (factory, there, "They run that system."),
        (there, factory, "Not of theirs after all."),
    ]


def test_only_who_asked_and_the_experts_know_of_it(founder: Person, factory: Factory) -> None:
    made = asked(founder, factory)
    for role in ("", "reviewer", "board", "administrator"):
        stranger = make_person(role)
        for act in (
            lambda who: queries.ticket_of(who, made.pk),
            lambda who: write(who, made, "Me too."),
            lambda who: close(who, made),
            lambda who: reopen(who, made, "Why?"),
        ):
            with pytest.raises(NotFound):
                act(stranger)
        with pytest.raises(NotAllowed):
            hand_over(stranger, made, factory, "Mine.")
        assert not queries.tickets_of(stranger)
    with pytest.raises(NotAllowed):
        hand_over(founder, made, factory, "Elsewhere.")
    for role in ("officer", "operator"):
        assert queries.ticket_of(make_person(role), made.pk) == made


def test_an_expert_who_asks_does_not_answer_it(operator: Person, factory: Factory) -> None:
    made = asked(operator, factory)
    assert not write(operator, made, "Nobody?").is_answer
    assert Ticket.objects.get().state == "open"


@pytest.mark.parametrize(
    ("address", "ours"),
    [
        ("/", True),
        ("/projects/aurora/?a=b&c=%20d", True),
        ("/catalogue/entries/één/", True),
        ("", False),
        ("projects/", False),
        ("//evil.example/", False),
        ("/\\evil.example/", False),
        ("/\t/evil.example/", False),
        ("https://evil.example/", False),
        ("javascript:alert(1)", False),
        ("/" + "a" * 500, False),
    ],
)
def test_a_page_is_an_address_of_this_platform(address: str, ours: bool) -> None:
    assert rules.is_page(address) == ours


def test_what_cannot_be_taken_is_said_by_its_field(founder: Person, factory: Factory) -> None:
    assert faults_of(lambda: ask(founder, factory, " ", "\n", page="//evil.example/", about_kind="moon")) == {
        "subject",
        "text",
        "page",
        "about_kind",
        "about",
    }
    assert faults_of(lambda: asked(founder, factory, about="aurora")) == {"about"}
    assert faults_of(lambda: ask(founder, factory, "a\x00b", "\x07", about_kind="job", about="\x00")) == {
        "subject",
        "text",
        "about",
    }
    assert faults_of(lambda: ask(founder, factory, "a" * 201, "a" * 10_001)) == {"subject", "text"}
    made = asked(founder, factory)
    assert faults_of(lambda: write(founder, made, " ")) == {"text"}
    assert faults_of(lambda: write(founder, made, "a" * 10_001)) == {"text"}


def test_nobody_floods_the_desk(founder: Person, factory: Factory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fabriek.support.actions.MOST_OPEN", 2)
    monkeypatch.setattr("fabriek.support.actions.MOST_MESSAGES", 2)
    first = asked(founder, factory)
    ask(founder, factory, "Another", "And this?")
    with pytest.raises(TooManyOpen):
        ask(founder, factory, "A third", "And that?")
    write(founder, first, "More.")
    with pytest.raises(WrongState):
        write(founder, first, "Still more.")
    close(founder, first)
    ask(founder, factory, "A third", "And that?")


def test_the_form_s_first_choice_is_the_factory_of_the_thing(operator: Person) -> None:
    factory, partition = make_partition(operator)
    assert queries.factory_for(AboutKind.FACTORY, factory.code) == factory
    assert queries.factory_for(AboutKind.SYSTEM, partition.system.code) == factory
    assert queries.factory_for(AboutKind.SYSTEM, "nothing-here") is None
    assert queries.factory_for("", "") is None


@pytest.mark.django_db(transaction=True)
def test_what_was_said_cannot_be_changed_or_deleted(founder: Person, operator: Person, factory: Factory) -> None:
    made = asked(founder, factory)
    hand_over(operator, made, make_partition(operator)[0], "Theirs.")
    for rows in (made.messages.all(), made.handovers.all()):
        with pytest.raises(DatabaseError), transaction.atomic():
            rows.update(**{"text" if rows.model is Message else "why": "Otherwise."})
        with pytest.raises(DatabaseError), transaction.atomic():
            rows._raw_delete(rows.db)


def test_the_database_refuses_half_a_context(founder: Person, factory: Factory) -> None:
    made = asked(founder, factory)
    for wrong in ({"about": "aurora"}, {"about_kind": "moon", "about": "x"}, {"page": "x"}, {"state": "gone"}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Ticket.objects.filter(pk=made.pk).update(**wrong)


def mailed() -> list[tuple[list[str], str]]:
    told = [(one.to, one.subject) for one in mail.outbox]
    mail.outbox.clear()
    return told


def test_the_experts_address_is_mailed_until_somebody_answers_and_after_a_handover(
    founder: Person, operator: Person, factory: Factory, django_capture_on_commit_callbacks: Any
) -> None:
    other = Factory.objects.create(code="other", name="Other", country="FI", stage="operating")
    with django_capture_on_commit_callbacks(execute=True):
        made = asked(founder, factory)
    assert mailed() == [], "no address, no mail"
    mail_desk(operator, factory, " helpdesk@factory.example ")
    mail_desk(operator, other, "help@other.example")
    with django_capture_on_commit_callbacks(execute=True):
        ask(founder, factory, "Another", "May I?")
        write(founder, made, "It still ends at once.")
    assert mailed() == [
        (["helpdesk@factory.example"], "Question: Another"),
        (["helpdesk@factory.example"], "More on: Out of memory"),
    ]
    with django_capture_on_commit_callbacks(execute=True):
        write(operator, made, "Ask for more memory.")
        write(founder, made, "How much?")
    assert mailed() == [
        ([founder.email], "Answered: Out of memory"),
        ([operator.email], "More on: Out of memory"),
    ]
    with django_capture_on_commit_callbacks(execute=True):
        hand_over(operator, made, other, "It runs there.")
        write(founder, made, "Hello?")
    assert mailed() == [
        ([founder.email], "Handed over: Out of memory"),
        (["help@other.example"], "Handed over: Out of memory"),
        (["help@other.example"], "More on: Out of memory"),
    ]


def test_the_experts_mail_speaks_the_language_of_who_set_it_and_nothing_is_mailed_of_the_demonstration(
    founder: Person, operator: Person, factory: Factory, django_capture_on_commit_callbacks: Any
) -> None:
    operator.language = "nl"
    operator.save()
    mail_desk(operator, factory, "helpdesk@factory.example")
    with django_capture_on_commit_callbacks(execute=True):
        asked(founder, factory)
    assert mailed() == [(["helpdesk@factory.example"], "Vraag: Out of memory")]
    Person.objects.filter(pk=founder.pk).update(is_demo=True)
    founder.refresh_from_db()
    with django_capture_on_commit_callbacks(execute=True):
        ask(founder, factory, "Another", "May I?")
    assert mailed() == []


def test_the_experts_address_is_checked_set_once_and_taken_away(
    founder: Person, operator: Person, factory: Factory
) -> None:
    assert faults_of(lambda: mail_desk(operator, factory, "no address")) == {"email"}
    with pytest.raises(NotAllowed):
        mail_desk(founder, factory, "me@example.org")
    for email in ("a@example.org", "a@example.org", "b@example.org", "", ""):
        mail_desk(operator, factory, email)
    assert [one.data["email"] for one in Event.objects.filter(verb="support.mail_desk").order_by("pk")] == [
        "a@example.org",
        "b@example.org",
        "",
    ]
    assert not DeskAddress.objects.exists()
