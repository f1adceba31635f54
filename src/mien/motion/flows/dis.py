"""DIS: Kroeger, Timofte, Dai & Van Gool, "Fast optical flow using dense inverse search", ECCV 2016 (OpenCV)."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import numpy.typing as npt

from mien.core import FloatArray, UInt8Array
from mien.motion._registry import FLOWS, Frame

__all__ = ["dis"]

_OWN = threading.local()


@FLOWS.register("dis")
def dis(first: Frame, second: Frame) -> FloatArray:
    """DIS flow, medium preset (finest scale 1, patches of 8 px every 4 px); OpenCV's takes whole grey levels only."""
    return np.moveaxis(_estimator().calc(_whole(first), _whole(second), None), -1, 0)


def _estimator() -> Any:
    """One for each thread: it keeps the memory it works in."""
    import cv2

    if not hasattr(_OWN, "estimator"):
        _OWN.estimator = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    return _OWN.estimator


def _whole(frame: npt.NDArray[Any]) -> UInt8Array:
    """Round and clip to uint8."""
    return frame if frame.dtype == np.uint8 else np.clip(np.rint(frame), 0, 255).astype(np.uint8)
