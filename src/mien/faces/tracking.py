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

__all__ = ["FaceTracker", "Observation", "box_around"]

# How dlib's detector frames the 68 points (medians over six clips and 99 portraits): root mean square distance from
# their mean 0.35 of the box, mean 0.043 of the box below its middle.
_RMS_SHARE, _MEAN_BELOW = 0.35, 0.043
_FACE_PX = 100  # a re-check looks at the face at this size: HOG needs 80
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
    [2, 4, 96, 96]
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

    Examples
    --------
    >>> from mien.faces import face_backend
    >>> tracker = FaceTracker(face_backend("precropped"))
    >>> frame = np.zeros((128, 128), np.uint8)
    >>> [tracker.update(frame, time_s).event for time_s in (0.0, 0.04)]
    ['found', '']
    """

    def __init__(self, backend: FaceBackend, *, recheck_s: float = 0.5, search_s: float = 0.2) -> None:
        if not (recheck_s > 0 and search_s > 0):
            raise MienError(f"got recheck_s={recheck_s}, search_s={search_s}; expected positive seconds")
        self._backend = backend
        self._recheck_s = recheck_s
        self._search_s = search_s
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
        if 0 <= time_s - self._searched_s < self._search_s:
            return self._absent()
        box = self._search(image, time_s)
        return self._absent() if box is None else self._enter(image, time_s, box, "found")

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
            if _overlap(confirmed, seen) < 0.4:  # drifted: start again on what the detector sees
                return self._enter(image, time_s, confirmed, "")
        self._box = self._last_box = _eased(box, seen)
        self._remember(face)
        return self._present(points, face, "")

    def _enter(self, image: UInt8Array, time_s: float, box: Box, event: Literal["", "found"]) -> Observation:
        """Start to follow the face in a detected box."""
        points = self._backend.landmarks(image, box)
        self._box = self._last_box = box_around(points)
        self._checked_s = time_s
        face = _face(image, self._box)
        self._face = None
        self._remember(face)
        return self._present(points, face, event)

    def _reacquire(self, image: UInt8Array, time_s: float) -> Observation:
        """The check failed: look at the whole frame, then give up."""
        before, self._box = self._last_box, None
        self._searches = 0
        box = self._search(image, time_s)
        if box is None:
            return Observation(False, None, None, NO_FACE, "lost", self._checked_s)
        same = before is not None and _overlap(box, before) > 0.3
        return self._enter(image, time_s, box, "" if same else "found")
