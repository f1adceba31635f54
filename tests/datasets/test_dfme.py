"""DFME: every clip has its own rate; frames count from 0."""

from __future__ import annotations

import shutil
import warnings
from collections import Counter
from pathlib import Path

import pytest

from mien.core import MienError
from mien.datasets.dfme import DFME, parse, read
from mien.protocols import label_map

HEADER = "Subject,Filename,OnsetFrame,ApexFrame,OffsetFrame,Emotion,EmotionId,Fps,AU"
ROWS = ("sub0003,sub0003_01,0,199,228,anger,0,500,23", "sub0670,sub0670_02,12,50,90,Surprise,6,200.0,1+2+AD38")
NAME = "training_full_with_AU.csv"


def table(folder: Path, *rows: str) -> Path:
    path = folder / NAME
    path.write_text("\n".join((HEADER, *(rows or ROWS))))
    return path


def test_a_row_becomes_a_sample_with_its_own_rate(tmp_path: Path) -> None:
    first, second = parse(table(tmp_path))
    assert (first.subject, first.sample_id, first.fps) == ("dfme/sub0003", "dfme/sub0003/sub0003_01", 500.0)
    assert (first.onset, first.apex, first.offset, first.action_units) == (0, 199, 228, {23})
    assert (second.emotion, second.fps, second.action_units) == ("surprise", 200.0, {1, 2, 38})


@pytest.mark.parametrize("layout", DFME.layouts, ids=lambda layout: layout.name)
def test_every_known_layout_is_found(tmp_path: Path, layout: object) -> None:
    for sample in parse(table(tmp_path)):
        folder = tmp_path / layout.folder(sample)  # type: ignore[attr-defined]
        folder.mkdir(parents=True)
        (folder / layout.file(sample, sample.onset)).touch()  # type: ignore[attr-defined]
    samples = read(tmp_path)
    assert (samples[0].source.path / "00000.png").is_file()
    assert (samples[1].source.path / "00012.png").is_file()


@pytest.mark.parametrize(
    ("row", "column"),
    [
        ("sub0003,sub0003_01,0,199,228,anger,0,0,23", "Fps"),
        ("sub0003,sub0003_01,0,199,228,anger,0,fast,23", "Fps"),
        ("sub0003,sub0003_01,-1,199,228,anger,0,500,23", "OnsetFrame"),
        (",sub0003_01,0,199,228,anger,0,500,23", "Subject"),
        ("sub0004,sub0003_01,0,199,228,anger,0,500,23", "Filename"),  # one person as two
    ],
)
def test_a_broken_cell_is_named(tmp_path: Path, row: str, column: str) -> None:
    with pytest.raises(MienError, match=rf"row 2, column '{column}'.*expected"):
        parse(table(tmp_path, row))


def test_the_real_table_has_the_published_counts(shared_data: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        samples = parse(shared_data / "annotations" / "dfme_training_full_with_AU.xlsx")
    assert {"samples": 1856, "subjects": 176, **Counter(s.emotion for s in samples)} == dict(DFME.published)
    assert len({sample.subject for sample in samples}) == 176
    assert Counter(sample.fps for sample in samples) == {500.0: 695, 300.0: 605, 200.0: 556}
    three = Counter(label_map(DFME.labels).of(sample) for sample in samples)
    assert three == {"negative": 1352, "positive": 206, "surprise": 298}
    assert None not in {label_map("dfme7").of(sample) for sample in samples}


def test_a_whole_copy_of_the_real_table_reads(shared_data: Path, tmp_path: Path) -> None:
    source = shared_data / "annotations" / "dfme_training_full_with_AU.xlsx"
    shutil.copy(source, tmp_path / "training_full_with_AU.xlsx")
    for sample in parse(source):
        (tmp_path / DFME.layouts[0].folder(sample)).mkdir(parents=True)
    assert all(sample.source.path.is_dir() for sample in read(tmp_path))
