"""Eulerian linear magnification: motion too small to see, made larger before it is measured."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mien.core import FloatArray, MienError, MienWarning

__all__ = ["magnify", "magnify_stream"]

PixelArray = npt.NDArray[Any]  # uint8 or float32

_TO_YIQ = np.array([[0.299, 0.587, 0.114], [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]])
_BINOMIAL = np.array([1, 4, 6, 4, 1], np.float32) / 8  # sums to 2, for every other sample is empty
_NYQUIST_SHARE = 0.45  # the band's upper edge stays below this share of the frame rate
_SMALLEST_SIDE = 16  # levels are added until the coarsest is narrower
_PIXELS_AT_ONCE = 1 << 16  # filtered together by the FFT, to bound memory


def magnify(
    frames: PixelArray,
    fps: float,
    *,
    alpha: float = 10.0,
    band: tuple[float, float] = (1.6, 16.0),
    temporal: str = "iir",
    pyramid: str = "laplacian",
    lambda_c: float = 16.0,
    chroma: float = 0.1,
    levels: int | None = None,
    as_uint8: bool = False,
) -> PixelArray:
    """Magnify the motion of a clip by Eulerian linear magnification (EVM).

    Wu, Rubinstein, Shih, Guttag, Durand & Freeman, SIGGRAPH 2012: the band-passed signal B of every pixel is about
    displacement times gradient (eq. 4), so adding alpha B displaces 1 + alpha times as far (eq. 6). Each level of
    a Laplacian pyramid has its own gain, min(alpha, wavelength (1 + alpha) / lambda_c - 1) but not below 0 (eq. 14):
    the coarsest has the wavelength diagonal / 3, each finer one half of that; the finest and the coarsest have none.
    With ``gaussian`` only the coarsest level of a Gaussian pyramid is amplified, by alpha itself, which is the
    paper's way for colour. Magnify at the full frame rate, before any sampling in time.

    Parameters
    ----------
    frames : array, (T, H, W) or (T, H, W, 3)
        Grey or RGB; uint8, or float on the same scale, 0 to 255. H and W are at least 32.
    fps : float
        Frames per second of the clip: the band is in Hz.
    alpha : float
        Magnification, at least 0; 8 to 20 are published for micro-expressions.
    band : tuple of float
        Lowest and highest frequency in Hz; the highest is lowered to 0.45 fps.
    temporal : {"iir", "ideal"}
        ``iir``: the difference of two first-order low-passes, r = 1 - exp(-2 pi f / fps); causal, with wide skirts,
        for clips of any length. ``ideal``: FFT of the whole clip, sharp edges; asks for two periods of the band's
        lowest frequency.
    pyramid : {"laplacian", "gaussian"}
        What is amplified, see above.
    lambda_c : float
        Wavelength in pixels, above which the gain is alpha.
    chroma : float
        Share of the gain that the chrominances I and Q receive.
    levels : int, optional
        How often the frame is halved; by default until a side is shorter than 16.
    as_uint8 : bool
        Round the result; by default it stays float32, so that a flow sees what rounding would take away.

    Returns
    -------
    float32 or uint8 array, like ``frames``
        Clipped to 0 to 255.

    Raises
    ------
    MienError
        For bad settings or frames, a frame rate too low for the band, or ``ideal`` on less than one period.

    Warns
    -----
    MienWarning
        For ``ideal`` on less than two periods.

    Examples
    --------
    >>> head = np.add.outer(np.sin(np.arange(64) / 9), np.zeros(64)) * 60 + 128
    >>> still = np.repeat(head[None], 9, axis=0)
    >>> bool((magnify(still, fps=200) == still.astype(np.float32)).all())  # what does not move stays as it is
    True
    """
    frames = np.asarray(frames)
    if frames.ndim not in (3, 4) or not len(frames):
        raise MienError(f"got frames {frames.shape}; expected (T, H, W) or (T, H, W, 3), T at least 1; check the clip")
    edges = _band_edges(fps, band)
    space = _space(frames[0], alpha, pyramid, lambda_c, chroma, levels)
    if temporal == "iir":
        filtered: Iterator[FloatArray] = map(_Iir(fps, edges), map(space.reduce, frames))
    elif temporal == "ideal":
        _check_periods(len(frames), fps, edges[0])
        filtered = iter(_ideal(np.stack([space.reduce(frame) for frame in frames]), fps, edges))
    else:
        raise MienError(f"got the temporal filter '{temporal}'; expected iir or ideal; choose one")
    made = np.empty(frames.shape, np.uint8 if as_uint8 else np.float32)
    for index, signal in enumerate(filtered):
        made[index] = _finish(space.add(frames[index], signal), as_uint8)
    return made


def magnify_stream(
    frames: Iterable[PixelArray],
    fps: float,
    *,
    alpha: float = 10.0,
    band: tuple[float, float] = (1.6, 16.0),
    pyramid: str = "laplacian",
    lambda_c: float = 16.0,
    chroma: float = 0.1,
    levels: int | None = None,
    as_uint8: bool = False,
) -> Iterator[PixelArray]:
    """Magnify frame by frame what :func:`magnify` does at once, in memory that does not grow with the length.

    Parameters are those of :func:`magnify`; the temporal filter is ``iir``, for ``ideal`` looks at the whole clip.

    Yields
    ------
    float32 or uint8 array, (H, W) or (H, W, 3)
        For each frame its magnified one, equal to that of :func:`magnify`.

    Raises
    ------
    MienError
        As :func:`magnify`; also if a frame has another shape than the first.

    Examples
    --------
    >>> still = np.full((48, 64, 3), 90, np.uint8)
    >>> [int(frame.max()) for frame in magnify_stream([still, still], fps=30, as_uint8=True)]
    [90, 90]
    """
    low_passes = _Iir(fps, _band_edges(fps, band))
    space = None
    for frame in frames:
        space = space or _space(frame, alpha, pyramid, lambda_c, chroma, levels)
        yield _finish(space.add(frame, low_passes(space.reduce(frame))), as_uint8)


class _Iir:
    """Difference of two first-order low-passes that start at the first frame; remembers their states only."""

    def __init__(self, fps: float, edges: tuple[float, float]) -> None:
        self.rates = [1 - math.exp(-2 * math.pi * edge / fps) for edge in edges]
        self.states: list[FloatArray] = []

    def __call__(self, signal: FloatArray) -> FloatArray:
        self.states = self.states or [signal.copy(), signal.copy()]
        for index, rate in enumerate(self.rates):  # written so that a constant stays exactly what it is
            self.states[index] += np.float32(rate) * (signal - self.states[index])
        slow, fast = self.states
        return fast - slow


def _ideal(signal: FloatArray, fps: float, edges: tuple[float, float]) -> FloatArray:
    """Replace the signal (T, ...) by its part between the edges, by FFT."""
    rates = np.fft.rfftfreq(len(signal), 1 / fps)
    outside = (rates < edges[0]) | (rates > edges[1])
    flat = signal.reshape(len(signal), -1)
    for start in range(0, flat.shape[1], _PIXELS_AT_ONCE):
        part = flat[:, start : start + _PIXELS_AT_ONCE]
        spectrum = np.fft.rfft(part, axis=0)
        spectrum[outside] = 0
        part[:] = np.fft.irfft(spectrum, len(flat), axis=0)
    return signal


@dataclass(frozen=True)
class _Space:
    """The spatial half of the method, for frames of one shape.

    It is linear, so the temporal filter may stand in its middle: `reduce` leaves out the finest level, which is never
    amplified, and a quarter of the pixels is filtered. Mixing the chrominances commutes with the rest likewise.
    """

    shape: tuple[int, ...]
    halvings: int  # before the temporal filter
    gains: tuple[float, ...]  # of the levels after it, fine to coarse
    mix: FloatArray | None  # RGB to YIQ, attenuate, and back

    def reduce(self, frame: PixelArray) -> FloatArray:
        """Halve the frame to the finest level that is amplified."""
        import cv2

        small = _as_float32(frame, self.shape)
        for _ in range(self.halvings):
            small = cv2.pyrDown(small)
        return small

    def add(self, frame: PixelArray, signal: FloatArray) -> FloatArray:
        """Amplify the filtered signal, bring it to the size of the frame and add it."""
        import cv2

        change = _amplify(signal, self.gains)
        if self.mix is not None:
            change = cv2.transform(change, self.mix)
        for level in reversed(range(self.halvings)):
            height, width = (-(-side // 2**level) for side in self.shape[:2])
            change = _double(change, height, width)
        change += frame
        return np.clip(change, 0, 255, out=change)


def _space(frame: PixelArray, alpha: float, pyramid: str, lambda_c: float, chroma: float, levels: int | None) -> _Space:
    shape = np.shape(frame)
    _check_shape(shape)
    if not (0 <= alpha < math.inf and 0 < lambda_c < math.inf and 0 <= chroma < math.inf):
        raise MienError(
            f"got alpha {alpha}, lambda_c {lambda_c}, chroma {chroma}; expected finite numbers of at least 0, "
            "lambda_c above 0; correct them"
        )
    levels = _level_count(min(shape[:2]), levels)
    mix = None if len(shape) == 2 else np.linalg.solve(_TO_YIQ, np.diag([1, chroma, chroma]) @ _TO_YIQ)
    mix = None if mix is None else mix.astype(np.float32)
    if pyramid == "gaussian":
        return _Space(shape, levels, (alpha,), mix)
    if pyramid != "laplacian":
        raise MienError(f"got the pyramid '{pyramid}'; expected laplacian or gaussian; choose one")
    return _Space(shape, 1, _gains(math.hypot(*shape[:2]), levels, alpha, lambda_c), mix)


def _gains(diagonal: float, levels: int, alpha: float, lambda_c: float) -> tuple[float, ...]:
    """Gains of the levels 1 (the finest but one) to ``levels`` (the coarsest, which has none)."""
    wavelengths = [diagonal / 3 / 2 ** (levels - level) for level in range(1, levels)]
    return (*(max(0.0, min(alpha, length * (1 + alpha) / lambda_c - 1)) for length in wavelengths), 0.0)


def _amplify(signal: FloatArray, gains: tuple[float, ...]) -> FloatArray:
    """Weight the levels of the signal's Laplacian pyramid, the last gain being that of the residual."""
    import cv2

    if len(gains) == 1:
        return signal * np.float32(gains[0])
    coarse = cv2.pyrDown(signal)
    detail = signal - _double(coarse, *signal.shape[:2])
    return detail * np.float32(gains[0]) + _double(_amplify(coarse, gains[1:]), *signal.shape[:2])


def _double(coarse: FloatArray, height: int, width: int) -> FloatArray:
    """Undo a halving. Not by cv2.pyrUp, which treats the right border unlike the left: faces may be mirrored."""
    import cv2

    spaced = np.zeros((height, width, *coarse.shape[2:]), np.float32)
    spaced[::2, ::2] = coarse
    return cv2.sepFilter2D(spaced, -1, _BINOMIAL, _BINOMIAL, borderType=cv2.BORDER_REFLECT_101)


def _level_count(side: int, levels: int | None) -> int:
    """How often to halve: as asked, or until the shorter side is below 16 px."""
    if levels is None:
        return math.ceil(math.log2(side / (_SMALLEST_SIDE - 1)))
    if not 2 <= levels <= math.log2(side):
        raise MienError(
            f"got {levels} levels for a side of {side} px; expected 2 to {int(math.log2(side))}; leave levels out"
        )
    return levels


def _band_edges(fps: float, band: tuple[float, float]) -> tuple[float, float]:
    """The band in Hz, its upper edge within what the frame rate can carry."""
    if not 0 < fps < math.inf:
        raise MienError(f"got {fps} frames per second; expected a finite number above 0; give the clip's rate")
    low, high = band[0], min(band[1], _NYQUIST_SHARE * fps)
    if not 0 < low < high:
        raise MienError(
            f"got the band {band[0]}-{band[1]} Hz at {fps:g} frames per second; expected 0 < low < high and low below "
            f"{_NYQUIST_SHARE * fps:g} Hz; choose another band"
        )
    return low, high


def _check_periods(count: int, fps: float, low: float) -> None:
    """The FFT sees a frequency only if the clip holds its period, and sees it well only from two on."""
    periods = count / fps * low
    says = f"got {periods:.2f} periods of {low:g} Hz in {count} frames; expected at least 2 for the ideal filter"
    if periods < 1:
        raise MienError(f"{says}; use iir")
    if periods < 2:
        warnings.warn(f"{says}; iir suits short clips better", MienWarning, stacklevel=3)


def _check_shape(shape: tuple[int, ...]) -> None:
    if len(shape) not in (2, 3) or (len(shape) == 3 and shape[2] != 3) or min(shape[:2]) < 2 * _SMALLEST_SIDE:
        raise MienError(
            f"got a frame of shape {shape}; expected (H, W) or (H, W, 3), at least 32x32; convert or enlarge it"
        )


def _as_float32(frame: PixelArray, shape: tuple[int, ...]) -> FloatArray:
    frame = np.asarray(frame)
    if frame.shape != shape:
        raise MienError(f"got a frame of shape {frame.shape} after {shape}; expected one size; crop the clip alike")
    if frame.dtype != np.uint8 and not (np.issubdtype(frame.dtype, np.floating) and np.isfinite(frame).all()):
        raise MienError(f"got {frame.dtype} frames or NaN; expected uint8, or finite floats of 0 to 255; convert")
    return frame.astype(np.float32)


def _finish(frame: FloatArray, as_uint8: bool) -> PixelArray:
    return np.rint(frame).astype(np.uint8) if as_uint8 else frame
