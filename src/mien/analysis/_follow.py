"""One pass over a video: follow its faces, register them, measure how their regions move. A few numbers per frame."""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

import cv2
import numpy as np
import numpy.typing as npt

from mien.core import UInt8Array
from mien.faces import Box, FaceTracks, Observation, apply_affine, compose, eye_crop_matrix, invert, register_points
from mien.motion import optical_flow
from mien.spotting import REGIONS, Curves, FaceRegions
from mien.video import Frame

__all__ = ["FACE_PX", "Following", "Seen", "Track"]

Array = npt.NDArray[np.float64]

FACE_PX = 128
"""Side of the registered face, px."""

_CHUNK_S = 0.5
_SMOOTH_S = 0.25  # landmarks this long before and after a chunk smooth its registration
_COLUMNS = 14  # frame, time, found, looked, box (4), quality (5), opening of the eyes
_LOOK_S = 0.014  # landmarks are found in frames this far apart: up to 70 a second in each, of 200 in every third
_PATCH_PX = 1.5 * FACE_PX  # a face this many times larger in the video is kept that many times smaller


@dataclass(slots=True)
class Track:
    """What is known of one face, from the first frame that shows it to the last.

    Attributes
    ----------
    face : int
        Its number, from 1.
    frames : int array, (T,)
        Frame numbers.
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
    motion : float array, (T,)
        The motion curve that was thresholded (:attr:`Interval.score` is its height); nan where there is no face, or
        where it was not spotted in yet.
    """

    face: int
    frames: npt.NDArray[np.int64]
    times_s: Array
    found: npt.NDArray[np.bool_]
    boxes: Array
    quality: Array
    events: list[tuple[int, str]]
    curves: Curves
    motion: Array

    def rows(self, first: int, last: int) -> slice:
        """The rows of the frames from first to last, both included."""
        low, high = np.searchsorted(self.frames, [first, last + 1])
        return slice(int(low), int(high))


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
class _Chunk:
    """Frames whose motion is measured together, with the neighbours that smooth their registration."""

    frames: list[Seen]
    before: list[Seen]
    after: list[Seen]


@dataclass(slots=True)
class _Measure:
    """Measures the chunks in order: state that goes from one to the next."""

    reference: Array | None = None  # landmarks of the first good frame
    to_crop: Array | None = None
    last: UInt8Array | None = None  # the last registered face, the reference of the next chunk's flow
    place: Array = field(default_factory=lambda: np.zeros((len(REGIONS), 2)))
    regions: FaceRegions | None = None

    def __call__(self, chunk: _Chunk) -> Array:
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

    def _register(self, chunk: _Chunk) -> Array:
        around = [*chunk.before, *chunk.frames, *chunk.after]
        points, times = np.array([_points(item) for item in around]), np.array([item.time_s for item in around])
        looked = np.array([item.looked for item in around])
        _fill(points.reshape(len(around), -1), times, looked, np.isfinite(points[:, 0, 0]))
        if self.reference is None:
            good = np.flatnonzero(np.isfinite(points[:, 0, 0]))
            if not len(good):
                return np.full((len(chunk.frames), 2, 3), np.nan)
            self.reference = points[good[0]]
            self.to_crop = eye_crop_matrix(self.reference, FACE_PX)
        start = len(chunk.before)
        return register_points(points, times, self.reference)[start : start + len(chunk.frames)]

    def _regions(self) -> FaceRegions:
        if self.regions is None:
            assert self.reference is not None
            assert self.to_crop is not None
            self.regions = FaceRegions.from_points(apply_affine(self.to_crop, self.reference), FACE_PX)
        return self.regions

    def _head(self, moves: Array) -> Array:
        """Where the middle of the face is (N, 2), in pixels of a face of the first frame's size."""
        assert self.reference is not None
        assert self.to_crop is not None
        middle = np.broadcast_to(self.reference[27:36].mean(axis=0), (len(moves), 1, 2))
        return apply_affine(self.to_crop, apply_affine(invert(moves), middle)[:, 0])


class Following:
    """Faces followed through frames that are pushed one by one; what is known so far can be asked for at any time.

    Landmarks cost most and say little in one frame, being smoothed over a quarter of a second: above 70 frames a second
    they are found in some frames, at least 48 a second, and taken to move evenly in between. Motion is measured in
    every frame.

    Frames go through in chunks of half a second. A second thread warps the faces of the chunk before and estimates
    their flow, so that both cores have work.

    Parameters
    ----------
    tracks : FaceTracks
        Says where the faces are.
    keep : callable, optional
        Given the number of a face and what was seen of it, for every face and frame in order: for those who need its
        pictures again and cannot read the source twice.

    Examples
    --------
    >>> from mien.faces import FaceTracks, face_backend
    >>> with Following(FaceTracks(face_backend("precropped"))) as following:
    ...     for index in range(9):
    ...         following.push(Frame(index, index / 100, np.zeros((128, 128), np.uint8)))
    >>> [(track.face, len(track.times_s)) for track in following.known()], len(following.times_s)
    ([(1, 9)], 9)
    """

    def __init__(self, tracks: FaceTracks, keep: Callable[[int, Seen], None] | None = None) -> None:
        self._tracks = tracks
        self._keep = keep
        self._times = array("d")
        self._frames = array("q")
        self._faces: dict[int, _Face] = {}
        self._worker = ThreadPoolExecutor(max_workers=1)
        self._looked_s = -math.inf
        self._seen: dict[int, Observation] = {}

    def __enter__(self) -> Following:
        return self

    def __exit__(self, failed: type[BaseException] | None, *_: object) -> None:
        """Measure what waits; after Ctrl-C too, so that what was read is kept."""
        try:
            if failed is None or issubclass(failed, KeyboardInterrupt):
                for face in self._faces.values():
                    face.finish(self._worker)
        finally:
            self._worker.shutdown(cancel_futures=True)

    def push(self, frame: Frame) -> None:
        """Take the next grey frame."""
        self._times.append(frame.time_s)
        self._frames.append(frame.index)
        looked = not 0 <= frame.time_s - self._looked_s < _LOOK_S
        if looked:
            self._seen, self._looked_s = self._tracks.update(frame.image, frame.time_s), frame.time_s
        for number, seen in self._seen.items():
            if number not in self._faces:
                self._faces[number] = _Face(number, late=len(self._times) > 1)
            item = self._faces[number].push(frame, seen, self._worker, looked=looked)
            if self._keep is not None:
                self._keep(number, item)

    def forget(self, before_s: float) -> None:
        """Drop the numbers of frames before this time: memory for an endless recording."""
        gone = bisect_left(self._times, before_s)
        del self._times[:gone], self._frames[:gone]
        for face in self._faces.values():
            face.forget(before_s)

    @property
    def times_s(self) -> Array:
        """Presentation times of all frames so far."""
        return np.array(self._times)

    @property
    def frames(self) -> npt.NDArray[np.int64]:
        """Numbers of all frames so far."""
        return np.array(self._frames, dtype=np.int64)

    def known(self, since_s: float = -math.inf) -> list[Track]:
        """Every face so far, as far as its motion is measured, that was there for long enough to say anything."""
        tracks = (face.track(since_s) for face in self._faces.values())
        return [track for track in tracks if track is not None]


class _Face:
    """One face: its frames on their way, and the numbers kept of those that are through."""

    def __init__(self, number: int, *, late: bool = False) -> None:
        self.number, self.late = number, late
        self.rows = array("d")
        self.events: list[tuple[int, str]] = []
        self.measure = _Measure()
        self.waiting: list[Seen] = []
        self.before: list[Seen] = []
        self.pending: deque[Future[Array]] = deque()
        self.moved = array("f")

    def push(self, frame: Frame, seen: Observation, worker: ThreadPoolExecutor, *, looked: bool) -> Seen:
        """Take a frame; when half a second has come together, have its motion measured."""
        self._note(frame.index, frame.time_s, seen, looked)
        patch, to_image = _patch(frame.image, seen.points) if seen.found and seen.points is not None else (None, None)
        item = Seen(frame.index, frame.time_s, looked, seen, patch, to_image)
        self.waiting.append(item)
        if item.time_s - self.waiting[0].time_s < _CHUNK_S + _SMOOTH_S:
            return item
        start = self.waiting[0].time_s
        cut = next(i for i, other in enumerate(self.waiting) if other.time_s - start >= _CHUNK_S)
        frames, self.waiting = self.waiting[:cut], self.waiting[cut:]
        self._submit(_Chunk(frames, self.before, list(self.waiting)), worker)
        self.before = [other for other in frames if frames[-1].time_s - other.time_s <= _SMOOTH_S]
        return item

    def forget(self, before_s: float) -> None:
        """Drop the rows of frames before this time whose motion is measured."""
        measured = len(self.moved) // (2 * len(REGIONS) + 2)
        gone = min(bisect_left(self.rows[1::_COLUMNS], before_s), measured)
        del self.rows[: gone * _COLUMNS], self.moved[: gone * (2 * len(REGIONS) + 2)]
        first = self.rows[0] if self.rows else math.inf
        self.events = [event for event in self.events if event[0] >= first]

    def finish(self, worker: ThreadPoolExecutor) -> None:
        """Measure the last frames, and wait."""
        if self.waiting:
            self._submit(_Chunk(self.waiting, self.before, []), worker)
            self.waiting = []
        while self.pending:
            self._take()

    def track(self, since_s: float) -> Track | None:
        """What is known; None of a face that was there for a moment only."""
        while self.pending and self.pending[0].done():
            self._take()
        moved = np.array(self.moved).reshape(-1, 2 * len(REGIONS) + 2)
        table = np.array(self.rows).reshape(-1, _COLUMNS)[: len(moved)]
        there = np.flatnonzero(table[:, 2] > 0)
        if not len(there):
            return None
        keep = slice(max(there[0], int(np.searchsorted(table[:, 1], since_s))), there[-1] + 1)
        more = (self.late or keep.start > 0, keep.stop < len(table))
        table, moved = table[keep], moved[keep]
        _fill(table[:, 4:], table[:, 1], table[:, 3] > 0, table[:, 2] > 0)
        if len(table) < 2 or not (table[:, 2] > 0).any():
            return None
        frames, times = table[:, 0].astype(np.int64), table[:, 1]
        regions = moved[:, :-2].reshape(-1, len(REGIONS), 2)
        return Track(
            face=self.number,
            frames=frames,
            times_s=times,
            found=table[:, 2] > 0,
            boxes=table[:, 4:8],
            quality=table[:, 8:13],
            events=list(self.events),
            curves=Curves(times, frames, regions, table[:, 13], moved[:, -2:], more),
            motion=np.full(len(times), np.nan),
        )

    def _submit(self, chunk: _Chunk, worker: ThreadPoolExecutor) -> None:
        self.pending.append(worker.submit(self.measure, chunk))
        if len(self.pending) > 2:  # at most two chunks of pictures wait; and a fault shows at once
            self._take()

    def _take(self) -> None:
        moved = self.pending[0].result()  # Ctrl-C strikes while one waits: the chunk must then still be there
        self.pending.popleft()
        self.moved.frombytes(moved.astype(np.float32).tobytes())

    def _note(self, index: int, time_s: float, seen: Observation, looked: bool) -> None:
        if not looked:  # found out between the frames in which it was (_fill)
            self.rows.extend((index, time_s, float(seen.found), 0.0, *[math.nan] * (_COLUMNS - 4)))
            return
        quality = seen.quality
        box = seen.box if seen.box is not None else Box(*[math.nan] * 4)
        eyes = _eye_opening(seen.points) if seen.found and seen.points is not None else math.nan
        pose = (quality.size_px, quality.blur, quality.yaw, quality.pitch, quality.roll)
        self.rows.extend((index, time_s, float(seen.found), 1.0, *box, *pose, eyes))
        if seen.event:
            self.events.append((index, seen.event))


def _fill(values: Array, times_s: Array, looked: npt.NDArray[np.bool_], found: npt.NDArray[np.bool_]) -> None:
    """Between the frames in which a face was looked for (T, C), let what is known of it change evenly."""
    known, gaps = found & looked, found & ~looked
    if gaps.any() and known.any():
        columns = [np.interp(times_s[gaps], times_s[known], column) for column in values[known].T]
        values[gaps] = np.stack(columns, axis=-1)


def _points(item: Seen) -> Array:
    if item.seen.points is None or not item.seen.found:
        return np.full((68, 2), np.nan)
    return item.seen.points.astype(np.float64)


def _to_image(item: Seen) -> Array:
    return np.full((2, 3), np.nan) if item.patch is None or item.to_image is None else item.to_image


def _patch(image: UInt8Array, points: npt.NDArray[np.floating]) -> tuple[UInt8Array, Array]:
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
