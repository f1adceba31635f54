"""Clips with known truth: a portrait performs micro-expressions through the same action units as the motion maps.

A frame is one warp of the portrait (or of a frame of a real video): head motion and the displacement of the skin are
put into a single map, so that every frame, moving or still, is resampled in the same way, once.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from mien.core import MienError, UInt8Array, atomic_path
from mien.faces import apply_affine, compose, eye_crop_matrix, face_backend, invert
from mien.synthesis.action_units import displacement
from mien.synthesis.events import Blink, Event, check_within, draw_blinks, draw_events, read_events
from mien.synthesis.face import CROP
from mien.video import open_video, read_image, write_video

__all__ = ["DISTRACTORS", "render"]

Array = npt.NDArray[np.float64]
Map = npt.NDArray[np.float32]

DISTRACTORS = ("blinks", "head", "noise")
"""What may happen beside the micro-expressions: blinks, slight head motion, sensor noise."""

_FIELD_PX = 160  # side of the grid on which an event's field is kept: the face and half a face around it
_FIELD_BOX = (CROP[0] - 0.6, CROP[1] - 0.9, CROP[2] + 1.2)  # left, top, side in face units
_FACE_SHARE = 0.52  # of the frame's smaller side that the face takes
_NOISE_SD = 1.2


@dataclass(frozen=True, slots=True)
class _Scene:
    """A still picture on its canvas and where the face is in it."""

    image: UInt8Array
    points: Array
    to_units: Array  # canvas px -> face units
    face_px: float


def render(
    out: Path | str,
    *,
    fps: float = 200.0,
    seconds: float = 10.0,
    size: tuple[int, int] = (640, 480),
    seed: int = 0,
    events: Path | str | Sequence[Event] | None = None,
    intensity_px: float | None = None,
    distractors: str | Sequence[str] = "all",
    portrait: Path | str | None = None,
    over: Path | str | None = None,
) -> Path:
    """Render a clip in which a face makes micro-expressions at known times.

    Parameters
    ----------
    out : path
        The video to write; the truth goes beside it, with the ending ``.json``.
    fps, seconds, size
        Frames per second, length, (width, height) in pixels. With ``over`` they are the video's own.
    seed : int
        Seed of everything drawn.
    events : path, sequence of Event, or None
        Exactly what happens (a JSON file or records); by default micro-expressions of all classes are drawn.
    intensity_px : float, optional
        Largest displacement of every drawn event, px at a 128-px face; by default drawn from 1.2 to 2.2.
    distractors : "all", "none", or names
        Some of :data:`DISTRACTORS`. With ``over`` there are none to add: the video has its own.
    portrait : path, optional
        A picture of a face; by default scikit-image's ``astronaut`` (NASA, public domain).
    over : path, optional
        A real video to warp instead of a portrait.

    Returns
    -------
    Path
        The video.

    Raises
    ------
    MienError
        For impossible settings, a picture or video without a face, or events outside the clip.
    """
    out = Path(out)
    rng = np.random.default_rng(seed)
    wanted = _distractors(distractors)
    if over is not None:
        reel, about = _over(Path(over))
        fps, seconds, size = about["fps"], about["frames"] / about["fps"], tuple(about["size"])
        wanted = ()
    _check(fps, seconds, size, intensity_px)
    happening, blinks = _script(events, seconds, rng, intensity_px, "blinks" in wanted)
    if over is None:
        scene = _scene(portrait, size)
        head = _HeadMotion(rng, scene.face_px) if "head" in wanted else None
        frames = _frames(scene, fps, round(seconds * fps), happening, blinks, head)
        about = {"frames": round(seconds * fps), "face_px": round(scene.face_px, 2), "points": scene.points.tolist()}
        about["portrait"] = "astronaut" if portrait is None else Path(portrait).name
    else:
        frames = reel(happening)
    if "noise" in wanted:
        frames = _noisy(frames, np.random.default_rng(rng.integers(2**63)))
    write_video(out, frames, fps, quality=12)
    _write_truth(out.with_suffix(".json"), happening, blinks, fps, size, seed, wanted, about)
    return out


def _check(fps: float, seconds: float, size: tuple[int, ...], intensity_px: float | None) -> None:
    if not (1 <= fps <= 1000) or not (0 < seconds <= 36000) or round(fps * seconds) < 2:
        raise MienError(f"got {fps} fps for {seconds} s; expected 1 to 1000 fps and at least two frames; change them")
    if len(size) != 2 or min(size) < 64 or max(size) > 8192:
        raise MienError(f"got the size {'x'.join(map(str, size))}; expected 64x64 to 8192x8192 px; change it")
    if intensity_px is not None and not (math.isfinite(intensity_px) and 0 < intensity_px <= 12):
        raise MienError(f"got an intensity of {intensity_px} px; expected more than 0 and at most 12; change it")


def _distractors(wanted: str | Sequence[str]) -> tuple[str, ...]:
    names = [wanted] if isinstance(wanted, str) else list(wanted)
    names = [part.strip() for name in names for part in name.split(",") if part.strip()]
    if names == ["all"]:
        return DISTRACTORS
    if names == ["none"]:
        return ()
    if unknown := sorted(set(names) - set(DISTRACTORS)):
        raise MienError(f"got the distractors {unknown}; expected all, none or some of {', '.join(DISTRACTORS)}")
    return tuple(names)


def _script(
    events: Path | str | Sequence[Event] | None,
    seconds: float,
    rng: np.random.Generator,
    intensity_px: float | None,
    with_blinks: bool,
) -> tuple[list[Event], list[Blink]]:
    if events is None:
        drawn = draw_events(seconds, rng, intensity_px=intensity_px)
        return drawn, draw_blinks(seconds, rng) if with_blinks else []
    if isinstance(events, str | Path):
        return read_events(events, seconds)
    check_within(events, seconds)
    return sorted(events, key=lambda event: event.onset_s), []


# --- the portrait ---------------------------------------------------------------------------------------------------


def _scene(portrait: Path | str | None, size: tuple[int, int]) -> _Scene:
    if portrait is None:
        from skimage.data import astronaut

        picture = astronaut()
    else:
        picture = read_image(portrait)
    points = _find_face(picture, "astronaut" if portrait is None else str(portrait))
    width, height = size
    crop = eye_crop_matrix(points, 1)  # its middle is pixel 0: centres of pixels are integers
    side = 1 / float(np.hypot(*crop[0, :2]))  # of the eye crop, in picture pixels
    scale = _FACE_SHARE * min(size) / side
    middle = apply_affine(invert(crop), [[0.0, 0.0]])[0]
    place = np.array([[scale, 0, width / 2 - scale * middle[0]], [0, scale, height / 2 - scale * middle[1]]])
    canvas = cv2.warpAffine(picture, place, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101)
    moved = apply_affine(place, points)
    return _Scene(canvas, moved, _to_units(moved), scale * side)


def _find_face(picture: UInt8Array, name: str) -> Array:
    backend = face_backend("dlib")
    boxes = backend.detect(picture)
    if not boxes:
        raise MienError(f"got the picture '{name}' in which no face was found; expected a frontal face; use another")
    return np.asarray(backend.landmarks(picture, boxes[0]), dtype=np.float64)


def _to_units(points: Array) -> Array:
    """Affine map (2, 3) from image pixels to face units."""
    left, top, side = CROP
    units = np.array([[side, 0, left + side / 2], [0, side, top + side / 2]])
    return compose(units, eye_crop_matrix(points, 1))


def _frames(
    scene: _Scene, fps: float, count: int, events: Sequence[Event], blinks: Sequence[Blink], head: _HeadMotion | None
) -> Iterator[UInt8Array]:
    height, width = scene.image.shape[:2]
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    fields = [_field(event, apply_affine(scene.to_units, scene.points)) for event in events]
    depth = _depth(scene, x, y)
    for index in range(count):
        time = index / fps
        source_x, source_y = x, y
        if head is not None:
            source_x, source_y = head.undo(time, x, y, depth, scene)
        source_x, source_y = _undo_skin(time, source_x, source_y, events, fields, scene.to_units)
        closed = max((blink.closure(time) for blink in blinks), default=0.0)
        if closed > 0:
            source_y = _undo_lids(closed, source_x, source_y, scene.points)
        yield cv2.remap(
            scene.image, np.float32(source_x), np.float32(source_y), cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101
        )


class _HeadMotion:
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

    def undo(self, time_s: float, x: Map, y: Map, depth: Map, scene: _Scene) -> tuple[Map, Map]:
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


def _depth(scene: _Scene, x: Map, y: Map) -> Map:
    from mien.synthesis.motion_maps import head_depth

    units = apply_affine(scene.to_units, np.stack([x, y], axis=-1).reshape(-1, 2)).reshape(*x.shape, 2)
    return cv2.GaussianBlur(head_depth(units).astype(np.float32), (0, 0), scene.face_px / 40)


def _undo_lids(closed: float, x: Map, y: Map, points: Array) -> Map:
    """Draw the upper lids down: skin above the eye stretches over it, the eye below the lid's edge stays."""
    y = y.copy()
    for corner_out, corner_in, upper, lower in ((36, 39, (37, 38), (41, 40)), (42, 45, (43, 44), (47, 46))):
        left, right = points[corner_out], points[corner_in]
        box = (slice(int(left[1]) - 40, int(left[1]) + 40), slice(int(min(left[0], right[0])) - 4, int(right[0]) + 5))
        xs = x[box]
        top = _lid(xs, left, points[list(upper)], right)
        bottom = np.maximum(_lid(xs, left, points[list(lower)], right), top)
        reach = 0.9 * np.linalg.norm(right - left) / 2
        edge = top + closed * (bottom - top)
        ys = y[box]
        over = (ys > top - reach) & (ys < edge)
        squeeze = reach / np.maximum(reach + edge - top, 1e-3)
        y[box] = np.where(over, top - reach + (ys - top + reach) * squeeze, ys).astype(np.float32)
    return y


def _lid(x: Map, left: Array, between: Array, right: Array) -> Array:
    """Height of a lid's edge at columns ``x``: a parabola through its four landmarks, level beyond the corners."""
    path = np.vstack([left, between, right])
    return np.polyval(np.polyfit(path[:, 0] - left[0], path[:, 1], 2), np.clip(x, left[0], right[0]) - left[0])


# --- the skin -------------------------------------------------------------------------------------------------------


def _field(event: Event, face: Array) -> Map:
    """Displacement of an event at its apex, (_FIELD_PX, _FIELD_PX, 2) in face units."""
    left, top, side = _FIELD_BOX
    steps = (np.arange(_FIELD_PX) + 0.5) / _FIELD_PX * side
    x, y = np.meshgrid(left + steps, top + steps)
    return displacement(np.stack([x, y], axis=-1), event.activation(), face).astype(np.float32)


def _undo_skin(
    time_s: float, x: Map, y: Map, events: Sequence[Event], fields: Sequence[Map], to_units: Array
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


def _noisy(frames: Iterator[UInt8Array], rng: np.random.Generator) -> Iterator[UInt8Array]:
    """Sensor noise: independent per pixel and frame, the same on the three channels."""
    noise: npt.NDArray[np.int16] | None = None
    for frame in frames:
        if noise is None:
            height, width = frame.shape[:2]
            noise = np.rint(rng.normal(0, _NOISE_SD, (2 * height, 2 * width))).astype(np.int16)
        row, column = rng.integers(0, height), rng.integers(0, width)
        grain = noise[row : row + height, column : column + width]
        yield cv2.add(frame, cv2.merge([grain] * 3), dtype=cv2.CV_8U)


# --- over a real video ----------------------------------------------------------------------------------------------


def _over(path: Path) -> tuple[Any, dict[str, Any]]:
    """Follow the face of a video; return what renders events over it, and what the video is."""
    from mien.faces import FaceTracker, register_points

    tracker, found, points, times = FaceTracker(face_backend("dlib")), [], [], []
    with open_video(path) as video:
        for frame in video:
            seen = tracker.update(frame.image, frame.time_s)
            found.append(seen.found)
            points.append(seen.points if seen.found else np.full((68, 2), np.nan))
            times.append(frame.time_s)
        fps, size = video.fps, video.size
    if not any(found):
        raise MienError(f"got '{path}' in which no face was found; expected a face to render over; use another video")
    first = found.index(True)
    still = np.asarray(points[first], dtype=np.float64)
    moves = register_points(np.array(points), np.array(times), still)
    to_units = _to_units(still)

    def reel(events: Sequence[Event]) -> Iterator[UInt8Array]:
        fields = [_field(event, apply_affine(to_units, still)) for event in events]
        with open_video(path) as video:
            for frame, move in zip(video, moves, strict=False):
                if not np.isfinite(move).all():
                    yield frame.image
                    continue
                height, width = frame.image.shape[:2]
                x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
                units = compose(to_units, move)
                moved = _undo_skin(frame.index / fps, x, y, events, fields, units)
                yield cv2.remap(frame.image, *moved, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101)

    about = {"fps": fps, "frames": len(found), "size": list(size), "over": path.name}
    return reel, about


def _write_truth(
    path: Path,
    events: Sequence[Event],
    blinks: Sequence[Blink],
    fps: float,
    size: tuple[int, ...],
    seed: int,
    distractors: Sequence[str],
    about: dict[str, Any],
) -> None:
    truth = {
        "events": [
            asdict(event) | {f"{k}_frame": round(getattr(event, f"{k}_s") * fps) for k in ("onset", "apex", "offset")}
            for event in events
        ],
        "blinks": [asdict(blink) for blink in blinks],
        "fps": fps,
        "size": list(size),
        "seed": seed,
        "distractors": list(distractors),
        **about,
    }
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(truth, indent=2), encoding="utf-8")
