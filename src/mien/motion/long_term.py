"""Long-term optical flow: from the onset to each of the frames around the apex, and its colour images."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from mien.core import FloatArray, MienError, UInt8Array
from mien.motion.flow import optical_flow
from mien.motion.sampling import linear

__all__ = ["flow_image", "long_term_flow"]


def long_term_flow(frames: npt.NDArray[Any], apex: int, count: int = 11, *, algorithm: str = "farneback") -> FloatArray:
    """Estimate the flow from the first frame to each of ``count`` frames around the apex, as SLSTT sees a clip.

    Zhang, Hong, Arandjelovic & Zhao, IEEE TAFFC 13(4), 2022: motion from the onset is larger, and so steadier, than
    motion from frame to frame. By their code the window starts ``count // 2`` frames before the apex, but after the
    onset, and ends with the clip at the latest. Where it has fewer than ``count`` frames they interpolate frames by a
    network (RIFE) in its middle gaps; here the fields are interpolated linearly in time, evenly over the window.

    Parameters
    ----------
    frames : uint8 or float32 array, (T, H, W) or (T, H, W, 3)
        The cropped face from onset to offset, 0 to 255.
    apex : int
        Index of the apex in ``frames``, after the onset.
    count : int
        Fields wanted, at least 2.
    algorithm : str
        A name in :data:`mien.motion.FLOWS`.

    Returns
    -------
    float32 array, (count, 2, H, W)
        In order of time, in pixels.

    Raises
    ------
    MienError
        For an apex outside the clip or at the onset, fewer than 3 frames, or frames that no flow can be made of.

    Examples
    --------
    >>> frames = np.full((20, 32, 32), 128, np.uint8)
    >>> long_term_flow(frames, apex=9).shape
    (11, 2, 32, 32)
    """
    if len(frames) < 3 or not 1 <= apex < len(frames) or count < 2:
        raise MienError(
            f"got {len(frames)} frames, apex {apex} and count {count}; expected at least 3 frames, an apex from 1 to "
            "the last one and a count of at least 2; cut the clip from onset to offset"
        )
    start = max(apex - count // 2, 1)
    stop = min(start + count, len(frames))
    fields = np.stack([optical_flow(frames[0], frame, algorithm) for frame in frames[start:stop]])
    return fields if len(fields) == count else linear(fields, count)


def flow_image(flow: npt.NDArray[np.floating], max_px: float | None = None) -> UInt8Array:
    """Draw a flow field in colours: hue is its direction, value its length, and saturation is full.

    Right is red, down yellow-green, left cyan, up violet, as SLSTT draws it (the code of Zhang et al., see
    :func:`long_term_flow`; OpenCV's hue).

    Parameters
    ----------
    flow : float array, (2, H, W)
        Displacement in pixels.
    max_px : float, optional
        Length that is brightest, longer ones too. By default the shortest of the field is black and the longest
        brightest, as in SLSTT: the scale of the motion is lost, and a field of one length is black.

    Returns
    -------
    uint8 array, (H, W, 3)
        RGB.

    Raises
    ------
    MienError
        For another shape, NaN, infinity, or a ``max_px`` that is not above 0.

    Examples
    --------
    >>> flow_image(np.array([[[5.0, 0.0, -1.0]], [[0.0, 0.0, 0.0]]]), max_px=5.0)
    array([[[255,   0,   0],
            [  0,   0,   0],
            [  0,  51,  51]]], dtype=uint8)
    """
    import cv2

    if flow.ndim != 3 or flow.shape[0] != 2 or not np.isfinite(flow).all():
        raise MienError(f"got a flow of shape {flow.shape}; expected (2, H, W) = u, v without NaN; check the frames")
    if max_px is not None and not max_px > 0:
        raise MienError(f"got max_px {max_px}; expected pixels above 0, or None; correct it")
    length = np.hypot(*flow).astype(np.float32)
    low, high = (length.min(), length.max()) if max_px is None else (0.0, max_px)
    value = np.clip((length - low) / (high - low), 0, 1) if high > low else np.zeros_like(length)
    hue = np.degrees(np.arctan2(flow[1], flow[0])) % 360
    hsv = np.stack([hue, np.ones_like(hue), value], axis=-1).astype(np.float32)
    return np.rint(cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB) * 255).astype(np.uint8)
