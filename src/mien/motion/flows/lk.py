"""Lucas & Kanade, "An iterative image registration technique", IJCAI 1981, at every pixel.

scikit-image has one too, see ``ilk``. This one knows where a window cannot tell its motion, and is faster: a face of
192 px takes 11 ms, not 205 (one core). On 12 portraits warped by a known smooth field of up to .3 px both err by
.015 px, with noise of 1.2 grey levels by .040 (``ilk`` .048); up to 1.5 px by .056 (.053), with noise by .073 (.078).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mien.core import FloatArray
from mien.motion._registry import FLOWS, Frame

__all__ = ["lk"]

_LEVELS = 3
_SMALLEST_SIDE = 16  # of the coarsest level, px
_WARPS = 5
_SIGMA = 4.3  # px: a Gaussian as wide as a box of 15 px, without its sharp edge
_WINDOW = (27, 27)  # three sigma
_APERTURE = 1.0  # (grey levels per px)^2: four times what noise of one grey level makes of an even surface


@FLOWS.register("lk")
def lk(first: Frame, second: Frame) -> FloatArray:
    """Dense Lucas-Kanade flow: Gaussian windows as wide as 15 px, 3 levels, 5 warps.

    Each warp solves the window's normal equations for the whole displacement, not for what is left of it: Le Besnerais
    & Champagnat, ICIP 2005, show that only so it converges. Where the structure tensor's smaller eigenvalue is below
    1 (grey level per pixel)^2, the window sees no texture or only an edge, and the flow is 0.
    """
    pyramid = _pyramid(first.astype(np.float32), second.astype(np.float32))
    flow = np.zeros((2, *pyramid[-1][0].shape), np.float32)
    for pair in reversed(pyramid):
        flow = _enlarge(flow, *pair[0].shape)
        for _ in range(_WARPS):
            flow, seen = _warp_and_solve(*pair, flow)
    return np.where(seen, flow, np.float32(0))


def _pyramid(first: FloatArray, second: FloatArray) -> list[tuple[FloatArray, FloatArray]]:
    """Both frames, finest first."""
    import cv2

    levels = [(first, second)]
    while len(levels) < _LEVELS and min(levels[-1][0].shape) >= 2 * _SMALLEST_SIDE:
        levels.append((cv2.pyrDown(levels[-1][0]), cv2.pyrDown(levels[-1][1])))
    return levels


def _enlarge(flow: FloatArray, height: int, width: int) -> FloatArray:
    import cv2

    scale = (width / flow.shape[2], height / flow.shape[1])
    return np.stack([cv2.resize(part, (width, height)) * np.float32(s) for part, s in zip(flow, scale, strict=True)])


def _warp_and_solve(first: FloatArray, second: FloatArray, flow: FloatArray) -> tuple[FloatArray, npt.NDArray[np.bool]]:
    """Return the flow anew, and where the window has seen enough to tell it."""
    import cv2

    rows, columns = np.indices(first.shape, np.float32)
    warped = cv2.remap(second, columns + flow[0], rows + flow[1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    across, along = np.array([-0.5, 0, 0.5], np.float32), np.ones(1, np.float32)
    between = (first + warped) / 2
    i_x, i_y = cv2.sepFilter2D(between, -1, across, along), cv2.sepFilter2D(between, -1, along, across)
    change = first - warped + i_x * flow[0] + i_y * flow[1]
    products = (i_x * i_x, i_x * i_y, i_y * i_y, i_x * change, i_y * change)
    xx, xy, yy, b_x, b_y = (cv2.GaussianBlur(product, _WINDOW, _SIGMA) for product in products)
    seen = (xx + yy) / 2 - np.hypot((xx - yy) / 2, xy) > _APERTURE
    determinant = np.where(seen, xx * yy - xy * xy, np.float32(1))
    solved = np.stack([yy * b_x - xy * b_y, xx * b_y - xy * b_x]) / determinant
    return np.where(seen, solved, flow), seen
