"""Follow every face of a video, each under a number of its own."""

from __future__ import annotations

import math

from mien.core import MienError, UInt8Array
from mien.faces.backend import Box, FaceBackend
from mien.faces.quality import NO_FACE
from mien.faces.tracking import FaceTracker, Observation, distance, overlap, resized, scaled

__all__ = ["FaceTracks"]

_SAME = 0.3  # two boxes that share this much (intersection over union) hold one face
_NEAR = 2.0  # face widths: a face that was lost may come back this far away


class FaceTracks:
    """Follow the faces of a video; numbers go by place alone, nobody is recognised.

    The whole picture is searched often while there is no face, and now and then while there is one, for others that
    came in. A face that was lost gets its number back when one is found near where it was, or when no other was ever
    seen.

    Parameters
    ----------
    backend : FaceBackend
        From :func:`mien.faces.face_backend`.
    most : int
        Faces followed at a time, the largest first.
    look_s : float
        Seconds between two looks for further faces.
    search_s : float
        Seconds between two searches while there is none.

    Examples
    --------
    >>> import numpy as np
    >>> from mien.faces import face_backend
    >>> tracks = FaceTracks(face_backend("precropped"))
    >>> frame = np.zeros((128, 128), np.uint8)
    >>> [(face, seen.event) for face, seen in tracks.update(frame, 0.0).items()]
    [(1, 'found')]
    """

    def __init__(self, backend: FaceBackend, *, most: int = 4, look_s: float = 2.0, search_s: float = 0.2) -> None:
        if most < 1 or not (look_s > 0 and search_s > 0):
            raise MienError(f"got most={most}, look_s={look_s}, search_s={search_s}; expected all above 0")
        self._backend = backend
        self._most = most
        self._look_s, self._search_s = look_s, search_s
        self._trackers: dict[int, FaceTracker] = {}
        self._places: dict[int, Box] = {}  # of those followed now
        self._searched_s = -math.inf
        self._searches = 0

    def update(self, image: UInt8Array, time_s: float) -> dict[int, Observation]:
        """Take the next frame.

        Parameters
        ----------
        image : uint8 array, (H, W)
            Grey (an RGB image works).
        time_s : float
            Its presentation time.

        Returns
        -------
        dict of int to Observation
            Of every face seen so far, by its number from 1; lost ones are not ``found``.

        Raises
        ------
        MienError
            If the image is not one.
        """
        seen = {face: self._trackers[face].update(image, time_s) for face in self._trackers}
        self._drop_doubles(seen)
        lost = [face for face in self._places if not seen[face].found]
        self._places = {face: found.box for face, found in seen.items() if found.box is not None}
        if self._is_time(time_s, urgent=bool(lost)):
            for face, box in self._newcomers(image, time_s, urgent=bool(lost)):
                seen[face] = self._trackers[face].enter(image, time_s, box, again=face in lost)
                if (entered := seen[face].box) is not None:
                    self._places[face] = entered
        return seen

    def _is_time(self, time_s: float, *, urgent: bool) -> bool:
        """Whether to search the whole picture."""
        wait = self._look_s if self._places else self._search_s
        room = len(self._places) < self._most
        return room and (urgent or not 0 <= time_s - self._searched_s < wait)

    def _newcomers(self, image: UInt8Array, time_s: float, *, urgent: bool) -> list[tuple[int, Box]]:
        """Faces of the picture that nobody follows, with their numbers."""
        if not self._places and not urgent:
            longest = 1280 if self._searches % 50 == 0 else 640 if self._searches % 5 == 0 else 320
        else:
            longest = 640
        self._searches += 1
        self._searched_s = time_s
        scale = min(1.0, longest / max(image.shape[:2]))
        boxes = [scaled(box, 1 / scale) for box in self._backend.detect(resized(image, scale))]
        found: list[tuple[int, Box]] = []
        for box in boxes:
            taken = [*self._places.values(), *(other for _, other in found)]
            if len(taken) < self._most and all(overlap(box, other) < _SAME for other in taken):
                found.append((self._number(box, {face for face, _ in found}), box))
        return found

    def _number(self, box: Box, given: set[int]) -> int:
        """The number of a lost face that was near, or of the only one; else a new one."""
        free = {
            face: place
            for face, tracker in self._trackers.items()
            if face not in self._places and face not in given and (place := tracker.last_box) is not None
        }
        if free:
            nearest = min(free, key=lambda face: distance(free[face], box))
            if len(self._trackers) == 1 or distance(free[nearest], box) < _NEAR * free[nearest].w:
                return nearest
        number = len(self._trackers) + 1
        self._trackers[number] = FaceTracker(self._backend, alone=False)
        return number

    def _drop_doubles(self, seen: dict[int, Observation]) -> None:
        """Let go of a face that has slid onto one with a lower number."""
        for face in sorted(seen, reverse=True):
            box = seen[face].box
            others = (seen[other].box for other in seen if other < face)
            if box is not None and any(other is not None and overlap(box, other) > 0.5 for other in others):
                self._trackers[face].let_go()
                seen[face] = Observation(False, None, None, NO_FACE, "lost", seen[face].checked_s)
