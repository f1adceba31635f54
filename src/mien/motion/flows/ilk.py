"""Iterative Lucas-Kanade: Le Besnerais & Champagnat, "Dense optical flow by iterative local window registration".

ICIP 2005 (scikit-image).
"""

from __future__ import annotations

import numpy as np

from mien.core import FloatArray
from mien.motion._registry import FLOWS, Frame

__all__ = ["ilk"]


@FLOWS.register("ilk")
def ilk(first: Frame, second: Frame) -> FloatArray:
    """Iterative Lucas-Kanade flow: box windows of 15 px (radius 7), a full pyramid, 10 warps; no aperture rule."""
    from skimage.registration import optical_flow_ilk

    v, u = optical_flow_ilk(np.float32(first) / 255, np.float32(second) / 255, radius=7, num_warp=10)
    return np.stack([u, v])
