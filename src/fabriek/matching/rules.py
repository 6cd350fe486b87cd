"""Whether an entry fits, and why: reasons as data, each with what it is worth. Pure; words.py says them.

Three things are told apart. A reason counts for an entry. A remark tells what a reader has to know before they use it,
also that something isn't said. Only what an entry says itself rules it out: that a call is closed, that it is for other
countries or classes, that an expert is not free. What isn't said is never a no.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from fabriek.catalogue.record import (
    DatasetDetails,
    FundingDetails,
    InvestorDetails,
    ModelDetails,
    Record,
    ServiceDetails,
    SoftwareDetails,
    TalentDetails,
    TrainingDetails,
    VentureDetails,
)
from fabriek.catalogue.search import terms
from fabriek.matching.licences import commercial_use
from fabriek.matching.needs import CLASSES, TEACHABLE, TOO_WIDE, Needs

SOON = timedelta(days=31)
"""Within how many days an expert has to be free, and before when a call that closes is told to close soon."""
WORTH = {"task": 12, "teaches": 10, "sector": 8, "skill": 10, "topic": 4, "language": 4}
"""What each concept that both name is worth; half where only the method or the data statement names it."""
PLAIN = {
    "class": 4,
    "country": 6,
    "open": 6,
    "free": 4,
    "free-month": 6,
    "seeks": 4,
    "ticket": 8,
    "round": 6,
    "licence": 2,
}
AGAINST = {"licence-non-commercial": 8, "other-languages": 6, "closed": 6}
"""What remarks take off. Others take off nothing: what isn't said is no fault."""
ALIKE = (12, 10, 8, 6, 4, 2)
"""What the first of those are worth that a search for the project's title finds. Concepts tell that two things are of
the same; words tell which of the many that are."""
UNTAUGHT = TOO_WIDE - TEACHABLE
"""Concepts that aren't even a reason for a course."""


@dataclass(frozen=True)
class Reason:
    """One thing that counts, or that one has to know. code: one of words.SENTENCES. values: JSON, dates as ISO 8601,
    amounts in whole euros, concepts as terms.concepts names them."""

    code: str
    values: dict[str, Any] = field(default_factory=dict)
    worth: int = 0


@dataclass(frozen=True)
class Match:
    """An entry that fits. score: comparable within a section; it has no unit."""

    record: Record
    reasons: tuple[Reason, ...]
    remarks: tuple[Reason, ...]

    @property
    def score(self) -> int:
        """What counts for it less what is told against it."""
        return sum(one.worth for one in (*self.reasons, *self.remarks))


@dataclass
class _Weighing:
    """Reasons and remarks as they are found. `ruled_out`: the entry itself says that it isn't for this project."""

    needs: Needs
    record: Record
    today: date
    reasons: list[Reason] = field(default_factory=list)
    remarks: list[Reason] = field(default_factory=list)
    ruled_out: bool = False

    def because(self, code: str, **values: Any) -> None:
        self.reasons.append(Reason(code, values, PLAIN[code]))

    def remark(self, code: str, **values: Any) -> None:
        self.remarks.append(Reason(code, values, -AGAINST.get(code, 0)))

    def shares(self, code: str, concepts: Iterable[str]) -> bool:
        """A reason for the concepts that both name, of which there may be none."""
        needs = self.needs
        both = sorted(needs.concepts & set(concepts))
        if both:
            whole, half = len(needs.named.intersection(both)), len(needs.heard.intersection(both))
            self.reasons.append(Reason(code, {"concepts": both}, WORTH[code] * whole + WORTH[code] // 2 * half))
        return bool(both)


@dataclass(frozen=True)
class Section:
    """A part of the answer: which kinds of entry, by which families of concepts they are found, and how they are
    weighed. The rule says whether anything of substance is shared. but: concepts that aren't looked for. finds_all:
    the newest of its kinds are weighed too, whatever they are about; what they are called says little then."""

    code: str
    kinds: tuple[str, ...]
    families: tuple[str, ...]
    rule: Callable[[_Weighing, Any], bool]
    but: frozenset[str] = TOO_WIDE
    finds_all: bool = False


def weigh(section: Section, needs: Needs, record: Record, today: date, place: int | None = None) -> Match | None:
    """The entry with its reasons, or None: it has nothing of substance in common, or says itself that it doesn't
    fit. place: at which a search for the project's title found it, the first is 0; None: it didn't."""
    if record.kind not in section.kinds:
        return None
    weighing = _Weighing(needs, record, today)
    fits = section.rule(weighing, record.details)
    if place is not None and place < len(ALIKE) and not section.finds_all:
        weighing.reasons.append(Reason("alike", {"place": place + 1}, ALIKE[place]))
    if not fits or weighing.ruled_out:
        return None
    return Match(record, tuple(weighing.reasons), tuple(weighing.remarks))


def best(
    section: Section,
    needs: Needs,
    records: Iterable[Record],
    today: date,
    most: int,
    places: Mapping[str, int] | None = None,
) -> list[Match]:
    """Those that fit, the best first, then by title and code: the same whatever the order they come in. places: of
    those that a search for the project's title found, by code."""
    at = places or {}
    found = [match for record in records if (match := weigh(section, needs, record, today, at.get(record.code)))]
    return sorted(found, key=lambda one: (-one.score, one.record.title.casefold(), one.record.code))[:most]


def concepts_of(record: Record) -> frozenset[str]:
    """What an entry is about: what its lists name, and what its title, keywords and skills say."""
    details = record.details
    skills = getattr(details, "teaches", getattr(details, "skills", ()))
    said = [(record.language, "\n".join((record.title, *record.keywords, *skills)))]
    return frozenset(terms.declared(record) | terms.heard(said))


def _of(concepts: Iterable[str], *families: str, but: frozenset[str] = TOO_WIDE) -> set[str]:
    return {one for one in concepts if one.partition(":")[0] in families} - but


def _about(weighing: _Weighing) -> bool:
    """Tasks, sectors and topics that both name."""
    concepts = concepts_of(weighing.record)
    found = [weighing.shares(family, _of(concepts, family)) for family in ("task", "sector", "topic")]
    return any(found)


def _material(weighing: _Weighing, details: DatasetDetails | ModelDetails | SoftwareDetails) -> bool:
    """Data, models and software: what they are for, in which languages, and whether a company may use them. A language
    in common is not enough."""
    if not _about(weighing):
        return False
    record, needs = weighing.record, weighing.needs
    weighing.shares("language", {f"language:{code}" for code in record.languages})
    if needs.languages and record.languages and not needs.languages & set(record.languages):
        weighing.remark("other-languages", languages=sorted(needs.languages))
    if needs.commercial:
        match commercial_use(record.licence):
            case "allowed":
                weighing.because("licence", licence=record.licence)
            case "refused":
                weighing.remark("licence-non-commercial", licence=record.licence)
            case _ if record.licence:
                weighing.remark("licence-to-read", licence=record.licence)
            case _:
                weighing.remark("licence-unsaid")
    if record.access in ("closed", "on-request"):
        weighing.remark(record.access)
    if details.kind == "dataset" and record.personal_data in ("personal", "special"):
        weighing.remark("personal-data")
    return True


def _training(weighing: _Weighing, details: TrainingDetails) -> bool:
    """Courses that teach what the project speaks of and nobody in it says they know; those that are over are not."""
    last = details.ends or details.starts
    weighing.ruled_out = last is not None and last < weighing.today
    concepts = concepts_of(weighing.record)
    found = weighing.shares("teaches", _of(concepts, "task", "topic", but=UNTAUGHT) - weighing.needs.known)
    weighing.shares("sector", _of(concepts, "sector"))
    if found and details.starts is not None and details.starts >= weighing.today:
        weighing.remark("starts", starts=details.starts.isoformat())
    return found


def _experts(weighing: _Weighing, details: TalentDetails) -> bool:
    """People with a skill that is needed, who are free next month or don't say from when."""
    found = _skills(weighing)
    month = _next_month(weighing.today)
    hours = {one.month: one.hours for one in details.months}.get(month)
    if hours is not None:
        # What is said of the month itself goes before what is said of all.
        weighing.ruled_out = hours == 0
        weighing.because("free-month", month=f"{month}-01", hours=hours)
    elif details.hours_a_month == 0 or (details.free_from and details.free_from > weighing.today + SOON):
        weighing.ruled_out = True
    elif details.free_from is None:
        weighing.remark("free-unsaid")
    else:
        weighing.because("free", free_from=max(details.free_from, weighing.today).isoformat())
    _country(weighing, details.countries, rules_out=False)
    return found


def _next_month(today: date) -> str:
    """The month after this one, as 2026-12."""
    return (today.replace(day=1) + timedelta(days=31)).strftime("%Y-%m")


def _skills(weighing: _Weighing) -> bool:
    concepts = concepts_of(weighing.record)
    found = weighing.shares("skill", _of(concepts, "task", "topic"))
    return weighing.shares("sector", _of(concepts, "sector")) or found


def _partners(weighing: _Weighing, details: VentureDetails | TalentDetails) -> bool:
    """Who says that they look for somebody, and works on the same."""
    if not details.seeks or not _about(weighing):
        return False
    weighing.because("seeks", seeks=list(details.seeks))
    _country(weighing, details.countries, rules_out=False)
    return True


def _services(weighing: _Weighing, details: ServiceDetails) -> bool:
    found = _about(weighing)
    _class(weighing, details.audience)
    return found


def _funding(weighing: _Weighing, details: FundingDetails) -> bool:
    """Money that may be asked for today, by this class, in this country. A sector in common is worth more; none is
    needed, as most programmes are for all."""
    today = weighing.today
    if (details.closes and details.closes < today) or (details.opens and details.opens > today):
        weighing.ruled_out = True
    elif details.closes:
        left = (details.closes - today).days
        weighing.because("open", closes=details.closes.isoformat(), days_left=left)
    else:
        weighing.remark("closes-unsaid")
    _about(weighing)
    _class(weighing, details.classes)
    _country(weighing, details.countries)
    if details.least is not None or details.most is not None:
        weighing.remark("amount", least=details.least, most=details.most)
    return any(reason.code in ("class", "country", "task", "sector", "topic") for reason in weighing.reasons)


def _investors(weighing: _Weighing, details: InvestorDetails) -> bool:
    """Investors of the sector, with a ticket and a round that fit what the project's venture seeks, where it says."""
    needs = weighing.needs
    found = _about(weighing)
    least, most = details.ticket_least, details.ticket_most
    if least is None and most is None:
        weighing.remark("ticket-unsaid")
    elif needs.amount is None:
        weighing.remark("amount", least=least, most=most)
    elif (least is None or least <= needs.amount) and (most is None or needs.amount <= most):
        weighing.because("ticket", least=least, most=most, amount=needs.amount)
        found = True
    elif least is not None and needs.amount < least:
        weighing.ruled_out = True
    else:
        # Somebody who gives less than all of it can still be one of several.
        weighing.remark("amount", least=least, most=most)
    if needs.round and needs.round in (one.casefold() for one in details.rounds):
        weighing.because("round", round=needs.round)
        found = True
    _country(weighing, details.countries)
    return found


def _class(weighing: _Weighing, classes: list[str]) -> None:
    """Words that are no class of ours may mean anybody, so that with one of them nobody is ruled out."""
    wanted = weighing.needs.organisation_class
    if wanted in classes:
        weighing.because("class", organisation_class=wanted)
    elif not CLASSES.issuperset(classes) or not classes:
        weighing.remark("class-unsaid")
    elif wanted:
        weighing.ruled_out = True


def _country(weighing: _Weighing, countries: list[str], rules_out: bool = True) -> None:
    """'EU' is no country: who is in it is for the programme's own rules to say."""
    wanted = weighing.needs.country
    if wanted in countries:
        weighing.because("country", country=wanted)
    elif rules_out and (not countries or "EU" in countries):
        weighing.remark("country-unsaid")
    elif rules_out and wanted:
        weighing.ruled_out = True


_WORK = ("task", "sector", "topic")
SECTIONS = (
    Section("data", ("dataset",), (*_WORK, "language"), _material),
    Section("models", ("model",), (*_WORK, "language"), _material),
    Section("software", ("software",), _WORK, _material),
    Section("training", ("training",), ("task", "topic"), _training, but=UNTAUGHT),
    Section("experts", ("expert", "team"), _WORK, _experts),
    Section("partners", ("venture", "team", "expert"), _WORK, _partners),
    Section("services", ("service",), ("sector", "task", "topic"), _services),
    Section("funding", ("funding",), ("sector", "task", "topic"), _funding, finds_all=True),
    Section("investors", ("investor",), ("sector", "topic"), _investors, finds_all=True),
)
"""In the order in which one comes to need them."""
