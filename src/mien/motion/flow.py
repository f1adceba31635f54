"""Dense optical flow, strain and the motion map: arrays in, arrays out."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from mien.core import FloatArray, MienError, UInt8Array
from mien.motion._registry import FLOWS, Frame

__all__ = ["mirror_flow", "motion_map", "optical_flow", "resize_flow", "strain", "to_grey"]


def to_grey(image: npt.NDArray[np.uint8]) -> UInt8Array:
    """Return the luma of an RGB image (H, W, 3), or a grey image as it is (H, W), uint8."""
    import cv2

    if image.dtype != np.uint8 or image.ndim not in (2, 3) or (image.ndim == 3 and image.shape[2] != 3):
        raise MienError(f"got an image {image.shape} {image.dtype}; expected uint8 (H, W) or (H, W, 3); convert it")
    return image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)


def optical_flow(first: Frame, second: Frame, method: str = "tvl1") -> FloatArray:
    """Estimate the motion of every pixel from one frame to another.

    Parameters
    ----------
    first, second : uint8 or float32 array, (H, W) or (H, W, 3)
        Two frames of the same size, at least 16 px each way. Floats are on the scale of uint8, 0 to 255, as
        magnified or interpolated frames are. Whole numbers give what they give as uint8; ``dis`` rounds the others.
    method : str
        A name in :data:`FLOWS`: ``tvl1``, ``dis``, ``farneback``, ``lk``, ``ilk``.

    Returns
    -------
    float32 array, (2, H, W)
        ``u`` (right) and ``v`` (down) in pixels.

    Raises
    ------
    MienError
        For frames of different or too small size, another type, NaN, floats from 0 to 1, or an unknown method.

    Examples
    --------
    >>> import numpy as np
    >>> still = np.full((32, 32), 128, np.uint8)
    >>> u, v = optical_flow(still, still, "dis")
    >>> float(abs(u).max())
    0.0
    """
    first, second = _grey_frame(first), _grey_frame(second)
    if first.dtype != second.dtype:
        first, second = first.astype(np.float32), second.astype(np.float32)
    if first.shape != second.shape or min(first.shape) < 16:
        raise MienError(
            f"got frames of {first.shape} and {second.shape}; expected one size of at least 16x16; crop or resize them"
        )
    flow = FLOWS[method](first, second)
    return np.ascontiguousarray(flow, dtype=np.float32)


def strain(flow: npt.NDArray[np.floating]) -> FloatArray:
    """Magnitude of the optical strain, how much the skin is stretched.

    Shreve et al. 2011: sqrt(u_x^2 + v_y^2 + (u_y + v_x)^2 / 2) with central differences. A rotation has none, a shear
    ``u = a y`` has ``a / sqrt 2``, an expansion ``u = a x, v = a y`` has ``a sqrt 2``.

    Parameters
    ----------
    flow : float array, (2, H, W)
        Displacement in pixels.

    Returns
    -------
    float32 array, (H, W)
        Pixels per pixel, not negative.
    """
    _check_flow(flow)
    u_y, u_x = np.gradient(flow[0])
    v_y, v_x = np.gradient(flow[1])
    return np.sqrt(u_x**2 + v_y**2 + 0.5 * (u_y + v_x) ** 2).astype(np.float32)


def resize_flow(flow: npt.NDArray[np.floating], height: int, width: int) -> FloatArray:
    """Resize a flow field; its vectors scale with it: ``u`` by the width's factor, ``v`` by the height's."""
    _check_flow(flow)
    scale = (width / flow.shape[2], height / flow.shape[1])
    return np.stack([_resize(part, height, width) * s for part, s in zip(flow, scale, strict=True)])


def mirror_flow(flow: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
    """Mirror a flow field left to right, as if the frames had been mirrored: ``u`` changes its sign as well.

    Parameters
    ----------
    flow : float array, (2, H, W)
        Displacement in pixels.

    Returns
    -------
    float array, (2, H, W)
        Of the same type; mirrored twice it is what it was.

    Raises
    ------
    MienError
        For another shape, NaN or infinity.

    Examples
    --------
    >>> mirror_flow(np.array([[[1.0, 2.0]], [[3.0, 4.0]]]))
    array([[[-2., -1.]],
    <BLANKLINE>
           [[ 4.,  3.]]])
    """
    _check_flow(flow)
    return np.stack([-flow[0, :, ::-1], flow[1, :, ::-1]])


def motion_map(flow: npt.NDArray[np.floating], size: int = 28) -> UInt8Array:
    """Make the motion map of STSTNet (Liong et al. 2019): u, v and strain, each stretched to 0-255.

    Flow and strain are reduced to ``size`` by area averaging, then each channel is min-max stretched on its own (so
    the scale of the motion is lost, and mirroring the face turns channel u into 255 - u). A constant channel is 0.

    Parameters
    ----------
    flow : float array, (2, H, W)
        Onset to apex, on the cropped face, H and W at least ``size``.
    size : int
        Side of the map.

    Returns
    -------
    uint8 array, (size, size, 3)
        RGB = u, v, strain.
    """
    channels = [_resize(part, size, size) for part in (*flow, strain(flow))]
    return np.stack([_stretch(channel) for channel in channels], axis=-1)


def _grey_frame(image: npt.NDArray[Any]) -> Frame:
    """Like :func:`to_grey`, contiguous, and float32 is welcome."""
    import cv2

    if image.dtype == np.uint8:
        return np.ascontiguousarray(to_grey(image))
    shaped = image.ndim == 2 or (image.ndim == 3 and image.shape[2] == 3)
    if image.dtype != np.float32 or not shaped or not np.isfinite(image).all():
        raise MienError(
            f"got an image {image.shape} {image.dtype}; expected uint8 or float32 without NaN, (H, W) or (H, W, 3); "
            "convert it"
        )
    if image.size and image.min() >= 0 and image.max() <= 1 and (image % 1).any():
        raise MienError("got a float32 image from 0 to 1; expected the scale of uint8, 0 to 255; multiply it by 255")
    return np.ascontiguousarray(image) if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)


def _stretch(channel: npt.NDArray[np.floating]) -> UInt8Array:
    low, high = float(channel.min()), float(channel.max())
    if high <= low:
        return np.zeros(channel.shape, np.uint8)
    return np.rint((channel - low) * (255.0 / (high - low))).astype(np.uint8)


def _resize(part: npt.NDArray[np.floating], height: int, width: int) -> FloatArray:
    import cv2

    shrinks = height <= part.shape[0] and width <= part.shape[1]
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return cv2.resize(np.ascontiguousarray(part, dtype=np.float32), (width, height), interpolation=how)


def _check_flow(flow: npt.NDArray[np.floating]) -> None:
    if flow.ndim != 3 or flow.shape[0] != 2:
        raise MienError(f"got a flow of shape {flow.shape}; expected (2, H, W) = u, v; move the axis")
    if not np.isfinite(flow).all():
        raise MienError("got a flow with NaN or infinity; expected finite pixels; check the frames it came from")
