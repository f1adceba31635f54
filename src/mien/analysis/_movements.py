"""How far the regions of the face moved from onset to apex, beside the head and above their own noise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from mien.analysis._follow import Track
from mien.analysis._units import skin_movement, suggest_units
from mien.core import Interval, Movement
from mien.spotting import REGIONS

__all__ = ["measure_displacement", "with_movements"]

Array = npt.NDArray[np.float64]

_NOISE_FACTOR = 3.0
_LEAST_PX = 0.15
_AROUND_S = 0.010  # places are means of the frames this near
_WINDOW_S = 20.0  # noise is that of so many seconds before and after: the work does not grow with the recording
_MARGIN_S = 0.03  # frames this near to an interval belong to it
_FEWEST = 20  # differences that noise is estimated from
_RAYLEIGH_MEDIAN = 1.1774  # median length of a plane vector whose components have standard deviation 1


def with_movements(interval: Interval, track: Track, others: Sequence[Interval]) -> Interval:
    """Return the interval with the regions that moved and the action units that this suggests.

    A region moved if its displacement from onset to apex exceeds .15 px (at a 128-px face) and 3 times its noise. What
    the measurement took for the head's is put back first (:func:`mien.analysis._units.skin_movement`).

    Parameters
    ----------
    interval : Interval
        Spotted in this track.
    track : Track
        Its face.
    others : sequence of Interval
        All intervals of the recording; frames inside those of this face are no noise.
    """
    moved, noise = measure_displacement(interval, track, [one for one in others if one.face == interval.face])
    beside = skin_movement(moved)
    distances = np.linalg.norm(beside, axis=1)
    far = np.flatnonzero((distances > _LEAST_PX) & (distances > _NOISE_FACTOR * noise))
    if not len(far):
        return interval
    names = tuple(REGIONS)
    farthest = far[np.argsort(-distances[far], kind="stable")]
    movements = tuple(Movement(names[row], float(beside[row, 0]), float(beside[row, 1])) for row in farthest)
    return replace(interval, movements=movements, action_units=suggest_units(moved))


def measure_displacement(interval: Interval, track: Track, others: Sequence[Interval] = ()) -> tuple[Array, Array]:
    """Measure what every region did from onset to apex, and what it does when nothing happens.

    Parameters
    ----------
    interval : Interval
        Onset and apex.
    track : Track
        Its face.
    others : sequence of Interval
        What is not noise.

    Returns
    -------
    moved : float array, (R, 2)
        Displacement, pixels at a 128-px face; 0 where the face was not measured.
    noise : float array, (R,)
        Standard deviation, per axis, of the displacement over the same lag in frames up to 20 s away that belong to
        no interval (from the median of its length, so that what was missed there counts little).
    """
    onset, apex = (track.rows(frame, frame).start for frame in (interval.onset_frame, interval.apex_frame))
    near = track.times_s[onset] - _WINDOW_S, track.times_s[apex] + _WINDOW_S
    rows = slice(*(int(row) for row in np.searchsorted(track.times_s, near)))
    places, times = track.curves.regions[rows], track.times_s[rows]
    onset, apex = onset - rows.start, apex - rows.start
    moved = np.nan_to_num(_place(places, times, apex) - _place(places, times, onset))
    return moved, _noise(places, times, max(1, apex - onset), [interval, *others])


def _place(places: Array, times: Array, row: int) -> Array:
    """Where the regions are (R, 2): the mean over the frames around a row."""
    around = np.abs(times - times[row]) <= _AROUND_S
    around &= np.isfinite(places).all(axis=(1, 2))
    return np.asarray(places[around].mean(axis=0)) if around.any() else np.full(places.shape[1:], np.nan)


def _noise(places: Array, times: Array, lag: int, intervals: Sequence[Interval]) -> Array:
    finite = np.isfinite(places).all(axis=(1, 2))
    lost = np.concatenate([[0], np.cumsum(~finite)])
    whole = lost[lag + 1 :] == lost[: -lag - 1]  # the face was there all the way: after a loss places start anew
    quiet = np.ones(len(times), bool)
    for one in intervals:
        quiet &= (times < one.onset_s - _MARGIN_S) | (times > one.offset_s + _MARGIN_S)
    still = whole & quiet[lag:] & quiet[:-lag]
    used = still if still.sum() >= _FEWEST else whole
    if not used.any():
        return np.zeros(places.shape[1])
    steps = (places[lag:] - places[:-lag])[used]
    return np.asarray(np.median(np.linalg.norm(steps, axis=2), axis=0) / _RAYLEIGH_MEDIAN)
