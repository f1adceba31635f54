"""What a threshold of the score means: false alarms a minute and the share found, measured on rendered recordings."""

from __future__ import annotations

import csv
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources

import numpy as np

from mien.spotting.curves import SHIPPED, SpotSettings

__all__ = ["Rate", "expected_rate"]


@dataclass(frozen=True, slots=True)
class Rate:
    """How often spotting errs with one threshold.

    Attributes
    ----------
    false_alarms_per_min : float
        Finds that are none, per minute that shows the face, with every distractor of the rendered benchmark.
    recall : float
        Share found of the micro-expressions of a pixel and more at a 128-px face.
    """

    false_alarms_per_min: float
    recall: float


def expected_rate(settings: SpotSettings = SHIPPED) -> Rate | None:
    """False alarms and recall of the method ``mien`` with a threshold (``least_score``).

    Measured by ``mien benchmark spotting --seed 2026`` over all its frame rates, to which no limit was fitted
    (``rates.csv``); in between, interpolated.

    Returns
    -------
    Rate or None
        None for a threshold that was not measured, or where any other setting is not as shipped.

    Examples
    --------
    >>> low, high = expected_rate(), expected_rate(SpotSettings(least_score=10))
    >>> low.recall > high.recall, low.false_alarms_per_min > high.false_alarms_per_min
    (True, True)
    """
    scores, alarms, recalls = _table()
    if replace(settings, least_score=SHIPPED.least_score) != SHIPPED:
        return None
    if not scores[0] <= settings.least_score <= scores[-1]:
        return None
    return Rate(*(float(np.interp(settings.least_score, scores, values)) for values in (alarms, recalls)))


@cache
def _table() -> tuple[tuple[float, ...], ...]:
    text = resources.files("mien.spotting").joinpath("rates.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    return tuple(tuple(float(row[name]) for row in rows) for name in ("least_score", "false_alarms_per_min", "recall"))
