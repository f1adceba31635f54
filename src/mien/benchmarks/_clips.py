"""One clip of the spotting benchmark: script it, render it, follow its face. Only curves and truth are kept."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from mien.analysis._follow import Following
from mien.benchmarks._footage import Footage, load_footage
from mien.core import MienError, UInt8Array, atomic_path
from mien.faces import FaceTracks, apply_affine, face_backend
from mien.spotting import Curves
from mien.synthesis.distractors import DISTRACTORS
from mien.synthesis.events import Event, draw_events
from mien.synthesis.face import CROP
from mien.synthesis.performance import Scene, event_field
from mien.synthesis.portraits import cast_people
from mien.synthesis.staging import Distractors, Span, draw_distractors, film
from mien.video import Frame

__all__ = ["FACE_PX", "SIZE", "Job", "Recorded", "Truth", "load_clip", "record", "save_clip"]

SIZE, FACE_PX = (192, 192), 128.0
"""Of the rendered frames, and of the face in them, pixels."""

_EVERY_S = 5.0  # one micro-expression in
_OVER_FOOTAGE = ("talk", "macro", "flicker", "shake", "noise", "compression", "hand", "leave")


@dataclass(frozen=True, slots=True)
class Job:
    """A clip to make.

    Attributes
    ----------
    fps, intensity_px, seconds
        Frame rate, largest displacement of every event at a 128-px face, length.
    clip : int
        Its number in the cell.
    seed : int
        Of the whole benchmark.
    footage : Path or None
        The user's video that is warped; None is the bundled portrait.
    """

    fps: float
    intensity_px: float
    seconds: float
    clip: int
    seed: int
    footage: Path | None = None

    @property
    def name(self) -> str:
        """Of its file."""
        return f"{self.fps:g}fps-{self.intensity_px:g}px-{self.clip:02d}"


@dataclass(frozen=True, slots=True)
class Truth:
    """What happens in a clip.

    Attributes
    ----------
    fps, intensity_px, clip
        As in :class:`Job`.
    seconds : float
        Its length.
    visible_s : float
        How long of it the face is in the picture.
    source : str
        ``astronaut``, or the name of the video that was warped.
    events : tuple of Event
        The micro-expressions.
    spans : tuple of Span
        Everything else that begins and ends.
    """

    fps: float
    intensity_px: float
    clip: int
    seconds: float
    visible_s: float
    source: str
    events: tuple[Event, ...]
    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Recorded:
    """A clip as spotting sees it: its truth, and the curves of each followed face."""

    truth: Truth
    curves: tuple[Curves, ...]


def record(job: Job) -> Recorded:
    """Render a clip and follow its face.

    Raises
    ------
    MienError
        If the footage cannot be read or shows no face.
    """
    cv2.setNumThreads(1)
    rng = np.random.default_rng([job.seed, round(1000 * job.fps), round(1000 * job.intensity_px), job.clip])
    truth, frames = _portrayed(job, rng) if job.footage is None else _over(job, load_footage(job.footage), rng)
    return Recorded(truth, follow(frames, job.fps))


def follow(frames: Iterator[UInt8Array], fps: float) -> tuple[Curves, ...]:
    """Curves of every face in grey frames that was there for half a second."""
    with Following(FaceTracks(face_backend("dlib"))) as following:
        for index, image in enumerate(frames):
            following.push(Frame(index, index / fps, image))
    return tuple(track.curves for track in following.known() if track.found.sum() >= 0.5 * fps)


def _portrayed(job: Job, rng: np.random.Generator) -> tuple[Truth, Iterator[UInt8Array]]:
    """The bundled portrait, in a shape and a light of the clip's own."""
    looks = int(rng.integers(2**31))
    scene = cast_people(None, 1, SIZE, FACE_PX, looks)[0].scene
    scene = replace(scene, image=np.asarray(cv2.cvtColor(scene.image, cv2.COLOR_RGB2GRAY), np.uint8))
    events = _events(job, scene, rng)
    around = draw_distractors(job.seconds, rng, DISTRACTORS, events, scene)
    frames = film(scene, events, job.fps, round(job.seconds * job.fps), around, rng)
    return _truth(job, "astronaut", events, around, job.seconds), frames


def _over(job: Job, footage: Footage, rng: np.random.Generator) -> tuple[Truth, Iterator[UInt8Array]]:
    """The user's own video; blinks, gaze and the motion of the head are its own."""
    events = [e for e in _events(job, footage.scene, rng) if footage.shows_face(e.onset_s, e.offset_s, job.fps)]
    around = draw_distractors(job.seconds, rng, _OVER_FOOTAGE, events, footage.scene)
    count = round(job.seconds * job.fps)
    frames = around.expose(footage.play(events, around, job.fps, count), job.fps, rng)
    return _truth(job, footage.name, events, around, footage.visible(job.fps, count) / job.fps), frames


def _events(job: Job, scene: Scene, rng: np.random.Generator) -> list[Event]:
    """Drawn events, each exactly as strong on this face as the cell says (``intensity_px`` is of the mean face)."""
    events, face = [], apply_affine(scene.to_units, scene.points)
    for event in draw_events(job.seconds, rng, intensity_px=job.intensity_px, every_s=_EVERY_S):
        field = event_field(event.activation(), face)
        peak = 128 / CROP[2] * float(np.hypot(field[..., 0], field[..., 1]).max())
        events.append(replace(event, intensity_px=event.intensity_px * job.intensity_px / peak))
    return events


def _truth(job: Job, source: str, events: list[Event], around: Distractors, there_s: float) -> Truth:
    gone = sum(absence.offset_s - absence.onset_s for absence in around.absences)
    spans = tuple(around.spans())
    return Truth(
        job.fps, job.intensity_px, job.clip, job.seconds, max(there_s - gone, 0.0), source, tuple(events), spans
    )


# --- kept in a folder -----------------------------------------------------------------------------------------------


def save_clip(folder: Path, clip: Recorded) -> Path:
    """Write ``<fps>fps-<intensity>px-<clip>.npz``: the truth as JSON, and the arrays of each face's curves."""
    truth = clip.truth
    path = folder / f"{truth.fps:g}fps-{truth.intensity_px:g}px-{truth.clip:02d}.npz"
    arrays: dict[str, npt.NDArray[Any]] = {"truth": np.array(json.dumps(asdict(truth)))}
    for face, curves in enumerate(clip.curves):
        for one in fields(curves):
            value = getattr(curves, one.name)
            if value is not None:
                arrays[f"{face}/{one.name}"] = np.asarray(value)
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, **arrays)  # type: ignore[arg-type]
    return path


def load_clip(path: Path) -> Recorded:
    """Read what :func:`save_clip` wrote.

    Raises
    ------
    MienError
        If the file is not one, or holds curves of another version of mien.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            document = json.loads(str(file["truth"]))
            events = tuple(Event(**{**e, "action_units": tuple(e["action_units"])}) for e in document["events"])
            spans = tuple((str(n), float(a), float(b)) for n, a, b in document["spans"])
            truth = Truth(**{**document, "events": events, "spans": spans})
            faces = sorted({int(name.split("/")[0]) for name in file.files if "/" in name})
            curves = tuple(_curves(file, face) for face in faces)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise MienError(
            f"got '{path}', which does not read ({type(error).__name__}: {error}); expected curves kept by this "
            "version of mien; keep them again with --keep"
        ) from error
    return Recorded(truth, curves)


def _curves(file: Any, face: int) -> Curves:
    found = {name.split("/")[1]: file[name] for name in file.files if name.startswith(f"{face}/")}
    first, last = found.pop("more", (False, False))
    return Curves(**found, more=(bool(first), bool(last)))
