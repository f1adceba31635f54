"""What a spotting method found in recorded clips, beside the truth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mien.benchmarks._clips import Recorded, Truth
from mien.core import Interval
from mien.protocols import match_intervals
from mien.spotting import SPOTTERS, SpotSettings

__all__ = ["Outcome", "judge", "rate_by_score", "score_cell", "spot_clip"]

IOU = 0.5
_AROUND_S = 0.2  # a distractor this long before or after a false alarm may have caused it


@dataclass(frozen=True, slots=True)
class Outcome:
    """One method on one clip.

    Attributes
    ----------
    truth : Truth
        Of the clip.
    method : str
        Its name.
    found : int
        Intervals that it reported.
    errors_s : tuple of (float, float)
        Found minus true onset and offset of each matched pair.
    alarms : tuple of str
        Of each unmatched find: what happened there (:func:`judge`).
    scores, alarm_scores : tuple of float
        Of the matched finds, and of the unmatched.
    """

    truth: Truth
    method: str
    found: int
    errors_s: tuple[tuple[float, float], ...]
    alarms: tuple[str, ...]
    scores: tuple[float, ...] = ()
    alarm_scores: tuple[float, ...] = ()


def spot_clip(clip: Recorded, methods: Sequence[str], settings: SpotSettings) -> list[Outcome]:
    """Run every method on the same curves."""
    outcomes = []
    for method in methods:
        found = [interval for curves in clip.curves for interval in SPOTTERS[method].spot(curves, settings, 1)[0]]
        outcomes.append(judge(clip.truth, method, found))
    return outcomes


def judge(truth: Truth, method: str, found: Sequence[Interval]) -> Outcome:
    """Match finds with the events, and name what was there where a find is unmatched.

    The name is the event's own, ``misplaced event``, where the find overlaps one but not enough or not alone; else that
    of the distractor that shares most time with it (0.2 s around it included); else ``nothing``.
    """
    ends = [(interval.onset_s, interval.offset_s) for interval in found]
    pairs = match_intervals([(e.onset_s, e.offset_s) for e in truth.events], ends, IOU)
    errors = tuple(
        (ends[column][0] - truth.events[row].onset_s, ends[column][1] - truth.events[row].offset_s)
        for row, column in pairs
    )
    matched = {column for _, column in pairs}
    others = [column for column in range(len(found)) if column not in matched]
    alarms = tuple(_cause(truth, *ends[column]) for column in others)
    scores, alarm_scores = (tuple(found[column].score for column in each) for each in (sorted(matched), others))
    return Outcome(truth, method, len(found), errors, alarms, scores, alarm_scores)


def _cause(truth: Truth, onset_s: float, offset_s: float) -> str:
    if any(event.onset_s < offset_s and onset_s < event.offset_s for event in truth.events):
        return "misplaced event"
    shared = [
        (min(stop, offset_s + _AROUND_S) - max(start, onset_s - _AROUND_S), name) for name, start, stop in truth.spans
    ]
    most, name = max(shared, default=(0.0, ""))
    if most > 0:
        return name
    return "nothing" if truth.source == "astronaut" else "footage"


def score_cell(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Score one method on the clips of a cell; counts are summed before any ratio is taken.

    Returns
    -------
    dict
        ``f1``, ``precision``, ``recall`` at IoU .5 (0 without a denominator); ``strs``, None: nothing reads emotions
        here; ``onset_error_ms``, ``offset_error_ms``: median absolute differences of the matched pairs, None without
        one; ``false_alarms_per_min`` of time that shows the face, and ``alarms_by`` what happened there; ``events``,
        ``found``, ``minutes`` (that show the face), ``clips``.
    """
    events = sum(len(outcome.truth.events) for outcome in outcomes)
    found = sum(outcome.found for outcome in outcomes)
    errors = np.array([pair for outcome in outcomes for pair in outcome.errors_s]).reshape(-1, 2)
    alarms = Counter(name for outcome in outcomes for name in outcome.alarms)
    minutes = sum(outcome.truth.visible_s for outcome in outcomes) / 60
    onset, offset = 1000 * np.median(np.abs(errors), axis=0) if len(errors) else (None, None)
    return {
        "f1": 2 * len(errors) / max(events + found, 1),
        "precision": len(errors) / max(found, 1),
        "recall": len(errors) / max(events, 1),
        "strs": None,
        "onset_error_ms": None if onset is None else round(float(onset), 3),
        "offset_error_ms": None if offset is None else round(float(offset), 3),
        "false_alarms_per_min": alarms.total() / minutes if minutes else 0.0,
        "alarms_by": dict(sorted(alarms.items(), key=lambda item: (-item[1], item[0]))),
        "events": events,
        "found": found,
        "minutes": round(minutes, 4),
        "clips": len(outcomes),
    }


def rate_by_score(outcomes: Sequence[Outcome], least: Sequence[float]) -> list[dict[str, float]]:
    """False alarms a minute and recall of one method if only finds with at least such a score are heeded."""
    minutes = sum(outcome.truth.visible_s for outcome in outcomes) / 60
    events = sum(len(outcome.truth.events) for outcome in outcomes)
    right = np.array([score for outcome in outcomes for score in outcome.scores])
    wrong = np.array([score for outcome in outcomes for score in outcome.alarm_scores])
    return [
        {
            "least_score": score,
            "false_alarms_per_min": round(float((wrong >= score).sum()) / minutes if minutes else 0.0, 3),
            "recall": round(float((right >= score).sum()) / max(events, 1), 3),
        }
        for score in least
    ]
