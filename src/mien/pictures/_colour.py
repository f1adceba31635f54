"""Colours that are even to the eye: a wheel for flow, a two-sided scale for differences.

Both are laid out in Oklab (Ottosson 2020), in which equal steps look equal: all directions of the wheel have one
lightness and one chroma at each length, and no movement is white.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from mien.core import MienError, UInt8Array

if TYPE_CHECKING:
    from matplotlib.colors import ListedColormap

__all__ = ["DEPTHS", "LEVELS", "STRENGTHS", "differences", "flow_colours", "wheel"]

Real = npt.NDArray[np.float64]

LEVELS, DEPTHS, STRENGTHS = "cividis", "cividis", "magma"  # matplotlib's, even in lightness

_FULL_LIGHTNESS, _FULL_CHROMA = 0.66, 0.111  # the largest chroma that sRGB shows at this lightness in every hue
_RIGHT = np.deg2rad(25)  # hue of a movement to the right; down, left and up follow by quarter turns
_TO_LMS = np.array([
    [1, 0.3963377774, 0.2158037573],
    [1, -0.1055613458, -0.0638541728],
    [1, -0.0894841775, -1.2914855480],
])  # fmt: skip
_TO_RGB = np.array([
    [4.0767416621, -3.3077115913, 0.2309699292],
    [-1.2684380046, 2.6097574011, -0.3413193965],
    [-0.0041960863, -0.7034186147, 1.7076147010],
])  # fmt: skip


def flow_colours(flow: npt.NDArray[np.floating], scale_px: float) -> UInt8Array:
    """Colour a flow field: direction is hue, length is colourfulness.

    Parameters
    ----------
    flow : float array, (2, H, W)
        ``u`` right, ``v`` down, pixels.
    scale_px : float
        Length that has the full colour; longer ones have it too.

    Returns
    -------
    uint8 array, (H, W, 3)
        RGB; white where nothing moves.

    Raises
    ------
    MienError
        If the flow is not finite (2, H, W), or the scale not positive.

    Examples
    --------
    >>> flow_colours(np.zeros((2, 1, 1)), 1.0).tolist()
    [[[255, 255, 255]]]
    """
    flow = np.asarray(flow, np.float64)
    if flow.ndim != 3 or len(flow) != 2 or not np.isfinite(flow).all() or not scale_px > 0:
        raise MienError(
            f"got a flow {flow.shape} and a scale of {scale_px} px; expected finite (2, H, W) and more than 0; check it"
        )
    share = np.minimum(np.hypot(*flow) / scale_px, 1)
    hue = np.arctan2(flow[1], flow[0]) + _RIGHT
    return np.rint(255 * _srgb(1 - share * (1 - _FULL_LIGHTNESS), share * _FULL_CHROMA, hue)).astype(np.uint8)


def wheel(size: int) -> UInt8Array:
    """Return the legend of :func:`flow_colours`: a disc whose rim is the full length, RGBA, clear outside."""
    y, x = (np.mgrid[:size, :size] + 0.5) * 2 / size - 1
    edge = np.clip((1 - np.hypot(x, y)) * size / 2 + 0.5, 0, 1)  # smooth over one pixel
    return np.dstack([flow_colours(np.stack([x, y]), 1.0), np.rint(255 * edge).astype(np.uint8)])


@cache
def differences() -> ListedColormap:
    """Scale for what lies on both sides of zero: blue below, white at zero, orange above, equally far apart."""
    from matplotlib.colors import ListedColormap

    place = np.linspace(-1, 1, 255)
    hue = np.deg2rad(np.where(place < 0, 262, 48))
    return ListedColormap(_srgb(1 - 0.5 * np.abs(place), 0.115 * np.abs(place), hue), name="mien-differences")


def _srgb(lightness: Real, chroma: Real, hue: Real) -> Real:
    """Oklab's lightness, chroma and hue -> sRGB, 0 to 1."""
    lab = np.stack([lightness, chroma * np.cos(hue), chroma * np.sin(hue)], axis=-1)
    linear = np.clip((lab @ _TO_LMS.T) ** 3 @ _TO_RGB.T, 0, 1)
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
