"""A probability is never said as certainty."""

from __future__ import annotations

import pytest

from mien.core import format_probability


@pytest.mark.parametrize(
    ("value", "percent", "number"),
    [
        (0, "<1 %", "<.01"),
        (0.004, "<1 %", "<.01"),
        (0.005, "1 %", "0.01"),
        (0.286, "29 %", "0.29"),
        (0.5, "50 %", "0.50"),
        (0.994, "99 %", "0.99"),
        (0.995, ">99 %", ">.99"),
        (0.999, ">99 %", ">.99"),
        (1, ">99 %", ">.99"),
    ],
)
def test_none_is_rounded_to_never_or_always(value: float, percent: str, number: str) -> None:
    assert format_probability(value) == percent
    assert format_probability(value, percent=False) == number


def test_numbers_are_equally_wide() -> None:
    assert {len(format_probability(step / 1000, percent=False)) for step in range(1001)} == {4}
