"""Measure how the regions of a followed face move: register it, estimate its flow, chunk of frames by chunk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
import numpy.typing as npt

from mien.core import UInt8Array
from mien.faces import Observation, apply_affine, compose, eye_crop_matrix, invert, register_points
from mien.motion import optical_flow
from mien.spotting import REGIONS, FaceRegions

__all__ = ["Chunk", "Measure", "Seen", "cut_out", "fill_between"]

Array = npt.NDArray[np.float64]

_FACE_PX = 128  # side of the registered face
_PATCH_PX = 1.5 * _FACE_PX  # a face this many times larger in the video is kept that many times smaller


@dataclass(slots=True)
class Seen:
    """One face in a frame on its way: what the tracker said, and the part of the picture around the face.

    Where it was not looked for (``looked``), the tracker's word is that of the last frame in which it was.
    """

    index: int
    time_s: float
    looked: bool
    seen: Observation
    patch: UInt8Array | None
    to_image: Array | None  # patch px -> image px


@dataclass(slots=True)
class Chunk:
    """Frames whose motion is measured together, with the neighbours that smooth their registration."""

    frames: list[Seen]
    before: list[Seen]
    after: list[Seen]


@dataclass(slots=True)
class Measure:
    """Measures the chunks in order: state that goes from one to the next."""

    reference: Array | None = None  # landmarks of the first good frame
    to_crop: Array | None = None
    last: UInt8Array | None = None  # the last registered face, the reference of the next chunk's flow
    place: Array = field(default_factory=lambda: np.zeros((len(REGIONS), 2)))
    regions: FaceRegions | None = None

    def __call__(self, chunk: Chunk) -> Array:
        """Displacement of the regions and, last, position of the head (N, 2 R + 2); nan without a face.

        Frame by frame only what OpenCV does without Python's lock; the rest is done for all frames at once, so that
        the thread that finds landmarks is not held up.
        """
        moves, to_image = self._register(chunk), np.array([_to_image(item) for item in chunk.frames])
        there = np.isfinite(moves).all(axis=(1, 2)) & np.isfinite(to_image).all(axis=(1, 2))
        result = np.full((len(chunk.frames), 2 * len(REGIONS) + 2), np.nan)
        if not there[0]:
            self.last = None
        edges = np.flatnonzero(np.diff(np.concatenate([[False], there, [False]]).astype(np.int8)))
        for start, stop in zip(edges[::2], edges[1::2], strict=True):
            rows = slice(start, stop)
            result[rows, :-2] = self._moved(chunk.frames[rows], moves[rows], to_image[rows]).reshape(stop - start, -1)
            result[rows, -2:] = self._head(moves[rows])
            if stop < len(there):
                self.last = None
        return result

    def _moved(self, items: Sequence[Seen], moves: Array, to_image: Array) -> Array:
        """Displacement of the regions in frames one after another (N, R, 2), since the face was last found."""
        assert self.to_crop is not None
        matrices = compose(self.to_crop, compose(moves, to_image))
        patches = [item.patch for item in items if item.patch is not None]  # all of them
        crops = [_warp(patch, matrix) for patch, matrix in zip(patches, matrices, strict=True)]
        afresh = self.last is None
        reference = crops[0] if self.last is None else self.last
        regions = self._regions()
        flows = [regions.sample(optical_flow(reference, crop, "dis")) for crop in crops]
        moved = regions.motion(np.array(flows))[0] + (0.0 if afresh else self.place)
        self.last, self.place = crops[-1], moved[-1]
        return moved

    def _register(self, chunk: Chunk) -> Array:
        around = [*chunk.before, *chunk.frames, *chunk.after]
        points, times = np.array([_points(item) for item in around]), np.array([item.time_s for item in around])
        looked = np.array([item.looked for item in around])
        fill_between(points.reshape(len(around), -1), times, looked, np.isfinite(points[:, 0, 0]))
        if self.reference is None:
            good = np.flatnonzero(np.isfinite(points[:, 0, 0]))
            if not len(good):
                return np.full((len(chunk.frames), 2, 3), np.nan)
            self.reference = points[good[0]]
            self.to_crop = eye_crop_matrix(self.reference, _FACE_PX)
        start = len(chunk.before)
        return register_points(points, times, self.reference)[start : start + len(chunk.frames)]

    def _regions(self) -> FaceRegions:
        if self.regions is None:
            assert self.reference is not None
            assert self.to_crop is not None
            self.regions = FaceRegions.from_points(apply_affine(self.to_crop, self.reference), _FACE_PX)
        return self.regions

    def _head(self, moves: Array) -> Array:
        """Where the middle of the face is (N, 2), in pixels of a face of the first frame's size."""
        assert self.reference is not None
        assert self.to_crop is not None
        middle = np.broadcast_to(self.reference[27:36].mean(axis=0), (len(moves), 1, 2))
        return apply_affine(self.to_crop, apply_affine(invert(moves), middle)[:, 0])


def fill_between(values: Array, times_s: Array, looked: npt.NDArray[np.bool_], found: npt.NDArray[np.bool_]) -> None:
    """Between the frames in which a face was looked for (T, C), let what is known of it change evenly."""
    known, gaps = found & looked, found & ~looked
    if gaps.any() and known.any():
        columns = [np.interp(times_s[gaps], times_s[known], column) for column in values[known].T]
        values[gaps] = np.stack(columns, axis=-1)


def cut_out(image: UInt8Array, points: npt.NDArray[np.floating]) -> tuple[UInt8Array, Array]:
    """Copy what lies around the face, a large one shrunk to 144 px or more, and where it lies in the image."""
    middle = points[[36, 45, 33, 57]].mean(axis=0)
    side = 2.5 * float(np.linalg.norm(points[42:48].mean(axis=0) - points[36:42].mean(axis=0)))
    low = np.maximum(np.floor(middle - 0.85 * side), 0).astype(int)
    high = np.minimum(np.ceil(middle + 0.85 * side), image.shape[1::-1]).astype(int)
    part = image[low[1] : max(high[1], low[1] + 1), low[0] : max(high[0], low[0] + 1)]
    shrink = max(1, round(side / _PATCH_PX))  # whole: to average blocks takes a fifth of the time
    if shrink > 1:
        size = (max(1, part.shape[1] // shrink), max(1, part.shape[0] // shrink))
        part = part[: size[1] * shrink, : size[0] * shrink]
        small = cv2.resize(part, size, interpolation=cv2.INTER_AREA)
        offset = low + (shrink - 1) / 2
        return small, np.array([[shrink, 0, offset[0]], [0, shrink, offset[1]]], np.float64)
    return part.copy(), np.array([[1.0, 0.0, low[0]], [0.0, 1.0, low[1]]])


def _points(item: Seen) -> Array:
    if item.seen.points is None or not item.seen.found:
        return np.full((68, 2), np.nan)
    return item.seen.points.astype(np.float64)


def _to_image(item: Seen) -> Array:
    return np.full((2, 3), np.nan) if item.patch is None or item.to_image is None else item.to_image


def _warp(patch: UInt8Array, matrix: Array) -> UInt8Array:
    size = (_FACE_PX, _FACE_PX)
    if np.hypot(*matrix[0, :2]) < 0.6:  # INTER_AREA-like: no aliasing where the face is much larger than the crop
        patch = cv2.GaussianBlur(patch, (0, 0), 0.35 / float(np.hypot(*matrix[0, :2])))
    return cv2.warpAffine(patch, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
