"""Does a promise hold? Pure arithmetic over hours by programme, class and country. No database here.

All amounts are accelerator-seconds. A promise is measured at three moments: what was decided (awarded), what waits or
runs in the queue (queued), what was metered (used).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from fractions import Fraction


@dataclass(frozen=True)
class Hours:
    """Seconds of one programme on one system by one kind of project, at each station of the chain."""

    programme: str
    system: str
    organisation_class: str
    country: str
    commercial: bool
    share: int = 0
    decided: int = 0
    queued: int = 0
    used: int = 0


MOMENTS = ("decided", "queued", "used")
USE_TELLS_FROM = Fraction(1, 10)
"""The part of what was decided that must have been used before shares of use tell anything."""


@dataclass(frozen=True)
class Terms:
    """What a promise says, free of the database. `programmes` and `base` are the leaves of the subtree; None: all.
    `system`: of which system; where it is empty, a fraction is of every system, each."""

    code: str
    name: str
    kind: str
    programme: str = ""
    programmes: frozenset[str] | None = None
    base: frozenset[str] | None = None
    organisation_class: str = ""
    country: str = ""
    commercial: bool = False
    fraction: Fraction | None = None
    of: str = "capacity"
    seconds: int = 0
    # Where an amount comes from: so many seconds, so many times (months of a baseline, overbooking of a share).
    each: int = 0
    times: Fraction = Fraction(1)
    system: str = ""
    is_demo: bool = False
    # Its months have all gone by: nothing that was decided can still be used.
    is_over: bool = False
    # Shares are whole seconds: each may lie a second off its exact fraction, in every month and programme that adds up.
    rounding: int = 0

    def counts(self, hours: Hours) -> bool:
        """Whether these hours are the promise's subject."""
        return (
            (self.programmes is None or hours.programme in self.programmes)
            and (not self.organisation_class or hours.organisation_class == self.organisation_class)
            and (not self.country or hours.country == self.country)
            and (not self.commercial or hours.commercial)
            and (not self.system or hours.system == self.system)
        )

    def is_measured_against(self, hours: Hours) -> bool:
        """Whether these hours are in what the promise is a fraction of."""
        return (self.base is None or hours.programme in self.base) and (not self.system or hours.system == self.system)

    @property
    def is_about_a_share(self) -> bool:
        """A cap or a baseline on a programme as such is also a promise about the size of its share."""
        return not (self.organisation_class or self.country or self.commercial)


@dataclass(frozen=True)
class Miss:
    """Where a promise is not kept: the size of the share, or what was decided or used; accelerator-seconds.

    system: on which, of a promise that each system keeps.
    """

    what: str
    reached: int
    required: int
    system: str = ""


@dataclass(frozen=True)
class Promised:
    """How what is promised comes about: `whole` seconds times `times`; of one system where the promise is of each."""

    system: str
    whole: int
    times: Fraction
    promised: int


@dataclass(frozen=True)
class Measured:
    """A promise and its numbers, in accelerator-seconds; `required` per moment, because shares of use grow with use.

    systems: the same of each system, in order of code, for a promise that is kept where each of them keeps it; the
    numbers are then those of all systems together. whole: what a fraction is of, at each moment. use_judged: whether
    what was used tells anything yet (`use_tells`); where it doesn't, `holds_at["used"]` is true.
    """

    terms: Terms
    required: dict[str, int]
    reached: dict[str, int]
    holds_at: dict[str, bool]
    share: int = 0
    numbers: list[Hours] = field(default_factory=list)
    systems: list[Measured] = field(default_factory=list)
    whole: dict[str, int] = field(default_factory=dict)
    use_judged: bool = True

    @property
    def broken_on(self) -> list[str]:
        """The systems on which a promise of every system is not kept."""
        return [one.terms.system for one in self.systems if not one.holds]

    @property
    def holds(self) -> bool:
        """Kept as decided and, as far as what was used tells anything, in the use."""
        return self.holds_at["decided"] and self.holds_at["used"]

    @property
    def is_counted(self) -> bool:
        """Whether it is among those of which pages say how many are kept: floors, caps and baselines. Shares, which are
        what programmes have, stand apart."""
        return self.terms.kind != "share"

    @property
    def nothing_awarded(self) -> bool:
        """Nothing was decided on that could keep or break it: it isn't exceeded, which is no merit yet."""
        if not self.is_counted:
            return not self.decided
        return self.terms.fraction is not None and self.terms.of == "awarded" and not self.whole["decided"]

    @property
    def state(self) -> str:
        """`broken`; `kept`; `nothing_awarded`, as long as there is nothing that could have been either."""
        if not self.holds:
            return "broken"
        return "nothing_awarded" if self.nothing_awarded else "kept"

    def part(self, moment: str) -> Fraction | None:
        """What was reached at a moment, as a part of what the promise is a fraction of; None where that is nothing."""
        if not self.terms.fraction or not self.required[moment]:
            return None
        return self.terms.fraction * self.reached[moment] / self.required[moment]

    def promised(self) -> list[Promised]:
        """How what is promised of what was decided comes about, system by system where it is of each."""
        terms = self.terms
        if terms.fraction is None:
            return [Promised(terms.system, terms.each, terms.times, terms.seconds)]
        return [
            Promised(on.terms.system, on.whole["decided"], terms.fraction, on.required["decided"])
            for on in self.systems or [self]
        ]

    def misses(self) -> list[Miss]:
        """Each figure by which the promise is broken, system by system; none where it is kept."""
        if self.systems:
            return [miss for one in self.systems for miss in one.misses()]
        system = self.terms.system
        if self.terms.kind == "baseline":
            return [] if self.holds else [Miss("share", self.share, self.required["decided"], system)]
        is_floor = self.terms.kind == "floor"
        found = []
        for moment in ("decided", "used") if self.use_judged else ("decided",):
            reached, required = self.reached[moment], self.required[moment]
            if reached < required if is_floor else reached > required:
                found.append(Miss(moment, reached, required, system))
        if not self.holds_at["decided"] and not any(miss.what == "decided" for miss in found):
            found.insert(0, Miss("share", self.share, self.required["decided"], system))
        return found

    @property
    def decided(self) -> int:
        return self.reached["decided"]

    @property
    def queued(self) -> int:
        return self.reached["queued"]

    @property
    def used(self) -> int:
        return self.reached["used"]


def measure(terms: Terms, hours: Iterable[Hours]) -> Measured:
    """Measure one promise over all hours.

    floor: the subject's hours are at least `fraction` of the base's, at every moment at which the base has any; of
    what was used only once that tells anything (`use_tells`).
    cap: at most. A cap on a programme as such binds the size of its share too.
    baseline: the programme's share is at least `seconds`; what is decided and used is shown beside it.
    share: what is awarded stays within `seconds` (the share times the stated overbooking, rule 3), and the share's
    own size is no smaller than what was established.
    A floor or a cap that names no system is of every system, each: it holds where it holds on each of them. An amount
    (baseline, share) is of all systems together.
    """
    hours = list(hours)
    if terms.fraction is not None and not terms.system:
        return _on_each_system(terms, hours)
    subject = [h for h in hours if terms.counts(h)]
    base = [h for h in hours if terms.is_measured_against(h)]
    reached = {moment: sum(getattr(h, moment) for h in subject) for moment in MOMENTS}
    share = sum(h.share for h in subject)
    whole: dict[str, int] = {}

    if terms.fraction is None:
        required = dict.fromkeys(MOMENTS, terms.seconds)
        if terms.kind == "baseline":
            holds = dict.fromkeys(MOMENTS, share >= terms.seconds)
        else:
            holds = {moment: reached[moment] <= terms.seconds for moment in MOMENTS}
    else:
        whole = {
            moment: sum(h.share if terms.of == "capacity" else getattr(h, moment) for h in base) for moment in MOMENTS
        }
        # A floor rounds up and a cap rounds down: neither is met by rounding.
        exact = {moment: terms.fraction * whole[moment] for moment in MOMENTS}
        if terms.kind == "floor":
            required = {moment: -(-exact[moment].numerator // exact[moment].denominator) for moment in MOMENTS}
            holds = {moment: reached[moment] >= required[moment] for moment in MOMENTS}
        else:
            required = {moment: exact[moment].numerator // exact[moment].denominator for moment in MOMENTS}
            holds = {moment: reached[moment] <= required[moment] for moment in MOMENTS}
            if terms.is_about_a_share:
                holds["decided"] = holds["decided"] and share <= required["decided"] + terms.rounding
    judged = use_tells(terms, decided=sum(h.decided for h in base), used=sum(h.used for h in base))
    holds["used"] = holds["used"] or not judged
    return Measured(terms, required, reached, holds, share, subject, whole=whole, use_judged=judged)


def use_tells(terms: Terms, *, decided: int, used: int) -> bool:
    """Whether what was used may break a promise. decided, used: seconds of all that it is a fraction of.

    The first job that runs is all of what was used: every floor of another would be broken by one minute of it, and
    every cap on it, whatever was decided. So a fraction of what is used is judged from a tenth of what was decided on,
    or once its months are over. A floor of a capacity can be reached at its months' end at the earliest, and is judged
    then. Amounts don't shift with use: what exceeds a share, or a cap of a capacity, does so from its first second.
    """
    if terms.fraction is None or terms.is_over:
        return True
    if terms.of == "capacity":
        return terms.kind == "cap"
    return used >= USE_TELLS_FROM * decided


def _on_each_system(terms: Terms, hours: list[Hours]) -> Measured:
    by_system: dict[str, list[Hours]] = defaultdict(list)
    for row in hours:
        if terms.counts(row) or terms.is_measured_against(row):
            by_system[row.system].append(row)
    systems = [measure(replace(terms, system=system), by_system[system]) for system in sorted(by_system)]
    return Measured(
        terms,
        required={moment: sum(one.required[moment] for one in systems) for moment in MOMENTS},
        reached={moment: sum(one.reached[moment] for one in systems) for moment in MOMENTS},
        holds_at={moment: all(one.holds_at[moment] for one in systems) for moment in MOMENTS},
        share=sum(one.share for one in systems),
        numbers=[row for one in systems for row in one.numbers],
        systems=systems,
        whole={moment: sum(one.whole[moment] for one in systems) for moment in MOMENTS},
        use_judged=all(one.use_judged for one in systems),
    )
