"""A fixture is the corpus without its faces: the real table, the real folders, frames that do what the rows say."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import openpyxl
import pytest

from mien.core import MienError, MienWarning, Sample, Source
from mien.core.frames import numbered_frames
from mien.datasets import DATASETS, Corpus, check, write_fixture
from mien.datasets._fixture import COMPOSITES, MARK, spread
from mien.faces import canonical_points, eye_crop_matrix, face_backend, warp
from mien.motion import optical_flow

CORPORA = [name for name in DATASETS if isinstance(DATASETS[name], Corpus)]
HEADER = (
    "Subject",
    "Filename",
    None,
    "OnsetFrame",
    "ApexFrame",
    "OffsetFrame",
    None,
    "Action Units",
    "Estimated Emotion",
)
ROWS = [
    ("01", "EP02_01f", None, 46, 52, 58, None, 12, "happiness"),
    ("01", "EP03_02", None, 31, "/", 45, None, "?", "disgust"),
    ("02", "EP02_01f", None, 8, 15, 15, None, "1+2", "surprise"),
    ("17", "EP01_06", None, 98, 98, 110, None, "99", "others"),
]


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A table of CASME II's form with rows of our own."""
    book = openpyxl.Workbook()
    for row in (HEADER, *ROWS):
        book.active.append(row)
    book.save(tmp_path / "CASME2-coding-20140508.xlsx")
    return tmp_path / "CASME2-coding-20140508.xlsx"


@pytest.mark.parametrize("name", [*CORPORA, *COMPOSITES])
def test_every_corpus_reads_its_fixture_and_the_doctor_is_content(name: str, shared_data: Path, tmp_path: Path) -> None:
    made = write_fixture(name, shared_data / "annotations", tmp_path / "tree", limit=2, size=(64, 48))
    samples = DATASETS[name].read(tmp_path / "tree")
    assert made.samples == len(samples) > 1
    assert made.frames == sum(path.suffix in (".jpg", ".bmp", ".png") for path in frames(tmp_path / "tree"))
    for sample in samples:
        numbers = numbered_frames(sample.source.path)
        assert {sample.onset, sample.apex or sample.onset, sample.offset or sample.onset} <= set(numbers)
    assert {finding.level for finding in check(name, tmp_path / "tree", deep=True)} == {"note"}


def frames(root: Path) -> list[Path]:
    return [path for path in root.rglob("*") if path.is_file() and path.parent.name != "depth"]


@pytest.mark.parametrize(
    ("name", "layout"), [(name, layout.name) for name in CORPORA for layout in DATASETS[name].layouts[1:]]
)
def test_every_other_layout_too(name: str, layout: str, shared_data: Path, tmp_path: Path) -> None:
    write_fixture(name, shared_data / "annotations", tmp_path / "tree", limit=2, size=(48, 48), layout=layout)
    assert len(DATASETS[name].read(tmp_path / "tree")) == 2
    assert {finding.level for finding in check(name, tmp_path / "tree")} == {"note"}


def test_long_videos_keep_their_macro_expressions(shared_data: Path, tmp_path: Path) -> None:
    write_fixture("casme-sq", shared_data / "annotations", tmp_path / "tree", limit=1, size=(48, 48))
    videos = DATASETS["casme-sq"].read_long(tmp_path / "tree")
    kinds = Counter(interval.kind for video in videos for interval in video.intervals)
    assert kinds["micro"] == 1
    assert kinds["macro"] > 0


def test_depth_lies_beside_colour_in_16_bits(shared_data: Path, tmp_path: Path) -> None:
    write_fixture("casme3", shared_data / "annotations", tmp_path / "tree", limit=1, size=(64, 48))
    for sample in DATASETS["casme3"].read(tmp_path / "tree"):
        assert sample.source.depth is not None
        assert set(numbered_frames(sample.source.depth)) == set(numbered_frames(sample.source.path))
        depth = cv2.imread(str(sample.source.depth / f"{sample.onset}.png"), cv2.IMREAD_UNCHANGED)
        assert depth.dtype == np.uint16
        assert depth[24, 32] < depth[0, 0], "the nose is nearer than the wall"


def test_all_frames_of_a_row_are_there_under_its_numbers(table: Path, tmp_path: Path) -> None:
    made = write_fixture("casme2", table, tmp_path / "tree", size=(64, 48))
    assert made.frames == 13 + 15 + 8 + 13
    names = sorted(path.name for path in (tmp_path / "tree" / "sub01" / "EP02_01f").iterdir())
    assert names == [f"img{number}.jpg" for number in range(46, 59)]
    marked = json.loads((tmp_path / "tree" / MARK).read_text())
    assert (marked["samples"], marked["subjects"], marked["emotions"]["happiness"]) == (4, 3, 1)


def test_the_face_performs_the_rows_action_units(table: Path, tmp_path: Path) -> None:
    write_fixture("casme2", table, tmp_path / "tree", layout="cropped", size=(128, 128))
    smile = numbered_frames(tmp_path / "tree" / "sub01" / "EP02_01f")
    matrix = eye_crop_matrix(canonical_points(128), 128)
    onset, apex, offset = (warp(cv2.imread(str(smile[number])), matrix, 128) for number in (46, 52, 58))
    u, v = optical_flow(onset, apex)
    corners = (slice(66, 96), slice(24, 48)), (slice(66, 96), slice(80, 104))
    assert u[corners[0]].mean() < -0.1 < 0.1 < u[corners[1]].mean(), "lip corners go apart"
    assert max(v[corner].mean() for corner in corners) < -0.1, "and up"
    assert np.abs(optical_flow(onset, offset)).mean() < 0.1, "and back"


def test_people_differ_and_one_person_does_not(table: Path, tmp_path: Path) -> None:
    write_fixture("casme2", table, tmp_path / "tree", size=(96, 72))
    first = {
        path.parent.name + path.parts[-3]: cv2.imread(str(path)).astype(float) for path in onsets(tmp_path / "tree")
    }
    same = np.abs(first["EP02_01fsub01"] - first["EP03_02sub01"]).mean()
    other = np.abs(first["EP02_01fsub01"] - first["EP02_01fsub02"]).mean()
    assert 0 < same < other


def onsets(root: Path) -> list[Path]:
    return [next(iter(numbered_frames(sample.source.path).values())) for sample in DATASETS["casme2"].read(root)]


def test_the_face_is_found_in_small_raw_frames(table: Path, tmp_path: Path) -> None:
    write_fixture("casme2", table, tmp_path / "tree")
    finder = face_backend("dlib")
    for path in onsets(tmp_path / "tree"):
        assert len(finder.detect(cv2.imread(str(path))[..., ::-1].copy())) == 1


def test_the_same_seed_gives_the_same_tree(table: Path, tmp_path: Path) -> None:
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        write_fixture("casme2", table, tmp_path / name, size=(48, 48), seed=seed)
    trees = [[path.read_bytes() for path in sorted((tmp_path / name).rglob("*.jpg"))] for name in "abc"]
    assert trees[0] == trees[1] != trees[2]


def test_clips_are_spread_over_subjects_and_classes() -> None:
    clips = [clip(f"s{subject}", emotion, take) for subject in range(9) for emotion in "abc" for take in range(4)]
    chosen = spread(clips, 12)
    assert set(Counter(sample.emotion for sample in chosen).values()) == {4}
    assert sorted(Counter(sample.subject for sample in chosen).values()) == [4, 4, 4]
    assert spread(clips, 1000) == clips


def clip(subject: str, emotion: str, take: int) -> Sample:
    return Sample("made", f"made/{subject}", f"made/{subject}/{emotion}{take}", emotion, Source("frames", Path()))


def test_a_limited_table_keeps_its_form(table: Path, tmp_path: Path) -> None:
    book = openpyxl.load_workbook(table)
    book.active.insert_rows(1, 2)
    book.active["A1"] = "a preamble"
    book.active["E6"] = "=D6+7"
    book.save(table)
    # A spreadsheet program stores what formulas amount to; without that the cell is empty, and so is the apex.
    write_fixture("casme2", table, tmp_path / "tree", limit=2, size=(48, 48))
    sheet = openpyxl.load_workbook(tmp_path / "tree" / table.name).active
    assert sheet["A1"].value == "a preamble"
    assert sheet.max_row == 5
    assert [sheet.cell(3, column).value for column in (1, 2, 9)] == ["Subject", "Filename", "Estimated Emotion"]


@pytest.mark.parametrize(
    ("use", "says"),
    [
        ({"name": "motion-npz"}, "expected a corpus of frames"),
        ({"name": "samm"}, "expected a file named like"),
        ({"layout": "square"}, "expected raw or cropped"),
        ({"limit": 0}, "at least one clip"),
        ({"size": (10, 10)}, "expected 48x48"),
        ({"seed": -1}, "from 0"),
    ],
)
def test_bad_use_gets_one_line_and_leaves_nothing(use: dict, says: str, table: Path, tmp_path: Path) -> None:
    with pytest.raises(MienError, match=says):
        write_fixture(use.pop("name", "casme2"), table, tmp_path / "tree", **use)
    assert not (tmp_path / "tree").exists()


def test_what_is_there_is_not_written_over(table: Path, tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "thesis.txt").touch()
    with pytest.raises(MienError, match="expected a new or empty folder"):
        write_fixture("casme2", table, tmp_path / "tree")
    assert (tmp_path / "tree" / "thesis.txt").exists()


def test_samm_lv_says_that_it_has_no_emotions_only_where_none_are_beside(shared_data: Path, tmp_path: Path) -> None:
    lonely = tmp_path / "SAMMLV_gt.xlsx"
    lonely.write_bytes((shared_data / "annotations" / "SAMMLV_gt.xlsx").read_bytes())
    write_fixture("samm-lv", lonely, tmp_path / "tree", limit=2, size=(48, 48))
    with pytest.warns(MienWarning, match="has no emotions"):
        DATASETS["samm-lv"].read(tmp_path / "tree")
    assert "no-emotions" in {finding.code for finding in check("samm-lv", tmp_path / "tree")}
