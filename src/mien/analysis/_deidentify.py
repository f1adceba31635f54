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
from pathlib import Path, PureWindowsPath
from typing import Any

import numpy as np

from mien.analysis._result import Analysis
from mien.analysis._shelf import Shelf
from mien.core import FloatArray
from mien.core.frames import FRAME_ENDINGS
from mien.reports import IntervalPictures

__all__ = ["NEUTRAL", "deidentified", "neutral_pictures", "pseudonym", "scrubbed"]

NEUTRAL = 160
"""The grey, 0 to 255, that stands for every face."""

_SMOOTH_SHARE = 1 / 24  # of the crop's side: finer, the flow shows where one face has edges
_GONE = "recording"
# A quoted path may have spaces in it.
_PATH = re.compile(r"(?<=['\"])(?:[A-Za-z]:|~)?[/\\][^'\"]+|(?<![\w.])(?:[A-Za-z]:)?[/\\][^\s'\"]+|~[/\\][^\s'\"]+")
_PICTURE = re.compile(rf"(?<=')[^'\"]*(?:{'|'.join(map(re.escape, sorted(FRAME_ENDINGS)))})(?=')", re.IGNORECASE)
_ROW = re.compile(r" \(row \d+\)")  # of the table of markers, which names the recordings


def pseudonym(source: Path, name: str | None = None) -> str:
    """Return what the results are called: ``name``, unless it says what the source is called; else at random.

    Examples
    --------
    >>> pseudonym(Path("anna.mp4"), "recording-3")
    'recording-3'
    >>> pseudonym(Path("anna.mp4"), "anna").startswith("recording-")
    True
    """
    if name is None or scrubbed(name, source) != name:
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
        warnings=tuple(_ROW.sub("", scrubbed(text, found.source)) for text in found.warnings),
        partial=scrubbed(found.partial, found.source),
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


def scrubbed(text: str, source: Path, instead: str = _GONE) -> str:
    """Return the text without the source's names, where they stand as words, its pictures' names and any path.

    Examples
    --------
    >>> scrubbed("got 'rec/anna_07.png', no picture like 'anna_01.png'", Path("rec/anna"), "recording-3")
    "got 'recording-3', no picture like 'recording-3'"
    """
    if names := _names(source):  # an underscore ends a word: anna_07.png names Anna
        said = "|".join(map(re.escape, names))
        text = re.sub(rf"(?<![^\W_])(?:{said})(?![^\W_])", lambda _: instead, text, flags=re.IGNORECASE)
    for gone in (_PICTURE, _PATH):
        text = gone.sub(lambda _: instead, text)
    return text


def _without_paths(value: Any) -> Any:
    """The same of a card, which knows nothing of the source, but may say where its training data were."""
    if isinstance(value, Mapping):
        return {key: _without_paths(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_without_paths(part) for part in value]
    if isinstance(value, str):
        whole = Path(value).is_absolute() or PureWindowsPath(value).is_absolute()
        return _GONE if whole else _PATH.sub(_GONE, value)
    return value
