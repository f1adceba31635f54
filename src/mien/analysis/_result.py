"""What an analysis found, as plain records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mien.analysis._follow import Track
from mien.analysis._markers import Marker
from mien.core import Interval
from mien.reports import IntervalPictures
from mien.spotting import SpotSettings

__all__ = ["Analysis"]


@dataclass(frozen=True, slots=True)
class Analysis:
    """The micro-expressions of one recording.

    Attributes
    ----------
    source : Path
        What was analysed.
    sha256 : str
        Of the file, or of the names and contents of a folder's images.
    fps : float
        Mean frames per second.
    size : tuple of int
        Width and height, pixels.
    intervals : tuple of Interval
        In time order.
    evidence : sequence of IntervalPictures
        What each interval was read from; those of many are read from disk when they are asked for.
    macro : tuple of Interval
        Longer expressions, which are not read.
    frames : int array, (T,)
        Numbers of all frames that were read.
    times_s : float array, (T,)
        Their presentation times.
    tracks : tuple of Track
        What is known of each face.
    warnings : tuple of str
        What a reader should know before trusting the result.
    model : mapping
        The recogniser's card.
    spotter : str
        The method that spotted, a name in :data:`mien.spotting.SPOTTERS`.
    settings : SpotSettings
        What it was set to.
    partial : str
        Why the recording was not read to its end; empty when it was.
    folder : Path or None
        Where the report was written.
    markers : tuple of Marker
        The conditions of a study that held in this recording, in time order.
    """

    source: Path
    sha256: str
    fps: float
    size: tuple[int, int]
    intervals: tuple[Interval, ...]
    evidence: Sequence[IntervalPictures]
    macro: tuple[Interval, ...]
    frames: npt.NDArray[np.int64]
    times_s: npt.NDArray[np.float64]
    tracks: tuple[Track, ...]
    warnings: tuple[str, ...]
    model: Mapping[str, Any]
    spotter: str
    settings: SpotSettings
    partial: str = ""
    folder: Path | None = None
    markers: tuple[Marker, ...] = ()

    @property
    def found(self) -> npt.NDArray[np.bool_]:
        """Whether any face was there, per frame (T,)."""
        there = np.zeros(len(self.frames), bool)
        for track in self.tracks:
            there |= np.isin(self.frames, track.frames[track.found])
        return there

    def track(self, face: int) -> Track:
        """The track of a face, by its number."""
        return next(track for track in self.tracks if track.face == face)
