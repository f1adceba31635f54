"""What the published comparison methods share: a difference in time per region, its contrast, a relative threshold.

Both come from one scheme (Moilanen, Zhao, Pietikäinen 2014): how much each region changes over a window, the mean of
the third of the regions that change most, the contrast of that feature to itself half a window before and after, and
a threshold between the mean of the contrast and its maximum. Frames are counted in seconds here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from mien.core import Interval
from mien.spotting.curves import Curves
from mien.spotting.regions import REGIONS

__all__ = ["Difference", "contrast", "displaced", "find_intervals", "largest_third", "relative_threshold", "stretches"]

Array = npt.NDArray[np.float64]
Difference = Callable[[Array, int], Array]
"""``(place (G, R, 2), steps)`` -> how much each region changes around each time (G, R), pixels."""

_NAMES = tuple(REGIONS)
_LEAST_FRAMES = 2
_GAP_S = 0.1  # frames further apart than this, and than four usual steps, are not neighbours


@dataclass(frozen=True, slots=True)
class Stretch:
    """Rows ``start`` to ``stop`` of a recording, in which the face is there throughout, on an even grid of times.

    Attributes
    ----------
    start, stop : int
        Rows of the curves.
    grid_s : float array, (G,)
        Times, as many as rows where no frame is missing.
    place : float array, (G, R, 2)
        Displacement of the regions, pixels at a 128-px face.
    """

    start: int
    stop: int
    grid_s: Array
    place: Array

    def steps(self, seconds: float) -> int:
        """So many seconds as steps of the grid, at least one."""
        return max(1, round(seconds * (len(self.grid_s) - 1) / float(self.grid_s[-1] - self.grid_s[0])))


def stretches(curves: Curves) -> list[Stretch]:
    """Cut a recording where the face is lost or frames are missing; a single frame is none."""
    there: npt.NDArray[np.bool_] = np.asarray(np.isfinite(curves.regions).all(axis=(1, 2)))
    gaps = np.diff(curves.times_s)
    usual = float(np.median(gaps)) if len(gaps) else 0.0
    joined = there[1:] & there[:-1] & (gaps <= max(4 * usual, _GAP_S))
    edges = [0, *(np.flatnonzero(~joined) + 1).tolist(), len(there)]
    return [
        _stretch(curves, start, stop)
        for start, stop in pairwise(edges)
        if stop - start >= _LEAST_FRAMES and there[start]
    ]


def displaced(values: Array, steps: int) -> Array:
    """Each row's value so many steps later (earlier for negative steps); beyond the ends: the last (first) value.

    Examples
    --------
    >>> displaced(np.array([1.0, 2.0, 3.0]), 1), displaced(np.array([1.0, 2.0, 3.0]), -2)
    (array([2., 3., 3.]), array([1., 1., 1.]))
    """
    return values[np.clip(np.arange(len(values)) + steps, 0, len(values) - 1)]


def largest_third(values: Array) -> Array:
    """Mean over the third of the regions with the largest values, (G, R) to (G,).

    Examples
    --------
    >>> largest_third(np.array([[0.0, 9.0, 1.0, 5.0, 2.0, 3.0]]))
    array([7.])
    """
    count = max(1, round(values.shape[1] / 3))
    return np.asarray(np.sort(values, axis=1)[:, -count:].mean(axis=1))


def contrast(feature: Array, steps: int) -> Array:
    """How far a feature (G,) stands out from the mean of itself so many steps before and after.

    Examples
    --------
    >>> contrast(np.array([0.0, 0.0, 4.0, 2.0, 0.0]), 1)
    array([ 0., -2.,  3.,  0., -1.])
    """
    return feature - 0.5 * (displaced(feature, -steps) + displaced(feature, steps))


def relative_threshold(curves: list[Array], share: float) -> float:
    """Mean + share * (maximum - mean) of the contrast over the whole recording; infinite without any.

    Examples
    --------
    >>> relative_threshold([np.array([0.0, 4.0]), np.array([0.0, 0.0])], 0.5)
    2.5
    """
    values = np.concatenate([np.empty(0), *curves])
    if not len(values):
        return float("inf")
    mean, most = float(values.mean()), float(values.max())
    return mean + share * (most - mean)


def find_intervals(
    curves: Curves,
    difference: Difference,
    *,
    half_s: float,
    share: float,
    lengths_s: tuple[float, float],
    face: int,
    rectify: bool = False,
) -> tuple[list[Interval], Array]:
    """Find the runs of neighbouring frames whose contrast exceeds the relative threshold.

    Parameters
    ----------
    curves : Curves
        What moved, when.
    difference : callable
        The feature: how much each region changes around each time.
    half_s : float
        Half the window: how far before and after a frame it is compared.
    share : float
        Where the threshold lies between mean (0) and maximum (1) of the contrast.
    lengths_s : (float, float)
        Runs shorter or longer than this are dropped.
    face : int
        Number of the track, written into the intervals.
    rectify : bool
        Set negative contrast to zero before the threshold is taken.

    Returns
    -------
    intervals : list of Interval
        In time order; the apex is where the contrast is largest, which is the score.
    curve : float array, (T,)
        The contrast, pixels at a 128-px face; nan where there is no face, 0 in a stretch with a face that is shorter
        than the window, and nearer than half a window to an end of one.
    """
    known = [_Course.of(part, difference, half_s, rectify) for part in stretches(curves)]
    least = relative_threshold([course.values[course.inside] for course in known], share)
    curve, found = np.full(len(curves.times_s), np.nan), []
    for course in known:
        part = course.part
        curve[part.start : part.stop] = np.interp(curves.times_s[part.start : part.stop], part.grid_s, course.values)
        for first, last in _runs(course.inside & (course.values > least)):
            if lengths_s[0] <= part.grid_s[last] - part.grid_s[first] <= lengths_s[1]:
                found.append(_interval(curves, course, (first, last), face))
    return found, curve


@dataclass(frozen=True, slots=True)
class _Course:
    """The contrast (G,) of a stretch, known where both ends of the window are inside it and 0 elsewhere."""

    part: Stretch
    change: Array  # (G, R)
    values: Array
    inside: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, part: Stretch, difference: Difference, half_s: float, rectify: bool) -> _Course:
        steps, count = part.steps(half_s), len(part.grid_s)
        inside = np.zeros(count, bool)
        inside[steps : max(count - steps, steps)] = True
        change, values = difference(part.place, steps), np.zeros(count)
        if inside.any():
            values[inside] = contrast(largest_third(change[inside]), steps)
        return cls(part, change, np.maximum(values, 0.0) if rectify else values, inside)


def _stretch(curves: Curves, start: int, stop: int) -> Stretch:
    times = curves.times_s[start:stop]
    count = max(2, round(float((times[-1] - times[0]) / np.median(np.diff(times)))) + 1)
    grid = np.linspace(times[0], times[-1], count)
    columns = curves.regions[start:stop].reshape(stop - start, -1).T
    place = np.stack([np.interp(grid, times, column) for column in columns], axis=1)
    return Stretch(start, stop, grid, place.reshape(count, *curves.regions.shape[1:]))


def _runs(above: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
    """First and last index of each run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], above, [False]]).astype(np.int8)))
    return [(int(first), int(stop) - 1) for first, stop in edges.reshape(-1, 2)]


def _interval(curves: Curves, course: _Course, run: tuple[int, int], face: int) -> Interval:
    part, (first, last) = course.part, run
    peak = first + int(course.values[first : last + 1].argmax())
    times = curves.times_s[part.start : part.stop]
    onset, apex, offset = (part.start + int(np.abs(times - part.grid_s[at]).argmin()) for at in (first, peak, last))
    onset_frame, apex_frame, offset_frame = (int(curves.frames[row]) for row in (onset, apex, offset))
    onset_s, apex_s, offset_s = (float(curves.times_s[row]) for row in (onset, apex, offset))
    score, region = float(course.values[peak]), _NAMES[int(course.change[peak].argmax())]
    return Interval(onset_frame, apex_frame, offset_frame, onset_s, apex_s, offset_s, score, region=region, face=face)
