"""From FFmpeg's planes to upright uint8 arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mien.core import UInt8Array

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

__all__ = ["display_matrix", "grey", "rgb", "upright"]

# Pixel formats whose first plane is the luma.
_LUMA_FIRST = ("yuv4", "yuvj4", "yuva4", "nv1", "nv2", "gray")
_STUDIO_TO_FULL = np.clip(np.rint((np.arange(256) - 16.0) * (255.0 / 219.0)), 0, 255).astype(np.uint8)


def rgb(raw: VideoFrame) -> UInt8Array:
    """Colours, 8 bits, by the colour matrix and range that the file names (BT.601, studio range, if none)."""
    return np.asarray(raw.to_ndarray(format="rgb24"), np.uint8)


def grey(raw: VideoFrame) -> UInt8Array:
    """Luma, 0 to 255: the first plane itself where it is 8 bits (no conversion), else by swscale."""
    plain = raw.format.name.startswith(_LUMA_FIRST) and raw.format.components[0].bits == 8
    if not plain:
        return np.asarray(raw.to_ndarray(format="gray"), np.uint8)
    import cv2

    plane = raw.planes[0]
    luma = np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, plane.line_size)[:, : plane.width]
    full = raw.color_range == 2 or raw.format.name.startswith(("yuvj", "gray"))
    return luma.copy() if full else np.asarray(cv2.LUT(luma, _STUDIO_TO_FULL), np.uint8)


def display_matrix(raw: VideoFrame) -> tuple[int, int, int, int]:
    """The 2x2 part of how the file wants to be shown: x' = a x + c y, y' = b x + d y (ISO 14496-12, 6.2.2)."""
    data: Any = raw.side_data.get("DISPLAYMATRIX")
    if data is None:
        return 1, 0, 0, 1
    a, b, _, c, d = np.frombuffer(bytes(data), np.int32)[:5]
    return int(a), int(b), int(c), int(d)


def upright(image: UInt8Array, matrix: tuple[int, int, int, int]) -> UInt8Array:
    """Turn and mirror by quarter turns, as the display matrix says."""
    a, b, c, d = matrix
    if matrix == (1, 0, 0, 1):
        return image
    turned = abs(b) > abs(a)
    if turned:
        image = image.swapaxes(0, 1)
    if (c if turned else a) < 0:
        image = image[:, ::-1]
    if (b if turned else d) < 0:
        image = image[::-1]
    return np.ascontiguousarray(image)
