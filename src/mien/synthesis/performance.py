"""A portrait performs: head motion, lids and the displacement of the skin, put into one map per frame."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
import numpy.typing as npt

from mien.core import MienError, UInt8Array
from mien.faces import apply_affine, compose, eye_crop_matrix, face_backend, invert
from mien.synthesis.action_units import Activation, displacement
from mien.synthesis.events import Blink, Glance
from mien.synthesis.face import CROP, head_depth
from mien.video import read_image

__all__ = [
    "Gesture",
    "HeadMotion",
    "Scene",
    "event_field",
    "eyeballs",
    "perform",
    "place_portrait",
    "scene_depth",
    "to_units",
    "undo_gaze",
    "undo_lids",
    "undo_skin",
]

Array = npt.NDArray[np.float64]
Map = npt.NDArray[np.float32]

_FIELD_PX = 160  # side of the grid on which an event's field is kept: the face and half a face around it
_FIELD_BOX = (CROP[0] - 0.6, CROP[1] - 0.9, CROP[2] + 1.2)  # left, top, side in face units


class Gesture(Protocol):
    """What moves the skin: an :class:`mien.synthesis.Event`, or anything with a course and action units like it."""

    def course(self, time_s: float) -> float:
        """How far it is out, 0 to 1."""

    def activation(self) -> Activation:
        """Intensities per action unit when it is out all the way."""


@dataclass(frozen=True, slots=True)
class Scene:
    """A still picture on its canvas and where the face is in it.

    Attributes
    ----------
    image : uint8 array, (H, W, 3) or (H, W)
        The picture at rest.
    points : float array, (68, 2)
        Landmarks, pixels.
    to_units : float array, (2, 3)
        Canvas pixels to face units.
    face_px : float
        Side of the eye-based crop, pixels.
    """

    image: UInt8Array
    points: Array
    to_units: Array
    face_px: float


def place_portrait(
    portrait: Path | str | None, size: tuple[int, int], face_px: float, shape: Array | None = None
) -> Scene:
    """Put a portrait on a canvas, the face in the middle.

    Parameters
    ----------
    portrait : path or None
        A picture of a face; None is scikit-image's ``astronaut`` (NASA, public domain).
    size : (int, int)
        Width and height of the canvas, pixels.
    face_px : float
        Side of the eye-based crop on the canvas, pixels.
    shape : float array, (2, 2), optional
        A linear map of the face about its middle: another person.

    Raises
    ------
    MienError
        If the picture cannot be read or shows no face.
    """
    picture, points = _portrait(portrait)
    width, height = size
    crop = eye_crop_matrix(points, 1)  # its middle is pixel 0: centres of pixels are integers
    side = 1 / float(np.hypot(*crop[0, :2]))  # of the eye crop, in picture pixels
    linear = face_px / side * (np.eye(2) if shape is None else shape)
    middle = apply_affine(invert(crop), [[0.0, 0.0]])[0]
    place = np.column_stack([linear, np.array([width / 2, height / 2]) - linear @ middle])
    canvas = cv2.warpAffine(picture, place, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101)
    moved = apply_affine(place, points)
    return Scene(np.asarray(canvas, np.uint8), moved, to_units(moved), face_px)


@lru_cache(maxsize=4)
def _portrait(portrait: Path | str | None) -> tuple[UInt8Array, Array]:
    """Return the picture and its 68 points."""
    if portrait is None:
        from skimage.data import astronaut

        picture = astronaut()
    else:
        picture = read_image(portrait)
    return picture, _find_face(picture, "astronaut" if portrait is None else str(portrait))


def _find_face(picture: UInt8Array, name: str) -> Array:
    backend = face_backend("dlib")
    boxes = backend.detect(picture)
    if not boxes:
        raise MienError(f"got the picture '{name}' in which no face was found; expected a frontal face; use another")
    return np.asarray(backend.landmarks(picture, boxes[0]), dtype=np.float64)


def to_units(points: Array) -> Array:
    """Affine map (2, 3) from image pixels to face units."""
    left, top, side = CROP
    units = np.array([[side, 0, left + side / 2], [0, side, top + side / 2]])
    return compose(units, eye_crop_matrix(points, 1))


def perform(
    scene: Scene,
    events: Sequence[Gesture],
    times_s: Iterable[float],
    *,
    blinks: Sequence[Blink] = (),
    head: HeadMotion | None = None,
    glances: Sequence[Glance] = (),
    border: int = cv2.BORDER_REFLECT_101,
) -> Iterator[UInt8Array]:
    """Yield the frame of each time: every one, moving or still, is resampled in the same way, once.

    Examples
    --------
    >>> scene = place_portrait(None, (96, 64), face_px=48)
    >>> from mien.synthesis import Event
    >>> smile = Event(0.0, 0.1, 0.2, (12,))
    >>> still, apex = perform(scene, [smile], [0.0, 0.1])
    >>> apex.shape, bool((apex != still).any())
    ((64, 96, 3), True)
    """
    height, width = scene.image.shape[:2]
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    fields = [event_field(event.activation(), apply_affine(scene.to_units, scene.points)) for event in events]
    depth = None if head is None else scene_depth(scene)
    eyes = eyeballs(scene) if glances else None
    for time in times_s:
        source_x, source_y = x, y
        if head is not None and depth is not None:
            source_x, source_y = head.undo(time, x, y, depth, scene)
        source_x, source_y = undo_skin(time, source_x, source_y, events, fields, scene.to_units)
        closed = max((blink.closure(time) for blink in blinks), default=0.0)
        if closed > 0:
            source_y = undo_lids(closed, source_x, source_y, scene.points)
        if eyes is not None:
            source_x, source_y = undo_gaze(time, source_x, source_y, glances, eyes, scene)
        yield cv2.remap(scene.image, np.float32(source_x), np.float32(source_y), cv2.INTER_CUBIC, borderMode=border)


class HeadMotion:
    """Slow sway of the head: shift, roll and zoom in the image, yaw and pitch by depth. A few pixels, below 0.6 Hz."""

    def __init__(self, rng: np.random.Generator, face_px: float) -> None:
        self.rates = rng.uniform(0.08, 0.55, (6, 3))
        self.phases = rng.uniform(0, 2 * np.pi, (6, 3))
        spread = np.array([0.012 * face_px, 0.010 * face_px, np.deg2rad(0.8), 0.008, 0.008, 0.008])
        self.sizes = spread[:, None] * rng.uniform(0.3, 1.0, (6, 3)) / np.sqrt(3)

    def at(self, time_s: float) -> Array:
        """Shift x, shift y (px), roll (rad), zoom, yaw, pitch (displacement per depth, face units) relative to 0 s."""
        wave = np.sin(2 * np.pi * self.rates * time_s + self.phases) - np.sin(self.phases)
        return (self.sizes * wave).sum(axis=1)

    def undo(self, time_s: float, x: Map, y: Map, depth: Map, scene: Scene) -> tuple[Map, Map]:
        """Where on the still canvas the pixels of the frame come from."""
        shift_x, shift_y, roll, zoom, yaw, pitch = self.at(time_s)
        middle = scene.points[27:36].mean(axis=0)
        scale = math.exp(-zoom)
        cos, sin = scale * math.cos(-roll), scale * math.sin(-roll)
        px_per_unit = scene.face_px / CROP[2]
        dx, dy = x - np.float32(middle[0] + shift_x), y - np.float32(middle[1] + shift_y)
        source_x = np.float32(cos) * dx - np.float32(sin) * dy + np.float32(middle[0])
        source_y = np.float32(sin) * dx + np.float32(cos) * dy + np.float32(middle[1])
        return source_x - np.float32(yaw * px_per_unit) * depth, source_y - np.float32(pitch * px_per_unit) * depth


def scene_depth(scene: Scene) -> Map:
    """Return how far each pixel of a scene lies towards the viewer, (H, W), face units; 0 beyond the head."""
    height, width = scene.image.shape[:2]
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    units = apply_affine(scene.to_units, np.stack([x, y], axis=-1).reshape(-1, 2)).reshape(*x.shape, 2)
    return cv2.GaussianBlur(head_depth(units).astype(np.float32), (0, 0), scene.face_px / 40)


def undo_lids(closed: float, x: Map, y: Map, points: Array) -> Map:
    """Draw the upper lids down: skin above the eye stretches over it, the eye below the lid's edge stays."""
    y = y.copy()
    for corner_out, corner_in, upper, lower in ((36, 39, (37, 38), (41, 40)), (42, 45, (43, 44), (47, 46))):
        left, right = points[corner_out], points[corner_in]
        width = float(np.linalg.norm(right - left))
        half, beside = math.ceil(1.2 * width), math.ceil(0.1 * width)
        box = (_inside(left[1] - half, left[1] + half), _inside(min(left[0], right[0]) - beside, right[0] + beside + 1))
        xs = x[box]
        top = _lid(xs, left, points[list(upper)], right)
        bottom = np.maximum(_lid(xs, left, points[list(lower)], right), top)
        reach = 0.45 * width
        edge = top + closed * (bottom - top)
        ys = y[box]
        over = (ys > top - reach) & (ys < edge)
        squeeze = reach / np.maximum(reach + edge - top, 1e-3)
        y[box] = np.where(over, top - reach + (ys - top + reach) * squeeze, ys).astype(np.float32)
    return y


def eyeballs(scene: Scene) -> Map:
    """How far each pixel of a scene follows the gaze, (H, W), 0 to 1: all of the iris, nothing beyond the lids."""
    open_eyes = np.zeros(scene.image.shape[:2], np.uint8)
    for eye in (range(36, 42), range(42, 48)):
        cv2.fillPoly(open_eyes, [np.rint(scene.points[eye]).astype(np.int32)], 1)
    inside = cv2.distanceTransform(open_eyes, cv2.DIST_L2, 3)
    return np.clip(inside / (0.02 * scene.face_px), 0, 1).astype(np.float32)


def undo_gaze(time_s: float, x: Map, y: Map, glances: Sequence[Glance], eyes: Map, scene: Scene) -> tuple[Map, Map]:
    """Where in the still eyes the pixels of moved eyes come from."""
    width = float(np.linalg.norm(scene.points[45] - scene.points[42]))
    aside = width * np.sum([np.multiply(glance.course(time_s), glance.aside) for glance in glances], axis=0)
    if not aside.any():
        return x, y
    here = cv2.remap(eyes, np.float32(x), np.float32(y), cv2.INTER_LINEAR)
    return x - np.float32(aside[0]) * here, y - np.float32(aside[1]) * here


def _inside(start: float, stop: float) -> slice:
    """Rows or columns from ``start`` on; what lies before the image is left out."""
    return slice(max(int(start), 0), max(int(stop), 0))


def _lid(x: Map, left: Array, between: Array, right: Array) -> Array:
    """Height of a lid's edge at columns ``x``: a parabola through its four landmarks, level beyond the corners."""
    path = np.vstack([left, between, right])
    return np.polyval(np.polyfit(path[:, 0] - left[0], path[:, 1], 2), np.clip(x, left[0], right[0]) - left[0])


def event_field(activation: Activation, face: Array, *, eye_cover_fold: bool = False) -> Map:
    """Displacement of an event at its apex, (_FIELD_PX, _FIELD_PX, 2) in face units."""
    left, top, side = _FIELD_BOX
    steps = (np.arange(_FIELD_PX) + 0.5) / _FIELD_PX * side
    x, y = np.meshgrid(left + steps, top + steps)
    return displacement(np.stack([x, y], axis=-1), activation, face, eye_cover_fold=eye_cover_fold).astype(np.float32)


def undo_skin(
    time_s: float, x: Map, y: Map, events: Sequence[Gesture], fields: Sequence[Map], to_units: Array
) -> tuple[Map, Map]:
    """Where the skin now at (x, y) was when the face was at rest, pixels; two steps invert the displacement."""
    active = [(event.course(time_s), field) for event, field in zip(events, fields, strict=True)]
    active = [(course, field) for course, field in active if course > 0]
    if not active:
        return x, y
    field = sum(np.float32(course) * field for course, field in active)
    left, top, side = _FIELD_BOX
    zoom = _FIELD_PX / side
    to_field = compose(np.array([[zoom, 0, -left * zoom - 0.5], [0, zoom, -top * zoom - 0.5]]), to_units)
    to_px = np.linalg.inv(to_units[:, :2])
    rows, columns = _window(to_units, x.shape)
    near_x, near_y = x[rows, columns], y[rows, columns]
    source_x, source_y = near_x, near_y
    for _ in range(2):
        moved = cv2.remap(field, *_affine_maps(to_field, source_x, source_y), cv2.INTER_LINEAR)
        source_x = near_x - np.float32(to_px[0, 0]) * moved[..., 0] - np.float32(to_px[0, 1]) * moved[..., 1]
        source_y = near_y - np.float32(to_px[1, 0]) * moved[..., 0] - np.float32(to_px[1, 1]) * moved[..., 1]
    x, y = x.copy(), y.copy()
    x[rows, columns], y[rows, columns] = source_x, source_y
    return x, y


def _affine_maps(matrix: Array, x: Map, y: Map) -> tuple[Map, Map]:
    (a, b, c), (d, e, f) = matrix.astype(np.float32)
    return a * x + b * y + c, d * x + e * y + f


def _window(to_units: Array, shape: tuple[int, ...]) -> tuple[slice, slice]:
    """Rows and columns of the image that the field's box can touch."""
    left, top, side = _FIELD_BOX
    corners = np.array([[left, top], [left + side, top], [left, top + side], [left + side, top + side]])
    there = apply_affine(invert(to_units), corners)
    low = np.clip(np.floor(there.min(axis=0)).astype(int), 0, None)
    high = np.ceil(there.max(axis=0)).astype(int)
    return slice(low[1], min(high[1], shape[0])), slice(low[0], min(high[0], shape[1]))
