"""HOOF, histograms of oriented optical flow: Chaudhry et al., CVPR 2009; fuzzy: Happy & Routray, TAC 10(3), 2019."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from mien.core import FloatArray, MienError
from mien.motion.descriptors._fields import IntArray, RealArray, as_fields, block_labels, check_bins, direction_bins

__all__ = ["fhoof", "hoof"]


def hoof(
    flow: npt.NDArray[Any],
    *,
    bins: int = 8,
    blocks: tuple[int, int] = (5, 5),
    symmetric: bool = False,
    normalise: str = "l1",
) -> FloatArray:
    """Describe motion by how far the pixels move in each direction, block by block.

    Chaudhry, Ravichandran, Hager & Vidal, CVPR 2009: every pixel adds the length of its motion to the bin of
    its direction, and the histogram is divided by its sum, so the scale of the motion is lost.

    Directions are atan2(v, u) in [-pi, pi): 0 is right, pi / 2 is down. Bin k is
    [-pi + k 2 pi / bins, -pi + (k + 1) 2 pi / bins), so with 8 bins a turn of all vectors by 90 degrees, right to down,
    moves bin k to k + 2. With ``symmetric``, as in the paper, bins divide the angle to the horizontal axis instead,
    atan2(v, abs(u)) in [-pi / 2, pi / 2]: left and right are one, bin 0 is up and the last is down.

    Parameters
    ----------
    flow : float array, (2, H, W) or (T, 2, H, W)
        Displacement in pixels. Of several fields, the mean of their normalised histograms is taken.
    bins : int
        Directions, at least 2.
    blocks : (rows, columns)
        The grid of blocks.
    symmetric : bool
        The paper's bins, which do not tell left from right.
    normalise : str
        What a block's histogram is divided by: its sum (``l1``), its length (``l2``), nothing (``none``, pixels).

    Returns
    -------
    float32 array, (rows * columns * bins,)
        Block by block, column runs fastest. A block that does not move is 0.

    Raises
    ------
    MienError
        For a flow of another shape, NaN, more blocks than pixels, fewer than 2 bins, or an unknown normalisation.

    Examples
    --------
    >>> right_and_a_little_down = np.stack([np.full((20, 20), 3.0), np.full((20, 20), 0.5)])
    >>> hoof(right_and_a_little_down, blocks=(1, 1))
    array([0., 0., 0., 0., 1., 0., 0., 0.], dtype=float32)
    """
    fields = as_fields(flow)
    u, v = fields[:, 0], fields[:, 1]
    index = direction_bins(u, v, bins, symmetric=symmetric)
    group, groups = _groups(fields, blocks)
    lengths = np.hypot(u, v).ravel()
    votes = np.bincount((group * bins + index).ravel(), weights=lengths, minlength=groups * bins)
    return _mean_histogram(votes.reshape(len(fields), -1, bins), normalise)


def fhoof(
    flow: npt.NDArray[Any],
    *,
    bins: int = 18,
    blocks: tuple[int, int] = (5, 5),
    spread: float = 2 * np.pi * 10 / 50,
    threshold: float = 0.0,
    direction_only: bool = True,
) -> FloatArray:
    """Describe motion by its directions, each shared out among the bins around it, block by block.

    Happy & Routray, "Fuzzy histogram of optical flow orientations", IEEE TAC 10(3), 2019: a pixel votes for every bin
    with the membership exp(-d^2 / (2 spread^2)), where d is the angle between its direction and the bin's centre.
    Directions and bins are those of :func:`hoof`, so the centre of bin k is -pi + (k + 1/2) 2 pi / bins. With
    ``direction_only`` all moving pixels count alike (the paper's FHOFO), otherwise by the length of their motion (its
    FHOOF).

    The paper's text was not at hand. Bins and spread are a public MATLAB program's, with two differences: it first
    counts directions in 50 fine bins, which is the same to within 3.6 degrees, and its centres do not lie evenly, the
    first and the last being neighbours.

    Parameters
    ----------
    flow : float array, (2, H, W) or (T, 2, H, W)
        Displacement in pixels. Of several fields, the mean of their normalised histograms is taken.
    bins : int
        Directions, at least 2.
    blocks : (rows, columns)
        The grid of blocks.
    spread : float
        Standard deviation of the membership, radians; the default is a fifth of a turn.
    threshold : float
        Pixels that move no farther do not vote, pixels; by default those that do not move at all.
    direction_only : bool
        Leave out of account how far a pixel moves.

    Returns
    -------
    float32 array, (rows * columns * bins,)
        Block by block, column runs fastest; each block sums to 1, or is 0 if nothing in it moves.

    Raises
    ------
    MienError
        For a flow of another shape, NaN, more blocks than pixels, fewer than 2 bins, a spread that is not positive or
        a negative threshold.

    Examples
    --------
    >>> down = np.stack([np.zeros((20, 20)), np.full((20, 20), 0.5)])
    >>> fhoof(down, blocks=(1, 1), bins=4, spread=0.5).round(2)  # shared by the two bins that meet in this direction
    array([0. , 0. , 0.5, 0.5], dtype=float32)
    """
    if not (0 < spread < np.inf and 0 <= threshold < np.inf):
        raise MienError(
            f"got a spread of {spread} and a threshold of {threshold}; expected a positive one and one of at least 0; "
            "change them"
        )
    check_bins(bins)
    fields = as_fields(flow)
    u, v = fields[:, 0], fields[:, 1]
    group, groups = _groups(fields, blocks)
    lengths = np.hypot(u, v)
    moving = lengths > threshold
    weights = np.ones(np.count_nonzero(moving)) if direction_only else lengths[moving]
    turns = np.arctan2(v[moving], u[moving]) / (2 * np.pi)
    centres = (np.arange(bins) + 0.5) / bins - 0.5
    votes = [
        np.bincount(group[moving], weights=weights * _membership(turns - centre, spread), minlength=groups)
        for centre in centres
    ]
    return _mean_histogram(np.stack(votes, axis=-1).reshape(len(fields), -1, bins), "l1")


def _membership(turns: RealArray, spread: float) -> RealArray:
    """Gaussian of an angle given in turns, taken the shorter way round."""
    angle = 2 * np.pi * (turns - np.rint(turns))
    return np.exp(-0.5 * (angle / spread) ** 2)


def _groups(fields: RealArray, blocks: tuple[int, int]) -> tuple[IntArray, int]:
    """A number for every block of every field, (T, H, W), and how many there are."""
    labels = block_labels(fields.shape[2], fields.shape[3], blocks)
    count = blocks[0] * blocks[1]
    return np.arange(len(fields))[:, None, None] * count + labels, len(fields) * count


def _mean_histogram(counted: npt.NDArray[Any], normalise: str) -> FloatArray:
    """Mean over fields of votes (T, blocks, bins), each block's divided by its norm."""
    votes = counted.astype(np.float64)  # numpy counts in whole numbers where there is nothing to count
    norms = {"l1": votes.sum(axis=-1), "l2": np.linalg.norm(votes, axis=-1), "none": np.ones(votes.shape[:-1])}
    if normalise not in norms:
        raise MienError(f"got the normalisation '{normalise}'; expected one of {', '.join(norms)}; choose one")
    norm = norms[normalise][..., None]
    return np.divide(votes, norm, out=np.zeros_like(votes), where=norm > 0).mean(axis=0).ravel().astype(np.float32)
