"""Distractors in the time that a clip has, and clips rendered with them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from mien.core import UInt8Array
from mien.synthesis.distractors import (
    DISTRACTORS,
    Absence,
    Flicker,
    Hand,
    Macro,
    MovedHead,
    Nod,
    Shake,
    Talk,
    add_noise,
    compress,
)
from mien.synthesis.emotions import CLASSES, draw_expression
from mien.synthesis.events import Blink, Event, Glance, draw_blinks
from mien.synthesis.performance import HeadMotion, Scene, perform

__all__ = ["Distractors", "Span", "draw_distractors", "film"]

Span = tuple[str, float, float]
"""Name of a distractor, when it begins and ends, seconds."""

_MARGIN_S = 0.4  # between what must not overlap
_TRIES = 200
_CRF = (20, 29)  # of H.264, from good to plainly compressed


@dataclass(frozen=True, slots=True)
class Distractors:
    """All that distracts in one clip: ``names`` of :data:`DISTRACTORS`, and what was drawn for each.

    ``crf`` is the constant rate factor of the compression, None without.
    """

    names: tuple[str, ...]
    blinks: tuple[Blink, ...] = ()
    sway: HeadMotion | None = None
    nods: tuple[Nod, ...] = ()
    glances: tuple[Glance, ...] = ()
    talks: tuple[Talk, ...] = ()
    macros: tuple[Macro, ...] = ()
    flicker: Flicker | None = None
    shake: Shake | None = None
    hands: tuple[Hand, ...] = ()
    absences: tuple[Absence, ...] = ()
    crf: int | None = None

    def spans(self) -> list[Span]:
        """When each that has a beginning and an end happens, in time order; the two parts of talk are one."""
        kinds: dict[str, Sequence[Any]] = {"blinks": self.blinks, "nods": self.nods, "talk": self.talks}
        kinds |= {"macro": self.macros, "hand": self.hands, "leave": self.absences}
        spans = {(name, each.onset_s, each.offset_s) for name, group in kinds.items() for each in group}
        spans |= {
            ("glances", t, t + glance.saccade_s) for glance in self.glances for t in (glance.onset_s, glance.back_s)
        }
        return sorted(spans, key=lambda span: (span[1], span))

    def head(self, scene: Scene) -> HeadMotion | None:
        """Everything that moves the face as a whole."""
        shake = () if self.shake is None else (self.shake,)
        moves: list[Nod | Absence | Shake] = [*self.nods, *self.absences, *shake]
        return MovedHead(self.sway, moves, scene) if moves else self.sway

    def expose(self, frames: Iterable[UInt8Array], fps: float, rng: np.random.Generator) -> Iterator[UInt8Array]:
        """What is before the face, the light and the camera do to the frames; ``rng`` is of the noise."""
        frames = self._lit(frames, fps)
        if "noise" in self.names:
            frames = add_noise(frames, np.random.default_rng(rng.integers(2**63)))
        return iter(frames) if self.crf is None else compress(frames, fps, self.crf)

    def _lit(self, frames: Iterable[UInt8Array], fps: float) -> Iterator[UInt8Array]:
        for index, frame in enumerate(frames):
            image = frame
            for hand in self.hands:
                image = hand(image, index / fps)
            yield image if self.flicker is None else self.flicker(image, index / fps)


def film(
    scene: Scene, events: Sequence[Event], fps: float, count: int, around: Distractors, rng: np.random.Generator
) -> Iterator[UInt8Array]:
    """Render a portrait that performs events among distractors.

    Parameters
    ----------
    scene : Scene
        Who is seen; grey or RGB.
    events : sequence of Event
        The micro-expressions.
    fps, count
        Frames per second, and how many.
    around : Distractors
        From :func:`draw_distractors`.
    rng : numpy.random.Generator
        Of the sensor noise.

    Examples
    --------
    >>> from mien.synthesis.performance import place_portrait
    >>> scene, rng = place_portrait(None, (96, 64), face_px=48), np.random.default_rng(0)
    >>> around = draw_distractors(2.0, rng, ("talk", "flicker"), [], scene)
    >>> [frame.shape for frame in film(scene, [], 25, 2, around, rng)]
    [(64, 96, 3), (64, 96, 3)]
    """
    frames = perform(
        scene,
        [*events, *around.talks, *around.macros],
        (index / fps for index in range(count)),
        blinks=around.blinks,
        head=around.head(scene),
        glances=around.glances,
        # A mirrored border would show a second face beside one that leaves.
        border=cv2.BORDER_REPLICATE if around.absences else cv2.BORDER_REFLECT_101,
    )
    return around.expose(frames, fps, rng)


# --- drawing --------------------------------------------------------------------------------------------------------


def draw_distractors(
    seconds: float, rng: np.random.Generator, wanted: Sequence[str], events: Sequence[Event], scene: Scene
) -> Distractors:
    """Draw what happens beside the micro-expressions.

    Talk, lasting expressions, a hand and absences keep clear of the events and of each other by 0.4 s: in each of these
    a micro-expression could not be seen, or would be part of another movement. The rest happens at any time.

    Parameters
    ----------
    seconds : float
        Length of the clip.
    rng : numpy.random.Generator
        Source of randomness.
    wanted : sequence of str
        Names in :data:`DISTRACTORS`.
    events : sequence of Event
        The micro-expressions.
    scene : Scene
        Whose face, and where.
    """
    streams = dict(zip(DISTRACTORS, rng.spawn(len(DISTRACTORS)), strict=True))
    taken = [(event.onset_s, event.offset_s) for event in events]
    drawn: dict[str, Any] = {}
    if "leave" in wanted:
        spans = _place(seconds, streams["leave"], taken, 40, (1.4, 2.4))
        drawn["absences"] = tuple(Absence(*span, int(streams["leave"].choice([-1, 1]))) for span in spans)
    if "talk" in wanted:
        spans = _place(seconds, streams["talk"], taken, 20, (1.0, 3.0))
        drawn["talks"] = tuple(part for span in spans for part in _talk(*span, streams["talk"]))
    if "macro" in wanted:
        spans = _place(seconds, streams["macro"], taken, 20, (0.7, 3.0))
        drawn["macros"] = tuple(_macro(*span, streams["macro"]) for span in spans)
    if "hand" in wanted:
        spans = _place(seconds, streams["hand"], taken, 30, (0.9, 1.5))
        drawn["hands"] = tuple(_hand(*span, streams["hand"], scene) for span in spans)
    if "blinks" in wanted:
        drawn["blinks"] = tuple(draw_blinks(seconds, streams["blinks"]))
    if "nods" in wanted:
        spans = _place(seconds, streams["nods"], [], 10, (0.5, 1.0))
        drawn["nods"] = tuple(Nod(*span, float(streams["nods"].uniform(3, 7))) for span in spans)
    if "glances" in wanted:
        spans = _place(seconds, streams["glances"], [], 6, (0.3, 2.0))
        drawn["glances"] = tuple(_glance(*span, streams["glances"]) for span in spans)
    if "head" in wanted:
        drawn["sway"] = HeadMotion(streams["head"], scene.face_px)
    if "flicker" in wanted:
        drawn["flicker"] = Flicker(streams["flicker"])
    if "shake" in wanted:
        drawn["shake"] = Shake(streams["shake"])
    if "compression" in wanted:
        drawn["crf"] = int(streams["compression"].integers(*_CRF))
    return Distractors(tuple(wanted), **drawn)


def _place(
    seconds: float,
    rng: np.random.Generator,
    taken: list[tuple[float, float]],
    every_s: float,
    lengths_s: tuple[float, float],
) -> list[tuple[float, float]]:
    """Find room for one in ``every_s``, at least one if there is any; what is placed is taken."""
    placed: list[tuple[float, float]] = []
    wanted = max(1, round(seconds / every_s))
    for _ in range(_TRIES):
        if len(placed) == wanted:
            break
        length = rng.uniform(*lengths_s)
        if length + 2 * _MARGIN_S > seconds:
            continue
        start = round(float(rng.uniform(_MARGIN_S, seconds - _MARGIN_S - length)), 4)
        stop = round(start + length, 4)
        if all(stop + _MARGIN_S <= a or b + _MARGIN_S <= start for a, b in [*taken, *placed]):
            placed.append((start, stop))
    taken += placed
    return sorted(placed)


def _talk(start: float, stop: float, rng: np.random.Generator) -> tuple[Talk, Talk]:
    """The jaw opens with every syllable; the lips purse or stretch at a pace of their own."""
    rate, phases = rng.uniform(3, 6), rng.uniform(0, 2 * np.pi, 2)
    jaw = Talk(start, stop, float(rate), float(phases[0]), (25, 26), float(rng.uniform(2, 5)))
    lips = (18,) if rng.random() < 0.5 else (20,)
    return jaw, Talk(start, stop, float(rate * rng.uniform(0.4, 0.8)), float(phases[1]), lips, float(rng.uniform(1, 2)))


def _macro(start: float, stop: float, rng: np.random.Generator) -> Macro:
    units, side = draw_expression(str(rng.choice(CLASSES)), rng)
    ramp = float(rng.uniform(0.3, max(0.31, min(0.8, (stop - start) / 2))))
    return Macro(start, stop, ramp, units, side, float(rng.uniform(1.5, 4)))


def _glance(start: float, stop: float, rng: np.random.Generator) -> Glance:
    across = float(rng.choice([-1, 1]) * rng.uniform(0.06, 0.2))
    return Glance(start, stop, (across, float(rng.normal(0, 0.02))))


def _hand(start: float, stop: float, rng: np.random.Generator, scene: Scene) -> Hand:
    """It comes from below or from a side to a cheek, the mouth or the chin."""
    height, width = scene.image.shape[:2]
    face = scene.face_px
    goal = scene.points[[2, 14, 57, 8][rng.integers(4)]] + rng.normal(0, 0.04 * face, 2)
    radii = (float(face * rng.uniform(0.2, 0.3)), float(face * rng.uniform(0.14, 0.2)))
    away = 1.1 * max(radii)
    starts = [(float(goal[0]), height + away), (-away, float(goal[1])), (width + away, float(goal[1]))]
    side = 1 + int(goal[0] > width / 2)  # from the nearer side, or from below
    begin = starts[side if rng.random() < 0.5 else 0]
    return Hand(
        start, stop, begin, (float(goal[0]), float(goal[1])), radii, float(rng.uniform(-0.6, 0.6)), _skin(rng, scene)
    )


def _skin(rng: np.random.Generator, scene: Scene, side: int = 96) -> UInt8Array:
    """Texture of the colour of the nose's bridge: folds, pores and a shade towards one side."""
    x, y = np.clip(np.rint(scene.points[28]).astype(int), 3, None)
    colour = np.median(scene.image[y - 3 : y + 4, x - 3 : x + 4], axis=(0, 1)) * rng.uniform(0.8, 1.1)
    grain = sum(
        gain * cv2.GaussianBlur(rng.normal(0, sigma, (side, side)).astype(np.float32), (0, 0), sigma)
        for sigma, gain in ((1, 8.0), (4, 16.0), (12, 20.0))
    )
    shade = np.linspace(0.85, 1.1, side)[:, None] * (1 + np.asarray(grain) / 160)
    tinted = shade[..., None] * colour if np.ndim(colour) else shade * colour
    return np.clip(np.rint(tinted), 0, 255).astype(np.uint8)
