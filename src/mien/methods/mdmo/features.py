"""Length and direction of 36 regions, balanced for a kernel that compares them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from mien.motion.descriptors import mdmo_kernel_features

__all__ = ["balanced"]


def balanced(inputs: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Weigh lengths and angles of MDMO equally: (N, 72) to (N, 72).

    Examples
    --------
    >>> balanced(np.ones((2, 72), np.float32)).shape
    (2, 72)
    """
    return mdmo_kernel_features(inputs).astype(np.float64)
