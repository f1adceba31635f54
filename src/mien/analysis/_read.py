"""Read spotted intervals with a trained model, by the very recipe it was trained with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from mien.analysis._follow import Track
from mien.analysis._result import Evidence
from mien.core import Interval
from mien.faces import Box, FaceBackend
from mien.methods import TrainedModel
from mien.recipes import prepare_motion
from mien.video import read_frames

__all__ = ["read_intervals"]

_WEAK = 0.5  # below this probability the label is named uncertain


def read_intervals(
    source: Path,
    fps: float | None,
    intervals: Sequence[Interval],
    track: Track,
    model: TrainedModel,
    backend: FaceBackend,
) -> tuple[list[Interval], list[Evidence]]:
    """Name the emotion of each interval.

    The onset and apex frames are read again from the source; the face is registered once, on the onset frame.

    Returns
    -------
    intervals : list of Interval
        With emotion, confidence, probabilities and notes.
    evidence : list of Evidence
        What each was read from.
    """
    named, evidence = [], []
    for interval in intervals:
        onset, apex = read_frames(
            source, [interval.onset_frame, interval.apex_frame], fps=fps, times_s=track.times_s.tolist()
        )
        points = backend.landmarks(onset.image, Box(*track.boxes[interval.onset_frame]))
        made = prepare_motion(model.recipe, onset.image, apex.image, points)
        decided, probabilities = model.predict(made.array[None])
        emotion = model.classes[int(decided[0])]
        shares = dict(zip(model.classes, (float(p) for p in probabilities[0]), strict=True))
        notes = [interval.notes] if interval.notes else []
        if shares[emotion] < _WEAK:
            notes.append("uncertain emotion")
        named.append(
            replace(interval, emotion=emotion, confidence=shares[emotion], probabilities=shares, notes="; ".join(notes))
        )
        evidence.append(Evidence(_colour(made.onset), _colour(made.apex), made.flow))
    return named, evidence


def _colour(image: np.ndarray) -> np.ndarray:
    return image if image.ndim == 3 else np.repeat(image[..., None], 3, axis=2)
