"""The report of an analysis: one HTML file in which a person can judge every moment that was found."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy.typing as npt

from mien.core import Interval, MienError
from mien.reports._page import write_page
from mien.reports._pictures import IntervalPictures, motion_picture, motion_scale, photograph
from mien.reports._timeline import clock, timeline

__all__ = ["IntervalPictures", "write_analysis_report"]

# Okabe & Ito's palette, told apart by colour-blind readers; the shape says the same without colour.
_COLOURS = ("#d55e00", "#0072b2", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#f0e442")
_SHAPES = (
    "M-6 -6H6V6H-6Z",  # square
    "M-6.5 0A6.5 6.5 0 1 1 6.5 0A6.5 6.5 0 1 1 -6.5 0Z",  # circle
    "M0 -7L7 6H-7Z",  # triangle
    "M0 -7.5L7.5 0L0 7.5L-7.5 0Z",  # diamond
    "M0 7L7 -6H-7Z",  # triangle downwards
    "M-2.5 -7H2.5V-2.5H7V2.5H2.5V7H-2.5V2.5H-7V-2.5H-2.5Z",  # cross
    "M0 -7.5L6.5 -3.7V3.7L0 7.5L-6.5 3.7V-3.7Z",  # hexagon
    "M-7 -4H7V4H-7Z",  # bar
)  # eight shapes against seven colours: 56 classes before a pair comes back
_CERTAIN = 0.5  # as in analysis: below this probability a label is named uncertain


@dataclass(frozen=True, slots=True)
class _Mark:
    """How a class looks on the page."""

    name: str
    colour: str
    shape: str


_UNREAD = _Mark("emotion not read", "#8a8781", _SHAPES[1])


def write_analysis_report(
    path: Path | str,
    *,
    analysis: Mapping[str, Any],
    intervals: Sequence[Interval],
    pictures: Sequence[IntervalPictures],
    times_s: npt.ArrayLike,
    curve: npt.ArrayLike,
) -> Path:
    """Write the report of an analysis as one HTML file that opens offline.

    Parameters
    ----------
    path : Path or str
        The file to write.
    analysis : mapping
        The document of ``analysis.json``.
    intervals : sequence of Interval
        In time order.
    pictures : sequence of IntervalPictures
        One per interval.
    times_s : float array, (T,)
        Presentation times of the frames, increasing.
    curve : float array, (T,)
        The motion curve, pixels at a 128-px face; nan where there is no face.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    MienError
        If there is not one set of pictures per interval, or times and curve do not fit each other.

    Examples
    --------
    >>> import tempfile
    >>> document = {
    ...     "source": "interview.mp4", "fps": 200.0, "frames": 3, "duration_s": 0.01, "size": [640, 480],
    ...     "face_frames": 3, "versions": {"mien": "0.1.0"}, "model": {"classes": ["negative", "positive"]},
    ...     "recipe": {}, "spotting": {"method": "mdmd", "settings": {"least_px": 0.3}}, "warnings": [],
    ... }  # fmt: skip
    >>> file = Path(tempfile.mkdtemp()) / "report.html"
    >>> made = write_analysis_report(
    ...     file, analysis=document, intervals=[], pictures=[], times_s=[0, 0.005, 0.01], curve=[0, 0.1, 0]
    ... )
    >>> "No micro-expression was found" in made.read_text()
    True
    """
    if len(intervals) != len(pictures):
        raise MienError(
            f"got {len(intervals)} intervals and {len(pictures)} sets of pictures; expected one set for each"
        )
    classes = dict.fromkeys([*(analysis["model"].get("classes") or ()), *(i.emotion for i in intervals if i.emotion)])
    marks = _marks(list(classes))
    least = analysis["spotting"]["settings"].get("least_px")
    seen = {interval.emotion for interval in intervals}
    return write_page(
        path,
        "analysis.html",
        analysis=analysis,
        summary=_summary(analysis, len(intervals)),
        facts=_facts(analysis),
        error=analysis["model"].get("error"),
        timeline=timeline(times_s, curve, intervals, least),
        least_px=least,
        legend=[mark for name, mark in marks.items() if name in seen or (name and intervals)],
        moments=[
            _moment(number, interval, shown, marks)
            for number, (interval, shown) in enumerate(zip(intervals, pictures, strict=True), start=1)
        ],
        motion_scale=motion_scale(),
        details={
            "Recogniser": {name: value for name, value in analysis["model"].items() if name != "error"},
            "Recipe": analysis["recipe"] if isinstance(analysis["recipe"], Mapping) else {"recipe": analysis["recipe"]},
            "Spotting": analysis["spotting"],
            "Recording": {name: analysis[name] for name in _RECORDING if name in analysis},
            "Versions": analysis["versions"],
        },
    )


_RECORDING = ("source", "sha256", "fps", "frames", "duration_s", "size", "face_frames")


def _summary(analysis: Mapping[str, Any], count: int) -> dict[str, str]:
    """What was found, in how much, and how much of it could be looked at."""
    duration = analysis["duration_s"]
    plural = "" if count == 1 else "s"
    length = clock(duration)
    share = analysis["face_frames"] / max(analysis["frames"], 1)
    return {
        "found": f"{count} possible micro-expression{plural}" if count else "No micro-expression was found",
        "length": f"{length} {'h' if length.count(':') > 1 else 'min'}" if duration >= 60 else f"{duration:.1f} s",
        "face": f"{math.floor(100 * share)} %",  # never rounded up to all of it
    }


def _facts(analysis: Mapping[str, Any]) -> str:
    width, height = analysis["size"]
    return f"{width} × {height} pixels · {analysis['fps']:.1f} frames a second · {analysis['frames']:,} frames"


def _marks(classes: Sequence[str]) -> dict[str, _Mark]:
    """A colour and a shape for each class, and for a moment that was not read."""
    marks = {
        name: _Mark(name, _COLOURS[i % len(_COLOURS)], _SHAPES[i % len(_SHAPES)]) for i, name in enumerate(classes)
    }
    return {**marks, "": _UNREAD}


def _moment(number: int, interval: Interval, pictures: IntervalPictures, marks: Mapping[str, _Mark]) -> dict[str, Any]:
    """One card."""
    shares = {name: value for name, value in interval.probabilities.items() if not math.isnan(value)}
    points = {
        name: {"frame": getattr(interval, f"{name}_frame"), "time": _time(getattr(interval, f"{name}_s"))}
        for name in ("onset", "apex", "offset")
    }
    return {
        "number": number,
        "mark": marks[interval.emotion],
        "confidence": None if math.isnan(interval.confidence) else interval.confidence,
        "shares": [{"mark": marks.get(name, _UNREAD), "name": name, "value": value} for name, value in shares.items()],
        "flags": _flags(interval, shares),
        "points": points,
        "duration_ms": round(1000 * interval.duration_s),
        "rise_ms": round(1000 * (interval.apex_s - interval.onset_s)),
        "score": interval.score,
        "region": interval.region,
        "face": interval.face,
        "onset": photograph(pictures.onset),
        "apex": photograph(pictures.apex),
        "motion": motion_picture(pictures),
    }


def _flags(interval: Interval, shares: Mapping[str, float]) -> list[str]:
    """What speaks against trusting a moment."""
    flags = [note.strip() for note in interval.notes.split(";") if note.strip()]
    if interval.confidence < _CERTAIN and "uncertain emotion" not in flags:
        flags.insert(0, "uncertain emotion")
    if shares and max(shares, key=lambda name: shares[name]) != interval.emotion:
        flags.append("another class is more probable: the decision and the probabilities are calibrated apart")
    return flags


def _time(time_s: float) -> str:
    """Seconds, and from a minute on also what a player shows."""
    return f"{time_s:.3f} s" if time_s < 60 else f"{clock(time_s, 3)} ({time_s:.3f} s)"
