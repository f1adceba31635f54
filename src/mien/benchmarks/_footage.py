"""Real footage to render events over: as long as is needed, at any frame rate."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from mien.core import MienError, UInt8Array
from mien.faces import FaceTracker, apply_affine, compose, eye_crop_matrix, face_backend, register_points
from mien.synthesis.events import Event
from mien.synthesis.performance import Gesture, Scene, event_field, to_units, undo_skin
from mien.synthesis.staging import Distractors
from mien.video import open_video

__all__ = ["Footage", "load_footage"]

_FACE_PX = 128.0
_SIDE = 1.75  # of the part that is kept, faces


@dataclass(frozen=True, slots=True)
class Footage:
    """A recording that plays forwards and backwards for ever, its face 128 px large.

    Attributes
    ----------
    name : str
        Of the file.
    frames : uint8 array, (T, H, W)
        Grey, the part around the face.
    moves : float array, (T, 2, 3)
        Frame to the place of the face in the first; nan without a face.
    fps : float
        Of the file.
    scene : Scene
        The first frame that shows the face.
    """

    name: str
    frames: UInt8Array
    moves: npt.NDArray[np.float64]
    fps: float
    scene: Scene

    def at(self, time_s: float, fps: float) -> tuple[int, int, float]:
        """Two neighbouring frames and the share of the second, for a time of a clip of so many frames a second.

        A clip slower than the footage shows the nearest frame; a faster one mixes two, so that nothing moves faster
        than it did.
        """
        last = len(self.frames) - 1
        place = math.fmod(time_s * self.fps, 2 * last) if last else 0.0
        place = min(place, 2 * last - place)
        if fps <= 1.01 * self.fps:
            return round(place), round(place), 0.0
        low = min(int(place), max(last - 1, 0))
        return low, min(low + 1, last), place - low

    def _there(self, time_s: float, fps: float) -> bool:
        first, second, _ = self.at(time_s, fps)
        return bool(np.isfinite(self.moves[[first, second]]).all())

    def shows_face(self, onset_s: float, offset_s: float, fps: float) -> bool:
        """Whether every frame between two times has a face."""
        indices = range(math.floor(onset_s * fps), math.ceil(offset_s * fps) + 1)
        return all(self._there(index / fps, fps) for index in indices)

    def visible(self, fps: float, count: int) -> int:
        """How many of so many frames have a face."""
        return sum(self._there(index / fps, fps) for index in range(count))

    def play(self, events: list[Event], around: Distractors, fps: float, count: int) -> Iterator[UInt8Array]:
        """Frames with the events, talk and lasting expressions on the face, shaken and gone as the camera has it."""
        gestures: list[Gesture] = [*events, *around.talks, *around.macros]
        face = apply_affine(self.scene.to_units, self.scene.points)
        fields = [event_field(one.activation(), face) for one in gestures]
        height, width = self.frames.shape[1:]
        x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
        head = replace(around, sway=None, nods=()).head(self.scene)
        for index in range(count):
            time = index / fps
            first, second, share = self.at(time, fps)
            image = self.frames[first]
            if share:
                image = cv2.addWeighted(image, 1 - share, self.frames[second], share, 0)
            shift = np.zeros(2) if head is None else head.at(time)[:2]
            there = x - np.float32(shift[0]), y - np.float32(shift[1])
            move = (1 - share) * self.moves[first] + share * self.moves[second]
            if np.isfinite(move).all():
                there = undo_skin(time, *there, gestures, fields, compose(self.scene.to_units, move))
            yield np.asarray(
                cv2.remap(image, *map(np.float32, there), cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE), np.uint8
            )


@lru_cache(maxsize=2)
def load_footage(path: Path) -> Footage:
    """Read a video and follow its face.

    Raises
    ------
    MienError
        If it cannot be read or no frame shows a face.
    """
    tracker, images, points, times = FaceTracker(face_backend("dlib")), [], [], []
    with open_video(path, grey=True) as video:
        for frame in video:
            seen = tracker.update(frame.image, frame.time_s)
            images.append(frame.image)
            points.append(seen.points if seen.found and seen.points is not None else np.full((68, 2), np.nan))
            times.append(frame.time_s)
        fps = video.fps
    marks = np.array(points, dtype=np.float64)
    good = np.flatnonzero(np.isfinite(marks[:, 0, 0]))
    if not len(good):
        raise MienError(f"got '{path}' in which no face was found; expected a face to render over; use another video")
    place = _placed(marks[good], (images[0].shape[1], images[0].shape[0]))
    side = round(_SIDE * _FACE_PX)
    frames = np.array([_taken(image, place, side) for image in images])
    marks = apply_affine(place, marks.reshape(-1, 2)).reshape(-1, 68, 2)
    still = marks[good[0]]
    moves = register_points(marks, np.array(times), still)
    return Footage(path.name, frames, moves, fps, Scene(frames[good[0]], still, to_units(still), _FACE_PX))


def _placed(points: npt.NDArray[np.float64], size: tuple[int, int]) -> npt.NDArray[np.float64]:
    """Map of the picture to the part that is kept: upright, the median face 128 px large and in the middle."""
    crops = [eye_crop_matrix(face, 1) for face in points]
    zoom = _FACE_PX * float(np.median([np.hypot(*crop[0, :2]) for crop in crops]))
    middle = np.median(points[:, 27:36].mean(axis=1), axis=0)
    half = _SIDE * _FACE_PX / 2
    low = np.minimum(np.maximum(zoom * middle - half, 0), np.maximum(zoom * np.array(size) - 2 * half, 0))
    return np.array([[zoom, 0, -low[0]], [0, zoom, -low[1]]])


def _taken(image: UInt8Array, place: npt.NDArray[np.float64], side: int) -> UInt8Array:
    zoom = float(place[0, 0])
    if zoom < 0.75:  # no aliasing where the picture is made much smaller
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), 0.35 / zoom), np.uint8)
    return np.asarray(cv2.warpAffine(image, place, (side, side), flags=cv2.INTER_LINEAR), np.uint8)
