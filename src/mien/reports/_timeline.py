"""A recording at a glance: the motion curve and the moments on it, as coordinates that a template draws."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mien.core import Interval, MienError

__all__ = ["FaceCurve", "clock", "timeline"]

Array = npt.NDArray[np.float64]
FaceCurve = tuple[int, npt.ArrayLike, npt.ArrayLike]
"""The number of a face, its times in seconds and its motion."""

WIDTH = 1000  # units of the drawing, stretched to the width of the page
_PLOT_PX = 130
_PLOT_OF_SEVERAL_PX = 84
_LANE_PX = 33
_LABEL_PX = 20  # of a marker, and of a face's name
_GAP_PX = 10  # between faces
_MOST_FACES = 12  # more cannot be read one above the other
_BINS = 1200  # about one per pixel: more cannot be seen, and an hour of 200 frames a second stays small
_MARK_SHARE = 0.045  # of the width, what a numbered mark takes on a phone
_MOST_LANES = 6
_LEAST_LABEL = 2.0  # percent of the width under which a marker's label says nothing
_STEPS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200)


def timeline(
    times_s: npt.ArrayLike,
    curve: npt.ArrayLike,
    intervals: Sequence[Interval],
    least_score: float | None,
    *,
    faces: Sequence[FaceCurve] = (),
    longer: Sequence[Mapping[str, Any]] = (),
    markers: Sequence[Mapping[str, Any]] = (),
    numbered: Sequence[bool] | None = None,
) -> dict[str, Any]:
    """Lay out the motion curve, the gaps without a face and the moments; one above the other for several faces.

    A long recording is drawn as the lowest and highest value of each of 1,200 equal parts, so no peak is lost.

    Parameters
    ----------
    times_s : float array, (T,)
        Presentation times, increasing.
    curve : float array, (T,)
        Motion, pixels; nan where there is no face.
    intervals : sequence of Interval
        The moments, in the order of their numbers.
    least_score : float or None
        The threshold to show.
    faces : sequence of (int, float array, float array)
        Each face's number, times and motion. Two or more are drawn apart, instead of ``curve``; of more than twelve
        those with moments, then the longest.
    longer : sequence of mapping
        Macro-expressions: ``onset_s``, ``offset_s`` and ``face``.
    markers : sequence of mapping
        Of the study: ``time_s``, ``label`` and ``end_s`` (None for a point in time).
    numbered : sequence of bool or None
        Which moments get a numbered mark; None for all.

    Returns
    -------
    dict
        ``panels`` from top to bottom, each with ``face``, ``top`` and ``floor`` (px), ``curve`` (an SVG path, ``width``
        x ``plot_px``), ``lost``, ``longer`` and ``bands`` (percent of the width), ``y_ticks`` and ``threshold`` (px);
        ``x_ticks``, ``markers``, ``hidden`` (faces without a panel) and the sizes in px.

    Raises
    ------
    MienError
        If two arrays do not fit each other, or times do not increase.

    Examples
    --------
    >>> drawn = timeline([0.0, 0.5, 1.0], [0.0, 0.4, float("nan")], [], least_score=0.3)
    >>> [(tick["label"], tick["at"]) for tick in drawn["x_ticks"]][:2], drawn["panels"][0]["lost"]
    ([('0 s', 0.0), ('0.2 s', 20.0)], [{'left': 100.0, 'width': 0.0}])
    """
    times, motion = _checked(times_s, curve)
    axis = _Axis(float(times[0]), max(float(times[-1] - times[0]), 1e-9))
    known = [(face, *_checked(its_times, its_curve)) for face, its_times, its_curve in faces]
    apart = len(known) > 1
    shown = _chosen(known, intervals) if apart else [(0, times, motion)]
    highest = max(float(np.nanmax(values, initial=0.0)) for _, _, values in shown)
    scale = _Scale(1.08 * max(highest, 1.4 * (least_score or 0.0), 0.1), _PLOT_OF_SEVERAL_PX if apart else _PLOT_PX)
    flags = [True] * len(intervals) if numbered is None else list(numbered)
    top, panels = _LABEL_PX + 4 if markers else 0, []
    for face, its_times, values in shown:
        own = [(i, interval) for i, interval in enumerate(intervals) if face in (0, interval.face)]
        panel = {"face": face, "label_y": top + 14, **_moments(own, flags, axis, top + (_LABEL_PX if apart else 0))}
        panel |= _plot(its_times, values, axis, scale, panel["top"]) | {"threshold": scale.y(least_score, panel["top"])}
        panel["longer"] = [axis.band(e["onset_s"], e["offset_s"]) for e in longer if face in (0, e.get("face", 1))]
        panels.append(panel)
        top = panel["floor"] + _GAP_PX
    return {
        "panels": panels,
        "x_ticks": [{"at": axis.percent(t), "label": label} for t, label in _time_ticks(axis.start, axis.stop)],
        "markers": _markers(markers, axis),
        "hidden": sorted({face for face, _, _ in known} - {panel["face"] for panel in panels}) if apart else [],
        "floor": panels[-1]["floor"],
        "plot_px": scale.plot_px,
        "width": WIDTH,
    }


@dataclass(frozen=True, slots=True)
class _Axis:
    """Time, as percent of the width."""

    start: float
    span: float

    @property
    def stop(self) -> float:
        return self.start + self.span

    def percent(self, time_s: float) -> float:
        return round(float(np.clip(100 * (time_s - self.start) / self.span, 0, 100)), 3)

    def band(self, from_s: float, to_s: float) -> dict[str, Any]:
        left, right = self.percent(from_s), self.percent(to_s)
        return {"left": left, "width": round(right - left, 3)}


@dataclass(frozen=True, slots=True)
class _Scale:
    """Motion, as px from the top."""

    most: float
    plot_px: int

    def y(self, value: float | None, top: float = 0.0) -> float | None:
        return None if value is None else round(top + self.plot_px * (1 - value / self.most), 1)


def _chosen(known: Sequence[tuple[int, Array, Array]], intervals: Sequence[Interval]) -> list[tuple[int, Array, Array]]:
    """The faces there is room for, by number: first those with moments, then those seen longest."""
    found = {interval.face for interval in intervals}
    by_weight = sorted(known, key=lambda face: (face[0] not in found, -len(face[1])))
    return sorted(by_weight[:_MOST_FACES], key=lambda face: face[0])


def _moments(own: Sequence[tuple[int, Interval]], numbered: Sequence[bool], axis: _Axis, top: int) -> dict[str, Any]:
    """The moments of one face: where they begin and end, and in which row their marks stand."""
    marked = [(i, interval) for i, interval in own if numbered[i]]
    lanes = dict(zip((i for i, _ in marked), _lanes([axis.percent(each.apex_s) for _, each in marked]), strict=True))
    bands = []
    for i, interval in own:
        mark_y = top + lanes[i] * _LANE_PX if i in lanes else None
        band = axis.band(interval.onset_s, interval.offset_s)
        bands.append(band | {"index": i, "apex": axis.percent(interval.apex_s), "mark_y": mark_y})
    return {"bands": bands, "top": top + _LANE_PX * (max(lanes.values(), default=-1) + 1) + 6}


def _plot(times: Array, motion: Array, axis: _Axis, scale: _Scale, top: int) -> dict[str, Any]:
    """The curve of one face, and where there is none."""
    firsts = np.unique(np.linspace(0, len(times), min(_BINS, len(times)), endpoint=False).astype(int))
    high, low = np.fmax.reduceat(motion, firsts), np.fmin.reduceat(motion, firsts)  # nan only if all are
    lost = np.logical_or.reduceat(np.isnan(motion), firsts)
    edges = [axis.percent(time) for time in [*times[firsts], times[-1]]]
    x = np.array(edges[:-1]) * WIDTH / 100
    gaps = [{"left": edges[a], "width": round(edges[b] - edges[a], 3)} for a, b in _runs(lost)]
    outside = [axis.band(axis.start, float(times[0])), axis.band(float(times[-1]), axis.stop)]
    return {
        "curve": "".join(_outline(x, scale.plot_px * (1 - high / scale.most), scale.plot_px * (1 - low / scale.most))),
        "lost": [*gaps, *(gap for gap in outside if gap["width"])],
        "y_ticks": [{"at": scale.y(v, top), "label": f"{v:g}"} for v in _ticks(0, scale.most, scale.plot_px / 32)],
        "floor": top + scale.plot_px,
    }


def _markers(markers: Sequence[Mapping[str, Any]], axis: _Axis) -> list[dict[str, Any]]:
    """Where each marker stands, and the room for its label: up to the next one."""
    placed = []
    for marker in sorted(markers, key=lambda marker: float(marker["time_s"])):
        end = marker.get("end_s")
        band = axis.band(marker["time_s"], marker["time_s"] if end is None else end)
        placed.append(band | {"label": str(marker["label"]), "lasts": end is not None})
    for i, marker in enumerate(placed):
        room = (placed[i + 1]["left"] if i + 1 < len(placed) else 100.0) - marker["left"]
        marker["room"] = round(room, 3) if room >= _LEAST_LABEL else 0.0
    return placed


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


def _lanes(places: Sequence[float]) -> list[int]:
    """A row for each mark so that marks do not cover each other (when all rows are taken, the one longest free)."""
    free = [-100.0] * _MOST_LANES
    chosen = []
    for place in places:
        lane = next((i for i, until in enumerate(free) if until <= place), int(np.argmin(free)))
        free[lane] = place + 100 * _MARK_SHARE
        chosen.append(lane)
    return chosen


def _ticks(low: float, high: float, most: float) -> list[float]:
    """Round values within [low, high], about ``most`` of them."""
    step = next((step for step in _STEPS if (high - low) / step <= most), (high - low) / most)
    first, last = int(np.ceil(low / step - 1e-9)), int(np.floor(high / step + 1e-9))
    return [round(index * step, 6) for index in range(first, last + 1)]


def _time_ticks(start: float, stop: float) -> list[tuple[float, str]]:
    times = _ticks(start, stop, 8)
    decimals = 2 if any(time % 1 for time in times) else 0
    return [(time, f"{time:g} s" if stop < 60 else clock(time, decimals)) for time in times]
