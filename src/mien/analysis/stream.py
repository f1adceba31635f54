"""Intervals as they close, while the frames still come in: a camera, a file, or any source of frames."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from mien.analysis._follow import Following, Track
from mien.analysis._measure import Seen
from mien.analysis._movements import with_movements
from mien.analysis._read import name_emotion
from mien.analysis.analyze import _is_a_face, _noted
from mien.core import Interval, MienError, UInt8Array
from mien.faces import Box, FaceBackend, FaceTracks, face_backend
from mien.methods import load_model
from mien.recipes import Face, Recipe, Take, run
from mien.spotting import SPOTTERS, SpotSettings
from mien.video import Frame, camera_number, open_camera, open_video

__all__ = ["Streaming", "stream"]

Array = npt.NDArray[np.float64]

_WINDOW_S = 30.0  # spotted in at a time: the noise of a region is judged over it
_LEAST_S = 3.0  # less than this says nothing of the noise yet
_EVERY_S = 1.0
_LAG_S = 2.0  # motion is measured in chunks: it is known this long after the frame, at most
_KEEP_S = 1.6 + _LAG_S + _EVERY_S  # from an onset to the moment its interval is read, beside the latency


def stream(
    source: Path | str | Iterable[Frame],
    *,
    fps: float | None = None,
    model: Path | str = "default",
    faces: str = "dlib",
    spotter: str = "mien",
    settings: SpotSettings | None = None,
    most_faces: int = 4,
    latency_s: float = 1.0,
) -> Iterator[Interval]:
    """Find and read micro-expressions while the source is being read.

    Memory does not grow with the length of the source. The times are those that :func:`mien.analyze` gives; as the
    noise is judged over the last 30 s rather than over the whole recording, a faint interval may be found by one and
    not by the other. An interval is yielded once, in the order in which they close: at most ``latency_s`` + 3 s of
    recording after its offset.

    Parameters
    ----------
    source : path, "camera:N", or iterable of Frame
        A video file; a folder of images (then ``fps`` is needed); a camera by its number; or frames, grey or RGB, with
        increasing times.
    fps : float, optional
        Frames per second of a folder of images; of a camera, what is asked of it.
    model, faces, spotter, settings, most_faces
        As in :func:`mien.analyze`.
    latency_s : float
        Seconds that must be known after an offset before the interval is trusted; below half a second, movements are
        cut short.

    Yields
    ------
    Interval
        With emotion, confidence, movements, action units and notes.

    Raises
    ------
    MienError
        At the call: if the source cannot be opened or a setting cannot be. While reading: if the frames come in the
        wrong order, or a camera stops.

    Examples
    --------
    >>> import tempfile
    >>> import mien
    >>> clip = mien.render(Path(tempfile.mkdtemp()) / "a.mp4", fps=60, seconds=2, size=(160, 120), seed=3)
    >>> all(interval.offset_s <= 2 for interval in mien.stream(clip))
    True
    """
    streaming = Streaming(
        model=model, faces=faces, spotter=spotter, settings=settings, most_faces=most_faces, latency_s=latency_s
    )
    return _intervals(_frames(source, fps), streaming)


def _frames(source: Path | str | Iterable[Frame], fps: float | None) -> Iterable[Frame]:
    if not isinstance(source, Path | str):
        return source
    number = camera_number(source)
    return open_video(source, fps=fps, grey=True) if number is None else open_camera(number, fps=fps)


def _intervals(frames: Iterable[Frame], streaming: Streaming) -> Iterator[Interval]:
    with ExitStack() as stack:
        if isinstance(frames, AbstractContextManager):
            stack.enter_context(frames)
        stack.enter_context(streaming)
        for frame in frames:
            yield from streaming.push(frame)
        yield from streaming.finish()


class Streaming:
    """Micro-expressions of frames that are pushed one by one; :func:`stream` is its generator form.

    Parameters
    ----------
    model, faces, spotter, settings, most_faces, latency_s
        As in :func:`stream`.

    Raises
    ------
    MienError
        If the model, the face backend or the spotting method does not exist, or the latency cannot be.

    Examples
    --------
    >>> with Streaming(faces="precropped") as streaming:
    ...     still = np.zeros((128, 128), np.uint8)
    ...     found = [streaming.push(Frame(index, index / 50, still)) for index in range(60)]
    ...     streaming.finish(), streaming.face_found
    ([], True)
    """

    def __init__(
        self,
        *,
        model: Path | str = "default",
        faces: str = "dlib",
        spotter: str = "mien",
        settings: SpotSettings | None = None,
        most_faces: int = 4,
        latency_s: float = 1.0,
    ) -> None:
        if not 0 <= latency_s <= 10:
            raise MienError(f"got a latency of {latency_s} s; expected 0 to 10; 1 is usual")
        self._model = load_model(model)
        self._spot = SPOTTERS[spotter].spot
        self._settings = settings or SpotSettings()
        self._weak = self._settings.least_score if spotter == "mien" else 0.0  # others score on other scales
        self._latency_s = latency_s
        backend = face_backend(faces)
        self._recent = _Recent(_KEEP_S + latency_s, self._model.recipe, backend)
        self._following = Following(FaceTracks(backend, most=most_faces), self._recent.keep)
        self._last: Frame | None = None
        self._first_s = self._spotted_s = np.nan
        self._told: list[Interval] = []
        self._motion: tuple[Array, Array] = (np.empty(0), np.empty(0))

    def __enter__(self) -> Streaming:
        return self

    def __exit__(self, failed: type[BaseException] | None, *details: object) -> None:
        self._following.__exit__(failed, *details)

    @property
    def face_found(self) -> bool:
        """Whether the newest frame shows a face."""
        return self._last is not None and self._recent.newest == self._last.index

    @property
    def motion(self) -> tuple[Array, Array]:
        """Times (s) and the motion curve, pixels at a 128-px face, of the last half minute, as last spotted in."""
        return self._motion

    def push(self, frame: Frame) -> list[Interval]:
        """Take the next frame; return the intervals that closed.

        Raises
        ------
        MienError
            If it is no frame, or not later than the one before.
        """
        self._check(frame)
        self._last = frame
        self._following.push(replace(frame, image=_grey(frame.image)))
        if frame.time_s - self._spotted_s < _EVERY_S or frame.time_s - self._first_s < _LEAST_S:
            return []
        self._spotted_s = frame.time_s
        self._following.forget(frame.time_s - _WINDOW_S)
        return self._closed(self._latency_s)

    def finish(self) -> list[Interval]:
        """Say that no more frames come; return the intervals that are left."""
        self._following.__exit__(None)
        return self._closed(-np.inf)

    def _check(self, frame: Frame) -> None:
        if not isinstance(frame, Frame):
            raise MienError(f"got a {type(frame).__name__} to stream; expected mien.video.Frame records; make them so")
        if self._last is None:
            self._first_s = self._spotted_s = frame.time_s
        elif not (frame.time_s > self._last.time_s and frame.index > self._last.index):
            raise MienError(
                f"got frame {frame.index} at {frame.time_s:.3f} s after frame {self._last.index} at "
                f"{self._last.time_s:.3f} s; expected increasing numbers and times; sort them"
            )

    def _closed(self, latency_s: float) -> list[Interval]:
        """Intervals that ended this long ago, were not told yet and can still be read, in time order."""
        found: list[Interval] = []
        tracks = [track for track in self._following.known() if _is_a_face(track)]
        for track in tracks:
            micro, _, track.motion = self._spot(track.curves, self._settings, track.face)
            assert self._last is not None
            known_s = max(float(track.times_s[-1]), self._last.time_s - _LAG_S)
            closed = [one for one in micro if one.offset_s <= known_s - latency_s and not self._is_told(one)]
            found += [self._read(one, track, micro) for one in closed if self._recent.has(one)]
        self._motion = _highest(tracks)
        self._told = [one for one in self._told if one.offset_s > self._spotted_s - _WINDOW_S] + found
        return sorted(found, key=lambda one: (one.onset_s, one.face))

    def _read(self, one: Interval, track: Track, others: Sequence[Interval]) -> Interval:
        moved = with_movements(one, track, others)
        made = self._recent.read(one, track)
        return _noted(name_emotion(moved, track, self._model, made, self._weak), track)

    def _is_told(self, one: Interval) -> bool:
        """Whether it is known: seen again with more frames, its bounds may shift a little."""
        return any(
            one.face == other.face and one.onset_s < other.offset_s and other.onset_s < one.offset_s
            for other in self._told
        )


class _Recent:
    """The faces of the last seconds as pictures, so that an interval can be read without its source."""

    def __init__(self, keep_s: float, recipe: Recipe, backend: FaceBackend) -> None:
        self._keep_s = keep_s
        self._recipe = recipe
        self._backend = backend
        self._faces: dict[int, deque[Seen]] = {}
        self.newest = -1

    def keep(self, face: int, seen: Seen) -> None:
        """Take what was seen of a face, and let go of what is too old."""
        kept = self._faces.setdefault(face, deque())
        while kept and seen.time_s - kept[0].time_s > self._keep_s:
            kept.popleft()
        if seen.patch is not None:
            self.newest = seen.index
            kept.append(seen)

    def has(self, interval: Interval) -> bool:
        """Whether all its pictures are still there."""
        kept = self._faces[interval.face]
        return bool(kept) and kept[0].index <= interval.onset_frame and interval.offset_frame <= kept[-1].index

    def read(self, interval: Interval, track: Track) -> npt.NDArray[Any]:
        """What the model's recipe makes of the interval."""
        made = run(self._recipe, self._take(interval, track))
        assert made.array is not None
        return made.array

    def _take(self, interval: Interval, track: Track) -> Take:
        """The interval as recipes read clips; its pictures show the part of the frame where the face moves."""
        first, last = interval.onset_frame, interval.offset_frame
        seen = {one.index: one for one in self._faces[interval.face] if first <= one.index <= last}
        region = _around([_place(one) for one in seen.values()])
        took = interval.offset_s - interval.onset_s

        def read(wanted: Sequence[int]) -> Iterator[UInt8Array]:
            return (_pasted(seen[number], region) for number in wanted)

        def locate(image: UInt8Array, number: int, faces: str, near: Box | None) -> Face:
            x, y, width, height = track.boxes[track.rows(number, number).start]
            box = Box(x - region[0], y - region[1], width, height)
            return Face(self._backend.landmarks(image, box), box)

        return Take(
            name=f"{interval.onset_s:.2f} s",
            onset=first,
            apex=interval.apex_frame,
            offset=last,
            fps=(last - first) / took if took > 0 else None,
            read=read,
            locate=locate,
        )


_Region = tuple[int, int, int, int]  # left, top, right, bottom; image px


def _place(seen: Seen) -> _Region:
    """Where in the image a kept picture was cut out."""
    assert seen.patch is not None
    assert seen.to_image is not None
    height, width = seen.patch.shape[:2]
    (sx, _, x), (_, sy, y) = seen.to_image
    left, top = round(x - (sx - 1) / 2), round(y - (sy - 1) / 2)
    return left, top, left + round(sx * width), top + round(sy * height)


def _around(places: Sequence[_Region]) -> _Region:
    lows, highs = np.array(places)[:, :2].min(axis=0), np.array(places)[:, 2:].max(axis=0)
    return int(lows[0]), int(lows[1]), int(highs[0]), int(highs[1])


def _pasted(seen: Seen, region: _Region) -> UInt8Array:
    """A kept picture at its place in a part of the image, at the image's scale; black around."""
    left, top, right, bottom = _place(seen)
    assert seen.patch is not None
    canvas = np.zeros((region[3] - region[1], region[2] - region[0]), np.uint8)
    part = cv2.resize(seen.patch, (right - left, bottom - top), interpolation=cv2.INTER_LINEAR)
    canvas[top - region[1] : bottom - region[1], left - region[0] : right - region[0]] = part
    return canvas


def _highest(tracks: Sequence[Track]) -> tuple[Array, Array]:
    """The motion of the face that moves most at each time."""
    times = np.unique(np.concatenate([np.empty(0), *(track.times_s for track in tracks)]))
    curve = np.full(len(times), np.nan)
    for track in tracks:
        rows = np.searchsorted(times, track.times_s)
        curve[rows] = np.fmax(curve[rows], track.motion)
    return times, curve


def _grey(image: UInt8Array) -> UInt8Array:
    return image if image.ndim == 2 else np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8)
