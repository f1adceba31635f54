"""The face that moves: 68 points of an average frontal face, and how people differ from it.

Units are interocular distances (eye centre to eye centre), origin midway between the eyes, ``x`` to the image's right,
``y`` down. An adult's interocular distance is about 62 mm; in the eye-based crop (2.5 units wide) it is 40 % of the
side, so on a 128-px face one unit is 51.2 px.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from mien.faces.template import MIRRORED

__all__ = ["CROP", "IDENTITY_SD", "MEAN_FACE", "head_depth", "random_face"]

Array = npt.NDArray[np.float64]

CROP = (-1.25, -0.6, 2.5)
"""The eye-based crop in face units: left, top, side."""

_HALF = {  # midline and image-right half; the other half mirrors it
    8: (0.000, 1.707), 9: (0.292, 1.666), 10: (0.541, 1.524), 11: (0.755, 1.341), 12: (0.912, 1.116),
    13: (1.003, 0.858), 14: (1.049, 0.585), 15: (1.085, 0.309), 16: (1.105, 0.027),
    22: (0.171, -0.233), 23: (0.377, -0.305), 24: (0.593, -0.326), 25: (0.800, -0.276), 26: (0.935, -0.129),
    27: (0.000, -0.050), 28: (0.000, 0.126), 29: (0.000, 0.301), 30: (0.000, 0.484),
    33: (0.000, 0.692), 34: (0.119, 0.659), 35: (0.229, 0.623),
    42: (0.296, 0.021), 43: (0.430, -0.062), 44: (0.572, -0.059), 45: (0.693, 0.008), 46: (0.576, 0.048),
    47: (0.434, 0.044),
    51: (0.000, 0.909), 52: (0.116, 0.881), 53: (0.277, 0.915), 54: (0.446, 0.970), 55: (0.282, 1.100),
    56: (0.124, 1.155), 57: (0.000, 1.166), 62: (0.000, 0.979), 63: (0.118, 0.966), 64: (0.377, 0.976),
    65: (0.119, 1.019), 66: (0.000, 1.033),
}  # fmt: skip
IDENTITY_SD: dict[str, tuple[float, tuple[int, ...]]] = {
    "brow height": (0.057, tuple(range(17, 27))),
    "nose length": (0.085, tuple(range(29, 36))),
    "mouth height": (0.095, tuple(range(48, 68))),
    "jaw length": (0.140, tuple(range(4, 13))),
}
"""Standard deviation between people (vertical, in units) and the points it moves."""


def _mean_face() -> Array:
    face = np.zeros((68, 2))
    for index, point in _HALF.items():
        face[index] = point
        face[MIRRORED[index]] = (-point[0], point[1])
    face.flags.writeable = False
    return face


MEAN_FACE = _mean_face()
"""(68, 2): average of 40 people of the AT&T (ORL) portraits seen from the front, made symmetric."""


def random_face(rng: np.random.Generator, spread: float = 1.0) -> Array:
    """Draw one person's 68 points, (68, 2) in face units.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    spread : float
        1 for the variation between people measured on portraits, 0 for the mean face.

    Examples
    --------
    >>> random_face(np.random.default_rng(0)).shape
    (68, 2)
    """
    face: Any = MEAN_FACE.copy()
    for sd, points in IDENTITY_SD.values():
        face[list(points), 1] += rng.normal(0, sd * spread)
    face[:, 0] *= 1 + rng.normal(0, 0.03 * spread)
    mouth = list(range(48, 68))
    face[mouth, 0] *= 1 + rng.normal(0, 0.09 * spread)
    return face


def head_depth(points: Array) -> Array:
    """Depth of the face towards the viewer (...,): an ellipsoid of head size with a nose, 0 beyond its outline."""
    x, y = points[..., 0], points[..., 1]
    skull = np.sqrt(np.clip(1 - (x / 1.2) ** 2 - ((y - 0.5) / 1.55) ** 2, 0, None))
    nose = 0.35 * np.exp(-0.5 * ((x / 0.16) ** 2 + ((y - 0.5) / 0.25) ** 2))
    return skull + nose
