"""Rule 2: shares add up to the capacity, to the second; a table that doesn't is refused with the row that is off."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from fabriek.programmes.errors import ShareTableRefused
from fabriek.programmes.rules import check_share_table, largest_remainder, sum_of_shares

weights = st.lists(st.integers(1, 10**6), min_size=1, max_size=12)


@given(st.integers(0, 10**15), weights)
def test_parts_add_up_and_lie_within_a_second_of_exact(total: int, parts: list[int]) -> None:
    fractions = [Fraction(part, sum(parts)) for part in parts]
    divided = largest_remainder(total, fractions)
    assert sum(divided) == total
    for fraction, seconds in zip(fractions, divided, strict=True):
        assert abs(seconds - fraction * total) < 1


@given(weights.filter(lambda parts: len(parts) > 1), st.integers(1, 9_999_999), st.data())
def test_a_table_that_is_off_names_a_row_that_would_mend_it(parts: list[int], off: int, data: st.DataObject) -> None:
    whole = sum(parts)
    table = {f"p{n}": (Decimal(part) / whole).quantize(Decimal("0.00000001")) for n, part in enumerate(parts)}
    last = f"p{len(parts) - 1}"
    table[last] = 1 - sum((f for p, f in table.items() if p != last), Decimal(0))
    assume(all(0 < fraction <= 1 for fraction in table.values()))
    check_share_table(table)
    row = data.draw(st.sampled_from(sorted(table)))
    table[row] += Decimal(off) / 10**8
    assume(table[row] <= 1)
    with pytest.raises(ShareTableRefused) as refusal:
        check_share_table(table)
    named = refusal.value.extra["row"]
    assert named in table
    assert named in str(refusal.value.sentence)
    assert Decimal(refusal.value.extra["difference"]) == Decimal(off) / 10**8


@pytest.mark.parametrize("share", ["0", "-0.1", "1.5", "NaN", "0.123456789"])
def test_a_row_that_is_no_share_is_named(share: str) -> None:
    with pytest.raises(ShareTableRefused) as refusal:
        check_share_table({"good": Decimal("0.5"), "bad": Decimal(share)})
    assert refusal.value.extra["row"] == "bad"


percents = st.lists(st.decimals(0, 100, places=6), min_size=1, max_size=12)


@given(percents, st.integers(0, 10**12))
def test_a_running_total_says_how_far_the_table_is_from_the_whole(given_: list[Decimal], capacity: int) -> None:
    table = {f"p{n}": percent / 100 for n, percent in enumerate(given_)}
    found = sum_of_shares(table, {date(2027, 1, 1): capacity, date(2027, 2, 1): None})
    assert found.total - found.off == 1
    known, unknown = found.months
    assert known.shared is not None
    assert known.off == known.shared - capacity
    assert abs(known.shared - Fraction(found.total) * capacity) <= Fraction(1, 2)
    assert (unknown.capacity, unknown.shared, unknown.off, unknown.apart) == (None, None, None, None)


@given(percents)
def test_a_running_total_names_the_row_that_establishing_would_name(given_: list[Decimal]) -> None:
    table = {f"p{n}": percent / 100 for n, percent in enumerate(given_)}
    assume(all(0 < fraction <= 1 for fraction in table.values()))
    found = sum_of_shares(table, {})
    if not found.off:
        assert found.row == ""
        check_share_table(table)
        return
    with pytest.raises(ShareTableRefused) as refusal:
        check_share_table(table)
    assert found.row == refusal.value.extra["row"]
    if found.mended is not None:
        check_share_table(table | {found.row: found.mended})
