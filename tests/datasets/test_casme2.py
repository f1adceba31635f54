"""CASME II: two codings, two releases, and every quirk of its table."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import openpyxl
import pytest

from mien.core import MienError, Sample
from mien.datasets import DATASETS
from mien.datasets._corpus import find_layout
from mien.datasets.casme2 import CASME2, parse, read
from mien.protocols import label_map

CODING = "CASME2-coding-20140508.xlsx"
NEWER = "CASME2-coding-20190701.xlsx"
HEADER = ["Subject", "Filename", None, "OnsetFrame", "ApexFrame", "OffsetFrame", None, "Action Units"]
SURPRISES_OF_2019 = {("24", "EP07_01"), ("24", "EP07_04f"), ("24", "EP10_03")}
GOOD = ["01", "EP02_01f", None, 46, 59, 86, None, "12", "happiness"]


def coding(folder: Path, *rows: list[object]) -> Path:
    book = openpyxl.Workbook()
    book.active.append([*HEADER, "Estimated Emotion"])
    for row in rows or (GOOD,):
        book.active.append(row)
    folder.mkdir(parents=True, exist_ok=True)
    book.save(folder / CODING)
    return folder / CODING


def plant(root: Path, samples: list[Sample], prefix: str) -> None:
    for sample in samples:
        folder = root / sample.sample_id.removeprefix("casme2/")
        folder.mkdir(parents=True)
        (folder / f"{prefix}{sample.onset}.jpg").touch()


@pytest.fixture
def newer(shared_data: Path, tmp_path: Path) -> Path:
    """The coding of 2019, made of the one of 2014 by what is known to differ."""
    book = openpyxl.load_workbook(shared_data / "annotations" / CODING)
    sheet = book.worksheets[0]
    sheet.cell(1, 10, "Objective Classes")
    for row in range(2, sheet.max_row + 1):
        sheet.cell(row, 10, row % 7 + 1)
        if (sheet.cell(row, 1).value, sheet.cell(row, 2).value) in SURPRISES_OF_2019:
            sheet.cell(row, 9, "surprise")
    book.save(tmp_path / NEWER)
    return tmp_path / NEWER


def test_the_distributed_table_is_255_clips_of_26_subjects(shared_data: Path) -> None:
    samples = parse(shared_data / "annotations" / CODING)
    emotions = Counter(sample.emotion for sample in samples)
    assert emotions == {
        "others": 99,
        "disgust": 63,
        "happiness": 32,
        "repression": 27,
        "surprise": 25,
        "sadness": 7,
        "fear": 2,
    }
    counts = emotions | {"samples": len(samples), "subjects": len({sample.subject for sample in samples})}
    assert {name: counts[name] for name in CASME2.published} == CASME2.published
    assert {sample.fps for sample in samples} == {200.0}
    assert all(sample.onset is not None and sample.offset is not None for sample in samples)


def test_a_row_becomes_a_record(shared_data: Path) -> None:
    first = parse(shared_data / "annotations" / CODING)[0]
    assert (first.subject, first.sample_id) == ("casme2/sub01", "casme2/sub01/EP02_01f")
    assert (first.onset, first.apex, first.offset) == (46, 59, 86)
    assert (first.action_units, first.action_units_text, first.objective) == ({12}, "12", "I")


def test_known_quirks_are_kept_as_annotated(shared_data: Path) -> None:
    samples = {s.sample_id.removeprefix("casme2/"): s for s in parse(shared_data / "annotations" / CODING)}
    no_apex = [name for name, sample in samples.items() if sample.apex is None]
    still = [name for name, sample in samples.items() if sample.apex == sample.onset]
    unknown = {name for name, sample in samples.items() if not sample.action_units}
    assert (no_apex, still) == (["sub04/EP12_01f"], ["sub05/EP09_05f"])
    assert unknown == {"sub05/EP05_03", "sub05/EP07_01", "sub05/EP13_04f", "sub19/EP11_01f", "sub26/EP13_01"}
    assert sum(sample.apex == sample.offset for sample in samples.values()) == 4


def test_codings_differ_in_three_surprises(shared_data: Path, newer: Path) -> None:
    five = label_map("casme2_5")
    older = parse(shared_data / "annotations" / CODING)
    assert sum(five.of(sample) is not None for sample in older) == 246
    assert sum(five.of(sample) is not None for sample in parse(newer)) == 249


def test_the_three_classes_are_those_of_the_official_list_by_either_coding(shared_data: Path, newer: Path) -> None:
    rule = label_map(CASME2.labels)
    for table in (shared_data / "annotations" / CODING, newer):
        kept = Counter(label for sample in parse(table) if (label := rule.of(sample)))
        assert kept == {"negative": 88, "positive": 32, "surprise": 25}


def test_the_newer_coding_is_preferred(shared_data: Path, newer: Path) -> None:
    root = newer.parent
    shutil.copy(shared_data / "annotations" / CODING, root)
    plant(root, parse(newer), "img")
    samples = read(root)
    assert sum(sample.emotion == "surprise" for sample in samples) == 28
    assert {sample.objective for sample in samples} == {"I", "II", "III", "IV", "V", "VI", "VII"}


def test_objective_classes_come_from_the_file_beside_the_older_coding(shared_data: Path, tmp_path: Path) -> None:
    folder = shared_data / "annotations"
    found = Counter(sample.objective for sample in parse(folder / CODING))
    assert found == {"I": 25, "II": 15, "III": 99, "IV": 26, "V": 20, "VI": 1, "VII": 69}
    seven = label_map("casme2_7_objective")
    assert all(seven.of(sample) == sample.objective for sample in parse(folder / CODING))
    assert [sample.objective for sample in parse(coding(tmp_path))] == [""]


def test_an_evaluation_takes_the_three_classes_and_leaves_out_the_rest(
    shared_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mien.evaluation import _data
    from mien.recipes import RECIPES

    shutil.copy(shared_data / "annotations" / CODING, tmp_path)
    plant(tmp_path, parse(tmp_path / CODING), "img")
    monkeypatch.setattr(_data, "load", lambda samples, recipe, **_: np.zeros((len(samples), 28, 28, 3), np.uint8))
    data = _data.read_labelled("casme2", tmp_path, None, RECIPES["motion-map"])
    assert (data.labels, data.classes) == ("casme2_3_megc", ("negative", "positive", "surprise"))
    assert (len(data.samples), data.left_out, len(set(data.subjects))) == (145, 110, 24)


@pytest.mark.parametrize(("release", "prefix"), [("raw", "img"), ("cropped", "reg_img")])
@pytest.mark.parametrize("inside", ["", "Cropped", "CASME2/CASME2_RAW_selected"])
def test_both_releases_are_known_by_their_frames(tmp_path: Path, release: str, prefix: str, inside: str) -> None:
    samples = parse(coding(tmp_path, GOOD, ["02", "EP12f", None, 1, 2, 3, None, "?", "fear"]))
    plant(tmp_path / inside, samples, prefix)
    assert find_layout(tmp_path, samples, CASME2).name == release
    found = read(tmp_path)
    assert [sample.source.path for sample in found] == [
        (tmp_path / inside / name) for name in ("sub01/EP02_01f", "sub02/EP12f")
    ]
    assert all(sample.source.kind == "frames" for sample in found)


def test_of_two_releases_the_raw_one_is_read(tmp_path: Path) -> None:
    samples = parse(coding(tmp_path))
    plant(tmp_path / "Cropped", samples, "reg_img")
    plant(tmp_path / "Raw", samples, "img")
    assert read(tmp_path)[0].source.path == tmp_path / "Raw" / "sub01" / "EP02_01f"


def test_a_lost_onset_frame_does_not_lose_the_clip(tmp_path: Path) -> None:
    coding(tmp_path)
    folder = tmp_path / "sub01" / "EP02_01f"
    folder.mkdir(parents=True)
    (folder / "reg_img47.jpg").touch()
    assert read(tmp_path)[0].source.path == folder


@pytest.mark.parametrize("name", ["EP02_01", "EP02_01f", "EP01_2", "EP06_02_01", "EP12f"])
def test_every_shape_of_clip_name_is_known(tmp_path: Path, name: str) -> None:
    [sample] = parse(coding(tmp_path, ["1", name, *GOOD[2:]]))
    assert sample.sample_id == f"casme2/sub01/{name}"


@pytest.mark.parametrize(
    ("column", "cell", "named"),
    [
        (0, None, "column 'Subject'"),
        (0, "one", "column 'Subject'"),
        (1, "clip 7", "column 'Filename'"),
        (3, "/", "column 'OnsetFrame'"),
        (4, "59?", "column 'ApexFrame'"),
        (5, 86.5, "column 'OffsetFrame'"),
        (8, None, "column 'Estimated Emotion'"),
    ],
)
def test_a_broken_cell_is_named(tmp_path: Path, column: int, cell: object, named: str) -> None:
    row = list(GOOD)
    row[column] = cell
    with pytest.raises(MienError, match=f"row 3, {named}"):
        parse(coding(tmp_path, GOOD, row))


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda root: None, "without the annotation table of casme2"),
        (coding, r"without frames of casme2; expected 'sub01/EP02_01f/img46.jpg' or .*reg_img46"),
        (lambda root: coding(root, GOOD, GOOD), "'casme2/sub01/EP02_01f' twice"),
    ],
)
def test_a_copy_that_is_not_whole_is_one_clear_line(tmp_path: Path, make: Callable[[Path], object], said: str) -> None:
    make(tmp_path)
    with pytest.raises(MienError, match=said):
        DATASETS["casme2"].read(tmp_path)
