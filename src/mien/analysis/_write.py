"""Write an analysis: tables, JSON and the report, all in one folder that appears whole."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mien.analysis._deidentify import deidentified
from mien.analysis._disk import said_in_one_line
from mien.analysis._follow import Track
from mien.analysis._result import Analysis
from mien.analysis._video import highest_motion, write_annotated
from mien.analysis.conditions import study_of
from mien.core import Interval, MienError, atomic_folder
from mien.spotting import REGIONS, SPOTTERS, expected_rate

__all__ = ["EXPORTS", "check_exports", "check_results_folder", "write_analysis"]

_POSE = ("yaw", "pitch", "roll")
_QUALITY = ("face_px", "blur", *_POSE)
_TURNED_DEG = 25.0  # yaw beyond which one half of the face is seen too obliquely


_RESULTS = {"report.html", "intervals.csv", "frames.csv", "analysis.json"}

EXPORTS = {
    "elan": "{name}.eaf",
    "megc": "{name}_megc.csv",
    "openface": "{name}_openface.csv",
    "mp4": "{name}_annotated.mp4",
}
"""What else can be written, and what the file is called in the result's folder."""


def check_exports(exports: Sequence[str], source: Path | None = None) -> tuple[str, ...]:
    """Return the names of exports, each once, in the order of :data:`EXPORTS`.

    Raises
    ------
    MienError
        If there is no such export, or a video is wanted of a source that cannot be read a second time.
    """
    if isinstance(exports, str):
        exports = [exports]
    if unknown := [name for name in exports if name not in EXPORTS]:
        raise MienError(f"got the export '{unknown[0]}'; expected one of {', '.join(EXPORTS)}; correct the name")
    if "mp4" in exports and source is not None and not source.exists():
        raise MienError(f"got the export 'mp4' of '{source}', which is no file; expected a recording; leave mp4 out")
    return tuple(name for name in EXPORTS if name in exports)


def check_results_folder(folder: Path) -> None:
    """Raise :class:`MienError` if writing results there would replace anything but earlier results."""
    if not folder.exists():
        return
    if not folder.is_dir():
        raise MienError(f"got '{folder}' for the results, which is a file; expected a folder; choose another --out")
    written = folder / "analysis.json"
    exported = [_export_file(folder, name) for name in EXPORTS] if written.is_file() else []
    ours = _RESULTS | {path.name for path in exported}
    if others := sorted(path.name for path in folder.iterdir() if path.name not in ours):
        raise MienError(
            f"got '{folder}' for the results, which holds other things, such as '{others[0]}'; "
            "expected a new folder or earlier results of mien, which are replaced; choose another --out"
        )
    for path in exported:
        if path.is_file() and path.stat().st_mtime_ns > written.stat().st_mtime_ns:
            raise MienError(
                f"got '{path}', which was edited after the analysis and would be lost; "
                "expected results as mien wrote them; move it away, or choose another --out"
            )


def _export_file(folder: Path, export: str) -> Path:
    return folder / EXPORTS[export].format(name=folder.name)


def write_analysis(
    found: Analysis, folder: Path, *, exports: Sequence[str] = (), deidentify: bool = False, elan: bool = False
) -> Analysis:
    """Write the results into one folder, which appears whole or not at all.

    Parameters
    ----------
    found : Analysis
        What to write: ``report.html``, ``intervals.csv``, ``frames.csv`` and ``analysis.json``.
    folder : Path
        Where; an earlier result there is replaced (:func:`check_results_folder`).
    exports : sequence of str
        What else to write: names in :data:`EXPORTS`.
    deidentify : bool
        Write what :func:`mien.analysis._deidentify.deidentified` leaves of it. The folder's name is in the files: it
        must not say whose recording it is.
    elan : bool
        The same as ``"elan"`` in ``exports``.

    Returns
    -------
    Analysis
        What was written, with its folder.

    Raises
    ------
    MienError
        If there is no such export.
    """
    from mien.reports import write_analysis_report

    wanted = check_exports((*check_exports(exports), *(["elan"] * elan)), None if deidentify else found.source)
    if deidentify:
        found = deidentified(found, folder.name)
    document = _document(found, deidentify)
    with said_in_one_line(folder), atomic_folder(folder) as temporary:
        for name in wanted:
            _export(name, temporary / _export_file(folder, name).name, found, deidentify)
        _write_intervals(temporary / "intervals.csv", found)
        _write_frames(temporary / "frames.csv", found)
        write_analysis_report(
            temporary / "report.html",
            analysis=document | {"source": found.source.name},
            intervals=found.intervals,
            pictures=[shown.flow for shown in found.evidence] if deidentify else found.evidence,
            times_s=found.times_s,
            curve=highest_motion(found),
            faces=[(track.face, track.times_s, track.motion) for track in found.tracks],
        )
        # Last: an export that is newer was edited since.
        text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)
        (temporary / "analysis.json").write_text(text + "\n", encoding="utf-8")
    return replace(found, folder=folder)


def _export(name: str, path: Path, found: Analysis, deidentify: bool) -> None:
    """Write one of the exports."""
    from mien.reports import write_elan
    from mien.reports.exports import write_megc, write_openface

    if name == "elan":
        write_elan(path, found.intervals, None if deidentify else found.source, macro=found.macro)
    elif name == "megc":
        write_megc(path, [*found.intervals, *found.macro], found.source.stem if not deidentify else found.source.name)
    elif name == "openface":
        write_openface(path, found.times_s, {track.face: _pose(found, track) for track in found.tracks}, found.size)
    else:
        write_annotated(path, found, neutral=deidentify)


def _pose(found: Analysis, track: Track) -> npt.NDArray[np.float64]:
    """Yaw, pitch, roll and the middle of the face for all frames (T, 5); nan without the face."""
    rows = np.full((len(found.frames), 5), np.nan)
    there = np.searchsorted(found.frames, track.frames[track.found])
    middle = track.boxes[track.found, :2] + track.boxes[track.found, 2:] / 2
    rows[there] = np.concatenate([track.quality[track.found, 2:5], middle], axis=1)
    return rows


def _document(found: Analysis, deidentify: bool) -> dict[str, Any]:
    from mien.methods import versions

    times = found.times_s
    rate = expected_rate(found.settings) if found.spotter == "mien" else None
    return {
        "source": None if deidentify else found.source.name,
        "sha256": None if deidentify else found.sha256,
        "deidentified": deidentify,
        "fps": found.fps,
        "frames": len(times),
        "duration_s": float(times[-1] - times[0]) if len(times) else 0.0,
        "size": list(found.size),
        "partial": found.partial or None,
        "face_frames": int(found.found.sum()),
        "quality": _quality(found),
        "faces": [_face(track) for track in found.tracks],
        "versions": versions(),
        "model": {key: found.model.get(key) for key in ("method", "classes", "labels", "training_data", "error")},
        "recipe": found.model["recipe"],
        "spotting": {
            "name": found.spotter,
            "method": SPOTTERS[found.spotter].title,
            "settings": asdict(found.settings),
            "expected": None if rate is None else asdict(rate),
        },
        "markers": [{key: getattr(m, key) for key in ("time_s", "end_s", "label", "subject")} for m in found.markers],
        **study_of(found),
        "warnings": list(found.warnings),
        "intervals": [_plain(interval) for interval in found.intervals],
        "macro_expressions": [_plain(interval) for interval in found.macro],
    }


def _quality(found: Analysis) -> dict[str, Any]:
    """How good the recording is for this, over all frames of all faces."""
    seen = np.concatenate([track.quality[track.found] for track in found.tracks] or [np.empty((0, 5))])
    return _quality_of(seen) | {"missing_frames": _missing_frames(found.times_s)}


def _quality_of(seen: npt.NDArray[np.float64]) -> dict[str, Any]:
    """Of frames with a face, rows of a track's ``quality``: medians, ranges without the outer tenths, a share."""
    known = seen[np.isfinite(seen).all(axis=1)]
    if not len(known):
        return dict.fromkeys(("face_px", "blur", "yaw", "pitch", "roll", "turned_share"))
    ranges = {name: np.percentile(known[:, at], [5, 95]).round(2).tolist() for at, name in enumerate(_POSE, start=2)}
    return {
        "face_px": round(float(np.median(known[:, 0])), 2),
        "blur": round(float(np.median(known[:, 1])), 4),
        **ranges,
        "turned_share": round(float((np.abs(known[:, 2]) > _TURNED_DEG).mean()), 4),
    }


def _missing_frames(times_s: npt.NDArray[np.float64]) -> int:
    """How many frames of the usual distance would fill the gaps in the times; 0 where the distance is steady."""
    steps = np.diff(times_s)
    if not len(steps) or not (usual := float(np.median(steps))) > 0:
        return 0
    return int(np.maximum(np.rint(steps / usual) - 1, 0).sum())


def _face(track: Track) -> dict[str, Any]:
    return {
        "face": track.face,
        "first_frame": int(track.frames[0]),
        "last_frame": int(track.frames[-1]),
        "found_frames": int(track.found.sum()),
        "quality": _quality_of(track.quality[track.found]),
        "events": [{"frame": frame, "event": event} for frame, event in track.events],
    }


def _plain(interval: Interval) -> dict[str, Any]:
    row = {name: getattr(interval, name) for name in _COLUMNS if name not in _MADE}
    row = {key: None if isinstance(value, float) and math.isnan(value) else value for key, value in row.items()}
    return row | {
        "duration_s": round(interval.duration_s, 6),
        "probabilities": dict(interval.probabilities),
        "movements": [asdict(movement) for movement in interval.movements],
        "action_units": {str(unit): share for unit, share in interval.action_units.items()},
        "named_units": {str(unit): share for unit, share in interval.named_units.items()},
    }


_COLUMNS = (
    "onset_frame", "apex_frame", "offset_frame", "onset_s", "apex_s", "offset_s", "duration_s", "emotion", "confidence",
    "score", "region", "face", "notes", "action_units", "named_units",
)  # fmt: skip
_MADE = ("duration_s", "action_units", "named_units")


def _write_intervals(path: Path, found: Analysis) -> None:
    classes = list(found.model["classes"])
    first, last = _COLUMNS[:9], _COLUMNS[9:]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*first, *(f"p_{name}" for name in classes), *last])
        for interval in found.intervals:
            values: dict[str, Any] = {name: _cell(getattr(interval, name)) for name in _COLUMNS}
            for name in ("action_units", "named_units"):
                values[name] = "+".join(map(str, getattr(interval, name)))
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
