"""What else happens in front of a camera: everything that moves or changes and is no micro-expression.

Each distractor is a small model; :mod:`mien.synthesis.staging` draws their parameters and renders clips with them.
Sizes are in pixels at a 128-px face, times in seconds. Rates and sizes are ours, of the order of what people do: 3 to 6
syllables a second, saccades of 50 ms, nods of half a second to one. Blinks and glances are in
:mod:`mien.synthesis.events`, sway is in :mod:`mien.synthesis.performance`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, cast

import cv2
import numpy as np
import numpy.typing as npt

from mien.core import UInt8Array
from mien.synthesis.action_units import Activation
from mien.synthesis.events import Event, ease
from mien.synthesis.face import CROP
from mien.synthesis.performance import HeadMotion, Scene
from mien.video.writing import frame_rate

__all__ = [
    "DISTRACTORS",
    "Absence",
    "Flicker",
    "Hand",
    "Macro",
    "MovedHead",
    "Nod",
    "Shake",
    "Talk",
    "add_noise",
    "compress",
]

Array = npt.NDArray[np.float64]
DISTRACTORS = (
    "blinks", "head", "noise", "nods", "glances", "talk", "macro", "flicker", "shake", "compression", "hand", "leave",
)  # fmt: skip
"""What may happen beside the micro-expressions."""

_NOISE_SD = 1.2


@dataclass(frozen=True, slots=True)
class Nod:
    """The head pitches down and comes back: the face goes down, its nearer parts a little farther."""

    onset_s: float
    offset_s: float
    px: float

    def pose(self, time_s: float, scene: Scene) -> Array:
        """As :meth:`HeadMotion.at`."""
        way = ease(time_s, self.onset_s, self.offset_s, (self.offset_s - self.onset_s) / 2) * self.px
        return np.array([0, 0.8 * way * scene.face_px / 128, 0, 0, 0, 0.2 * way * CROP[2] / 128])


@dataclass(frozen=True, slots=True)
class Absence:
    """The face slides out of the picture at one side, and in again."""

    onset_s: float
    offset_s: float
    towards: int
    slide_s: float = 0.45

    def pose(self, time_s: float, scene: Scene) -> Array:
        """As :meth:`HeadMotion.at`."""
        way = scene.image.shape[1] / 2 + 0.7 * scene.face_px
        return np.array([self.towards * way * ease(time_s, self.onset_s, self.offset_s, self.slide_s), 0, 0, 0, 0, 0])


class Shake:
    """The camera trembles: the whole picture jitters by a fraction of a pixel to a pixel, 2 to 14 Hz."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rates = rng.uniform(2, 14, (2, 5))
        self.phases = rng.uniform(0, 2 * np.pi, (2, 5))
        self.px = rng.uniform(0.15, 0.4) / math.sqrt(2.5)  # root mean square of each axis, by 5 waves

    def pose(self, time_s: float, scene: Scene) -> Array:
        """As :meth:`HeadMotion.at`."""
        wave = self.px * np.sin(2 * np.pi * self.rates * time_s + self.phases).sum(axis=1) * scene.face_px / 128
        return np.array([*wave, 0, 0, 0, 0])


@dataclass(frozen=True, slots=True)
class Talk:
    """One part of the mouth while somebody talks: opens and closes, each syllable as far as it likes."""

    onset_s: float
    offset_s: float
    rate_hz: float
    phase: float
    action_units: tuple[int, ...]
    intensity_px: float

    def activation(self) -> Activation:
        """As :meth:`Event.activation`."""
        return Event(0, 1, 2, self.action_units, "both", self.intensity_px).activation()

    def course(self, time_s: float) -> float:
        """How far it is out, 0 to 1."""
        if not self.onset_s < time_s < self.offset_s:
            return 0.0
        turn = 2 * math.pi * self.rate_hz * (time_s - self.onset_s)
        stress = 0.6 + 0.4 * math.sin(0.37 * turn + self.phase)
        return 0.5 * (1 - math.cos(turn)) * stress * ease(time_s, self.onset_s, self.offset_s, 0.1)


@dataclass(frozen=True, slots=True)
class Macro:
    """A lasting expression: 0.3 s or more up, held, and down again."""

    onset_s: float
    offset_s: float
    ramp_s: float
    action_units: tuple[int, ...]
    side: str
    intensity_px: float

    def activation(self) -> Activation:
        """As :meth:`Event.activation`."""
        return Event(0, 1, 2, self.action_units, self.side, self.intensity_px).activation()

    def course(self, time_s: float) -> float:
        """How far it is out, 0 to 1."""
        return ease(time_s, self.onset_s, self.offset_s, self.ramp_s)


class Flicker:
    """Light: all of it flickers at 1 to 10 Hz by some per cent, and a gradient over the picture moves slowly."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rate_hz, self.size, self.phase = rng.uniform(1, 10), rng.uniform(0.01, 0.03), rng.uniform(0, 2 * np.pi)
        self.turn_hz, self.slope, self.start = (
            rng.uniform(0.05, 0.3),
            rng.uniform(0.02, 0.06),
            rng.uniform(0, 2 * np.pi),
        )

    def __call__(self, image: UInt8Array, time_s: float) -> UInt8Array:
        """Light a picture; nothing in it moves."""
        height, width = image.shape[:2]
        angle = 2 * np.pi * self.turn_hz * time_s + self.start
        across = np.linspace(-self.slope, self.slope, width, dtype=np.float32) * np.float32(math.cos(angle))
        down = np.linspace(-self.slope, self.slope, height, dtype=np.float32) * np.float32(math.sin(angle))
        gain = (
            across
            + down[:, None]
            + np.float32(1 + self.size * math.sin(2 * np.pi * self.rate_hz * time_s + self.phase))
        )
        return cast(
            UInt8Array, cv2.multiply(image, cv2.merge([gain] * 3) if image.ndim == 3 else gain, dtype=cv2.CV_8U)
        )


@dataclass(frozen=True, slots=True)
class Hand:
    """A hand before a part of the face: a textured ellipse of the face's colour that comes, stays and goes.

    Attributes
    ----------
    onset_s, offset_s : float
        When it is in the picture.
    start, place : (float, float)
        Where it comes from and stays, pixels of the frame.
    radii : (float, float)
        Half axes, pixels.
    angle : float
        Radians.
    skin : uint8 array, (S, S) or (S, S, 3)
        Its picture.
    """

    onset_s: float
    offset_s: float
    start: tuple[float, float]
    place: tuple[float, float]
    radii: tuple[float, float]
    angle: float
    skin: UInt8Array

    def cover(self, time_s: float, shape: tuple[int, ...]) -> npt.NDArray[np.float32]:
        """How much of each pixel it hides, (H, W), 0 to 1."""
        side = self.skin.shape[0]
        y, x = np.mgrid[:side, :side].astype(np.float32) * np.float32(2 / (side - 1)) - 1
        solid = np.clip((1 - np.hypot(x, y)) * side / 6, 0, 1)
        return cast(npt.NDArray[np.float32], self._put(solid.astype(np.float32), time_s, shape))

    def __call__(self, image: UInt8Array, time_s: float) -> UInt8Array:
        """Draw it over a picture."""
        if not self.onset_s < time_s < self.offset_s:
            return image
        cover = self.cover(time_s, image.shape)
        cover = cover[..., None] if image.ndim == 3 else cover
        skin = self._put(self.skin, time_s, image.shape).astype(np.float32)
        return np.rint(image + cover * (skin - image)).astype(np.uint8)

    def _put(self, picture: npt.NDArray[Any], time_s: float, shape: tuple[int, ...]) -> npt.NDArray[Any]:
        there = ease(time_s, self.onset_s, self.offset_s, 0.3)
        at = np.multiply(self.start, 1 - there) + np.multiply(self.place, there)
        cos, sin, half = math.cos(self.angle), math.sin(self.angle), (picture.shape[0] - 1) / 2
        linear = np.array([[cos, -sin], [sin, cos]]) @ np.diag(self.radii) / half
        matrix = np.column_stack([linear, at - linear @ [half, half]])
        return cast(npt.NDArray[Any], cv2.warpAffine(picture, matrix, shape[1::-1], flags=cv2.INTER_LINEAR))


class MovedHead(HeadMotion):
    """Sway of the head, if any, with everything that moves the whole face besides."""

    def __init__(self, sway: HeadMotion | None, moves: Sequence[Nod | Absence | Shake], scene: Scene) -> None:
        self.sway, self.moves, self.scene = sway, moves, scene

    def at(self, time_s: float) -> Array:
        """As :meth:`HeadMotion.at`."""
        pose = np.zeros(6) if self.sway is None else self.sway.at(time_s)
        return np.sum([pose, *(move.pose(time_s, self.scene) for move in self.moves)], axis=0)


def add_noise(frames: Iterable[UInt8Array], rng: np.random.Generator) -> Iterator[UInt8Array]:
    """Add sensor noise: independent per pixel and frame, the same on the three channels."""
    noise: npt.NDArray[np.int16] | None = None
    for frame in frames:
        if noise is None:
            height, width = frame.shape[:2]
            noise = np.rint(rng.normal(0, _NOISE_SD, (2 * height, 2 * width))).astype(np.int16)
        row, column = rng.integers(0, height), rng.integers(0, width)
        grain = noise[row : row + height, column : column + width]
        yield cast(UInt8Array, cv2.add(frame, cv2.merge([grain] * 3) if frame.ndim == 3 else grain, dtype=cv2.CV_8U))


def compress(frames: Iterable[UInt8Array], fps: float, crf: int) -> Iterator[UInt8Array]:
    """Encode as H.264 and decode: what a cheap camera or a video call leaves of the frames. Grey frames stay grey.

    Parameters
    ----------
    frames : iterable of uint8 array, (H, W) or (H, W, 3)
        Of one shape.
    fps : float
        Frames per second.
    crf : int
        x264's constant rate factor, 0 (best) to 51.
    """
    import av

    writer: Any = None
    reader: Any = av.CodecContext.create("h264", "r")
    grey = False
    for index, image in enumerate(frames):
        grey = image.ndim == 2
        writer = writer or _encoder(image, frame_rate(fps), crf)
        raw = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="gray" if grey else "rgb24")
        raw.pts = index
        for packet in writer.encode(raw):
            yield from _decoded(reader, packet, grey)
    for packet in writer.encode(None) if writer else []:
        yield from _decoded(reader, packet, grey)
    yield from _decoded(reader, None, grey)


def _encoder(first: UInt8Array, rate: Fraction, crf: int) -> Any:
    import av

    writer: Any = av.CodecContext.create("libx264", "w")
    writer.height, writer.width = first.shape[:2]
    writer.pix_fmt = "yuv420p" if writer.height % 2 == writer.width % 2 == 0 else "yuv444p"
    writer.time_base, writer.framerate = 1 / rate, rate
    # AVX2: with AVX-512 x264 writes other bytes from run to run (see mien.video.writing).
    params = "asm=AVX2:threads=1:bframes=0:rc-lookahead=0:sync-lookahead=0"
    writer.options = {"crf": str(crf), "preset": "veryfast", "x264-params": params}
    return writer


def _decoded(reader: Any, packet: Any, grey: bool) -> Iterator[UInt8Array]:
    for frame in reader.decode(packet):
        if grey:
            yield np.ascontiguousarray(frame.to_ndarray(format="gray"))
        else:
            yield frame.to_ndarray(format="rgb24")
