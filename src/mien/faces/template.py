"""A frontal, neutral, symmetric face of 68 points: no person's face, drawn from round numbers.

Point scheme (iBUG 300-W): jaw 0-16, brows 17-26, nose 27-35, eyes 36-47, mouth 48-67, counted from the image's left.
"""

from __future__ import annotations

import numpy as np

from mien.core import FloatArray, MienError

__all__ = ["MIRRORED", "canonical_points"]

# Left half and middle, in eye distances from the point between the eyes, x right, y down.
_LEFT = {
    17: (-0.94, -0.24), 18: (-0.78, -0.36), 19: (-0.57, -0.40), 20: (-0.36, -0.37), 21: (-0.16, -0.29),
    27: (0.0, -0.04), 28: (0.0, 0.16), 29: (0.0, 0.35), 30: (0.0, 0.54),
    31: (-0.22, 0.68), 32: (-0.11, 0.72), 33: (0.0, 0.74),
    36: (-0.69, 0.0), 37: (-0.57, -0.055), 38: (-0.43, -0.055), 39: (-0.31, 0.0),
    40: (-0.43, 0.055), 41: (-0.57, 0.055),
    48: (-0.39, 1.04), 49: (-0.24, 0.98), 50: (-0.10, 0.94), 51: (0.0, 0.97),
    57: (0.0, 1.20), 58: (-0.11, 1.19), 59: (-0.25, 1.14),
    60: (-0.32, 1.04), 61: (-0.10, 1.04), 62: (0.0, 1.05), 66: (0.0, 1.06), 67: (-0.10, 1.05),
}  # fmt: skip
_JAW_HALF_WIDTH, _JAW_TOP, _JAW_HEIGHT = 1.13, -0.07, 1.75

# fmt: off
MIRRORED = np.array([
    *range(16, -1, -1), *range(26, 16, -1), *range(27, 31), *range(35, 30, -1), 45, 44, 43, 42, 47, 46,
    39, 38, 37, 36, 41, 40, *range(54, 47, -1), *range(59, 54, -1), *range(64, 59, -1), 67, 66, 65,
])
# fmt: on
"""``points[MIRRORED]`` renumbers the points of a mirrored picture."""


def canonical_points(size: float) -> FloatArray:
    """Return the 68 points of a frontal neutral face that fills a square picture.

    They lie where :func:`mien.faces.eye_crop_matrix` puts a face: cropping a picture by these points gives the
    picture itself (eye centres at 0.3 and 0.7 of the width, 0.24 of the height).

    Parameters
    ----------
    size : float
        Side of the picture, pixels. A position u in [0, 1] of the side is the pixel u * size - 0.5.

    Returns
    -------
    float32 array, (68, 2)
        ``(x, y)``, pixels.

    Raises
    ------
    MienError
        If ``size`` is not positive.

    Examples
    --------
    >>> points = canonical_points(100)
    >>> points[36:42].mean(axis=0).round(2), points[42:48].mean(axis=0).round(2)
    (array([29.5, 23.5], dtype=float32), array([69.5, 23.5], dtype=float32))
    """
    if not size > 0:
        raise MienError(f"got the size {size}; expected a positive number of pixels")
    return ((_face() * 0.4 + (0.5, 0.24)) * size - 0.5).astype(np.float32)


def _face() -> np.ndarray:
    """All 68 points in eye distances."""
    points = np.zeros((68, 2))
    for index, place in _LEFT.items():
        points[index] = place
        points[MIRRORED[index]] = (-place[0], place[1])
    turn = np.linspace(0, np.pi, 17)
    points[:17, 0] = -_JAW_HALF_WIDTH * np.sign(np.cos(turn)) * np.abs(np.cos(turn)) ** 0.72
    points[:17, 1] = _JAW_TOP + _JAW_HEIGHT * np.sin(turn) ** 1.22
    points[8, 0] = 0.0
    return points
