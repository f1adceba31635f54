"""DFME, dynamic facial micro-expressions: the released training part, 1,856 clips of 176 subjects, 200 to 500 fps.

Table ``training_full_with_AU.xlsx``: Subject (sub0003), Filename (sub0003_01), OnsetFrame, ApexFrame, OffsetFrame,
Emotion, EmotionId, Fps, AU. The rate is the clip's own: 500 (part A), 300 (part B) or 200 (part C).

Frames count from 0 in every clip: ``DFME_train/sub0003_01/00000.png``; other copies call the folder ``train_data``,
or have the clips at the top.

Notes
-----
- The corpus's papers and page do not describe the layout. The one here is what public programs that read it expect;
  the size of the frames (1024 x 768) is not verified.
- The paper has 7,526 clips of 671 (preprint) or 656 subjects; the rest is given out in other parts, or not at all.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import MappingProxyType

from mien.core import Sample, Source
from mien.datasets._corpus import Corpus, Layout, read_corpus
from mien.datasets._dataset import DATASETS
from mien.datasets._order import in_order, read_frames
from mien.datasets._table import Row, clip_of_subject, parse_action_units, read_table, required_text

__all__ = ["DFME", "parse", "read"]

COLUMNS = ("Subject", "Filename", "OnsetFrame", "ApexFrame", "OffsetFrame", "Emotion", "Fps", "AU")


def read(root: Path | str) -> list[Sample]:
    """Read a copy of DFME: its table, and where each clip's frames lie.

    Raises
    ------
    MienError
        If there is no table or no frames, or a row is broken or stands twice.
    """
    return read_corpus(DFME, root)


def parse(table: Path | str) -> list[Sample]:
    """Read the annotation alone, in the order of the table.

    Raises
    ------
    MienError
        If the table does not read or a cell is broken (file, row and column are named).
    """
    return [_sample(row) for row in read_table(table, COLUMNS)]


def _sample(row: Row) -> Sample:
    person = required_text(row, "Subject")
    subject = f"dfme/{person}"
    name = f"{subject}/{clip_of_subject(row, 'Filename', f'{person}_')}"
    frames = in_order(read_frames(row, "OnsetFrame", "ApexFrame", "OffsetFrame"), name, row.path)
    return Sample(
        dataset="dfme",
        subject=subject,
        sample_id=name,
        emotion=required_text(row, "Emotion").lower(),
        source=Source("frames", Path()),
        onset=frames.onset,
        apex=frames.apex,
        offset=frames.offset,
        fps=_fps(row),
        action_units=parse_action_units(row["AU"]),
        action_units_text=row["AU"],
    )


def _fps(row: Row) -> float:
    if not (row["Fps"].isdecimal() and int(row["Fps"])):
        raise row.broken("Fps", "frames per second, such as 500")
    return float(row["Fps"])


def _below(folder: str) -> Callable[[Sample], str]:
    return lambda sample: folder + sample.sample_id.rsplit("/", 1)[1]


DFME = Corpus(
    name="dfme",
    title="DFME, training part: 1,856 micro-expressions of 176 subjects, 200 to 500 fps",
    citation="Zhao, Tang, Mao, Liu, Zhang, Wang, Xu, Chen: DFME: a new benchmark for dynamic facial micro-expression "
    "recognition. IEEE Transactions on Affective Computing, 2024, doi:10.1109/TAFFC.2023.3341918",
    obtain="https://mea-lab-421.github.io, by a signed licence; research only",
    classes=("anger", "contempt", "disgust", "fear", "happiness", "sadness", "surprise"),
    labels="dfme3",
    read=read,
    tables=("*training_full_with_AU*.xlsx", "*training*with_AU*.csv"),
    parse=parse,
    layouts=tuple(
        Layout(name, _below(folder), lambda _, number: f"{number:05d}.png", (1024, 768))
        for name, folder in (("DFME_train", "DFME_train/"), ("train_data", "train_data/"), ("clips at the top", ""))
    ),
    fps=500.0,
    published=MappingProxyType(
        {
            "samples": 1856,
            "subjects": 176,
            "disgust": 548,
            "surprise": 298,
            "sadness": 278,
            "fear": 265,
            "happiness": 206,
            "anger": 161,
            "contempt": 100,
        }
    ),
    label_maps=("dfme3", "dfme7"),
)

DATASETS.add("dfme", DFME)
