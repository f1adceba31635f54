"""SMIC: 164 micro-expressions of 16 subjects, 100 fps (HS), or the 71 of its slow cameras (VIS, NIR; 25 fps).

The clips on disk are the corpus: every folder named by a clip code (``s1_ne_01``, subject 1, negative). Two releases:

- cropped, onset to offset only: ``HS/s1/micro/negative/s1_ne_01/reg_image559740.bmp``;
- extended, with frames before and after: ``SMIC_HS_E/s03/s3_ne_01/image303101.jpg``.

The camera is HS unless the root is, or holds nothing but, a folder named after another (``SMIC/VIS``, ``SMIC_NIR_E``).

Table ``SMIC-HS-E_annotation.xlsx``, sheets ``HS`` and ``VIS``: Subject, Filename, OnsetF, OffsetF, … FirstF, … Emotion.
It is not needed: where it lacks a clip (seven of the 164), or is absent, onset and offset are the first and last frame
on disk.

Notes
-----
- The class is in the clip code, never taken from the column Emotion: that calls s18_sur_03 negative.
- There is no apex. The recipe says what stands in.
- A clip may hold a second and third movement (eight and one in HS); the first is the clip's. The columns Onset3F and
  Offset3F are mostly garbage.
- Copies lack clips: the extended release has not s3_ne_03, s3_ne_20, s4_ne_05, s4_ne_06, s9_sur_02. What is on disk
  counts; a clip of the table without frames is left out with a warning.
"""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from mien.core import MienError, MienWarning, Sample, Source
from mien.core.frames import FRAME_ENDINGS, trailing_number
from mien.datasets._corpus import Corpus, Layout, find_table
from mien.datasets._dataset import DATASETS, MEGC_CLASSES, check_unique
from mien.datasets._table import Row, frame_number, read_table

__all__ = ["SMIC", "parse", "read"]

COLUMNS = ("Subject", "Filename", "OnsetF", "OffsetF", "FirstF", "Emotion")
CAMERAS = {"HS": 100.0, "VIS": 25.0, "NIR": 25.0}
EMOTIONS = {"ne": "negative", "po": "positive", "sur": "surprise"}
CODE = re.compile(r"s0?(\d{1,2})_(ne|po|sur)_(\d{2})")


def read(root: Path | str) -> list[Sample]:
    """Read a copy of SMIC: its clips on disk, with onset and offset from the table where there is one.

    Parameters
    ----------
    root : Path
        The folder that holds one release, or the release itself (``SMIC_HS_E``, ``HS``, ``VIS``, ``NIR``).

    Returns
    -------
    list of Sample
        Sorted by id.

    Raises
    ------
    MienError
        If there are no clips, a clip stands there twice, or the table is broken.
    """
    root = Path(root)
    if not root.is_dir():
        raise MienError(f"got '{root}', which is no folder; expected a copy of SMIC; give its top folder")
    camera, folders = _clips(root)
    rows = _table(root, camera)
    _tell_missing(rows, {_sample_id(folder.name) for folder in folders}, root)
    samples = [_on_disk(folder, rows.get(_sample_id(folder.name)), CAMERAS[camera]) for folder in folders]
    check_unique(samples, root)
    return sorted(samples, key=lambda sample: sample.sample_id)


def parse(table: Path | str, camera: str = "HS") -> list[Sample]:
    """Read the annotation alone, in the order of the table; the class comes from the clip code.

    Raises
    ------
    MienError
        If the table does not read or a cell is broken (file, row and column are named).
    """
    return [_annotated(row, CAMERAS[camera]) for row in read_table(table, COLUMNS, camera)]


def _annotated(row: Row, fps: float) -> Sample:
    if not CODE.fullmatch(row["Filename"]):
        raise row.broken("Filename", "a clip such as s1_ne_01")
    sample = _sample(row["Filename"], fps)
    onset, offset = (frame_number(row, column, required=True) for column in ("OnsetF", "OffsetF"))
    return replace(sample, onset=onset, offset=offset)


def _sample(code: str, fps: float) -> Sample:
    name = _sample_id(code)
    emotion = EMOTIONS[name.split("_")[1]]
    return Sample("smic", name.rsplit("/", 1)[0], name, emotion, Source("frames", Path()), fps=fps)


def _sample_id(code: str) -> str:
    """s1_ne_01 -> smic/s01/s01_ne_01, as the official list of MEGC2019 spells it."""
    found = CODE.fullmatch(code)
    assert found
    subject = f"s{int(found[1]):02d}"
    return f"smic/{subject}/{subject}_{found[2]}_{found[3]}"


def _clips(root: Path) -> tuple[str, list[Path]]:
    """The camera, and its clips in whichever release has more of them."""
    found: dict[tuple[str, bool], list[Path]] = {}
    for folder in _clip_folders(root):
        cropped = folder.parent.name in MEGC_CLASSES
        found.setdefault((_camera(folder, root), cropped), []).append(folder)
    if not found:
        raise MienError(
            f"got '{root}' without clips of SMIC; expected 'HS/s1/micro/negative/s1_ne_01/reg_image559740.bmp' or "
            "'SMIC_HS_E/s01/s1_ne_01/image559740.jpg'; give the copy's top folder"
        )
    camera = min((camera for camera, _ in found), key=list(CAMERAS).index)
    return camera, max((folders for (name, _), folders in found.items() if name == camera), key=len)


def _clip_folders(root: Path) -> list[Path]:
    """Every folder below ``root`` that is named by a clip code; none of them is looked into."""
    found = []
    for parent, names, _ in os.walk(root):
        found += [Path(parent, name) for name in sorted(names) if CODE.fullmatch(name)]
        names[:] = [name for name in sorted(names) if not CODE.fullmatch(name) and not name.startswith(".")]
    return found


def _camera(folder: Path, root: Path) -> str:
    """The camera that a folder on the way from the root names, the nearest to the clip first."""
    way = (root.resolve().name, *folder.relative_to(root).parts)
    for name in reversed(way):
        words = re.split(r"[\W_]+", name.upper())
        for camera in CAMERAS:
            if camera in words:
                return camera
    return "HS"


def _table(root: Path, camera: str) -> dict[str, Row]:
    """Row of each clip; empty where there is no table or it does not know the camera."""
    try:
        path = find_table(root, SMIC)
    except MienError:
        return {}
    if camera == "NIR":
        return {}
    rows = read_table(path, COLUMNS, camera)
    return {_annotated(row, CAMERAS[camera]).sample_id: row for row in rows}


def _on_disk(folder: Path, row: Row | None, fps: float) -> Sample:
    """The clip with its onset and offset in the numbers that its files have."""
    numbers = [trailing_number(name) for name in os.listdir(folder) if Path(name).suffix.lower() in FRAME_ENDINGS]
    there = [number for number in numbers if number is not None]
    if not there:
        raise MienError(f"got '{folder}' without frames; expected images such as image559740.jpg; complete the copy")
    sample = replace(_sample(folder.name, fps), source=Source("frames", folder))
    if row is None:
        return replace(sample, onset=min(there), offset=max(there))
    onset, offset = (frame_number(row, column, required=True) or 0 for column in ("OnsetF", "OffsetF"))
    shift = _renumbered(row, min(there), max(there), onset, offset)
    return replace(sample, onset=onset + shift, offset=offset + shift)


def _renumbered(row: Row, first: int, last: int, onset: int, offset: int) -> int:
    """What to add to the table's numbers for a copy whose clips count from 0 or 1; 0 for the distributed ones."""
    whole_first = frame_number(row, "FirstF")
    if first > 1 or whole_first is None:
        return 0
    shift = first - whole_first
    return shift if first <= onset + shift <= offset + shift <= last else 0


def _tell_missing(rows: Mapping[str, Row], there: set[str], root: Path) -> None:
    missing = sorted(set(rows) - there)
    if missing:
        text = (
            f"got no frames in '{root}' for {len(missing)} of the {len(rows)} clips in the table "
            f"({', '.join(missing[:3])}{' …' * (len(missing) > 3)}); they are left out; complete the copy"
        )
        warnings.warn(text, MienWarning, stacklevel=3)


def _cropped(sample: Sample) -> str:
    subject, code = _distributed(sample)
    return f"HS/{subject}/micro/{sample.emotion}/{code}"


def _extended(sample: Sample) -> str:
    return f"SMIC_HS_E/{sample.subject.removeprefix('smic/')}/{_distributed(sample)[1]}"


def _distributed(sample: Sample) -> tuple[str, str]:
    """Subject and clip as the releases spell them: s1, s1_ne_01."""
    subject, *rest = sample.sample_id.split("/")[-1].split("_")
    subject = f"s{int(subject[1:])}"
    return subject, "_".join((subject, *rest))


SMIC = Corpus(
    name="smic",
    title="SMIC: 164 micro-expressions of 16 subjects, 100 fps (HS)",
    citation="Li, Pfister, Huang, Zhao, Pietikäinen: A spontaneous micro-expression database: inducement, collection "
    "and baseline. FG 2013",
    obtain="https://www.oulu.fi/en/university/faculties-and-units/faculty-information-technology-and-electrical-"
    "engineering/center-machine-vision-and-signal-analysis, by a signed licence; research only",
    classes=MEGC_CLASSES,
    labels="smic3",
    read=read,
    tables=("SMIC-HS-E_annotation.xlsx", "SMIC*annotation*.xlsx"),
    parse=parse,
    layouts=(
        Layout("cropped", _cropped, lambda _, number: f"reg_image{number}.bmp", (190, 230), precropped=True),
        Layout("extended", _extended, lambda _, number: f"image{number:06d}.jpg", (640, 480)),
    ),
    fps=CAMERAS["HS"],
    published=MappingProxyType({"samples": 164, "subjects": 16, "negative": 70, "positive": 51, "surprise": 43}),
    # VIS and NIR filmed the same 71; the classes are those of the table's sheet VIS.
    published_at=MappingProxyType(
        {25.0: MappingProxyType({"samples": 71, "subjects": 8, "negative": 23, "positive": 28, "surprise": 20})}
    ),
    label_maps=("smic3",),
)

DATASETS.add("smic", SMIC)
