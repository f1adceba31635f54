"""What descriptors of optical flow share: checked fields, directions in bins, blocks and regions as labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from mien.core import MienError
from mien.motion.descriptors._patterns import block_of

__all__ = ["Polygons", "as_fields", "block_labels", "check_bins", "direction_bins", "mean_by", "region_labels"]

RealArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
Polygons = Sequence[npt.NDArray[Any]]


def as_fields(flow: npt.NDArray[Any]) -> RealArray:
    """One flow field (2, H, W) or several (T, 2, H, W), checked, as (T, 2, H, W)."""
    fields = np.asarray(flow, dtype=np.float64)
    shape = fields.shape
    fields = fields[None] if fields.ndim == 3 else fields
    if fields.ndim != 4 or fields.shape[1] != 2 or len(fields) < 1 or min(fields.shape[2:]) < 2:
        raise MienError(
            f"got a flow of shape {shape}; expected (2, H, W) = u, v or (T, 2, H, W), at least 2x2; move the axis"
        )
    if not np.isfinite(fields).all():
        raise MienError("got a flow with NaN or infinity; expected finite pixels; check the frames it came from")
    return fields


def check_bins(bins: int) -> None:
    """Raise unless there are at least 2 bins."""
    if not isinstance(bins, int) or bins < 2:
        raise MienError(f"got {bins} bins; expected a whole number of at least 2; 8 is usual")


def direction_bins(
    u: RealArray, v: RealArray, bins: int, *, centred: bool = False, symmetric: bool = False
) -> IntArray:
    """Bin of each direction atan2(v, u): bin k starts at -pi + k 2 pi / bins, or is centred there.

    Symmetric: bins divide atan2(v, abs(u)), from -pi / 2 to pi / 2.
    """
    check_bins(bins)
    if symmetric:
        place = np.floor((np.arctan2(v, np.abs(u)) / np.pi + 0.5) * bins).astype(np.int64)
        return np.minimum(place, bins - 1)  # straight down is the upper end of the last bin
    turns = np.arctan2(v, u) / (2 * np.pi) + 0.5
    return np.floor(turns * bins + (0.5 if centred else 0.0)).astype(np.int64) % bins  # pi is -pi: the circle closes


def block_labels(height: int, width: int, blocks: tuple[int, int]) -> IntArray:
    """Number of the block each pixel lies in, (H, W); column runs fastest, blocks differ by one row or column."""
    if len(blocks) != 2:
        raise MienError(f"got blocks {blocks}; expected two whole numbers, rows and columns; give both")
    rows, columns = blocks
    return block_of(height, rows)[:, None] * columns + block_of(width, columns)


def region_labels(polygons: Polygons, height: int, width: int) -> IntArray:
    """Number of the region each pixel's centre lies in, (H, W); -1 in none, and where two meet or overlap.

    Not by OpenCV's fillPoly: it paints all that an edge touches, so neighbours overlap, and a mirrored polygon does not
    give the mirrored pixels.
    """
    from skimage.draw import polygon

    labels = np.full((height, width), -1, np.int64)
    covered = np.zeros((height, width), np.int64)
    for number, corners in enumerate(polygons):
        shape = np.asarray(corners, dtype=np.float64)
        if shape.ndim != 2 or shape.shape[1] != 2 or len(shape) < 3 or not np.isfinite(shape).all():
            raise MienError(
                f"got region {number} of shape {shape.shape}; expected 3 or more finite corners (x, y); check them"
            )
        inside = polygon(shape[:, 1], shape[:, 0], (height, width))
        labels[inside] = number
        covered[inside] += 1
    labels[covered > 1] = -1
    return labels


def mean_by(group: IntArray, values: RealArray, groups: int) -> RealArray:
    """Mean of the values of each group, (groups,); 0 where a group is empty."""
    counts = np.bincount(group, minlength=groups)
    return np.bincount(group, weights=values, minlength=groups) / np.maximum(counts, 1)
