"""Profiles are their owners': shown as long as they agree, gone at once from everywhere when they don't."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.utils import translation
from tests.factories.catalogue import make_entry, make_record
from tests.factories.world import make_allocation, make_draft, make_organisation, make_person, make_world

from fabriek.access.actions import save_draft
from fabriek.catalogue import consents, feeds, profiles
from fabriek.catalogue.actions import (
    agree,
    ask_again,
    ask_to_publish,
    draft_entry,
    edit_entry,
    erase_profile,
    hide_profile,
    lift_profile,
    publish_entry,
    retire_entry,
    save_search,
    take_in,
    write_to,
)
from fabriek.catalogue.actions.saved_searches import look_for_news
from fabriek.catalogue.errors import RecordInvalid, WrongState
from fabriek.catalogue.models import Consent, Entry, EntryState, Notice, Purpose, Version
from fabriek.catalogue.queries import Asked, found, news_of
from fabriek.catalogue.record import Record
from fabriek.catalogue.search import feeding
from fabriek.conf.errors import NotAllowed
from fabriek.matching.queries import matches_of
from fabriek.people.models import Person

pytestmark = pytest.mark.django_db
SPEECH = {"title": "Anna Jansen", "details": {"skills": ["speech recognition"]}}
ALL = [str(one) for one in consents.purposes_of("expert")]


def changed(entry: Entry, **said: Any) -> Record:
    return Record.model_validate({**entry.record, **said})


def codes(**asked: Any) -> list[str]:
    return [hit.entry.code for hit in found(Asked.of(asked)).hits]


def the_experts_of_an_application(text: str = "Dutch speech recognition") -> list[str]:
    draft = make_draft(make_world())
    application = save_draft(draft.applicant, draft, draft.version, title=text, summary=text)
    fitting = matches_of(application, application.applicant)
    return [one.entry.code for section, rows in fitting.sections if section.code == "experts" for one in rows]


def oai(code: str) -> str:
    asked = f"verb=GetRecord&metadataPrefix=oai_dc&identifier=oai:testserver:{code}"
    return Client().get(f"/api/v1/catalogue/oai?{asked}").content.decode()


def where_it_is(entry: Entry) -> dict[str, bool]:
    """Each place at which a profile may be seen, and whether this one is there."""
    client = Client()
    address = f"/api/v1/catalogue/entries/{entry.code}"
    return {
        "page": client.get(f"/catalogue/entries/{entry.code}/").status_code == 200,
        "list": entry.code in client.get("/catalogue/").content.decode(),
        "API": client.get(address).status_code == 200,
        "list of the API": entry.code in client.get("/api/v1/catalogue/entries").content.decode(),
        "search": entry.code in codes(q="Anna Jansen"),
        "facets": dict(found(Asked()).facets["kind"]).get("expert", 0) == 1,
        "index": not feeding.index().holds(str(entry.uuid), None),
        "standards": client.get(f"{address}/as/turtle").status_code == 200,
        "feed": entry.code in client.get("/api/v1/catalogue/feed").content.decode(),
        "OAI-PMH": "<oai_dc:dc" in oai(entry.code),
        "matches": entry.code in the_experts_of_an_application(),
    }


def test_who_agrees_to_all_is_found_everywhere_and_who_withdraws_nowhere() -> None:
    owner = make_person()
    entry = make_entry("expert", steward=owner, **SPEECH)
    assert set(where_it_is(entry).values()) == {True}, where_it_is(entry)
    agree(owner, entry, ())
    assert set(where_it_is(entry).values()) == {False}, where_it_is(entry)
    assert 'status="deleted"' in oai(entry.code)
    assert "Anna" not in oai(entry.code)


@pytest.mark.parametrize(
    ("purpose", "places"),
    [
        (Purpose.FEEDS, {"standards", "feed", "OAI-PMH"}),
        (Purpose.MATCHING, {"matches"}),
    ],
)
def test_each_purpose_is_withdrawn_by_itself(purpose: Purpose, places: set[str]) -> None:
    owner = make_person()
    entry = make_entry("expert", steward=owner, **SPEECH)
    agree(owner, entry, [one for one in ALL if one != purpose])
    assert {place for place, there in where_it_is(entry).items() if not there} == places
    assert ('status="deleted"' in oai(entry.code)) == (purpose == Purpose.FEEDS)


def test_who_never_agreed_to_feeds_was_never_in_them_not_even_as_deleted() -> None:
    owner = make_person()
    entry = make_entry("expert", steward=owner, purposes=["catalogue"], **SPEECH)
    agree(owner, entry, ())
    assert "idDoesNotExist" in oai(entry.code)


def test_a_harvester_that_comes_back_learns_what_was_withdrawn() -> None:
    owner = make_person()
    entry = make_entry("expert", steward=owner, **SPEECH)
    seen = Entry.objects.get(pk=entry.pk).changed_at
    agree(owner, entry, ["catalogue"])
    [item] = feeds.Shelf().after((seen, entry.code), since=None, until=None, kind="expert", most=10)
    assert (item.code, item.record) == (entry.code, None)


def test_a_page_of_a_profile_that_feeds_are_not_given_tells_search_engines_to_pass() -> None:
    owner = make_person()
    entry = make_entry("expert", steward=owner, **SPEECH)
    page = f"/catalogue/entries/{entry.code}/"
    given = Client().get(page).content.decode()
    agree(owner, entry, ["catalogue"])
    kept = Client().get(page).content.decode()
    assert ("application/ld+json" in given, "noindex" in given) == (True, False)
    assert ("application/ld+json" in kept, "noindex" in kept) == (False, True)


def test_each_consent_is_kept_with_its_words_version_language_time_and_person() -> None:
    owner = make_person()
    entry = draft_entry(owner, make_record("expert", **SPEECH))
    with translation.override("nl"):
        agree(owner, entry, ["catalogue", "contact"])
    agree(owner, entry, ["catalogue"])
    kept = Consent.objects.get(purpose="contact")
    wording = consents.wordings()["contact"]
    assert (kept.person, kept.language, kept.version, kept.text) == (owner, "nl", wording.version, wording.texts["nl"])
    assert kept.withdrawn_at is not None
    assert kept.withdrawn_at >= kept.given_at
    assert kept.ending == "withdrawn"
    assert Consent.objects.get(purpose="catalogue").withdrawn_at is None
    # Agreeing to the same again adds nothing.
    agree(owner, entry, ["catalogue"])
    assert Consent.objects.count() == 2


def test_the_others_need_the_catalogue_and_only_ventures_have_hours() -> None:
    owner = make_person()
    entry = draft_entry(owner, make_record("expert", **SPEECH))
    for purposes in (["matching"], ["catalogue", "hours"], ["catalogue", "marketing"]):
        with pytest.raises(RecordInvalid) as refused:
            agree(owner, entry, purposes)
        assert list(refused.value.faults) == ["purposes"]
    assert not Consent.objects.exists()


def test_what_lacks_is_told_and_nothing_is_agreed_to() -> None:
    owner = make_person()
    entry = draft_entry(owner, make_record("expert", summary=""))
    with pytest.raises(RecordInvalid) as refused:
        agree(owner, entry, ["catalogue"])
    assert "summary" in refused.value.faults
    assert not Consent.objects.exists()


def test_nobody_but_the_owner_writes_publishes_or_withdraws_it() -> None:
    owner = make_person()
    entry = make_entry("expert", steward=owner, **SPEECH)
    draft = draft_entry(make_person(), make_record("team"))
    for other in (make_person(), make_person("officer"), make_person("operator"), make_person("administrator")):
        for verb in (
            lambda other=other: edit_entry(other, entry, changed(entry, title="Somebody else")),
            lambda other=other: agree(other, entry, ()),
            lambda other=other: agree(other, draft, ["catalogue"]),
            lambda other=other: retire_entry(other, entry),
            lambda other=other: erase_profile(other, entry),
            lambda other=other: publish_entry(other, draft),
        ):
            with pytest.raises(NotAllowed):
                verb()
    with pytest.raises(WrongState):
        ask_to_publish(owner, entry)
    assert codes(q="Anna Jansen") == [entry.code]


def test_what_the_owner_changes_is_shown_at_once_and_no_history_is_kept() -> None:
    owner = make_person()
    entry = make_entry("expert", steward=owner, **SPEECH)
    edit_entry(owner, entry, changed(entry, title="Anna de Vries"))
    assert codes(q="Vries") == [entry.code]
    assert codes(q="Jansen", exact=True) == []
    assert not Version.objects.exists()
    with pytest.raises(RecordInvalid):
        edit_entry(owner, entry, changed(entry, summary="", description=""))


def test_a_person_has_one_profile_and_its_address_names_nobody() -> None:
    owner = make_person()
    entry = draft_entry(owner, make_record("expert", code="anna-jansen", **SPEECH))
    assert "anna" not in entry.code
    assert entry.record["code"] == entry.code
    with pytest.raises(RecordInvalid, match="Mend"):
        draft_entry(owner, make_record("expert"))
    draft_entry(owner, make_record("team"))


def test_of_people_nothing_is_taken_in_from_elsewhere() -> None:
    for kind in ("expert", "team", "venture"):
        with pytest.raises(RecordInvalid):
            take_in(make_record(kind), "elsewhere", "1")
    assert not Entry.objects.exists()


def test_a_curator_hides_with_a_reason_and_the_owner_cannot_show_it_until_that_is_lifted(
    django_capture_on_commit_callbacks: Any,
) -> None:
    owner, operator = make_person(), make_person("operator")
    entry = make_entry("expert", steward=owner, **SPEECH)
    for other in (make_person(), make_person("reviewer")):
        with pytest.raises(NotAllowed):
            hide_profile(other, entry, "Not theirs to say.")
    with pytest.raises(RecordInvalid):
        hide_profile(operator, entry, " ")
    with django_capture_on_commit_callbacks(execute=True):
        hide_profile(operator, entry, "It pretends to be somebody else.")
    assert not any(where_it_is(entry).values())
    assert "pretends" in mail.outbox[-1].body
    assert mail.outbox[-1].to == [owner.email]
    with pytest.raises(WrongState, match="pretends"):
        agree(owner, entry, ALL)
    lift_profile(operator, entry)
    assert codes(q="Anna Jansen") == [entry.code]


def test_what_is_hidden_and_withdrawn_meanwhile_stays_out_when_it_is_lifted() -> None:
    owner, operator = make_person(), make_person("operator")
    entry = make_entry("expert", steward=owner, **SPEECH)
    hide_profile(operator, entry, "Looked into.")
    agree(owner, entry, ())
    lift_profile(operator, entry)
    assert Entry.objects.get().state == EntryState.RETIRED


@pytest.fixture
def reword(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[[str], None]]:
    """Other words for a purpose, as a later release of the platform may have them."""
    told = json.loads(consents.FILE.read_text())
    monkeypatch.setattr(consents, "FILE", tmp_path / "consents.json")

    def say(purpose: str) -> None:
        told[purpose] = {"version": 99, "texts": {"en": "Other words.", "nl": "Andere woorden."}}
        consents.FILE.write_text(json.dumps(told))
        consents.wordings.cache_clear()

    yield say
    monkeypatch.undo()
    consents.wordings.cache_clear()


def test_new_words_are_asked_about_again_and_old_consent_does_not_hold(
    reword: Callable[[str], None], django_capture_on_commit_callbacks: Any
) -> None:
    owner = make_person()
    entry = make_entry("expert", steward=owner, **SPEECH)
    assert ask_again() == 0
    reword("matching")
    # At once, before anybody has looked.
    assert {place for place, there in where_it_is(entry).items() if not there} == {"matches"}
    with django_capture_on_commit_callbacks(execute=True):
        assert ask_again() == 1
    assert ask_again() == 0
    assert entry.code in mail.outbox[-1].body
    [asked] = [one for one in profiles.agreements(entry, "en") if one.asks_again]
    assert (asked.purpose, asked.text) == ("matching", "Other words.")
    reword("catalogue")
    ask_again()
    assert not any(where_it_is(entry).values())
    agree(owner, entry, ["catalogue"])
    assert codes(q="Anna Jansen") == [entry.code]


# SHA-256 of the words in all languages, by purpose and version. Words that change have a new version, so that who
# agreed to the old ones is asked again; the old line stays.
WORDS = {
    ("catalogue", 1): "366c17bd706400b62d7532d3150f8c8f5f703d725a09db77a6327a6f5dbd72eb",
    ("feeds", 1): "09757d8bafcf2ccbeba01e8e3f75afa871c74ad69f19b0d0c9e88678013ca31c",
    ("matching", 1): "e3b60fc32f7201cdea45b93107622afa8f277e301415e48cdb70ad3001917a6a",
    ("contact", 1): "dab15581bbad30a59b963cd5778bd6a39ef52ec9125d453e7b9105e450c1a23e",
    ("hours", 1): "fc804a7417a56fc3e59d113ada8cc39ccaf3db820063fdbc4b0254b40f42858c",
}


def test_words_do_not_change_without_a_new_version() -> None:
    assert consents.wordings().keys() == set(Purpose.values)
    for purpose, wording in consents.wordings().items():
        assert wording.texts.keys() >= {"en", "nl"}
        said = hashlib.sha256(json.dumps(wording.texts, sort_keys=True).encode()).hexdigest()
        assert WORDS[purpose, wording.version] == said, purpose


def test_erasing_leaves_the_consent_and_a_code_that_names_nobody() -> None:
    owner, sender = make_person(), make_person()
    entry = make_entry("expert", steward=owner, **SPEECH)
    search = save_search(sender, "people", Asked.of({"kind": "expert"}))
    write_to(sender, entry, "Will you help us?")
    edit_entry(owner, entry, changed(entry, summary="An expert of speech."))
    erase_profile(owner, entry)
    left = Entry.objects.get()
    assert (left.code, left.title, left.summary, left.record, left.steward) == (entry.code, "", "", {}, None)
    assert not any(where_it_is(left).values())
    assert 'status="deleted"' in oai(entry.code)
    assert not left.letters.exists()
    look_for_news()
    assert not Notice.objects.exists()
    assert not news_of(search).exists()
    assert {one.ending for one in Consent.objects.all()} == {"erased"}
    assert profiles.my_data(owner)["profiles"] == []
    assert len(profiles.my_data(owner)["consents"]) == len(ALL)
    # And again from the beginning.
    assert make_entry("expert", steward=owner, **SPEECH).code != entry.code


def test_a_draft_that_nobody_saw_is_erased_whole() -> None:
    owner = make_person()
    erase_profile(owner, draft_entry(owner, make_record("expert", **SPEECH)))
    assert not Entry.objects.exists()


def test_ones_data_are_all_there_and_nobody_elses(client: Client) -> None:
    owner, sender = make_person(), make_person(name="Sven Sender")
    entry = make_entry("expert", steward=owner, **SPEECH)
    make_entry("expert", title="Somebody else")
    write_to(sender, entry, "Will you help us?")
    told = json.dumps(profiles.my_data(owner))
    for said in ("Anna Jansen", "speech recognition", owner.email, "Will you help us?", "Sven Sender", "harvesters"):
        assert said in told or said == "harvesters"
    assert len(profiles.my_data(owner)["consents"]) == len(ALL)
    assert sender.email not in told
    assert "Somebody else" not in told
    assert profiles.my_data(sender)["letters_sent"][0]["to"] == entry.code


def lead_of_a_project() -> tuple[Person, str]:
    lead = make_person(organisation=make_organisation())
    return lead, make_allocation(make_world(), lead=lead).project.code


def test_a_venture_is_its_projects_lead_to_publish_and_there_is_one() -> None:
    lead, project = lead_of_a_project()
    with pytest.raises(RecordInvalid) as refused:
        draft_entry(make_person(), make_record("venture", details={"project": project}))
    assert list(refused.value.faults) == ["details.project"]
    venture = make_entry("venture", steward=lead, title="A venture", details={"project": project})
    assert codes(kind="venture") == [venture.code]
    with pytest.raises(RecordInvalid):
        draft_entry(lead, make_record("venture", details={"project": project}))
    # Who no longer leads it no longer decides.
    member = venture.project.members.get() if venture.project else None
    assert member is not None
    member.role = "member"
    member.save()
    with pytest.raises(NotAllowed):
        agree(lead, venture, ())


def test_a_ventures_hours_are_the_ledgers_and_told_only_where_its_lead_agrees() -> None:
    lead, project = lead_of_a_project()
    venture = make_entry("venture", steward=lead, details={"project": project})
    assert profiles.factory_hours(venture) == profiles.Hours(0, 0)
    agree(lead, venture, ["catalogue"])
    assert profiles.factory_hours(venture) is None


def test_ventures_are_found_by_sector_and_ticket() -> None:
    small = make_entry("venture", sectors=["health"], details={"seeks_amount": 200_000})
    large = make_entry("venture", sectors=["energy"], details={"seeks_amount": 2_000_000})
    silent = make_entry("venture", sectors=["health"])
    all_of = profiles.ventures()
    assert {one.code for one in all_of.rows} == {small.code, large.code, silent.code}
    assert dict(all_of.sectors) == {"health": 2, "energy": 1}
    assert [one.code for one in profiles.ventures(sector="health", least=100_000, most=500_000).rows] == [small.code]
    assert [one.code for one in profiles.ventures(sort="-amount").rows] == [large.code, small.code, silent.code]
