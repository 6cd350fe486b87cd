"""The front door: what can I get? An estimate, the access modes that fit, and what is open of them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal

from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Field, Query, Router, Schema

from fabriek.access.estimates import AT_ONCE, Asked, Estimate, estimate_of
from fabriek.access.queries import Match, Offer, Wish, matches_for
from fabriek.access.rules import establishment
from fabriek.conf.errors import Invalid
from fabriek.people.models import OrganisationClass
from fabriek.register.queries import factories_for_list

router = Router(tags=["access"])


class WishIn(Schema):
    country: str = Field(pattern="^[A-Z]{2}$", description="where the organisation is established")
    organisation_class: OrganisationClass
    gpu_hours: int | None = Field(None, ge=1, le=10**9, description="null: estimated, or not known yet")
    purpose: Literal["train", "tune", "run"] = Field("train", description="what an estimate is of")
    parameters: float | None = Field(None, ge=0.001, le=10_000, description="of the model, in billions")
    tokens: float | None = Field(None, ge=0.001, le=1_000_000, description="of the data, in billions, times the passes")
    accelerator: str | None = Field(None, description="a partition, as system/partition; null: a middling one")
    efficiency: int | None = Field(None, ge=1, le=100, description="percent of the peak; null: by the purpose")
    months: int = Field(1, ge=1, le=60)
    factory: list[str] = Field([], max_length=100, description="only at these; none: anywhere")


class NeedEstimateOut(Schema):
    gpu_hours: int
    partition: str
    accelerator: str
    operations: int = Field(description="floating-point ones for each parameter and token")
    petaflops: float = Field(description="peak of one accelerator, dense BF16, as the register has it")
    efficiency: int = Field(description="percent of the peak")
    days: float = Field(description="on `at_once` GPUs")
    at_once: int


class CallOfferOut(Schema):
    call: str
    title: str
    factory: str
    accelerators: list[str]
    free_gpu_hours: int
    at_once: int = Field(description="GPU-hours of these that one request of the wished-for months can get")
    is_enough: bool
    answer_by: date = Field(description="where one applies today")
    closes: datetime
    demo: bool


class ModeMatchOut(Schema):
    mode: str
    name: str
    unit: str
    minimum: int | None
    maximum: int | None
    cost: str
    fits: bool
    why: list[str] = Field(description="what doesn't fit: country, class, too-much, too-little, too-long")
    offers: list[CallOfferOut]
    elsewhere: list[CallOfferOut] = Field(description="calls that fit, at other factories than those that were asked")


class DoorOut(Schema):
    establishment: str = Field(
        description="member-state, associated or elsewhere; who is elsewhere sees what a partner could apply for"
    )
    gpu_hours: int | None
    estimate: NeedEstimateOut | None
    matches: list[ModeMatchOut]


@router.get("/what-can-i-get", response=DoorOut, summary="What can I get?")
def what_can_i_get(request: HttpRequest, wish: Query[WishIn]) -> dict[str, Any]:
    """Access modes for a wish, those that fit and are open first. Give `gpu_hours`, or the size of a language model and
    of its data for an estimate, or neither where it isn't known yet."""
    there = {factory.code for factory in factories_for_list()}
    if missing := sorted(set(wish.factory) - there):
        raise Invalid(_("There is no such factory."), faults={"factory": missing})
    worked_out = estimated(wish)
    hours = wish.gpu_hours or (worked_out.gpu_hours if worked_out else None)
    found = matches_for(Wish(wish.organisation_class, hours, wish.months, wish.country, frozenset(wish.factory)))
    return {
        "establishment": establishment(wish.country),
        "gpu_hours": hours,
        "estimate": estimate_row(worked_out) if worked_out else None,
        "matches": [match_row(match) for match in found],
    }


def estimated(wish: WishIn) -> Estimate | None:
    """The estimate that is asked; None where none is. Errors: Invalid with what it lacks."""
    if wish.parameters is None and wish.tokens is None:
        return None
    if wish.gpu_hours is not None:
        sentence = _("Give GPU-hours, or what they are estimated from.")
        raise Invalid(sentence, faults={"gpu_hours": [sentence]})
    return estimate_of(Asked(wish.purpose, wish.parameters, wish.tokens, wish.accelerator, wish.efficiency))


def estimate_row(worked_out: Estimate) -> dict[str, Any]:
    """An estimate and what it follows from."""
    names = ("gpu_hours", "operations", "petaflops", "efficiency", "days")
    return {
        **{name: getattr(worked_out, name) for name in names},
        "partition": worked_out.partition.code,
        "accelerator": worked_out.partition.accelerator_model,
        "at_once": AT_ONCE,
    }


def match_row(match: Match) -> dict[str, Any]:
    """An access mode, whether it fits, and what is open of it."""
    return {
        "mode": match.mode.code,
        **{name: getattr(match.mode, name) for name in ("name", "unit", "minimum", "maximum", "cost")},
        "fits": match.fits,
        "why": match.why,
        "offers": [offer_row(offer) for offer in match.offers],
        "elsewhere": [offer_row(offer) for offer in match.elsewhere],
    }


def offer_row(offer: Offer) -> dict[str, Any]:
    """An open call that fits."""
    return {
        "call": offer.call.code,
        "title": offer.call.title,
        "factory": offer.call.factory.code,
        **{
            name: getattr(offer, name)
            for name in ("accelerators", "free_gpu_hours", "at_once", "is_enough", "answer_by")
        },
        "closes": offer.call.closes,
        "demo": offer.call.is_demo,
    }
