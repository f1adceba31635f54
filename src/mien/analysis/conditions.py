"""Events per minute of a recording and of its conditions: pure functions on what an analysis found.

A rate needs the time in which an event could have been found at all. A frame is analysable where the face was found,
turned by at most 25 degrees (``MOST_YAW``) and at least 40 px wide (``LEAST_FACE_PX``: there a movement of one pixel
at a 128-px face is .3 px of the picture, what landmarks jitter by). Only events whose apex is in such a frame count in
a rate. With several faces their times add up: two people for one minute are two minutes.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from mien.analysis._markers import Span, marker_spans
from mien.core import Interval

if TYPE_CHECKING:
    from mien.analysis._follow import Track
    from mien.analysis._result import Analysis

__all__ = [
    "LEAST_FACE_PX",
    "MOST_YAW",
    "Rate",
    "analysable",
    "condition_rates",
    "conditions_of",
    "poisson_interval",
    "recording_end_s",
    "recording_rate",
    "study_of",
]

MOST_YAW = 25.0
"""A face turned further, in degrees, is not analysable."""
LEAST_FACE_PX = 40.0
"""A narrower face, in pixels of the recording, is not analysable."""
_LONGEST_FRAME_S = 0.25  # a frame does not stand for a longer gap after it: a micro-expression fits in there


@dataclass(frozen=True, slots=True)
class Rate:
    """Micro-expressions in a span of a recording.

    Attributes
    ----------
    condition, subject : str
        What the markers say; empty for the whole recording.
    minutes : float
        Analysable minutes.
    events : int
        Micro-expressions whose apex is in them.
    outside : int
        Those whose apex is at another moment of the span, where the face is turned away or small.
    macro : int
        Longer expressions whose apex is in the analysable minutes.
    emotions : mapping of str to int
        The events by emotion; ``unread`` where there is none.
    """

    condition: str
    subject: str
    minutes: float
    events: int
    outside: int
    macro: int
    emotions: Mapping[str, int]

    @property
    def per_minute(self) -> float:
        """Events per analysable minute; nan where there is none."""
        return self.events / self.minutes if self.minutes > 0 else math.nan

    @property
    def ci95(self) -> tuple[float, float]:
        """Exact Poisson interval of :attr:`per_minute`."""
        return poisson_interval(self.events, self.minutes)

    def document(self) -> dict[str, Any]:
        """Return it as plain data for JSON; without minutes the rate and its interval are None."""
        low, high = self.ci95
        return {
            **({"condition": self.condition} if self.condition else {}),
            **({"subject": self.subject} if self.subject else {}),
            "minutes": self.minutes,
            "events": self.events,
            "events_outside": self.outside,
            "events_per_minute": self.per_minute if self.minutes > 0 else None,
            "ci95": [low, high] if self.minutes > 0 else None,
            "macro": self.macro,
            "emotions": dict(self.emotions),
        }


def poisson_interval(events: int, minutes: float, level: float = 0.95) -> tuple[float, float]:
    """Exact interval of a rate: Garwood (1936), Fiducial limits for the Poisson distribution, by the chi-squared law.

    Parameters
    ----------
    events : int
        How many were counted.
    minutes : float
        In how long.
    level : float
        Least probability that the interval covers the true rate.

    Returns
    -------
    low, high : float
        Per minute; nan where there are no minutes.

    Examples
    --------
    >>> low, high = poisson_interval(0, 2.0)
    >>> low, round(high, 4)  # 3.689 events at most, in 2 minutes
    (0.0, 1.8444)
    """
    from scipy.stats import chi2

    if not minutes > 0:
        return math.nan, math.nan
    tail = (1 - level) / 2
    low = float(chi2.ppf(tail, 2 * events)) / 2 if events else 0.0
    high = float(chi2.ppf(1 - tail, 2 * events + 2)) / 2
    return low / minutes, high / minutes


def analysable(track: Track) -> npt.NDArray[np.bool_]:
    """Say of each frame of a face (T,) whether an event could have been found in it.

    A turn that is not known (a backend without landmarks) does not speak against a frame.
    """
    size, yaw = track.quality[:, 0], track.quality[:, 2]
    return track.found & ~(size < LEAST_FACE_PX) & ~(np.abs(yaw) > MOST_YAW)


def recording_end_s(found: Analysis) -> float:
    """Where the last frame ends, seconds."""
    return float(found.times_s[-1] + _lasting(found)[-1]) if len(found.times_s) else 0.0


def recording_rate(found: Analysis) -> Rate:
    """Count the events of a whole recording in its analysable minutes."""
    return _rate(found, "", "", [(-math.inf, math.inf)])


def condition_rates(found: Analysis) -> list[Rate]:
    """Count the events of each condition, in the order in which the conditions begin.

    Spans of one condition (and subject) that overlap count once; an event of two conditions that hold at once counts
    in both.
    """
    spans: dict[tuple[str, str], list[Span]] = {(m.label, m.subject): [] for m in found.markers}
    for marker, span in marker_spans(found.markers, recording_end_s(found)):
        spans[marker.label, marker.subject].append(span)
    return [_rate(found, label, subject, _merge(times)) for (label, subject), times in spans.items()]


def conditions_of(found: Analysis) -> list[dict[str, Any]]:
    """Return :func:`condition_rates` as plain data for JSON."""
    return [rate.document() for rate in condition_rates(found)]


def study_of(found: Analysis) -> dict[str, Any]:
    """Return what a study wants to know of a recording, for ``analysis.json``: ``rate`` and ``conditions``."""
    return {"rate": recording_rate(found).document(), "conditions": conditions_of(found)}


def _rate(found: Analysis, condition: str, subject: str, spans: Sequence[Span]) -> Rate:
    inside = [i for i in found.intervals if _within(i.apex_s, spans)]
    there = {track.face: set(track.frames[analysable(track)].tolist()) for track in found.tracks}
    events = [i for i in inside if i.apex_frame in there[i.face]]
    macro = [i for i in found.macro if _within(i.apex_s, spans) and i.apex_frame in there[i.face]]
    return Rate(
        condition=condition,
        subject=subject,
        minutes=_seconds(found, spans) / 60,
        events=len(events),
        outside=len(inside) - len(events),
        macro=len(macro),
        emotions=_by_emotion(found, events),
    )


def _by_emotion(found: Analysis, events: Iterable[Interval]) -> dict[str, int]:
    counted = Counter(event.emotion or "unread" for event in events)
    return {name: counted[name] for name in dict.fromkeys([*found.model.get("classes", ()), *counted])}


def _seconds(found: Analysis, spans: Sequence[Span]) -> float:
    """Seconds of analysable frames within spans that do not overlap, over all faces."""
    lasting, total = _lasting(found), 0.0
    for track in found.tracks:
        usable = analysable(track)
        starts = track.times_s[usable]
        ends = starts + lasting[np.searchsorted(found.frames, track.frames[usable])]
        for low, high in spans:
            total += float(np.clip(np.minimum(ends, high) - np.maximum(starts, low), 0, None).sum())
    return total


def _lasting(found: Analysis) -> npt.NDArray[np.float64]:
    """How long each frame stands (T,): to the next one, but never for a gap that hides a micro-expression."""
    steps = np.diff(found.times_s)
    usual = float(np.median(steps)) if len(steps) else 0.0
    return np.minimum(np.append(steps, usual), max(_LONGEST_FRAME_S, usual))


def _within(time_s: float, spans: Iterable[Span]) -> bool:
    return any(low <= time_s < high for low, high in spans)


def _merge(spans: Iterable[Span]) -> list[Span]:
    return list(_merged(sorted(spans)))


def _merged(spans: Sequence[Span]) -> Iterator[Span]:
    """Join spans, sorted by their beginning, that overlap or touch."""
    if not spans:
        return
    low, high = spans[0]
    for start, end in spans[1:]:
        if start > high:
            yield low, high
            low, high = start, end
        high = max(high, end)
    yield low, high
