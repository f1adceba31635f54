"""The motion map itself as the feature vector."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mien.core import UInt8Array

__all__ = ["flat"]


def flat(maps: UInt8Array) -> npt.NDArray[np.float64]:
    """Flatten motion maps to [0, 1] vectors.

    Parameters
    ----------
    maps : uint8 array, (N, H, W, 3)
        RGB = u, v, strain.

    Returns
    -------
    float array, (N, 3 H W)
        Double precision: scikit-learn's SVM computes in it anyway.

    Examples
    --------
    >>> flat(np.full((2, 28, 28, 3), 255, np.uint8)).shape
    (2, 2352)
    """
    return np.divide(maps.reshape(len(maps), -1), 255.0)
