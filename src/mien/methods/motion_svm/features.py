"""What is left of a motion map when the head's shift and the stretch are taken out."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mien.core import UInt8Array

__all__ = ["levelled"]


def levelled(maps: UInt8Array) -> npt.NDArray[np.float64]:
    """Level the u and v channels of motion maps: median 0, standard deviation 1.

    A map's channels are stretched to 0-255 each, so neither where zero motion lies nor how strong the motion was can be
    read from them. Most of the face does not move, or moves with the head: the median stands for no motion. Strain is
    left out: what flow estimators do to it differs most between corpora.

    Parameters
    ----------
    maps : uint8 array, (N, H, W, 3)
        RGB = u, v, strain.

    Returns
    -------
    float array, (N, 2 H W)
        u and v, without unit.

    Examples
    --------
    >>> maps = np.random.default_rng(0).integers(0, 256, (2, 28, 28, 3), dtype=np.uint8)
    >>> levelled(maps).shape
    (2, 1568)
    """
    flat = maps[..., :2].transpose(0, 3, 1, 2).reshape(len(maps), 2, -1).astype(np.float64)
    centred = flat - np.median(flat, axis=2, keepdims=True)
    level = centred / (centred.std(axis=2, keepdims=True) + 1e-6)
    return np.asarray(level, dtype=np.float64).reshape(len(maps), -1)
