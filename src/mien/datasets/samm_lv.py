"""SAMM Long Videos: 147 videos with 343 macro- and 159 micro-expressions of 30 subjects, 200 fps, for spotting.

Table ``SAMM_LongVideos_V2_Release.xlsx``: nine rows of preamble, then Subject (006), Filename (006_1_1), Inducement
Code, Onset, Apex, Offset, Duration, Type (Macro, Micro - 1/2), Action Units, Notes. An apex of -1: not annotated.
Macro-expressions often have fractional frame numbers (566.4), which are rounded.

Folders: ``SAMM_longvideos/006_1/006_1_0001.jpg``, the number with four digits, in long videos five.

Notes
-----
- The micro-expressions are the 159 of SAMM (``samm``), numbered in the long video: the same persons, so never train
  on one of the two and test on the other.
- The table has no emotions; they come from SAMM's ``SAMM_Micro_FACS_Codes_v2.xlsx`` where it lies beside the table.
  Macro-expressions have none.
- ``037_4_1`` names a micro- and a macro-expression.
- In some copies 020_6 and 036_7 end before the last macro-expression does (frames 5001 and 8201).
"""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from mien.core import AnnotatedInterval, LongVideo, MienWarning, Sample
from mien.datasets._corpus import Corpus, Layout, find_table
from mien.datasets._dataset import DATASETS, check_unique
from mien.datasets._long import Found, long_videos, micro_samples, video_folders, with_frames
from mien.datasets._order import Frames, in_order
from mien.datasets._table import Row, parse_action_units, read_table, required_text

__all__ = ["SAMM_LV", "parse", "parse_long", "read", "read_long"]

COLUMNS = ("Subject", "Filename", "Onset", "Apex", "Offset", "Type", "Action Units")
FPS = 200.0


def read(root: Path | str) -> list[Sample]:
    """Read the 159 micro-expressions; the frames of a sample are those of its whole video.

    Raises
    ------
    MienError
        If there is no table or no video, or a row is broken or stands twice.
    """
    root = Path(root)
    found = _found(find_table(root, SAMM_LV), need_emotions=True)
    folders = _folders(root)
    samples = micro_samples(with_frames(found, folders, root, _EXAMPLE), folders, FPS)
    check_unique(samples, root)
    return samples


def read_long(root: Path | str) -> list[LongVideo]:
    """Read every long video on disk with its macro- and micro-expressions.

    Raises
    ------
    MienError
        If there is no table or no video, or a row is broken.
    """
    root = Path(root)
    found = _found(find_table(root, SAMM_LV))
    folders = _folders(root)
    return long_videos(with_frames(found, folders, root, _EXAMPLE), folders, FPS)


def parse(table: Path | str) -> list[Sample]:
    """Read the annotation of the micro-expressions alone, in the order of the table.

    Raises
    ------
    MienError
        If the table does not read or a cell is broken (file, row and column are named).
    """
    return micro_samples(_found(Path(table), need_emotions=True), {}, FPS)


def parse_long(table: Path | str) -> list[Found]:
    """Read the annotation alone, micro and macro, in the order of the table: the video's id and the interval.

    Raises
    ------
    MienError
        If the table does not read or a cell is broken (file, row and column are named).
    """
    return _found(Path(table))


def _found(table: Path, *, need_emotions: bool = False) -> list[Found]:
    rows = read_table(table, COLUMNS)
    emotions = _emotions(table, need_emotions)
    return [(_video(row), _interval(row, emotions)) for row in rows]


def _emotions(table: Path, need: bool) -> dict[str, str]:
    """Emotion of each of SAMM's clips, from SAMM's own table beside this one."""
    codes = sorted(table.parent.glob("SAMM*Micro_FACS_Codes*.xlsx"))
    if not codes:
        if need:
            text = f"'{table}' has no emotions, and no SAMM_Micro_FACS_Codes_v2.xlsx lies beside it; copy it there"
            warnings.warn(text, MienWarning, stacklevel=3)
        return {}
    rows = read_table(codes[-1], ("Filename", "Estimated Emotion"))
    return {row["Filename"]: row["Estimated Emotion"] for row in rows}


def _video(row: Row) -> str:
    match = re.fullmatch(r"(\d{3})_(\d+)_\d+", row["Filename"])
    if not match:
        raise row.broken("Filename", "subject, video and number, such as 006_1_2")
    if int(match[1]) != _number(row, "Subject"):
        raise row.broken("Subject", f"the subject of '{row['Filename']}'")
    return f"samm-lv/{match[1]}/{match[1]}_{match[2]}"


def _interval(row: Row, emotions: dict[str, str]) -> AnnotatedInterval:
    onset, apex, offset = (_number(row, column) for column in ("Onset", "Apex", "Offset"))
    if onset < 0:
        raise row.broken("Onset", "a frame number")
    known = Frames(onset, apex if apex >= 0 else None, offset if offset >= 0 else None)
    frames = in_order(known, row["Filename"], row.path)
    kind = _kind(row)
    return AnnotatedInterval(
        name=row["Filename"],
        kind=kind,
        onset=frames.onset,
        apex=frames.apex,
        offset=frames.offset,
        emotion=emotions.get(row["Filename"], "") if kind == "micro" else "",
        action_units=parse_action_units(row["Action Units"]),
        action_units_text=row["Action Units"],
    )


def _number(row: Row, column: str) -> int:
    """A whole or fractional number, rounded; -1 where nothing was annotated."""
    if not re.fullmatch(r"-1|\d+(\.\d+)?", required_text(row, column)):
        raise row.broken(column, "a number, or -1 for unknown")
    return round(float(row[column]))


def _kind(row: Row) -> Literal["micro", "macro"]:
    kind = row["Type"].lower()
    if kind.startswith("micro"):
        return "micro"
    if kind.startswith("macro"):
        return "macro"
    raise row.broken("Type", "Macro or Micro - 1/2")


def _folders(root: Path) -> dict[str, Path]:
    return video_folders(root, "SAMM_longvideos/*", r"(\d{3})_(\d+)$", r"samm-lv/\1/\1_\2")


def _name(sample: Sample) -> str:
    """The video that a sample is part of: 006_1 of samm-lv/006/006_1_2."""
    return sample.sample_id.rsplit("/", 1)[1].rsplit("_", 1)[0]


_EXAMPLE = "SAMM_longvideos/006_1/006_1_0001.jpg"

SAMM_LV = Corpus(
    name="samm-lv",
    title="SAMM Long Videos: 147 videos with 343 macro- and 159 micro-expressions of 30 subjects, 200 fps",
    citation="Yap, Kendrick, Yap: SAMM long videos: a spontaneous facial micro- and macro-expressions dataset. FG 2020",
    obtain="https://helward.mmu.ac.uk/STAFF/M.Yap/dataset.php, by a signed licence; research only",
    classes=("Anger", "Contempt", "Disgust", "Fear", "Happiness", "Sadness", "Surprise", "Other"),
    labels="samm3",
    read=read,
    read_long=read_long,
    tables=("SAMM_LongVideos*.xlsx", "SAMMLV*.xlsx"),
    parse=parse,
    parse_long=parse_long,
    layouts=(
        Layout(
            "long videos",
            lambda sample: f"SAMM_longvideos/{_name(sample)}",
            lambda sample, number: f"{_name(sample)}_{number:04d}.jpg",
            (2040, 1088),
            grey=True,
        ),
    ),
    fps=FPS,
    published=MappingProxyType(
        {
            "samples": 159,
            "subjects": 29,
            "Anger": 57,
            "Happiness": 26,
            "Other": 26,
            "Surprise": 15,
            "Contempt": 12,
            "Disgust": 9,
            "Fear": 8,
            "Sadness": 6,
        }
    ),
    label_maps=("samm3", "samm4_ms3d", "samm5_mmnet", "samm7_emotion", "samm8"),
)

DATASETS.add("samm-lv", SAMM_LV)
