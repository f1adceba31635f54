"""Descriptors as a classic learner eats them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["vectors"]


def vectors(inputs: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Return inputs (N, ...) as rows (N, F) in double precision: scikit-learn's SVM computes in it anyway.

    Examples
    --------
    >>> vectors(np.zeros((2, 3, 4), np.float32)).shape
    (2, 12)
    """
    return inputs.reshape(len(inputs), -1).astype(np.float64)
