"""What an analysis found, as plain records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mien.analysis._follow import Track
from mien.core import Interval
from mien.reports import IntervalPictures

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
    evidence : tuple of IntervalPictures
        What each interval was read from.
    track : Track
        What is known of every frame.
    curve : float array, (T,)
        The motion curve, pixels at a 128-px face; nan where there is no face.
    warnings : tuple of str
        What a reader should know before trusting the result.
    model : mapping
        The recogniser's card.
    folder : Path or None
        Where the report was written.
    """

    source: Path
    sha256: str
    fps: float
    size: tuple[int, int]
    intervals: tuple[Interval, ...]
    evidence: tuple[IntervalPictures, ...]
    track: Track
    curve: npt.NDArray[np.float64]
    warnings: tuple[str, ...]
    model: Mapping[str, Any]
    folder: Path | None = None
