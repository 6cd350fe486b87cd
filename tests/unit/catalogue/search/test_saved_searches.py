"""Searches that are kept, and tell what is new: once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.utils import timezone
from tests.factories.catalogue import make_entry
from tests.factories.world import make_person

from fabriek.audit.models import Event
from fabriek.catalogue.actions import (
    change_search,
    forget_search,
    look_for_news,
    mail_news,
    retire_entry,
    save_search,
    see_news,
)
from fabriek.catalogue.asked import Asked
from fabriek.catalogue.errors import SearchInvalid
from fabriek.catalogue.models import Notice, SavedSearch
from fabriek.catalogue.search import feeding, tending
from fabriek.conf.errors import NotAllowed

pytestmark = pytest.mark.django_db


def test_what_is_new_is_told_once_by_mail_and_on_the_page() -> None:
    person = make_person("applicant")
    make_entry(title="Frisian speech, there before")
    search = save_search(person, "Frisian", Asked.of({"q": "frisian", "kind": ["dataset"]}))
    assert tending.tell() == 0
    new = make_entry(title="Frisian poems")
    make_entry("model", title="A Frisian model")
    make_entry(title="Saxon poems")
    feeding.reconcile()
    assert tending.tell() == 1
    assert tending.tell() == 0
    assert [one.entry for one in search.notices.all()] == [new]
    assert [(one.to, "Frisian poems" in one.body) for one in mail.outbox] == [([person.email], True)]
    assert f"/catalogue/entries/{new.code}/" in mail.outbox[0].body
    assert (see_news(person, search), see_news(person, search)) == (1, 0)


def test_a_look_that_was_cut_is_made_again_and_tells_nothing_twice() -> None:
    person = make_person("applicant")
    search = save_search(person, "Frisian", Asked.of({"q": "frisian"}))
    make_entry(title="Frisian poems")
    feeding.reconcile()
    assert look_for_news() == 1
    # Killed before it was written down how far it came.
    SavedSearch.objects.update(told_until=search.told_until)
    assert look_for_news() == 0
    assert Notice.objects.count() == 1


def test_mail_that_cannot_be_sent_is_sent_later(monkeypatch: pytest.MonkeyPatch) -> None:
    person = make_person("applicant")
    save_search(person, "Frisian", Asked.of({"q": "frisian"}))
    make_entry(title="Frisian poems")
    feeding.reconcile()
    look_for_news()

    def refuse(*_args: Any) -> None:
        raise OSError

    with monkeypatch.context() as patched:
        patched.setattr("fabriek.catalogue.actions.saved_searches.send_mail", refuse)
        assert mail_news() == 0
    assert (mail_news(), mail_news()) == (1, 0)


def test_a_harvest_of_many_is_one_mail_a_day() -> None:
    person = make_person("applicant")
    save_search(person, "Frisian", Asked.of({"q": "frisian"}))
    for number in range(3):
        make_entry(title=f"Frisian poems {number}")
        feeding.reconcile()
        tending.tell()
    assert len(mail.outbox) == 1
    assert mail_news(timezone.now() + timedelta(days=1)) == 1
    assert "Frisian poems 1" in mail.outbox[1].body
    assert "Frisian poems 2" in mail.outbox[1].body


def test_what_was_retired_or_seen_meanwhile_is_not_mailed() -> None:
    person, steward = make_person("applicant"), make_person()
    search = save_search(person, "Frisian", Asked.of({"q": "frisian"}))
    retired = make_entry(title="Frisian poems", steward=steward)
    feeding.reconcile()
    look_for_news()
    retire_entry(steward, retired)
    assert mail_news() == 0
    make_entry(title="Frisian speech")
    feeding.reconcile()
    look_for_news()
    see_news(person, search)
    assert (mail_news(timezone.now() + timedelta(days=1)), mail.outbox) == (0, [])


def test_a_search_that_nothing_meets_is_not_made_to_fit() -> None:
    save_search(make_person("applicant"), "Frisian", Asked.of({"q": "frisain poems"}))
    make_entry(title="Frisian poems")
    feeding.reconcile()
    assert look_for_news() == 0


def test_saving_twice_is_once_and_names_are_ones_own() -> None:
    one, other = make_person("applicant"), make_person("applicant")
    search = save_search(one, "Mine", Asked.of({"q": "speech", "kind": "dataset", "page": "3", "licence": [""]}))
    assert search.asked == {"q": "speech", "kind": ["dataset"]}
    assert save_search(one, " Mine ", Asked.of({"q": "speech", "kind": ["dataset"]})) == search
    assert save_search(other, "Mine", Asked.of({"q": "speech"})) != search
    with pytest.raises(SearchInvalid) as refused:
        save_search(one, "Mine", Asked.of({"q": "other"}))
    assert set(refused.value.faults) == {"name"}
    with pytest.raises(SearchInvalid):
        save_search(one, "Nothing", Asked.of({"q": " "}))
    with pytest.raises(NotAllowed):
        forget_search(other, search)
    forget_search(one, search)
    assert list(SavedSearch.objects.values_list("person", flat=True)) == [other.pk]


def test_a_search_is_called_otherwise_and_keeps_what_it_found() -> None:
    person = make_person()
    search = save_search(person, "Frisian", Asked(q="frisian"))
    make_entry(title="Frisian poems")
    feeding.reconcile()
    assert look_for_news() == 1
    saved_at = search.created_at
    change_search(person, search, " Fries ", Asked(q="frisian"))
    search.refresh_from_db()
    assert (search.name, search.created_at, search.notices.count()) == ("Fries", saved_at, 1)
    events = Event.objects.count()
    change_search(person, search, "Fries", Asked(q="frisian"))
    assert Event.objects.count() == events, "the same changes nothing"


def test_a_search_for_something_else_forgets_what_it_found_and_tells_of_what_comes() -> None:
    person = make_person()
    search = save_search(person, "Frisian", Asked(q="frisian"))
    make_entry(title="Frisian poems")
    make_entry(title="Dutch poems")
    feeding.reconcile()
    look_for_news()
    change_search(person, search, "Frisian", Asked.of({"q": "dutch", "kind": ["dataset", "model"]}))
    assert look_for_news() == 0, "what was there before it was asked is no news"
    make_entry("model", title="A Dutch recogniser")
    feeding.reconcile()
    assert look_for_news() == 1
    assert [one.entry.title for one in search.notices.all()] == ["A Dutch recogniser"]


def test_only_its_owner_changes_a_search_and_each_has_a_name_and_a_question() -> None:
    one, other = make_person(), make_person()
    search = save_search(one, "Mine", Asked(q="speech"))
    save_search(one, "Another", Asked(q="text"))
    for name, asked, field in (("", Asked(q="x"), "name"), ("Mine", Asked(), "q"), ("Another", Asked(q="x"), "name")):
        with pytest.raises(SearchInvalid) as refused:
            change_search(one, search, name, asked)
        assert set(refused.value.faults) == {field}
        search.refresh_from_db()
    with pytest.raises(NotAllowed):
        change_search(other, search, "Theirs", Asked(q="speech"))
    assert (search.name, search.asked) == ("Mine", {"q": "speech"})
