"""MMEW, the micro-and-macro expression warehouse: 300 micro-expressions, 30 subjects, 90 fps.

Table ``MMEW_Micro_Exp.xlsx`` or ``.csv``: Subject (1), Filename (S01-01-001), OnsetFrame, ApexFrame, OffsetFrame,
Action Units, Estimated Emotion, remarks. Frames are renumbered from 1 in every clip: ``1.jpg``, ``2.jpg`` …

Folders: ``Micro_Expression/<emotion>/<clip>``, or ``<subject>/<emotion>/<clip>`` (the corpus's own page), the latter
also inside ``Micro_Expression``. The table says ``others`` where some copies call the folder ``repression``.

Notes
-----
- The survey that introduced it speaks of 36 subjects; the distributed table has 30.
- Copies are known whose table has 16 rows with apex or offset outside the clip. What contradicts itself is taken as
  unknown, with a warning that names the clip.
- Whether the distributed frames are the crops of 231 x 231 or of 400 x 400 pixels that papers mention is not settled;
  here 231.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import MappingProxyType

from mien.core import Sample, Source
from mien.datasets._corpus import Corpus, Layout, read_corpus
from mien.datasets._dataset import DATASETS
from mien.datasets._order import in_order, read_frames
from mien.datasets._table import Row, clip_of_subject, parse_action_units, read_table, required_text

__all__ = ["MMEW", "parse", "read"]

COLUMNS = ("Subject", "Filename", "OnsetFrame", "ApexFrame", "OffsetFrame", "Action Units", "Estimated Emotion")
FPS = 90.0

PLACES = {
    "by emotion": "Micro_Expression/{emotion}/{clip}",
    "by subject": "{subject}/{emotion}/{clip}",
    "by subject, inside": "Micro_Expression/{subject}/{emotion}/{clip}",
}


def read(root: Path | str) -> list[Sample]:
    """Read a copy of MMEW: its table, and where each clip's frames lie.

    Raises
    ------
    MienError
        If there is no table or no frames, or a row is broken or stands twice.
    """
    return read_corpus(MMEW, root)


def parse(table: Path | str) -> list[Sample]:
    """Read the annotation alone, in the order of the table.

    Raises
    ------
    MienError
        If the table does not read or a cell is broken (file, row and column are named).
    """
    return [_sample(row) for row in read_table(table, COLUMNS)]


def _sample(row: Row) -> Sample:
    subject = f"mmew/{_subject(row)}"
    name = f"{subject}/{clip_of_subject(row, 'Filename', f'{_subject(row)}-')}"
    frames = in_order(read_frames(row, "OnsetFrame", "ApexFrame", "OffsetFrame"), name, row.path)
    return Sample(
        dataset="mmew",
        subject=subject,
        sample_id=name,
        emotion=required_text(row, "Estimated Emotion").lower(),
        source=Source("frames", Path()),
        onset=frames.onset,
        apex=frames.apex,
        offset=frames.offset,
        fps=FPS,
        action_units=parse_action_units(row["Action Units"]),
        action_units_text=row["Action Units"],
    )


def _subject(row: Row) -> str:
    """S01, however the cell spells it (1, 01, S01)."""
    number = row["Subject"].lower().removeprefix("s")
    if not number.isdecimal():
        raise row.broken("Subject", "a number such as 1")
    return f"S{int(number):02d}"


def _folder(place: str, others: str) -> Callable[[Sample], str]:
    def folder(sample: Sample) -> str:
        _, subject, clip = sample.sample_id.split("/", 2)
        emotion = others if sample.emotion == "others" else sample.emotion
        return place.format(subject=subject, emotion=emotion, clip=clip)

    return folder


def _layouts() -> Iterator[Layout]:
    for others in ("others", "repression"):
        for name, place in PLACES.items():
            title = name if others == "others" else f"{name}, others as repression"
            yield Layout(title, _folder(place, others), lambda _, number: f"{number}.jpg", (231, 231), precropped=True)


MMEW = Corpus(
    name="mmew",
    title="MMEW: 300 micro-expressions of 30 subjects, 90 fps",
    citation="Ben, Ren, Zhang, Wang, Kpalma, Meng, Liu: Video-based facial micro-expression analysis: a survey of "
    "datasets, features and algorithms. IEEE TPAMI 44(9), 2022",
    obtain="http://www.dpailab.com/database.html, by a signed licence; research only",
    classes=("happiness", "anger", "surprise", "disgust", "fear", "sadness", "others"),
    labels="mmew4",
    read=read,
    tables=("MMEW_Micro_Exp*.xlsx", "MMEW_Micro_Exp*.csv"),
    parse=parse,
    layouts=tuple(_layouts()),
    fps=FPS,
    published=MappingProxyType(
        {
            "samples": 300,
            "subjects": 30,
            "happiness": 36,
            "anger": 8,
            "surprise": 89,
            "disgust": 72,
            "fear": 16,
            "sadness": 13,
            "others": 66,
        }
    ),
    label_maps=("mmew4", "mmew7"),
)

DATASETS.add("mmew", MMEW)
