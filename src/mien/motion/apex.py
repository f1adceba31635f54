"""Where a micro-expression is strongest, found on the clip alone: no label, no other clip, nothing that is learned."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from mien.core import MienError, UInt8Array
from mien.motion.flow import optical_flow, to_grey

__all__ = [
    "APEX_POLICIES",
    "APEX_REGIONS",
    "dnc_roi",
    "find_apex",
    "frequency",
    "largest_difference",
    "largest_flow",
    "midpoint",
]

FloatSeries = npt.NDArray[np.float64]

APEX_REGIONS: Mapping[str, tuple[float, float, float, float]] = MappingProxyType(
    {
        "left eye and brow": (0.12, 0.04, 0.46, 0.34),
        "right eye and brow": (0.54, 0.04, 0.88, 0.34),
        "mouth": (0.26, 0.56, 0.74, 0.82),
    }
)
"""Left, top, right, bottom as shares of the eye-based crop (eyes at .3 and .7 of the width, .24 of the height)."""

_WINDOW, _GRID = 61, 6  # of `frequency`: frames at once, blocks each way
_RING = ((0, 0), (0, 1), (0, 2), (1, 2), (2, 2), (2, 1), (2, 0), (1, 0))  # the neighbours, clockwise
_BLOCKS = 3  # a region is described by 3 x 3 blocks, so that where a texture lies counts


def midpoint(frames: UInt8Array) -> int:
    """Return the middle frame's index, without looking at any.

    Examples
    --------
    >>> midpoint(np.zeros((61, 32, 32), np.uint8))
    30
    """
    return (len(frames) - 1) // 2


def largest_difference(frames: UInt8Array) -> int:
    """Return the index of the frame that differs most from the first: mean absolute difference of grey values.

    Frames are blurred by a Gaussian of 1/64 of their width, so that sensor noise does not decide.

    Examples
    --------
    >>> frames = np.zeros((5, 32, 32), np.uint8)
    >>> frames[3, 8:12, 8:12] = 90
    >>> largest_difference(frames)
    3
    """
    import cv2

    smooth = [cv2.GaussianBlur(frame, (0, 0), max(frame.shape[1] / 64, 0.5)).astype(np.float32) for frame in frames]
    return _strongest([float(np.abs(frame - smooth[0]).mean()) for frame in smooth])


def largest_flow(frames: UInt8Array, algorithm: str = "dis") -> int:
    """Return the index of the frame to which the face moved farthest: mean length of the flow from the first frame.

    Parameters
    ----------
    frames : uint8 array, (T, H, W)
        The cropped face, grey.
    algorithm : str
        A name in :data:`mien.motion.FLOWS`; the fast one suffices to rank frames.
    """
    return _strongest([float(np.hypot(*optical_flow(frames[0], frame, algorithm)).mean()) for frame in frames])


def dnc_roi(frames: UInt8Array, regions: Mapping[str, tuple[float, float, float, float]] = APEX_REGIONS) -> int:
    """Return the apex by divide-and-conquer over facial regions (D&C-RoIs).

    Liong, See, Wong, Le Ngo, Oh & Phan, ACPR 2015: local binary patterns of the eyes with brows and of the mouth are
    compared with those of the first frame, d_t = 1 - correlation of the histograms; the region that changed most
    decides. Of its series the local maxima are summed in either half, the half with the larger sum is halved again,
    until one maximum is left. Deviations: patterns are the uniform ones of 8 neighbours at radius 1 in 3 x 3 blocks,
    and regions are boxes of the eye-based crop rather than hulls of landmarks.

    Parameters
    ----------
    frames : uint8 array, (T, H, W)
        The eye-based crop of the face, grey, at least 48 px each way.
    regions : mapping of str to (left, top, right, bottom)
        Shares of the crop.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> frames = np.repeat(rng.integers(0, 256, (1, 64, 64), np.uint8), 9, axis=0)
    >>> frames[5, 38:50, 20:44] = np.roll(frames[5, 38:50, 20:44], 3, axis=1)  # the mouth, once
    >>> dnc_roi(frames)
    5
    """
    _check_size(frames, "dnc-roi")
    height, width = frames.shape[1:]
    curves = []
    for left, top, right, bottom in regions.values():
        rows, columns = slice(int(top * height), int(bottom * height)), slice(int(left * width), int(right * width))
        curves.append(_pattern_change(frames[:, rows, columns]))
    return _conquer(max(curves, key=lambda curve: float(curve.max())))


def frequency(frames: UInt8Array) -> int:
    """Return the index of the frame around which the patterns of the face change fastest, in the frequency domain.

    Li, Huang & Zhao, ICIP 2018 (also the apex of LGCcon, TIP 30, 2021): frames become local binary patterns, cut into
    6 x 6 blocks; around each frame, 61 frames of a block are Fourier transformed in space and time (eq. 1), what is
    nearer to the origin than half the window is filtered out (eq. 2, 3), and the magnitudes left are summed over the
    blocks; the largest sum is the apex. The clip is continued by its first and last frame.

    Deviations: the window is at most half the clip, for one as long as the clip finds its middle only; the distance
    is measured in cycles per pixel and frame, at least 0.5 (the paper's 31 of 61), so that it depends neither on the
    window nor on the size of the blocks; and what does not change at all is left out explicitly.

    It marks the fastest change, which may be the way to the apex or back; of all policies it suffers most from noise.

    Parameters
    ----------
    frames : uint8 array, (T, H, W)
        The cropped face, grey, at least 48 px each way.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> frames = np.repeat(rng.integers(0, 256, (1, 48, 48), np.uint8), 31, axis=0)
    >>> frames[20, 30:40, 15:35] = frames[20, 30:40, 20:40]  # the mouth, once
    >>> abs(frequency(frames) - 20) <= 7  # half a window
    True
    """
    _check_size(frames, "frequency")
    length = min(_WINDOW, max(len(frames) // 2, 2)) | 1
    spectra = _block_spectra(_patterns(frames), _GRID)
    ends = [(length // 2, length // 2), *[(0, 0)] * 3]
    spectra = np.pad(spectra, ends, mode="edge")
    rates, *places = (np.fft.fftfreq(size) for size in (length, *spectra.shape[2:]))
    distance = np.sqrt(rates[:, None, None] ** 2 + places[0][:, None] ** 2 + places[1] ** 2)
    high = (distance >= 0.5) & (rates != 0)[:, None, None]
    sums = []
    for start in range(len(frames)):
        transformed = np.fft.fft(spectra[start : start + length], axis=0)
        sums.append(float(np.abs(transformed).sum(axis=1, where=high[:, None]).sum()))
    return _strongest(sums)


def _patterns(frames: UInt8Array) -> npt.NDArray[np.float32]:
    """Local binary patterns of the 3 x 3 neighbourhood, (T, H - 2, W - 2), less those of the first frame."""
    height, width = frames.shape[1:]
    inner = frames[:, 1:-1, 1:-1]
    codes = np.zeros(inner.shape, np.float32)
    for bit, (down, right) in enumerate(_RING):
        codes += (frames[:, down : height - 2 + down, right : width - 2 + right] >= inner) * np.float32(2**bit)
    return codes - codes[0]


def _block_spectra(codes: npt.NDArray[np.float32], blocks: int) -> npt.NDArray[np.complex64]:
    """Fourier transform of each block of each frame, (T, blocks^2, height, width); what is left over is cut off."""
    height, width = codes.shape[1] // blocks, codes.shape[2] // blocks
    cut = codes[:, : blocks * height, : blocks * width].reshape(len(codes), blocks, height, blocks, width)
    spectra = np.fft.fft2(cut.swapaxes(2, 3).reshape(len(codes), blocks**2, height, width))
    return spectra.astype(np.complex64, copy=False)


def _check_size(frames: UInt8Array, policy: str) -> None:
    height, width = frames.shape[1:]
    if min(height, width) < 48:
        raise MienError(f"got frames of {width}x{height}; expected at least 48x48 for {policy}; use larger crops")


def _pattern_change(region: UInt8Array) -> FloatSeries:
    """1 - correlation of each frame's pattern histograms with those of the first, (T,)."""
    histograms = [_histograms(frame) for frame in region]
    first = histograms[0]
    norms = [float(np.sqrt((first**2).sum() * (other**2).sum())) for other in histograms]
    return np.array([1 - float((first * other).sum()) / norm for other, norm in zip(histograms, norms, strict=True)])


def _histograms(frame: UInt8Array) -> FloatSeries:
    from skimage.feature import local_binary_pattern

    patterns = local_binary_pattern(frame, 8, 1, "uniform").astype(int)
    blocks = [part for strip in np.array_split(patterns, _BLOCKS) for part in np.array_split(strip, _BLOCKS, axis=1)]
    return np.concatenate([np.bincount(block.ravel(), minlength=10) for block in blocks]).astype(np.float64)


def _conquer(curve: FloatSeries) -> int:
    """Halve the series, keep the half whose local maxima sum to more, until one frame is left."""
    peaks = np.zeros_like(curve)
    inner = np.flatnonzero((curve[1:-1] >= curve[:-2]) & (curve[1:-1] > curve[2:])) + 1
    peaks[inner] = curve[inner]
    if not peaks.any():
        return _strongest(curve)
    start, stop = 0, len(curve)
    while np.count_nonzero(peaks[start:stop]) > 1:
        middle = (start + stop) // 2
        if peaks[start:middle].sum() >= peaks[middle:stop].sum():
            stop = middle
        else:
            start = middle
    return start + int(np.argmax(peaks[start:stop]))


def _strongest(curve: npt.ArrayLike) -> int:
    """Index of the maximum; the middle where nothing changes at all."""
    values = np.asarray(curve)
    return int(np.argmax(values)) if values.max() > 0 else (len(values) - 1) // 2


APEX_POLICIES: Mapping[str, Callable[[UInt8Array], int]] = MappingProxyType(
    {
        "midpoint": midpoint,
        "largest-difference": largest_difference,
        "largest-flow": largest_flow,
        "dnc-roi": dnc_roi,
        "frequency": frequency,
    }
)
"""What may stand in for an apex that nobody annotated."""


def find_apex(frames: npt.NDArray[np.uint8], policy: str = "midpoint") -> int:
    """Return the index of the apex in a clip from onset to offset.

    Parameters
    ----------
    frames : uint8 array, (T, H, W) or (T, H, W, 3)
        The cropped face, every frame by the same crop.
    policy : str
        A name in :data:`APEX_POLICIES`.

    Returns
    -------
    int
        From 0 to T - 1.

    Raises
    ------
    MienError
        For an unknown policy, no frames, or frames that are not grey or RGB uint8.

    Examples
    --------
    >>> find_apex(np.zeros((5, 32, 32), np.uint8))
    2
    """
    if policy not in APEX_POLICIES:
        raise MienError(f"got the apex policy '{policy}'; expected one of {', '.join(APEX_POLICIES)}; choose one")
    if frames.ndim not in (3, 4) or not len(frames):
        raise MienError(f"got frames {frames.shape}; expected (T, H, W) or (T, H, W, 3), T at least 1; check the clip")
    return APEX_POLICIES[policy](np.stack([to_grey(frame) for frame in frames]))
