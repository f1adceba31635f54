"""The report of an analysis: one HTML file in which a person can judge every moment that was found."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy.typing as npt

from mien.core import FloatArray, Interval, MienError
from mien.reports._moments import describe_moment, draw_pictures, look_of_classes
from mien.reports._page import write_page
from mien.reports._pictures import IntervalPictures, motion_scale
from mien.reports._timeline import FaceCurve, clock, timeline

__all__ = ["IntervalPictures", "write_analysis_report"]

_MOST_CARDS = 200  # a page with more pictures is slow to open; the rest are rows of a table
_MOST_LOOPS = 60
_MOST_NAMED = 8  # longer expressions listed one by one


def write_analysis_report(
    path: Path | str,
    *,
    analysis: Mapping[str, Any],
    intervals: Sequence[Interval],
    pictures: Sequence[IntervalPictures | FloatArray | None],
    times_s: npt.ArrayLike,
    curve: npt.ArrayLike,
    faces: Sequence[FaceCurve] = (),
) -> Path:
    """Write the report of an analysis as one HTML file that opens offline.

    Parameters
    ----------
    path : Path or str
        The file to write.
    analysis : mapping
        The document of ``analysis.json``. Beside what is always there it may hold ``partial`` (why the recording was
        not read to its end), ``macro_expressions``, ``quality`` (``face_px`` and ``blur``, medians; ``yaw``, ``pitch``
        and ``roll``, each [low, high] in degrees; anything else is shown by its own name), ``conditions`` (list of
        ``condition``, ``minutes``, ``events``, ``events_per_minute`` and ``ci95``: [low, high] or None) and ``markers``
        (list of ``time_s``, ``label`` and ``end_s`` or None).
    intervals : sequence of Interval
        In time order. The 200 of the highest score get a card, the others a row of a table.
    pictures : sequence of IntervalPictures, float32 array (2, S, S) or None
        One per interval. A flow alone (from onset to apex) is drawn on grey, without the face; None shows nothing.
    times_s : float array, (T,)
        Presentation times of the frames, increasing.
    curve : float array, (T,)
        The motion curve, in the unit of the score; nan where there is no face.
    faces : sequence of (int, float array, float array)
        Number, times and motion curve of each face. Two or more are drawn apart, and ``curve`` is not drawn.

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
    ...     "recipe": {}, "spotting": {"method": "mdmd", "settings": {"least_score": 0.3}}, "warnings": [],
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
    marks = look_of_classes(list(classes))
    cards = _highest(intervals, _MOST_CARDS)
    moments = [describe_moment(i + 1, interval, marks) for i, interval in enumerate(intervals)]
    seen = {interval.emotion for interval in intervals}
    longer = sorted(analysis.get("macro_expressions") or [], key=lambda each: float(each["onset_s"]))
    least = analysis["spotting"]["settings"].get("least_score")
    drawn = timeline(
        times_s,
        curve,
        intervals,
        least,
        faces=faces,
        longer=longer,
        markers=analysis.get("markers") or [],
        numbered=[i in cards for i in range(len(intervals))],
    )
    content: dict[str, Any] = {
        "analysis": analysis,
        "summary": _summary(analysis, len(intervals)),
        "partial": analysis.get("partial"),
        "quality": _quality(analysis),
        "timeline": drawn,
        "least_score": least,
        "clock": clock,
        "longer": _longer(longer),
        "conditions": analysis.get("conditions") or [],
        "error": analysis["model"].get("error"),
        "legend": [mark for name, mark in marks.items() if name in seen or (name and intervals)],
        "several_faces": len(faces) > 1 or len({interval.face for interval in intervals}) > 1,
        "moments": moments,
        "motion_scale": motion_scale(),
        "details": _details(analysis),
    }
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        return write_page(path, "analysis.html", **content, **_cards(moments, intervals, pictures, cards, threads))


def _highest(intervals: Sequence[Interval], most: int) -> set[int]:
    """The moments that stand out most."""
    return set(sorted(range(len(intervals)), key=lambda i: -intervals[i].score)[:most])


def _cards(
    moments: Sequence[dict[str, Any]],
    intervals: Sequence[Interval],
    pictures: Sequence[IntervalPictures | FloatArray | None],
    cards: set[int],
    threads: ThreadPoolExecutor,
) -> dict[str, Any]:
    """Moments with a card (``shown``), those without (``others``), and what draws the next card's pictures.

    Drawn while the page is written, a few ahead: all of them would be tens of megabytes.
    """
    chosen, loops = sorted(cards), _highest(intervals, _MOST_LOOPS)

    def draw(place: int) -> dict[str, Any]:
        return draw_pictures(pictures[place], loop=place in loops)

    drawn = threads.map(draw, chosen)
    return {
        "shown": [moments[i] for i in chosen],
        "next_pictures": lambda: next(drawn),
        "faces_shown": any(isinstance(pictures[i], IntervalPictures) for i in chosen),
        "others": [moment for i, moment in enumerate(moments) if i not in cards],
        "loops": sum(_can_move(pictures[i]) for i in loops & cards),
    }


def _can_move(shown: IntervalPictures | FloatArray | None) -> bool:
    """Whether there are frames for a loop."""
    return isinstance(shown, IntervalPictures) and len(shown.frames) > 1


def _details(analysis: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """What it takes to repeat the analysis."""
    recipe = analysis["recipe"]
    return {
        "Recogniser": {name: value for name, value in analysis["model"].items() if name != "error"},
        "Recipe": recipe if isinstance(recipe, Mapping) else {"recipe": recipe},
        "Spotting": analysis["spotting"],
        "Recording": {name: analysis[name] for name in _RECORDING if name in analysis},
        "Versions": analysis["versions"],
    }


_RECORDING = ("source", "sha256", "fps", "frames", "duration_s", "size", "face_frames")
_QUALITY = {
    "face_px": ("width of the face", "{:.0f} px", "median"),
    "blur": ("sharpness", "{:.2f}", "median; low is blurred"),
    "yaw": ("head turned", "{:+.0f}° to {:+.0f}°", "0° looks into the camera"),
    "pitch": ("head up or down", "{:+.0f}° to {:+.0f}°", "0° looks into the camera"),
    "roll": ("head tilted", "{:+.0f}° to {:+.0f}°", "0° is upright"),
    "turned_share": ("turned away", "{:.0%}", "of the frames with a face"),
    "missing_frames": ("missing frames", "{:,}", "gaps between the frames' times"),
}  # name in the document -> name on the page, how it is written, what it means


def _summary(analysis: Mapping[str, Any], count: int) -> dict[str, str]:
    """What was found, in how much, and how much of it could be looked at."""
    duration = analysis["duration_s"]
    plural = "" if count == 1 else "s"
    length = clock(duration)
    return {
        "found": f"{count} possible micro-expression{plural}" if count else "No micro-expression was found",
        "length": f"{length} {'h' if length.count(':') > 1 else 'min'}" if duration >= 60 else f"{duration:.1f} s",
        "face": _face_share(analysis),
    }


def _face_share(analysis: Mapping[str, Any]) -> str:
    """Never rounded up to all of it."""
    return f"{math.floor(100 * analysis['face_frames'] / max(analysis['frames'], 1))} %"


def _quality(analysis: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Name, value and meaning of what decides how much can be seen in the recording."""
    (width, height), fps, frames = analysis["size"], analysis["fps"], analysis["frames"]
    every = f"; one every {1000 / fps:.1f} ms" if fps > 0 else ""
    rows = [
        ("frames", f"{fps:.1f} a second", f"{frames:,} in all{every}"),
        ("picture", f"{width} × {height} px", ""),
        ("face visible", _face_share(analysis), f"{analysis['face_frames']:,} frames"),
    ]
    if analysis.get("faces"):
        rows.append(("faces", str(len(analysis["faces"])), "followed apart" if len(analysis["faces"]) > 1 else ""))
    return rows + [_known(name, value) for name, value in (analysis.get("quality") or {}).items() if value is not None]


def _known(name: str, value: Any) -> tuple[str, str, str]:
    """One entry of the document's ``quality``; what is not known by name is shown as it is."""
    parts = list(value) if isinstance(value, list | tuple) else [value]
    title, written, means = _QUALITY.get(name, (name.replace("_", " "), "", ""))
    numbers = all(isinstance(part, int | float) and math.isfinite(part) for part in parts)
    if written.count("{") == len(parts) and numbers:
        return title, written.format(*parts).replace("-", "−").replace("%", " %"), means
    return title, ", ".join(map(_plain, parts)), means


def _plain(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}" if math.isfinite(value) else "–"
    return "–" if value is None else str(value)


def _longer(found: Sequence[Mapping[str, Any]]) -> str:
    """Name the macro-expressions in one line; empty without any."""
    if not found:
        return ""
    listed = [f"{each['offset_s'] - each['onset_s']:.1f} s at {_at(each['onset_s'])}" for each in found[:_MOST_NAMED]]
    more = f" and {len(found) - _MOST_NAMED} more" if len(found) > _MOST_NAMED else ""
    plural = "" if len(found) == 1 else "s"
    return f"{len(found)} longer expression{plural} (macro): {', '.join(listed)}{more}."


def _at(time_s: float) -> str:
    return f"{time_s:.1f} s" if time_s < 60 else clock(time_s)
