"""A score reads the same wherever it stands."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.utils.translation import override

from fabriek.conf.amounts import points_text


@pytest.mark.parametrize(
    ("score", "english", "dutch"),
    [
        (53.333333, "53.33", "53,33"),
        (Decimal("53.30"), "53.3", "53,3"),
        (Decimal("70.00"), "70", "70"),
        (100.0, "100", "100"),
        (0, "0", "0"),
        (-1.206, "-1.21", "-1,21"),
    ],
)
def test_hundredths_that_count_and_no_more(score: float | Decimal, english: str, dutch: str) -> None:
    with override("en"):
        assert points_text(score) == english
    with override("nl"):
        assert points_text(score) == dutch
