"""Agreement of two interval files: a person's and mien's, or two people's."""

from __future__ import annotations

import math
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

from mien.core import MienError, MienWarning
from mien.protocols.intervals import Spans, read_intervals
from mien.protocols.labels import label_map
from mien.protocols.spotting import spotting_scores
from mien.protocols.spotting_legacy import legacy_spotting_scores

__all__ = ["agree"]


def agree(
    truth: Path | str,
    found: Path | str,
    *,
    iou: float = 0.5,
    fps: float | None = None,
    labels: str | None = None,
    legacy: bool = False,
) -> dict[str, Any]:
    r"""Score one interval file against another.

    Parameters
    ----------
    truth, found : Path or str
        As :func:`mien.protocols.intervals.read_intervals` takes them. A file that names no video is taken for the one
        video of the other.
    iou : float
        Threshold.
    fps : float, optional
        Frames per second, for files in frames only: errors are then known in ms.
    labels : str, optional
        A label map, through which emotions of both files go that are not among its classes already.
    legacy : bool
        Add ``legacy``: the numbers of the public evaluator (:func:`legacy_spotting_scores`).

    Returns
    -------
    dict
        As :func:`spotting_scores`.

    Raises
    ------
    MienError
        If a file is broken, or it cannot be told which video of the one is which of the other.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> for name, onset in (("person.csv", 1.0), ("mien.csv", 1.05)):
    ...     _ = (folder / name).write_text(f"onset_s,apex_s,offset_s,emotion\n{onset},1.2,1.4,surprise\n")
    >>> scores = agree(folder / "person.csv", folder / "mien.csv")
    >>> scores["f1"], round(scores["onset_error_ms"]), scores["apex_error_ms"]
    (1.0, 50, 0.0)
    """
    if fps is not None and not (math.isfinite(fps) and fps > 0):
        raise MienError(f"got {fps} frames per second; expected a number above 0; correct --fps")
    known, finds = _same_videos(read_intervals(truth), read_intervals(found))
    if labels is not None:
        known, finds = (_relabelled(side, labels) for side in (known, finds))
    document = spotting_scores(known, finds, iou=iou, fps=fps)
    if legacy:
        scores = legacy_spotting_scores(known, finds, iou=iou, fps=fps)
        document["legacy"] = {name: None if math.isnan(value) else value for name, value in scores.items()}
    return document


def _same_videos(truth: Spans, found: Spans) -> tuple[Spans, Spans]:
    """Give a file that names no video the name of the other's only one."""
    if set(truth) == {""} and len(found) == 1:
        return {next(iter(found)): truth[""]}, found
    if set(found) == {""} and len(truth) == 1:
        return truth, {next(iter(truth)): found[""]}
    if ("" in truth) != ("" in found) and truth and found:
        named = max((truth, found), key=len)
        raise MienError(
            f"got {len(named)} videos in one file and no names in the other; expected a column video in both"
        )
    if truth and found and not set(truth) & set(found):
        text = f"the files share no video (as '{next(iter(truth))}' and '{next(iter(found))}'): nothing can match"
        warnings.warn(text, MienWarning, stacklevel=3)
    return truth, found


def _relabelled(side: Spans, labels: str) -> Spans:
    table = label_map(labels)
    classes = set(table.classes)
    return {
        video: [
            span if span.emotion in classes else replace(span, emotion=table.apply(span.emotion) or "")
            for span in spans
        ]
        for video, spans in side.items()
    }
