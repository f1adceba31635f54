"""From whole frames to the face."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mien.core import UInt8Array
from mien.faces import apply_affine, eye_crop_matrix, warp
from mien.recipes._stage import STEPS, Stage

__all__ = ["crop"]


@STEPS.register("crop")
def crop(
    stage: Stage,
    *,
    by: str,
    size: int,
    side: float,
    above: float,
    below: float,
    grey: bool = False,
    faces: str = "dlib",
) -> Stage:
    """Cut the same eye-based box out of every frame: registered once, on the onset frame."""
    del by  # said for the reader; there is one way
    points = matrix = None
    crops: list[UInt8Array] = []
    for number, image in zip(stage.numbers, stage.images(), strict=True):
        if matrix is None:
            face = stage.take.locate(image, number, faces)
            matrix = eye_crop_matrix(face.points, size, side=side, above=above, below=below)
            points = apply_affine(matrix, face.points)
            notes = stage.notes if face.found else (*stage.notes, "canonical")
        crops.append(warp(_grey(image) if grey else image, matrix, size))
    return replace(stage, frames=np.stack(crops), points=points, matrix=matrix, notes=notes)


def _grey(image: UInt8Array) -> UInt8Array:
    from mien.motion import to_grey

    return to_grey(image)
