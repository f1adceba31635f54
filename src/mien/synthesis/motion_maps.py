"""Synthetic motion maps: what the flow from onset to apex of a micro-expression looks like, without any face.

A sample is an expression drawn from its class (:mod:`mien.synthesis.emotions`), played by a random person
(:mod:`mien.synthesis.face`) through the displacement fields of its action units, seen through a crop that is never
quite the same and a flow estimator that blurs, loses and invents motion.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter

from mien.core import MienError, atomic_path
from mien.motion import motion_map
from mien.synthesis.action_units import Activation, displacement
from mien.synthesis.emotions import CLASSES, draw_expression
from mien.synthesis.events import check_seed
from mien.synthesis.face import CROP, random_face

__all__ = ["MapSettings", "generate_motion", "synthetic_flow"]

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class MapSettings:
    """Every parameter of the synthetic maps, with its reason.

    Lengths are in interocular distances unless they say otherwise.
    """

    size: int = 56
    """Grid on which flow and strain are made, px; the map is 28 (the estimator sees more than the map keeps)."""
    amplitude: float = 0.022
    """Median largest displacement: about 1.1 px at a 128-px face, the middle of what the corpora's authors report."""
    amplitude_spread: float = 0.5
    """Standard deviation of the logarithm of the amplitude between clips."""
    unit_spread: float = 0.45
    """The same between the action units of one expression: they are never equally strong."""
    asymmetry: float = 0.25
    """The same between the sides: spontaneous expressions are lopsided."""
    weak_side: float = 0.15
    """What a one-sided action leaks to the other side."""
    identity: float = 1.0
    """Variation between people, 1 as measured on portraits."""
    crop_scale: float = 0.10
    """Standard deviation of the crop's size: face boxes differ between detectors and corpora."""
    crop_shift: float = 0.10
    """Standard deviation of the crop's position."""
    crop_roll: float = 3.0
    """Standard deviation of the head's roll left in the crop, degrees."""
    head_shift: float = 0.35
    """Residual head translation, as a share of the amplitude."""
    head_turn: float = 0.25
    """Residual head rotation and scaling, as displacement at one unit, share of the amplitude."""
    background: float = 0.5
    """Chance that what lies beyond the face's outline stands still when the head moves."""
    noise: float = 0.16
    """Flow noise, as a share of the amplitude of a median clip: weak expressions drown in it."""
    noise_scales: tuple[float, ...] = (1.5, 4.0, 10.0)
    """Correlation lengths of the flow noise, px of the grid: texture, features, light."""
    blur: tuple[float, float] = (0.5, 2.5)
    """Range of the estimator's smoothing, px of the grid."""
    gain_spread: float = 0.35
    """Where skin has no texture the estimator sees less motion: spread of a smooth random gain."""
    extra_unit: float = 0.25
    """Chance of one more action unit, at less strength, that has nothing to do with the class."""
    blink: float = 0.15
    """Chance that the lids move too."""


def synthetic_flow(
    emotion: str, rng: np.random.Generator, settings: MapSettings = MapSettings()
) -> tuple[npt.NDArray[np.float32], tuple[int, ...]]:
    """Draw one clip's flow from onset to apex.

    Parameters
    ----------
    emotion : str
        ``negative``, ``positive`` or ``surprise``.
    rng : numpy.random.Generator
        Source of all randomness.
    settings : MapSettings
        The generator's parameters.

    Returns
    -------
    flow : float32 array, (2, size, size)
        ``u`` right, ``v`` down, in pixels of the grid.
    action_units : tuple of int
        What moved by intent (without the extra unit).

    Examples
    --------
    >>> flow, units = synthetic_flow("positive", np.random.default_rng(1))
    >>> flow.shape
    (2, 56, 56)
    """
    units, side = draw_expression(emotion, rng)
    strength = settings.amplitude * np.exp(rng.normal(0, settings.amplitude_spread))
    activation = _activation(units, side, strength, rng, settings)
    grid = _crop_grid(rng, settings)
    field = displacement(grid, activation, random_face(rng, settings.identity))
    field = field + _head_motion(grid, strength, rng, settings)
    flow = np.moveaxis(field, -1, 0) * (settings.size / CROP[2])
    return _estimate(flow, rng, settings), units


def generate_motion(
    out: Path | str, *, per_class: int = 1000, seed: int = 0, settings: MapSettings = MapSettings()
) -> Path:
    """Write synthetic motion maps in the ``motion-npz`` format.

    Parameters
    ----------
    out : path
        The ``.npz`` file to write: ``X`` (N, 28, 28, 3) uint8 RGB = u, v, strain, each min-max stretched; ``y``;
        ``subject``, ``dataset`` and ``sample_id`` strings; ``action_units`` strings ("4+7"); ``classes``.
    per_class : int
        Maps of each of negative, positive, surprise.
    seed : int
        The same seed gives the same bytes on one machine.
    settings : MapSettings
        The generator's parameters, written into the file as ``settings``.

    Raises
    ------
    MienError
        If ``per_class`` is not positive, ``seed`` is negative, or ``out`` does not end in ``.npz``.
    """
    out = Path(out)
    if per_class < 1:
        raise MienError(f"got {per_class} maps per class; expected at least 1; give --per-class a positive number")
    check_seed(seed)
    if out.suffix != ".npz":
        raise MienError(f"got the output '{out}'; expected a name ending in .npz; rename it")
    labels = np.tile(np.arange(len(CLASSES)), per_class)
    streams = np.random.SeedSequence(seed).spawn(len(labels))
    maps = np.empty((len(labels), 28, 28, 3), np.uint8)
    units = []
    for row, (label, stream) in enumerate(zip(labels, streams, strict=True)):
        flow, active = synthetic_flow(CLASSES[label], np.random.default_rng(stream), settings)
        maps[row] = motion_map(flow)
        units.append("+".join(map(str, active)))
    people = np.array([f"synthetic/p{row // 12:05d}" for row in range(len(labels))])
    with atomic_path(out) as temporary, temporary.open("wb") as file:
        np.savez_compressed(
            file,
            X=maps,
            y=labels.astype(np.int64),
            subject=people,
            dataset=np.full(len(labels), "synthetic"),
            sample_id=np.array([f"{person}/{row:06d}" for row, person in enumerate(people)]),
            action_units=np.array(units),
            classes=np.array(CLASSES),
            settings=np.array(repr(asdict(settings))),
        )
    return out


def _activation(
    units: tuple[int, ...], side: str, strength: float, rng: np.random.Generator, settings: MapSettings
) -> Activation:
    activation: dict[int, tuple[float, float]] = {}
    for unit in units:
        gain = strength * np.exp(rng.normal(0, settings.unit_spread))
        tilt = np.exp(rng.normal(0, settings.asymmetry) / 2)
        weak = settings.weak_side
        left = gain * tilt * (weak if side == "right" else 1.0)
        right = gain / tilt * (weak if side == "left" else 1.0)
        activation[unit] = (left, right)
    if rng.random() < settings.extra_unit:
        other = int(rng.choice([5, 6, 7, 14, 17, 23, 24, 25]))
        activation.setdefault(other, tuple(0.5 * strength * rng.random(2)))
    if rng.random() < settings.blink:
        activation[45] = (float(strength * rng.normal(0, 0.8)),) * 2
    return activation


def _crop_grid(rng: np.random.Generator, settings: MapSettings) -> Array:
    """Face coordinates (size, size, 2) that the pixels of a jittered crop look at."""
    left, top, side = CROP
    steps = (np.arange(settings.size) + 0.5) / settings.size - 0.5
    scale = side * np.exp(rng.normal(0, settings.crop_scale, 2) * (1.0, 0.6))
    x, y = np.meshgrid(steps * scale[0], steps * scale[1])
    angle = np.deg2rad(rng.normal(0, settings.crop_roll))
    middle = np.array([left + side / 2, top + side / 2]) + rng.normal(0, settings.crop_shift, 2)
    turned = np.stack([x * np.cos(angle) - y * np.sin(angle), x * np.sin(angle) + y * np.cos(angle)], axis=-1)
    return turned + middle


def _head_motion(grid: Array, strength: float, rng: np.random.Generator, settings: MapSettings) -> Array:
    """Residual motion of the head as a solid: shift, roll and zoom in the image, yaw and pitch by depth."""
    shift = rng.normal(0, settings.head_shift * strength, 2)
    roll, zoom, yaw, pitch = rng.normal(0, settings.head_turn * strength, 4)
    x, y = grid[..., 0], grid[..., 1] - 0.5
    depth = head_depth(grid)
    moved = np.stack([shift[0] + zoom * x - roll * y + yaw * depth, shift[1] + roll * x + zoom * y + pitch * depth], -1)
    return moved * (depth > 1e-9)[..., None] if rng.random() < settings.background else moved


def head_depth(points: Array) -> Array:
    """Depth of the face towards the viewer (...,): an ellipsoid of head size with a nose, 0 beyond its outline."""
    x, y = points[..., 0], points[..., 1]
    skull = np.sqrt(np.clip(1 - (x / 1.2) ** 2 - ((y - 0.5) / 1.55) ** 2, 0, None))
    nose = 0.35 * np.exp(-0.5 * ((x / 0.16) ** 2 + ((y - 0.5) / 0.25) ** 2))
    return skull + nose


def _estimate(flow: Array, rng: np.random.Generator, settings: MapSettings) -> npt.NDArray[np.float32]:
    """What a flow estimator makes of the true motion: smoothed, uneven in gain, noisy."""
    size = settings.size
    gain = np.exp(settings.gain_spread * _smooth_noise(size, 6.0, rng))
    flow = np.stack([cv2.GaussianBlur(part * gain, (0, 0), rng.uniform(*settings.blur)) for part in flow])
    level = settings.noise * settings.amplitude * size / CROP[2] * np.exp(rng.normal(0, 0.4))
    share = level / np.sqrt(len(settings.noise_scales))
    for channel in range(2):
        for scale in settings.noise_scales:
            flow[channel] += share * _smooth_noise(size, scale, rng)
    return flow.astype(np.float32)


def _smooth_noise(size: int, scale: float, rng: np.random.Generator) -> Array:
    """White noise blurred to a correlation length of ``scale`` px, standard deviation 1."""
    noise = gaussian_filter(rng.normal(size=(size, size)), scale, mode="wrap")
    return noise / noise.std()
