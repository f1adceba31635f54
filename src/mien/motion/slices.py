"""Key frames by spatio-temporal slices: more frames where the face moves, fewer where it rests."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from mien.core import MienError
from mien.motion.sampling import tim

__all__ = ["key_clip", "key_frames", "slice_motion", "slice_stack"]

PixelArray = npt.NDArray[Any]  # uint8 or float
FloatSeries = npt.NDArray[np.float64]
IndexArray = npt.NDArray[np.intp]

_GREY_COST = 0.1  # pixels of motion that one grey value of mismatch counts


def slice_stack(frames: PixelArray, rows: int = 16) -> PixelArray:
    """Stack rows of a clip over time, each to one spatio-temporal slice.

    Jin, He, Li & Yang (MS3D), MBE 2024, eq. 3.1: h_i is row y_k of frame i; rows are spread evenly over the height.

    Parameters
    ----------
    frames : array, (T, H, W) or (T, H, W, 3)
        The cropped face, grey or RGB (its luma is taken), uint8 or float.
    rows : int
        Number of slices, 1 to H.

    Returns
    -------
    uint8 or float32 array, (rows, T, W)
        Grey values; time runs down.

    Raises
    ------
    MienError
        For frames of another shape or with NaN, or more rows than the frames have.

    Examples
    --------
    >>> frames = np.arange(4, dtype=np.uint8)[None, :, None] + np.zeros((2, 4, 3), np.uint8)
    >>> slice_stack(frames, rows=2)[:, 0]
    array([[1, 1, 1],
           [3, 3, 3]], dtype=uint8)
    """
    frames = np.asarray(frames)
    if frames.ndim not in (3, 4) or (frames.ndim == 4 and frames.shape[3] != 3) or not frames.size:
        raise MienError(f"got frames {frames.shape}; expected (T, H, W) or (T, H, W, 3), none empty; check the clip")
    height = frames.shape[1]
    if not 1 <= rows <= height:
        raise MienError(f"got {rows} rows of frames {height} px high; expected 1 to {height}; take fewer")
    picked = np.moveaxis(frames[:, (2 * np.arange(rows) + 1) * height // (2 * rows)], 1, 0)
    if picked.dtype != np.uint8:
        picked = picked.astype(np.float32)
    if not np.isfinite(picked).all():
        raise MienError("got frames with NaN or infinity; expected finite grey values; check where they came from")
    return picked if frames.ndim == 3 else _luma(picked)


def slice_motion(frames: PixelArray, rows: int = 16, reach: int = 3) -> FloatSeries:
    """Measure the motion between neighbouring frames by matching pixels of their slices.

    For every pixel of a row of one frame the best match within ``reach`` px on that row of the next frame is sought,
    by grey value, the nearest first; its cost is the distance plus a tenth of the grey difference that is left. The
    paper (MS3D, section 3.2) names the nearest-pixel matching only; the cost is ours.

    Parameters
    ----------
    frames : array, (T, H, W) or (T, H, W, 3)
        As for :func:`slice_stack`, on the scale 0 to 255.
    rows : int
        Number of slices.
    reach : int
        Farthest match in pixels, from 0 to W - 1.

    Returns
    -------
    float64 array, (T - 1,)
        Mean cost over rows and pixels, in pixels, not negative; 0 between identical frames.

    Raises
    ------
    MienError
        As for :func:`slice_stack`, or if ``reach`` is negative or wider than the frames.

    Examples
    --------
    >>> row = np.arange(0, 240, 8, dtype=np.uint8)  # a ramp, moved by 2 px, then at rest
    >>> still, moved = np.tile(row, (16, 1)), np.tile(np.roll(row, 2), (16, 1))
    >>> slice_motion(np.stack([still, moved, moved])).round(1)
    array([2., 0.])
    """
    slices = slice_stack(frames, rows).astype(np.float32)
    width = slices.shape[2]
    if not 0 <= reach < width:
        raise MienError(f"got a reach of {reach} px on rows of {width}; expected 0 to {width - 1}; take less")
    before, after = slices[:, :-1], slices[:, 1:]
    least = np.abs(after - before)
    distance = np.zeros_like(least)
    for shift in sorted(set(range(-reach, reach + 1)) - {0}, key=abs):
        here = slice(max(0, -shift), width - max(0, shift))
        there = slice(max(0, shift), width - max(0, -shift))
        difference = np.abs(after[..., there] - before[..., here])
        nearer = difference < least[..., here]  # strictly, so that the nearest of equals stays
        least[..., here][nearer] = difference[nearer]
        distance[..., here][nearer] = abs(shift)
    return (distance + _GREY_COST * least).mean(axis=(0, 2), dtype=np.float64)


def key_frames(frames: PixelArray, count: int = 17, apex: int | None = None) -> IndexArray:
    """Choose frames at equal increments of the motion that has been accumulated (MS3D, section 3.2).

    Parameters
    ----------
    frames : array, (T, H, W) or (T, H, W, 3)
        From onset to offset, T at least ``count``.
    count : int
        Key frames wanted, at least 3 with an apex inside, else at least 2; 17 give MS3D's 16 flow fields.
    apex : int, optional
        Index of a frame that must be among them: the key frame nearest to it in motion is moved there.

    Returns
    -------
    int array, (count,)
        Strictly increasing, from 0 to T - 1. A clip without any motion is sampled evenly.

    Raises
    ------
    MienError
        For too few frames or key frames, or an apex outside the clip.

    Examples
    --------
    >>> grey = np.array([0, 0, 0, 0, 30, 60, 90, 90, 90], np.uint8)  # something happens between the frames 3 and 6
    >>> key_frames(np.broadcast_to(grey[:, None, None], (9, 16, 16)), 4)
    array([0, 4, 5, 8])
    """
    total = len(frames)
    _check_apex(total, apex)
    if not 2 <= count <= total:
        raise MienError(f"got {count} key frames of {total}; expected 2 to {total} of them; interpolate with key_clip")
    motion = np.concatenate([[0.0], np.cumsum(slice_motion(frames))])
    if motion[-1] == 0:
        motion = np.arange(total, dtype=np.float64)
    targets = np.linspace(0, motion[-1], count)
    chosen = _nearest(motion, targets)
    if apex is None or apex in (0, total - 1):
        return _spread(chosen, 0, total - 1)
    if count < 3:
        raise MienError(f"got {count} key frames and an apex between; expected at least 3; ask for more")
    lowest, highest = max(1, count - total + apex), min(count - 2, apex)  # enough frames must be left on both sides
    place = int(np.clip(np.abs(targets - motion[apex]).argmin(), lowest, highest))
    return np.concatenate([_spread(chosen[: place + 1], 0, apex), _spread(chosen[place:], apex, total - 1)[1:]])


def key_clip(
    frames: PixelArray, count: int = 17, apex: int | None = None
) -> tuple[npt.NDArray[Any], IndexArray | None]:
    """Return a clip's key frames, or if it has too few frames, the clip interpolated to ``count``.

    Parameters
    ----------
    frames, count, apex
        As for :func:`key_frames`; T may be less than ``count``, but at least 2.

    Returns
    -------
    frames : array, (count, H, W) or (count, H, W, 3)
        Those chosen as they are, or float32 by :func:`mien.motion.sampling.tim`, among which the apex need not be.
    indices : int array, (count,), or None
        Which were chosen; none where all were interpolated.

    Raises
    ------
    MienError
        As for :func:`key_frames` and :func:`mien.motion.sampling.tim`.

    Examples
    --------
    >>> made, indices = key_clip(np.zeros((11, 32, 32), np.uint8))
    >>> made.shape, indices
    ((17, 32, 32), None)
    """
    frames = np.asarray(frames)
    if len(frames) < count:
        _check_apex(len(frames), apex)
        return tim(frames, count), None
    indices = key_frames(frames, count, apex)
    return frames[indices], indices


def _check_apex(total: int, apex: int | None) -> None:
    if apex is not None and not 0 <= apex < total:
        raise MienError(f"got the apex {apex} of {total} frames; expected 0 to {total - 1}; count from the onset")


def _luma(picked: PixelArray) -> PixelArray:
    import cv2

    flat = np.ascontiguousarray(picked).reshape(-1, *picked.shape[-2:])
    return cv2.cvtColor(flat, cv2.COLOR_RGB2GRAY).reshape(picked.shape[:-1])


def _nearest(motion: FloatSeries, targets: FloatSeries) -> IndexArray:
    """Index whose accumulated motion is nearest to each target; while the face rests, that next to the motion."""
    after = np.clip(np.searchsorted(motion, targets), 1, len(motion) - 1)
    return np.where(motion[after] - targets < targets - motion[after - 1], after, after - 1)


def _spread(chosen: IndexArray, first: int, last: int) -> IndexArray:
    """Move equal or crossing neighbours apart, as little as needed, the ends going to ``first`` and ``last``."""
    steps = np.arange(len(chosen))
    ends = np.concatenate([[first], chosen[1:-1], [last]])
    rising = np.maximum.accumulate(ends - steps) + steps
    return np.minimum(rising, last - steps[::-1])
