"""A moment slowed down and magnified: one small animation in which the eye sees what moved."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
import numpy.typing as npt

from mien.core import FloatArray, MienError, UInt8Array

__all__ = ["MAGNIFIED", "MOST_FRAMES", "Loop", "draw_loop", "magnify_motion"]

MAGNIFIED = 4.0
"""How many times farther than in the recording everything moves."""

MOST_FRAMES = 32
"""More are thinned out evenly: two seconds show no more as motion, and the page stays small."""

_SHOWN_S = 2.0
_REST_S = 0.5  # the last frame stays, so that the start is seen as one
_MOST_BYTES = 80_000
_SIZES = ((224, 70), (224, 45), (224, 20), (112, 30), (112, 1))  # side in px and quality, until it is small enough
_EFFORT = 2  # of the encoder: more takes three times as long and saves a tenth
_SMOOTH = 1 / 64  # of the side; flow is noisy from point to point, skin is not
_STEPS = 6
_FARTHEST = 1 / 15  # of the side: what is shown to move farther tears


@dataclass(frozen=True, slots=True)
class Loop:
    """An animation for a page, and what to say of it.

    Attributes
    ----------
    animation, still : str
        Addresses of the embedded WebP: the loop, and its frame of the strongest movement for who prefers no motion.
    magnified : float
        How many times farther everything moves.
    slowed : int
        How many times longer it takes.
    true_s, shown_s : float
        Its duration in the recording and on the page, without the rest before it starts again.
    frames : int
        How many of the recording's frames it shows.
    """

    animation: str
    still: str
    magnified: float
    slowed: int
    true_s: float
    shown_s: float
    frames: int


def draw_loop(frames: UInt8Array, times_s: npt.ArrayLike, *, magnified: float = MAGNIFIED) -> Loop | None:
    """Slow a moment to about two seconds and magnify its motion.

    Parameters
    ----------
    frames : uint8 array, (K, S, S, 3)
        The registered face from onset to offset, RGB. More than ``MOST_FRAMES`` are thinned out evenly.
    times_s : float array, (K,)
        Their presentation times, increasing; uneven steps stay uneven.
    magnified : float
        How many times farther everything moves, at most; less where the strongest movement would leave a fifteenth of
        the picture's side, beyond which skin tears.

    Returns
    -------
    Loop or None
        None if there are fewer than two frames.

    Raises
    ------
    MienError
        If the times are not one per frame or do not increase.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> face = rng.integers(0, 256, (64, 64, 3), dtype=np.uint8)
    >>> made = draw_loop(np.stack([np.roll(face, k, axis=1) for k in range(6)]), np.arange(6) / 20)
    >>> made.true_s, made.slowed, made.shown_s, made.frames
    (0.25, 8, 2.0, 6)
    """
    times = np.asarray(times_s, dtype=float)
    if len(times) != len(frames) or not (np.diff(times) > 0).all():
        raise MienError(
            f"got {len(frames)} frames of a moment with times {times.shape} that may not increase; "
            "expected one time per frame, in order; pass their presentation times"
        )
    if len(frames) < 2:
        return None
    kept = np.unique(np.rint(np.linspace(0, len(frames) - 1, min(len(frames), MOST_FRAMES))).astype(int))
    moved, distances = magnify_motion(frames[kept], magnified)
    if max(distances) * magnified > len(frames[0]) * _FARTHEST:
        magnified = max(1.0, round(len(frames[0]) * _FARTHEST / max(distances), 1))
        moved, distances = magnify_motion(frames[kept], magnified)
    true_s = float(times[-1] - times[0])
    slowed = max(1, round(_SHOWN_S / true_s))
    shown_ms = np.rint(1000 * slowed * (times[kept] - times[0]))  # rounded after summing: errors do not add up
    return Loop(
        animation=_address(_animation(moved, [*np.diff(shown_ms).astype(int).tolist(), round(1000 * _REST_S)])),
        still=_address(_encode(moved[[int(np.argmax(distances))]], *_SIZES[0])),
        magnified=magnified,
        slowed=slowed,
        true_s=true_s,
        shown_s=slowed * true_s,
        frames=len(kept),
    )


def magnify_motion(frames: UInt8Array, factor: float) -> tuple[UInt8Array, list[float]]:
    """Move every point ``factor`` times as far from its place in the first frame, and undo the shift of the whole.

    Lagrangian: the flow from the first frame to each says where a point went; the pixels of that frame are put where
    ``factor`` times the flow points (Liu et al., Motion Magnification, SIGGRAPH 2005, without its layers). So a change
    of light or a closed eye shows as it was; only its place is exaggerated.

    Parameters
    ----------
    frames : uint8 array, (K, S, S, 3)
        RGB.
    factor : float
        1 leaves the motion as it was.

    Returns
    -------
    frames : uint8 array, (K, S, S, 3)
        Magnified.
    distances : list of float
        How far the part of the face that moves most (one point in a hundred) went in each frame, pixels, before.
    """
    import cv2

    engine = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    engine.setPatchStride(4)
    engine.setFinestScale(0)  # at half size a third of a movement below two pixels is missed
    engine.setVariationalRefinementIterations(0)  # what follows smooths enough
    greys = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in frames]
    shown, distances = [frames[0]], [0.0]
    for frame, grey in zip(frames[1:], greys[1:], strict=True):
        flow = engine.calc(greys[0], grey, None)
        shift = np.median(flow, axis=(0, 1)).astype(np.float32)
        local = cv2.GaussianBlur(flow - shift, (0, 0), max(_SMOOTH * len(grey), 0.5))
        distances.append(float(np.percentile(np.hypot(local[..., 0], local[..., 1]), 99)))
        shown.append(_warp(frame, local, shift, factor))
    return np.stack(shown), distances


def _warp(frame: UInt8Array, local: FloatArray, shift: FloatArray, factor: float) -> UInt8Array:
    """Find, for each pixel of the result, the point of the first frame that lands there, and take its pixel."""
    import cv2

    grid = np.stack(np.meshgrid(*(np.arange(size, dtype=np.float32) for size in local.shape[1::-1])), axis=-1)

    def look(image: npt.NDArray[Any], place: npt.NDArray[Any]) -> npt.NDArray[Any]:
        return cv2.remap(image, place, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)

    came: npt.NDArray[Any] = grid
    for _ in range(_STEPS):  # half steps: they converge up to twice the stretch that whole steps stand
        came = (came + grid - np.float32(factor) * look(local, came)) / 2
    return look(frame, came + look(local, came) + shift)


def _animation(frames: UInt8Array, durations_ms: Sequence[int]) -> bytes:
    """Encode within the limit of size, as well as that allows."""
    data = b""
    for side, quality in _SIZES:
        data = _encode(frames, side, quality, durations_ms)
        if len(data) <= _MOST_BYTES:
            break
    return data


def _encode(frames: UInt8Array, side: int, quality: int, durations_ms: Sequence[int] = ()) -> bytes:
    import cv2
    from PIL import Image

    method = cv2.INTER_CUBIC if side >= frames.shape[1] else cv2.INTER_AREA
    first, *rest = [Image.fromarray(cv2.resize(frame, (side, side), interpolation=method)) for frame in frames]
    timing = {"save_all": True, "append_images": rest, "duration": list(durations_ms), "loop": 0} if rest else {}
    buffer = BytesIO()
    first.save(buffer, "WEBP", quality=quality, method=_EFFORT, **timing)
    return buffer.getvalue()


def _address(data: bytes) -> str:
    return f"data:image/webp;base64,{base64.b64encode(data).decode()}"
