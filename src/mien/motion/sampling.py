"""Sampling in time: as many frames as a method asks for, by interpolation or by choice."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from mien.core import FloatArray, MienError

__all__ = ["apex_neighbours", "equal_interval", "linear", "tim", "tim_matrix"]


def tim_matrix(n: int, count: int) -> npt.NDArray[np.float64]:
    """Return the weights by which the temporal interpolation model (TIM) makes ``count`` frames of ``n``.

    Zhou, Zhao & Pietikainen, CVPR 2011: frames are embedded along a path graph, whose Laplacian has cosines as
    eigenvectors; their curve is sampled evenly and mapped back. On the unweighted path this is a fixed matrix, with
    p_t = 1/n + (1 - 1/n) t / (count - 1):

    M[t, i] = 1/n + 2/n sum_k cos(pi k (n p_t - 1/2) / n) cos(pi k (i - 1/2) / n), k = 1..n-1, i = 1..n.

    Unlike the paper's singular value decomposition, it asks for no linear independence of the frames.

    Parameters
    ----------
    n, count : int
        Number of frames that there are and that are wanted, each at least 2.

    Returns
    -------
    float64 array, (count, n)
        Rows sum to 1; weights may be negative. The first and the last frame stay, and so do all if count = n.

    Raises
    ------
    MienError
        For fewer than two frames.

    Examples
    --------
    >>> tim_matrix(2, 3).round(9) + 0.0
    array([[1. , 0. ],
           [0.5, 0.5],
           [0. , 1. ]])
    """
    _check_counts(n, count)
    place = 0.5 + (n - 1) * np.arange(count) / (count - 1)  # n p_t - 1/2
    order = np.pi * np.arange(1, n) / n
    return 1 / n + 2 / n * np.cos(np.outer(place, order)) @ np.cos(np.outer(order, np.arange(n) + 0.5))


def tim(frames: npt.NDArray[Any], count: int) -> FloatArray:
    """Interpolate a clip to ``count`` frames by the temporal interpolation model, see :func:`tim_matrix`.

    Parameters
    ----------
    frames : array, (T, ...)
        Images or features, T at least 2.
    count : int
        Frames wanted, at least 2.

    Returns
    -------
    float32 array, (count, ...)
        On the scale of ``frames``, not clipped: where the clip moves fast the curve overshoots, and a difference of
        frames should see all of it.

    Raises
    ------
    MienError
        For fewer than two frames, or frames with NaN.

    Examples
    --------
    >>> tim(np.array([10, 20, 30], np.uint8), 5).round(2)
    array([10.  , 14.23, 20.  , 25.77, 30.  ], dtype=float32)
    """
    clip = _as_float32(frames)
    return np.tensordot(tim_matrix(len(clip), count).astype(np.float32), clip, axes=1)


def linear(frames: npt.NDArray[Any], count: int) -> FloatArray:
    """Interpolate a clip to ``count`` frames between neighbours in time; parameters are those of :func:`tim`.

    Examples
    --------
    >>> linear(np.array([0, 10, 40], np.uint8), 5)
    array([ 0.,  5., 10., 25., 40.], dtype=float32)
    """
    clip = _as_float32(frames)
    _check_counts(len(clip), count)
    place = np.linspace(0, len(clip) - 1, count)
    before = np.minimum(place.astype(int), len(clip) - 2)
    share = (place - before).astype(np.float32).reshape(-1, *[1] * (clip.ndim - 1))
    return (1 - share) * clip[before] + share * clip[before + 1]


def equal_interval(first: int, last: int, count: int) -> tuple[int, ...]:
    """Return ``count`` frame numbers at equal intervals, from the first to the last, both included.

    Places between two frames go to the nearer one, halves to the later. If there are fewer frames than ``count``,
    some numbers come twice.

    Raises
    ------
    MienError
        If the last frame is before the first, or ``count`` is below 2.

    Examples
    --------
    >>> equal_interval(10, 20, 5)
    (10, 13, 15, 18, 20)
    """
    if last < first or count < 2:
        raise MienError(f"got {count} of frames {first} to {last}; expected at least 2 and first <= last; correct it")
    steps = count - 1
    return tuple(first + (2 * index * (last - first) + steps) // (2 * steps) for index in range(count))


def apex_neighbours(onset: int, apex: int, *, stride: int = 2, reach: int = 10) -> tuple[int, ...]:
    """Return the frame numbers that AD-Net sees: every ``stride``-th back from the apex, at most ``reach`` away.

    Li, Chen, Feng, Wei & Zhang, AIRR 15(2), 2026: frames at an equal interval between onset and apex, without those
    more than 10 frames from the apex. The paper gives no interval and no starting point; counting back from the apex
    keeps the apex itself.

    Parameters
    ----------
    onset, apex : int
        Frame numbers.
    stride, reach : int
        In frames; the stride is at least 1, the reach at least 0.

    Returns
    -------
    tuple of int
        Ascending, never before the onset, the apex last.

    Raises
    ------
    MienError
        If the apex is before the onset, or the stride or the reach is too small.

    Examples
    --------
    >>> apex_neighbours(10, 40)
    (30, 32, 34, 36, 38, 40)
    >>> apex_neighbours(37, 40)
    (38, 40)
    """
    if apex < onset or stride < 1 or reach < 0:
        raise MienError(
            f"got onset {onset}, apex {apex}, stride {stride}, reach {reach}; expected onset <= apex, a stride of at "
            "least 1 and a reach of at least 0; correct them"
        )
    return tuple(range(apex, max(onset, apex - reach) - 1, -stride))[::-1]


def _check_counts(n: int, count: int) -> None:
    if n < 2 or count < 2:
        raise MienError(f"got {n} frames to make {count} of; expected at least 2 of each; take a longer clip")


def _as_float32(frames: npt.NDArray[Any]) -> FloatArray:
    clip = np.asarray(frames, np.float32)
    if clip.ndim < 1 or not np.isfinite(clip).all():
        raise MienError(f"got frames {clip.shape} with NaN or without time; expected (T, ...) of finite values; check")
    return clip
