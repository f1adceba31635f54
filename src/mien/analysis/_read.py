"""Read spotted intervals: what moved, and what a trained model says of it, by the very recipe it was trained with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mien.analysis._follow import Track
from mien.analysis._moment import Moment, read_moment
from mien.analysis._movements import with_movements
from mien.analysis._shelf import Shelf
from mien.core import FloatArray, Interval, MienError, UInt8Array
from mien.faces import FaceBackend
from mien.methods import TrainedModel
from mien.motion import optical_flow
from mien.recipes import Stage, run
from mien.reports import IntervalPictures
from mien.spotting import SpotSettings

__all__ = ["FEW_FRAMES", "SMALL_FACE_PX", "name_emotion", "read_intervals"]

SMALL_FACE_PX = 90.0
"""A face narrower than this says little."""
FEW_FRAMES = 8
"""And so do fewer frames than this from onset to offset."""

_LEAST_SCORE = SpotSettings().least_score
_WEAK = 0.5  # below this probability the label is named uncertain
_NEARLY_EQUAL = 0.1  # two classes whose probabilities differ by less
_NEAR_THRESHOLD = 1.5  # a score less than this times the threshold


def read_intervals(
    source: Path,
    fps: float | None,
    intervals: Sequence[Interval],
    tracks: Sequence[Track],
    model: TrainedModel,
    backend: FaceBackend,
    times_s: Sequence[float],
    *,
    least_score: float = _LEAST_SCORE,
) -> tuple[list[Interval], Sequence[IntervalPictures]]:
    """Say of each interval what moved and name its emotion.

    Frames of the interval are read again from the source; the face is registered once, on the onset frame.

    Parameters
    ----------
    source : Path
        The video or folder of images, at ``fps`` if it is a folder.
    intervals : sequence of Interval
        Spotted in ``tracks``.
    model : TrainedModel
        Names the emotion.
    backend : FaceBackend
        Finds the landmarks.
    times_s : sequence of float
        Presentation time of every frame.
    least_score : float
        What was just enough to be spotted: the movement is weak where the score is less than 1.5 times this.

    Returns
    -------
    intervals : list of Interval
        With emotion, confidence, probabilities, movements, action units of both kinds and notes.
    evidence : sequence of IntervalPictures
        What each was read from, at most 24 frames of each.
    """
    import joblib

    named: list[Interval] = []
    by_face = {track.face: track for track in tracks}

    def look(interval: Interval) -> tuple[npt.NDArray[Any], IntervalPictures]:
        moment = read_moment(source, fps, interval, by_face[interval.face], backend, times_s)
        made = run(model.recipe, moment.take)
        assert made.array is not None
        return made.array, _evidence(made, moment)

    where = _Where(model)
    side_by_side = joblib.Parallel(n_jobs=-1, backend="threading", return_as="generator")

    def read() -> Iterator[IntervalPictures]:
        looked = side_by_side(joblib.delayed(look)(interval) for interval in intervals)
        for interval, (prepared, shown) in zip(intervals, looked, strict=True):
            track = by_face[interval.face]
            moved = with_movements(interval, track, intervals)
            named.append(name_emotion(moved, track, model, prepared, least_score))
            yield replace(shown, heat=where(prepared, named[-1].emotion))

    evidence = Shelf(read())
    return named, evidence


def name_emotion(
    interval: Interval,
    track: Track,
    model: TrainedModel,
    prepared: npt.NDArray[Any],
    least_score: float = _LEAST_SCORE,
) -> Interval:
    """Return the interval as the model reads it, marked uncertain where the evidence is weak.

    Parameters
    ----------
    interval : Interval
        With its movements.
    track : Track
        Its face.
    model : TrainedModel
        Names the emotion.
    prepared : array
        What the model's recipe made of the interval.
    least_score : float
        As in :func:`read_intervals`.
    """
    decided, probabilities = model.predict(prepared[None])
    emotion = model.classes[int(decided[0])]
    shares = dict(zip(model.classes, (float(p) for p in probabilities[0]), strict=True))
    named = replace(interval, emotion=emotion, confidence=shares[emotion], probabilities=shares)
    named = replace(named, named_units=model.name_units(prepared[None])[0])
    doubts = _doubts(named, least_score)
    if doubts or _is_thin(named, track):
        notes = [interval.notes] if interval.notes else []
        named = replace(named, notes="; ".join([*notes, "uncertain emotion", *doubts]))
    return named


def _doubts(interval: Interval, least_score: float) -> list[str]:
    """Why the emotion is uncertain, in words."""
    doubts = []
    if interval.confidence < _WEAK:
        doubts.append("no class reaches one half")
    most = sorted(interval.probabilities.values(), reverse=True)
    if len(most) > 1 and most[0] - most[1] < _NEARLY_EQUAL:
        doubts.append("two classes nearly equal")
    if interval.score < _NEAR_THRESHOLD * least_score or not interval.movements:
        doubts.append("weak movement")
    return doubts


def _is_thin(interval: Interval, track: Track) -> bool:
    """Whether the face is small or the frames are few; whoever analyses a recording notes which, whatever was read."""
    inside = track.rows(interval.onset_frame, interval.offset_frame)
    size = np.nanmean(track.quality[inside, 0])
    return bool(size < SMALL_FACE_PX) or interval.offset_frame - interval.onset_frame < FEW_FRAMES


class _Where:
    """Where a network looked; torch is started at the first interval.

    Not for the bundled one: its report is the same, and as soon there, with torch installed and without.
    """

    def __init__(self, model: TrainedModel) -> None:
        self._model = model
        self._network: Any = None
        self._asked = False

    def __call__(self, prepared: npt.NDArray[Any], emotion: str) -> FloatArray | None:
        """Map (h, w), 0 to 1; None of a classic method, without torch, or from a network without such a map."""
        if not self._asked:
            self._network, self._asked = None if self._model.bundled else self._model.restore(), True
        if self._network is None:
            return None
        try:
            looked = self._network.where(prepared[None], [self._model.classes.index(emotion)])
        except MienError:
            return None
        return np.asarray(looked.maps[0], np.float32)


def _evidence(made: Stage, moment: Moment) -> IntervalPictures:
    """Onset, apex and the flow between them, computed anew where the recipe makes something else of the clip."""
    frames = made.cropped("pictures")
    onset, apex = (_picture(frames[place]) for place in (made.onset, made.apex))
    flows = made.flows
    flow = flows[0] if flows is not None and len(flows) == 1 else optical_flow(onset, apex)
    shown = moment.show(made)
    if not len(shown):
        return IntervalPictures(_colour(onset), _colour(apex), flow)
    loop = np.stack([_colour(frame) for frame in shown])
    return IntervalPictures(_colour(onset), _colour(apex), flow, loop, moment.times_s)


def _picture(frame: np.ndarray) -> UInt8Array:
    return np.asarray(np.clip(np.rint(frame), 0, 255), np.uint8)


def _colour(image: np.ndarray) -> np.ndarray:
    return image if image.ndim == 3 else np.repeat(image[..., None], 3, axis=2)
