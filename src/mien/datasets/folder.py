"""Clips of your own: one CSV file beside frame folders or videos.

``annotations.csv`` in the root, a header and one row per clip, in any order of columns:

================ ========================================================================================
column           what
================ ========================================================================================
``subject``      who is seen; the same person must have the same name in every row (evaluation leaves
                 whole subjects out)
``clip``         a name of its own within the subject
``path``         the folder of frames, or the video file, relative to the root
``onset``        first frame of the movement: for frames the number their file names end with, for a video
                 counted from 0
``offset``       last frame of the movement, in the same numbers
``emotion``      the class
``apex``         optional column, may be empty: the frame where the movement is strongest
``action_units`` optional, may be empty: FACS, such as ``4+L12``
``fps``          frames per second; needed for a folder of frames, else the video's own times count
``dataset``      optional: name of the corpus, ``folder`` where it is missing
================ ========================================================================================

UTF-8, with commas, or with semicolons as Excel writes them in many countries (then ``29,97`` is a number). A subject
``s1`` and a clip ``a`` become ``folder/s1`` and ``folder/s1/a``; names that say so already are left as they are.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

from mien.core import MienError, Sample, Source
from mien.core.frames import FRAME_ENDINGS
from mien.datasets._dataset import DATASETS, MEGC_CLASSES, Dataset
from mien.datasets._order import Frames, read_frames
from mien.datasets._table import Row, parse_action_units, read_table, required_text

__all__ = ["TABLE", "read"]

TABLE = "annotations.csv"
COLUMNS = ("subject", "clip", "path", "onset", "offset", "emotion")
OPTIONAL = ("apex", "action_units", "fps", "dataset")


def read(root: Path | str) -> list[Sample]:
    r"""Read the clips that ``annotations.csv`` lists; no pixels are read.

    Parameters
    ----------
    root : Path
        The folder that holds it.

    Returns
    -------
    list of Sample
        In the order of the file. ``source.kind`` is ``frames`` or ``video``.

    Raises
    ------
    MienError
        If there is no such file, a column is missing, or a row is broken: an empty or ambiguous name, a path that is
        not there, frames out of order, no rate for a folder of frames, a clip that stands twice. The row is named.

    Examples
    --------
    >>> import tempfile
    >>> root = Path(tempfile.mkdtemp())
    >>> (root / "a").mkdir()
    >>> (root / "a" / "1.png").touch()
    >>> _ = (root / "annotations.csv").write_text("subject,clip,path,onset,offset,emotion,fps\ns1,a,a,1,9,positive,200")
    >>> [(sample.sample_id, sample.onset, sample.fps) for sample in read(root)]
    [('folder/s1/a', 1, 200.0)]
    """
    root = Path(root)
    if not (root / TABLE).is_file():
        raise MienError(f"got '{root}' without '{TABLE}'; expected one row per clip there; write it (docs: folder)")
    samples: dict[str, Sample] = {}
    for row in _rows(root / TABLE):
        sample = _sample(row, root)
        if sample.sample_id in samples:
            raise row.broken("clip", f"a clip of its own ('{sample.sample_id}' stands in a row above)")
        samples[sample.sample_id] = sample
    if not samples:
        raise MienError(f"got '{root / TABLE}' without rows; expected one per clip; fill it")
    return list(samples.values())


def _rows(table: Path) -> list[Row]:
    """The rows, optional columns included whatever their spelling, empty where they are missing."""
    rows = read_table(table, COLUMNS)
    for row in rows:
        spelled = {name.lower().replace(" ", "_"): text for name, text in row.items()}
        row.update({name: spelled.get(name, "") for name in OPTIONAL})
    return rows


def _sample(row: Row, root: Path) -> Sample:
    corpus = _name(row, "dataset") if row["dataset"] else "folder"
    subject = f"{corpus}/{_name(row, 'subject', f'{corpus}/')}"
    source = _source(row, root)
    frames = _frames(row)
    return Sample(
        dataset=corpus,
        subject=subject,
        sample_id=f"{subject}/{_name(row, 'clip', f'{subject}/')}",
        emotion=required_text(row, "emotion"),
        source=source,
        onset=frames.onset,
        apex=frames.apex,
        offset=frames.offset,
        fps=_fps(row, source.kind),
        action_units=parse_action_units(row["action_units"]),
        action_units_text=row["action_units"],
    )


def _name(row: Row, column: str, space: str = "") -> str:
    """A name without its namespace; a further slash would make ids ambiguous."""
    name = required_text(row, column).removeprefix(space)
    if not name or re.search(r"[/\\]", name):
        also = f", or one that begins with '{space}'" if space else ""
        raise row.broken(column, f"a name without slashes{also}")
    return name


def _source(row: Row, root: Path) -> Source:
    path = root / required_text(row, "path").replace("\\", "/")
    kind: Literal["frames", "video"] = "frames" if path.is_dir() else "video"
    if not path.exists():
        raise row.broken("path", f"a folder of frames or a video file below '{root}'")
    if kind == "frames" and not any(file.suffix.lower() in FRAME_ENDINGS for file in path.iterdir()):
        raise row.broken("path", "a folder that holds images")
    if kind == "video" and path.suffix.lower() in FRAME_ENDINGS:
        raise row.broken("path", "the folder of the frames, not one of them")
    return Source(kind, path)


def _frames(row: Row) -> Frames:
    frames = read_frames(row, "onset", "apex", "offset")
    onset, apex, offset = frames
    if offset is None or offset < onset:
        raise row.broken("offset", f"a frame number from the onset {onset} on")
    if apex is not None and not onset <= apex <= offset:
        raise row.broken("apex", f"a frame number from {onset} to {offset}, or nothing")
    return frames


def _fps(row: Row, kind: str) -> float | None:
    text = row["fps"].replace(",", ".")
    if not text and kind == "video":
        return None
    if not re.fullmatch(r"\d+(\.\d+)?", text) or not float(text):
        raise row.broken("fps", "frames per second, such as 200")
    return float(text)


DATASETS.add(
    "folder",
    Dataset(
        name="folder",
        title="clips of your own: annotations.csv beside frame folders or videos",
        citation="none: your own recordings",
        obtain="write annotations.csv: subject, clip, path, onset, offset, emotion; apex, action_units, fps, dataset",
        classes=MEGC_CLASSES,
        labels="megc2019",
        read=read,
    ),
)
