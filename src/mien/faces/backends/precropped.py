"""Frames that show one face already cropped, as many corpora are released: nothing is searched for."""

from __future__ import annotations

import numpy as np

from mien.core import FloatArray, UInt8Array
from mien.faces.backend import BACKENDS, Box
from mien.faces.template import canonical_points

__all__ = ["Precropped"]


@BACKENDS.register("precropped")
class Precropped:
    """The whole frame is the face; the points are those of a canonical face in the square around the frame."""

    name = "precropped"

    def detect(self, image: UInt8Array) -> list[Box]:
        """Return the frame itself."""
        height, width = image.shape[:2]
        return [Box(0.0, 0.0, float(width), float(height))]

    def landmarks(self, image: UInt8Array, box: Box) -> FloatArray:
        """Return the canonical points in the smallest centred square that holds the whole frame."""
        height, width = image.shape[:2]
        size = max(height, width)
        corner = np.array([(width - size) / 2, (height - size) / 2], np.float32)
        return canonical_points(size) + corner
