"""From the motion of the regions over time to micro-expressions and longer ones.

A micro-expression is a bump: parts of the face leave their place in the pattern of an action unit and come back within
half a second, alone. For every time and several durations the signal of the clearest action unit is measured beside the
recording's own noise (:mod:`mien.spotting.signal`); its peaks are candidates. A candidate then has to be explained by
few action units, to have a micro-expression's time course, and to stand alone: blinks have their own pattern, speech
goes on, a lasting expression does not come back, a hand before the face moves in no pattern. The idea of looking both
ways in one main direction is that of Wang et al. (Neurocomputing 230, 2017). Everything is in seconds, so any frame
rate is treated alike.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter1d, maximum_filter1d, median_filter
from scipy.signal import find_peaks

from mien.core import Interval
from mien.spotting.curves import SHIPPED, Curves, SpotSettings, Stretch, stretches
from mien.spotting.regions import EYE_REGIONS, REGIONS
from mien.spotting.signal import Noise, Pieces, bumps, explain, measure_noise, signal

__all__ = ["spot", "spot_macro"]

Array = npt.NDArray[np.float64]
Times = tuple[float, float, float]
_NAMES = tuple(REGIONS)
_BY_EYES = ("eye", "brow", "cheek")
_EYES = tuple(_NAMES.index(name) for name in EYE_REGIONS)
_APART_S = 0.12  # two peaks closer than this are one
_BLINK_S = 0.12  # before and after closed eyes
_SWING_S = 0.25  # before and after, the head's motion that counts
_GAP_S = 0.04  # between an expression and the rest before and after
_LEAST_HEIGHT = 4.0  # standard deviations: smaller swings are noise
_BLINK_FACTOR, _BLINK_EXPLAINED = 2.0, 0.8  # in a blink, a weaker signal must be explained better
_BLINK_SHARE = 0.6  # of a blink's own signal, that another must have beside it
_FAR_S = 1.0  # before and after an expression, in which the face has to be quiet
_SWING = 0.4  # share of a movement's height that another must have to count
_LEFT = 0.7  # share of a pattern's signal that is left when blinks are taken out


@dataclass(frozen=True, slots=True)
class _Signal:
    """Of one stretch: the signal at every time, which duration gave it, and whether a blink was clearer."""

    height: Array
    duration: npt.NDArray[np.int64]
    blink: npt.NDArray[np.bool_]

    def raise_to(self, rows: slice, duration: int, height: Array, blink: npt.NDArray[np.bool_]) -> None:
        """Take in the signal of one duration, where it is higher than those before."""
        better = height > self.height[rows] if duration else np.ones(len(height), bool)
        self.height[rows][better], self.blink[rows][better] = height[better], blink[better]
        self.duration[rows][better] = duration


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A peak of the signal with the movement it stands for."""

    times: Times
    score: float
    pattern: Array


def spot(curves: Curves, settings: SpotSettings = SHIPPED, face: int = 1) -> tuple[list[Interval], Array]:
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
        In time order, not overlapping; ``score`` is the signal in standard deviations of the noise.
    curve : float array, (T,)
        The signal that was thresholded; nan where there is no face.
    """
    curve = np.full(len(curves.times_s), np.nan)
    parts = stretches(curves)
    signals, noises = _signals(parts, settings)
    found: list[Interval] = []
    for part, measured in zip(parts, signals, strict=True):
        curve[part.start : part.stop] = np.interp(part.times_s, part.grid_s, measured.height)
        found += _intervals(part, measured, noises, settings, face)
    return sorted(found, key=lambda interval: interval.onset_s), curve


def spot_macro(
    curves: Curves, micro: Sequence[Interval], settings: SpotSettings = SHIPPED, face: int = 1
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
        durations_s=tuple(settings.longest_macro_s * share for share in (0.2, 0.4, 0.8)),
        baseline_s=0.3,
        smooth_s=4 * settings.smooth_s,
        reach_s=0.75 * settings.longest_macro_s,
        rest_s=4 * settings.rest_s,
        shortest_s=settings.longest_s * settings.tolerance,
        longest_s=settings.longest_macro_s,
        longest_rise_s=0.0,
        tolerance=1.0,
        most_px=math.inf,
        unrest=math.inf,
    )
    found, _ = spot(curves, slow, face)
    return [
        replace(longer, kind="macro")
        for longer in found
        if not any(longer.onset_s <= short.apex_s <= longer.offset_s for short in micro)
    ]


def _signals(parts: Sequence[Stretch], settings: SpotSettings) -> tuple[list[_Signal], list[Noise]]:
    """The signal of every stretch, and the noise of every duration, which is that of the whole recording."""
    if not parts:
        return [], []
    closing = [_eyes_close(part, settings) for part in parts]
    places, rates = [part.place for part in parts], [part.rate for part in parts]
    made = [_Signal(*(np.zeros(len(part.grid_s), kind) for kind in (float, int, bool))) for part in parts]
    noises: list[Noise] = []
    for duration, duration_s in enumerate(settings.durations_s):
        found = Pieces(places, rates, closing, duration_s, settings.baseline_s)
        noises.append(measure_noise(found))
        for number, rows, piece in found:
            made[number].raise_to(rows, duration, *signal(piece, noises[-1]))
    return made, noises


def _intervals(
    part: Stretch, measured: _Signal, noises: Sequence[Noise], settings: SpotSettings, face: int
) -> list[Interval]:
    """Intervals around the peaks of the signal, the clearest first where two overlap."""
    closing = _eyes_close(part, settings)
    blink = measured.blink | closing
    least = settings.least_score * np.where(blink, settings.blink_factor, 1.0)
    swing = _head_swing(part)
    peaks, _ = find_peaks(
        np.where(measured.height > least, measured.height, 0.0), distance=max(1, _rows(_APART_S, part))
    )
    clear = part.grid_s[peaks[~blink[peaks]]]
    found: list[_Candidate] = []
    for peak in sorted(peaks, key=lambda index: -measured.height[index]):
        near = _around(part, int(peak), settings)
        number, height = int(measured.duration[peak]), float(measured.height[peak])
        shut = closing[near] if blink[peak] else None
        window, place = _cut_out(part, near), int(peak) - near.start
        moved = _bump_at(window, place, settings.durations_s[number], settings.baseline_s)
        candidate = _candidate(window, place, moved, height, noises[number], settings, shut)
        if candidate is None or any(_overlap(candidate.times, other.times) for other in found):
            continue
        onset, _, offset = candidate.times
        beside = ((clear > onset - _FAR_S) & (clear < onset)) | ((clear > offset) & (clear < offset + _FAR_S))
        moves = (
            np.abs(candidate.pattern).max() > settings.head_share * swing[peak] and swing[peak] < settings.most_head_px
        )
        if moves and beside.sum() <= settings.others:
            found.append(candidate)
    return [_interval(part, candidate, face) for candidate in found]


def _around(part: Stretch, peak: int, settings: SpotSettings) -> slice:
    """The rows that a candidate is judged by."""
    wide = _rows(settings.reach_s + 2 * settings.alone_s + 0.5, part)
    return slice(max(0, peak - wide), min(len(part.grid_s), peak + wide + 1))


def _bump_at(part: Stretch, peak: int, duration_s: float, baseline_s: float) -> Array:
    """How far every region stands out at a time (2 R,), px."""
    found = bumps(part.place, part.rate, duration_s, baseline_s)
    return np.asarray((found.rise[peak] + found.fall[peak]) / 2)


def _cut_out(part: Stretch, rows: slice) -> Stretch:
    """These rows of a stretch."""
    cut = (part.cut[0] and rows.start == 0, part.cut[1] and rows.stop == len(part.grid_s))
    grid, place, eyes, head = (values[rows] for values in (part.grid_s, part.place, part.eyes, part.head))
    return replace(part, grid_s=grid, place=place, eyes=eyes, head=head, cut=cut)


def _candidate(
    part: Stretch,
    peak: int,
    moved: Array,
    height: float,
    noise: Noise,
    settings: SpotSettings,
    closing: npt.NDArray[np.bool_] | None,
) -> _Candidate | None:
    """What a peak stands for; None if that is no expression of the wanted length that stands alone.

    ``closing`` says where the eyes close, if a blink is about.
    """
    blink = closing is not None
    pattern, share = explain(moved, noise, blind=blink)
    # Blinks before and after disturb the time course of what can be told from them.
    blind = blink or _clarity(pattern, noise.blind) > _LEFT * _clarity(pattern, noise.covariance)
    region = int(np.linalg.norm(pattern.reshape(-1, 2), axis=1).argmax())
    near = _NAMES[region].endswith(_BY_EYES)
    beside = not blink or _is_beside_blink(moved, share, height, noise, settings, near=near)
    if share < settings.least_explained or not beside:
        return None
    course = _course(part, pattern, noise, settings, blind=blind)
    times = _feet(part, course, peak, settings)
    if times is None or not _is_wanted(times, settings) or _is_near_loss(part, times, settings):
        return None
    if not settings.least_px <= _moved_px(part, times) <= settings.most_px:
        return None
    if not _is_alone(part, course, times, settings):
        return None
    if region in _EYES and closing is not None and closing[_inside(part, times)].any():
        return None  # in a blink, lids say nothing
    return _Candidate(times, height, pattern)


def _is_beside_blink(
    moved: Array, share: float, height: float, noise: Noise, settings: SpotSettings, *, near: bool
) -> bool:
    """Whether what is left of a movement during a blink is more than a blink that is not known well enough.

    ``near``: it is by the eyes, where a blink itself moves more than lids.
    """
    if near and not noise.knows_blinks and height < _BLINK_SHARE * float((noise.blink_weights @ moved).max()):
        return False
    return share >= _BLINK_EXPLAINED or height >= _BLINK_FACTOR * settings.least_score


def _clarity(pattern: Array, covariance: Array) -> float:
    """The signal of a pattern in standard deviations of the noise."""
    return math.sqrt(max(float(pattern @ np.linalg.solve(covariance, pattern)), 0.0))


def _course(part: Stretch, pattern: Array, noise: Noise, settings: SpotSettings, *, blind: bool) -> Array:
    """How far the pattern is out at every time (G,), in standard deviations of the noise."""
    weight = np.linalg.solve(noise.blind if blind else noise.covariance, pattern)
    course = part.place @ (weight / math.sqrt(float(weight @ pattern)))
    return np.asarray(gaussian_filter1d(course, max(settings.smooth_s * part.rate, 0.3)))


def _feet(part: Stretch, course: Array, peak: int, settings: SpotSettings) -> Times | None:
    """Onset, apex and offset (s)."""
    near = max(1, _rows(0.08, part))
    low = max(0, peak - near)
    apex = low + int(course[low : peak + near + 1].argmax())
    reach, rest = max(2, _rows(settings.reach_s, part)), max(2, _rows(settings.rest_s, part))
    left = _foot_of(course[max(0, apex - reach) : apex + 1][::-1], settings.edge, rest)
    right = _foot_of(course[apex : apex + reach + 1], settings.edge, rest)
    if left is None or right is None:
        return None
    at, first, last = part.grid_s[apex], part.grid_s[0], part.grid_s[-1]
    return max(float(at - left / part.rate), first), float(at), min(float(at + right / part.rate), last)


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


def _is_wanted(times: Times, settings: SpotSettings) -> bool:
    """Whether it is of the length that is looked for."""
    total, rise = times[2] - times[0], times[1] - times[0]
    fits = total <= settings.longest_s * settings.tolerance
    return total >= settings.shortest_s and (fits or rise <= settings.longest_rise_s)


def _moved_px(part: Stretch, times: Times) -> float:
    """How far the region that moves most goes from onset to apex."""
    onset, apex, _ = _at(part, times)
    return float(np.linalg.norm((part.place[apex] - part.place[onset]).reshape(-1, 2), axis=1).max())


def _is_near_loss(part: Stretch, times: Times, settings: SpotSettings) -> bool:
    """Whether it is where the face was just found or is about to be lost."""
    early, late = times[0] - part.grid_s[0], part.grid_s[-1] - times[2]
    return (part.cut[0] and early < settings.after_found_s) or (part.cut[1] and late < settings.after_found_s)


def _is_alone(part: Stretch, course: Array, times: Times, settings: SpotSettings) -> bool:
    """Whether the same parts of the face make few other movements of its size before and after; speech makes many.

    A bump is a way up and, on its sides, a way down; a blink or a nod that the course could not be cleared of is
    another or two, and may be larger.
    """
    onset, apex, offset = _at(part, times)
    height = float(course[apex] - max(course[onset], course[offset]))
    if height < _LEAST_HEIGHT:
        return False
    wide, gap = _rows(settings.alone_s, part), _rows(_GAP_S, part)
    before, after = course[max(0, onset - wide) : max(0, onset - gap)], course[offset + gap : offset + wide]
    unrest = max((float(np.ptp(side)) / height for side in (before, after) if len(side)), default=0.0)
    least = max(_SWING * height, _LEAST_HEIGHT)
    near, far = (_swings(course[max(0, onset - span) : offset + span], least) for span in (wide, 2 * wide))
    return near <= 4 and far <= 7 and unrest < settings.unrest


def _swings(course: Array, least: float) -> int:
    """How often a course goes up or down and back by at least so much."""
    ups, downs = (np.pad(side, 1, constant_values=side.min()) for side in (course, -course))
    return sum(len(find_peaks(side, prominence=least)[0]) for side in (ups, downs))


def _eyes_close(part: Stretch, settings: SpotSettings) -> npt.NDArray[np.bool_]:
    """Where the eyes are closing, closed or opening."""
    usual = median_filter(part.eyes, size=max(3, _rows(1.5, part)) | 1, mode="nearest")
    closed = part.eyes < (1 - settings.blink_drop) * usual
    return np.asarray(maximum_filter1d(closed.astype(np.int8), size=max(3, _rows(2 * _BLINK_S, part)) | 1) > 0)


def _head_swing(part: Stretch) -> Array:
    """How far the head moves around every time (G,), px."""
    span = max(3, _rows(2 * _SWING_S, part)) | 1
    swing = maximum_filter1d(part.head, span, axis=0) + maximum_filter1d(-part.head, span, axis=0)
    return np.asarray(np.linalg.norm(swing, axis=1))


def _at(part: Stretch, times: Times) -> tuple[int, ...]:
    """The grid points of three times."""
    return tuple(int(np.clip(_rows(time - part.grid_s[0], part), 0, len(part.grid_s) - 1)) for time in times)


def _inside(part: Stretch, times: Times) -> slice:
    onset, _, offset = _at(part, times)
    return slice(onset, offset + 1)


def _rows(seconds: float, part: Stretch) -> int:
    return round(seconds * part.rate)


def _overlap(one: Times, other: Times) -> bool:
    return one[0] < other[2] and other[0] < one[2]


def _interval(part: Stretch, candidate: _Candidate, face: int) -> Interval:
    rows = [int(np.abs(part.times_s - time).argmin()) for time in candidate.times]
    rows[0], rows[2] = min(rows[0], rows[1]), max(rows[2], rows[1])
    onset, apex, offset = (int(part.frames[row]) for row in rows)
    onset_s, apex_s, offset_s = (float(part.times_s[row]) for row in rows)
    region = _NAMES[int(np.linalg.norm(candidate.pattern.reshape(-1, 2), axis=1).argmax())]
    return Interval(onset, apex, offset, onset_s, apex_s, offset_s, candidate.score, region=region, face=face)
