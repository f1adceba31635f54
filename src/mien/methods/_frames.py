"""Frames as networks eat them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from mien.core import FloatArray

__all__ = ["channels_first"]


def channels_first(inputs: npt.NDArray[Any]) -> FloatArray:
    """Turn frames (N, F, H, W) or (N, F, H, W, 3) uint8 into float32 (N, F, 3, H, W), 0 to 1; grey is repeated.

    Examples
    --------
    >>> channels_first(np.full((2, 6, 8, 8, 3), 255, np.uint8)).shape
    (2, 6, 3, 8, 8)
    """
    colour = inputs if inputs.ndim == 5 else np.repeat(inputs[..., None], 3, axis=-1)
    return np.ascontiguousarray(np.moveaxis(colour, -1, 2), dtype=np.float32) / np.float32(255)
