"""One pass over a video: follow the face, register it, measure how its regions move. Bounded memory per frame.

Frames stream through in chunks of half a second. The main thread decodes and finds landmarks; a second thread warps
the faces of the chunk before and estimates their flow, so that both cores have work.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

import cv2
import numpy as np
import numpy.typing as npt

from mien.core import UInt8Array
from mien.faces import Box, FaceTracker, Observation, apply_affine, compose, eye_crop_matrix, invert, register_points
from mien.motion import optical_flow
from mien.spotting import REGIONS, Curves, FaceRegions
from mien.video import Frame

__all__ = ["FACE_PX", "Track", "follow"]

Array = npt.NDArray[np.float64]

FACE_PX = 128
"""Side of the registered face, px."""

_CHUNK_S = 0.5
_SMOOTH_S = 0.25  # landmarks this long before and after a chunk smooth its registration
_PATCH_PX = 2 * FACE_PX  # a face larger than this in the video is kept at this size


@dataclass(slots=True)
class Track:
    """What is known of every frame of a recording, for one followed face.

    Attributes
    ----------
    times_s : float array, (T,)
        Presentation times.
    found : bool array, (T,)
        Whether the face was there.
    boxes : float array, (T, 4)
        x, y, width, height in image pixels; nan without a face.
    quality : float array, (T, 5)
        Face width px, blur, yaw, pitch, roll.
    events : list of (int, str)
        Frames at which the face was found or lost.
    curves : Curves
        Motion of the regions.
    """

    times_s: Array
    found: npt.NDArray[np.bool_]
    boxes: Array
    quality: Array
    events: list[tuple[int, str]]
    curves: Curves


@dataclass(slots=True)
class _Seen:
    """A frame on its way: what the tracker said, and the part of the picture around the face."""

    index: int
    time_s: float
    seen: Observation
    patch: UInt8Array | None
    to_image: Array | None  # patch px -> image px


@dataclass(slots=True)
class _Chunk:
    """Frames whose motion is measured together, with the neighbours that smooth their registration."""

    frames: list[_Seen]
    before: list[_Seen]
    after: list[_Seen]


@dataclass(slots=True)
class _Measure:
    """Measures the chunks in order: state that goes from one to the next."""

    reference: Array | None = None  # landmarks of the first good frame
    to_crop: Array | None = None
    last: UInt8Array | None = None  # the last registered face, the reference of the next chunk's flow
    place: Array = field(default_factory=lambda: np.zeros((len(REGIONS), 2)))
    regions: FaceRegions | None = None

    def __call__(self, chunk: _Chunk) -> tuple[Array, Array]:
        """Displacement of the regions (N, R, 2) and position of the head (N, 2); nan without a face."""
        count = len(chunk.frames)
        places, heads = np.full((count, len(REGIONS), 2), np.nan), np.full((count, 2), np.nan)
        moves = self._register(chunk)
        reference, origin = self.last, self.place
        for row, (item, move) in enumerate(zip(chunk.frames, moves, strict=True)):
            if item.patch is None or item.to_image is None or not np.isfinite(move).all():
                reference = self.last = None
                continue
            assert self.to_crop is not None
            crop = _warp(item.patch, compose(self.to_crop, compose(move, item.to_image)))
            if reference is None:
                reference, origin = crop, np.zeros((len(REGIONS), 2))
            places[row] = origin + self._regions().motion(optical_flow(reference, crop, "dis"))[0]
            heads[row] = self._head(move)
            self.last, self.place = crop, places[row]
        return places, heads

    def _register(self, chunk: _Chunk) -> Array:
        around = [*chunk.before, *chunk.frames, *chunk.after]
        points = np.array([_points(item) for item in around])
        if self.reference is None:
            good = np.flatnonzero(np.isfinite(points[:, 0, 0]))
            if not len(good):
                return np.full((len(chunk.frames), 2, 3), np.nan)
            self.reference = points[good[0]]
            self.to_crop = eye_crop_matrix(self.reference, FACE_PX)
        times = np.array([item.time_s for item in around])
        start = len(chunk.before)
        return register_points(points, times, self.reference)[start : start + len(chunk.frames)]

    def _regions(self) -> FaceRegions:
        if self.regions is None:
            assert self.reference is not None
            assert self.to_crop is not None
            self.regions = FaceRegions.from_points(apply_affine(self.to_crop, self.reference), FACE_PX)
        return self.regions

    def _head(self, move: Array) -> Array:
        """Where the middle of the face is, in pixels of a face of the first frame's size."""
        assert self.reference is not None
        assert self.to_crop is not None
        middle = self.reference[27:36].mean(axis=0, keepdims=True)
        return apply_affine(self.to_crop, apply_affine(invert(move), middle))[0]


def follow(frames: Iterable[Frame], tracker: FaceTracker, on_frame: Callable[[int], None] | None = None) -> Track:
    """Follow one face through grey frames and measure its motion.

    Parameters
    ----------
    frames : iterable of Frame
        Grey frames in order, read once.
    tracker : FaceTracker
        Says where the face is.
    on_frame : callable, optional
        Called with the number of frames done, for progress.

    Returns
    -------
    Track
        One row per frame, also of those without a face.
    """
    notes = _Notes()
    measured: list[Future[tuple[Array, Array]]] = []
    measure = _Measure()
    with ThreadPoolExecutor(max_workers=1) as worker:
        for chunk in _chunks(_watch(frames, tracker, notes, on_frame)):
            measured.append(worker.submit(measure, chunk))
            if len(measured) > 2:
                measured[-3].result()  # at most two chunks of pictures wait; and a fault shows at once
    places = [future.result() for future in measured]
    regions = np.concatenate([part[0] for part in places]) if places else np.empty((0, len(REGIONS), 2))
    heads = np.concatenate([part[1] for part in places]) if places else np.empty((0, 2))
    return notes.track(regions, heads)


@dataclass(slots=True)
class _Notes:
    """The numbers kept of every frame, a few dozen bytes each."""

    rows: list[npt.NDArray[np.float64]] = field(default_factory=list)
    events: list[tuple[int, str]] = field(default_factory=list)

    def add(self, index: int, time_s: float, seen: Observation) -> None:
        quality = seen.quality
        box = seen.box if seen.box is not None else Box(*[float("nan")] * 4)
        eyes = _eye_opening(seen.points) if seen.found and seen.points is not None else float("nan")
        self.rows.append(
            np.array(
                [index, time_s, seen.found, *box, quality.size_px, quality.blur, quality.yaw, quality.pitch,
                 quality.roll, eyes]
            )
        )  # fmt: skip
        if seen.event:
            self.events.append((index, seen.event))

    def track(self, regions: Array, heads: Array) -> Track:
        table = np.array(self.rows).reshape(-1, 13)
        frames, times = table[:, 0].astype(np.int64), table[:, 1]
        curves = Curves(times, frames, regions, table[:, 12], heads)
        return Track(times, table[:, 2] > 0, table[:, 3:7], table[:, 7:12], self.events, curves)


def _watch(
    frames: Iterable[Frame], tracker: FaceTracker, notes: _Notes, on_frame: Callable[[int], None] | None
) -> Iterator[_Seen]:
    for frame in frames:
        seen = tracker.update(frame.image, frame.time_s)
        notes.add(frame.index, frame.time_s, seen)
        patch, to_image = _patch(frame.image, seen.points) if seen.found and seen.points is not None else (None, None)
        yield _Seen(frame.index, frame.time_s, seen, patch, to_image)
        if on_frame is not None:
            on_frame(frame.index + 1)


def _chunks(watched: Iterable[_Seen]) -> Iterator[_Chunk]:
    """Cut the stream into chunks of half a second, each with its neighbours on both sides."""
    waiting: list[_Seen] = []
    before: list[_Seen] = []
    for item in watched:
        waiting.append(item)
        if item.time_s - waiting[0].time_s < _CHUNK_S + _SMOOTH_S:
            continue
        cut = next(i for i, other in enumerate(waiting) if other.time_s - waiting[0].time_s >= _CHUNK_S)
        frames, waiting = waiting[:cut], waiting[cut:]
        yield _Chunk(frames, before, list(waiting))
        before = [other for other in frames if frames[-1].time_s - other.time_s <= _SMOOTH_S]
    if waiting:
        yield _Chunk(waiting, before, [])


def _points(item: _Seen) -> Array:
    if item.seen.points is None or not item.seen.found:
        return np.full((68, 2), np.nan)
    return item.seen.points.astype(np.float64)


def _patch(image: UInt8Array, points: npt.NDArray[np.floating]) -> tuple[UInt8Array, Array]:
    """Copy what lies around the face, at most twice the size that is needed, with its map to image pixels."""
    middle = points[[36, 45, 33, 57]].mean(axis=0)
    side = 2.5 * float(np.linalg.norm(points[42:48].mean(axis=0) - points[36:42].mean(axis=0)))
    low = np.maximum(np.floor(middle - 0.85 * side), 0).astype(int)
    high = np.minimum(np.ceil(middle + 0.85 * side), image.shape[1::-1]).astype(int)
    part = image[low[1] : max(high[1], low[1] + 1), low[0] : max(high[0], low[0] + 1)]
    shrink = min(1.0, _PATCH_PX / max(side, 1.0))
    if shrink < 0.75:
        size = (max(1, round(part.shape[1] * shrink)), max(1, round(part.shape[0] * shrink)))
        small = cv2.resize(part, size, interpolation=cv2.INTER_AREA)
        sx, sy = part.shape[1] / size[0], part.shape[0] / size[1]
        to_image = np.array([[sx, 0, low[0] + (sx - 1) / 2], [0, sy, low[1] + (sy - 1) / 2]])
        return small, to_image
    return part.copy(), np.array([[1.0, 0.0, low[0]], [0.0, 1.0, low[1]]])


def _warp(patch: UInt8Array, matrix: Array) -> UInt8Array:
    size = (FACE_PX, FACE_PX)
    if np.hypot(*matrix[0, :2]) < 0.6:  # INTER_AREA-like: no aliasing where the face is much larger than the crop
        patch = cv2.GaussianBlur(patch, (0, 0), 0.35 / float(np.hypot(*matrix[0, :2])))
    return cv2.warpAffine(patch, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def _eye_opening(points: npt.NDArray[np.floating]) -> float:
    """Height over width of the eyes (Soukupova & Cech 2016), the mean of both."""
    heights = np.linalg.norm(points[[37, 38, 43, 44]] - points[[41, 40, 47, 46]], axis=1)
    widths = np.linalg.norm(points[[36, 42]] - points[[39, 45]], axis=1)
    return float(heights.reshape(2, 2).mean(axis=1).mean() / max(widths.mean(), 1e-6))
