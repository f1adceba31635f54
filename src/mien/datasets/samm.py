"""SAMM: 159 micro-expressions of 29 subjects, 200 fps, grey.

Table ``SAMM_Micro_FACS_Codes_v2.xlsx``, sheet ``MICRO_ONLY``, the header below 13 lines of explanation: Subject (006),
Filename (006_1_2), Inducement Code, Onset Frame, Apex Frame, Offset Frame, Duration, Micro, Action Units (the richest
grammar of all: ``(R6 or R12)+R15``, ``ref(7B)+43C``), Estimated Emotion, Objective Classes, Notes.

Frames keep the numbers of the whole video: ``006/006_1_2/006_05562.jpg``.

Notes
-----
- A subject is text: Excel may have turned ``006`` into 6, which is repaired here.
- The class without an emotion is spelt ``Other``. Subject 025 has no other clip and is in no three-class set.
- 32 persons were recorded; 29 showed a micro-expression.
- Copies are known with two apexes outside the clip (028_4_1, 032_3_1: taken as unknown, with a warning, so that the
  recipe's rule applies) and one wrong offset (:data:`ERRATA`).
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType

from mien.core import MienWarning, Sample, Source
from mien.datasets._corpus import Corpus, Layout, read_corpus
from mien.datasets._dataset import DATASETS
from mien.datasets._order import Frames, in_order, read_frames
from mien.datasets._table import Row, clip_of_subject, objective_class, parse_action_units, read_table, required_text

__all__ = ["ERRATA", "SAMM", "parse", "read"]

COLUMNS = (
    "Subject",
    "Filename",
    "Onset Frame",
    "Apex Frame",
    "Offset Frame",
    "Action Units",
    "Estimated Emotion",
    "Objective Classes",
)
SHEET = "MICRO_ONLY"
FPS = 200.0

ERRATA: Mapping[str, Mapping[str, int]] = MappingProxyType({"samm/013/013_1_9": {"offset": 5739}})
"""Corrections by id, as Varanka et al. (MEB, TAFFC 2023) found them from the frames; a good copy has them already."""


def read(root: Path | str, errata: bool = False) -> list[Sample]:
    """Read a copy of SAMM: its table, and where each clip's frames lie.

    Parameters
    ----------
    root : Path
        Folder that holds ``006`` …; the table at most two folders deep.
    errata : bool
        Apply :data:`ERRATA`.

    Raises
    ------
    MienError
        If there is no table or no frames, or a row is broken or stands twice.
    """
    return read_corpus(SAMM, root, partial(parse, errata=errata))


def parse(table: Path | str, errata: bool = False) -> list[Sample]:
    """Read the annotation alone, in the order of the table.

    Raises
    ------
    MienError
        If the table does not read or a cell is broken (file, row and column are named).
    """
    return [_sample(row, ERRATA if errata else {}) for row in read_table(table, COLUMNS, SHEET)]


def _sample(row: Row, errata: Mapping[str, Mapping[str, int]]) -> Sample:
    subject, clip = _subject(row), _clip(row)
    name = f"samm/{subject}/{clip}"
    frames = read_frames(row, "Onset Frame", "Apex Frame", "Offset Frame")._replace(**errata.get(name, {}))
    _check_duration(row, frames, name)
    frames = in_order(frames, name, row.path)
    return Sample(
        dataset="samm",
        subject=f"samm/{subject}",
        sample_id=name,
        emotion=required_text(row, "Estimated Emotion"),
        source=Source("frames", Path()),
        onset=frames.onset,
        apex=frames.apex,
        offset=frames.offset,
        fps=FPS,
        action_units=parse_action_units(row["Action Units"]),
        action_units_text=row["Action Units"],
        objective=objective_class(row, "Objective Classes"),
    )


def _subject(row: Row) -> str:
    """006, also where Excel made it 6."""
    if not row["Subject"].isdecimal():
        raise row.broken("Subject", "a number such as 006")
    return row["Subject"].zfill(3)


def _clip(row: Row) -> str:
    """The clip, which repeats its subject: the two must agree."""
    return clip_of_subject(row, "Filename", f"{_subject(row)}_")


def _check_duration(row: Row, frames: Frames, name: str) -> None:
    """Warn where the table's own count of frames contradicts onset and offset."""
    duration = row.get("Duration", "")
    if frames.offset is None or not duration.isdecimal():
        return
    counted = frames.offset - frames.onset + 1
    if int(duration) != counted:
        text = (
            f"got {counted} frames from onset to offset of '{name}' in '{row.path}'; "
            f"expected {duration} as its Duration says; check the offset"
        )
        warnings.warn(text, MienWarning, stacklevel=2)


def _file(sample: Sample, number: int) -> str:
    return f"{sample.subject.removeprefix('samm/')}_{number:05d}.jpg"


SAMM = Corpus(
    name="samm",
    title="SAMM: 159 micro-expressions of 29 subjects, 200 fps",
    citation="Davison, Lansley, Costen, Tan, Yap: SAMM: a spontaneous micro-facial movement dataset. IEEE Transactions "
    "on Affective Computing 9(1), 2018",
    obtain="https://helward.mmu.ac.uk/STAFF/M.Yap/dataset.php, by a signed licence; research only",
    classes=("Anger", "Contempt", "Disgust", "Fear", "Happiness", "Sadness", "Surprise", "Other"),
    labels="samm3",
    read=read,
    tables=("SAMM_Micro_FACS_Codes*.xlsx",),
    parse=parse,
    layouts=(Layout("raw", lambda sample: sample.sample_id.removeprefix("samm/"), _file, (2040, 1088), grey=True),),
    fps=FPS,
    published=MappingProxyType(
        {
            "samples": 159,
            "subjects": 29,
            "Anger": 57,
            "Contempt": 12,
            "Disgust": 9,
            "Fear": 8,
            "Happiness": 26,
            "Sadness": 6,
            "Surprise": 15,
            "Other": 26,
        }
    ),
    errata=ERRATA,
    label_maps=("samm3", "samm4_ms3d", "samm5_mmnet", "samm7_emotion", "samm7_objective", "samm8"),
)

DATASETS.add("samm", SAMM)
