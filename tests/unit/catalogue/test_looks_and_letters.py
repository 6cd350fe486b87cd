"""Who looked at a venture, told before and once a day; and who writes to a profile's owner."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.core import mail
from django.utils import timezone
from tests.factories.catalogue import make_entry
from tests.factories.world import make_allocation, make_organisation, make_person, make_world

from fabriek.catalogue.actions import agree, count_visitor, look, write_to
from fabriek.catalogue.actions.letters import MOST_A_DAY, MOST_TO_ONE, forget_old_letters
from fabriek.catalogue.actions.looks import KEPT, forget_old_looks, is_program
from fabriek.catalogue.actions.upkeep import keep_promises
from fabriek.catalogue.errors import RecordInvalid, TooManyLetters
from fabriek.catalogue.models import DaySalt, Entry, Letter, Look
from fabriek.catalogue.profiles import looks_by_week, named_looks
from fabriek.conf.errors import NotFound
from fabriek.people.models import Person

pytestmark = pytest.mark.django_db
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


def venture_with_lead() -> tuple[Entry, Person]:
    lead = make_person(organisation=make_organisation())
    project = make_allocation(make_world(), lead=lead).project
    return make_entry("venture", steward=lead, details={"project": project.code}), lead


def test_a_look_is_one_a_day_for_each_person() -> None:
    venture, _lead = venture_with_lead()
    investor = make_person()
    for _again in range(3):
        look(investor, venture)
    look(make_person(), venture)
    assert named_looks(venture).count() == 2
    Look.objects.filter(person=investor).update(day=date(2026, 1, 5))
    look(investor, venture)
    assert named_looks(venture).count() == 3


def test_ones_own_looks_and_those_of_members_do_not_count() -> None:
    venture, lead = venture_with_lead()
    colleague = make_person()
    assert venture.project is not None
    venture.project.members.create(person=colleague, unix_name="c")
    assert look(lead, venture) is None
    assert look(colleague, venture) is None
    assert not Look.objects.exists()
    # Who joins later is its own from then on.
    newcomer = make_person()
    look(newcomer, venture)
    venture.project.members.create(person=newcomer, unix_name="n")
    assert not named_looks(venture).exists()


def test_others_are_counted_once_a_day_without_a_name() -> None:
    venture, _lead = venture_with_lead()
    for address, counted in (("192.0.2.1", True), ("192.0.2.1", False), ("192.0.2.2", True)):
        assert count_visitor(venture, address=address, agent=FIREFOX) is counted
    rows = list(Look.objects.values_list("person", "visitor"))
    assert len({visitor for _person, visitor in rows}) == 2
    assert all(person is None and "192.0.2" not in visitor for person, visitor in rows)
    assert sum(week.others for week in looks_by_week(venture)) == 2


def test_when_the_day_is_over_nobody_can_tell_who_a_visitor_was() -> None:
    venture, _lead = venture_with_lead()
    count_visitor(venture, address="192.0.2.1", agent=FIREFOX)
    forget_old_looks(timezone.now().date() + timedelta(days=1))
    assert not DaySalt.objects.exists()
    assert Look.objects.count() == 1


@pytest.mark.parametrize(
    "agent",
    [
        "",
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        "python-httpx/0.28",
        "curl/8.5.0",
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/140.0.0.0 Safari/537.36",
        "facebookexternalhit/1.1",
    ],
)
def test_programs_do_not_count(agent: str) -> None:
    venture, _lead = venture_with_lead()
    assert not count_visitor(venture, address="192.0.2.1", agent=agent)
    assert not Look.objects.exists()
    assert not is_program(FIREFOX)


def test_only_ventures_that_are_shown_are_looked_at() -> None:
    venture, lead = venture_with_lead()
    agree(lead, venture, ())
    for entry in (Entry.objects.get(pk=venture.pk), make_entry(), make_entry("expert")):
        with pytest.raises(NotFound):
            look(make_person(), entry)
        with pytest.raises(NotFound):
            count_visitor(entry, address="192.0.2.1", agent=FIREFOX)


def test_looks_are_told_by_week_without_a_gap() -> None:
    venture, _lead = venture_with_lead()
    today = date(2026, 11, 27)
    for days, person in ((0, make_person()), (1, make_person()), (20, None)):
        Look.objects.create(
            entry=venture, person=person, visitor="" if person else "v", day=today - timedelta(days=days)
        )
    weeks = looks_by_week(venture, today)
    assert [(week.monday.isoformat(), week.named, week.others) for week in weeks] == [
        ("2026-11-02", 0, 1),
        ("2026-11-09", 0, 0),
        ("2026-11-16", 0, 0),
        ("2026-11-23", 2, 0),
    ]


def test_looks_and_letters_are_forgotten_in_time() -> None:
    venture, _lead = venture_with_lead()
    person = make_person()
    look(person, venture)
    write_to(person, venture, "We would like to talk.")
    keep_promises()
    assert (Look.objects.count(), Letter.objects.count()) == (1, 1)
    assert forget_old_looks(timezone.now().date() + KEPT + timedelta(days=1)) == 1
    assert forget_old_letters(timezone.now() + KEPT + timedelta(days=1)) == 1


def test_an_owner_is_written_to_without_showing_an_address(django_capture_on_commit_callbacks: Any) -> None:
    owner, sender = make_person(), make_person(name="Sven Sender")
    entry = make_entry("expert", steward=owner)
    with django_capture_on_commit_callbacks(execute=True):
        write_to(sender, entry, "Will you help us?")
        write_to(sender, entry, "Will you help us?")
    [letter] = mail.outbox
    assert (letter.to, letter.reply_to) == ([owner.email], [sender.email])
    assert "Sven Sender" in letter.body
    assert Letter.objects.count() == 1


def test_who_did_not_agree_is_not_written_to_and_nobody_writes_to_themselves() -> None:
    owner = make_person()
    entry = make_entry("expert", steward=owner, purposes=["catalogue", "matching"])
    with pytest.raises(NotFound):
        write_to(make_person(), entry, "Hello")
    agree(owner, entry, ["catalogue", "contact"])
    with pytest.raises(NotFound):
        write_to(owner, entry, "Hello")
    with pytest.raises(NotFound):
        write_to(make_person(), make_entry(), "Hello")
    agree(owner, entry, ())
    with pytest.raises(NotFound):
        write_to(make_person(), Entry.objects.get(pk=entry.pk), "Hello")


def test_letters_are_few_a_day() -> None:
    sender, entry = make_person(), make_entry("expert")
    for number in range(MOST_TO_ONE):
        write_to(sender, entry, f"Letter {number}")
    with pytest.raises(TooManyLetters):
        write_to(sender, entry, "One more")
    for _number in range(MOST_A_DAY - MOST_TO_ONE):
        write_to(sender, make_entry("expert"), "Hello")
    with pytest.raises(TooManyLetters):
        write_to(sender, make_entry("expert"), "Hello")
    with pytest.raises(RecordInvalid):
        write_to(make_person(), entry, " ")
    Letter.objects.update(sent_at=timezone.now() - timedelta(days=2))
    write_to(sender, entry, "One more")
