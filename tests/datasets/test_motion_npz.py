"""One file of ready maps: ids are namespaced by corpus, and every way it can be broken is one clear line."""

from __future__ import annotations

import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from mien.core import MienError, Source
from mien.datasets import DATASETS

read = DATASETS["motion-npz"].read


def arrays(**changes: object) -> dict[str, np.ndarray]:
    good = {
        "X": np.zeros((3, 28, 28, 3), np.uint8),
        "y": np.array([0, 1, 2]),
        "subject": np.array(["sub01", "sub01", "s1"]),
        "dataset": np.array(["casme2", "casme2", "smic"]),
        "sample_id": np.array(["EP02_01f", "EP03_02", "s1_ne_01"]),
    }
    return {name: np.asarray(value) for name, value in (good | changes).items() if value is not None}


def written(folder: Path, **changes: object) -> Path:
    path = folder / "maps.npz"
    np.savez(path, **arrays(**changes))
    return path


def test_bare_ids_are_namespaced_by_their_corpus(tmp_path: Path) -> None:
    path = written(tmp_path)
    first, _, last = read(path)
    assert (first.dataset, first.subject, first.sample_id) == ("casme2", "casme2/sub01", "casme2/sub01/EP02_01f")
    assert first.source == Source("motion", path, 0)
    assert (last.sample_id, last.emotion) == ("smic/s1/s1_ne_01", "surprise")


@pytest.mark.parametrize("clip", ["EP02_01f", "sub01/EP02_01f", "casme2/sub01/EP02_01f"])
@pytest.mark.parametrize("subject", ["sub01", "casme2/sub01"])
def test_ids_that_are_namespaced_stay(tmp_path: Path, subject: str, clip: str) -> None:
    path = written(tmp_path, subject=[subject, "sub02", "s1"], sample_id=[clip, "b", "c"])
    assert read(path)[0].sample_id == "casme2/sub01/EP02_01f"


def test_two_subjects_may_use_one_clip_name(tmp_path: Path) -> None:
    path = written(tmp_path, subject=["sub01", "sub02", "s1"], sample_id=["EP01_08", "EP01_08", "EP01_08"])
    assert len({sample.sample_id for sample in read(path)}) == 3


def test_optional_arrays_are_honoured(tmp_path: Path) -> None:
    path = written(tmp_path, classes=["calm", "joy", "fear"], action_units=["4+7", "AU12", ""])
    samples = read(path)
    assert [sample.emotion for sample in samples] == ["calm", "joy", "fear"]
    assert [sample.action_units for sample in samples] == [{4, 7}, {12}, set()]
    assert samples[0].action_units_text == "4+7"


BROKEN = {
    "missing": ({"subject": None}, "without subject"),
    "no maps": ({"X": np.zeros((0, 28, 28, 3), np.uint8)}, r"got X \(0, 28, 28, 3\)"),
    "float maps": ({"X": np.zeros((3, 28, 28, 3), np.float32)}, "got X .* float32"),
    "nan maps": ({"X": np.full((3, 28, 28, 3), np.nan)}, "got X .* float64"),
    "grey maps": ({"X": np.zeros((3, 28, 28), np.uint8)}, r"got X \(3, 28, 28\)"),
    "lengths": ({"subject": ["sub01"]}, r"got subject \(1,\)"),
    "float labels": ({"y": [0.0, 1.0, 2.0]}, "got y .* float64"),
    "label": ({"y": [0, 1, 3]}, "got the label 3 in row 2"),
    "negative label": ({"y": [0, -1, 2]}, "got the label -1 in row 1"),
    "label beyond classes": ({"classes": ["a", "b"]}, "got the label 2 in row 2"),
    "twin classes": ({"classes": ["a", "a", "b"]}, "got classes"),
    "twin ids": ({"sample_id": ["a", "a", "b"]}, "'casme2/sub01/a' twice"),
    "empty id": ({"sample_id": ["a", "", "b"]}, "empty dataset, subject or sample_id in row 1"),
    "pickled": ({"subject": np.array(["a", 1, None], object)}, "without pickle"),
    "units": ({"action_units": [4, 7, 1]}, "got action_units"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_file_is_one_clear_line(tmp_path: Path, case: str) -> None:
    changes, message = BROKEN[case]
    with pytest.raises(MienError, match=message) as caught:
        read(written(tmp_path, **changes))
    assert "maps.npz" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"not an archive", b"PK\x03\x04broken"])
def test_what_is_no_npz_is_said(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "maps.npz"
    path.write_bytes(content)
    with pytest.raises(MienError, match="does not read as motion-npz"):
        read(path)


def test_a_damaged_archive_is_said(tmp_path: Path) -> None:
    path = tmp_path / "maps.npz"
    np.savez_compressed(path, **arrays(X=np.random.default_rng(0).integers(0, 256, (3, 28, 28, 3), np.uint8)))
    with zipfile.ZipFile(path) as archive:
        start = archive.getinfo("X.npy").header_offset + 100
    data = bytearray(path.read_bytes())
    data[start : start + 200] = bytes(200)
    path.write_bytes(bytes(data))
    with pytest.raises(MienError, match="does not read as motion-npz"):
        read(path)


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(MienError, match="which is no file"):
        read(tmp_path)


def test_the_public_maps_are_the_composite_without_samm(shared_data: Path) -> None:
    samples = read(shared_data / "flow" / "ststnet_flow_smic_casme2.npz")
    counts = Counter((sample.dataset, sample.emotion) for sample in samples)
    assert [counts["casme2", name] for name in ("negative", "positive", "surprise")] == [88, 32, 25]
    assert [counts["smic", name] for name in ("negative", "positive", "surprise")] == [70, 51, 43]
    assert len({sample.subject for sample in samples}) == 40
