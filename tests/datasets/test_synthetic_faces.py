"""Rendered corpora: what the reader takes from a tree, what it refuses, and that a method runs on it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mien.core import MienError
from mien.datasets import check
from mien.datasets.synthetic_faces import read
from mien.evaluation import evaluate
from mien.synthesis import render_corpus

HEADER = (
    "Subject,Filename,OnsetFrame,ApexFrame,OffsetFrame,Action Units,Estimated Emotion,Side,fps,intensity_px,portrait"
)
CLIP = "01,EP01_01,46,59,73,6+12,positive,left,29.97,1.2,1"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The folders of two clips, of which one has depth."""
    for folder in ("sub01/EP01_01", "sub02/EP01_01", "depth/sub01/EP01_01"):
        (tmp_path / folder).mkdir(parents=True)
    return tmp_path


def write(root: Path, *lines: str) -> Path:
    (root / "annotations.csv").write_text("\n".join(lines))
    return root


def test_onset_apex_and_offset_are_frame_numbers_of_the_table(root: Path) -> None:
    one, two = read(write(root, HEADER, CLIP, "2,EP01_01,4,9,12,4,negative,both,100.0,0,2"))
    assert (one.dataset, one.subject) == ("synthetic-faces", "synthetic-faces/sub01")
    assert one.sample_id == "synthetic-faces/sub01/EP01_01"
    assert (one.onset, one.apex, one.offset, one.fps) == (46, 59, 73, 29.97)
    assert (one.emotion, one.action_units) == ("positive", {6, 12})
    assert (one.source.kind, one.source.path) == ("frames", root / "sub01/EP01_01")
    assert one.source.depth == root / "depth/sub01/EP01_01"
    assert (two.subject, two.fps, two.source.depth) == ("synthetic-faces/sub02", 100.0, None)


@pytest.mark.parametrize(
    ("old", "new", "column"),
    [
        ("01,EP", "sub,EP", "Subject"),
        ("EP01_01", "", "Filename"),
        ("EP01_01", "../EP01_01", "Filename"),
        ("EP01_01", "EP01_02", "Filename"),
        ("46", "/", "OnsetFrame"),
        ("59", "", "ApexFrame"),
        ("59", "46", "ApexFrame"),
        ("73", "59", "ApexFrame"),
        ("73", "-1", "OffsetFrame"),
        ("positive", "happiness", "Estimated Emotion"),
        ("29.97", "", "fps"),
        ("29.97", "0", "fps"),
        ("29.97", "nan", "fps"),
    ],
)
def test_a_broken_row_is_named(root: Path, old: str, new: str, column: str) -> None:
    with pytest.raises(MienError, match=rf"in row 2, column '{column}' of .*expected"):
        read(write(root, HEADER, CLIP.replace(old, new, 1)))


def test_a_missing_table_column_or_row_and_a_clip_that_stands_twice_are_said(root: Path) -> None:
    with pytest.raises(MienError, match=r"without 'annotations.csv'; expected .* 'mien datasets render' makes one"):
        read(root)
    with pytest.raises(MienError, match="without the column fps"):
        read(write(root, HEADER.replace("fps", "rate"), CLIP))
    with pytest.raises(MienError, match="without rows"):
        read(write(root, HEADER))
    with pytest.raises(MienError, match="twice in"):
        read(write(root, HEADER, CLIP, CLIP))


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    options = {"people": 3, "clips_per_person": 3, "fps": 20, "depth": True, "jobs": 1}
    return render_corpus(tmp_path_factory.mktemp("faces"), **options)


def test_a_rendered_corpus_reads_as_its_truth_says_and_has_no_faults(rendered: Path) -> None:
    told = json.loads((rendered / "truth.json").read_text())
    for sample, clip in zip(read(rendered), told["clips"], strict=True):
        assert sample.sample_id == f"synthetic-faces/{clip['clip']}"
        assert (sample.onset, sample.apex, sample.offset) == (clip["onset"], clip["apex"], clip["offset"])
        assert (sample.emotion, sample.action_units) == (clip["emotion"], set(clip["action_units"]))
        assert (sample.source.path / f"img{sample.apex}.jpg").is_file()
        assert sample.source.depth is not None
    assert [finding.code for finding in check("synthetic-faces", rendered, deep=True)] == ["counts"]


def test_a_method_is_evaluated_on_rendered_frames(rendered: Path, tmp_path: Path) -> None:
    scores = evaluate("flow-svm", "synthetic-faces", rendered, out=tmp_path / "run", jobs=1)
    assert scores["n"] == 9
    assert (tmp_path / "run" / "predictions.csv").read_text().count("synthetic-faces/sub03/EP01_0") == 3
