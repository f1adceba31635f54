"""Synthetic motion maps: what the flow from onset to apex of a micro-expression looks like, without anybody's face.

A sample is an expression drawn from its class (:mod:`mien.synthesis.natural`), played by a random person
(:mod:`mien.synthesis.face`) through the displacement fields of its action units. What an estimator makes of it is
modelled twice: two frames of a drawn face (:mod:`mien.synthesis.drawn_face`) are filmed and given to a real estimator
(:mod:`mien.synthesis.filmed`), or a formula blurs, weakens and spoils the true motion. Crops differ from clip to clip.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter

from mien.core import FloatArray, MienError, UInt8Array, atomic_path
from mien.motion import motion_map, one_thread
from mien.synthesis.action_units import Activation, displacement
from mien.synthesis.emotions import CLASSES
from mien.synthesis.events import check_seed
from mien.synthesis.face import head_depth, random_face
from mien.synthesis.filmed import WIDE, estimate_flow, film_pair, head_field
from mien.synthesis.map_settings import MapSettings
from mien.synthesis.natural import play_expression

__all__ = ["SyntheticMaps", "crop_flow", "generate_motion", "synthetic_flow", "synthetic_maps"]

Array = npt.NDArray[np.float64]
Advance = Callable[[int, int], None]

_FLOW_PX = 72  # grid on which a flow is kept: 24 px between the eyes, as a good motion map of 28 px resolves
_CROP_PX = 56  # a crop, before the map reduces it to 28
_MAP_PX = 28
_PORTION = 50  # clips to a task: starting one costs more than a clip


@dataclass(frozen=True, slots=True)
class SyntheticMaps:
    """Synthetic clips as motion maps.

    Attributes
    ----------
    maps : uint8 array, (N, V, 28, 28, 3)
        Of each clip V crops; RGB = u, v, strain.
    labels : int array, (N,)
        Indices into :data:`mien.synthesis.emotions.CLASSES`.
    action_units : tuple of tuple of int
        What moved in each clip by intent.
    """

    maps: UInt8Array
    labels: npt.NDArray[np.int64]
    action_units: tuple[tuple[int, ...], ...]


def synthetic_flow(
    emotion: str, rng: np.random.Generator, settings: MapSettings = MapSettings()
) -> tuple[FloatArray, tuple[int, ...]]:
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
    flow : float32 array, (2, 72, 72)
        ``u`` right, ``v`` down, in face units, over the face and what is around it: the mean face's eyes are 24 px
        apart, at rows 25, columns 24 and 48.
    action_units : tuple of int
        What moved by intent (without the extra unit).

    Examples
    --------
    >>> flow, units = synthetic_flow("positive", np.random.default_rng(1))
    >>> flow.shape
    (2, 72, 72)
    """
    played = play_expression(emotion, rng, settings)
    face = random_face(rng, settings.identity)
    if rng.random() >= settings.drawn:
        return _formula(played.activation, face, played.strength, rng, settings), played.action_units
    flow = estimate_flow(film_pair(played.activation, face, rng, settings), rng, settings)
    small = [cv2.resize(part, (_FLOW_PX, _FLOW_PX), interpolation=cv2.INTER_AREA) for part in flow]
    return np.stack(small).astype(np.float32), played.action_units


def crop_flow(flow: FloatArray, rng: np.random.Generator, settings: MapSettings = MapSettings()) -> FloatArray:
    """Cut a box out of a synthetic flow, as some detector and some paper would.

    Parameters
    ----------
    flow : float32 array, (2, 72, 72)
        From :func:`synthetic_flow`.
    rng, settings
        Of the box's size, place and roll.

    Returns
    -------
    float32 array, (2, 56, 56)
        Resized to a square; ``u`` and ``v`` in pixels of it.
    """
    width, height = rng.uniform(*settings.crop_width), rng.uniform(*settings.crop_height)
    middle = np.add(rng.normal(0, settings.crop_shift, 2), (0, (0.5 - rng.uniform(*settings.crop_eyes)) * height))
    roll = np.deg2rad(rng.normal(0, settings.crop_roll))
    steps = (np.arange(_CROP_PX) + 0.5) / _CROP_PX - 0.5
    x, y = np.meshgrid(steps * width, steps * height)
    scale = _FLOW_PX / WIDE[2]
    column = (middle[0] + x * np.cos(roll) - y * np.sin(roll) - WIDE[0]) * scale - 0.5
    row = (middle[1] + x * np.sin(roll) + y * np.cos(roll) - WIDE[1]) * scale - 0.5
    seen = cv2.remap(
        np.moveaxis(flow, 0, -1),
        column.astype(np.float32),
        row.astype(np.float32),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    px_per_unit = np.array([_CROP_PX / width, _CROP_PX / height], np.float32)
    return np.asarray(np.moveaxis(seen, -1, 0) * px_per_unit[:, None, None], np.float32)


def synthetic_maps(
    per_class: int,
    seed: int,
    settings: MapSettings = MapSettings(),
    *,
    crops: int = 1,
    jobs: int | None = None,
    advance: Advance | None = None,
) -> SyntheticMaps:
    """Make motion maps, the classes in turn; the same bits whatever ``jobs``.

    Parameters
    ----------
    per_class : int
        Clips of each class.
    seed : int
        Of everything drawn: more clips begin with the same ones.
    settings : MapSettings
        The generator's parameters.
    crops : int
        Crops of each clip.
    jobs : int, optional
        Processes; by default one per core if there are many clips.
    advance : callable, optional
        Called with the number of clips done, and of all.

    Raises
    ------
    MienError
        For less than one clip or crop, or a negative seed.
    """
    import joblib

    if per_class < 1 or crops < 1:
        raise MienError(
            f"got {per_class} maps per class and {crops} crops; expected at least 1 of each; give --per-class a "
            "positive number"
        )
    check_seed(seed)
    labels = np.tile(np.arange(len(CLASSES)), per_class)
    streams = np.random.SeedSequence(seed).spawn(len(labels))
    parts = [slice(start, start + _PORTION) for start in range(0, len(labels), _PORTION)]
    work = (joblib.delayed(_portion)(labels[part], streams[part], crops, settings) for part in parts)
    done, made = 0, []
    for portion in joblib.Parallel(n_jobs=_processes(jobs, len(parts)), return_as="generator")(work):
        made.append(portion)
        done += len(portion[1])
        if advance is not None:
            advance(done, len(labels))
    units = tuple(active for _, portion in made for active in portion)
    return SyntheticMaps(np.concatenate([maps for maps, _ in made]), labels.astype(np.int64), units)


def generate_motion(
    out: Path | str,
    *,
    per_class: int = 1000,
    seed: int = 0,
    settings: MapSettings = MapSettings(),
    jobs: int | None = None,
    advance: Advance | None = None,
) -> Path:
    """Write synthetic motion maps in the ``motion-npz`` format.

    Parameters
    ----------
    out : path
        The ``.npz`` file to write: ``X`` (N, 28, 28, 3) uint8 RGB = u, v, strain, each min-max stretched; ``y``;
        ``subject`` (12 maps to a person), ``dataset``, ``sample_id``, ``action_units``, ``classes``, ``settings``.
    per_class : int
        Maps of each class.
    seed : int
        Seed: the same one gives the same bytes.
    settings : MapSettings
        The generator's parameters.
    jobs, advance
        As in :func:`synthetic_maps`.

    Returns
    -------
    Path
        ``out``.

    Raises
    ------
    MienError
        If ``per_class`` is not positive, ``seed`` is negative, or ``out`` does not end in ``.npz``.
    """
    out = Path(out)
    if out.suffix != ".npz":
        raise MienError(f"got the output '{out}'; expected a name ending in .npz; rename it")
    made = synthetic_maps(per_class, seed, settings, jobs=jobs, advance=advance)
    people = np.array([f"synthetic/p{row // 12:05d}" for row in range(len(made.labels))])
    with atomic_path(out) as temporary, temporary.open("wb") as file:
        np.savez_compressed(
            file,
            X=made.maps[:, 0],
            y=made.labels,
            subject=people,
            dataset=np.full(len(people), "synthetic"),
            sample_id=np.array([f"{person}/{row:06d}" for row, person in enumerate(people)]),
            action_units=np.array(["+".join(map(str, units)) for units in made.action_units]),
            classes=np.array(CLASSES),
            settings=np.array(repr(asdict(settings))),
        )
    return out


def _processes(jobs: int | None, parts: int) -> int:
    return min(jobs or (os.cpu_count() or 1 if parts > 2 else 1), parts)


def _portion(
    labels: npt.NDArray[np.int64], streams: list[np.random.SeedSequence], crops: int, settings: MapSettings
) -> tuple[UInt8Array, list[tuple[int, ...]]]:
    maps = np.empty((len(labels), crops, _MAP_PX, _MAP_PX, 3), np.uint8)
    units = []
    with one_thread():  # processes side by side use the cores
        for row, (label, stream) in enumerate(zip(labels, streams, strict=True)):
            rng = np.random.default_rng(stream)
            flow, active = synthetic_flow(CLASSES[label], rng, settings)
            maps[row] = [motion_map(crop_flow(flow, rng, settings)) for _ in range(crops)]
            units.append(active)
    return maps, units


def _formula(
    activation: Activation, face: Array, strength: float, rng: np.random.Generator, settings: MapSettings
) -> FloatArray:
    """The true motion, lids included, as an estimator might spoil it: smoothed, uneven in gain, noisy."""
    if rng.random() < settings.blink:
        activation = {**activation, 45: (float(strength * rng.normal(0, 0.8)),) * 2}
    steps = (np.arange(_FLOW_PX) + 0.5) / _FLOW_PX * WIDE[2]
    grid = np.stack(np.meshgrid(WIDE[0] + steps, WIDE[1] + steps), axis=-1)
    spread = settings.formula_head * strength
    head = head_field(grid, rng.normal(0, spread, 2), rng.normal(0, 0.7 * spread, 4))
    if rng.random() < settings.background:
        head = head * (head_depth(grid) > 1e-9)[..., None]
    field = displacement(grid, activation, face, eye_cover_fold=settings.eye_cover_fold) + head
    gain = np.exp(settings.gain_spread * _smooth_noise(6.0, rng))
    flow = [cv2.GaussianBlur(field[..., c] * gain, (0, 0), rng.uniform(*settings.blur)) for c in range(2)]
    level = settings.noise * settings.amplitude * np.exp(rng.normal(0, 0.4)) / np.sqrt(len(settings.noise_scales))
    noise = [sum(level * _smooth_noise(scale, rng) for scale in settings.noise_scales) for _ in range(2)]
    return np.asarray(np.stack(flow) + np.stack(noise), np.float32)


def _smooth_noise(scale: float, rng: np.random.Generator) -> Array:
    """White noise blurred to a correlation length of ``scale`` px, standard deviation 1."""
    noise = gaussian_filter(rng.normal(size=(_FLOW_PX, _FLOW_PX)), scale, mode="wrap")
    return np.asarray(noise / noise.std())
