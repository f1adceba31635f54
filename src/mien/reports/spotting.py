"""What was spotted in a corpus of long videos: one table of intervals, the annotation in the same form, the scores."""

from __future__ import annotations

import csv
import json
import math
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mien.core import Interval, LongVideo, MienWarning, atomic_path
from mien.protocols.intervals import Span, Spans, annotated_spans
from mien.protocols.spotting import spotting_scores

__all__ = ["SpottedVideo", "write_spotting"]

_IOU = 0.5  # of the spotting challenges
_COLUMNS = (
    "video", "kind", "onset_frame", "apex_frame", "offset_frame", "onset_s", "apex_s", "offset_s", "duration_s",
    "emotion", "confidence", "score", "region", "face", "notes", "onset_number", "apex_number", "offset_number",
)  # fmt: skip
_TRUTH = ("video", "kind", "onset_frame", "apex_frame", "offset_frame", "emotion")


@dataclass(frozen=True, slots=True)
class SpottedVideo:
    """A long video in which was spotted.

    Attributes
    ----------
    video : LongVideo
        With its annotation, in the corpus's own frame numbers.
    first : int
        The corpus's number of frame 0.
    frames, face_frames : int
        How many were read, and in how many there was a face.
    duration_s : float
        First frame to last.
    intervals : tuple of Interval
        Of both kinds, in time order; frames counted from 0.
    warnings : tuple of str
        What speaks against trusting this video's result.
    """

    video: LongVideo
    first: int
    frames: int
    face_frames: int
    duration_s: float
    intervals: tuple[Interval, ...]
    warnings: tuple[str, ...] = ()


def write_spotting(
    folder: Path | str,
    spotted: Sequence[SpottedVideo],
    about: Mapping[str, Any],
    *,
    left_out: Mapping[str, str],
    notes: Sequence[str] = (),
) -> dict[str, Any]:
    """Score what was spotted against the annotation; write ``intervals.csv``, ``truth.csv`` and ``spotting.json``.

    Frames in both tables count from 0, the first frame of the video on disk. Scores compare the corpus's own frame
    numbers, the offset included, as the spotting challenges do; ``mien agree truth.csv intervals.csv`` finds the same.

    Parameters
    ----------
    folder : path
        Where to.
    spotted : sequence of SpottedVideo
        The videos that count.
    about : mapping
        How it was made: goes into ``spotting.json`` as it is.
    left_out : mapping of str to str
        Videos that do not count, with the reason.
    notes : sequence of str
        Warnings to begin with.

    Returns
    -------
    dict
        What stands in ``spotting.json``: what ``about`` holds, ``scores`` (:func:`mien.protocols.spotting_scores`),
        ``minutes`` (of frames that were read), ``videos``, ``left_out``, ``warnings``.

    Raises
    ------
    MienError
        If the folder cannot be written.
    """
    folder = Path(folder)
    truth, more = _truth(spotted)
    found = {item.video.video_id: [_span(interval, item) for interval in item.intervals] for item in spotted}
    rates = {item.video.fps for item in spotted}
    scores = spotting_scores(truth, found, iou=_IOU, fps=rates.pop() if len(rates) == 1 else None)
    document = {
        **about,
        "scores": scores,
        "minutes": sum(item.frames / item.video.fps for item in spotted) / 60,
        "videos": [_video(item, truth, scores) for item in spotted],
        "left_out": [{"video": name, "reason": reason} for name, reason in left_out.items()],
        "warnings": [*notes, *more, *_one_sided(truth, found)],
    }
    _write_table(folder / "intervals.csv", _COLUMNS, _found_rows(spotted))
    _write_table(folder / "truth.csv", _TRUTH, _truth_rows(spotted, truth))
    with atomic_path(folder / "spotting.json") as temporary:
        text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)
        temporary.write_text(text + "\n", encoding="utf-8")
    return document


def _truth(spotted: Iterable[SpottedVideo]) -> tuple[dict[str, list[Span]], list[str]]:
    """The annotation in frame numbers alone, so that overlap is counted in frames; and what was said on the way."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always", MienWarning)
        truth = annotated_spans(item.video for item in spotted)
    frames = {
        video: [replace(span, onset_s=None, apex_s=None, offset_s=None) for span in spans]
        for video, spans in truth.items()
    }
    return frames, [str(warning.message) for warning in said]


def _span(interval: Interval, item: SpottedVideo) -> Span:
    """An interval in the corpus's own frame numbers."""
    onset, apex, offset = _numbers(interval, item.first)
    return Span(onset, apex, offset, kind=interval.kind, subject=item.video.subject)


def _numbers(interval: Interval, first: int) -> tuple[int, int, int]:
    return interval.onset_frame + first, interval.apex_frame + first, interval.offset_frame + first


def _one_sided(truth: Spans, found: Spans) -> list[str]:
    """Kinds that are annotated, but of which nothing was found at all: the method may not look for them."""
    known, got = ({span.kind for spans in side.values() for span in spans} for side in (truth, found))
    return [
        f"no {kind}-expressions were found in any video: the method may not seek them" for kind in sorted(known - got)
    ]


def _video(item: SpottedVideo, truth: Spans, scores: Mapping[str, Any]) -> dict[str, Any]:
    name = item.video.video_id
    return {
        "video": name,
        "subject": item.video.subject,
        "fps": item.video.fps,
        "first_number": item.first,
        "frames": item.frames,
        "face_frames": item.face_frames,
        "duration_s": item.duration_s,
        "annotated": len(truth[name]),
        "found": len(item.intervals),
        **scores["by_video"][name],
        "warnings": list(item.warnings),
    }


def _found_rows(spotted: Iterable[SpottedVideo]) -> Iterable[Sequence[Any]]:
    for item in spotted:
        for interval in item.intervals:
            values = [getattr(interval, name) for name in _COLUMNS[2:-3]]
            yield item.video.video_id, interval.kind, *values, *_numbers(interval, item.first)


def _truth_rows(spotted: Iterable[SpottedVideo], truth: Spans) -> Iterable[Sequence[Any]]:
    for item in spotted:
        for span in truth[item.video.video_id]:
            frames = (span.onset_frame, span.apex_frame, span.offset_frame)
            # A frame before the first on disk has no place; it cannot be found, and stands at 0.
            places = ["" if frame is None else max(frame - item.first, 0) for frame in frames]
            yield item.video.video_id, span.kind, *places, span.emotion


def _write_table(path: Path, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    with atomic_path(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows([_cell(value) for value in row] for row in rows)


def _cell(value: Any) -> Any:
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.6f}"
    return value
