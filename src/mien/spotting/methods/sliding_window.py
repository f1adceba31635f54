"""Sliding window: how far each region is from where it was at both ends of a window; nothing of mien's own method.

The feature difference analysis of Moilanen et al. with optical flow as the feature, as Li et al. tried it: what
changes fast stands out from the mean of the window's two ends, what drifts or stays does not.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from mien.spotting._peaks import displaced, find_intervals
from mien.spotting._registry import SPOTTERS, Spotted, Spotter
from mien.spotting.curves import Curves, SpotSettings

__all__ = ["HALF_S", "SHARE", "SLIDING_WINDOW", "window_difference"]

Array = npt.NDArray[np.float64]

HALF_S = 0.40
"""Half the window: a little less than the longest micro-expression lasts, so that it is over at both ends."""

SHARE = 0.01
"""Tau: the threshold is mean + tau (maximum - mean) of the contrast over the recording."""


def window_difference(place: Array, steps: int) -> Array:
    """Return how far each region is from the mean of where it was and where it will be at the window's ends.

    Parameters
    ----------
    place : float array, (G, R, 2)
        Displacement of the regions, pixels.
    steps : int
        Half the window.

    Returns
    -------
    float array, (G, R)
        Pixels.

    Examples
    --------
    A region that leaves by 2 px and comes back, and one that drifts:

    >>> place = np.zeros((5, 2, 2))
    >>> place[2, 0, 1] = -2
    >>> place[:, 1, 0] = range(5)
    >>> window_difference(place, 2)[2]
    array([2., 0.])
    """
    ends = 0.5 * (displaced(place, -steps) + displaced(place, steps))
    return np.asarray(np.linalg.norm(place - ends, axis=-1))


def _spot(curves: Curves, settings: SpotSettings, face: int) -> Spotted:
    longest = settings.longest_s * settings.tolerance
    found, curve = find_intervals(
        curves,
        window_difference,
        half_s=HALF_S,
        share=SHARE,
        lengths_s=(settings.shortest_s, math.inf),
        face=face,
        rectify=True,
    )
    micro = [interval for interval in found if interval.duration_s <= longest]
    macro = [replace(interval, kind="macro") for interval in found if interval.duration_s > longest]
    return micro, macro, curve


SLIDING_WINDOW = SPOTTERS.add(
    "sliding-window",
    Spotter(
        name="sliding-window",
        title="strength of optical flow against both ends of a sliding window",
        paper="Moilanen, Zhao, Pietikäinen: Spotting rapid facial movements from videos using appearance-based feature "
        "difference analysis. ICPR 2014; with optical flow as the feature, as in Li, Hong, Moilanen, Huang, Pfister, "
        "Zhao, Pietikäinen: Towards reading hidden emotions. IEEE Transactions on Affective Computing 9(4), 2018",
        spot=_spot,
        deviations=(
            "15 regions that follow the landmarks instead of 6 x 6 blocks, and the length of the difference of two "
            "displacements instead of the chi-squared distance of two histograms",
            "The regions are registered and free of the head's motion already, which favours this method",
            "Flow goes to a common reference and is mien's own (DIS)",
            "Half the window is .4 s and tau is .01: the best of a sweep from .16 to .5 s and .005 to .5 on rendered "
            "clips (12 s, seeds 11 to 14, 30, 60 and 200 fps)",
            "The papers report a peak's frame; here the neighbouring frames above the threshold are the interval, and "
            "its length decides between micro and macro",
            "Frames nearer than half a window to the ends of a stretch with a face are left out (the papers leave out "
            "twice as many): there the contrast is to the nearest frame that has the feature",
            "The threshold is relative to the recording, as published: in one in which nothing happens noise is found",
        ),
    ),
)
