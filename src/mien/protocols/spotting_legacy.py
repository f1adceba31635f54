"""The public spot-then-recognise evaluator as it is, faults included, to compare with numbers made by it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean
from typing import Any

import numpy as np

from mien.protocols.intervals import Span, Spans, all_spans
from mien.protocols.spotting import detection_ratios, interval_ends, interval_iou

__all__ = ["legacy_spotting_scores"]


def legacy_spotting_scores(truth: Spans, found: Spans, *, iou: float = 0.5, fps: float | None = None) -> dict[str, Any]:
    """Score as the public spot-then-recognise evaluator does, faults included, to compare with numbers made by it.

    What it does otherwise than :func:`spotting_scores`:

    - the truth of subjects (:attr:`Span.subject`, else the video) without any find is left out: nothing is missed;
    - finds in videos without truth are left out: no false positive there;
    - finds are taken in the order of the file, and one find matches **every** free truth it overlaps enough, so it
      counts as several true positives;
    - kinds are not told apart;
    - ``uar`` is the macro-**precision** of the emotions;
    - the F1 of recognition in STRS is not a macro F1 but the harmonic mean of macro-precision and macro-recall, over
      every emotion of the truth, also those of which nothing was spotted (these count as 0); ``uf1`` is the macro F1;
    - it is nan where nothing is recognised, or nothing is spotted;
    - an emotion that every true positive has, in truth and prediction, counts as 0 (its 1 x 1 confusion is not read).

    Overlap is in frames, the offset included, where all intervals have them, else in seconds (also by ``fps``).

    Parameters
    ----------
    truth, found : mapping of str to sequence of Span
        By video, in the order of the file.
    iou : float
        Threshold.
    fps : float, optional
        Frames per second, for intervals that state frames only beside others that state seconds only.

    Returns
    -------
    dict
        ``tp``, ``fp``, ``fn``, ``precision``, ``recall``, ``f1`` of spotting; ``precision_recognition``,
        ``recall_recognition``, ``f1_recognition``, ``uf1``, ``uar``, ``strs``.

    Examples
    --------
    >>> truth = {"a": [Span(0, None, 9), Span(10, None, 19)], "b": [Span(0, None, 9)]}
    >>> scores = legacy_spotting_scores(truth, {"a": [Span(0, None, 19)]})
    >>> scores["tp"], scores["fp"], scores["fn"], scores["f1"]
    (2, 0, 0, 1.0)
    """
    frames = all(span.has_frames for span in (*all_spans(truth), *all_spans(found)))
    subjects = {video: _subject(video, (*truth.get(video, []), *found.get(video, []))) for video in {*truth, *found}}
    seen = {subjects[video] for video, finds in found.items() if finds}
    pairs: list[tuple[Span, Span]] = []
    false, missed = 0, 0
    for video, own in truth.items():
        if own and subjects[video] in seen:
            finds = found.get(video, [])
            overlap = (
                interval_iou(*(interval_ends(side, frames, fps) for side in (own, finds)), inclusive=frames) >= iou
            )
            taken = {row: int(np.argmax(enough)) for row, enough in enumerate(overlap) if enough.any()}
            pairs += [(own[row], finds[column]) for row, column in taken.items()]
            false += len(finds) - len(set(taken.values()))
            missed += len(own) - len(taken)
    document = detection_ratios(len(pairs), false, missed)
    return document | _recognition(pairs, {span.emotion for span in all_spans(truth)}, document["f1"])


def _subject(video: str, spans: Sequence[Span]) -> str:
    """Who is in a video; where nobody says, each video counts as a person."""
    return next((span.subject for span in spans if span.subject), video)


def _recognition(pairs: Sequence[tuple[Span, Span]], emotions: set[str], f1_spotting: float) -> dict[str, Any]:
    """One-against-rest counts of each emotion, averaged as the public evaluator does."""
    ratios = []
    for emotion in sorted(emotions):
        said = [(a.emotion == emotion, b.emotion == emotion) for a, b in pairs]
        counts = [said.count(case) for case in ((True, True), (False, True), (True, False))]
        ratios.append(detection_ratios(*(counts if len({hit for case in said for hit in case}) > 1 else (0, 0, 0))))
    precision, recall, uf1 = (fmean(r[name] for r in ratios) for name in ("precision", "recall", "f1"))
    f1 = 2 * precision * recall / (precision + recall) if precision + recall else math.nan
    return {
        "precision_recognition": precision,
        "recall_recognition": recall,
        "f1_recognition": f1,
        "uf1": uf1,
        "uar": precision,
        "strs": f1_spotting * f1,
    }
