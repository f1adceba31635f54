"""How a probability is said to a person: never as certainty."""

from __future__ import annotations

import math

__all__ = ["format_probability"]


def format_probability(value: float, *, percent: bool = True) -> str:
    """Round a probability to whole percent; what would be 0 or 100 is said as less or more, since nobody knows surely.

    Parameters
    ----------
    value : float
        0 to 1.
    percent : bool
        Whether as percent, or as a number of four characters.

    Examples
    --------
    >>> [format_probability(value) for value in (0.004, 0.5, 0.994, 0.995)]
    ['<1 %', '50 %', '99 %', '>99 %']
    >>> [format_probability(value, percent=False) for value in (0.004, 0.5, 0.994, 0.995)]
    ['<.01', '0.50', '0.99', '>.99']
    """
    rounded = math.floor(100 * value + 0.5)
    if 0 < rounded < 100:
        return f"{rounded} %" if percent else f"{rounded / 100:.2f}"
    if percent:
        return "<1 %" if rounded <= 0 else ">99 %"
    return "<.01" if rounded <= 0 else ">.99"
