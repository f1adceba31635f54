"""DIS: Kroeger, Timofte, Dai & Van Gool, "Fast optical flow using dense inverse search", ECCV 2016 (OpenCV)."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from mien.core import FloatArray, UInt8Array
from mien.motion._registry import FLOWS, Frame

__all__ = ["dis"]


@FLOWS.register("dis")
def dis(first: Frame, second: Frame) -> FloatArray:
    """DIS flow, medium preset (finest scale 1, patches of 8 px every 4 px); OpenCV's takes whole grey levels only."""
    import cv2

    estimator = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    return np.moveaxis(estimator.calc(_whole(first), _whole(second), None), -1, 0)


def _whole(frame: npt.NDArray[Any]) -> UInt8Array:
    """Round and clip to uint8."""
    return frame if frame.dtype == np.uint8 else np.clip(np.rint(frame), 0, 255).astype(np.uint8)
