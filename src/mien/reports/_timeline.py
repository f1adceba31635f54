"""A recording at a glance: the motion curve and the moments on it, as coordinates that a template draws."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from mien.core import Interval, MienError

__all__ = ["clock", "timeline"]

Array = npt.NDArray[np.float64]

WIDTH = 1000  # units of the drawing, stretched to the width of the page
PLOT_PX = 130
LANE_PX = 33
_BINS = 1200  # about one per pixel: more cannot be seen, and an hour of 200 frames a second stays small
_MARK_SHARE = 0.03  # of the width, what a numbered mark takes
_MOST_LANES = 6
_STEPS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200)


def timeline(
    times_s: npt.ArrayLike, curve: npt.ArrayLike, intervals: Sequence[Interval], least_px: float | None
) -> dict[str, Any]:
    """Lay out the motion curve, the gaps without a face and the moments.

    A long recording is drawn as the lowest and highest value of each of 1,200 equal parts, so no peak is lost.

    Parameters
    ----------
    times_s : float array, (T,)
        Presentation times, increasing.
    curve : float array, (T,)
        Motion, pixels; nan where there is no face.
    intervals : sequence of Interval
        The moments, in the order of their numbers.
    least_px : float or None
        The threshold to show.

    Returns
    -------
    dict
        ``curve`` (an SVG path, ``WIDTH`` x ``PLOT_PX``), ``lost`` and ``bands`` (percent of the width), ``x_ticks``,
        ``y_ticks``, ``threshold`` (px from the top, or None), ``lanes`` and the sizes in px.

    Raises
    ------
    MienError
        If the two arrays do not fit each other, or the times do not increase.

    Examples
    --------
    >>> drawn = timeline([0.0, 0.5, 1.0], [0.0, 0.4, float("nan")], [], least_px=0.3)
    >>> [(tick["label"], tick["at"]) for tick in drawn["x_ticks"]][:2], drawn["lost"]
    ([('0 s', 0.0), ('0.2 s', 20.0)], [{'left': 100.0, 'width': 0.0}])
    """
    times, motion = _checked(times_s, curve)
    start, span = float(times[0]), max(float(times[-1] - times[0]), 1e-9)

    def percent(time_s: float) -> float:
        return round(float(np.clip(100 * (time_s - start) / span, 0, 100)), 3)

    top = 1.08 * max(float(np.nanmax(motion, initial=0.0)), 1.4 * (least_px or 0.0), 0.1)
    firsts = np.unique(np.linspace(0, len(times), min(_BINS, len(times)), endpoint=False).astype(int))
    high, low = np.fmax.reduceat(motion, firsts), np.fmin.reduceat(motion, firsts)  # nan only if all are
    lost = np.logical_or.reduceat(np.isnan(motion), firsts)
    edges = [percent(time) for time in [*times[firsts], times[-1]]]
    x = np.array(edges[:-1]) * WIDTH / 100
    lanes = _lanes([percent(interval.apex_s) for interval in intervals])
    return {
        "curve": "".join(_outline(x, PLOT_PX * (1 - high / top), PLOT_PX * (1 - low / top))),
        "lost": [{"left": edges[a], "width": round(edges[b] - edges[a], 3)} for a, b in _runs(lost)],
        "bands": [_band(interval, lane, percent) for interval, lane in zip(intervals, lanes, strict=True)],
        "x_ticks": [{"at": percent(t), "label": label} for t, label in _time_ticks(start, start + span)],
        "y_ticks": [{"at": round(PLOT_PX * (1 - v / top), 1), "label": f"{v:g}"} for v in _ticks(0, top, 4)],
        "threshold": None if least_px is None else round(PLOT_PX * (1 - least_px / top), 1),
        "lanes": max(lanes, default=-1) + 1,
        "lane_px": LANE_PX,
        "plot_px": PLOT_PX,
        "width": WIDTH,
    }


def clock(time_s: float, decimals: int = 0) -> str:
    """Write a time as minutes and seconds.

    Parameters
    ----------
    time_s : float
        Seconds.
    decimals : int
        Of the seconds.

    Returns
    -------
    str
        ``m:ss``, or ``h:mm:ss`` from an hour on.

    Examples
    --------
    >>> clock(63.2), clock(3725.25, 2), clock(59.999)
    ('1:03', '1:02:05.25', '1:00')
    """
    minutes, seconds = divmod(round(time_s * 10**decimals), 60 * 10**decimals)
    hours, minutes = divmod(minutes, 60)
    rest = f"{seconds / 10**decimals:0{decimals + 3 if decimals else 2}.{decimals}f}"
    return f"{hours}:{minutes:02d}:{rest}" if hours else f"{minutes}:{rest}"


def _checked(times_s: npt.ArrayLike, curve: npt.ArrayLike) -> tuple[Array, Array]:
    times, motion = np.asarray(times_s, dtype=float), np.asarray(curve, dtype=float)
    if times.ndim != 1 or times.shape != motion.shape or not len(times):
        raise MienError(
            f"got times {times.shape} and a motion curve {motion.shape}; expected two of (T,), T at least 1"
        )
    if not np.isfinite(times).all() or (np.diff(times) < 0).any() or np.isinf(motion).any():
        raise MienError(
            "got times that do not increase or a motion curve with inf; expected seconds in order, and pixels"
        )
    return times, motion


def _outline(x: Array, high: Array, low: Array) -> Iterator[str]:
    """One closed path per stretch with a face: along the highest values and back along the lowest."""
    for a, b in _runs(~np.isnan(high)):
        there = [f"{px:.1f} {py:.1f}" for px, py in zip(x[a:b], high[a:b], strict=True)]
        back = [f"{px:.1f} {py:.1f}" for px, py in zip(x[a:b][::-1], low[a:b][::-1], strict=True)]
        yield f"M{'L'.join([*there, *back])}Z"


def _runs(flags: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
    """First index and the one after the last of each stretch of true values."""
    steps = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(int)))
    return list(zip(steps[::2].tolist(), steps[1::2].tolist(), strict=True))


def _band(interval: Interval, lane: int, percent: Callable[[float], float]) -> dict[str, float]:
    left, right = percent(interval.onset_s), percent(interval.offset_s)
    return {"left": left, "width": round(right - left, 3), "apex": percent(interval.apex_s), "lane": lane}


def _lanes(places: Sequence[float]) -> list[int]:
    """A row for each mark so that marks do not cover each other (when all rows are taken, the one longest free)."""
    free = [-100.0] * _MOST_LANES
    chosen = []
    for place in places:
        lane = next((i for i, until in enumerate(free) if until <= place), int(np.argmin(free)))
        free[lane] = place + 100 * _MARK_SHARE
        chosen.append(lane)
    return chosen


def _ticks(low: float, high: float, most: int) -> list[float]:
    """Round values within [low, high], about ``most`` of them."""
    step = next((step for step in _STEPS if (high - low) / step <= most), (high - low) / most)
    first, last = int(np.ceil(low / step - 1e-9)), int(np.floor(high / step + 1e-9))
    return [round(index * step, 6) for index in range(first, last + 1)]


def _time_ticks(start: float, stop: float) -> list[tuple[float, str]]:
    times = _ticks(start, stop, 8)
    decimals = 2 if any(time % 1 for time in times) else 0
    return [(time, f"{time:g} s" if stop < 60 else clock(time, decimals)) for time in times]
