"""The public tree of maps: each clip is one sample, however many training folders hold a copy."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from mien.core import MienError
from mien.datasets import DATASETS

read = DATASETS["motion-folders"].read


def put(root: Path, place: str, value: int) -> None:
    path = root / place
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.full((28, 28, 3), value, np.uint8))


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Three subjects of three corpora; every subject's folder holds the others' clips as training copies."""
    clips = {"sub01": ("0", "EP02_01f", 10), "s1": ("positive", "s1_po_01", 20), "006": ("2", "006_1_2", 30)}
    for subject in clips:
        for other, (label, name, value) in clips.items():
            put(tmp_path, f"{subject}/{'u_test' if other == subject else 'u_train'}/{label}/{name}.png", value)
    return tmp_path


def test_a_clip_is_one_sample_of_its_own_subject(tree: Path) -> None:
    found = {sample.sample_id: sample.emotion for sample in read(tree)}
    assert found == {
        "casme2/sub01/EP02_01f": "negative",
        "smic/s1/s1_po_01": "positive",
        "samm/006/006_1_2": "surprise",
    }


def test_a_test_clip_among_its_own_training_clips_is_refused(tree: Path) -> None:
    put(tree, "sub01/u_train/0/EP02_01f.png", 10)
    with pytest.raises(MienError, match="split by subject"):
        read(tree)


def test_another_subjects_clip_of_the_same_name_is_no_leak(tree: Path) -> None:
    put(tree, "sub01/u_train/0/EP02_01f.png", 99)
    assert len(read(tree)) == 3


def test_a_clip_in_two_classes_is_refused(tree: Path) -> None:
    put(tree, "sub01/u_test/1/EP02_01f.png", 10)
    with pytest.raises(MienError, match="'casme2/sub01/EP02_01f' twice"):
        read(tree)


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("sub02/u_train/0/a.png", "got no PNG"),
        ("sub02/u_test/7/a.png", "got the class folder"),
        ("person/u_test/0/a.png", "got the subject folder 'person'"),
    ],
)
def test_a_broken_tree_is_one_clear_line(tree: Path, place: str, message: str) -> None:
    put(tree, place, 1)
    with pytest.raises(MienError, match=message):
        read(tree)


@pytest.mark.parametrize("name", ["absent", "."])
def test_no_tree_at_all_is_said(tmp_path: Path, name: str) -> None:
    with pytest.raises(MienError, match="without subject folders"):
        read(tmp_path / name)


def test_hidden_files_are_passed_over(tree: Path) -> None:
    (tree / ".cache").mkdir()
    (tree / "sub01" / "u_test" / "0" / "._EP02_01f.png").write_bytes(b"")
    assert len(read(tree)) == 3
