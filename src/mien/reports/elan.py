"""Moments as an ELAN file (https://archive.mpi.nl/tla/elan), to check them beside the video."""

from __future__ import annotations

import math
import mimetypes
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mien.core import Interval, MienError, atomic_path

__all__ = ["write_elan"]

_TIERS = ("micro-expression", "emotion", "region")


def write_elan(path: Path | str, intervals: Sequence[Interval], media: Path | str) -> Path:
    """Write moments as annotations for ELAN.

    Three tiers share their times: ``micro-expression`` (number as in the report, score in pixels at a 128-px face,
    region), ``emotion`` and ``region``. A further face has tiers of its own, named after it (``emotion (face 2)``),
    because annotations of one tier may not overlap.

    Parameters
    ----------
    path : Path or str
        The ``.eaf`` file to write.
    intervals : sequence of Interval
        In time order.
    media : Path or str
        The video. Only its name is written (``./name``): ELAN looks beside the file, and asks if it is not there. A
        folder of images is no medium and is not linked.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    MienError
        If an interval has no times, or ends before it starts.

    Examples
    --------
    >>> import tempfile
    >>> from pympi.Elan import Eaf
    >>> moment = Interval(640, 660, 700, 3.2, 3.3, 3.5, score=0.62, emotion="surprise", region="left inner brow")
    >>> made = write_elan(Path(tempfile.mkdtemp()) / "interview.eaf", [moment], media="/videos/interview.mp4")
    >>> Eaf(made).get_annotation_data_for_tier("emotion")
    [(3200, 3500, 'surprise')]
    """
    from pympi.Elan import Eaf, to_eaf

    document = Eaf(author="mien")
    document.remove_tier("default")
    _link(document, Path(media))
    for face in sorted({1, *(interval.face for interval in intervals)}):
        for tier in _TIERS:
            document.add_tier(_tier(tier, face), part=f"face {face}")
    for number, interval in enumerate(intervals, start=1):
        start, stop = _milliseconds(interval)
        what = f"{number}: {interval.score:.2f} px {interval.region}".rstrip()
        for tier, value in zip(_TIERS, (what, interval.emotion, interval.region), strict=True):
            if value:
                document.add_annotation(_tier(tier, interval.face), start, stop, value)
    path = Path(path)
    with atomic_path(path) as temporary:
        temporary.unlink()  # pympi would keep what is there as a .bak file
        to_eaf(temporary, document)
    return path


def _tier(name: str, face: int) -> str:
    return name if face == 1 else f"{name} (face {face})"


def _link(document: Any, media: Path) -> None:
    if media.is_dir():
        return
    kind = mimetypes.guess_type(media.name)[0] or "unknown"  # what ELAN itself writes for kinds it does not know
    document.add_linked_file(f"./{media.name}", relpath=f"./{media.name}", mimetype=kind)


def _milliseconds(interval: Interval) -> tuple[int, int]:
    """Start and end; ELAN has no time before 0 and no annotation without length."""
    if not (math.isfinite(interval.onset_s) and math.isfinite(interval.offset_s)) or interval.duration_s < 0:
        raise MienError(
            f"got an interval from {interval.onset_s} to {interval.offset_s} s; expected onset before offset"
        )
    start = max(0, round(1000 * interval.onset_s))
    return start, max(start + 1, round(1000 * interval.offset_s))
