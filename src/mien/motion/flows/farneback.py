"""Farneback, "Two-frame motion estimation based on polynomial expansion", SCIA 2003 (OpenCV)."""

from __future__ import annotations

import numpy as np

from mien.core import FloatArray
from mien.motion._registry import FLOWS, Frame

__all__ = ["farneback"]

_BORDER = 12


@FLOWS.register("farneback")
def farneback(first: Frame, second: Frame) -> FloatArray:
    """Farneback flow as SLSTT uses it: pyramid .5, 3 levels, window 15, 3 iterations, polynomial 5 / 1.2.

    OpenCV's estimate is wrong within half a window of the border (identical frames move by .2 px there), so the
    frames are extended by reflection and the result cut back. It takes float32 as it is, though documented for uint8.
    """
    import cv2

    wide = [cv2.copyMakeBorder(frame, *[_BORDER] * 4, cv2.BORDER_REFLECT_101) for frame in (first, second)]
    flow = cv2.calcOpticalFlowFarneback(*wide, None, 0.5, 3, 15, 3, 5, 1.2, 0)
    return np.moveaxis(flow[_BORDER:-_BORDER, _BORDER:-_BORDER], -1, 0)
