"""What programmes, promises and tables of shares must be, and how a capacity is divided, exactly. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction

from django.utils.translation import gettext as _

from fabriek.people.models import Role
from fabriek.people.permissions import PERMISSIONS
from fabriek.programmes.errors import ProgrammeRefused, PromiseRefused, ShareTableRefused

PLACES = 8
"""Shares are kept with eight decimals: a ten-millionth of a percent."""


LONGEST_ROUTE = 8
"""Steps of a sign-off route, at most."""


def check_sign_off(steps: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    """A sign-off route as it is kept: who gives initials to a proposal before it is published, in turn.

    steps: title (a desk or function, each once) and role of each; none: whoever may decide publishes alone.
    Errors: ProgrammeRefused.
    """
    route = [{"title": step["title"].strip(), "role": step["role"]} for step in steps]
    titles = [step["title"].casefold() for step in route]
    allowed = PERMISSIONS["initial decisions"]
    faults = []
    if len(route) > LONGEST_ROUTE:
        faults.append(_("Take at most %(most)d steps.") % {"most": LONGEST_ROUTE})
    if not all(titles):
        faults.append(_("Give each step a title, such as the desk or the function."))
    if len(set(titles)) < len(titles):
        faults.append(_("Give each step a title of its own."))
    if too_long := [title for title in titles if len(title) > 80]:
        faults.append(_("Take at most 80 characters for %(title)s.") % {"title": too_long[0]})
    if any(step["role"] not in allowed for step in route):
        names = ", ".join(sorted(str(Role(role).label) for role in allowed))
        faults.append(_("Initials are given by who reads decisions: %(roles)s.") % {"roles": names})
    if faults:
        raise ProgrammeRefused(_("The sign-off route can't be like this."), faults={"steps": faults})
    return route


def largest_remainder(total: int, fractions: Sequence[Fraction | Decimal]) -> list[int]:
    """Divide `total` by fractions that add up to one, into whole seconds that add up to `total`.

    Hare's method: everybody the whole part, what is left over by the largest remainders; on a tie the earlier row.
    """
    exact = [Fraction(fraction) * total for fraction in fractions]
    parts = [int(part // 1) for part in exact]
    left = total - sum(parts)
    order = sorted(range(len(exact)), key=lambda n: (parts[n] - exact[n], n))
    for n in order[:left]:
        parts[n] += 1
    return parts


def check_share_table(fractions: Mapping[str, Decimal]) -> None:
    """Check that the shares of one partition and month add up to one (rule 2).

    Errors: ShareTableRefused that names the row that is off: the first that is no share at all; else, where the sum is
    wrong, the first row whose own figure, corrected by the difference, would mend it (else the last row).
    """
    if not fractions:
        raise ShareTableRefused(_("The table is empty. Give each programme its share; together they are 100 %."))
    for programme, fraction in fractions.items():
        if not fraction.is_finite() or fraction <= 0 or fraction > 1:
            raise ShareTableRefused(
                _("The share of %(row)s is %(share)s. Give more than 0 and at most 1; leave the row out for none.")
                % {"row": programme, "share": fraction},
                faults={programme: [_("Give a share above 0 and at most 1.")]},
                row=programme,
            )
        if fraction != round(fraction, PLACES):
            raise ShareTableRefused(
                _("The share of %(row)s has more than %(places)s decimals. Round it.")
                % {"row": programme, "places": PLACES},
                faults={programme: [_("Round it.")]},
                row=programme,
            )
    total = sum(fractions.values(), Decimal(0))
    if total == 1:
        return
    off = total - 1
    row = _row_that_is_off(fractions, off)
    raise ShareTableRefused(
        _(
            "The shares add up to %(sum)s %%, not to 100 %%. "
            "Look at the row %(row)s: it is %(share)s %%; %(mended)s %% would fit."
        )
        % {
            "sum": _percent(total),
            "row": row,
            "share": _percent(fractions[row]),
            "mended": _percent(max(fractions[row] - off, Decimal(0))),
        },
        faults={row: [_("The table is off by %(off)s %%.") % {"off": _percent(off)}]},
        row=row,
        sum=str(total),
        difference=str(off),
    )


def _row_that_is_off(fractions: Mapping[str, Decimal], off: Decimal) -> str:
    """The last row that would mend the table if it were corrected by the difference; else the last row."""
    return next((p for p, f in reversed(list(fractions.items())) if 0 < f - off <= 1), list(fractions)[-1])


@dataclass(frozen=True)
class MonthSum:
    """What a table of shares gives away of one month, in accelerator-seconds.

    `off` above 0 is over, below 0 is left. All are None where the capacity is not declared.
    """

    month: date
    capacity: int | None
    shared: int | None
    off: int | None

    @property
    def apart(self) -> int | None:
        """How far from the capacity, either way."""
        return None if self.off is None else abs(self.off)


@dataclass(frozen=True)
class ShareSum:
    """What a table of shares comes to while it is written: together, how far from the whole, and by month.

    `row` is the row that `check_share_table` would name, "" where the table adds up; `mended` what it would have to be,
    None where no row alone can mend the table.
    """

    total: Decimal
    off: Decimal
    row: str
    mended: Decimal | None
    months: list[MonthSum]


def sum_of_shares(fractions: Mapping[str, Decimal], capacities: Mapping[date, int | None]) -> ShareSum:
    """A table of shares as it stands, complete or not, over months with these capacities (None: not declared)."""
    total = sum(fractions.values(), Decimal(0))
    off = total - 1
    months = []
    for month, capacity in capacities.items():
        shared = None if capacity is None else round(Fraction(total) * capacity)
        over = None if capacity is None or shared is None else shared - capacity
        months.append(MonthSum(month, capacity, shared, over))
    row = _row_that_is_off(fractions, off) if fractions and off else ""
    fits = row and 0 < fractions[row] - off <= 1
    return ShareSum(total, off, row, fractions[row] - off if fits else None, months)


def _percent(fraction: Decimal) -> str:
    text = f"{fraction * 100:.6f}".rstrip("0").rstrip(".")
    return text or "0"


def check_programme(kind: str, country: str, overbooking: Decimal, parent_kind: str | None) -> None:
    """Check a programme's place: the Union's or a state's, as the whole it is part of. Errors: ProgrammeRefused."""
    faults = {}
    if kind not in ("union", "national"):
        faults["kind"] = [_("Say whether it is the Union's or a state's.")]
    elif parent_kind is not None and parent_kind != kind:
        faults["parent"] = [_("A part belongs to the Union, or to a state, as the whole does.")]
    if kind == "national" and not country:
        faults["country"] = [_("Say of which state.")]
    if overbooking < 1:
        faults["overbooking"] = [_("Give 1 or more: 1 is no overbooking.")]
    if faults:
        raise ProgrammeRefused(_("This programme has no place in the tree."), faults=faults)


def check_promise(
    kind: str,
    *,
    programme: str | None,
    organisation_class: str,
    fraction: Decimal | None,
    accelerator_seconds_a_month: int | None,
    valid_from: date,
    valid_until: date | None,
    country: str = "",
    commercial: bool = False,
    base_holds_it: bool = True,
) -> None:
    """Check that a promise has its own measure: a fraction (floor, cap), or hours a month of one programme (baseline).

    base_holds_it: whether what it is a fraction of includes its programme.

    Errors: PromiseRefused with all faults at once.
    """
    faults = {}
    one_subject = _("Say one thing: a class, a country or paid commercial use. Make a promise of each.")
    if kind == "baseline":
        if fraction is not None:
            faults["fraction"] = [_("A baseline is an amount a month, not a fraction.")]
        if not accelerator_seconds_a_month or accelerator_seconds_a_month <= 0:
            faults["accelerator_seconds_a_month"] = [_("Give the hours of a month that are protected.")]
        if programme is None:
            faults["programme"] = [_("Say whose baseline it is.")]
    else:
        if fraction is None or not 0 <= fraction <= 1:
            faults["fraction"] = [_("Give a fraction from 0 to 100 %.")]
        if accelerator_seconds_a_month is not None:
            faults["accelerator_seconds_a_month"] = [_("Only a baseline is an amount a month.")]
    if not base_holds_it:
        faults["base"] = [_("Choose a programme that includes it: a part is of a whole.")]
    if (organisation_class or country) and commercial:
        faults["commercial"] = [one_subject]
    if organisation_class and country:
        faults["country"] = [one_subject]
    if kind == "floor" and not organisation_class:
        faults["organisation_class"] = [_("A floor is for a class of applicants. Say which.")]
    if valid_until is not None and valid_until <= valid_from:
        faults["valid_until"] = [_("Choose a day after the first.")]
    if faults:
        raise PromiseRefused(_("This promise can't be measured yet."), faults=faults)


def check_ending(begins: date, ends: date | None, on: date, why: str, today: date) -> None:
    """Check that a promise may end on a day: not in the past, after it began, with a reason. Errors: PromiseRefused."""
    faults = {}
    if ends is not None and ends <= today:
        faults["valid_until"] = [_("It ended on %(day)s.") % {"day": ends}]
    elif on < today:
        faults["valid_until"] = [_("Choose today or a later day: what held until now is not undone.")]
    elif on <= begins:
        faults["valid_until"] = [_("Choose a day after it begins.")]
    if not why.strip():
        faults["why"] = [_("Say why: it stays on record.")]
    if faults:
        raise PromiseRefused(_("This promise doesn't end like this."), faults=faults)
