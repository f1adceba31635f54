"""A corpus with known truth: people made of portraits perform micro-expressions, in CASME II's layout.

What differs between the classes is the motion of the skin and nothing else: looks, times, head motion and noise are
drawn apart from it, each from a stream of its own. So the same corpus can be rendered with zero amplitude, equal to
the last bit in all but that motion; whoever reads classes in it reads the traces of rendering.
"""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from mien.core import FloatArray, MienError, UInt8Array, atomic_folder
from mien.faces import apply_affine
from mien.motion import one_thread
from mien.synthesis.emotions import CLASSES, draw_expression
from mien.synthesis.events import Event, check_seed
from mien.synthesis.face import CROP, MEAN_FACE
from mien.synthesis.natural import Eyes, Played, play_expression, play_eyes
from mien.synthesis.performance import (
    HeadMotion,
    Scene,
    event_field,
    eyeballs,
    scene_depth,
    undo_gaze,
    undo_lids,
    undo_skin,
)
from mien.synthesis.portraits import Person, cast_people

__all__ = ["render_corpus"]

Advance = Callable[[int, int], None]
Maps = tuple[FloatArray, FloatArray]

_INTENSITY_PX = (1.0, 1.5)
_MANY = 32  # clips from which starting processes pays
_CAMERA_MM, _UNIT_MM = 900.0, 62.0  # distance of the head's rim; one face unit, the distance of an adult's eyes
_SKIN = 0.2  # thickness of what bulges, face units: 12 mm, of the order of cheek and lips; ours
_ORDER, _EXPRESSION, _TIMES, _HEAD, _NOISE, _EYES = range(1, 7)  # streams of randomness; portraits.py has another


@dataclass(frozen=True, slots=True)
class _Clip:
    """One clip of the script; its event counts frames instead of seconds."""

    person: int
    index: int
    event: Event
    numbers: range
    played: Played | None = None
    eyes: Eyes = field(default_factory=Eyes)  # their times are seconds

    @property
    def name(self) -> str:
        return f"EP{self.index // 9 + 1:02d}_{self.index % 9 + 1:02d}"


@dataclass(frozen=True, slots=True)
class _Camera:
    """How every clip is rendered; ``truth.json`` repeats it."""

    fps: float
    size: tuple[int, int]
    face_px: float
    intensity_px: tuple[float, float]
    seed: int
    noise: float
    quality: int | None
    head: bool
    depth: bool
    zero_amplitude: bool
    prototypes: bool
    natural: bool


def render_corpus(
    out: Path | str,
    *,
    portraits: Path | str | None = None,
    people: int | None = None,
    clips_per_person: int = 9,
    fps: float = 100.0,
    size: tuple[int, int] = (160, 160),
    face_px: float = 128.0,
    intensity_px: tuple[float, float] | None = None,
    seed: int = 0,
    noise: float = 1.2,
    quality: int | None = 95,
    head: bool = True,
    depth: bool = False,
    zero_amplitude: bool = False,
    prototypes: bool = False,
    natural: bool = False,
    jobs: int | None = None,
    advance: Advance | None = None,
) -> Path:
    """Render a corpus of raw frames: the dataset ``synthetic-faces``.

    A clip is one micro-expression of its class (:mod:`mien.synthesis.emotions`), 60 to 250 ms up and 220 to 480 ms in
    all, with some frames before and after. The same arguments give the same bytes on one machine, whatever ``jobs``.

    Parameters
    ----------
    out : path
        A new folder: ``annotations.csv`` (CASME II's columns, and Side, fps, intensity_px, portrait), ``truth.json``,
        ``sub01/EP01_01/img46.jpg`` and, with ``depth``, ``depth/sub01/EP01_01/46.png``.
    portraits : path, optional
        A folder of pictures, each of another person, or a ``.npz`` file with uint8 ``images`` (N, H, W) or
        (N, H, W, 3) and, if several show one person, ``subject`` (N,): the first whose face is found is taken. By
        default scikit-image's ``astronaut`` (NASA, public domain) is everybody. Each person gets proportions and
        light of their own.
    people : int, optional
        How many; by default 12 of the bundled portrait, or all that the portraits show.
    clips_per_person : int
        Of each person; the classes take turns, in an order of its own for everybody.
    fps : float
        Frames per second, 10 to 1000.
    size, face_px
        Width and height of the frames, and side of the face in them (the eye-based crop), pixels.
    intensity_px : (float, float), optional
        Range of the largest displacement of an expression at its apex, pixels at a 128-px face; 1 to 1.5 by default.
    seed : int
        Seed of everything drawn.
    noise : float
        Standard deviation of the sensor noise, grey levels.
    quality : int, optional
        Of JPEG, 1 to 100; None writes PNG, which loses nothing.
    head : bool
        Whether heads sway.
    depth : bool
        Whether to write depth maps: 16 bit, distance from the camera in tenths of a millimetre, without noise. The
        relief of the head moves with the picture; a head that turns or comes nearer does so in depth; and skin that
        an expression pushes together bulges towards the camera as if 12 mm of it kept their volume, skin that it
        stretches sinks.
    zero_amplitude : bool
        Render the very same clips with every displacement of the skin times 0.
    prototypes : bool
        Draw expressions from FACS's prototypes alone, whose class is sure, instead of from what people in three corpora
        did, where one set of action units may go with two classes.
    natural : bool
        Play expressions as the clips of :func:`mien.synthesis.generate_motion` are played: of very different strength
        (half of them between 1 and 2.5 px), units and sides unequally strong, now and then with one unit more that says
        nothing of the class, and the skin over the eye follows the brow; and now and then somebody blinks or glances
        elsewhere. Not with ``intensity_px`` or ``prototypes``.
    jobs : int, optional
        Processes; by default one per core if there are many clips, else this one alone.
    advance : callable, optional
        Called with the number of clips done, and of all.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    MienError
        For impossible settings, portraits that are not there or too few that show a face, or a folder that is taken.

    Warns
    -----
    MienWarning
        For each person on whose portraits no face is found: the first is named, and left out.

    Examples
    --------
    >>> import tempfile
    >>> root = render_corpus(Path(tempfile.mkdtemp()) / "faces", people=1, clips_per_person=1, fps=25)
    >>> sorted(path.name for path in root.iterdir())
    ['annotations.csv', 'sub01', 'truth.json']
    """
    import joblib

    out = Path(out)
    if natural and (intensity_px is not None or prototypes):
        raise MienError(
            "got natural expressions with intensities or prototypes; expected one or the other, since natural ones are "
            "of any strength and kind; leave out either"
        )
    low, high = map(float, intensity_px or _INTENSITY_PX)
    lens = (float(fps), size, float(face_px), (low, high), seed, float(noise), quality)
    camera = _Camera(*lens, head, depth, zero_amplitude, prototypes, natural)
    _check(out, camera, people, clips_per_person, jobs)
    cast = cast_people(portraits, people, camera.size, camera.face_px, seed)
    script = [clip for person in range(len(cast)) for clip in _script(person, clips_per_person, camera)]
    jobs = min(jobs or (joblib.cpu_count() if len(script) >= _MANY else 1), len(script))
    with atomic_folder(out) as root:
        work = (joblib.delayed(_shoot)(root, cast[clip.person], clip, camera) for clip in script)
        for done, _ in enumerate(joblib.Parallel(n_jobs=jobs, return_as="generator_unordered")(work), 1):
            if advance is not None:
                advance(done, len(script))
        _write_table(root / "annotations.csv", cast, script, camera)
        _write_truth(root / "truth.json", cast, script, camera)
    return out


def _check(out: Path, camera: _Camera, people: int | None, clips: int, jobs: int | None) -> None:
    check_seed(camera.seed)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise MienError(f"got '{out}', where something is; expected a new or empty folder; choose another")
    if (people is not None and people < 1) or clips < 1 or (jobs is not None and jobs < 1):
        raise MienError(f"got {people} people, {clips} clips and {jobs} jobs; expected at least 1 of each; change them")
    if not 10 <= camera.fps <= 1000:
        raise MienError(f"got {camera.fps} fps; expected 10 to 1000; change it")
    if min(camera.size) < 64 or max(camera.size) > 4096 or not 48 <= camera.face_px <= min(camera.size):
        width, height = camera.size
        raise MienError(
            f"got a face of {camera.face_px:g} px in {width}x{height}; expected 64x64 to 4096x4096 px and a face from "
            "48 px to the smaller side; change them"
        )
    low, high = camera.intensity_px
    if not 0 < low <= high <= 12:
        raise MienError(f"got intensities from {low} to {high} px; expected 0 < low <= high <= 12; change them")
    if not 0 <= camera.noise <= 50 or (camera.quality is not None and not 1 <= camera.quality <= 100):
        raise MienError(
            f"got the noise {camera.noise} and the quality {camera.quality}; expected 0 to 50 grey levels and 1 to "
            "100, or None for PNG; change them"
        )


def _random(seed: int, *stream: int) -> np.random.Generator:
    return np.random.default_rng([seed, *stream])


# --- what -----------------------------------------------------------------------------------------------------------


def _script(person: int, clips: int, camera: _Camera) -> list[_Clip]:
    """One person's clips: the classes in turn (the first by the person's number, so that totals are even), shuffled."""
    order = _random(camera.seed, _ORDER, person).permutation(clips)
    return [_clip(person, index, CLASSES[(turn + person) % len(CLASSES)], camera) for index, turn in enumerate(order)]


def _clip(person: int, index: int, emotion: str, camera: _Camera) -> _Clip:
    """Times and strength, which know nothing of the class; then the expression, which does."""
    rng = _random(camera.seed, _TIMES, person, index)
    before, after = (int(count) for count in rng.integers(2, 9, 2))
    total = rng.uniform(0.22, 0.48)
    rise = float(np.clip(total * rng.uniform(0.35, 0.55), 0.06, 0.25))
    onset = before + 1 + int(rng.uniform(0.2, 2.0) * camera.fps)
    apex = onset + max(round(rise * camera.fps), 1)
    offset = max(onset + round(total * camera.fps), apex + 1)
    strength = round(float(rng.uniform(*camera.intensity_px)), 3)
    chance = _random(camera.seed, _EXPRESSION, person, index)
    numbers = range(onset - before, offset + after + 1)
    if camera.natural:
        played = play_expression(emotion, chance)
        strength = round(_peak_px(event_field(played.activation, MEAN_FACE, eye_cover_fold=True)), 3)
        event = Event(onset, apex, offset, played.action_units, played.side, strength, emotion)
        eyes = play_eyes(onset / camera.fps, apex / camera.fps, _random(camera.seed, _EYES, person, index))
        return _Clip(person, index, event, numbers, played, eyes)
    units, side = draw_expression(emotion, chance, prototypes=camera.prototypes)
    return _Clip(person, index, Event(onset, apex, offset, units, side, strength, emotion), numbers)


# --- how ------------------------------------------------------------------------------------------------------------


def _shoot(root: Path, person: Person, clip: _Clip, camera: _Camera) -> None:
    """Render one clip: head and skin are put into one map per frame, by which every frame is resampled once."""
    scene = person.scene
    folder, beside = root / person.subject / clip.name, root / "depth" / person.subject / clip.name
    folder.mkdir(parents=True)
    if camera.depth:
        beside.mkdir(parents=True)
    noise = _random(camera.seed, _NOISE, clip.person, clip.index)
    with one_thread():  # processes side by side use the cores
        image = cv2.cvtColor(scene.image, cv2.COLOR_RGB2BGR)
        for number, still, skin, pose, relief in _moved(scene, clip, camera):
            seen = _looking(clip.eyes, number / camera.fps, skin, scene)
            frame = cv2.remap(image, *seen, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101)
            grain = np.rint(camera.noise * noise.standard_normal(frame.shape[:2], np.float32)).astype(np.int16)
            _write(folder, number, cv2.add(frame, cv2.merge([grain] * 3), dtype=cv2.CV_8U), camera.quality)
            if camera.depth:
                distance = _distance(relief, still, skin, pose, scene)
                (beside / f"{number}.png").write_bytes(cv2.imencode(".png", distance)[1].tobytes())


def _moved(
    scene: Scene, clip: _Clip, camera: _Camera
) -> Iterator[tuple[int, Maps, Maps, npt.NDArray[np.float64], FloatArray]]:
    """Of each frame: its number, where its pixels were before the head moved and before the skin did, pose, relief."""
    height, width = scene.image.shape[:2]
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    field, relief = _field(clip, scene, camera.zero_amplitude), scene_depth(scene)
    head = HeadMotion(_random(camera.seed, _HEAD, clip.person, clip.index), scene.face_px) if camera.head else None
    for number in clip.numbers:
        time = number / camera.fps
        pose = np.zeros(6) if head is None else head.at(time)
        still = (x, y) if head is None else head.undo(time, x, y, relief, scene)
        moved = undo_skin(number, *still, [clip.event], [field], scene.to_units)
        yield number, still, (np.float32(moved[0]), np.float32(moved[1])), pose, relief  # type: ignore[misc]


def _looking(eyes: Eyes, time_s: float, skin: Maps, scene: Scene) -> Maps:
    """Where pixels were before lids and irises moved too; no depth of theirs is modelled."""
    x, y = skin
    if (closed := eyes.closed(time_s)) > 0:
        y = undo_lids(closed, x, y, scene.points)
    if eyes.glance is not None:
        x, y = undo_gaze(time_s, x, y, [eyes.glance], eyeballs(scene), scene)
    return np.float32(x), np.float32(y)  # type: ignore[return-value]


def _field(clip: _Clip, scene: Scene, zero: bool) -> FloatArray:
    """Displacement at the apex; an event is as strong as it says on the mean face only, here on this one too."""
    face = apply_affine(scene.to_units, scene.points)
    if clip.played is not None:
        return event_field(clip.played.activation, face, eye_cover_fold=True) * np.float32(not zero)
    field = event_field(clip.event.activation(), face)
    return field * np.float32(0 if zero else clip.event.intensity_px / _peak_px(field))


def _peak_px(field: FloatArray) -> float:
    """The largest displacement, pixels at a 128-px face."""
    return float(128 / CROP[2] * np.hypot(field[..., 0], field[..., 1]).max())


def _distance(
    relief: FloatArray, still: Maps, skin: Maps, pose: npt.NDArray[np.float64], scene: Scene
) -> npt.NDArray[np.uint16]:
    """Distance from the camera, tenths of a millimetre."""
    *_, zoom, yaw, pitch = pose
    towards = cv2.remap(relief, *skin, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    towards = towards + _SKIN * (_area(*skin) / _area(*still) - 1)
    middle = scene.points[27:36].mean(axis=0)
    aside = yaw * (still[0] - middle[0]) + pitch * (still[1] - middle[1])
    towards = towards - aside * CROP[2] / scene.face_px
    return np.rint(10 * (_CAMERA_MM * math.exp(-zoom) - _UNIT_MM * towards)).astype(np.uint16)


def _area(x: FloatArray, y: FloatArray) -> FloatArray:
    """How much of the picture at rest is in each pixel: above 1 where it was pushed together."""
    (x_down, x_right), (y_down, y_right) = np.gradient(x), np.gradient(y)
    return np.asarray(x_right * y_down - x_down * y_right, np.float32)


def _write(folder: Path, number: int, bgr: UInt8Array, quality: int | None) -> None:
    ending, how = (".png", []) if quality is None else (".jpg", [cv2.IMWRITE_JPEG_QUALITY, quality])
    (folder / f"img{number}{ending}").write_bytes(cv2.imencode(ending, bgr, how)[1].tobytes())


# --- truth ----------------------------------------------------------------------------------------------------------

_COLUMNS = (
    "Subject",
    "Filename",
    "OnsetFrame",
    "ApexFrame",
    "OffsetFrame",
    "Action Units",
    "Estimated Emotion",
    "Side",
    "fps",
    "intensity_px",
    "portrait",
)


def _write_table(path: Path, cast: Sequence[Person], script: Sequence[_Clip], camera: _Camera) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(_COLUMNS)
        for clip in script:
            person, event = cast[clip.person], clip.event
            frames = (event.onset_s, event.apex_s, event.offset_s)
            units = "+".join(map(str, event.action_units))
            strength = 0 if camera.zero_amplitude else event.intensity_px
            told = (event.emotion, event.side, camera.fps, strength, person.portrait)
            writer.writerow([person.subject.removeprefix("sub"), clip.name, *frames, units, *told])


def _write_truth(path: Path, cast: Sequence[Person], script: Sequence[_Clip], camera: _Camera) -> None:
    truth = {
        "what": "rendered faces with known truth; numbers are those of the frames, sides those of the image",
        **asdict(camera),
        "depth_unit_mm": 0.1 if camera.depth else None,
        "people": [
            {"subject": one.subject, "portrait": one.portrait, "picture": one.picture}
            | {"points": one.scene.points.round(3).tolist()}
            for one in cast
        ],
        "clips": [_told(clip, cast[clip.person].subject, camera) for clip in script],
    }
    path.write_text(json.dumps(truth, indent=1) + "\n", encoding="utf-8")


def _told(clip: _Clip, subject: str, camera: _Camera) -> dict[str, Any]:
    event = clip.event
    eyes = {name: asdict(moved) for name in ("blink", "glance") if (moved := getattr(clip.eyes, name)) is not None}
    return {
        "clip": f"{subject}/{clip.name}",
        "emotion": event.emotion,
        "action_units": list(event.action_units),
        "side": event.side,
        "intensity_px": 0.0 if camera.zero_amplitude else event.intensity_px,
        "first": clip.numbers[0],
        "onset": event.onset_s,
        "apex": event.apex_s,
        "offset": event.offset_s,
        "last": clip.numbers[-1],
        **eyes,
    }
