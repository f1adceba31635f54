"""STCLQP: completed local patterns on three planes, and codebooks of them, Huang et al., Neurocomputing 175, 2016."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from mien.core import MienError
from mien.motion.descriptors._patterns import (
    Offset,
    PixelArray,
    as_code,
    block_counts,
    differences,
    grid,
    pattern_codes,
    shifted,
    steps,
    whole_numbers,
)
from mien.motion.descriptors.lbp_top import PLANES, plane_offsets

__all__ = ["COMPONENTS", "completed_counts", "learn_codebook", "nearest_entries"]

COMPONENTS = ("sign", "magnitude", "orientation")
"""What is compared between a neighbour and the centre, in the order of the counts."""

IntArray = npt.NDArray[np.int64]

_NEIGHBOURS = 8
_PATTERNS = 2**_NEIGHBOURS
_FINEST = 1024**2  # all differences in the same whole unit
_PIXEL = 1024
_AXES = {"xy": (1, 2), "xt": (0, 2), "yt": (0, 1)}


def completed_counts(
    frames: npt.NDArray[Any], *, radii: tuple[int, int, int] = (1, 1, 2), blocks: tuple[int, int, int] = (5, 5, 1)
) -> npt.NDArray[np.int32]:
    """Count the local patterns of sign, magnitude and orientation on the planes XY, XT and YT, block by block.

    Huang, Zhao, Hong, Zheng & Pietikainen, Neurocomputing 175, 2016, before any codebook. Each of the eight neighbours
    that :func:`plane_codes` names gives one bit of a pattern:

    - sign: it is no darker than the centre, so this is LBP-TOP;
    - magnitude: it differs from the centre by no less than neighbours do on the mean over the plane's centres, the
      threshold of CLBP (Guo, Zhang & Zhang, TIP 19(6), 2010);
    - orientation: the grey values' gradient in the plane turns by at most 45 degrees from the centre to the pixel next
      to the neighbour; where there is no gradient it does not turn.

    Constant grey has the pattern 255 everywhere. Adding a constant to the frames changes nothing, and multiplying them
    by a positive one nothing but what rounding does.

    Parameters
    ----------
    frames : uint8 or float array, (T, H, W)
        The registered face, grey levels 0-255, usually interpolated to 10 frames. Real values are rounded to 1/4096.
    radii : (R_x, R_y, R_t)
        Radii in pixels and frames. T, H and W must be more than twice theirs.
    blocks : (rows, columns, times)
        The grid of blocks.

    Returns
    -------
    int32 array, (blocks * 9 * 256,)
        Block by block (time, row, column; column runs fastest), in each sign, magnitude and orientation, in each XY,
        XT, YT: how many centres have each of the 256 patterns.

    Raises
    ------
    MienError
        For frames of another shape or type, NaN, a radius too large for the clip, or a block without a pattern.

    Examples
    --------
    >>> counts = completed_counts(np.zeros((10, 40, 40), np.uint8)).reshape(25, 3, 3, 256)
    >>> int(counts[..., 255].sum()) == 9 * 6 * 38 * 38
    True
    """
    volume = whole_numbers(frames)
    margin, cells = steps(radii), grid(blocks)
    by_plane = []
    for plane in PLANES:
        offsets = plane_offsets(plane, radii, _NEIGHBOURS)
        found = (
            pattern_codes(volume, offsets, margin),
            _magnitudes(volume, offsets, margin),
            _orientations(volume, plane, offsets, margin),
        )
        by_plane.append(
            [block_counts(codes.astype(np.int64), _PATTERNS, cells, volume.shape, margin) for codes in found]
        )
    return np.array(by_plane).transpose(2, 1, 0, 3).astype(np.int32).ravel()


def learn_codebook(counts: npt.NDArray[Any], size: int) -> npt.NDArray[np.uint16]:
    """Learn the entries that stand for all binary patterns with the least difference in bits, by k-medians.

    The distance of two patterns is the number of bits in which they differ, so that the median of patterns is the
    majority of each bit. The first entry is the commonest pattern, each further one the pattern that adds most to the
    sum of distances; then patterns go to their nearest entry and entries to the median of their patterns until nothing
    moves. Nothing is random, and ties go to the smaller pattern and to the bit that an entry has.

    Parameters
    ----------
    counts : array, (2^P,)
        How often each pattern of P bits occurs, in the training clips only.
    size : int
        K, from 1 to 2^P; with 2^P every pattern is an entry.

    Returns
    -------
    uint16 array, (K,)
        Patterns in rising order.

    Raises
    ------
    MienError
        If the counts are not those of all patterns of some bits, or a size is out of range.

    Examples
    --------
    >>> learn_codebook(np.array([9, 1, 0, 0, 0, 0, 2, 7]), 2)  # 000 and 001; 110 and 111
    array([0, 7], dtype=uint16)
    """
    weights = np.asarray(counts, dtype=np.float64)
    patterns = weights.size
    if weights.ndim != 1 or patterns < 2 or patterns & (patterns - 1) or patterns > 2**16 or not (weights >= 0).all():
        raise MienError(
            f"got counts of shape {weights.shape}; expected one that is not negative for each pattern, 2 to the power "
            "of the bits; count them with completed_counts"
        )
    if not isinstance(size, int) or not 1 <= size <= patterns:
        raise MienError(f"got a codebook of {size}; expected from 1 to {patterns} entries; change its size")
    entries = _first_entries(weights, size)
    while True:
        moved = _medians(weights, entries)
        if np.array_equal(moved, entries):
            return entries.astype(np.uint16)
        entries = moved


def nearest_entries(codebook: npt.NDArray[Any], patterns: int = _PATTERNS) -> IntArray:
    """Return the place in the codebook (K,) of the entry nearest to each pattern, (patterns,); the first of equals.

    Examples
    --------
    >>> nearest_entries(np.array([0, 7]), 8)
    array([0, 0, 0, 1, 0, 1, 1, 1])
    """
    return _distances(np.arange(patterns), np.asarray(codebook, np.int64)).argmin(axis=1)


def _magnitudes(volume: PixelArray, offsets: list[Offset], margin: Offset) -> npt.NDArray[np.uint16]:
    sizes = [
        np.abs(difference).astype(np.int64) * (_FINEST // scale)
        for difference, scale in differences(volume, offsets, margin)
    ]
    total = sum(sum(size.sum(axis=(1, 2)).tolist()) for size in sizes)
    mean = -(-total // (len(sizes) * sizes[0].size))  # rounded up: a whole number reaches the one with the other
    return as_code([size >= mean for size in sizes])


def _orientations(volume: PixelArray, plane: str, offsets: list[Offset], margin: Offset) -> npt.NDArray[np.uint16]:
    gradient: Any = np.gradient(volume.astype(np.float64), axis=_AXES[plane])
    a, b = (shifted(part, (0, 0, 0), margin) for part in gradient)
    bits = []
    for t, y, x in offsets:
        nearest = (round(t / _PIXEL), round(y / _PIXEL), round(x / _PIXEL))
        c, d = (shifted(part, nearest, margin) for part in gradient)
        bits.append(a * c + b * d >= np.abs(a * d - b * c))  # cosine and sine of the turn
    return as_code(bits)


def _distances(patterns: IntArray, entries: IntArray) -> IntArray:
    """Bits in which each pattern differs from each entry, (patterns, entries)."""
    return np.bitwise_count(patterns[:, None] ^ entries).astype(np.int64)


def _first_entries(weights: npt.NDArray[np.float64], size: int) -> IntArray:
    patterns = np.arange(len(weights))
    chosen = [int(weights.argmax())]
    far = _distances(patterns, np.array(chosen))[:, 0]
    while len(chosen) < size:
        cost = np.where(far > 0, weights * far, -1)
        chosen.append(int(cost.argmax()))
        far = np.minimum(far, _distances(patterns, np.array(chosen[-1:]))[:, 0])
    return np.sort(np.array(chosen))


def _medians(weights: npt.NDArray[np.float64], entries: IntArray) -> IntArray:
    """Move each entry to the majority of each bit among its patterns, where there is one."""
    patterns = np.arange(len(weights))
    places = np.arange(len(weights).bit_length() - 1)
    nearest = nearest_entries(entries, len(weights))
    votes = np.zeros((len(entries), len(places)))
    np.add.at(votes, nearest, weights[:, None] * np.where(patterns[:, None] >> places & 1, 1, -1))
    bits = np.where(votes == 0, entries[:, None] >> places & 1, votes > 0)
    return np.sort((bits << places).sum(axis=1))
