"""What a moment was read from, as pictures for a page: the face at onset and apex, and the motion on it."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from mien.core import FloatArray, MienError, UInt8Array

__all__ = ["IntervalPictures", "heat_picture", "motion_picture", "motion_scale", "photograph"]

_SHOWN_PX = 256  # side of an embedded picture; shown at about 220
_QUALITY = 88
_GROUND = 140  # grey under the colours where there is no face to show
_COLOURS = "plasma"  # even in lightness, no grey in it: it stands out from a grey face
_OPACITY = 0.85
_SEEN_FROM = 0.6  # share of the scale from which the colour has its full opacity
_LEAST_SCALE_PX = 0.5  # a smaller scale would blow up the noise of the flow
_SCALES_PX = (0.5, 0.75, 1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10)
_ARROWS = 14  # per side
_ARROW_STEPS = 1.3  # length of an arrow of full scale, in steps of their grid
_ARROW_FROM = 0.3  # share of the scale from which an arrow is drawn


@dataclass(frozen=True, slots=True)
class IntervalPictures:
    """The pictures one interval was read from.

    Attributes
    ----------
    onset, apex : uint8 array, (S, S, 3)
        The cropped face, both registered on the onset frame.
    flow : float32 array, (2, S, S)
        Onset to apex: ``u`` right, ``v`` down, pixels of the crop.
    frames : uint8 array, (K, S, S, 3)
        The face from onset to offset, registered on the onset frame; empty where it was not read.
    times_s : float array, (K,)
        Their presentation times.
    heat : float array, (h, w), or None
        Where the recogniser looked, 0 to 1, over the same crop; None where it cannot say.

    Raises
    ------
    MienError
        If the shapes do not fit each other or the flow is not finite.
    """

    onset: UInt8Array
    apex: UInt8Array
    flow: FloatArray
    frames: UInt8Array = field(default_factory=lambda: np.empty((0, 1, 1, 3), np.uint8))
    times_s: npt.NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    heat: FloatArray | None = None

    def __post_init__(self) -> None:
        size = len(self.onset)
        shaped = self.onset.shape == self.apex.shape == (size, size, 3) and self.flow.shape == (2, size, size)
        if not size or not shaped or not self.onset.dtype == self.apex.dtype == np.uint8:
            raise MienError(
                f"got pictures {self.onset.shape} and {self.apex.shape} of {self.onset.dtype} with a flow "
                f"{self.flow.shape}; expected uint8 (S, S, 3) twice and (2, S, S); crop them alike"
            )
        if len(self.frames) != len(self.times_s) or (len(self.frames) and self.frames.shape[1:] != self.onset.shape):
            raise MienError(
                f"got frames {self.frames.shape} with {len(self.times_s)} times beside an onset {self.onset.shape}; "
                "expected (K, S, S, 3) and K times; crop them alike"
            )
        if not np.isfinite(self.flow).all():
            raise MienError("got a flow with nan or inf; expected finite pixels; estimate it again")


def photograph(image: UInt8Array) -> str:
    """Return a face as the address of an embedded JPEG, enlarged smoothly.

    Parameters
    ----------
    image : uint8 array, (S, S, 3)
        RGB.

    Returns
    -------
    str
        A ``data:`` address.

    Examples
    --------
    >>> photograph(np.full((128, 128, 3), 90, np.uint8))[:23]
    'data:image/jpeg;base64,'
    """
    import cv2

    large = cv2.resize(image, (_SHOWN_PX, _SHOWN_PX), interpolation=cv2.INTER_CUBIC)
    _, data = cv2.imencode(".jpg", large[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    return f"data:image/jpeg;base64,{base64.b64encode(data.tobytes()).decode()}"


def motion_picture(flow: FloatArray, face: UInt8Array | None = None) -> dict[str, Any]:
    """Draw how far each point of the face moved, beside the shift of the whole head (the median vector).

    Parameters
    ----------
    flow : float32 array, (2, S, S)
        Onset to apex: ``u`` right, ``v`` down, pixels of the crop.
    face : uint8 array, (S, S, 3), or None
        What to draw on, without its colours; None draws the motion alone on grey.

    Returns
    -------
    dict
        ``image`` (address of the embedded picture), ``arrows`` (an SVG path in pixels of the crop), ``size`` (S),
        ``scale_px`` (motion at the end of the colour scale) and ``gain`` (how much longer than the motion arrows are).

    Raises
    ------
    MienError
        If the flow is no finite (2, S, S).

    Examples
    --------
    >>> flow = np.zeros((2, 64, 64), np.float32)
    >>> flow[1, 20:40, 20:40] = -1.2  # a patch goes up by 1.2 px
    >>> drawn = motion_picture(flow)
    >>> drawn["scale_px"], drawn["size"]
    (1.5, 64)
    """
    import cv2

    if flow.ndim != 3 or flow.shape[0] != 2 or not flow.size or not np.isfinite(flow).all():
        raise MienError(f"got a flow {flow.shape}; expected (2, S, S) of finite pixels; estimate it again")
    moved = flow - np.median(flow, axis=(1, 2), keepdims=True)
    distance = np.hypot(*moved)
    scale = _scale(float(np.percentile(distance, 99.5)))
    shown = (_SHOWN_PX, _SHOWN_PX)
    share = np.clip(cv2.resize(distance / scale, shown, interpolation=cv2.INTER_LINEAR), 0, 1)
    step = len(distance) / _ARROWS
    return {
        "image": photograph(_tint(_without_colour(face), share)),
        "arrows": _arrows(moved, step, scale),
        "size": len(distance),
        "scale_px": scale,
        "gain": _ARROW_STEPS * step / scale,
    }


def heat_picture(picture: UInt8Array, heat: FloatArray) -> str:
    """Lay a map over a picture without its colours; return the address of the embedded JPEG.

    Parameters
    ----------
    picture : uint8 array, (H, W, 3)
        RGB.
    heat : float array, (h, w)
        0 to 1, of the same part of the face; enlarged smoothly. The colours are those of :func:`motion_scale`.

    Returns
    -------
    str
        A ``data:`` address.
    """
    import cv2

    shown = (_SHOWN_PX, _SHOWN_PX)
    share = np.clip(cv2.resize(heat.astype(np.float32), shown, interpolation=cv2.INTER_LINEAR), 0, 1)
    return photograph(_tint(_without_colour(picture), share))


def motion_scale(stops: int = 12) -> str:
    """Return the colours of :func:`motion_picture` and :func:`heat_picture` from 0 to full scale, as a CSS gradient."""
    share = np.linspace(0, 1, stops)[None]
    colours = _tint(np.full((1, stops, 3), _GROUND, np.uint8), share)[0]
    return f"linear-gradient(90deg, {', '.join(f'rgb({r} {g} {b})' for r, g, b in colours)})"


def _without_colour(face: UInt8Array | None) -> npt.ArrayLike:
    """The face in grey at the size shown, or a grey ground."""
    import cv2

    if face is None:
        return np.full((_SHOWN_PX, _SHOWN_PX, 3), _GROUND, np.uint8)
    grey = cv2.cvtColor(cv2.cvtColor(face, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    return cv2.resize(grey, (_SHOWN_PX, _SHOWN_PX), interpolation=cv2.INTER_CUBIC)


def _tint(grey: npt.ArrayLike, share: npt.NDArray[np.floating]) -> UInt8Array:
    """Colour over grey; where nothing moves the face shows unchanged."""
    from matplotlib import colormaps

    colour = 255 * colormaps[_COLOURS](0.15 + 0.85 * share)[..., :3]  # the darkest colours look like shadow
    opacity = _OPACITY * np.clip(share / _SEEN_FROM, 0, 1)[..., None]
    mixed: UInt8Array = np.rint(np.asarray(grey) * (1 - opacity) + colour * opacity).astype(np.uint8)
    return mixed


def _scale(largest: float) -> float:
    """A round number of pixels, a little above the largest motion."""
    return next((px for px in _SCALES_PX if px >= max(largest, _LEAST_SCALE_PX)), float(np.ceil(largest)))


def _arrows(moved: FloatArray, step: float, scale: float) -> str:
    """Arrows of the motion on a sparse grid, long enough to be seen; complex numbers are points."""
    import cv2

    mean = [cv2.blur(part, (round(step) | 1, round(step) | 1)) for part in moved]
    at = (np.arange(_ARROWS) + 0.5) * step
    x, y = (part.ravel() for part in np.meshgrid(at, at))
    vectors = np.array([part[y.astype(int), x.astype(int)] for part in mean])
    places, moves = x + 1j * y, vectors[0] + 1j * vectors[1]
    parts = []
    for place, move in zip(places, moves, strict=True):
        if abs(move) < _ARROW_FROM * scale:
            continue
        shaft = move * _ARROW_STEPS * step / scale
        tail, tip = place - shaft / 2, place + shaft / 2
        barbs = [tip + 0.42 * shaft * np.exp(1j * angle) for angle in (2.6, -2.6)]
        parts.append(f"M{_point(tail)}L{_point(tip)}M{_point(barbs[0])}L{_point(tip)}L{_point(barbs[1])}")
    return "".join(parts)


def _point(place: complex) -> str:
    return f"{place.real:.1f} {place.imag:.1f}"
