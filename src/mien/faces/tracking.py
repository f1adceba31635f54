"""Follow one face through a video, at about the cost of one landmark call per frame."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from mien.core import FloatArray, MienError, UInt8Array
from mien.faces.backend import Box, FaceBackend
from mien.faces.quality import NO_FACE, Quality, measure_quality

__all__ = ["FaceTracker", "Observation", "box_around", "distance", "overlap", "resized", "scaled"]

# How dlib's detector frames the 68 points (medians over six clips and 99 portraits): root mean square distance from
# their mean 0.35 of the box, mean 0.043 of the box below its middle.
_RMS_SHARE, _MEAN_BELOW = 0.35, 0.043
_FACE_PX = 100  # a re-check looks at the face at this size: HOG needs 80
_STILL = 0.3  # a box that shares this much with the one before holds the same face
_PATCH = 64  # pixels: the face by which sharpness and sudden change are judged


@dataclass(frozen=True, slots=True)
class Observation:
    """What was seen of the followed face in one frame.

    Attributes
    ----------
    found : bool
        Whether the face is there.
    box : Box or None
        Its rectangle (brows to chin), image pixels.
    points : float32 array, (68, 2), or None
        Landmarks, image pixels.
    quality : Quality
        Size, sharpness, pose; all nan where not found.
    event : {"", "found", "lost"}
        "found": first seen, seen again, or another face after a cut; "lost": gone from this frame on.
    checked_s : float
        When the detector last confirmed the face. Frames between this time and a "lost" were followed by
        landmarks alone and are doubtful.
    """

    found: bool
    box: Box | None
    points: FloatArray | None
    quality: Quality
    event: Literal["", "found", "lost"] = ""
    checked_s: float = math.nan


def box_around(points: npt.ArrayLike) -> Box:
    """The box in which dlib's detector would frame these points (its predictor was trained on such boxes).

    Examples
    --------
    >>> from mien.faces import canonical_points
    >>> [round(value) for value in box_around(canonical_points(100))]
    [2, -6, 95, 95]
    """
    points = np.asarray(points, np.float64)
    middle = points.mean(axis=0)
    offsets = points - middle
    side = math.sqrt(float((offsets * offsets).sum()) / len(points)) / _RMS_SHARE
    return Box(float(middle[0]) - side / 2, float(middle[1]) - (0.5 + _MEAN_BELOW) * side, side, side)


class FaceTracker:
    """Follow the largest face of a video; after a loss, the one nearest to where it was.

    The detector, tens of milliseconds, runs on whole frames only while there is no face. Afterwards the landmarks of
    one frame give the box of the next, and every ``recheck_s``, or at once when the face jumps or changes abruptly, a
    small picture around the face is shown to the detector.

    Parameters
    ----------
    backend : FaceBackend
        From :func:`mien.faces.face_backend`.
    recheck_s : float
        Seconds between two checks that the face is still there.
    search_s : float
        Seconds between two searches while there is none.
    alone : bool
        Whether it looks for the face itself; else it is told by :meth:`enter` (:class:`mien.faces.FaceTracks`).

    Examples
    --------
    >>> from mien.faces import face_backend
    >>> tracker = FaceTracker(face_backend("precropped"))
    >>> frame = np.zeros((128, 128), np.uint8)
    >>> [tracker.update(frame, time_s).event for time_s in (0.0, 0.04)]
    ['found', '']
    """

    def __init__(
        self, backend: FaceBackend, *, recheck_s: float = 0.5, search_s: float = 0.2, alone: bool = True
    ) -> None:
        if not (recheck_s > 0 and search_s > 0):
            raise MienError(f"got recheck_s={recheck_s}, search_s={search_s}; expected positive seconds")
        self._backend = backend
        self._recheck_s = recheck_s
        self._search_s = search_s
        self._alone = alone
        self._box: Box | None = None  # where the predictor looks; None while there is no face
        self._last_box: Box | None = None  # where the face was when last seen
        self._face: npt.NDArray[np.float32] | None = None  # how it has looked lately, for sudden change
        self._checked_s = -math.inf
        self._searched_s = -math.inf
        self._searches = 0

    def update(self, image: UInt8Array, time_s: float) -> Observation:
        """Take the next frame.

        Parameters
        ----------
        image : uint8 array, (H, W)
            Grey (an RGB image works and costs a conversion of the face).
        time_s : float
            Its presentation time.

        Returns
        -------
        Observation

        Raises
        ------
        MienError
            If the image is not one.
        """
        if image.dtype != np.uint8 or image.ndim not in (2, 3) or image.size == 0:
            raise MienError(f"got a frame {image.dtype} {image.shape}; expected uint8 (H, W)")
        if self._box is not None:
            return self._follow(image, time_s, self._box)
        if not self._alone or 0 <= time_s - self._searched_s < self._search_s:
            return self._absent()
        box = self._search(image, time_s)
        return self._absent() if box is None else self._enter(image, time_s, box, "found")

    @property
    def last_box(self) -> Box | None:
        """Where the face was when last seen."""
        return self._last_box

    def enter(self, image: UInt8Array, time_s: float, box: Box, *, again: bool = False) -> Observation:
        """Begin to follow the face in a box; ``again`` when it was there a frame ago, at this very place."""
        before = self._last_box
        same = again and before is not None and overlap(box, before) > _STILL
        return self._enter(image, time_s, box, "" if same else "found")

    def let_go(self) -> None:
        """Follow no longer."""
        self._box = None

    def _follow(self, image: UInt8Array, time_s: float, box: Box) -> Observation:
        points = self._backend.landmarks(image, box)
        seen = box_around(points)
        face = _face(image, seen)
        abrupt = face is None or _jumped(box, seen) or self._changed(face)
        if abrupt or not 0 <= time_s - self._checked_s < self._recheck_s:
            confirmed = self._confirm(image, seen)
            if confirmed is None:
                return self._reacquire(image, time_s)
            self._checked_s = time_s
            if overlap(confirmed, seen) < 0.4:  # drifted: start again on what the detector sees
                return self._enter(image, time_s, confirmed, "")
        self._box = self._last_box = _eased(box, seen)
        self._remember(face, afresh=abrupt)
        return self._present(points, face, "")

    def _enter(self, image: UInt8Array, time_s: float, box: Box, event: Literal["", "found"]) -> Observation:
        """Start to follow the face in a detected box."""
        points = self._backend.landmarks(image, box)
        self._box = self._last_box = box_around(points)
        self._checked_s = time_s
        face = _face(image, self._box)
        self._remember(face, afresh=True)
        return self._present(points, face, event)

    def _reacquire(self, image: UInt8Array, time_s: float) -> Observation:
        """The check failed: look at the whole frame, then give up."""
        before, self._box = self._last_box, None
        if not self._alone:
            return Observation(False, None, None, NO_FACE, "lost", self._checked_s)
        self._searches = 5  # a look of middle size
        box = self._search(image, time_s)
        if box is None:
            return Observation(False, None, None, NO_FACE, "lost", self._checked_s)
        same = before is not None and overlap(box, before) > _STILL
        return self._enter(image, time_s, box, "" if same else "found")

    def _search(self, image: UInt8Array, time_s: float) -> Box | None:
        """Look at the whole frame: mostly very small, now and then larger for small faces."""
        longest = 1280 if self._searches % 50 == 0 else 640 if self._searches % 5 == 0 else 320
        self._searches += 1
        self._searched_s = time_s
        scale = min(1.0, longest / max(image.shape[:2]))
        found = [scaled(box, 1 / scale) for box in self._backend.detect(resized(image, scale))]
        if not found:
            return None
        last = self._last_box
        return found[0] if last is None else min(found, key=lambda box: distance(box, last))

    def _confirm(self, image: UInt8Array, seen: Box) -> Box | None:
        """Show the detector the face and its surroundings, at the smallest size that it needs."""
        height, width = image.shape[:2]
        left, top = max(0, int(seen.x - seen.w / 2)), max(0, int(seen.y - seen.h / 2))
        right, bottom = min(width, int(seen.x + 1.5 * seen.w)), min(height, int(seen.y + 1.5 * seen.h))
        if right - left < 8 or bottom - top < 8:
            return None
        scale = _FACE_PX / seen.w
        found = self._backend.detect(resized(image[top:bottom, left:right], scale))
        boxes = [_moved(scaled(box, 1 / scale), left, top) for box in found]
        best = max(boxes, key=lambda box: overlap(box, seen), default=None)
        return best if best is not None and overlap(best, seen) > 0.2 else None

    def _changed(self, face: UInt8Array) -> bool:
        """Whether the face looks unlike itself a moment ago (correlation below a half)."""
        if self._face is None:
            return False
        now = _small(face)
        now, before = now - now.mean(), self._face - self._face.mean()
        scale = math.sqrt(float(np.vdot(now, now)) * float(np.vdot(before, before)))
        return float(np.vdot(now, before)) < 0.5 * scale

    def _remember(self, face: UInt8Array | None, *, afresh: bool) -> None:
        """Take the face into the running mean of how it looks."""
        if face is None:
            return
        if afresh or self._face is None:
            self._face = _small(face)
        else:
            self._face += 0.2 * (_small(face) - self._face)

    def _present(self, points: FloatArray, face: UInt8Array | None, event: Literal["", "found"]) -> Observation:
        quality = measure_quality(points, np.zeros((_PATCH, _PATCH), np.uint8) if face is None else face)
        return Observation(True, self._box, points, quality, event, self._checked_s)

    def _absent(self) -> Observation:
        return Observation(False, None, None, NO_FACE, "", self._checked_s)


def _face(image: UInt8Array, box: Box) -> UInt8Array | None:
    """The face at 64 px, grey; None where too little of it lies in the image."""
    import cv2

    height, width = image.shape[:2]
    left, top = max(0, int(box.x)), max(0, int(box.y))
    right, bottom = min(width, int(box.x + box.w)), min(height, int(box.y + box.h))
    if right - left < 8 or bottom - top < 8:
        return None
    face = cv2.resize(image[top:bottom, left:right], (_PATCH, _PATCH), interpolation=cv2.INTER_AREA)
    return np.asarray(face if face.ndim == 2 else cv2.cvtColor(face, cv2.COLOR_RGB2GRAY), np.uint8)


def _small(face: UInt8Array) -> npt.NDArray[np.float32]:
    return face[::4, ::4].astype(np.float32)


def resized(image: UInt8Array, scale: float) -> UInt8Array:
    """The image enlarged or shrunk."""
    import cv2

    if scale == 1.0:
        return image
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, None, fx=scale, fy=scale, interpolation=how), np.uint8)


def _eased(box: Box, seen: Box) -> Box:
    """Move the box to where the points are: wholly for real motion, a tenth of the way for jitter.

    A box that repeats the jitter of the points would feed it back to the predictor.
    """
    moved = math.hypot(distance(box, seen), seen.w - box.w) / box.w
    gain = min(1.0, 0.1 + (moved / 0.05) ** 2)
    return Box(*(old + gain * (new - old) for old, new in zip(box, seen, strict=True)))


def _jumped(box: Box, seen: Box) -> bool:
    """Whether the face moved by more than a quarter of itself, or grew or shrank by a third, in one frame."""
    return distance(box, seen) > 0.25 * box.w or not 0.75 < seen.w / box.w < 1.33


def distance(a: Box, b: Box) -> float:
    """Between the middles."""
    return math.hypot(a.x + a.w / 2 - b.x - b.w / 2, a.y + a.h / 2 - b.y - b.h / 2)


def overlap(a: Box, b: Box) -> float:
    """Intersection over union."""
    across = min(a.x + a.w, b.x + b.w) - max(a.x, b.x)
    down = min(a.y + a.h, b.y + b.h) - max(a.y, b.y)
    shared = max(0.0, across) * max(0.0, down)
    return shared / (a.w * a.h + b.w * b.h - shared)


def scaled(box: Box, factor: float) -> Box:
    """The box in an image that is so many times as large."""
    return Box(*(value * factor for value in box))


def _moved(box: Box, x: float, y: float) -> Box:
    return Box(box.x + x, box.y + y, box.w, box.h)
