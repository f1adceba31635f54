"""Write an analysis: tables, JSON and the report, all in one folder that appears whole."""

from __future__ import annotations

import csv
import json
import math
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mien.analysis._follow import Track
from mien.analysis._result import Analysis
from mien.core import Interval, MienError, atomic_folder
from mien.spotting import REGIONS, SPOTTERS

__all__ = ["check_results_folder", "write_analysis"]

_QUALITY = ("face_px", "blur", "yaw", "pitch", "roll")


_RESULTS = {"report.html", "intervals.csv", "frames.csv", "analysis.json"}


def check_results_folder(folder: Path) -> None:
    """Raise :class:`MienError` if writing results there would replace anything but earlier results."""
    if not folder.exists():
        return
    if not folder.is_dir():
        raise MienError(f"got '{folder}' for the results, which is a file; expected a folder; choose another --out")
    written, elan = folder / "analysis.json", _elan_file(folder)
    ours = _RESULTS | ({elan.name} if written.is_file() else set())
    if others := sorted(path.name for path in folder.iterdir() if path.name not in ours):
        raise MienError(
            f"got '{folder}' for the results, which holds other things, such as '{others[0]}'; "
            "expected a new folder or earlier results of mien, which are replaced; choose another --out"
        )
    if elan.is_file() and elan.stat().st_mtime_ns > written.stat().st_mtime_ns:
        raise MienError(
            f"got '{elan}', which was edited after the analysis and would be lost; "
            "expected results as mien wrote them; move it away, or choose another --out"
        )


def _elan_file(folder: Path) -> Path:
    return folder / f"{folder.name}.eaf"


def write_analysis(found: Analysis, folder: Path, *, elan: bool = False) -> Analysis:
    """Write ``report.html``, ``intervals.csv``, ``frames.csv``, ``analysis.json`` and, if wanted, ``<name>.eaf``."""
    from mien.reports import write_analysis_report, write_elan

    document = _document(found)
    with atomic_folder(folder) as temporary:
        if elan:
            write_elan(temporary / _elan_file(folder).name, found.intervals, media=found.source)
        _write_intervals(temporary / "intervals.csv", found)
        _write_frames(temporary / "frames.csv", found)
        write_analysis_report(
            temporary / "report.html",
            analysis=document,
            intervals=found.intervals,
            pictures=found.evidence,
            times_s=found.times_s,
            curve=_highest(found),
        )
        # Last: an ELAN file that is newer was edited since.
        text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)
        (temporary / "analysis.json").write_text(text + "\n", encoding="utf-8")
    return replace(found, folder=folder)


def _document(found: Analysis) -> dict[str, Any]:
    from mien.methods import versions

    times = found.times_s
    return {
        "source": found.source.name,
        "sha256": found.sha256,
        "fps": found.fps,
        "frames": len(times),
        "duration_s": float(times[-1] - times[0]) if len(times) else 0.0,
        "size": list(found.size),
        "partial": found.partial or None,
        "face_frames": int(found.found.sum()),
        "faces": [_face(track) for track in found.tracks],
        "versions": versions(),
        "model": {key: found.model.get(key) for key in ("method", "classes", "labels", "training_data", "error")},
        "recipe": found.model["recipe"],
        "spotting": {
            "name": found.spotter,
            "method": SPOTTERS[found.spotter].title,
            "settings": asdict(found.settings),
        },
        "warnings": list(found.warnings),
        "intervals": [_plain(interval) for interval in found.intervals],
        "macro_expressions": [_plain(interval) for interval in found.macro],
    }


def _face(track: Track) -> dict[str, Any]:
    return {
        "face": track.face,
        "first_frame": int(track.frames[0]),
        "last_frame": int(track.frames[-1]),
        "found_frames": int(track.found.sum()),
        "events": [{"frame": frame, "event": event} for frame, event in track.events],
    }


def _highest(found: Analysis) -> npt.NDArray[np.float64]:
    """The motion of all frames, of the face that moves most where there are several; nan without a face."""
    curve = np.full(len(found.frames), np.nan)
    for track in found.tracks:
        rows = np.searchsorted(found.frames, track.frames)
        curve[rows] = np.fmax(curve[rows], track.motion)
    return curve


def _plain(interval: Interval) -> dict[str, Any]:
    row = {name: getattr(interval, name) for name in _COLUMNS if name not in _MADE}
    row = {key: None if isinstance(value, float) and math.isnan(value) else value for key, value in row.items()}
    return row | {
        "duration_s": round(interval.duration_s, 6),
        "probabilities": dict(interval.probabilities),
        "movements": [asdict(movement) for movement in interval.movements],
        "action_units": {str(unit): share for unit, share in interval.action_units.items()},
    }


_COLUMNS = (
    "onset_frame", "apex_frame", "offset_frame", "onset_s", "apex_s", "offset_s", "duration_s", "emotion", "confidence",
    "score", "region", "face", "notes", "action_units",
)  # fmt: skip
_MADE = ("duration_s", "action_units")


def _write_intervals(path: Path, found: Analysis) -> None:
    classes = list(found.model["classes"])
    first, last = _COLUMNS[:9], _COLUMNS[9:]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*first, *(f"p_{name}" for name in classes), *last])
        for interval in found.intervals:
            values: dict[str, Any] = {name: _cell(getattr(interval, name)) for name in _COLUMNS}
            values["action_units"] = "+".join(map(str, interval.action_units))
            shares = [_cell(interval.probabilities.get(name, math.nan)) for name in classes]
            writer.writerow([*(values[n] for n in first), *shares, *(values[n] for n in last)])


def _write_frames(path: Path, found: Analysis) -> None:
    regions = [name.replace(" ", "_") for name in REGIONS]
    moved = [f"{name}_{axis}" for name in regions for axis in ("u", "v")]
    blank = [""] * (6 + len(_QUALITY) + len(moved))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        header = ["frame", "time_s", "face", "box_x", "box_y", "box_w", "box_h", "motion", *_QUALITY, "eyes", *moved]
        writer.writerow(header)
        places = [(track, int(np.searchsorted(found.frames, track.frames[0]))) for track in found.tracks]
        for place, (frame, time_s) in enumerate(zip(found.frames.tolist(), found.times_s.tolist(), strict=True)):
            here = [
                [frame, f"{time_s:.6f}", track.face, *_numbers(track, place - start)]
                for track, start in places
                if 0 <= place - start < len(track.frames) and track.found[place - start]
            ]
            writer.writerows(here or [[frame, f"{time_s:.6f}", 0, *blank]])


def _numbers(track: Track, row: int) -> list[str]:
    quality, eyes = track.quality[row], track.curves.eyes[row]
    moved = track.curves.regions[row].ravel()
    return [_short(value) for value in (*track.boxes[row], track.motion[row], *quality, eyes, *moved)]


def _cell(value: Any) -> Any:
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.6f}"
    return value


def _short(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.4f}"
