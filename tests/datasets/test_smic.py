"""SMIC: the clips on disk are the corpus, their code is their class, the table only adds onset and offset."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import openpyxl
import pytest

from mien.core import MienError, MienWarning, Sample
from mien.datasets._corpus import find_layout
from mien.datasets.smic import SMIC, parse, read

TABLE = "SMIC-HS-E_annotation.xlsx"
HEADER = ["Subject", "Filename", None, "OnsetF", "OffsetF", "FirstF", "Emotion"]
LACKING = {"s01_ne_02", "s02_sur_05", "s03_ne_03", "s03_ne_20", "s04_ne_05", "s04_ne_06", "s09_sur_02"}


def annotation(folder: Path, *rows: list[object], sheet: str = "HS") -> Path:
    book = openpyxl.Workbook()
    book.active.title = sheet
    for row in (HEADER, *rows):
        book.active.append(row)
    book.save(folder / TABLE)
    return folder / TABLE


def clip(root: Path, place: str, *numbers: int, name: str = "reg_image{}.bmp") -> Path:
    (root / place).mkdir(parents=True)
    for number in numbers:
        (root / place / name.format(number)).touch()
    return root / place


def cropped(sample: Sample) -> str:
    return SMIC.layouts[0].folder(sample)


def test_the_distributed_table_has_157_clips_and_their_class_is_in_the_code(shared_data: Path) -> None:
    samples = parse(shared_data / "annotations" / TABLE)
    assert Counter(sample.emotion for sample in samples) == {"negative": 65, "positive": 51, "surprise": 41}
    assert len({sample.subject for sample in samples}) == 16
    [contested] = [sample for sample in samples if sample.sample_id == "smic/s18/s18_sur_03"]
    assert contested.emotion == "surprise"
    assert all(sample.apex is None and sample.onset < sample.offset for sample in samples)
    assert len(parse(shared_data / "annotations" / TABLE, "VIS")) == 71


def test_both_releases_lie_where_they_are_distributed(tmp_path: Path) -> None:
    row = [3, "s3_ne_01", None, 303101, 303130, 303000, "negative"]
    [sample] = parse(annotation(tmp_path, row))
    assert [f"{layout.folder(sample)}/{layout.file(sample, 559)}" for layout in SMIC.layouts] == [
        "HS/s3/micro/negative/s3_ne_01/reg_image559.bmp",
        "SMIC_HS_E/s03/s3_ne_01/image000559.jpg",
    ]
    (tmp_path / "SMIC_HS_E" / "s03" / "s3_ne_01").mkdir(parents=True)
    assert find_layout(tmp_path, [sample], SMIC).name == "extended"
    moved = find_layout(tmp_path / "SMIC_HS_E", [sample], SMIC)
    assert moved.folder(sample) == "s03/s3_ne_01"


def test_folders_alone_are_enough(tmp_path: Path) -> None:
    first = clip(tmp_path, "HS/s1/micro/negative/s1_ne_01", 559740, 559741, 559775)
    clip(tmp_path, "HS/s1/micro/surprise/s1_sur_01", 99, 100)
    clip(tmp_path, "HS/s1/non_micro/s1_non_01", 5)
    (first / "Thumbs.db").touch()
    one, two = read(tmp_path)
    assert (one.subject, one.sample_id, one.emotion) == ("smic/s01", "smic/s01/s01_ne_01", "negative")
    assert (one.onset, one.apex, one.offset, one.fps) == (559740, None, 559775, 100.0)
    assert one.source.path == first
    assert (two.sample_id, two.emotion, two.onset, two.offset) == ("smic/s01/s01_sur_01", "surprise", 99, 100)


def test_the_code_decides_against_table_and_folder(tmp_path: Path) -> None:
    annotation(tmp_path, [18, "s18_sur_03", None, 20, 25, 10, "negative"])
    clip(tmp_path, "SMIC_HS_E/s18/s18_sur_03", *range(10, 40), name="image{:06d}.jpg")
    [sample] = read(tmp_path)
    assert (sample.emotion, sample.onset, sample.offset) == ("surprise", 20, 25)


@pytest.mark.parametrize("first", [0, 1])
def test_clips_that_were_numbered_anew_are_understood(tmp_path: Path, first: int) -> None:
    annotation(tmp_path, [1, "s1_ne_01", None, 559740, 559775, 559700, "negative"])
    clip(tmp_path, "SMIC_HS_E/s01/s1_ne_01", *range(first, 300 + first), name="image{:06d}.jpg")
    [sample] = read(tmp_path)
    assert (sample.onset, sample.offset) == (40 + first, 75 + first)


def test_a_clip_that_lost_its_first_frames_keeps_the_numbers_of_the_table(tmp_path: Path) -> None:
    annotation(tmp_path, [1, "s1_ne_01", None, 559740, 559775, 559700, "negative"])
    clip(tmp_path, "HS/s1/micro/negative/s1_ne_01", *range(559742, 559776))
    assert read(tmp_path)[0].onset == 559740


def test_a_clip_of_the_table_without_frames_is_said(tmp_path: Path) -> None:
    rows = [[1, f"s1_ne_0{n}", None, 10, 20, 5, "negative"] for n in (1, 2)]
    annotation(tmp_path, *rows)
    clip(tmp_path, "HS/s1/micro/negative/s1_ne_02", *range(10, 21))
    with pytest.warns(MienWarning, match=r"1 of the 2 clips in the table \(smic/s01/s01_ne_01\)"):
        samples = read(tmp_path)
    assert [sample.sample_id for sample in samples] == ["smic/s01/s01_ne_02"]


@pytest.mark.parametrize(
    ("root", "onset", "fps"),
    [("", 100, 100.0), ("SMIC/HS", 100, 100.0), ("SMIC/VIS", 25, 25.0), ("SMIC_NIR_E", 7, 25.0)],
)
def test_the_camera_is_that_of_the_root_and_hs_unless_said(tmp_path: Path, root: str, onset: int, fps: float) -> None:
    clip(tmp_path, "SMIC/HS/s8/micro/positive/s8_po_01", 100, 101)
    clip(tmp_path, "SMIC/VIS/s8/micro/positive/s8_po_01", 25, 26)
    clip(tmp_path, "SMIC_NIR_E/s08/s8_po_01", 7, 8, name="image{:06d}.jpg")
    [sample] = read(tmp_path / root)
    assert (sample.onset, sample.fps) == (onset, fps)


def test_the_slow_camera_has_its_own_sheet(tmp_path: Path) -> None:
    annotation(tmp_path, [20, "s20_ne_01", None, 7750, 7754, 7712, "negative"], sheet="VIS")
    clip(tmp_path, "SMIC_VIS_E/s20/s20_ne_01", *range(7712, 7764), name="image{:06d}.jpg")
    [sample] = read(tmp_path)
    assert (sample.onset, sample.offset, sample.fps) == (7750, 7754, 25.0)


def test_of_two_releases_the_fuller_one_is_read(tmp_path: Path) -> None:
    clip(tmp_path, "HS/s1/micro/negative/s1_ne_01", 1, 2)
    for number in (1, 2):
        clip(tmp_path, f"SMIC_HS_E/s01/s1_ne_0{number}", 1, 2, name="image{}.jpg")
    assert [sample.source.path.parent.parent.name for sample in read(tmp_path)] == ["SMIC_HS_E"] * 2


def test_the_seven_clips_that_the_table_lacks_take_their_frames_from_disk(shared_data: Path, tmp_path: Path) -> None:
    (tmp_path / TABLE).symlink_to(shared_data / "annotations" / TABLE)
    known = parse(tmp_path / TABLE)
    for sample in known:
        clip(tmp_path, cropped(sample), sample.onset, sample.offset)
    for code in LACKING:
        subject, kind, _ = code.split("_")
        emotion = {"ne": "negative", "sur": "surprise"}[kind]
        clip(tmp_path, f"HS/{subject}/micro/{emotion}/{code}", 11, 12, 13)
    samples = read(tmp_path)
    counts = Counter(sample.emotion for sample in samples)
    assert counts | {"samples": len(samples), "subjects": len({s.subject for s in samples})} == SMIC.published
    numbers = {s.sample_id.split("/")[-1]: (s.onset, s.offset) for s in samples}
    assert {code for code, number in numbers.items() if number == (11, 13)} == LACKING


@pytest.mark.parametrize(
    ("places", "said"),
    [
        ([], "without clips of SMIC"),
        (["HS/s1/micro/negative/s1_ne_01"], "without frames"),
    ],
)
def test_a_copy_that_is_not_whole_is_one_clear_line(tmp_path: Path, places: list[str], said: str) -> None:
    for place in places:
        clip(tmp_path, place)
    with pytest.raises(MienError, match=said):
        read(tmp_path)


def test_a_clip_that_stands_twice_is_named(tmp_path: Path) -> None:
    clip(tmp_path, "a/HS/s1/micro/negative/s1_ne_01", 1, 2)
    clip(tmp_path, "b/HS/s1/micro/negative/s1_ne_01", 1, 2)
    with pytest.raises(MienError, match="'smic/s01/s01_ne_01' twice"):
        read(tmp_path)


def test_a_clip_name_that_is_no_code_is_named(tmp_path: Path) -> None:
    with pytest.raises(MienError, match=r"row 2, column 'Filename'.*expected a clip such as s1_ne_01"):
        parse(annotation(tmp_path, [1, "s1_neg_1", None, 1, 2, 0, "negative"]))
