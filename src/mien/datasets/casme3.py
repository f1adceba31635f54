"""CAS(ME)^3 part A: 860 micro-expressions of 94 subjects, 30 fps, colour and depth.

Table ``cas(me)3_part_A_ME_label_JpgIndex_v2.xlsx``, sheet ``label``: Subject (spNO.1), Filename (a ... m), Onset,
Apex, Offset, AU, Objective class, emotion. A video holds several expressions, so the key is subject, file **and
onset**: ``casme3/spNO.1/a_355``. The spelling varies (spNO and spNo, j and J, others and Others) and is made one.

Frames keep the numbers of the whole video: ``spNO.1/a/color/355.jpg`` with ``spNO.1/a/depth/355.png`` (16 bit), or
one folder per clip, ``Part_A_ME_clip/frame/spNO.1_a_355/355.jpg`` with ``Part_A_ME_clip/depth/...``. The spelling of
the folders need not be that of the table.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import MappingProxyType

from mien.core import Sample, Source
from mien.datasets._corpus import Corpus, Layout, find_layout, find_table
from mien.datasets._dataset import DATASETS, check_unique
from mien.datasets._order import in_order, read_frames
from mien.datasets._table import Row, objective_class, parse_action_units, read_table, required_text

__all__ = ["CASME3", "ERRATA", "parse", "read"]

COLUMNS = ("Subject", "Filename", "Onset", "Apex", "Offset", "AU", "Objective class", "emotion")
FPS = 30.0

ERRATA: Mapping[str, Mapping[str, int]] = MappingProxyType(
    {
        "casme3/spNO.149/d_112": {"apex": 160},
        "casme3/spNO.40/e_1812": {"offset": 1845},
        "casme3/spNO.40/e_2327": {"offset": 2403},
        "casme3/spNO.216/d_3647": {"onset": 2647},
        "casme3/spNO.214/c_5": {"offset": 34},
        "casme3/spNO.216/e_0": {"onset": 1, "apex": 1},
    }
)
"""Corrections by the id the table gives, as Varanka et al. (MEB, TAFFC 2023) found them from the frames.

The first four are slips that only some copies have. The last two stand in the current table: 3460 frames for one
micro-expression, and a frame 0 where the files count from 1.
"""


def read(root: Path | str, errata: bool = False) -> list[Sample]:
    """Read a copy of CAS(ME)^3 part A: its table, and where each clip's frames and depth images lie.

    Parameters
    ----------
    root : Path
        Folder that holds ``spNO.1`` … or ``Part_A_ME_clip``, or the latter; the table at most two folders deep.
    errata : bool
        Apply :data:`ERRATA`.

    Returns
    -------
    list of Sample
        In the order of the table; ``source.depth`` is None for a clip without depth images.

    Raises
    ------
    MienError
        If there is no table or no frames, or a row is broken or stands twice.
    """
    root = Path(root)
    samples = parse(find_table(root, CASME3), errata)
    check_unique(samples, root)
    folders = _folders(root)
    base = root.absolute().parent if _is_first(root.absolute().name) else root

    def found(layout: Layout) -> int:
        return sum(layout.folder(sample).lower() in folders for sample in samples)

    layout = max(CASME3.layouts, key=found)
    if not found(layout):
        find_layout(root, samples, CASME3)  # says what a copy looks like
    return [replace(sample, source=_source(sample, base, layout, folders)) for sample in samples]


def parse(table: Path | str, errata: bool = False) -> list[Sample]:
    """Read the annotation alone, in the order of the table.

    Raises
    ------
    MienError
        If the table does not read or a cell is broken (file, row and column are named).
    """
    return [_sample(row, errata) for row in read_table(table, COLUMNS)]


def _sample(row: Row, errata: bool) -> Sample:
    subject = f"casme3/{_subject(row)}"
    frames = read_frames(row, "Onset", "Apex", "Offset")
    name = f"{subject}/{required_text(row, 'Filename').lower()}_{frames.onset}"
    if errata:
        frames = frames._replace(**ERRATA.get(name, {}))
    frames = in_order(frames, name, row.path, "read with errata=True" if name in ERRATA else "check the table")
    return Sample(
        dataset="casme3",
        subject=subject,
        sample_id=name,
        emotion=required_text(row, "emotion").lower(),
        source=Source("frames", Path()),
        onset=frames.onset,
        apex=frames.apex,
        offset=frames.offset,
        fps=FPS,
        action_units=parse_action_units(row["AU"]),
        action_units_text=row["AU"],
        objective=objective_class(row, "Objective class"),
    )


def _subject(row: Row) -> str:
    """spNO.1, however the cell spells it: one person must not become two."""
    match = re.fullmatch(r"sp ?no\.? ?0*(\d+)", row["Subject"], flags=re.IGNORECASE)
    if not match:
        raise row.broken("Subject", "a subject such as spNO.1")
    return f"spNO.{match[1]}"


def _whole(sample: Sample, kind: str) -> str:
    """Folder of the whole video that the clip is part of."""
    _, subject, name = sample.sample_id.split("/", 2)
    return f"{subject}/{name.rsplit('_', 1)[0]}/{kind}"


def _clip(sample: Sample, kind: str) -> str:
    """Folder of the clip alone."""
    _, subject, name = sample.sample_id.split("/", 2)
    return f"Part_A_ME_clip/{kind}/{subject}_{name}"


DEPTH = {"whole videos": partial(_whole, kind="depth"), "clips": partial(_clip, kind="depth")}
"""Folder of a clip's depth images, by layout."""


def _folders(root: Path) -> dict[str, Path]:
    """Every folder of images, by its lower-case path from where the subjects lie.

    That is above the root where the root is itself the first folder of a layout, else in it or up to two folders below.
    """
    places = ("*/*/color", "*/*/depth", "Part_A_ME_clip/frame/*", "Part_A_ME_clip/depth/*")
    for tops in _tops(root):
        folders = {
            path.relative_to(top).as_posix().lower(): path
            for top in sorted(tops)
            for place in places
            for path in top.glob(place)
            if path.is_relative_to(root) or path.is_relative_to(root.absolute())
        }
        if folders:
            return folders
    return {}


def _tops(root: Path) -> Iterator[set[Path]]:
    """Where the first folders of a layout may lie, the nearest first."""
    if _is_first(root.absolute().name):
        yield {root.absolute().parent}
    for depth in ("*", "*/*", "*/*/*"):
        yield {path.parent for path in root.glob(depth) if _is_first(path.name)}


def _is_first(name: str) -> bool:
    """Whether this is what the first folder of a layout is called."""
    return bool(re.fullmatch(r"spno\.?\d+|part_a_me_clip", name.lower()))


def _source(sample: Sample, root: Path, layout: Layout, folders: Mapping[str, Path]) -> Source:
    folder = layout.folder(sample)
    depth = DEPTH[layout.name](sample)
    return Source("frames", folders.get(folder.lower(), root / folder), depth=folders.get(depth.lower()))


CASME3 = Corpus(
    name="casme3",
    title="CAS(ME)^3 part A: 860 micro-expressions of 94 subjects, 30 fps, with depth",
    citation="Li, Dong, Lu, Wang, Yan, Ma, Liu, Huang, Fu: CAS(ME)^3: a third generation facial spontaneous "
    "micro-expression database with depth information and high ecological validity. IEEE TPAMI 45(3), 2023",
    obtain="http://casme.psych.ac.cn/casme/e4, by a signed licence; research only",
    classes=("happy", "disgust", "surprise", "fear", "anger", "sad", "others"),
    labels="casme3_3",
    read=read,
    tables=(
        "*part_A_ME_label_JpgIndex_v2*.xlsx",
        "*part_A_ME_label_JpgIndex*.xlsx",
        "*part_A_ME_label_JpgIndex*.csv",
    ),
    parse=parse,
    layouts=(
        Layout("whole videos", partial(_whole, kind="color"), lambda _, number: f"{number}.jpg", (1280, 720)),
        Layout("clips", partial(_clip, kind="frame"), lambda _, number: f"{number}.jpg", (1280, 720)),
    ),
    fps=FPS,
    published=MappingProxyType(
        {
            "samples": 860,
            "subjects": 94,
            "disgust": 250,
            "surprise": 187,
            "others": 161,
            "fear": 86,
            "anger": 64,
            "sad": 57,
            "happy": 55,
        }
    ),
    errata=ERRATA,
    label_maps=("casme3_3", "casme3_4", "casme3_7"),
)

DATASETS.add("casme3", CASME3)
