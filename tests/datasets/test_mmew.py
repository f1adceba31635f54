"""MMEW: the real table's counts, both layouts, and what other copies of the table got wrong."""

from __future__ import annotations

import shutil
import warnings
from collections import Counter
from pathlib import Path

import pytest

from mien.core import MienError, MienWarning
from mien.datasets import DATASETS
from mien.datasets.mmew import MMEW, parse, read
from mien.protocols import label_map

HEADER = "Subject,Filename,OnsetFrame,ApexFrame,OffsetFrame,Action Units,Estimated Emotion,remarks"
ROWS = (
    "1,S01-01-001,1,15,31,6+12,happiness,",
    "2,S02-07-001,1,9,20,L10,others,left",
    "2,S02-02-001,1,7,22,1+2,surprise,",
)


def table(folder: Path, *rows: str) -> Path:
    path = folder / "MMEW_Micro_Exp.csv"
    path.write_text("\r\n".join((HEADER, *(rows or ROWS))) + "\r\n")
    return path


def plant(root: Path, layout: str) -> None:
    """Empty frames where the layout of that name has them."""
    found = next(entry for entry in MMEW.layouts if entry.name == layout)
    for sample in parse(next(root.glob("MMEW*"))):
        folder = root / found.folder(sample)
        folder.mkdir(parents=True)
        (folder / found.file(sample, sample.onset or 1)).touch()


def test_a_row_becomes_a_sample(tmp_path: Path) -> None:
    sample = parse(table(tmp_path))[1]
    assert (sample.dataset, sample.subject, sample.sample_id) == ("mmew", "mmew/S02", "mmew/S02/S02-07-001")
    assert (sample.onset, sample.apex, sample.offset, sample.fps) == (1, 9, 20, 90.0)
    assert (sample.emotion, sample.action_units, sample.action_units_text) == ("others", {10}, "L10")


@pytest.mark.parametrize("layout", [layout.name for layout in MMEW.layouts])
def test_every_known_layout_is_found(tmp_path: Path, layout: str) -> None:
    table(tmp_path)
    plant(tmp_path, layout)
    samples = read(tmp_path)
    assert [sample.emotion for sample in samples] == ["happiness", "others", "surprise"]
    assert all((sample.source.path / "1.jpg").is_file() for sample in samples)


def test_the_corpus_calls_the_folder_of_others_repression(tmp_path: Path) -> None:
    table(tmp_path)
    plant(tmp_path, "by subject, others as repression")
    assert (tmp_path / "S02/repression/S02-07-001/1.jpg").is_file()
    assert read(tmp_path)[1].emotion == "others"


def test_an_apex_outside_the_clip_is_unknown_and_said(tmp_path: Path) -> None:
    with pytest.warns(MienWarning, match=r"apex 40.*mmew/S04/S04-01-001.*apex is taken as unknown"):
        sample = parse(table(tmp_path, "4,S04-01-001,1,40,31,12,happiness,"))[0]
    assert (sample.onset, sample.apex, sample.offset) == (1, None, 31)


@pytest.mark.parametrize(
    ("row", "column"),
    [
        ("x,S01-01-001,1,15,31,12,happiness,", "Subject"),
        ("1,,1,15,31,12,happiness,", "Filename"),
        ("2,S01-01-001,1,15,31,12,happiness,", "Filename"),  # one person as two would stand on both sides of a split
        ("1,S010-01-001,1,15,31,12,happiness,", "Filename"),
        ("1,S01-01-001,,15,31,12,happiness,", "OnsetFrame"),
        ("1,S01-01-001,1,late,31,12,happiness,", "ApexFrame"),
        ("1,S01-01-001,1,15,31,12,,", "Estimated Emotion"),
    ],
)
def test_a_broken_cell_is_named(tmp_path: Path, row: str, column: str) -> None:
    with pytest.raises(MienError, match=rf"row 3, column '{column}'.*expected"):
        parse(table(tmp_path, ROWS[0], row))


def test_a_clip_stands_once(tmp_path: Path) -> None:
    table(tmp_path, ROWS[0], ROWS[0])
    with pytest.raises(MienError, match="'mmew/S01/S01-01-001' twice"):
        read(tmp_path)


def test_a_copy_without_frames_says_where_they_should_be(tmp_path: Path) -> None:
    table(tmp_path)
    with pytest.raises(MienError, match=r"Micro_Expression/happiness/S01-01-001/1.jpg"):
        read(tmp_path)


def test_the_real_table_has_the_published_counts(shared_data: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        samples = parse(shared_data / "annotations" / "MMEW_Micro_Exp.csv")
    assert {"samples": 300, "subjects": 30, **Counter(sample.emotion for sample in samples)} == dict(MMEW.published)
    assert len({sample.subject for sample in samples}) == 30
    assert all(sample.onset == 1 and sample.onset < sample.apex < sample.offset for sample in samples)
    four = Counter(label_map(DATASETS["mmew"].labels).of(sample) for sample in samples)
    assert four == {"happiness": 36, "surprise": 89, "disgust": 72, "others": 66, None: 37}


def test_a_whole_copy_of_the_real_table_reads(shared_data: Path, tmp_path: Path) -> None:
    shutil.copy(shared_data / "annotations" / "MMEW_Micro_Exp.csv", tmp_path)
    plant(tmp_path, "by emotion, others as repression")
    samples = read(tmp_path)
    assert len(samples) == 300
    assert all(sample.source.path.is_dir() for sample in samples)
