"""Rendered faces: micro-expressions of portraits with known truth, in CASME II's layout.

``mien datasets render`` writes them. Table ``annotations.csv``: Subject (01), Filename (EP01_01), OnsetFrame,
ApexFrame, OffsetFrame, Action Units, Estimated Emotion (negative, positive, surprise), Side (of the image), fps,
intensity_px (at a 128-px face; 0 in a corpus without motion), portrait (its number).

Frames keep the numbers of the table: ``sub01/EP01_01/img46.jpg`` (or ``.png``), with ``depth/sub01/EP01_01/46.png``
(16 bit, tenths of a millimetre) where depth was asked for.
"""

from __future__ import annotations

import re
from pathlib import Path

from mien.core import MienError, Sample, Source
from mien.datasets._dataset import DATASETS, MEGC_CLASSES, Dataset, check_unique
from mien.datasets._table import Row, frame_number, parse_action_units, read_table, required_text

__all__ = ["TABLE", "read"]

TABLE = "annotations.csv"
COLUMNS = (
    "Subject",
    "Filename",
    "OnsetFrame",
    "ApexFrame",
    "OffsetFrame",
    "Action Units",
    "Estimated Emotion",
    "fps",
)


def read(root: Path | str) -> list[Sample]:
    """Read a rendered corpus: its table, and where each clip's frames and depth images lie.

    Parameters
    ----------
    root : Path
        What ``mien datasets render`` wrote.

    Returns
    -------
    list of Sample
        In the order of the table; ``source.depth`` is None for a clip without depth images.

    Raises
    ------
    MienError
        If there is no table, a row is broken or stands twice, or a clip has no folder.
    """
    root = Path(root)
    if not (root / TABLE).is_file():
        raise MienError(f"got '{root}' without '{TABLE}'; expected a rendered corpus; 'mien datasets render' makes one")
    samples = [_sample(row, root) for row in read_table(root / TABLE, COLUMNS)]
    if not samples:
        raise MienError(f"got '{root / TABLE}' without rows; expected one per clip; render the corpus again")
    check_unique(samples, root / TABLE)
    return samples


def _sample(row: Row, root: Path) -> Sample:
    subject, clip = _subject(row), required_text(row, "Filename")
    folder, depth = root / subject / clip, root / "depth" / subject / clip
    if not re.fullmatch(r"EP\d+_\d+", clip) or not folder.is_dir():
        raise row.broken("Filename", f"a clip such as EP01_01 with its frames in '{root / subject}'")
    onset, apex, offset = _frames(row)
    return Sample(
        dataset="synthetic-faces",
        subject=f"synthetic-faces/{subject}",
        sample_id=f"synthetic-faces/{subject}/{clip}",
        emotion=_emotion(row),
        source=Source("frames", folder, depth=depth if depth.is_dir() else None),
        onset=onset,
        apex=apex,
        offset=offset,
        fps=_fps(row),
        action_units=parse_action_units(row["Action Units"]),
        action_units_text=row["Action Units"],
    )


def _subject(row: Row) -> str:
    """sub01, also where a spreadsheet has made it 1."""
    if not re.fullmatch(r"[0-9]{1,6}", row["Subject"]):
        raise row.broken("Subject", "a number such as 01")
    return f"sub{int(row['Subject']):02d}"


def _frames(row: Row) -> tuple[int, int, int]:
    onset, apex, offset = (frame_number(row, name, required=True) for name in COLUMNS[2:5])
    assert onset is not None
    assert apex is not None
    assert offset is not None
    if not onset < apex < offset:
        raise row.broken("ApexFrame", f"a frame number between {onset} and {offset}")
    return onset, apex, offset


def _emotion(row: Row) -> str:
    if row["Estimated Emotion"] not in MEGC_CLASSES:
        raise row.broken("Estimated Emotion", " or ".join(MEGC_CLASSES))
    return row["Estimated Emotion"]


def _fps(row: Row) -> float:
    if not re.fullmatch(r"\d+(\.\d+)?", row["fps"]) or not float(row["fps"]):
        raise row.broken("fps", "frames per second, such as 100")
    return float(row["fps"])


DATASETS.add(
    "synthetic-faces",
    Dataset(
        name="synthetic-faces",
        title="rendered clips of portraits that make micro-expressions, with known truth",
        citation="none: rendered by mien",
        obtain="mien datasets render --out FOLDER",
        classes=MEGC_CLASSES,
        labels="megc2019",
        read=read,
    ),
)
