"""The few records that flow through mien. Frame numbers are integers, seconds end in ``_s``, fps is a float."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Literal

import numpy as np
import numpy.typing as npt

from mien.core.errors import MienError

__all__ = [
    "AnnotatedInterval",
    "Clip",
    "FloatArray",
    "Interval",
    "LongVideo",
    "Movement",
    "Prediction",
    "Sample",
    "Source",
    "UInt8Array",
]

UInt8Array = npt.NDArray[np.uint8]
FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Source:
    """Where a sample's pixels are; nothing is read until a recipe asks.

    Attributes
    ----------
    kind : {"frames", "video", "motion"}
        A folder of images, a video file, or a ready motion map.
    path : Path
        The folder or file.
    index : int or None
        For a motion map inside an array file: its row.
    depth : Path or None
        Folder of the depth images (16-bit PNG) whose numbers are those of the frames, where the corpus has them.
    """

    kind: Literal["frames", "video", "motion"]
    path: Path
    index: int | None = None
    depth: Path | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """One annotated clip of a corpus: what the annotation table says, and where its pixels are.

    Attributes
    ----------
    dataset : str
        The corpus (``casme2``).
    subject : str
        Namespaced: ``casme2/sub01``.
    sample_id : str
        Namespaced: ``casme2/sub01/EP02_01f``.
    emotion : str
        As annotated (or the class name where the source holds classes only).
    source : Source
        Where the pixels are.
    onset, apex, offset : int or None
        Frame numbers of that corpus; the apex may be missing.
    fps : float or None
        Frames per second of the corpus.
    action_units : frozenset of int
        Parsed FACS action units.
    action_units_text : str
        The raw annotation.
    objective : str
        Objective class, ``I`` to ``VII``: from action units alone, where the corpus has it (Davison et al., 2018).

    Raises
    ------
    MienError
        If subject or sample_id is not namespaced by what contains it.
    """

    dataset: str
    subject: str
    sample_id: str
    emotion: str
    source: Source
    onset: int | None = None
    apex: int | None = None
    offset: int | None = None
    fps: float | None = None
    action_units: frozenset[int] = frozenset()
    action_units_text: str = ""
    objective: str = ""

    def __post_init__(self) -> None:
        if not self.subject.startswith(f"{self.dataset}/"):
            raise MienError(
                f"got the subject '{self.subject}'; expected '{self.dataset}/…'; namespace it by its corpus"
            )
        if not self.sample_id.startswith(f"{self.subject}/"):
            raise MienError(
                f"got the sample '{self.sample_id}'; expected '{self.subject}/…'; namespace it by its subject"
            )


@dataclass(frozen=True, slots=True)
class AnnotatedInterval:
    """One expression that annotators found in a long video.

    Attributes
    ----------
    name : str
        The corpus's own name of it (``006_1_2``).
    kind : {"micro", "macro"}
        As annotated, whatever its length.
    onset : int
        Frame number of that corpus.
    apex, offset : int or None
        Frame numbers; None where the corpus does not know them.
    emotion : str
        As annotated; empty where the corpus does not say.
    reported : str
        What the subject said to have felt, where the corpus asked.
    action_units : frozenset of int
        Parsed FACS action units.
    action_units_text : str
        The raw annotation.
    """

    name: str
    kind: Literal["micro", "macro"]
    onset: int
    apex: int | None = None
    offset: int | None = None
    emotion: str = ""
    reported: str = ""
    action_units: frozenset[int] = frozenset()
    action_units_text: str = ""


@dataclass(frozen=True, slots=True)
class LongVideo:
    """One recording of a spotting corpus with everything that was annotated in it.

    Attributes
    ----------
    dataset : str
        The corpus (``samm-lv``).
    subject : str
        Namespaced: ``samm-lv/006``.
    video_id : str
        Namespaced: ``samm-lv/006/006_1``.
    source : Source
        Where the pixels are.
    fps : float
        Frames per second of the corpus.
    intervals : tuple of AnnotatedInterval
        By onset; empty for a video in which nothing was found, which counts in spotting all the same.

    Raises
    ------
    MienError
        If subject or video_id is not namespaced by what contains it.
    """

    dataset: str
    subject: str
    video_id: str
    source: Source
    fps: float
    intervals: tuple[AnnotatedInterval, ...] = ()

    def __post_init__(self) -> None:
        for name, space in ((self.subject, self.dataset), (self.video_id, self.subject)):
            if not name.startswith(f"{space}/"):
                raise MienError(f"got '{name}'; expected '{space}/…'; namespace it by what contains it")


@dataclass(frozen=True, slots=True)
class Clip:
    """Frames with their true times.

    Attributes
    ----------
    frames : uint8 array, (T, H, W) or (T, H, W, 3)
        Grey or RGB.
    times_s : float array, (T,)
        Presentation times in seconds, increasing.
    name : str
        What to call it in messages.
    """

    frames: UInt8Array
    times_s: npt.NDArray[np.float64]
    name: str = "clip"

    def __post_init__(self) -> None:
        if self.frames.ndim not in (3, 4) or len(self.frames) != len(self.times_s):
            raise MienError(
                f"got frames {self.frames.shape} with {len(self.times_s)} times in '{self.name}'; "
                "expected (T, H, W) or (T, H, W, 3) and T times"
            )

    def __len__(self) -> int:
        return len(self.frames)

    @property
    def fps(self) -> float:
        """Mean frames per second, from the times; nan for a single frame."""
        return float((len(self) - 1) / (self.times_s[-1] - self.times_s[0])) if len(self) > 1 else float("nan")


@dataclass(frozen=True, slots=True)
class Prediction:
    """What one model, trained without this subject, said of one sample. The artefact that is published.

    Attributes
    ----------
    dataset, subject, sample_id : str
        As in :class:`Sample`.
    fold : str
        What was held out; empty for a model that was not trained here.
    seed : int
        Random seed of the run.
    selection : str
        How the epoch was chosen: ``last``, ``inner`` or ``test`` (leaks).
    truth, predicted : str
        Class names; ``predicted`` decides.
    probabilities : mapping of str to float
        Per class name, summing to 1; for an SVM calibrated apart, so they may disagree with ``predicted``.
    """

    dataset: str
    subject: str
    sample_id: str
    fold: str
    seed: int
    selection: str
    truth: str
    predicted: str
    probabilities: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Movement:
    """How far one region of the face moved from onset to apex, beside the head.

    Attributes
    ----------
    region : str
        The region, left and right as the image shows them.
    right_px, down_px : float
        Displacement, pixels at a 128-px face.
    """

    region: str
    right_px: float
    down_px: float

    @property
    def distance_px(self) -> float:
        """Length of the displacement."""
        return math.hypot(self.right_px, self.down_px)


@dataclass(frozen=True, slots=True)
class Interval:
    """One spotted expression: when, what kind, how sure.

    Attributes
    ----------
    onset_frame, apex_frame, offset_frame : int
        Frames counted from 0.
    onset_s, apex_s, offset_s : float
        Their presentation times.
    score : float
        How clearly it stands out; of mien's own spotting, in standard deviations of the quiet face's noise.
    emotion : str
        The most likely class; empty when it was not read.
    confidence : float
        Probability of ``emotion``; nan when it was not read.
    probabilities : mapping of str to float
        Per class name.
    region : str
        The part of the face that moved most.
    face : int
        The track, from 1.
    notes : str
        What a reader should know of this interval.
    kind : {"micro", "macro"}
        By its duration: micro is at most 500 ms, or 250 ms from onset to apex.
    movements : tuple of Movement
        The regions that moved, the farthest first.
    action_units : mapping of int to float
        Action units that the movements suggest, each with its share of what it explains, 0 to 1, the largest first.
    named_units : mapping of int to float
        Action units that the recogniser names, each with its probability, the most probable first; empty of one that
        was not taught them.
    """

    onset_frame: int
    apex_frame: int
    offset_frame: int
    onset_s: float
    apex_s: float
    offset_s: float
    score: float
    emotion: str = ""
    confidence: float = float("nan")
    probabilities: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    region: str = ""
    face: int = 1
    notes: str = ""
    kind: Literal["micro", "macro"] = "micro"
    movements: tuple[Movement, ...] = ()
    action_units: Mapping[int, float] = field(default_factory=lambda: MappingProxyType({}))
    named_units: Mapping[int, float] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def duration_s(self) -> float:
        """Onset to offset, seconds."""
        return self.offset_s - self.onset_s
