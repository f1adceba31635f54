"""The action units that mien-net answers for, and from which probability on it names them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["UNITS", "naming_thresholds"]

UNITS = (1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 16, 17, 18, 20, 23, 24, 25, 26)
"""In the order of its outputs: all that :data:`mien.synthesis.ACTION_UNITS` models but the blink."""

_FEWEST = 10  # clips that show a unit, below which its threshold is left at one half


def naming_thresholds(said: npt.ArrayLike, active: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Find for each action unit the probability from which naming it serves F1 best.

    With calibrated probabilities that is half of the best F1 that can be reached (Lipton, Elkan & Naryanaswamy 2014):
    for a unit that is hard to see it lies far below one half.

    Parameters
    ----------
    said : array, (N, A)
        Probabilities of clips that the network was not taught on.
    active : bool array, (N, A)
        Whether the unit moved.

    Returns
    -------
    float array, (A,)
        One half for a unit that fewer than 10 clips show.

    Examples
    --------
    >>> said = np.repeat([0.9, 0.3, 0.1], 100)[:, None]
    >>> active = np.arange(300) % 100 < np.repeat([90, 30, 10], 100)
    >>> naming_thresholds(said, active[:, None]).round(2)
    array([0.39])
    """
    values, truth = np.asarray(said, np.float64), np.asarray(active, bool)
    return np.array([_half_of_best(values[:, at], truth[:, at]) for at in range(values.shape[1])])


def _half_of_best(said: npt.NDArray[np.float64], active: npt.NDArray[np.bool_]) -> float:
    if active.sum() < _FEWEST:
        return 0.5
    order = np.argsort(-said, kind="stable")
    hits = np.cumsum(active[order])
    ends = np.append(np.diff(said[order]) < 0, True)  # equal ones stand or fall together
    f1 = 2 * hits / (np.arange(1, len(said) + 1) + active.sum())
    return float(f1[ends].max() / 2)
