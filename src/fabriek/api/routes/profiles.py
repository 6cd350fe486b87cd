"""Profiles: what people publish of themselves and their ventures, as long as they agree; letters and looks."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal

from django.http import HttpRequest
from django.utils.translation import get_language
from ninja import Field, Query, Router, Schema, Status

from fabriek.api.authentication import Scope, actor_of
from fabriek.api.paging import PageOf, Paging, page_of
from fabriek.api.routes.catalogue import EntryRow, FacetOut, Reason, entry_row
from fabriek.catalogue import actions, profiles, queries
from fabriek.catalogue.actions import looks as noting_looks
from fabriek.catalogue.models import Ending, Entry, EntryKind, Purpose
from fabriek.people.models import Person

router = Router(tags=["catalogue"])
READ, WRITE = Scope("read"), Scope("describe", "describe entries")
CURATE = Scope("curate", "curate the catalogue")


class Begun(Schema):
    kind: EntryKind = Field(description="expert, team or venture")
    title: str = Field("", max_length=300, description="empty: your name, or the title of the project")
    project: str = Field("", max_length=60, description="code of a project that you lead, for a venture")


class ProfileRow(EntryRow):
    project: str | None
    hidden_at: datetime | None = Field(description="since when a curator hides it")


class Profiles(PageOf):
    items: list[ProfileRow]


class Purposes(Schema):
    purposes: list[Purpose] = Field(description="all that you agree to; what isn't named is withdrawn")


class AgreementOut(Schema):
    purpose: Purpose
    text: str = Field(description="what is asked, in your language where it has one")
    language: str
    version: int = Field(description="of the words")
    stands: bool = Field(description="you agree to it now")
    asks_again: bool = Field(description="you agreed to other words: read these")
    given_at: datetime | None
    withdrawn_at: datetime | None
    ending: Ending | Literal[""] = Field(description="why it stands no more")


class Agreements(Schema):
    code: str
    state: str
    hidden_because: str
    agreements: list[AgreementOut]


class LetterIn(Schema):
    text: str = Field(max_length=5_000)


class LetterOut(Schema):
    number: int
    sender: str
    organisation: str | None
    text: str
    sent_at: datetime


class Letters(PageOf):
    items: list[LetterOut]


class LetterSent(Schema):
    number: int
    sent_at: datetime


class LookOut(Schema):
    name: str
    organisation: str | None
    day: date


class WeekOut(Schema):
    monday: date
    named: int = Field(description="looks by people who were told that it's seen")
    others: int = Field(description="looks by visitors who weren't signed in")


class Looks(PageOf):
    items: list[LookOut]
    weeks: list[WeekOut]
    kept_days: int = Field(description="how long looks are kept")


class Looked(Schema):
    counted: bool = Field(description="false: it is your own venture")


class HoursOut(Schema):
    accelerator_seconds: int
    core_seconds: int


class VentureRow(EntryRow):
    sectors: list[str]
    stage: str
    round: str
    seeks_amount: int | None = Field(description="whole euros; null: it doesn't tell")
    hours: HoursOut | None = Field(description="used on the factory, from the ledger; null: it doesn't tell")


class Ventures(PageOf):
    items: list[VentureRow]
    sectors: list[FacetOut]


class VenturesAsked(Schema):
    sector: str = Field("", max_length=200, description="as `sectors` says it: health, energy")
    least: int | None = Field(None, ge=0, le=10**15, description="seeks at least, in whole euros")
    most: int | None = Field(None, ge=0, le=10**15, description="seeks at most, in whole euros")
    sort: str = Field("", max_length=20, description="title, amount or changed; with a minus the other way")


@router.get("/me/profiles", response=Profiles, auth=READ, summary="Your profiles")
def mine(request: HttpRequest, paging: Query[Paging]) -> dict[str, Any]:
    """What you publish of yourself, your teams and the projects that you lead."""
    return page_of(profiles.profiles_of(actor_of(request)).select_related("factory", "project"), paging, _profile_row)


@router.post("/me/profiles", response=ProfileRow, auth=WRITE, summary="Begin a profile")
def begin(request: HttpRequest, body: Begun) -> dict[str, Any]:
    """Seen by nobody else until you agree. Change it as any entry (`PUT /catalogue/entries/{code}`)."""
    actor = actor_of(request)
    language = (get_language() or "en").partition("-")[0]
    return _profile_row(actions.begin_profile(actor, body.kind, body.title, language, project=body.project))


@router.get("/me/catalogue-data", response=dict[str, Any], auth=READ, summary="All that the catalogue keeps of you")
def my_data(request: HttpRequest) -> dict[str, Any]:
    """Profiles, consents with their words, letters, looks, searches: `fabriek/my-catalogue/1` (GDPR, Articles 15 and
    20)."""
    return profiles.my_data(actor_of(request))


@router.get("/catalogue/profiles/{code}/consents", response=Agreements, auth=READ, summary="What you agree to")
def consents(request: HttpRequest, code: str) -> dict[str, Any]:
    """Each purpose with its words, and what you answered. For its owner."""
    return _agreements(profiles.profile_of(actor_of(request), code))


@router.put("/catalogue/profiles/{code}/consents", response=Agreements, auth=WRITE, summary="Agree, or withdraw")
def agree(request: HttpRequest, code: str, body: Purposes) -> dict[str, Any]:
    """With `catalogue` the profile is shown, without it is gone, at once and everywhere. For its owner."""
    actor = actor_of(request)
    return _agreements(actions.agree(actor, profiles.profile_of(actor, code), body.purposes))


@router.delete("/catalogue/profiles/{code}", response={204: None}, auth=WRITE, summary="Erase a profile")
def erase(request: HttpRequest, code: str) -> Any:
    """With its letters and looks, for good (GDPR, Article 17). What stays is that you agreed, and its code. For its
    owner."""
    actor = actor_of(request)
    actions.erase_profile(actor, profiles.profile_of(actor, code))
    return Status(204, None)


@router.get("/catalogue/profiles/{code}/letters", response=Letters, auth=READ, summary="Letters to a profile")
def letters(request: HttpRequest, code: str, paging: Query[Paging]) -> dict[str, Any]:
    """The last first. For its owner."""
    return page_of(profiles.letters_to(profiles.profile_of(actor_of(request), code)), paging, _letter_row)


@router.post(
    "/catalogue/profiles/{code}/letters",
    response=LetterSent,
    auth=Scope("ask"),
    summary="Write to the owner of a profile",
)
def write(request: HttpRequest, code: str, body: LetterIn) -> dict[str, Any]:
    """They get your name and address with it; you don't get theirs. Where they didn't agree, 404; too many, 429."""
    actor = actor_of(request)
    made = actions.write_to(actor, queries.entry_of(actor, code), body.text)
    return {"number": made.pk, "sent_at": made.sent_at}


@router.get("/catalogue/profiles/{code}/looks", response=Looks, auth=READ, summary="Who looked at a venture")
def looks(request: HttpRequest, code: str, paging: Query[Paging]) -> dict[str, Any]:
    """By name those who were told that it's seen, and by week all. For its owner."""
    entry = profiles.profile_of(actor_of(request), code)
    rows = page_of(profiles.named_looks(entry), paging, _look_row)
    return {**rows, "weeks": profiles.looks_by_week(entry), "kept_days": noting_looks.KEPT.days}


@router.post("/catalogue/profiles/{code}/looks", response=Looked, auth=WRITE, summary="Tell a venture that you looked")
def look(request: HttpRequest, code: str) -> dict[str, bool]:
    """Its lead sees your name and organisation, once a day. Reading a venture over the API tells nobody."""
    actor = actor_of(request)
    return {"counted": actions.look(actor, queries.entry_of(actor, code)) is not None}


@router.post("/catalogue/profiles/{code}/hide", response=ProfileRow, auth=CURATE, summary="Hide a profile")
def hide(request: HttpRequest, code: str, body: Reason) -> dict[str, Any]:
    """It is shown nowhere until that is lifted; its owner is mailed why."""
    actor = actor_of(request)
    return _profile_row(actions.hide_profile(actor, queries.entry_of(actor, code), body.why))


@router.post("/catalogue/profiles/{code}/lift", response=ProfileRow, auth=CURATE, summary="Hide a profile no longer")
def lift(request: HttpRequest, code: str) -> dict[str, Any]:
    """Where its owner still agrees it is shown again."""
    actor = actor_of(request)
    return _profile_row(actions.lift_profile(actor, queries.entry_of(actor, code)))


@router.get("/catalogue/ventures", response=Ventures, auth=None, summary="Ventures by sector and ticket")
def ventures(request: HttpRequest, asked: Query[VenturesAsked], paging: Query[Paging]) -> dict[str, Any]:
    """Where an amount is asked, those that tell none are left out. The last changed first."""
    found = profiles.ventures(asked.sector, asked.least, asked.most, asked.sort)
    rows = page_of(found.rows.select_related("factory", "project"), paging, _venture_row)
    return {**rows, "sectors": [{"value": value, "count": count} for value, count in found.sectors]}


def _profile_row(entry: Entry) -> dict[str, Any]:
    project = entry.project.code if entry.project else None
    return {**entry_row(entry), "project": project, "hidden_at": entry.hidden_at}


def _agreements(entry: Entry) -> dict[str, Any]:
    language = (get_language() or "en").partition("-")[0]
    rows = []
    for one in profiles.agreements(entry, language):
        names = ("purpose", "text", "language", "version", "stands", "asks_again")
        given = {name: getattr(one.given, name, None) for name in ("given_at", "withdrawn_at")}
        ending = {"ending": getattr(one.given, "ending", "")}
        rows.append({**{name: getattr(one, name) for name in names}, **given, **ending})
    return {
        "code": entry.code,
        "state": entry.state,
        "hidden_because": entry.remark if entry.hidden_at else "",
        "agreements": rows,
    }


def _named(person: Person) -> dict[str, str | None]:
    return {"name": person.name, "organisation": person.organisation.name if person.organisation else None}


def _letter_row(letter: Any) -> dict[str, Any]:
    said = _named(letter.sender)
    return {
        "number": letter.pk,
        "sender": said["name"],
        "organisation": said["organisation"],
        "text": letter.text,
        "sent_at": letter.sent_at,
    }


def _look_row(one: Any) -> dict[str, Any]:
    return {**_named(one.person), "day": one.day}


def _venture_row(entry: Entry) -> dict[str, Any]:
    details = entry.record["details"]
    return {
        **entry_row(entry),
        "sectors": entry.record.get("sectors", []),
        "stage": details.get("stage", ""),
        "round": details.get("round", ""),
        "seeks_amount": entry.seeks_amount,
        "hours": profiles.factory_hours(entry),
    }
