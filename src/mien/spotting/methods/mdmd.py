"""MDMD: main directional maximal difference, the usual baseline of spotting; nothing of mien's own method is in it.

For a frame i and half a window k, a region's difference is how far it has moved from frame i - k to i, less how far it
has moved from i - k to i + k: large where it left and came back, small where it stayed away. Published F1 of this
method over intervals (He et al. 2020): micro .008 on CAS(ME)^2 and .036 on SAMM Long Videos.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from mien.spotting._peaks import displaced, find_intervals
from mien.spotting._registry import SPOTTERS, Spotted, Spotter
from mien.spotting.curves import Curves, SpotSettings

__all__ = ["MACRO_HALF_S", "MDMD", "MICRO_HALF_S", "SHARE", "directional_difference"]

Array = npt.NDArray[np.float64]

MICRO_HALF_S = 0.40
"""k for micro-expressions: 12 frames at 30 fps, 80 at 200 (He et al. 2020)."""

MACRO_HALF_S = 1.30
"""k for longer expressions: 39 frames at 30 fps, 260 at 200."""

SHARE = 0.05
"""p: the threshold is mean + p (maximum - mean) of the contrast over the recording."""


def directional_difference(place: Array, steps: int) -> Array:
    """Return how far each region has moved at i, less how far it is at i + k, both seen from i - k.

    Parameters
    ----------
    place : float array, (G, R, 2)
        Displacement of the regions, pixels.
    steps : int
        k.

    Returns
    -------
    float array, (G, R)
        Pixels; positive where a region has left its place and will have come back.

    Examples
    --------
    A region that leaves by 2 px and comes back, and one that stays away:

    >>> place = np.zeros((5, 2, 2))
    >>> place[2, 0, 1] = -2
    >>> place[2:, 1, 1] = -2
    >>> directional_difference(place, 2)[2]
    array([2., 0.])
    """
    before, after = displaced(place, -steps), displaced(place, steps)
    return np.asarray(np.linalg.norm(place - before, axis=-1) - np.linalg.norm(after - before, axis=-1))


def _spot(curves: Curves, settings: SpotSettings, face: int) -> Spotted:
    longest = settings.longest_s * settings.tolerance
    micro, curve = find_intervals(
        curves,
        directional_difference,
        half_s=MICRO_HALF_S,
        share=SHARE,
        lengths_s=(settings.shortest_s, longest),
        face=face,
    )
    macro, _ = find_intervals(
        curves,
        directional_difference,
        half_s=MACRO_HALF_S,
        share=SHARE,
        lengths_s=(math.nextafter(longest, math.inf), math.inf),
        face=face,
    )
    return micro, [replace(interval, kind="macro") for interval in macro], curve


MDMD = SPOTTERS.add(
    "mdmd",
    Spotter(
        name="mdmd",
        title="main directional maximal difference of face regions",
        paper="Wang, Wu, Qian, Li, Fu: A main directional maximal difference analysis for spotting facial movements "
        "from long-term videos. Neurocomputing 230, 2017; frames joined to intervals, k and the direction of flow as "
        "in He, Wang, Li, Yap: Spotting macro- and micro-expression intervals in long video sequences. FG 2020",
        spot=_spot,
        deviations=(
            "15 regions that follow the landmarks, each with one mean displacement, instead of 6 x 6 blocks of pixels: "
            "the vote of a block's pixels for its main direction among four is the direction of that mean",
            "The regions are registered and free of the head's motion already, which favours this method",
            "Displacements are differences of mien's own DIS flow to a common reference, not flow (RLOF) anew for "
            "every pair of frames",
            "p = .05: the best of a sweep from .01 to .5 on rendered clips (12 s, seeds 11 to 14, 30, 60 and 200 fps); "
            "the paper sweeps p from .01 to .99, He et al. take .01",
            "Times in seconds: k is .4 s, for longer expressions 1.3 s, and the contrast is taken k away (in He et al. "
            "one frame less)",
            "Micro is from .08 to .575 s as everywhere in mien; He et al. take .23 to .53 s",
            "Frames nearer than k to the ends of a stretch with a face are left out (the papers leave out twice as "
            "many): there the contrast is to the nearest frame that has the feature",
            "The threshold is relative to the recording, as published: in one in which nothing happens noise is found",
        ),
    ),
)
