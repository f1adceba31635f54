"""Which action units the movement of the face's regions suggests.

Every unit of :mod:`mien.synthesis.action_units` is laid over the neutral face, and what each region would do under it
is a template. A movement is taken apart into few of them, none negative: forward selection with non-negative least
squares (Lawson & Hanson 1974). It is a suggestion from 15 points of motion, not a FACS coding: what a coder sees
(wrinkles, pouches, which lid moved first) is not looked at.

Regions cannot tell some units apart: their templates correlate by more than .95. The commoner of them in
``mien/synthesis/mixtures.csv`` is reported for both: 14 (dimpler) also for 20 (lip stretcher), 25 (lips part) also for
16 (lower lip depressor).
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

from mien.spotting.units import SIDES, skin_templates, unit_templates
from mien.synthesis import ACTION_UNITS
from mien.synthesis.emotions import CLASSES, mixture

__all__ = ["known_units", "skin_movement", "suggest_units"]

Array = npt.NDArray[np.float64]

_MOST_UNITS = 3
_LEAST_GAIN = 0.07  # of the movement's energy, for another unit
_LEAST_EXPLAINED = 0.5
_LEAST_SHARE = 0.05  # of what is explained: a unit that later ones have made needless
_ALIKE = 0.95


def suggest_units(movement: npt.ArrayLike) -> dict[int, float]:
    """Take a movement apart into action units.

    Parameters
    ----------
    movement : array, (R, 2)
        Displacement of every region of :data:`mien.spotting.REGIONS` beside the head, pixels at a 128-px face.

    Returns
    -------
    dict of int to float
        Action unit -> its share of what is explained, 0 to 1, summing to 1, the largest first; empty where at most
        three units explain less than half of the movement's energy.

    Examples
    --------
    >>> smile = unit_templates()[12, "both"]
    >>> suggest_units(1.5 * smile)
    {12: 1.0}
    """
    target = np.asarray(movement, np.float64).ravel()
    chosen = _chosen(target)
    return _shares(target, chosen) if chosen else {}


def skin_movement(movement: npt.ArrayLike) -> Array:
    """Put back what a movement lost to the head: regions as the skin moved, as far as action units explain it.

    The head is fitted where expressions hardly move the skin (:class:`mien.spotting.FaceRegions`). Raised cheeks move
    it there all the same; taken for the head and subtracted everywhere, they make brows and chin seem to sink. How much
    is known of every unit: what the regions do beside what is measured of it.

    Parameters
    ----------
    movement : array, (R, 2)
        As in :func:`suggest_units`.

    Returns
    -------
    float array, (R, 2)
        The same where at most three units explain less than half of it.

    Examples
    --------
    A cheek raise is measured with a chin that sinks; the chin rests.

    >>> measured = 1.5 * unit_templates()[6, "both"]
    >>> float(measured[-1, 1].round(1)), float(abs(skin_movement(measured)[-1, 1]).round(1))
    (1.1, 0.0)
    """
    moved = np.asarray(movement, np.float64)
    chosen = _chosen(moved.ravel())
    if not chosen:
        return moved
    strengths, _ = _fit(moved.ravel(), chosen)
    lost = [s * (skin_templates()[unit] - unit_templates()[unit]) for unit, s in zip(chosen, strengths, strict=True)]
    return np.asarray(moved + np.sum(lost, axis=0))


@cache
def known_units() -> dict[int, int]:
    """Each unit and the one that is reported for it: itself, or a commoner one that regions cannot tell from it.

    Examples
    --------
    >>> {unit: stands for unit, stands in known_units().items() if unit != stands}
    {16: 25, 20: 14}
    """
    common = _frequencies()
    order = sorted(ACTION_UNITS, key=lambda unit: -common.get(unit, 0.0))
    stands: dict[int, int] = {}
    for unit in order:
        alike = [other for other in stands if stands[other] == other and _correlation(unit, other) > _ALIKE]
        stands[unit] = alike[0] if alike else unit
    return {unit: stands[unit] for unit in ACTION_UNITS}


def _chosen(target: Array) -> list[tuple[int, str]]:
    """The units and sides that explain a movement (2 R,); none where they explain less than half."""
    energy = float(target @ target)
    if not energy > 0 or not np.isfinite(energy):
        return []
    chosen: list[tuple[int, str]] = []
    explained = 0.0
    while len(chosen) < _MOST_UNITS:
        best, share = _best_next(target, chosen)
        if share < explained + _LEAST_GAIN * energy:
            break
        chosen, explained = [*chosen, best], share
    return chosen if explained >= _LEAST_EXPLAINED * energy else []


def _best_next(target: Array, chosen: list[tuple[int, str]]) -> tuple[tuple[int, str], float]:
    """The unit and side that, beside those chosen, explain most, and the energy explained then."""
    taken = {unit for unit, _ in chosen}
    candidates = [
        (unit, side) for unit, stands in known_units().items() if unit == stands and unit not in taken for side in SIDES
    ]
    shares = [_explained(target, [*chosen, candidate]) for candidate in candidates]
    best = int(np.argmax(shares))
    return candidates[best], shares[best]


def _explained(target: Array, units: list[tuple[int, str]]) -> float:
    return float(target @ target) - _fit(target, units)[1]


def _fit(target: Array, units: list[tuple[int, str]]) -> tuple[Array, float]:
    """Strengths of the units and the squared rest."""
    from scipy.optimize import nnls

    templates = np.array([unit_templates()[unit].ravel() for unit in units])
    strengths, rest = nnls(templates.T, target)
    return strengths, float(rest) ** 2


def _shares(target: Array, units: list[tuple[int, str]]) -> dict[int, float]:
    """Each unit's share of what is explained: its part of the projection of the movement on the fit."""
    strengths, _ = _fit(target, units)
    templates = [unit_templates()[unit].ravel() for unit in units]
    parts = {u: float(s * (t @ target)) for (u, _), s, t in zip(units, strengths, templates, strict=True)}
    total = sum(parts.values())  # a part is negative where a unit only takes back what another overdoes
    large = {u: p for u, p in parts.items() if p >= _LEAST_SHARE * total}
    return {u: p / sum(large.values()) for u, p in sorted(large.items(), key=lambda part: -part[1])}


def _correlation(one: int, other: int) -> float:
    a, b = (unit_templates()[unit, "both"].ravel() for unit in (one, other))
    return float(a @ b / np.sqrt((a @ a) * (b @ b)))


@cache
def _frequencies() -> dict[int, float]:
    """How often each unit is in an expression, all classes alike."""
    found: dict[int, float] = {}
    for emotion in CLASSES:
        for expression in mixture(emotion):
            for unit in expression.action_units:
                found[unit] = found.get(unit, 0.0) + expression.weight
    return found
