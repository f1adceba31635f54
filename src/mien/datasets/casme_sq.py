"""CAS(ME)^2: long videos with 300 macro- and 57 micro-expressions of 22 subjects, 30 fps, for spotting.

Table ``CAS(ME)^2code_final.xlsx``, first sheet, **no header**: subject (1-22), expression (anger1_1), onset, apex,
offset, action units, polarity, macro- or micro-expression, self-reported emotion. A 0 for apex or offset: unknown.

Subjects are numbered anew in the table and stimuli have codes in the folders: subject 1 seeing ``disgust1`` is
``rawpic/s15/15_0101disgustingteeth/img001.jpg``. Frame numbers are those of the file names.

Notes
-----
- The emotion is the polarity (negative, positive, surprise, others), the corpus's own label; what the subject said to
  have felt stands beside it in :class:`~mien.core.AnnotatedInterval`.
- 44 macro-expressions have no offset; in three the apex is after the offset, which leaves them without an apex, with
  a warning.
- The first paper (HCI 2016) counts 250 macro- and 53 micro-expressions, the journal paper and the table 300 and 57.
  The journal paper has 87 long videos; the table names 95.
- Some copies have a video of subject 23 in the folder ``s19``: what counts is the number in the video's own name.
"""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType
from typing import Literal

from mien.core import AnnotatedInterval, LongVideo, MienError, Sample
from mien.datasets._corpus import Corpus, Layout, find_table
from mien.datasets._dataset import DATASETS, check_unique
from mien.datasets._long import Found, long_videos, micro_samples, video_folders, with_frames
from mien.datasets._order import Frames, in_order, read_frames
from mien.datasets._table import Row, parse_action_units, read_sheets, required_text

__all__ = ["CASME_SQ", "parse", "parse_long", "read", "read_long"]

COLUMNS = ("subject", "expression", "onset", "apex", "offset", "action units", "polarity", "kind", "reported")
FPS = 30.0

SUBJECTS = (15, 16, 19, 20, 21, 22, 23, 24, 25, 26, 27, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 40)
"""Number in the folders of the table's subjects 1, 2, … (its sheet "naming rule1")."""

STIMULI = {
    "disgust1": "0101",
    "disgust2": "0102",
    "anger1": "0401",
    "anger2": "0402",
    "happy1": "0502",
    "happy2": "0503",
    "happy3": "0505",
    "happy4": "0507",
    "happy5": "0508",
}
"""Code in the folders of the film that was shown (its sheet "naming rule2")."""


def read(root: Path | str) -> list[Sample]:
    """Read the 57 micro-expressions; the frames of a sample are those of its whole video.

    Raises
    ------
    MienError
        If there is no table or no video, or a row is broken or stands twice.
    """
    root = Path(root)
    found = _found(find_table(root, CASME_SQ), ("micro",))
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
    folders = _folders(root)
    found = _found(find_table(root, CASME_SQ), ("micro", "macro"))
    return long_videos(with_frames(found, folders, root, _EXAMPLE), folders, FPS)


def parse(table: Path | str) -> list[Sample]:
    """Read the annotation of the micro-expressions alone, in the order of the table.

    Raises
    ------
    MienError
        If the table does not read or a cell is broken (file, row and column are named).
    """
    return micro_samples(_found(Path(table), ("micro",)), {}, FPS)


def parse_long(table: Path | str) -> list[Found]:
    """Read the annotation alone, micro and macro, in the order of the table: the video's id and the interval.

    Raises
    ------
    MienError
        If the table does not read or a cell is broken (file, row and column are named).
    """
    return _found(Path(table), ("micro", "macro"))


def _found(table: Path, kinds: tuple[str, ...]) -> list[Found]:
    return [(_video(row), _interval(row)) for row in _rows(table) if _kind(row) in kinds]


def _rows(table: Path) -> list[Row]:
    first = next(iter(read_sheets(table).values()))
    columns = max(map(len, first), default=0)
    if columns < len(COLUMNS):
        raise MienError(
            f"got '{table}' with {columns} columns; expected {', '.join(COLUMNS)}, without a header; "
            "take the corpus's own table"
        )
    return [
        Row(dict(zip(COLUMNS, cells, strict=False)), table, number)
        for number, cells in enumerate(first, 1)
        if any(cells[: len(COLUMNS)])
    ]


def _video(row: Row) -> str:
    number = row["subject"]
    if not (number.isdecimal() and 1 <= int(number) <= len(SUBJECTS)):
        raise row.broken("subject", f"1 to {len(SUBJECTS)}")
    film = required_text(row, "expression").rsplit("_", 1)[0]
    if film not in STIMULI:
        raise row.broken("expression", f"one of {', '.join(STIMULI)}, with a number, such as anger1_1")
    subject = SUBJECTS[int(number) - 1]
    return f"casme-sq/s{subject}/{subject}_{STIMULI[film]}"


def _kind(row: Row) -> Literal["micro", "macro"]:
    kinds: dict[str, Literal["micro", "macro"]] = {"micro-expression": "micro", "macro-expression": "macro"}
    kind = kinds.get(row["kind"].lower())
    if kind is None:
        raise row.broken("kind", "micro-expression or macro-expression")
    return kind


def _interval(row: Row) -> AnnotatedInterval:
    onset, apex, offset = read_frames(row, "onset", "apex", "offset")
    name = f"{_video(row)}, {row['expression']}"
    frames = in_order(Frames(onset, apex or None, offset or None), name, row.path)  # 0: unknown
    return AnnotatedInterval(
        name=row["expression"],
        kind=_kind(row),
        onset=frames.onset,
        apex=frames.apex,
        offset=frames.offset,
        emotion=required_text(row, "polarity").lower(),
        reported=row["reported"].lower(),
        action_units=parse_action_units(row["action units"]),
        action_units_text=row["action units"],
    )


def _folders(root: Path) -> dict[str, Path]:
    return video_folders(root, "rawpic/*/*", r"(\d+)_(\d{4})", r"casme-sq/s\1/\1_\2")


def _folder(sample: Sample) -> str:
    _, subject, name = sample.sample_id.split("/", 2)
    return f"rawpic/{subject}/{subject.removeprefix('s')}_{STIMULI[name.rsplit('_', 1)[0]]}"


_EXAMPLE = "rawpic/s15/15_0101disgustingteeth/img001.jpg"

CASME_SQ = Corpus(
    name="casme-sq",
    title="CAS(ME)^2: long videos with 300 macro- and 57 micro-expressions of 22 subjects, 30 fps",
    citation="Qu, Wang, Yan, Li, Wu, Fu: CAS(ME)^2: a database for spontaneous macro-expression and micro-expression "
    "spotting and recognition. IEEE Transactions on Affective Computing 9(4), 2018",
    obtain="http://casme.psych.ac.cn/casme/e3, by a signed licence; research only",
    classes=("negative", "positive", "surprise", "others"),
    labels="megc2019",
    read=read,
    read_long=read_long,
    tables=("CAS(ME)^2code_final*.xlsx", "*code_final*.xlsx", "*CASME_sq*.xlsx"),
    parse=parse,
    parse_long=parse_long,
    layouts=(Layout("long videos", _folder, lambda _, number: f"img{number:03d}.jpg", (640, 480)),),
    fps=FPS,
    published=MappingProxyType(
        {"samples": 57, "subjects": 14, "negative": 21, "others": 19, "surprise": 9, "positive": 8}
    ),
    label_maps=("megc2019",),
)

DATASETS.add("casme-sq", CASME_SQ)
