"""Read spotted intervals with a trained model, by the very recipe it was trained with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from mien.analysis._follow import Track
from mien.core import Interval, UInt8Array
from mien.faces import Box, FaceBackend
from mien.methods import TrainedModel
from mien.motion import optical_flow
from mien.recipes import Face, Stage, Take, run
from mien.reports import IntervalPictures
from mien.video import read_frames

__all__ = ["read_intervals"]

_WEAK = 0.5  # below this probability the label is named uncertain


def read_intervals(
    source: Path,
    fps: float | None,
    intervals: Sequence[Interval],
    tracks: Sequence[Track],
    model: TrainedModel,
    backend: FaceBackend,
    times_s: Sequence[float],
) -> tuple[list[Interval], list[IntervalPictures]]:
    """Name the emotion of each interval.

    The onset and apex frames are read again from the source; the face is registered once, on the onset frame.

    Returns
    -------
    intervals : list of Interval
        With emotion, confidence, probabilities and notes.
    evidence : list of IntervalPictures
        What each was read from.
    """
    named, evidence = [], []
    by_face = {track.face: track for track in tracks}
    for interval in intervals:
        made = run(model.recipe, _take(source, fps, interval, by_face[interval.face], backend, times_s))
        assert made.array is not None
        decided, probabilities = model.predict(made.array[None])
        emotion = model.classes[int(decided[0])]
        shares = dict(zip(model.classes, (float(p) for p in probabilities[0]), strict=True))
        notes = [interval.notes] if interval.notes else []
        if shares[emotion] < _WEAK:
            notes.append("uncertain emotion")
        named.append(
            replace(interval, emotion=emotion, confidence=shares[emotion], probabilities=shares, notes="; ".join(notes))
        )
        evidence.append(_evidence(made))
    return named, evidence


def _take(
    source: Path,
    fps: float | None,
    interval: Interval,
    track: Track,
    backend: FaceBackend,
    times_s: Sequence[float],
) -> Take:
    """The interval as recipes read clips; the face is where the track has it."""

    def read(wanted: Sequence[int]) -> Iterator[UInt8Array]:
        return (frame.image for frame in read_frames(source, list(wanted), fps=fps, times_s=times_s))

    def row(frame: int) -> int:
        return track.rows(frame, frame).start

    def locate(image: UInt8Array, number: int, faces: str, near: Box | None) -> Face:
        box = Box(*track.boxes[row(number)])
        return Face(backend.landmarks(image, box), box)

    first, last = interval.onset_frame, interval.offset_frame
    took = float(track.times_s[row(last)] - track.times_s[row(first)])
    return Take(
        name=source.name,
        onset=first,
        apex=interval.apex_frame,
        offset=last,
        fps=(last - first) / took if took > 0 else None,
        read=read,
        locate=locate,
    )


def _evidence(made: Stage) -> IntervalPictures:
    """Onset, apex and the flow between them; computed anew where the recipe makes something else of the clip."""
    frames = made.cropped("pictures")
    onset, apex = (_picture(frames[place]) for place in (made.onset, made.apex))
    flows = made.flows
    flow = flows[0] if flows is not None and len(flows) == 1 else optical_flow(onset, apex)
    return IntervalPictures(_colour(onset), _colour(apex), flow)


def _picture(frame: np.ndarray) -> UInt8Array:
    return np.asarray(np.clip(np.rint(frame), 0, 255), np.uint8)


def _colour(image: np.ndarray) -> np.ndarray:
    return image if image.ndim == 3 else np.repeat(image[..., None], 3, axis=2)
