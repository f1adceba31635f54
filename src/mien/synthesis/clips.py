"""Clips with known truth: a portrait performs micro-expressions through the same action units as the motion maps.

A frame is one warp of the portrait (or of a frame of a real video): head motion and the displacement of the skin are
put into a single map, so that every frame, moving or still, is resampled in the same way, once.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from mien.core import MienError, UInt8Array, atomic_path
from mien.faces import apply_affine, compose, face_backend
from mien.synthesis.distractors import DISTRACTORS
from mien.synthesis.events import Blink, Event, check_seed, check_within, draw_blinks, draw_events, read_events
from mien.synthesis.performance import HeadMotion, event_field, place_portrait, to_units, undo_skin
from mien.synthesis.staging import draw_distractors, film
from mien.video import open_video, write_video

__all__ = ["DISTRACTORS", "render"]

_USUAL = ("blinks", "head", "noise")
_FACE_SHARE = 0.52  # of the frame's smaller side that the face takes
_DISTRACTORS_STREAM = 7  # of randomness: the distractors beyond the usual three have one of their own


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
    distractors : "all", "everything", "none", or names
        Some of :data:`DISTRACTORS`. "all" means blinks, head and noise, as it always did, and "everything" all that
        there are. Talk, lasting expressions, hands and absences are put where no micro-expression is.
        With ``over`` there are none to add: the video has its own.
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
        For impossible settings, a picture or video without a face, events outside the clip or where no face was found,
        or an output that would replace the video it is made from.
    """
    out = Path(out)
    check_seed(seed)
    rng = np.random.default_rng(seed)
    wanted = _distractors(distractors)
    if over is not None:
        _check_goal(out, Path(over))
        reel, there, about = _over(Path(over))
        fps, seconds, size = about["fps"], about["frames"] / about["fps"], tuple(about["size"])
        wanted = ()
    _check(fps, seconds, size, intensity_px)
    happening, blinks = _script(events, seconds, rng, intensity_px, "blinks" in wanted)
    if over is None:
        scene = place_portrait(portrait, size, _FACE_SHARE * min(size))
        sway = HeadMotion(rng, scene.face_px) if "head" in wanted else None
        chance = np.random.default_rng([seed, _DISTRACTORS_STREAM])
        others = [name for name in wanted if name not in _USUAL]
        around = draw_distractors(seconds, chance, others, happening, scene)
        around = replace(around, names=wanted, sway=sway, blinks=tuple(blinks))
        frames = film(scene, happening, fps, round(seconds * fps), around, rng)
        about = {"frames": round(seconds * fps), "face_px": round(scene.face_px, 2), "points": scene.points.tolist()}
        about["portrait"] = "astronaut" if portrait is None else Path(portrait).name
        if others:
            about["others"] = [dict(zip(("name", "onset_s", "offset_s"), s, strict=True)) for s in around.spans()]
    else:
        happening = _where_a_face_is(happening, there, fps, drawn=events is None)
        frames = reel(happening)
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
        return _USUAL
    if names == ["everything"]:
        return DISTRACTORS
    if names == ["none"]:
        return ()
    if unknown := sorted(set(names) - set(DISTRACTORS)):
        known = ", ".join(DISTRACTORS)
        raise MienError(f"got the distractors {unknown}; expected all, none or some of {known}, or everything")
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


# --- over a real video ----------------------------------------------------------------------------------------------


def _check_goal(out: Path, over: Path) -> None:
    if out.exists() and over.exists() and out.samefile(over):
        raise MienError(f"got '{out}' to write and to render over; expected another file; choose another --out")


def _where_a_face_is(events: list[Event], there: npt.NDArray[np.bool_], fps: float, *, drawn: bool) -> list[Event]:
    """The events of whose frames all show a face; only drawn ones may be left out, a given one raises."""
    frames = [slice(math.floor(event.onset_s * fps), math.ceil(event.offset_s * fps) + 1) for event in events]
    hidden = [event for event, span in zip(events, frames, strict=True) if not there[span].all()]
    if hidden and not drawn:
        raise MienError(
            f"got an event from {hidden[0].onset_s} to {hidden[0].offset_s} s, where the video has frames without a "
            "face; expected a face in every frame of it; move the event"
        )
    return [event for event in events if event not in hidden]


def _over(path: Path) -> tuple[Any, npt.NDArray[np.bool_], dict[str, Any]]:
    """Follow the face of a video; return what renders events over it, where it can, and what the video is."""
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
    units = to_units(still)

    def reel(events: Sequence[Event]) -> Iterator[UInt8Array]:
        fields = [event_field(event.activation(), apply_affine(units, still)) for event in events]
        with open_video(path) as video:
            for frame, move in zip(video, moves, strict=False):
                if not np.isfinite(move).all():
                    yield frame.image
                    continue
                height, width = frame.image.shape[:2]
                x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
                here = compose(units, move)
                moved = undo_skin(frame.index / fps, x, y, events, fields, here)
                yield cv2.remap(frame.image, *moved, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101)

    about = {"fps": fps, "frames": len(found), "size": list(size), "over": path.name}
    return reel, np.asarray(np.isfinite(moves).all(axis=(1, 2))), about


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
