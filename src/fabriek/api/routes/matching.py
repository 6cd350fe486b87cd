"""What fits a project or an application, for who may read it."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja import Field, Router, Schema

from fabriek.api.authentication import Scope, actor_of
from fabriek.matching.needs import Needs
from fabriek.matching.queries import Fitting, Found, matches_of_application, matches_of_project
from fabriek.matching.rules import Reason
from fabriek.matching.words import sentence, title_of

router = Router(tags=["catalogue"])


class NeedsOut(Schema):
    named: list[str] = Field(description="concepts that title, keywords and summary name")
    heard: list[str] = Field(description="concepts that only the method or the data statement names")
    known: list[str] = Field(description="concepts that its people say they know")
    organisation_class: str
    country: str
    commercial: bool
    amount: int | None = Field(description="whole euros that its published venture seeks")
    round: str


class ReasonOut(Schema):
    code: str
    values: dict[str, Any]
    sentence: str = Field(description="in the asker's language")


class MatchOut(Schema):
    entry: str
    title: str
    kind: str
    score: int = Field(description="comparable within a section; no unit")
    reasons: list[ReasonOut] = Field(description="what counts for it")
    remarks: list[ReasonOut] = Field(description="what one has to know, also what it doesn't say")
    recipes: list[str] = Field(description="codes of recipes that take it")


class SectionOut(Schema):
    section: str
    title: str
    matches: list[MatchOut] = Field(description="the best first; none: nothing fits")


class FittingOut(Schema):
    needs: NeedsOut
    sections: list[SectionOut]


@router.get("/projects/{code}/matches", response=FittingOut, auth=Scope("read"), summary="What fits a project")
def project_matches(request: HttpRequest, code: str) -> dict[str, Any]:
    """Data, models, courses, people and money of the catalogue that fit, each with why. For who may read the project;
    what its application says counts where one may read that too."""
    return fitting_row(matches_of_project(code, actor_of(request))[1])


@router.get("/applications/{code}/matches", response=FittingOut, auth=Scope("read"), summary="What fits an application")
def application_matches(request: HttpRequest, code: str) -> dict[str, Any]:
    """Data, models, courses, people and money of the catalogue that fit, each with why. For who may read the
    application."""
    return fitting_row(matches_of_application(code, actor_of(request))[1])


def fitting_row(fitting: Fitting) -> dict[str, Any]:
    """What fits, by section, with what it was looked for by."""
    return {
        "needs": needs_row(fitting.needs),
        "sections": [
            {"section": section.code, "title": title_of(section), "matches": [match_row(one) for one in found]}
            for section, found in fitting.sections
        ],
    }


def needs_row(needs: Needs) -> dict[str, Any]:
    """What was looked for."""
    plain = ("organisation_class", "country", "commercial", "amount", "round")
    return {
        **{name: sorted(getattr(needs, name)) for name in ("named", "heard", "known")},
        **{name: getattr(needs, name) for name in plain},
    }


def match_row(found: Found) -> dict[str, Any]:
    """An entry that fits, and why."""
    return {
        "entry": found.entry.code,
        "title": found.entry.title,
        "kind": found.entry.kind,
        "score": found.match.score,
        "reasons": [reason_row(one) for one in found.match.reasons],
        "remarks": [reason_row(one) for one in found.match.remarks],
        "recipes": [one.code for one in found.recipes],
    }


def reason_row(reason: Reason) -> dict[str, Any]:
    """A reason as data and as a sentence."""
    return {"code": reason.code, "values": reason.values, "sentence": sentence(reason)}
