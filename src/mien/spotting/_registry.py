"""The spotting methods by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mien.core import Interval, Registry
from mien.spotting.curves import Curves, SpotSettings

__all__ = ["SPOTTERS", "Spotted", "Spotter"]

Spotted = tuple[list[Interval], list[Interval], npt.NDArray[np.float64]]
"""Micro-expressions and longer ones, in time order, and the curve (T,) that was thresholded, nan without a face."""


@dataclass(frozen=True, slots=True)
class Spotter:
    """A way to find expressions in the motion of a followed face.

    Attributes
    ----------
    name, title, paper : str
        Its name, what it does in a line, where it was published.
    spot : callable
        ``(curves, settings, face)`` to :data:`Spotted`.
    deviations : tuple of str
        Where it departs from the paper.
    """

    name: str
    title: str
    paper: str
    spot: Callable[[Curves, SpotSettings, int], Spotted]
    deviations: tuple[str, ...] = ()


SPOTTERS: Registry[Spotter] = Registry("spotting method", "mien.spotting.methods")
