"""Counts of local patterns, and the histograms that a codebook makes of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from mien.core import MienError
from mien.motion.descriptors import nearest_entries

__all__ = ["FILE", "KINDS", "PATTERNS", "pattern_counts", "quantised"]

KINDS = 9  # sign, magnitude and orientation, each on XY, XT and YT
PATTERNS = 256
FILE = "codebook.npy"


def pattern_counts(inputs: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return what the recipe counted (N, ...) by block, kind and pattern: (N, blocks, 9, 256).

    Raises
    ------
    MienError
        If the inputs are not blocks of 9 times 256 counts.

    Examples
    --------
    >>> pattern_counts(np.zeros((2, 25 * 9 * 256), np.int32)).shape
    (2, 25, 9, 256)
    """
    flat = inputs.reshape(len(inputs), -1)
    if flat.shape[1] % (KINDS * PATTERNS):
        raise MienError(
            f"got inputs of {flat.shape[1:]}; expected blocks of {KINDS} x {PATTERNS} counts; make them by the recipe "
            "'stclqp'"
        )
    return flat.reshape(len(flat), -1, KINDS, PATTERNS)


def quantised(inputs: npt.NDArray[Any], *, codebooks: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Return histograms of the codebooks' entries, each of sum 1: (N, blocks * 9 * K).

    Parameters
    ----------
    inputs : array, (N, ...)
        What the recipe counted.
    codebooks : array, (9, K)
        The entries of each kind.
    """
    counts = pattern_counts(inputs)
    parts = []
    for kind, codebook in enumerate(codebooks):
        entries = np.eye(len(codebook))[nearest_entries(codebook, PATTERNS)]
        found = counts[:, :, kind].astype(np.float64) @ entries
        parts.append(found / np.maximum(found.sum(axis=-1, keepdims=True), 1))
    return np.stack(parts, axis=2).reshape(len(counts), -1)
