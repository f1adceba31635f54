"""TV-L1: Zach, Pock & Bischof, "A duality based approach for realtime TV-L1 optical flow", DAGM 2007 (OpenCV)."""

from __future__ import annotations

import numpy as np

from mien.core import FloatArray
from mien.motion._registry import FLOWS, Frame

__all__ = ["tvl1"]


@FLOWS.register("tvl1")
def tvl1(first: Frame, second: Frame) -> FloatArray:
    """TV-L1 flow with OpenCV's defaults: tau .25, lambda .15, theta .3, 5 scales, 5 warps, epsilon .01."""
    import cv2

    if first.dtype == np.float32:  # OpenCV multiplies these by 255
        first, second = (np.divide(frame, 255, dtype=np.float32) for frame in (first, second))
    return np.moveaxis(cv2.optflow.DualTVL1OpticalFlow.create().calc(first, second, None), -1, 0)
