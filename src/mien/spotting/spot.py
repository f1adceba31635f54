"""From the motion of the regions over time to candidate micro-expressions.

A micro-expression is a bump: regions leave their place and come back within half a second. For a frame t and a half
width d the bump of a region is how far its position at t stands out, in one direction, from its positions at both
t - d and t + d. A ramp (drift, the start of a lasting expression) has none: one of the two differences vanishes or
points the other way. This is the main-directional maximal difference of Wang et al. (2017) made two-sided, on region
displacements that are free of head motion. Everything is in seconds, so any frame rate is treated alike.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise, product

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter1d, maximum_filter1d, median_filter
from scipy.signal import find_peaks

from mien.core import Interval, MienError
from mien.spotting.regions import EYE_REGIONS, REGIONS

__all__ = ["Curves", "SpotSettings", "spot", "spot_macro"]

Array = npt.NDArray[np.float64]
_NAMES = tuple(REGIONS)
_EYES = [_NAMES.index(name) for name in EYE_REGIONS]


@dataclass(frozen=True, slots=True)
class SpotSettings:
    """Parameters of spotting, set on rendered clips only; pixels are those of a 128-px face."""

    least_px: float = 0.30
    """Smallest bump worth reporting."""
    most_px: float = 6.0
    """A larger one is no micro-expression: an expression in full, a turn of the head, or a registration that failed."""
    noise_factor: float = 3.0
    """What a region's bump must exceed before it counts, in medians of that region's bump over the recording."""
    half_widths_s: tuple[float, ...] = (0.09, 0.16, 0.26)
    """Half widths, before and after the apex, at which bumps are sought."""
    smooth_s: float = 0.010
    """Standard deviation of the smoothing over time."""
    edge: float = 0.20
    """Onset and offset are read where the motion has this share of its height, then extended to its foot."""
    reach_s: float = 0.45
    """How far from the apex onset and offset are sought."""
    rest_s: float = 0.06
    """A movement that has not gone on for this long has ended."""
    longest_s: float = 0.50
    """Longest micro-expression, onset to offset ..."""
    longest_rise_s: float = 0.25
    """... unless onset to apex is at most this."""
    tolerance: float = 1.15
    """Measured durations may exceed the limits by this factor."""
    shortest_s: float = 0.08
    """Anything shorter is a flicker."""
    longest_macro_s: float = 4.0
    """Longest expression that is reported at all."""
    least_macro_px: float = 0.6
    """Smallest bump of a longer expression worth reporting."""
    blink_drop: float = 0.25
    """Share of their opening that the eyes lose in a blink."""
    blink_factor: float = 3.0
    """During a blink the skin must move this much more to count."""
    head_share: float = 0.10
    """And more than this share of the head's own motion around it."""


@dataclass(frozen=True, slots=True)
class Curves:
    """Motion of one followed face over a recording; rows without a face are nan.

    Attributes
    ----------
    times_s : float array, (T,)
        Presentation times, increasing.
    frames : int array, (T,)
        Frame numbers.
    regions : float array, (T, R, 2)
        Displacement of each region, pixels at a 128-px face, free of head motion.
    eyes : float array, (T,)
        Opening of the eyes, height over width.
    head : float array, (T, 2)
        Position of the head, pixels at a 128-px face.
    """

    times_s: Array
    frames: npt.NDArray[np.int64]
    regions: Array
    eyes: Array
    head: Array

    def __post_init__(self) -> None:
        lengths = {len(part) for part in (self.times_s, self.frames, self.regions, self.eyes, self.head)}
        if len(lengths) != 1 or self.regions.shape[1:] != (len(REGIONS), 2):
            raise MienError(
                f"got curves of lengths {sorted(lengths)} and regions {self.regions.shape}; "
                f"expected one length T and (T, {len(REGIONS)}, 2); rebuild them"
            )


def spot(curves: Curves, settings: SpotSettings = SpotSettings(), face: int = 1) -> tuple[list[Interval], Array]:
    """Find the micro-expressions of one followed face.

    Parameters
    ----------
    curves : Curves
        What moved, when.
    settings : SpotSettings
        Thresholds and limits.
    face : int
        Number of the track, written into the intervals.

    Returns
    -------
    intervals : list of Interval
        In time order, not overlapping; ``score`` is the height of the bump in pixels at a 128-px face.
    curve : float array, (T,)
        The motion curve that was thresholded, pixels at a 128-px face; nan where there is no face.
    """
    curve = np.full(len(curves.times_s), np.nan)
    segments = [_Segment.cut(curves, start, stop) for start, stop in _runs(curves)]
    bumps = [segment.bumps(settings) for segment in segments]
    noise = _noise([height for height, _ in bumps])
    found: list[Interval] = []
    for segment, (height, towards) in zip(segments, bumps, strict=True):
        excess = _excess(height, towards, noise, settings)
        motion = np.linalg.norm(excess, axis=1)  # how far the skin of all regions stands out together, above its noise
        curve[segment.start : segment.stop] = np.interp(segment.times_s, segment.grid_s, motion)
        found += segment.intervals(motion, excess, towards, settings, face)
    return sorted(found, key=lambda interval: interval.onset_s), curve


def spot_macro(
    curves: Curves, micro: Sequence[Interval], settings: SpotSettings = SpotSettings(), face: int = 1
) -> list[Interval]:
    """Find the longer expressions of one followed face: the same bumps, on a scale of seconds.

    Parameters
    ----------
    curves, settings, face
        As in :func:`spot`.
    micro : sequence of Interval
        The micro-expressions, which are no longer expressions too.

    Returns
    -------
    list of Interval
        In time order, of the kind ``macro``: longer than a micro-expression, at most ``settings.longest_macro_s``.
    """
    slow = replace(
        settings,
        least_px=settings.least_macro_px,
        most_px=math.inf,
        half_widths_s=tuple(settings.longest_macro_s * share for share in (0.1, 0.2, 0.4)),
        smooth_s=4 * settings.smooth_s,
        reach_s=0.75 * settings.longest_macro_s,
        rest_s=4 * settings.rest_s,
        shortest_s=settings.longest_s * settings.tolerance,
        longest_s=settings.longest_macro_s,
        longest_rise_s=0.0,
        tolerance=1.0,
    )
    found, _ = spot(curves, slow, face)
    return [
        replace(longer, kind="macro")
        for longer in found
        if not any(longer.onset_s <= short.apex_s <= longer.offset_s for short in micro)
    ]


def _runs(curves: Curves) -> list[tuple[int, int]]:
    """Stretches of at least 0.3 s in which the face is there and no frames are missing."""
    good: npt.NDArray[np.bool_] = np.asarray(np.isfinite(curves.regions).all(axis=(1, 2)))
    steps = np.diff(curves.times_s)
    usual = float(np.median(steps)) if len(steps) else 0.0
    breaks = np.flatnonzero(~(good[1:] & good[:-1] & (steps <= max(4 * usual, 0.1)))) + 1
    edges = [0, *breaks.tolist(), len(good)]
    pairs = [(a, b) for a, b in pairwise(edges) if b - a >= 5 and good[a]]
    return [(a, b) for a, b in pairs if curves.times_s[b - 1] - curves.times_s[a] >= 0.3]


def _noise(bumps: list[Array]) -> Array:
    """Each region's ordinary bump over the whole recording, pixels."""
    if not bumps:
        return np.zeros(len(REGIONS))
    return np.maximum(np.median(np.concatenate(bumps), axis=0), 0.005)


@dataclass(slots=True)
class _Segment:
    """One stretch with a face, on an even grid of times."""

    start: int
    stop: int
    times_s: Array
    frames: npt.NDArray[np.int64]
    grid_s: Array
    place: Array  # (G, R, 2)
    eyes: Array
    head: Array

    @classmethod
    def cut(cls, curves: Curves, start: int, stop: int) -> _Segment:
        times = curves.times_s[start:stop]
        count = max(round(float((times[-1] - times[0]) / np.median(np.diff(times)))) + 1, 2)
        grid = np.linspace(times[0], times[-1], count)

        def even(values: Array) -> Array:
            flat = values[start:stop].reshape(len(times), -1)
            columns = [np.interp(grid, times, column) for column in flat.T]
            return np.stack(columns, axis=1).reshape(count, *values.shape[1:])

        return cls(
            start, stop, times, curves.frames[start:stop], grid,
            even(curves.regions), even(curves.eyes[:, None])[:, 0], even(curves.head),
        )  # fmt: skip

    @property
    def rate(self) -> float:
        return (len(self.grid_s) - 1) / (self.grid_s[-1] - self.grid_s[0])

    def bumps(self, settings: SpotSettings) -> tuple[Array, Array]:
        """Height (G, R) and direction (G, R, 2) of the best bump of every region at every time."""
        sigma = settings.smooth_s * self.rate
        place = gaussian_filter1d(self.place, sigma, axis=0) if sigma > 0.3 else self.place
        index = np.arange(len(place))
        best, towards = np.zeros(place.shape[:2]), np.zeros_like(place)
        widths = [max(1, round(width * self.rate)) for width in settings.half_widths_s]
        for before, after in product(widths, widths):
            rise = place - place[np.clip(index - before, 0, None)]
            fall = place - place[np.clip(index + after, None, len(place) - 1)]
            direction = rise + fall
            direction = direction / np.maximum(np.linalg.norm(direction, axis=-1, keepdims=True), 1e-9)
            height = np.minimum((rise * direction).sum(axis=-1), (fall * direction).sum(axis=-1))
            better = height > best
            best[better], towards[better] = height[better], direction[better]
        return best, towards

    def threshold(self, settings: SpotSettings) -> Array:
        """What the curve must exceed at each time (G,): more in a blink, more while the head moves fast."""
        usual = median_filter(self.eyes, size=max(3, int(1.5 * self.rate)) | 1, mode="nearest")
        blink = (self.eyes < (1 - settings.blink_drop) * usual).astype(float)
        blink = maximum_filter1d(blink, size=max(3, int(0.24 * self.rate)) | 1)
        span = max(3, int(0.5 * self.rate)) | 1
        swing = maximum_filter1d(self.head, span, axis=0) + maximum_filter1d(-self.head, span, axis=0)
        floor = settings.least_px * np.where(blink > 0, settings.blink_factor, 1.0)
        return np.maximum(floor, settings.head_share * np.linalg.norm(swing, axis=1))

    def intervals(
        self, curve: Array, excess: Array, towards: Array, settings: SpotSettings, face: int
    ) -> list[Interval]:
        """Intervals around the peaks of the motion curve (G,), the highest first where two overlap."""
        above = curve > self.threshold(settings)
        peaks, _ = find_peaks(np.where(above, curve, 0.0), distance=max(1, int(0.12 * self.rate)))
        found: list[tuple[float, float, float, float, int]] = []
        for peak in sorted(peaks, key=lambda index: -curve[index]):
            times = self._foot(peak, excess[peak], towards[peak], settings)
            if times is None or any(times[0] < other[2] and other[0] < times[2] for other in found):
                continue
            if self._is_micro(times, settings) and curve[peak] <= settings.most_px:
                found.append((*times, float(curve[peak]), int(excess[peak].argmax())))
        return [self._interval(entry, face) for entry in found]

    def _foot(
        self, peak: int, weight: Array, towards: Array, settings: SpotSettings
    ) -> tuple[float, float, float] | None:
        """Onset, apex and offset (s) of the motion along the regions' own directions."""
        course = np.einsum("grc,rc,r->g", self.place, towards, weight / weight.sum())
        course = gaussian_filter1d(course, max(settings.smooth_s * self.rate, 0.3))
        near = max(1, round(0.08 * self.rate))
        low = max(0, peak - near)
        apex = low + int(course[low : peak + near + 1].argmax())
        reach = max(2, round(settings.reach_s * self.rate))
        rest = max(2, round(settings.rest_s * self.rate))
        left = _foot_of(course[max(0, apex - reach) : apex + 1][::-1], settings.edge, rest)
        right = _foot_of(course[apex : apex + reach + 1], settings.edge, rest)
        if left is None or right is None:
            return None
        at = self.grid_s[apex]
        onset, offset = at - left / self.rate, at + right / self.rate
        return max(onset, self.grid_s[0]), float(at), min(offset, self.grid_s[-1])

    def _is_micro(self, times: tuple[float, float, float], settings: SpotSettings) -> bool:
        total, rise = times[2] - times[0], times[1] - times[0]
        fits = total <= settings.longest_s * settings.tolerance
        return total >= settings.shortest_s and (fits or rise <= settings.longest_rise_s)

    def _interval(self, entry: tuple[float, float, float, float, int], face: int) -> Interval:
        rows = [int(np.abs(self.times_s - time).argmin()) for time in entry[:3]]
        rows[0], rows[2] = min(rows[0], rows[1]), max(rows[2], rows[1])
        onset, apex, offset = (int(self.frames[row]) for row in rows)
        onset_s, apex_s, offset_s = (float(self.times_s[row]) for row in rows)
        return Interval(onset, apex, offset, onset_s, apex_s, offset_s, entry[3], region=_NAMES[entry[4]], face=face)


def _excess(bumps: Array, towards: Array, noise: Array, settings: SpotSettings) -> Array:
    """What counts of the regions' bumps (G, R): above their noise, and of the eyes only lids that both go up.

    Lids that go down and up again are a blink; one eye alone is a wink or a glance.
    """
    excess = np.clip(bumps - settings.noise_factor * noise, 0, None)
    up = (towards[:, _EYES, 1] < -0.7).all(axis=1)
    excess[:, _EYES] = np.where(up, excess[:, _EYES].min(axis=1), 0.0)[:, None]
    return excess


def _foot_of(falling: Array, edge: float, rest: int) -> float | None:
    """Steps from the apex until the motion has gone; None if it never goes.

    Its lowest point is where it first comes to rest, falling no further for ``rest`` steps; what follows is another
    movement. The foot lies beyond the crossing of ``edge``, by what a raised cosine that fell from one half to ``edge``
    in the same time would still need.
    """
    low = int(falling.argmin())
    for step in range(1, len(falling) - rest):
        height, ahead = falling[0] - falling[step], falling[step] - falling[step : step + rest + 1].min()
        if height > 0.5 * (falling[0] - falling[low]) and ahead < 0.06 * height:
            low = step
            break
    height = falling[0] - falling[low]
    if low == 0 or height <= 0:
        return None
    half, last = (_crossing(falling, falling[low] + share * height) for share in (0.5, edge))
    left = np.arccos(1 - 2 * edge) / np.pi  # share of a raised cosine's time below the edge
    return last + (last - half) * left / (0.5 - left)


def _crossing(falling: Array, level: float) -> float:
    """Steps until the motion first falls to a level."""
    step = int(np.flatnonzero(falling <= level)[0])
    above, below = falling[step - 1], falling[step]
    return step - 1 + float((above - level) / max(above - below, 1e-12))
