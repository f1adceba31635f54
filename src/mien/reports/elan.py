"""Moments as an ELAN file (https://archive.mpi.nl/tla/elan), to check them beside the video."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mien.core import Interval, MienError, atomic_path

__all__ = ["write_elan"]

_TIERS = ("micro-expression", "emotion", "region", "action units")
_MACRO = "macro-expression"
_MIMES = {
    ".mp4": "video/mp4", ".m4v": "video/mp4", ".mov": "video/quicktime", ".mpg": "video/mpeg", ".mpeg": "video/mpeg",
    ".avi": "video/x-msvideo", ".mkv": "video/x-matroska", ".webm": "video/webm", ".wmv": "video/x-ms-wmv",
    ".gif": "image/gif",
}  # fmt: skip


def write_elan(
    path: Path | str, intervals: Sequence[Interval], media: Path | str | None, *, macro: Sequence[Interval] = ()
) -> Path:
    """Write moments as annotations for ELAN.

    Four tiers share their times: ``micro-expression`` (number as in the report, score,
    region), ``emotion``, ``region`` (every region that moved, the farthest first) and ``action units`` (``1+2``).
    Longer expressions, which are not read, are in ``macro-expression``. A further face has tiers of its own, named
    after it (``emotion (face 2)``), because annotations of one tier may not overlap.

    Parameters
    ----------
    path : Path or str
        The ``.eaf`` file to write.
    intervals : sequence of Interval
        Micro-expressions, in time order.
    media : Path, str or None
        The video, which is linked by its absolute address and by its place relative to the file: either may be moved
        with the other. A folder of images is no medium; it and None are not linked.
    macro : sequence of Interval
        Longer expressions.

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
    path = Path(path)
    _link(document, media, path)
    for face in sorted({1, *(interval.face for interval in (*intervals, *macro))}):
        for tier in (*_TIERS, _MACRO):
            document.add_tier(_tier(tier, face), part=f"face {face}")
    for number, interval in enumerate(intervals, start=1):
        for tier, value in zip(_TIERS, _texts(number, interval), strict=True):
            if value:
                document.add_annotation(_tier(tier, interval.face), *_milliseconds(interval), value)
    for interval in macro:
        document.add_annotation(_tier(_MACRO, interval.face), *_milliseconds(interval), _what(interval))
    _order_times(document)
    with atomic_path(path) as temporary:
        temporary.unlink()  # pympi would keep what is there as a .bak file
        to_eaf(temporary, document)
    return path


def _tier(name: str, face: int) -> str:
    return name if face == 1 else f"{name} (face {face})"


def _texts(number: int, interval: Interval) -> tuple[str, str, str, str]:
    """What is written in each of the tiers."""
    regions = dict.fromkeys([interval.region, *(movement.region for movement in interval.movements)])
    return (
        f"{number}: {_what(interval)}",
        interval.emotion,
        ", ".join(filter(None, regions)),
        "+".join(str(unit) for unit in interval.action_units),
    )


def _what(interval: Interval) -> str:
    return f"{interval.score:.1f} {interval.region}".rstrip()


def _order_times(document: Any) -> None:
    """Number the time slots in the order of time, which the format asks for and pympi does not do."""
    slots = sorted(document.timeslots.items(), key=lambda item: (item[1], int(item[0][2:])))
    new = {old: f"ts{number}" for number, (old, _) in enumerate(slots, start=1)}
    document.timeslots = {new[old]: time for old, time in slots}
    for aligned, *_ in document.tiers.values():
        for name, (start, stop, *rest) in aligned.items():
            aligned[name] = (new[start], new[stop], *rest)


def _link(document: Any, media: Path | str | None, path: Path) -> None:
    if media is None or Path(media).is_dir():
        return
    media = Path(os.path.abspath(media))
    beside = Path(os.path.relpath(media, os.path.abspath(path.parent))).as_posix()
    kind = _MIMES.get(media.suffix.lower(), "unknown")  # what ELAN itself writes for kinds it does not know
    absolute = "file:///" + media.as_posix().lstrip("/")  # ELAN writes and reads names as they are, without %20
    document.add_linked_file(absolute, relpath=f"./{beside}", mimetype=kind)


def _milliseconds(interval: Interval) -> tuple[int, int]:
    """Start and end; ELAN has no time before 0 and no annotation without length."""
    if not (math.isfinite(interval.onset_s) and math.isfinite(interval.offset_s)) or interval.duration_s < 0:
        raise MienError(
            f"got an interval from {interval.onset_s} to {interval.offset_s} s; expected onset before offset"
        )
    start = max(0, round(1000 * interval.onset_s))
    return start, max(start + 1, round(1000 * interval.offset_s))
