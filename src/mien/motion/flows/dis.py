"""DIS: Kroeger, Timofte, Dai & Van Gool, "Fast optical flow using dense inverse search", ECCV 2016 (OpenCV)."""

from __future__ import annotations

import numpy as np

from mien.core import FloatArray, UInt8Array
from mien.motion._registry import FLOWS

__all__ = ["dis"]


@FLOWS.register("dis")
def dis(first: UInt8Array, second: UInt8Array) -> FloatArray:
    """DIS flow, medium preset (finest scale 1, patches of 8 px every 4 px)."""
    import cv2

    estimator = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    return np.moveaxis(estimator.calc(first, second, None), -1, 0)
