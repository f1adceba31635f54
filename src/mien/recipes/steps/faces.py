"""From whole frames to the face."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from mien.core import FloatArray, MienError, UInt8Array
from mien.faces import Box, apply_affine, box_around, canonical_points, compose, eye_crop_matrix, invert, warp
from mien.faces.affine import Matrix
from mien.faces.five_points import align_five, five_from_68
from mien.faces.lwm import fit_lwm
from mien.faces.mapping import FaceMap, warp_by_map
from mien.faces.piecewise import fit_piecewise_affine
from mien.faces.refine import Registration, register_frames
from mien.motion import to_grey
from mien.recipes._stage import STEPS, Stage
from mien.recipes._take import Face

__all__ = ["align", "crop", "register"]


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
    shift: tuple[int, int] = (0, 0),
) -> Stage:
    """Cut the same eye-based box out of every frame: registered once, on the onset frame.

    ``shift`` moves the box by so many pixels of the crop to the right and down (MS3D's augmentation).
    """
    del by  # said for the reader; there is one way
    face = stage.onset_face(faces)
    matrix = eye_crop_matrix(face.points, size, side=side, above=above, below=below)
    matrix[:, 2] -= shift
    return _cut(stage, face, matrix, size, grey)


@STEPS.register("align")
def align(stage: Stage, *, by: str, size: int, grey: bool = False, faces: str = "dlib") -> Stage:
    """Lay five points of the onset frame (eyes, nose tip, mouth corners; of the 68) onto the neutral face's."""
    del by
    face = stage.onset_face(faces)
    return _cut(stage, face, align_five(five_from_68(face.points), size), size, grey)


def _cut(stage: Stage, face: Face, matrix: Matrix, size: int, grey: bool) -> Stage:
    """The same crop of every frame."""
    crops = [warp(to_grey(image) if grey else image, matrix, size) for image in stage.images()]
    points = apply_affine(matrix, face.points)
    return replace(stage, frames=np.stack(crops), points=points, matrix=matrix, notes=_noted(stage, face))


@STEPS.register("register")
def register(
    stage: Stage, *, by: str, size: int, grey: bool = False, neighbours: int = 12, faces: str = "dlib"
) -> Stage:
    """Hold the face still, by ``similarity``, or bring it to the neutral face, by ``lwm`` or ``piecewise-affine``.

    ``similarity`` maps every frame onto the onset frame, by landmarks and then by the texture of the face, and cuts
    out the eye-based crop. The other two bend the onset frame's landmarks to where the neutral face has them, by one
    map for the whole clip; the neutral face lies where the eye-based crop puts a face.
    """
    if by == "similarity":
        return _held(stage, size, grey, faces)
    face = stage.onset_face(faces)
    template = canonical_points(size)
    grid = _bent(by, template, face.points, neighbours).grid(size)
    warped = [warp_by_map(to_grey(image) if grey else image, grid) for image in stage.images()]
    return replace(
        stage,
        frames=np.stack(warped),
        points=template.astype(np.float64),
        matrix=eye_crop_matrix(face.points, size),
        grid=grid,
        notes=_noted(stage, face),
    )


def _bent(by: str, template: FloatArray, points: npt.NDArray[np.floating], neighbours: int) -> FaceMap:
    if by == "lwm":
        return fit_lwm(template, points, neighbours)
    if by == "piecewise-affine":
        return fit_piecewise_affine(template, points)
    raise MienError(f"got a registration by '{by}'; expected similarity, lwm or piecewise-affine; correct the recipe")


def _held(stage: Stage, size: int, grey: bool, faces: str) -> Stage:
    """Every frame on the onset frame, cropped by its eyes; only what lies around the face is kept on the way."""
    patches: list[UInt8Array] = []
    points: list[npt.NDArray[np.floating]] = []
    first = stage.onset_face(faces)
    near, corner, window = first.box, np.zeros(2), None
    for number, image in zip(stage.numbers, stage.images(), strict=True):
        if window is None:
            corner, window = _around(first.points, image.shape)
        face = stage.take.locate(image, number, faces, near) if first.found and number != stage.take.onset else first
        near = _moved(near, face.points)
        patches.append((to_grey(image) if grey else image)[window].copy())
        points.append(face.points - corner)
    times_s = np.arange(len(patches)) / (stage.fps if len(patches) > 2 else 1.0)
    held = register_frames(patches, np.array(points), times_s, reference=stage.onset)
    matrix = eye_crop_matrix(points[stage.onset], size)
    crops = [_placed(held, patch, place, matrix, size) for place, patch in enumerate(patches)]
    notes = _noted(stage, first) if held.refined.all() else (*_noted(stage, first), "unrefined")
    to_crop = compose(matrix, np.array([[1.0, 0, -corner[0]], [0, 1, -corner[1]]]))
    return replace(
        stage,
        frames=np.stack(crops),
        points=apply_affine(matrix, points[stage.onset]),
        matrix=to_crop,
        notes=notes,
    )


def _placed(held: Registration, patch: UInt8Array, place: int, matrix: Matrix, size: int) -> UInt8Array:
    """A frame as seen from the onset frame."""
    # One of two that could not be refined stays where it is: landmarks jitter by more than a head moves in between.
    if len(held.refined) == 2 and not held.refined[place]:
        return warp(patch, matrix, size)
    return held.crop(patch, place, matrix, size)


def _around(points: npt.NDArray[np.floating], shape: tuple[int, ...]) -> tuple[np.ndarray, tuple[slice, slice]]:
    """The part of the image around a face, half a crop more on every side: its corner, its rows and columns."""
    corners = apply_affine(invert(eye_crop_matrix(points, 1)), [[-1, -1], [1, -1], [-1, 1], [1, 1]])
    low = np.maximum(np.floor(corners.min(axis=0)), 0).astype(int)
    high = np.minimum(np.ceil(corners.max(axis=0)), shape[1::-1]).astype(int)
    return low, (slice(low[1], high[1]), slice(low[0], high[0]))


def _moved(box: Box | None, points: npt.NDArray[np.floating]) -> Box | None:
    """Where to look in the next frame: in the same box, unless the face has moved by a tenth of it."""
    if box is None:
        return None
    seen = box_around(points)
    shift = np.hypot(seen.x + seen.w / 2 - box.x - box.w / 2, seen.y + seen.h / 2 - box.y - box.h / 2)
    return seen if shift > 0.1 * box.w else box


def _noted(stage: Stage, face: Face) -> tuple[str, ...]:
    return stage.notes if face.found else (*stage.notes, "canonical")
