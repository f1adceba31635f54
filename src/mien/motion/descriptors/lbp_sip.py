"""LBP-SIP: local binary patterns of six intersection points, Wang, See, Phan & Oh, ACCV 2014."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from mien.core import FloatArray
from mien.motion.descriptors._patterns import block_histograms, grid, offset, pattern_codes, steps, whole_numbers

__all__ = ["lbp_sip"]


def lbp_sip(
    frames: npt.NDArray[Any],
    *,
    radii: tuple[int, int, int] = (1, 1, 4),
    blocks: tuple[int, int, int] = (8, 8, 1),
    compressed: bool = True,
) -> FloatArray:
    """Describe a clip by the six points in which the circles of LBP-TOP intersect, each counted once, block by block.

    Wang, See, Phan & Oh, "LBP with six intersection points", ACCV 2014. The points are right, below, left, above
    (R_x or R_y px away), before and after (R_t frames away); bit 0 to 5 of the code is set where the point >= the
    centre. A centre counts, and a block lies, as in :func:`~mien.motion.descriptors.lbp_top.lbp_top`. No point lies
    between pixels, so any strictly increasing change of the grey levels leaves the histograms as they are.

    Parameters
    ----------
    frames : uint8 or float array, (T, H, W)
        The registered face, grey levels 0-255. Real values are rounded to 1/4096.
    radii : (R_x, R_y, R_t)
        Radii in pixels and frames. T, H and W must be more than twice theirs.
    blocks : (rows, columns, times)
        The grid of blocks.
    compressed : bool
        Two histograms, of the four points in space (2^4 bins) and of the two in time (2^2): 20 bins. Otherwise one of
        all six (2^6 = 64 bins).

    Returns
    -------
    float32 array, (20 or 64 times blocks,)
        Block by block (time, row, column; column runs fastest), every histogram of sum 1.

    Raises
    ------
    MienError
        For frames of another shape or type, NaN, a radius too large for the clip, or a block without a pattern.

    Examples
    --------
    >>> lbp_sip(np.zeros((10, 128, 128), np.uint8)).shape
    (1280,)
    >>> lbp_sip(np.zeros((10, 128, 128), np.uint8), blocks=(1, 1, 1), compressed=False).argmax()  # all >= the centre
    np.int64(63)
    """
    volume = whole_numbers(frames)
    margin, cells = steps(radii), grid(blocks)
    t, y, x = margin
    points = [offset(*point) for point in ((0, 0, x), (0, y, 0), (0, 0, -x), (0, -y, 0), (-t, 0, 0), (t, 0, 0))]
    codes = pattern_codes(volume, points, margin).astype(np.int64)
    parts = [(codes & 15, 16), (codes >> 4, 4)] if compressed else [(codes, 64)]
    found = [block_histograms(bins, count, cells, volume.shape, margin) for bins, count in parts]
    return np.concatenate(found, axis=1).ravel()
