"""Spotting metrics: which intervals were found, how exactly, and what was read in them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from mien.core import MienError
from mien.protocols.intervals import Point, Span, Spans, all_spans

__all__ = ["detection_ratios", "interval_ends", "interval_iou", "match_intervals", "spotting_scores"]

Unit = Literal["frames", "seconds"]
Document = dict[str, Any]

POINTS: tuple[Point, ...] = ("onset", "apex", "offset")
SHORT_S = 0.5
# Times in seconds are rounded: an overlap of exactly the threshold must not fall below it by the last bit.
ROUNDING = 1e-9


def interval_iou(truth: npt.ArrayLike, found: npt.ArrayLike, *, inclusive: bool = False) -> npt.NDArray[np.float64]:
    """Intersection over union of every pair of intervals.

    Parameters
    ----------
    truth, found : array-like, (N, 2) and (M, 2)
        Onset and offset.
    inclusive : bool
        True for frame numbers: the offset is the last frame inside, so a length is offset - onset + 1 (as the spotting
        challenges count). False for seconds: a length is offset - onset.

    Returns
    -------
    float array, (N, M)
        0 to 1. Two equal instants (length 0, in seconds) have 1.

    Examples
    --------
    >>> interval_iou([[10, 19]], [[10, 14], [20, 29]], inclusive=True)
    array([[0.5, 0. ]])
    """
    first, second = (np.asarray(ends, dtype=np.float64).reshape(-1, 2) for ends in (truth, found))
    (on_1, off_1), (on_2, off_2) = first.T[..., None], second.T[:, None]
    shared = np.maximum(np.minimum(off_1, off_2) - np.maximum(on_1, on_2) + inclusive, 0)
    union = (off_1 - on_1 + inclusive) + (off_2 - on_2 + inclusive) - shared
    same = ((on_1 == on_2) & (off_1 == off_2)).astype(np.float64)
    return np.divide(shared, union, out=same, where=union > 0)


def match_intervals(
    truth: npt.ArrayLike, found: npt.ArrayLike, iou: float = 0.5, *, inclusive: bool = False
) -> list[tuple[int, int]]:
    """Match intervals one to one, the best overlap first.

    Parameters
    ----------
    truth, found : array-like, (N, 2) and (M, 2)
        Onset and offset.
    iou : float
        Least intersection over union of a match, above 0.
    inclusive : bool
        As in :func:`interval_iou`.

    Returns
    -------
    list of (int, int)
        Row of ``truth`` and row of ``found``, by ascending row of ``truth``. Of equal overlaps the earlier truth, then
        the earlier find, goes first, so the order of rows changes nothing.

    Raises
    ------
    MienError
        If ``iou`` is not in 0..1, 0 excluded.

    Examples
    --------
    The long find overlaps both truths enough, but may match only one:

    >>> match_intervals([[0, 10], [10, 20]], [[0, 20]])
    [(0, 0)]
    """
    if not 0 < iou <= 1:
        raise MienError(f"got the IoU threshold {iou}; expected above 0, at most 1; .5 is usual")
    first, second = (np.asarray(ends, dtype=np.float64).reshape(-1, 2) for ends in (truth, found))
    overlap = interval_iou(first, second, inclusive=inclusive).round(9)
    enough = np.argwhere(overlap >= iou - ROUNDING).tolist()
    matched: dict[int, int] = {}
    for row, column in sorted(enough, key=lambda p: (-overlap[*p], *first[p[0]], *second[p[1]])):
        if row not in matched and column not in matched.values():
            matched[row] = column
    return sorted(matched.items())


def spotting_scores(
    truth: Spans, found: Spans, *, iou: float = 0.5, fps: float | None = None, classes: Sequence[str] | None = None
) -> Document:
    """Score spotted intervals against the truth, over all videos.

    A find is a true positive when its intersection over union with a truth is at least ``iou`` and neither is matched
    already. Counts are summed over **all** videos, those without truth and those without finds included, before any
    ratio is taken. Where every truth and every find says whether it is micro or macro, only equal kinds match, and
    ``by_kind`` holds each apart (as in the MEGC challenges). Spot-then-recognise: STRS = F1 of spotting x macro F1 of
    the emotion over the true positives (Liong et al. 2023, "Spot-then-recognize", section 4.2).

    Overlap is measured in seconds where every interval states them; else in frames, the offset included, where every
    interval states those; else, for files of which one has frames only and one seconds only, in seconds by ``fps``.

    Parameters
    ----------
    truth, found : mapping of str to sequence of Span
        By video; a video that was searched in vain is a key of ``truth`` with nothing in it.
    iou : float
        Threshold.
    fps : float, optional
        Frames per second, for intervals that state frames only.
    classes : sequence of str, optional
        Emotions over which the macro F1 runs; by default those that occur among the true positives.

    Returns
    -------
    dict
        ``iou``, ``unit``, ``videos``, ``n_truth``, ``n_found``; ``tp``, ``fp``, ``fn``; ``precision``, ``recall``,
        ``f1`` in 0..1 (0 without a denominator); ``recall_by_duration`` (``up_to_0.5_s``, ``longer``);
        ``onset_error_ms``, ``apex_error_ms``, ``offset_error_ms``, mean absolute differences over the true positives;
        ``f1_recognition`` and ``strs`` (0 without a true positive, never nan), ``kappa`` (Cohen's, over true positives
        with an emotion on both sides); ``by_kind``; ``by_video`` (``tp``, ``fp``, ``fn``). What the files do not tell
        (times, emotions, kinds) is None.

    Raises
    ------
    MienError
        If the threshold is out of range, or the files share no unit.

    Examples
    --------
    >>> truth = {"a": [Span(onset_s=1, offset_s=1.4, emotion="joy")], "b": []}
    >>> found = {"a": [Span(onset_s=1.1, offset_s=1.4, emotion="joy")], "b": [Span(onset_s=5, offset_s=5.2)]}
    >>> scores = spotting_scores(truth, found)
    >>> scores["tp"], scores["fp"], scores["fn"], round(scores["f1"], 3), scores["f1_recognition"]
    (1, 1, 0, 0.667, 1.0)
    """
    unit = _unit(truth, found, fps)
    groups = list(_groups(truth, found, iou, unit, fps))
    document: Document = {"iou": iou, "unit": unit, "videos": len({*truth, *found})} | _scored(groups, fps, classes)
    kinds = sorted({group.kind for group in groups} - {""})
    document["by_kind"] = {kind: _scored([g for g in groups if g.kind == kind], fps, classes) for kind in kinds} or None
    document["by_video"] = {
        video: _counts([group for group in groups if group.video == video]) for video in sorted({*truth, *found})
    }
    return document


def interval_ends(spans: Sequence[Span], frames: bool, fps: float | None = None) -> npt.NDArray[np.float64]:
    """Return onset and offset of each, (N, 2), in frames or in seconds."""
    rows = [
        (span.onset_frame, span.offset_frame) if frames else (span.seconds("onset", fps), span.seconds("offset", fps))
        for span in spans
    ]
    return np.array(rows, dtype=np.float64).reshape(-1, 2)


def detection_ratios(tp: int, fp: int, fn: int) -> Document:
    """Return counts with precision, recall and F1; 0 where there is nothing to divide by."""
    return {
        "tp": tp,
        "fp": fp,
        "fn": fn,
        "precision": tp / max(tp + fp, 1),
        "recall": tp / max(tp + fn, 1),
        "f1": 2 * tp / max(2 * tp + fp + fn, 1),
    }


@dataclass(frozen=True, slots=True)
class _Group:
    """The intervals of one kind in one video, and which of them match."""

    video: str
    kind: str
    truth: Sequence[Span]
    found: Sequence[Span]
    pairs: Sequence[tuple[Span, Span]]


def _unit(truth: Spans, found: Spans, fps: float | None) -> Unit:
    """Seconds where all state them; else frames where all have them; else seconds by way of ``fps``."""
    spans = [*all_spans(truth), *all_spans(found)]
    if all(span.has_seconds for span in spans):
        return "seconds"
    if all(span.has_frames for span in spans):
        return "frames"
    if all(span.has_seconds or fps for span in spans):
        return "seconds"
    raise MienError("got frames only on one side and seconds only on the other; expected one unit; give --fps")


def _groups(truth: Spans, found: Spans, iou: float, unit: Unit, fps: float | None) -> Iterable[_Group]:
    kinds = all(span.kind for side in (truth, found) for span in all_spans(side))
    for video in sorted({*truth, *found}):
        own, finds = truth.get(video, []), found.get(video, [])
        for kind in (sorted({span.kind for span in (*own, *finds)}) if kinds else []) or [""]:
            left, right = ([span for span in side if not kind or span.kind == kind] for side in (own, finds))
            frames = unit == "frames"
            ends, found_ends = (interval_ends(side, frames, fps) for side in (left, right))
            pairs = match_intervals(ends, found_ends, iou, inclusive=frames)
            yield _Group(video, kind, left, right, [(left[row], right[column]) for row, column in pairs])


def _scored(groups: Sequence[_Group], fps: float | None, classes: Sequence[str] | None) -> Document:
    truth, found, pairs = (
        [item for group in groups for item in getattr(group, name)] for name in ("truth", "found", "pairs")
    )
    document: Document = {"n_truth": len(truth), "n_found": len(found)}
    document |= detection_ratios(len(pairs), len(found) - len(pairs), len(truth) - len(pairs))
    document["recall_by_duration"] = _by_duration(truth, pairs, fps)
    document |= {f"{point}_error_ms": _error_ms(pairs, point, fps) for point in POINTS}
    f1 = _recognition(truth, found, pairs, classes)
    return document | {
        "f1_recognition": f1,
        "strs": None if f1 is None else document["f1"] * f1,
        "kappa": _kappa(pairs),
    }


def _counts(groups: Sequence[_Group]) -> Document:
    tp = sum(len(group.pairs) for group in groups)
    return {
        "tp": tp,
        "fp": sum(len(group.found) for group in groups) - tp,
        "fn": sum(len(group.truth) for group in groups) - tp,
    }


def _by_duration(
    truth: Sequence[Span], pairs: Sequence[tuple[Span, Span]], fps: float | None
) -> dict[str, Document] | None:
    """Recall of truths of at most half a second and of longer ones; None where a duration is not known."""
    durations = {id(span): _duration_s(span, fps) for span in truth}
    if None in durations.values():
        return None
    hit = {id(span) for span, _ in pairs}
    parts: dict[str, Callable[[float], bool]] = {
        "up_to_0.5_s": lambda seconds: seconds <= SHORT_S + ROUNDING,
        "longer": lambda seconds: seconds > SHORT_S + ROUNDING,
    }
    document: dict[str, Document] = {}
    for name, belongs in parts.items():
        own = [key for key, seconds in durations.items() if seconds is not None and belongs(seconds)]
        tp = len(hit & set(own))
        document[name] = {"n": len(own), "tp": tp, "recall": tp / len(own) if own else None}
    return document


def _duration_s(span: Span, fps: float | None) -> float | None:
    onset, offset = span.seconds("onset", fps), span.seconds("offset", fps)
    return None if onset is None or offset is None else offset - onset


def _error_ms(pairs: Sequence[tuple[Span, Span]], point: Point, fps: float | None) -> float | None:
    """Mean absolute difference over the pairs where both times are known; None where none is."""
    times = [(truth.seconds(point, fps), found.seconds(point, fps)) for truth, found in pairs]
    errors = [abs(a - b) for a, b in times if a is not None and b is not None]
    return 1000 * fmean(errors) if errors else None


def _recognition(
    truth: Sequence[Span], found: Sequence[Span], pairs: Sequence[tuple[Span, Span]], classes: Sequence[str] | None
) -> float | None:
    """Macro F1 of the emotion over the true positives; None where one side names no emotions at all."""
    if any(side and not any(span.emotion for span in side) for side in (truth, found)):
        return None
    read = [(a.emotion, b.emotion) for a, b in pairs if a.emotion]
    names = sorted({name for pair in read for name in pair if name}) if classes is None else list(classes)
    if not read or not names:
        return 0.0
    from sklearn.metrics import f1_score

    return float(f1_score(*zip(*read, strict=True), labels=names, average="macro", zero_division=0))


def _kappa(pairs: Sequence[tuple[Span, Span]]) -> float | None:
    """Cohen's kappa of the emotions; None where it is not defined: no pair, or one emotion throughout."""
    read = [(a.emotion, b.emotion) for a, b in pairs if a.emotion and b.emotion]
    if len({name for pair in read for name in pair}) < 2:
        return None
    from sklearn.metrics import cohen_kappa_score

    return float(cohen_kappa_score(*zip(*read, strict=True)))
