"""What each action unit does to the regions, as it is measured: the patterns that spotting looks for.

Every unit of :data:`mien.synthesis.ACTION_UNITS` is laid over the neutral face, and its displacement is averaged over
the regions as a flow would be, the head's motion taken off.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import numpy as np
import numpy.typing as npt

from mien.faces import canonical_points
from mien.spotting.regions import FaceRegions
from mien.synthesis import ACTION_UNITS, displacement

__all__ = ["BLINK", "SIDES", "skin_templates", "unit_templates"]

Array = npt.NDArray[np.float64]
Key = tuple[int, str]

SIDES: Mapping[str, tuple[float, float]] = {"both": (1.0, 1.0), "left": (1.0, 0.0), "right": (0.0, 1.0)}
"""Image-left and image-right half."""

BLINK = 45
"""The action unit of a blink."""

_SIZE = 128


def unit_templates() -> dict[Key, Array]:
    """What is measured of each unit and side when the skin moves by 1 px where it moves most: (R, 2) each, pixels.

    Examples
    --------
    >>> smile = unit_templates()[12, "both"]
    >>> bool(smile[10, 1] < -0.2), bool(smile[11, 1] < -0.2)  # both corners of the mouth rise
    (True, True)
    """
    return _templates(True)


def skin_templates() -> dict[Key, Array]:
    """What the skin itself does, before the fit of the head takes a part of it away."""
    return _templates(False)


@cache
def _templates(measured: bool) -> dict[Key, Array]:
    size, unit = _SIZE, 0.4 * _SIZE
    points = canonical_points(size).astype(np.float64)
    regions = FaceRegions.from_points(points, size)
    steps = (np.arange(size) + 0.5) / unit
    grid = np.stack(np.meshgrid(steps - 1.25, steps - 0.6), axis=-1)
    face = (points + 0.5) / unit - (1.25, 0.6)
    fields = {
        (number, side): np.moveaxis(displacement(grid, {number: halves}, face), -1, 0).astype(np.float32)
        for number in ACTION_UNITS
        for side, halves in SIDES.items()
    }
    if measured:
        return {key: regions.motion(regions.sample(field))[0] for key, field in fields.items()}
    return {key: regions.weights @ regions.sample(field).reshape(2, -1).T for key, field in fields.items()}
