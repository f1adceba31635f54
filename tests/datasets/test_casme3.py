"""CAS(ME)^3 part A: a clip is subject, file and onset; spelling varies; depth lies beside colour."""

from __future__ import annotations

import shutil
import warnings
from collections import Counter
from pathlib import Path

import pytest

from mien.core import MienError, MienWarning
from mien.datasets.casme3 import CASME3, ERRATA, parse, read
from mien.protocols import label_map

HEADER = "Subject,Filename,Onset,Apex,Offset,AU,Objective class,emotion"
ROWS = (
    "spNO.1,a,355,359,360,5,II,others",
    "spNo.1,e,62,68,96,R12,I,Others",
    "SPNO.1,e,96,102,106,T28+14,VII,happy",
    "spNO.14,J,1012,1019,1038,14,VII,disgust",
)
IDS = ("casme3/spNO.1/a_355", "casme3/spNO.1/e_62", "casme3/spNO.1/e_96", "casme3/spNO.14/j_1012")
NAME = "cas(me)3_part_A_ME_label_JpgIndex_v2.csv"


def table(folder: Path, *rows: str) -> Path:
    path = folder / NAME
    path.write_text("\n".join((HEADER, *(rows or ROWS))))
    return path


def plant(root: Path, *paths: str) -> None:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).touch()


def test_one_person_does_not_become_two_by_spelling(tmp_path: Path) -> None:
    samples = parse(table(tmp_path))
    assert tuple(sample.sample_id for sample in samples) == IDS
    assert {sample.subject for sample in samples} == {"casme3/spNO.1", "casme3/spNO.14"}
    assert [sample.emotion for sample in samples] == ["others", "others", "happy", "disgust"]


def test_the_onset_is_part_of_the_key(tmp_path: Path) -> None:
    plant(tmp_path, "spNO.1/e/color/62.jpg")
    table(tmp_path, *ROWS[1:3])
    assert [sample.onset for sample in read(tmp_path)] == [62, 96]
    table(tmp_path, ROWS[1], ROWS[1])
    with pytest.raises(MienError, match=r"'casme3/spNO.1/e_62' twice"):
        read(tmp_path)


def test_whole_videos_with_depth(tmp_path: Path) -> None:
    table(tmp_path)
    plant(tmp_path, "spNO.1/a/color/355.jpg", "spNO.1/a/depth/355.png", "spNO.1/e/color/62.jpg")
    samples = read(tmp_path)
    assert samples[0].source.path == tmp_path / "spNO.1/a/color"
    assert samples[0].source.depth == tmp_path / "spNO.1/a/depth"
    assert samples[1].source.path == samples[2].source.path == tmp_path / "spNO.1/e/color"
    assert samples[1].source.depth is None


def test_clips_with_depth_below_the_root_in_any_spelling(tmp_path: Path) -> None:
    table(tmp_path)
    clips = tmp_path / "part_A" / "Part_A_ME_clip"
    plant(clips, "frame/spNo.1_a_355/355.jpg", "depth/spNO.1_a_355/355.png", "frame/spNO.14_J_1012/1012.jpg")
    samples = read(tmp_path)
    assert samples[0].source.path == clips / "frame/spNo.1_a_355"
    assert samples[0].source.depth == clips / "depth/spNO.1_a_355"
    assert samples[3].source.path == clips / "frame/spNO.14_J_1012"
    assert samples[3].source.depth is None


@pytest.mark.parametrize("inside", [False, True])
def test_the_root_may_be_the_folder_of_clips_itself(
    tmp_path: Path, inside: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    clips = tmp_path / "Part_A_ME_clip"
    plant(clips, "frame/spNO.1_a_355/355.jpg", "depth/spNO.1_a_355/355.png", "frame/spNO.14_J_1012/1012.jpg")
    plant(tmp_path, *(f"spNO.1/{name}/color/1.jpg" for name in "aej"))  # beside it, and none of its business
    table(clips)
    monkeypatch.chdir(clips)
    samples = read(Path() if inside else clips)
    assert samples[0].source.path == clips / "frame/spNO.1_a_355"
    assert samples[0].source.depth == clips / "depth/spNO.1_a_355"
    assert samples[1].source.path == clips / "frame/spNO.1_e_62", "where it should be"
    assert samples[3].source.path == clips / "frame/spNO.14_J_1012"


def test_the_root_may_be_the_folder_of_one_subject(tmp_path: Path) -> None:
    plant(tmp_path, "spNO.1/a/color/355.jpg", "spNO.1/e/color/62.jpg")
    table(tmp_path / "spNO.1", *ROWS[:2])
    samples = read(tmp_path / "spNO.1")
    assert [sample.source.path for sample in samples] == [tmp_path / f"spNO.1/{name}/color" for name in "ae"]


@pytest.mark.parametrize(
    ("row", "frames", "corrected"),
    [
        ("spNO.149,d,112,83,358,T28,VII,fear", (112, None, 358), (112, 160, 358)),
        ("spNO.40,e,1812,1824,0,18,VII,others", (1812, 1824, None), (1812, 1824, 1845)),
        ("spNO.216,d,3647,2668,2694,38,VII,others", (3647, None, None), (2647, 2668, 2694)),
    ],
)
def test_slips_of_other_copies_are_said_or_corrected_by_id(
    tmp_path: Path, row: str, frames: tuple[int, ...], corrected: tuple[int, ...]
) -> None:
    with pytest.warns(MienWarning, match=r"expected them in this order.*errata=True"):
        sample = parse(table(tmp_path, row))[0]
    assert (sample.onset, sample.apex, sample.offset) == frames
    sample = parse(table(tmp_path, row), errata=True)[0]
    assert (sample.onset, sample.apex, sample.offset) == corrected
    assert sample.sample_id in ERRATA


@pytest.mark.parametrize(
    ("row", "column"),
    [
        ("1,a,355,359,360,5,II,others", "Subject"),
        ("spNO.1,,355,359,360,5,II,others", "Filename"),
        ("spNO.1,a,,359,360,5,II,others", "Onset"),
        ("spNO.1,a,355,359,36.5,5,II,others", "Offset"),
        ("spNO.1,a,355,359,360,5,VIII,others", "Objective class"),
        ("spNO.1,a,355,359,360,5,II,", "emotion"),
    ],
)
def test_a_broken_cell_is_named(tmp_path: Path, row: str, column: str) -> None:
    with pytest.raises(MienError, match=rf"row 2, column '{column}'.*expected"):
        parse(table(tmp_path, row))


def test_a_copy_without_frames_says_where_they_should_be(tmp_path: Path) -> None:
    table(tmp_path)
    with pytest.raises(MienError, match=r"spNO.1/a/color/355.jpg' or 'Part_A_ME_clip/frame/spNO.1_a_355/355.jpg"):
        read(tmp_path)


def test_the_real_table_has_the_published_counts(shared_data: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        samples = parse(shared_data / "annotations" / "casme3_part_A_ME_label_JpgIndex_v2.xlsx")
    assert {"samples": 860, "subjects": 94, **Counter(sample.emotion for sample in samples)} == dict(CASME3.published)
    assert len({sample.subject for sample in samples}) == 94
    assert len({sample.sample_id for sample in samples}) == 860
    four = Counter(label_map("casme3_4").of(sample) for sample in samples)
    assert four == {"positive": 55, "negative": 457, "surprise": 187, "others": 161}
    assert sum(sample.apex == sample.onset for sample in samples) == 55
    assert Counter(sample.objective for sample in samples)["VII"] == 373


def test_errata_touch_only_what_they_name(shared_data: Path) -> None:
    path = shared_data / "annotations" / "casme3_part_A_ME_label_JpgIndex_v2.xlsx"
    pairs = zip(parse(path), parse(path, errata=True), strict=True)
    changed = {before.sample_id for before, after in pairs if before != after}
    assert changed == {"casme3/spNO.214/c_5", "casme3/spNO.216/e_0"}  # the others are right in this copy


def test_a_whole_copy_of_the_real_table_reads(shared_data: Path, tmp_path: Path) -> None:
    source = shared_data / "annotations" / "casme3_part_A_ME_label_JpgIndex_v2.xlsx"
    shutil.copy(source, tmp_path)
    for sample in parse(source):
        for layout in CASME3.layouts[1:]:
            (tmp_path / layout.folder(sample)).mkdir(parents=True)
    samples = read(tmp_path)
    assert len({sample.source.path for sample in samples}) == 860
    assert all(sample.source.path.is_dir() for sample in samples)


def test_errata_are_data_that_a_command_can_name() -> None:
    assert set(CASME3.errata) == set(ERRATA)
