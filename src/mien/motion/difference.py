"""Differences of frames and of depth, pixel by pixel: what changed, without asking where it went."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from mien.core import FloatArray, MienError

__all__ = ["depth_difference", "frame_difference", "idsf", "rgbd_difference"]

_IMAGENET_STD = np.array([0.229, 0.224, 0.225], np.float32)  # of red, green, blue from 0 to 1


def frame_difference(onset: npt.NDArray[Any], apex: npt.NDArray[Any]) -> FloatArray:
    """Subtract the onset from the apex, both normalised as for ImageNet: the input of MMNet's main branch.

    Li, Sui, Zhu & Zhao, IJCAI 2022, and their code: the mean of the normalisation cancels, its standard deviation
    (.229, .224, .225) remains, so the difference is (apex - onset) / 255 / deviation.

    Parameters
    ----------
    onset, apex : uint8 or float32 array, (H, W, 3)
        RGB, 0 to 255.

    Returns
    -------
    float32 array, (H, W, 3)
        Between -4.46 and 4.46. What is added to both frames changes nothing; exchanging them changes the sign.

    Raises
    ------
    MienError
        For frames that are not RGB, differ in size, or have NaN.

    Examples
    --------
    >>> onset, apex = np.full((1, 1, 3), 100, np.uint8), np.full((1, 1, 3), 151, np.uint8)
    >>> frame_difference(onset, apex).round(3)
    array([[[0.873, 0.893, 0.889]]], dtype=float32)
    """
    before, after = _floats(onset, 3, "(H, W, 3)"), _floats(apex, 3, "(H, W, 3)")
    if before.shape != after.shape or before.shape[2] != 3:
        raise MienError(f"got frames {before.shape} and {after.shape}; expected RGB (H, W, 3) twice; crop both alike")
    return (after - before) / (255 * _IMAGENET_STD)


def idsf(
    frames: npt.NDArray[Any], remove_dc: Literal[False, "mean", "median"] = False, *, with_onset: bool = False
) -> FloatArray:
    """Subtract the first frame from each frame: the inter-frame difference of AST+SVMNet (IDSF).

    Xue, Guo, Bai & Yuan, IEEE Access 2024: F_i = (I_i - I_onset) / 255. The paper argues that this removes the
    lighting; it removes what all frames have in common. A frame's own change of brightness stays, unless
    ``remove_dc`` takes it out.

    Parameters
    ----------
    frames : uint8 or float32 array, (T, H, W)
        Grey, 0 to 255, the onset first, T at least 2.
    remove_dc : {False, "mean", "median"}
        Subtract this of each difference, over its pixels. Not in the paper.
    with_onset : bool
        Keep the onset's difference from itself, all 0, as the first: the paper counts as many differences as frames.

    Returns
    -------
    float32 array, (T - 1, H, W), or (T, H, W) with the onset
        Between -1 and 1 for frames from 0 to 255.

    Raises
    ------
    MienError
        For frames of another shape, fewer than 2, with NaN, or an unknown ``remove_dc``.

    Examples
    --------
    >>> frames = np.zeros((3, 2, 2), np.uint8)
    >>> frames[1, 0, 0] = 51  # a change in one pixel
    >>> frames[2] = 51  # the light goes on
    >>> idsf(frames)[:, 0, 0]
    array([0.2, 0.2], dtype=float32)
    >>> idsf(frames, "median")[:, 0, 0]
    array([0.2, 0. ], dtype=float32)
    """
    clip = _floats(frames, 3, "grey (T, H, W)")
    if len(clip) < 2 or remove_dc not in (False, "mean", "median"):
        raise MienError(
            f"got {len(clip)} frames and remove_dc '{remove_dc}'; expected at least 2 and False, mean or median"
        )
    differences = (clip[0 if with_onset else 1 :] - clip[0]) / 255
    if remove_dc:
        centre = np.mean if remove_dc == "mean" else np.median
        differences -= centre(differences, axis=(1, 2), keepdims=True)
    return differences


def depth_difference(onset: npt.NDArray[np.uint16], apex: npt.NDArray[np.uint16], scale: float = 1500.0) -> FloatArray:
    """Subtract the onset's depth from the apex's: the depth input of the reproduction of MMNet on CAS(ME)^3.

    Its code divides by 1500. Depth 0 means that the camera measured nothing, so the difference is 0 wherever either is
    0 (ours). Resize depth images to the nearest pixel only: a mean of a depth and a 0 is no depth.

    Parameters
    ----------
    onset, apex : uint16 array, (H, W)
        Depth in the camera's unit.
    scale : float
        Units that become 1.

    Returns
    -------
    float32 array, (H, W)
        Positive where the face moved away from the camera.

    Raises
    ------
    MienError
        For another type or shape, different sizes, or a scale that is not above 0.

    Examples
    --------
    >>> depth_difference(np.array([[500, 0]], np.uint16), np.array([[2000, 2000]], np.uint16))
    array([[1., 0.]], dtype=float32)
    """
    if any(image.dtype != np.uint16 or image.ndim != 2 for image in (onset, apex)) or onset.shape != apex.shape:
        raise MienError(
            f"got depths {onset.shape} {onset.dtype} and {apex.shape} {apex.dtype}; expected uint16 (H, W) twice; "
            "read the PNG unchanged"
        )
    if not scale > 0:
        raise MienError(f"got a scale of {scale}; expected one above 0; correct it")
    measured = (onset > 0) & (apex > 0)
    return np.where(measured, (apex.astype(np.float32) - onset.astype(np.float32)) / np.float32(scale), np.float32(0))


def rgbd_difference(
    onset: npt.NDArray[Any],
    apex: npt.NDArray[Any],
    onset_depth: npt.NDArray[np.uint16],
    apex_depth: npt.NDArray[np.uint16],
    scale: float = 1500.0,
) -> FloatArray:
    """Stack :func:`frame_difference` and :func:`depth_difference`: (H, W, 4) float32, depth last.

    Raises
    ------
    MienError
        As those do, and for depth of another size than the frames.

    Examples
    --------
    >>> frame, depth = np.zeros((2, 2, 3), np.uint8), np.full((2, 2), 700, np.uint16)
    >>> rgbd_difference(frame, frame, depth, depth + np.uint16(300))[0, 0]
    array([0. , 0. , 0. , 0.2], dtype=float32)
    """
    colour, depth = frame_difference(onset, apex), depth_difference(onset_depth, apex_depth, scale)
    if colour.shape[:2] != depth.shape:
        raise MienError(f"got frames {colour.shape[:2]} and depth {depth.shape}; expected one size; crop both alike")
    return np.concatenate([colour, depth[..., None]], axis=-1)


def _floats(frames: npt.NDArray[Any], dimensions: int, shape: str) -> FloatArray:
    """Check what may hold frames, and return it as float32."""
    if frames.dtype not in (np.uint8, np.float32) or frames.ndim != dimensions or not np.isfinite(frames).all():
        raise MienError(
            f"got frames {frames.shape} {frames.dtype}; expected {shape}, uint8 or float32 without NaN; convert them"
        )
    return frames.astype(np.float32)
