"""One pass over a video: follow its faces and keep a few numbers of each per frame."""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mien.analysis._measure import Chunk, Measure, Seen, cut_out, fill_between
from mien.faces import Box, FaceTracks, Observation
from mien.spotting import REGIONS, Curves
from mien.video import Frame

__all__ = ["Following", "Track"]

Array = npt.NDArray[np.float64]

_CHUNK_S = 0.5
_SMOOTH_S = 0.25  # landmarks this long before and after a chunk smooth its registration
_COLUMNS = 14  # frame, time, found, looked, box (4), quality (5), opening of the eyes
_LOOK_S = 0.014  # landmarks are found in frames this far apart: up to 70 a second in each, of 200 in every third


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
        self.measure = Measure()
        self.waiting: list[Seen] = []
        self.before: list[Seen] = []
        self.pending: deque[Future[Array]] = deque()
        self.moved = array("f")

    def push(self, frame: Frame, seen: Observation, worker: ThreadPoolExecutor, *, looked: bool) -> Seen:
        """Take a frame; when half a second has come together, have its motion measured."""
        self._note(frame.index, frame.time_s, seen, looked)
        patch, to_image = cut_out(frame.image, seen.points) if seen.found and seen.points is not None else (None, None)
        item = Seen(frame.index, frame.time_s, looked, seen, patch, to_image)
        self.waiting.append(item)
        if item.time_s - self.waiting[0].time_s < _CHUNK_S + _SMOOTH_S:
            return item
        start = self.waiting[0].time_s
        cut = next(i for i, other in enumerate(self.waiting) if other.time_s - start >= _CHUNK_S)
        frames, self.waiting = self.waiting[:cut], self.waiting[cut:]
        self._submit(Chunk(frames, self.before, list(self.waiting)), worker)
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
            self._submit(Chunk(self.waiting, self.before, []), worker)
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
        fill_between(table[:, 4:], table[:, 1], table[:, 3] > 0, table[:, 2] > 0)
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

    def _submit(self, chunk: Chunk, worker: ThreadPoolExecutor) -> None:
        self.pending.append(worker.submit(self.measure, chunk))
        if len(self.pending) > 2:  # at most two chunks of pictures wait; and a fault shows at once
            self._take()

    def _take(self) -> None:
        moved = self.pending[0].result()  # Ctrl-C strikes while one waits: the chunk must then still be there
        self.pending.popleft()
        self.moved.frombytes(moved.astype(np.float32).tobytes())

    def _note(self, index: int, time_s: float, seen: Observation, looked: bool) -> None:
        if not looked:  # found out between the frames in which it was (fill_between)
            self.rows.extend((index, time_s, float(seen.found), 0.0, *[math.nan] * (_COLUMNS - 4)))
            return
        quality = seen.quality
        box = seen.box if seen.box is not None else Box(*[math.nan] * 4)
        eyes = _eye_opening(seen.points) if seen.found and seen.points is not None else math.nan
        pose = (quality.size_px, quality.blur, quality.yaw, quality.pitch, quality.roll)
        self.rows.extend((index, time_s, float(seen.found), 1.0, *box, *pose, eyes))
        if seen.event:
            self.events.append((index, seen.event))


def _eye_opening(points: npt.NDArray[np.floating]) -> float:
    """Height over width of the eyes (Soukupova & Cech 2016), the mean of both."""
    heights = np.linalg.norm(points[[37, 38, 43, 44]] - points[[41, 40, 47, 46]], axis=1)
    widths = np.linalg.norm(points[[36, 42]] - points[[39, 45]], axis=1)
    return float(heights.reshape(2, 2).mean(axis=1).mean() / max(widths.mean(), 1e-6))
