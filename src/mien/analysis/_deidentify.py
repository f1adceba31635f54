"""An analysis from which nobody can be recognised and no recording be found: motion, times and quality remain.

No picture of a face is coarse enough to keep. Of the 40 people of the ORL portraits, averaged to 8 x 8 blocks, an SVM
that has seen half of each one's pictures names 98 % of the rest (chance: 2.5 %), at 3 x 3 blocks 90 %, and by the mean
grey alone 21 %: ``tests/analysis/test_deidentify.py`` repeats it. So no picture of the face is kept: the motion is
drawn on the same grey for everybody.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from mien.analysis._result import Analysis
from mien.analysis._shelf import Shelf
from mien.core import FloatArray
from mien.reports import IntervalPictures

__all__ = ["NEUTRAL", "deidentified", "neutral_pictures", "pseudonym"]

NEUTRAL = 160
"""The grey, 0 to 255, that stands for every face."""

_SMOOTH_SHARE = 1 / 24  # of the crop's side: finer, the flow shows where one face has edges
_GONE = "recording"
_PATH = re.compile(r"(?<![\w.])(?:[A-Za-z]:)?[/\\][^\s'\"]+|~[/\\][^\s'\"]+")


def pseudonym(source: Path, name: str | None = None) -> str:
    """Return what the results are called: ``name``, unless it says what the source is called; else at random.

    Examples
    --------
    >>> pseudonym(Path("anna.mp4"), "recording-3")
    'recording-3'
    >>> pseudonym(Path("anna.mp4"), "anna").startswith("recording-")
    True
    """
    if name is None or _scrubbed(name, source) != name:
        return f"{_GONE}-{secrets.token_hex(4)}"
    return name


def deidentified(found: Analysis, name: str) -> Analysis:
    """Return the analysis without pictures of the face, name, path or hash.

    What remains is what a reader needs: when what moved in which direction and how far, where in the picture the face
    was, its size, sharpness and pose in each frame, and how the recording was analysed.

    Parameters
    ----------
    found : Analysis
        As :func:`mien.analyze` made it.
    name : str
        What it is called from now on.
    """
    return replace(
        found,
        source=Path(name),
        sha256="",
        evidence=Shelf(neutral_pictures(pictures) for pictures in found.evidence),
        warnings=tuple(_scrubbed(text, found.source) for text in found.warnings),
        partial=_scrubbed(found.partial, found.source),
        model=_without_paths(found.model),
        markers=tuple(replace(marker, recording="", row=None) for marker in found.markers),
    )


def neutral_pictures(pictures: IntervalPictures) -> IntervalPictures:
    """Keep the motion, smoothed; the face is one grey, the same for everybody, and there are no frames in between.

    Examples
    --------
    >>> face = np.random.default_rng(0).integers(0, 255, (32, 32, 3)).astype(np.uint8)
    >>> shown = neutral_pictures(IntervalPictures(face, face, np.ones((2, 32, 32), np.float32)))
    >>> np.unique(shown.onset), np.unique(shown.apex), len(shown.frames), round(float(shown.flow.mean()), 3)
    (array([160], dtype=uint8), array([160], dtype=uint8), 0, 1.0)
    """
    grey = np.full_like(pictures.onset, NEUTRAL)
    heat = None if pictures.heat is None else _smooth(pictures.heat)
    return IntervalPictures(grey, grey.copy(), np.stack([_smooth(part) for part in pictures.flow]), heat=heat)


def _smooth(image: FloatArray) -> FloatArray:
    import cv2

    smooth = cv2.GaussianBlur(image.astype(np.float32), (0, 0), max(0.5, _SMOOTH_SHARE * len(image)))
    return np.asarray(smooth, np.float32)


def _names(source: Path) -> list[str]:
    """What gives the source away, the longest first; a stem of one letter is in every word and says nothing."""
    whole = source.resolve()
    said = {str(source), str(whole), str(whole.parent), source.name, whole.name, source.stem, whole.stem}
    return sorted((name for name in said if len(name) > 1), key=len, reverse=True)


def _scrubbed(text: str, source: Path) -> str:
    """The text without the source's names, where they stand as words, and without any path."""
    for name in _names(source):
        text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", _GONE, text, flags=re.IGNORECASE)
    return _PATH.sub(_GONE, text)


def _without_paths(value: Any) -> Any:
    """The same of a card, which knows nothing of the source, but may say where its training data were."""
    if isinstance(value, Mapping):
        return {key: _without_paths(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_without_paths(part) for part in value]
    if isinstance(value, str):
        return _GONE if Path(value).is_absolute() else _PATH.sub(_GONE, value)
    return value
