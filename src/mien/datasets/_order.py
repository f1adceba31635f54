"""Onset, apex and offset of a row; what contradicts itself is left out and said, never guessed."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import NamedTuple

from mien.core import MienWarning
from mien.datasets._table import Row, frame_number

__all__ = ["Frames", "in_order", "read_frames"]


class Frames(NamedTuple):
    """Frame numbers of one expression, as annotated; None where the annotation does not know."""

    onset: int
    apex: int | None
    offset: int | None


def read_frames(row: Row, onset: str, apex: str, offset: str) -> Frames:
    """Return the frame numbers in three columns of a row.

    Raises
    ------
    MienError
        If a cell is no frame number, or there is no onset.
    """
    first = frame_number(row, onset)
    if first is None:
        raise row.broken(onset, "a frame number")
    return Frames(first, frame_number(row, apex), frame_number(row, offset))


def in_order(frames: Frames, name: str, where: Path, advice: str = "check the table") -> Frames:
    """Return the frames without an offset before the onset, or an apex outside the two; a warning names the clip.

    Examples
    --------
    >>> in_order(Frames(112, 160, 358), "a", Path("codes.xlsx"))
    Frames(onset=112, apex=160, offset=358)
    >>> with warnings.catch_warnings(action="ignore"):
    ...     in_order(Frames(112, 83, 358), "a", Path("codes.xlsx"))
    Frames(onset=112, apex=None, offset=358)
    """
    onset, apex, offset = frames
    if offset is not None and offset < onset:
        offset = None
    if apex is not None and (apex < onset or (offset is not None and apex > offset)):
        apex = None
    kept = Frames(onset, apex, offset)
    if kept != frames:
        lost = " and ".join(f for f in ("apex", "offset") if getattr(kept, f) != getattr(frames, f))
        text = (
            f"got onset {frames.onset}, apex {frames.apex}, offset {frames.offset} for '{name}' in '{where}'; "
            f"expected them in this order; its {lost} is taken as unknown: {advice}"
        )
        warnings.warn(text, MienWarning, stacklevel=2)
    return kept
