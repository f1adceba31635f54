"""What a fixture shows: one portrait as many subjects, performing what the rows of a table say."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mien.core import Sample, UInt8Array
from mien.datasets._corpus import Layout

if TYPE_CHECKING:
    from mien.synthesis.events import Event
    from mien.synthesis.performance import Scene

__all__ = ["film"]

_RAW_SHARE = 0.72  # of a raw frame's smaller side that the face takes: more than in the corpora, as the frame is small
_LATER = 10  # frames to the apex, and on to the offset, where a table does not say
_POSITIVE, _SURPRISE, _ANY = {"happiness", "happy", "positive"}, {"surprise"}, {"other", "others", ""}


def film(
    folder: Path, layout: Layout, clips: Sequence[Sample], size: tuple[int, int], seed: int, margin: int = 0
) -> int:
    """Write the frames of the clips that lie in one folder, named by the layout with the table's numbers.

    Parameters
    ----------
    folder : Path
        Where to.
    layout : Layout
        Names, colour, whether only the face shows.
    clips : sequence of Sample
        Of one subject; their intervals may overlap.
    size : (int, int)
        Width and height, pixels.
    seed : int
        With the names of subject and clip it decides looks, light and intensity.
    margin : int
        Frames before each onset and after each offset.

    Returns
    -------
    int
        How many frames.
    """
    from mien.synthesis.performance import perform

    spans = [_span(clip) for clip in clips]
    ranges = [range(max(onset - margin, 0), offset + margin + 1) for onset, _, offset in spans]
    numbers = sorted(set().union(*ranges))
    scene = _scene(clips[0], layout, size, seed)
    events = [_event(clip, *span, seed) for clip, span in zip(clips, spans, strict=True)]
    folder.mkdir(parents=True, exist_ok=True)
    for number, frame in zip(numbers, perform(scene, events, numbers), strict=True):
        _write(folder / layout.file(clips[0], number), frame, layout.grey)
    beside = _depth_folder(folder)
    if beside:
        _write_depth(beside, scene, numbers)
    return len(numbers)


def _span(sample: Sample) -> tuple[int, int, int]:
    """Onset, apex and offset, with something plausible for what the table does not say."""
    onset = 1 if sample.onset is None else sample.onset
    apex, offset = sample.apex, sample.offset
    if offset is None:
        offset = onset + 2 * _LATER if apex is None else max(2 * apex - onset, apex + _LATER)
    return onset, (onset + offset) // 2 if apex is None else apex, offset


def _event(sample: Sample, onset: int, apex: int, offset: int, seed: int) -> Event:
    """What the row says, with frame numbers for seconds; half a frame up or down where onset, apex and offset meet."""
    from mien.synthesis.events import Event

    rng = _random(seed, sample.sample_id)
    units, side = _units(sample, rng)
    top = min(max(float(apex), onset + 0.5), max(float(offset), onset + 0.5))
    return Event(onset, top, max(float(offset), top + 0.5), units, side, float(rng.uniform(1.6, 2.6)))


def _units(sample: Sample, rng: np.random.Generator) -> tuple[tuple[int, ...], str]:
    """Action units of the row that are modelled; without any, an expression drawn from the emotion's class."""
    from mien.synthesis.action_units import ACTION_UNITS
    from mien.synthesis.emotions import CLASSES, draw_expression

    known = tuple(sorted(sample.action_units & set(ACTION_UNITS)))
    if known:
        return known, "both"
    emotion = sample.emotion.lower()
    if emotion in _ANY:
        return draw_expression(str(rng.choice(CLASSES)), rng)
    return draw_expression(
        "positive" if emotion in _POSITIVE else "surprise" if emotion in _SURPRISE else "negative", rng
    )


def _scene(clip: Sample, layout: Layout, size: tuple[int, int], seed: int) -> Scene:
    """The portrait as the subject of a clip: proportions, light, and how near the head is."""
    from mien.synthesis.performance import place_portrait

    person, take = _random(seed, clip.subject), _random(seed, clip.subject, clip.sample_id)
    wide, tall = 1 + person.normal(0, 0.05, 2)
    shape = np.array([[wide, person.normal(0, 0.03)], [0.0, tall]]) * take.uniform(0.97, 1.03)
    # A face crop is the square that mien's own crop cuts, as wide as the frame's longer side.
    scene = place_portrait(None, size, max(size) if layout.precropped else _RAW_SHARE * min(size), shape)
    return replace(scene, image=_lit(scene.image, person, take))


def _lit(image: UInt8Array, person: np.random.Generator, take: np.random.Generator) -> UInt8Array:
    """Brightness, contrast, tint, and a light from one side."""
    height, width = image.shape[:2]
    across, down = np.meshgrid(np.linspace(-1, 1, width), np.linspace(-1, 1, height))
    slope = person.normal(0, 0.12, 2)
    light = person.uniform(0.8, 1.1) * take.uniform(0.95, 1.05) * (1 + slope[0] * across + slope[1] * down)
    curved = 255 * (image / 255.0) ** person.uniform(0.85, 1.2)
    return np.clip(np.rint(curved * light[..., None] * person.uniform(0.92, 1.08, 3)), 0, 255).astype(np.uint8)


def _random(seed: int, *names: str) -> np.random.Generator:
    return np.random.default_rng([seed, *(zlib.crc32(name.encode()) for name in names)])


def _write(path: Path, frame: UInt8Array, grey: bool) -> None:
    import cv2

    image = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY if grey else cv2.COLOR_RGB2BGR)
    path.write_bytes(cv2.imencode(path.suffix, image)[1].tobytes())


def _depth_folder(folder: Path) -> Path | None:
    """Where CAS(ME)^3 keeps depth: ``depth`` beside its ``color`` or ``frame``."""
    if folder.name == "color":
        return folder.with_name("depth")
    return folder.parent.with_name("depth") / folder.name if folder.parent.name == "frame" else None


def _write_depth(folder: Path, scene: Scene, numbers: Sequence[int]) -> None:
    """The head as a solid, 16 bit, in millimetres: skin that moves by a pixel does not show there."""
    import cv2

    from mien.synthesis.performance import scene_depth

    png = cv2.imencode(".png", np.rint(900 - 80 * scene_depth(scene)).astype(np.uint16))[1].tobytes()
    folder.mkdir(parents=True, exist_ok=True)
    for number in numbers:
        folder.joinpath(f"{number}.png").write_bytes(png)
