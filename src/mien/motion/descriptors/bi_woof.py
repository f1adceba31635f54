"""Bi-WOOF, bi-weighted oriented optical flow: Liong, See, Wong & Phan, Signal Processing: Image Comm. 62, 2018."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from mien.core import FloatArray, MienError
from mien.motion.descriptors._fields import as_fields, block_labels, mean_by
from mien.motion.descriptors.hoof import hoof
from mien.motion.flow import strain

__all__ = ["bi_woof"]


def bi_woof(
    flow: npt.NDArray[Any],
    *,
    blocks: tuple[int, int] = (5, 5),
    bins: int = 8,
    globally: str = "mean",
) -> FloatArray:
    """Describe the motion from onset to apex by directions, weighted within a block by length and between by strain.

    Liong et al. 2018. Locally, each pixel adds the length of its motion to the bin of its direction, and
    the block's histogram is divided by its sum: :func:`~mien.motion.descriptors.hoof.hoof`, with bins from -180 degrees
    on. Globally, the histogram is multiplied by the block's optical strain. The whole vector then gets length 1.

    Blocks tile the face and differ by one row or column at most; the authors' program lets them overlap by a pixel or
    two.

    Parameters
    ----------
    flow : float array, (2, H, W)
        Displacement from onset to apex in pixels, TV-L1 in the paper.
    blocks : (rows, columns)
        The grid of blocks.
    bins : int
        Directions, at least 2.
    globally : str
        A block's ``mean`` strain, as the paper has it, or the ``sum``, as its program; they differ where blocks differ
        in size.

    Returns
    -------
    float32 array, (rows * columns * bins,)
        Block by block, column runs fastest, of length 1; all 0 where no block both moves and is stretched, as in a
        shift of the whole face.

    Raises
    ------
    MienError
        For a flow of another shape, NaN, more blocks than pixels, fewer than 2 bins or another weight.

    Examples
    --------
    >>> u = np.zeros((50, 50))
    >>> u[10:20, 10:20] = 1.0
    >>> bi_woof(np.stack([u, 0 * u])).reshape(5, 5, 8)[1, 1]
    array([0., 0., 0., 0., 1., 0., 0., 0.], dtype=float32)
    """
    if globally not in ("mean", "sum"):
        raise MienError(f"got the weight '{globally}'; expected mean or sum; choose one")
    if np.ndim(flow) != 3:
        raise MienError(f"got a flow of shape {np.shape(flow)}; expected (2, H, W), onset to apex; give one field")
    field = as_fields(flow)[0]
    locally = hoof(field, bins=bins, blocks=blocks).reshape(-1, bins).astype(np.float64)
    labels = block_labels(field.shape[1], field.shape[2], blocks).ravel()
    weights = mean_by(labels, strain(field).ravel().astype(np.float64), len(locally))
    if globally == "sum":
        weights = weights * np.bincount(labels)
    features = (locally * weights[:, None]).ravel()
    length = np.linalg.norm(features)
    return (features / length if length > 0 else features).astype(np.float32)
