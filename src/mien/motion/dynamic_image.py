"""The dynamic image: a whole clip in one picture."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from mien.core import FloatArray, MienError, UInt8Array

__all__ = ["dynamic_image", "rank_pooling_weights", "to_uint8"]


def rank_pooling_weights(count: int, rank: Literal["means", "frames"] = "means") -> npt.NDArray[np.float64]:
    """Return the weight of each frame in approximate rank pooling.

    Rank pooling looks for the image whose product with what it ranks grows with time; its approximation is the first
    step of the descent from 0, the sum over all pairs q > t of V_q - V_t. Bilen, Fernando, Gavves, Vedaldi & Gould,
    CVPR 2016, rank the running means V_t of the frames, so that frame t weighs
    2 (T - t + 1) - (T + 1) (H_T - H_{t-1}), with H_t the sum of 1/i up to t. To rank the frames themselves, V_t = I_t,
    leaves 2t - T - 1 (Bilen, Fernando, Gavves & Vedaldi, TPAMI 2018).

    Parameters
    ----------
    count : int
        T, at least 2.
    rank : {"means", "frames"}
        What is ranked.

    Returns
    -------
    float64 array, (T,)
        The weights sum to 0.

    Raises
    ------
    MienError
        For fewer than 2 frames, or another ``rank``.

    Examples
    --------
    >>> rank_pooling_weights(3).round(3)
    array([-1.333,  0.667,  0.667])
    >>> rank_pooling_weights(3, "frames")
    array([-2.,  0.,  2.])
    """
    if count < 2 or rank not in ("means", "frames"):
        raise MienError(f"got {count} frames and rank '{rank}'; expected at least 2, and means or frames; correct it")
    t = np.arange(1, count + 1, dtype=np.float64)
    if rank == "frames":
        return 2 * t - count - 1
    later = np.cumsum(1 / t[::-1])[::-1]  # H_T - H_{t-1}
    return 2 * (count - t + 1) - (count + 1) * later


def dynamic_image(frames: npt.NDArray[Any], rank: Literal["means", "frames"] = "means") -> FloatArray:
    """Pool a clip into one image that shows what changed, and in which order.

    Parameters
    ----------
    frames : uint8 or float32 array, (T, H, W) or (T, H, W, C)
        A clip, T at least 2.
    rank : {"means", "frames"}
        See :func:`rank_pooling_weights`.

    Returns
    -------
    float32 array, (H, W) or (H, W, C)
        The weighted sum of the frames; all 0 for a clip in which nothing moves. It grows with T.

    Raises
    ------
    MienError
        For another shape or type, NaN, or fewer than 2 frames.

    Examples
    --------
    >>> dynamic_image(np.array([[[0]], [[10]], [[30]]], np.uint8), "frames")
    array([[60.]], dtype=float32)
    """
    if frames.ndim not in (3, 4) or frames.dtype not in (np.uint8, np.float32) or not np.isfinite(frames).all():
        raise MienError(
            f"got frames {frames.shape} {frames.dtype}; expected (T, H, W) or (T, H, W, C), uint8 or float32 without "
            "NaN; convert them"
        )
    first = frames[0].astype(np.float32)
    pooled = np.zeros_like(first)
    for weight, frame in zip(rank_pooling_weights(len(frames), rank), frames, strict=True):
        pooled += np.float32(weight) * (frame - first)  # the weights sum to 0, and so a still clip gives exactly 0
    return pooled


def to_uint8(image: npt.NDArray[np.floating]) -> UInt8Array:
    """Stretch an image to 0-255 by its minimum and maximum, all channels alike; a constant image is 0.

    Parameters
    ----------
    image : float array, (H, W) or (H, W, C)
        A dynamic image.

    Raises
    ------
    MienError
        For NaN, infinity or an image without pixels.

    Examples
    --------
    >>> to_uint8(np.array([[-2.0, 0.0, 2.0]]))
    array([[  0, 128, 255]], dtype=uint8)
    """
    if not image.size or not np.isfinite(image).all():
        raise MienError(
            f"got an image {image.shape} that is empty or has NaN; expected finite values; check the frames"
        )
    low, high = float(image.min()), float(image.max())
    if high <= low:
        return np.zeros(image.shape, np.uint8)
    return np.rint((image - low) * (255 / (high - low))).astype(np.uint8)
