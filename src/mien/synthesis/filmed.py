"""Two frames of a drawn face, at onset and apex, and what an optical flow estimator makes of them."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from mien.core import FloatArray, UInt8Array
from mien.synthesis.action_units import Activation, displacement
from mien.synthesis.drawn_face import BOX, draw_background, draw_face
from mien.synthesis.face import head_depth
from mien.synthesis.map_settings import MapSettings

__all__ = ["WIDE", "estimate_flow", "film_pair", "head_field"]

Array = npt.NDArray[np.float64]
Map = FloatArray

WIDE = (-1.5, -1.05, 3.0)
"""Where the flow of a synthetic clip is known, in face units: left, top, side."""

_FIELD_PX = 80  # grid of the displacement over BOX
_OVERSAMPLED = 1.5  # frames are sampled so much finer than their pixels, which average


def film_pair(
    activation: Activation, face: Array, rng: np.random.Generator, settings: MapSettings = MapSettings()
) -> tuple[UInt8Array, UInt8Array]:
    """Draw a face at onset and at apex.

    Parameters
    ----------
    activation : mapping of int to (float, float)
        Action units at the apex (:func:`mien.synthesis.displacement`).
    face : array, (68, 2)
        The person's landmarks, face units.
    rng : numpy.random.Generator
        Looks, head motion, lids, gaze, light and noise.
    settings : MapSettings
        How much of each.

    Returns
    -------
    onset, apex : uint8 array, (S, S)
        Of the face from :data:`WIDE`; S is one of ``settings.sizes``.
    """
    size = int(rng.choice(settings.sizes, p=settings.size_shares))
    scale = 1.4 * size / WIDE[2]
    looks, glance = int(rng.integers(2**31)), rng.normal(0, 0.02, 2)
    moved = rng.normal(0, settings.gaze_size, 2) if rng.random() < settings.gaze else np.zeros(2)
    lids = _lids(rng, settings, float(moved[1]))
    worn = {"beard": settings.beard, "glasses": settings.glasses}
    drawn = [
        draw_face(face, np.random.default_rng(looks), scale, gaze=(float(u), float(v)), closed=closed, **worn)
        for (u, v), closed in ((glance, lids[0]), (glance + moved, lids[1]))
    ]
    behind = draw_background(rng, len(drawn[0][0]))
    x, y = _places(round(_OVERSAMPLED * size))
    still = _undo(_field(activation, face, rng, settings), x, y)
    light, noise, blur = rng.normal(0, settings.light, 3), rng.uniform(*settings.sensor), rng.uniform(*settings.optics)
    frames = []
    for (picture, head), (from_x, from_y), lamp in zip(drawn, ((x, y), still), (np.zeros(3), light), strict=True):
        inside = _look(head, from_x, from_y, scale, cv2.INTER_LINEAR)
        seen = _look(picture, from_x, from_y, scale, cv2.INTER_CUBIC) * inside
        seen += _look(behind, x, y, scale, cv2.INTER_LINEAR) * (1 - inside)
        seen = seen * np.float32(1 + lamp[0]) + np.float32(255) * np.float32(lamp[1:] / 2) @ np.stack([x, y], axis=1)
        frames.append(_expose(seen, size, blur, noise, rng))
    return frames[0], frames[1]


def estimate_flow(
    frames: tuple[UInt8Array, UInt8Array], rng: np.random.Generator, settings: MapSettings = MapSettings()
) -> FloatArray:
    """Give two frames of :data:`WIDE` to an estimator drawn by its share; float32 (2, S, S), face units."""
    names, shares = zip(*settings.estimators, strict=True)
    name = names[int(rng.choice(len(names), p=shares))]
    if name == "tvl1":
        flow = _tvl1().calc(*frames, None)
    elif name == "dis":
        flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM).calc(*frames, None)
    else:
        window = int(rng.choice([9, 15]))
        flow = cv2.calcOpticalFlowFarneback(*frames, None, 0.5, 3, window, 3, 5, 1.2, 0)
    return np.asarray(np.moveaxis(flow, -1, 0) * np.float32(WIDE[2] / len(frames[0])), np.float32)


def head_field(points: Array, shift: Array, turns: Array) -> Array:
    """Displacement (..., 2) of a solid head: shift (2,); roll, zoom, yaw, pitch as displacement one unit away."""
    roll, zoom, yaw, pitch = turns
    x, y, depth = points[..., 0], points[..., 1] - 0.5, head_depth(points)
    return np.stack([shift[0] + zoom * x - roll * y + yaw * depth, shift[1] + roll * x + zoom * y + pitch * depth], -1)


def _tvl1() -> cv2.optflow.DualTVL1OpticalFlow:
    """TV-L1 with a third of the usual work: its maps correlate by .93 to .98 with those of OpenCV's defaults."""
    return cv2.optflow.DualTVL1OpticalFlow.create(outerIterations=3, innnerIterations=10, warps=2, nscales=3)


def _lids(rng: np.random.Generator, settings: MapSettings, glance_down: float) -> tuple[float, float]:
    """How far the lids are down at onset and apex: blinks close them three times as often as they end; glances too."""
    before = abs(rng.normal(0, 0.08))
    after, kind = before + 4 * glance_down, rng.random()
    if kind < 0.75 * settings.blink:
        after = before + rng.uniform(0.1, 1)
    elif kind < settings.blink:
        before, after = before + rng.uniform(0.1, 1), before
    elif kind < 2 * settings.blink:
        after += rng.normal(0, 0.1)
    return float(np.clip(before, 0, 1)), float(np.clip(after, -0.25, 1))


def _field(activation: Activation, face: Array, rng: np.random.Generator, settings: MapSettings) -> Map:
    """Displacement of skin and head on a grid over :data:`BOX`, float32 (80, 80, 2)."""
    steps = (np.arange(_FIELD_PX) + 0.5) / _FIELD_PX * BOX[2]
    grid = np.stack(np.meshgrid(BOX[0] + steps, BOX[1] + steps), axis=-1)
    skin = displacement(grid, activation, face, eye_cover_fold=settings.eye_cover_fold)
    strength = settings.head * np.exp(rng.normal(0, settings.head_spread))
    head = head_field(grid, rng.normal(0, strength, 2), rng.normal(0, strength, 4))
    return np.asarray(skin + head, np.float32)


def _places(size: int) -> tuple[Map, Map]:
    """Face units that the samples of a frame look at."""
    steps = ((np.arange(size) + 0.5) / size * WIDE[2]).astype(np.float32)
    x, y = np.meshgrid(np.float32(WIDE[0]) + steps, np.float32(WIDE[1]) + steps)
    return x, y


def _undo(field: Map, x: Map, y: Map) -> tuple[Map, Map]:
    """Where the skin now at (x, y) was at the onset; two steps invert the displacement."""
    from_x, from_y = x, y
    for _ in range(2):
        moved = _look(field, from_x, from_y, _FIELD_PX / BOX[2], cv2.INTER_LINEAR)
        from_x, from_y = x - moved[..., 0], y - moved[..., 1]
    return from_x, from_y


def _look(picture: Map, x: Map, y: Map, scale: float, how: int) -> Map:
    """The picture of :data:`BOX` at places in face units."""
    column, row = (x - np.float32(BOX[0])) * np.float32(scale), (y - np.float32(BOX[1])) * np.float32(scale)
    half = np.float32(0.5)
    return np.asarray(cv2.remap(picture, column - half, row - half, how, borderMode=cv2.BORDER_REPLICATE), np.float32)


def _expose(seen: Map, size: int, blur: float, noise: float, rng: np.random.Generator) -> UInt8Array:
    """Average into pixels, blur, add noise, quantise."""
    frame = cv2.resize(seen, (size, size), interpolation=cv2.INTER_AREA)
    if blur > 0.25:
        frame = cv2.GaussianBlur(frame, (0, 0), blur)
    return np.clip(np.rint(frame + noise * rng.standard_normal(frame.shape)), 0, 255).astype(np.uint8)
