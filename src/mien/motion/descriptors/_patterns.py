"""Local binary patterns in whole numbers: sampling, codes, uniform bins, histograms by block."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import product
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from mien.core import FloatArray, MienError

__all__ = [
    "as_code",
    "block_counts",
    "block_histograms",
    "block_of",
    "circle",
    "differences",
    "grid",
    "histograms",
    "offset",
    "pattern_codes",
    "shifted",
    "steps",
    "uniform_bins",
    "whole_numbers",
]

PixelArray = npt.NDArray[Any]
Offset = tuple[int, int, int]

# Everything below is whole numbers, also where the type is a float: sums are exact in any order, so a neighbour that
# equals the centre is never lost to rounding, and a slow reference finds the same codes.
_PIXEL = 1024  # positions are rounded to 1/1024 px
_GREY = 4096  # real grey values to 1/4096 of a level: above the rounding of float32 at 255, below anything visible


def whole_numbers(frames: npt.NDArray[Any], what: str = "frames", axes: str = "(T, H, W)") -> PixelArray:
    """Return grey values as int32 (uint8 input), or as float64 multiples of 1/4096 level, times 4096 (real input)."""
    if frames.ndim != axes.count(",") + 1 or not (frames.dtype == np.uint8 or np.issubdtype(frames.dtype, np.floating)):
        raise MienError(
            f"got {what} {frames.shape} {frames.dtype}; expected grey {axes}, uint8 or float32; convert them"
        )
    if frames.dtype == np.uint8:
        return frames.astype(np.int32)
    if not np.isfinite(frames).all() or np.abs(frames).max(initial=0) > 1e4:
        raise MienError(f"got {what} with NaN or values beyond 10000; expected grey levels 0-255; check their source")
    return np.rint(frames.astype(np.float64) * _GREY)


def steps(radii: tuple[int, int, int]) -> Offset:
    """Radii of (x, y, t) in the order of the axes."""
    if len(radii) != 3 or not all(isinstance(radius, int) and radius >= 1 for radius in radii):
        raise MienError(
            f"got radii {radii}; expected three whole numbers of at least 1, for x, y and t; give all three"
        )
    x, y, t = radii
    return t, y, x


def grid(blocks: tuple[int, int, int]) -> Offset:
    """Blocks of (rows, columns, times) in the order of the axes."""
    if len(blocks) != 3:
        raise MienError(f"got blocks {blocks}; expected three whole numbers, rows, columns and times; give all three")
    rows, columns, times = blocks
    return times, rows, columns


def circle(neighbours: int) -> list[tuple[float, float]]:
    """Sine and cosine of 2 pi p / P for each of the P neighbours."""
    if not isinstance(neighbours, int) or not 2 <= neighbours <= 16:
        raise MienError(f"got {neighbours} neighbours; expected a whole number from 2 to 16; 8 is usual, or 4 in time")
    angles = 2 * np.pi * np.arange(neighbours) / neighbours
    return list(zip(np.sin(angles).tolist(), np.cos(angles).tolist(), strict=True))


def offset(t: float, y: float, x: float) -> Offset:
    """A displacement in pixels, as whole 1/1024 px."""
    return round(t * _PIXEL), round(y * _PIXEL), round(x * _PIXEL)


def pattern_codes(volume: PixelArray, offsets: Sequence[Offset], margin: Offset) -> npt.NDArray[np.uint16]:
    """Code of every centre at least ``margin`` (t, y, x) from the volume's faces; bit p is neighbour p >= centre."""
    return as_code(difference >= 0 for difference, _ in differences(volume, offsets, margin))


def as_code(bits: Iterable[npt.NDArray[np.bool_]]) -> npt.NDArray[np.uint16]:
    """Put bits together to a whole number, the first as the lowest."""
    return np.sum([bit.astype(np.uint16) << place for place, bit in enumerate(bits)], axis=0, dtype=np.uint16)


def differences(volume: PixelArray, offsets: Sequence[Offset], margin: Offset) -> Iterator[tuple[PixelArray, int]]:
    """For each neighbour, what it has more than every centre, times a whole number, and that number."""
    if any(size <= 2 * edge for size, edge in zip(volume.shape, margin, strict=True)):
        raise MienError(
            f"got {volume.shape} = (T, H, W) for radii {margin} in (t, y, x); expected more than twice the radius each "
            "way; use a smaller radius or interpolate to more frames"
        )
    centre = shifted(volume, (0, 0, 0), margin)
    for neighbour in offsets:
        taps = _taps(neighbour)
        scale = sum(weight for _, weight in taps)
        yield sum(shifted(volume, shift, margin) * weight for shift, weight in taps) - centre * scale, scale


def _taps(displacement: Offset) -> list[tuple[Offset, int]]:
    """The pixels that a position lies between, and their bilinear weights as whole numbers."""
    axes = []
    for whole, part in (divmod(step, _PIXEL) for step in displacement):
        axes.append([(whole, _PIXEL - part), (whole + 1, part)] if part else [(whole, 1)])
    return [((t, y, x), a * b * c) for (t, a), (y, b), (x, c) in product(*axes)]


def shifted(volume: PixelArray, shift: Offset, margin: Offset) -> PixelArray:
    """The pixel so far from every centre at least ``margin`` from the volume's faces, all in whole (t, y, x)."""
    zipped = zip(volume.shape, shift, margin, strict=True)
    return volume[tuple(slice(edge + step, size - edge + step) for size, step, edge in zipped)]


@lru_cache
def uniform_bins(neighbours: int) -> tuple[npt.NDArray[np.int64], int]:
    """Bin of every code, and their number P (P - 1) + 3: codes with at most two changes around the circle, the rest."""
    codes = np.arange(2**neighbours)
    turned = (codes >> 1) | ((codes & 1) << (neighbours - 1))
    uniform = np.array([int(change).bit_count() <= 2 for change in codes ^ turned])
    table = np.full(len(codes), uniform.sum())
    table[uniform] = np.arange(uniform.sum())
    table.setflags(write=False)
    return table, int(uniform.sum()) + 1


def block_of(size: int, blocks: int) -> npt.NDArray[np.int64]:
    """The block that each position of an axis lies in; blocks differ by one position at most."""
    if not isinstance(blocks, int) or not 1 <= blocks <= size:
        raise MienError(f"got {blocks} blocks along {size} positions; expected from 1 to {size}; use fewer blocks")
    return np.arange(size) * blocks // size


def block_histograms(
    bins: npt.NDArray[np.int64], count: int, blocks: Offset, shape: Sequence[int], margin: Offset
) -> FloatArray:
    """Histograms by block, (T' H' W' blocks, count), each of sum 1; blocks divide the volume that codes came from."""
    return _shares(block_counts(bins, count, blocks, shape, margin))


def block_counts(
    bins: npt.NDArray[np.int64], count: int, blocks: Offset, shape: Sequence[int], margin: Offset
) -> npt.NDArray[np.int64]:
    """How often each bin occurs in each block, (T' H' W' blocks, count)."""
    axes = []
    for size, number, edge in zip(shape, blocks, margin, strict=True):
        axis = block_of(size, number)[edge : size - edge]
        if len(np.unique(axis)) < number:
            raise MienError(
                f"got {number} blocks along {size} positions with radius {edge}; expected a pattern in every block; "
                "use fewer blocks or a smaller radius"
            )
        axes.append(axis)
    t, y, x = np.ix_(*axes)
    return _counts((t * blocks[1] + y) * blocks[2] + x, bins, prod(blocks), count)


def histograms(group: npt.NDArray[np.int64], bins: npt.NDArray[np.int64], groups: int, count: int) -> FloatArray:
    """Histogram of the bins of each group, (groups, count), each of sum 1; no group may be empty."""
    return _shares(_counts(group, bins, groups, count))


def _counts(
    group: npt.NDArray[np.int64], bins: npt.NDArray[np.int64], groups: int, count: int
) -> npt.NDArray[np.int64]:
    return np.bincount((group * count + bins).ravel(), minlength=groups * count).reshape(groups, count)


def _shares(counts: npt.NDArray[np.int64]) -> FloatArray:
    return (counts / counts.sum(axis=1, keepdims=True)).astype(np.float32)
