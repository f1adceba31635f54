"""CASME II: 255 micro-expressions of 26 subjects, 200 fps.

Table ``CASME2-coding-20190701.xlsx`` where there is one, else ``CASME2-coding-20140508.xlsx``: Subject (01), Filename
(EP02_01f), OnsetFrame, ApexFrame, OffsetFrame, Action Units, Estimated Emotion. The newer coding has other action units
in 57 rows, three clips more that are surprise rather than sadness, and the objective classes; for the older one those
come from ``CASME2-ObjectiveClasses.xlsx`` beside it.

Frames keep the numbers of the whole video: ``sub01/EP02_01f/img46.jpg`` (raw), ``sub01/EP02_01f/reg_img46.jpg``
(cropped).

Notes
-----
- One apex is ``/`` (sub04/EP12_01f): none. Five rows have the action units ``?``: none.
- sub05/EP09_05f has its apex on its onset: no motion to see, of which the recipe warns.
- The paper speaks of 247 clips; the distributed tables have 255.
- No correction to either coding is known to be needed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from mien.core import Sample, Source
from mien.datasets._corpus import Corpus, Layout, read_corpus
from mien.datasets._dataset import DATASETS
from mien.datasets._order import in_order, read_frames
from mien.datasets._table import Row, objective_class, parse_action_units, read_table, required_text

__all__ = ["CASME2", "parse", "read"]

COLUMNS = ("Subject", "Filename", "OnsetFrame", "ApexFrame", "OffsetFrame", "Action Units", "Estimated Emotion")
OBJECTIVE_TABLE, OBJECTIVE = "CASME2-ObjectiveClasses.xlsx", "Objective Class"
FPS = 200.0


def read(root: Path | str) -> list[Sample]:
    """Read a copy of CASME II: its table, and where each clip's frames lie.

    Raises
    ------
    MienError
        If there is no table or no frames, or a row is broken or stands twice.
    """
    return read_corpus(CASME2, root)


def parse(table: Path | str) -> list[Sample]:
    """Read the annotation alone, in the order of the table.

    Raises
    ------
    MienError
        If the table does not read or a cell is broken (file, row and column are named).
    """
    rows = read_table(table, COLUMNS)
    objective = _objective_classes(Path(table), rows)
    return [_sample(row, objective) for row in rows]


def _sample(row: Row, objective: Mapping[tuple[str, str], str]) -> Sample:
    subject, clip = _subject(row), _clip(row)
    name = f"casme2/{subject}/{clip}"
    frames = in_order(read_frames(row, "OnsetFrame", "ApexFrame", "OffsetFrame"), name, row.path)
    return Sample(
        dataset="casme2",
        subject=f"casme2/{subject}",
        sample_id=name,
        emotion=required_text(row, "Estimated Emotion"),
        source=Source("frames", Path()),
        onset=frames.onset,
        apex=frames.apex,
        offset=frames.offset,
        fps=FPS,
        action_units=parse_action_units(row["Action Units"]),
        action_units_text=row["Action Units"],
        objective=objective.get((subject, clip), ""),
    )


def _subject(row: Row) -> str:
    """sub01, however the cell spells it (1, 01, sub01)."""
    number = row["Subject"].lower().removeprefix("sub")
    if not number.isdecimal():
        raise row.broken("Subject", "a number such as 01")
    return f"sub{int(number):02d}"


def _clip(row: Row) -> str:
    if not re.fullmatch(r"EP\d\d(_\d\d?){0,2}f?", row["Filename"]):
        raise row.broken("Filename", "a clip such as EP02_01f")
    return row["Filename"]


def _objective_classes(table: Path, rows: list[Row]) -> dict[tuple[str, str], str]:
    """Objective class per subject and clip: from the coding itself (2019), else from the file beside it, if any."""
    column = f"{OBJECTIVE}es"
    if rows and column not in rows[0]:
        beside, column = table.parent / OBJECTIVE_TABLE, OBJECTIVE
        rows = read_table(beside, ("Subject", "Filename", column)) if beside.is_file() else []
    return {(_subject(row), _clip(row)): objective_class(row, column) for row in rows}


def _folder(sample: Sample) -> str:
    return sample.sample_id.removeprefix("casme2/")


CASME2 = Corpus(
    name="casme2",
    title="CASME II: 255 micro-expressions of 26 subjects, 200 fps",
    citation="Yan, Li, Wang, Zhao, Liu, Chen, Fu: CASME II: an improved spontaneous micro-expression database and the "
    "baseline evaluation. PLOS ONE 9(1), 2014",
    obtain="http://casme.psych.ac.cn/casme/e2, by a signed licence; research only",
    classes=("happiness", "disgust", "repression", "surprise", "sadness", "fear", "others"),
    labels="casme2_3_megc",
    read=read,
    tables=("CASME2-coding-20190701.xlsx", "CASME2-coding-20140508.xlsx", "CASME2-coding*.xlsx"),
    parse=parse,
    layouts=(
        Layout("raw", _folder, lambda _, number: f"img{number}.jpg", (640, 480)),
        Layout("cropped", _folder, lambda _, number: f"reg_img{number}.jpg", (280, 340), precropped=True),
    ),
    fps=FPS,
    # Surprise and sadness are left out: 25 and 7 in the coding of 2014, 28 and 4 in that of 2019.
    published=MappingProxyType(
        {
            "samples": 255,
            "subjects": 26,
            "happiness": 32,
            "disgust": 63,
            "repression": 27,
            "fear": 2,
            "others": 99,
        }
    ),
    label_maps=(
        "casme2_3_megc",
        "casme2_3_adnet_literal",
        "casme2_3_mmnet",
        "casme2_4_ms3d",
        "casme2_5",
        "casme2_7_objective",
    ),
)

DATASETS.add("casme2", CASME2)
