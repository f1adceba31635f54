"""LBP-TOP: local binary patterns on three orthogonal planes, Zhao & Pietikainen, PAMI 29(6), 2007."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from mien.core import FloatArray, MienError
from mien.motion.descriptors._patterns import (
    Offset,
    block_histograms,
    circle,
    grid,
    offset,
    pattern_codes,
    steps,
    uniform_bins,
    whole_numbers,
)

__all__ = ["PLANES", "lbp_codes", "lbp_top", "plane_codes", "plane_offsets"]

PLANES = ("xy", "xt", "yt")
"""The planes, in the order of the histograms."""


def lbp_top(
    frames: npt.NDArray[Any],
    *,
    radii: tuple[int, int, int] = (1, 1, 4),
    neighbours: tuple[int, int, int] = (8, 8, 8),
    blocks: tuple[int, int, int] = (8, 8, 1),
    uniform: bool = True,
) -> FloatArray:
    """Describe a clip by histograms of local binary patterns on the planes XY, XT and YT, block by block.

    Zhao & Pietikainen, PAMI 2007, section 4. Patterns are taken on the whole volume (see :func:`plane_codes`); a
    centre counts if it lies at least (R_x, R_y, R_t) from the volume's faces, so that its circle fits on each of the
    three planes. The blocks divide the whole volume, so where a block lies does not depend on the radii, and a block at
    the edge counts fewer centres. With R_t = 4, ten frames leave two with centres.

    Parameters
    ----------
    frames : uint8 or float array, (T, H, W)
        The registered face, grey levels 0-255, usually interpolated to 10 frames. Real values are rounded to 1/4096.
    radii : (R_x, R_y, R_t)
        Radii in pixels and frames. T, H and W must be more than twice theirs.
    neighbours : (P_xy, P_xt, P_yt)
        Points on each plane's circle, 2 to 16.
    blocks : (rows, columns, times)
        The grid of blocks.
    uniform : bool
        Uniform patterns, P (P - 1) + 3 bins: 59 for 8 neighbours, 15 for 4. Otherwise all 2^P.

    Returns
    -------
    float32 array, (bins of XY, XT, YT times blocks,)
        Block by block (time, row, column; column runs fastest), in each XY, XT, YT, every histogram of sum 1. By
        default 59 * 3 * 64 = 11,328.

    Raises
    ------
    MienError
        For frames of another shape or type, NaN, a radius too large for the clip, or a block without a pattern.

    Examples
    --------
    >>> lbp_top(np.zeros((10, 128, 128), np.uint8)).shape
    (11328,)
    >>> lbp_top(np.zeros((10, 64, 64), np.uint8), neighbours=(8, 4, 4), blocks=(1, 1, 1)).max()  # one bin holds all
    np.float32(1.0)
    """
    volume = whole_numbers(frames)
    margin, cells = steps(radii), grid(blocks)
    if len(neighbours) != len(PLANES):
        raise MienError(f"got neighbours {neighbours}; expected three numbers, for XY, XT and YT; give all three")
    parts = []
    for plane, points in zip(PLANES, neighbours, strict=True):
        codes = pattern_codes(volume, plane_offsets(plane, radii, points), margin)
        table, count = uniform_bins(points) if uniform else (np.arange(2**points), 2**points)
        parts.append(block_histograms(table[codes], count, cells, volume.shape, margin))
    return np.concatenate(parts, axis=1).ravel()


def plane_codes(
    volume: npt.NDArray[Any],
    plane: str,
    *,
    radii: tuple[int, int, int] = (1, 1, 4),
    neighbours: int = 8,
) -> npt.NDArray[np.uint16]:
    """Return the pattern of each centre on one plane: bit p is set where neighbour p >= centre.

    Neighbour p of P, with a = 2 pi p / P, lies at (Zhao & Pietikainen 2007, section 4)

    - XY: x - R_x sin a, y + R_y cos a;
    - XT: x - R_x sin a, t - R_t cos a;
    - YT: y - R_y cos a, t - R_t sin a,

    rounded to 1/1024 px and interpolated bilinearly, which makes all sums whole numbers: an equal neighbour counts as
    >=, whatever the order of the sums, and a constant volume has the code 2^P - 1 everywhere.

    Parameters
    ----------
    volume : uint8 or float array, (T, H, W)
        Grey levels 0-255; real values are rounded to 1/4096.
    plane : str
        ``xy``, ``xt`` or ``yt``.
    radii : (R_x, R_y, R_t)
        Radii in pixels and frames.
    neighbours : int
        Points on the circle, 2 to 16.

    Returns
    -------
    uint16 array, (T - 2 R_t, H - 2 R_y, W - 2 R_x)
        The codes of the centres whose circles fit on all three planes.

    Raises
    ------
    MienError
        For a volume of another shape or type, NaN, an unknown plane, or a radius too large for the volume.

    Examples
    --------
    >>> ramp = np.repeat(np.arange(9, dtype=np.uint8), 9).reshape(9, 3, 3)  # it brightens with time
    >>> np.unique(plane_codes(ramp, "xt", radii=(1, 1, 1), neighbours=4))  # before < centre, left, after, right >= it
    array([14], dtype=uint16)
    """
    return pattern_codes(whole_numbers(volume, "a volume"), plane_offsets(plane, radii, neighbours), steps(radii))


def lbp_codes(image: npt.NDArray[Any], radius: int = 1, neighbours: int = 8) -> npt.NDArray[np.uint16]:
    """Return the picture of an image's local binary patterns, Ojala, Pietikainen & Maenpaa, PAMI 2002.

    Parameters
    ----------
    image : uint8 or float array, (H, W)
        Grey levels 0-255; real values are rounded to 1/4096.
    radius : int
        Radius of the circle in pixels, at least 1.
    neighbours : int
        Points on the circle, 2 to 16; where they lie: :func:`plane_codes`, XY.

    Returns
    -------
    uint16 array, (H - 2 radius, W - 2 radius)
        Bit p is set where neighbour p >= centre.

    Raises
    ------
    MienError
        For an image of another shape or type, NaN, or one that the circle does not fit in.

    Examples
    --------
    >>> lbp_codes(np.full((3, 5), 7, np.uint8))
    array([[255, 255, 255]], dtype=uint16)
    """
    values = whole_numbers(image, "an image", "(H, W)")
    _, rows, columns = steps((radius, radius, 1))
    return pattern_codes(values[None], plane_offsets("xy", (radius, radius, 1), neighbours), (0, rows, columns))[0]


def plane_offsets(plane: str, radii: tuple[int, int, int], neighbours: int) -> list[Offset]:
    """(t, y, x) of every neighbour on a plane."""
    x, y, t = radii
    if plane == "xy":
        return [offset(0, y * cosine, -x * sine) for sine, cosine in circle(neighbours)]
    if plane == "xt":
        return [offset(-t * cosine, 0, -x * sine) for sine, cosine in circle(neighbours)]
    if plane == "yt":
        return [offset(-t * sine, -y * cosine, 0) for sine, cosine in circle(neighbours)]
    raise MienError(f"got the plane '{plane}'; expected one of {', '.join(PLANES)}; choose one")
