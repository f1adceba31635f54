"""Landmarks from elsewhere come in as they are written, and what is broken is named."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from mien.core import MienError
from mien.faces import canonical_points
from mien.faces.landmark_file import LandmarkFile, read_landmarks

FACE = canonical_points(200)


def write_csv(
    path: Path, rows: list[dict[str, object]], *, first: tuple[str, ...] = ("frame", "timestamp", "confidence")
) -> Path:
    """A file as OpenFace writes it: blanks in the header, the 3-D and the gaze's columns among the 68 points."""
    names = [*first, "eye_lmk_x_0", *(f"x_{i}" for i in range(68)), *(f"y_{i}" for i in range(68)), "X_0", "Y_0"]
    lines = [", ".join(names)]
    for row in rows:
        points = np.asarray(row.get("points", FACE)).T
        cells = {f"{axis}_{i}": points["xy".index(axis), i] for axis in "xy" for i in range(68)}
        cells |= {"eye_lmk_x_0": -1.0, "X_0": -77.0, "Y_0": -78.0, "timestamp": 0.0, "confidence": 0.98}
        lines.append(", ".join(str((cells | row)[name]) for name in names))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def write_json(path: Path, content: object) -> Path:
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def test_openface_columns_are_read(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "clip.csv", [{"frame": 1}, {"frame": 2, "points": FACE + 3}])
    file = read_landmarks(path)
    found = file.points("casme2/sub01/EP02_01f", 2)
    assert (found.shape, found.dtype) == ((68, 2), np.float32)
    assert found == pytest.approx(FACE + 3)
    assert file.points("any", 1) == pytest.approx(FACE)
    assert file.clips == ()


@pytest.mark.parametrize("column", ["clip", "sample_id"])
def test_many_clips_stand_in_one_csv(tmp_path: Path, column: str) -> None:
    rows = [
        {column: "smic/s1/a", "frame": 7},
        {column: "smic/s1/b", "frame": 7, "points": FACE * 2},
        {column: "smic/s1/b", "frame": "9.0", "points": FACE * 3},
    ]
    file = read_landmarks(write_csv(tmp_path / "all.csv", rows, first=(column, "frame")))
    assert file.clips == ("smic/s1/a", "smic/s1/b")
    assert file.points("smic/s1/a", 7) == pytest.approx(FACE)
    assert file.points("smic/s1/b", 9) == pytest.approx(FACE * 3)


def test_json_with_clips_and_without(tmp_path: Path) -> None:
    several = read_landmarks(write_json(tmp_path / "a.json", {"x": {"46": FACE.tolist()}, "y": {"3": [[1, 2]] * 68}}))
    assert several.points("x", 46) == pytest.approx(FACE)
    assert several.points("y", 3) == pytest.approx(np.tile([1, 2], (68, 1)))
    one = read_landmarks(write_json(tmp_path / "b.json", {"46": FACE.tolist(), "47": (FACE + 1).tolist()}))
    assert one.points("whatever", 47) == pytest.approx(FACE + 1)


def test_without_a_number_it_is_the_clips_first_frame(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "clip.csv", [{"frame": 50, "points": FACE + 9}, {"frame": 46}, {"frame": 47}])
    assert read_landmarks(path).points("x") == pytest.approx(FACE)
    onset = read_landmarks(write_json(tmp_path / "onset.json", {"x": {"46": FACE.tolist()}}))
    assert np.array_equal(onset.points("x"), onset.points("x", 46))


def test_frames_on_which_the_tracker_failed_are_left_out(tmp_path: Path) -> None:
    rows = [
        {"frame": 1, "success": 0, "points": np.zeros((68, 2))},
        {"frame": 2, "success": 1},
        {"frame": 3, "success": 0, "points": np.full((68, 2), np.nan)},
    ]
    file = read_landmarks(write_csv(tmp_path / "clip.csv", rows, first=("frame", "success")))
    assert file.points("x") == pytest.approx(FACE)
    for frame in (1, 3):
        with pytest.raises(MienError, match=f"frame {frame} of 'x'.* which has 2"):
            file.points("x", frame)


def test_a_byte_order_mark_and_empty_lines_do_not_matter(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "clip.CSV", [{"frame": 1}])
    path.write_text("\ufeff" + path.read_text() + "\n,,\n", encoding="utf-8")
    assert read_landmarks(path).points("x", 1) == pytest.approx(FACE)


def test_what_is_given_out_may_be_changed(tmp_path: Path) -> None:
    file = read_landmarks(write_csv(tmp_path / "clip.csv", [{"frame": 1}]))
    file.points("x", 1)[:] = 0
    assert file.points("x", 1) == pytest.approx(FACE)


@pytest.fixture
def onsets(tmp_path: Path) -> LandmarkFile:
    frames = {str(number): FACE.tolist() for number in (46, 47, 48, 60)}
    return read_landmarks(write_json(tmp_path / "a.json", {"casme2/sub01/EP02_01f": frames}))


def test_a_missing_clip_or_frame_is_named(onsets: LandmarkFile) -> None:
    with pytest.raises(MienError, match=r"clip 'casme2/sub01/EP02_01'.*such as 'casme2/sub01/EP02_01f'"):
        onsets.points("casme2/sub01/EP02_01", 46)
    with pytest.raises(MienError, match=r"frame 1 of .* which has 46-48, 60.*OpenFace counts from 1"):
        onsets.points("casme2/sub01/EP02_01f", 1)


def broken(points: object) -> dict[str, object]:
    return {"frame": 4, "points": points}


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([{"frame": 3}, {"frame": 3}], "frame 3 a second time in row 3"),
        ([{"frame": 3}, {"frame": "3.0"}], "frame 3 a second time"),
        ([broken(np.where(FACE[5] == FACE, np.nan, FACE))], "nan or no pixel in row 2"),
        ([broken(FACE * 1e30)], "nan or no pixel in row 2"),
        ([broken(np.where(FACE[5] == FACE, "?", FACE))], "numbers in row 2"),
        ([{"frame": "onset"}], "frame 'onset' in row 2"),
        ([{"frame": -1}], "frame '-1' in row 2"),
        ([{"frame": 1.5}], r"frame '1\.5' in row 2"),
        ([], "without a face"),
    ],
)
def test_broken_rows_are_named(tmp_path: Path, rows: list[dict[str, object]], says: str) -> None:
    path = write_csv(tmp_path / "clip.csv", rows)
    with pytest.raises(MienError, match=says) as caught:
        read_landmarks(path)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("x_67,", "x_68,", "without the column x_67"),
        ("x_67,", "x_66,", "without the column x_67"),
        ("eye_lmk_x_0,", "x_0,", "two columns x_0"),
        ("frame,", "number,", "without the column frame"),
        (", 0.98", "", "cells in row 2"),
        (", 0.98", ", 0,98", "cells in row 2"),
    ],
)
def test_a_broken_csv_is_named(tmp_path: Path, old: str, new: str, says: str) -> None:
    path = write_csv(tmp_path / "clip.csv", [{"frame": 1}])
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(MienError, match=says):
        read_landmarks(path)


def test_a_clip_without_a_name_is_named(tmp_path: Path) -> None:
    with pytest.raises(MienError, match="no clip in row 2"):
        read_landmarks(write_csv(tmp_path / "a.csv", [{"clip": "", "frame": 1}], first=("clip", "frame")))
    with pytest.raises(MienError, match="without a name"):
        read_landmarks(write_json(tmp_path / "a.json", {"": {"1": FACE.tolist()}}))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("{", "does not read"),
        ("[" * 100_000, "does not read"),
        ([1, 2], "at its top"),
        ({"x": {"1": FACE.tolist()}, "2": FACE.tolist()}, "at its top"),
        ({}, "without a face"),
        ({"x": {}}, "without a face"),
        ({"x": {"1": FACE[:67].tolist()}}, r"points \(67, 2\) in frame '1' of 'x'"),
        ({"x": {"1": FACE.ravel().tolist()}}, r"points \(136,\)"),
        ({"1": [*FACE[:67].tolist(), [5]]}, r"numbers in frame '1'"),
        ({"1": [*FACE[:67].tolist(), [5, None]]}, "nan"),
        ('{"1": [' + "[NaN, 1], " * 67 + "[1, 1]]}", "nan"),
        ({"1": {"2": {"3": FACE.tolist()}}}, "numbers"),
        ({"first": FACE.tolist()}, "frame 'first'"),
        ('{"1": [], "1": []}', "'1' twice"),
        ({"1": FACE.tolist(), "01": FACE.tolist()}, "frame 1 a second time"),
    ],
)
def test_a_broken_json_is_named(tmp_path: Path, content: object, says: str) -> None:
    with pytest.raises(MienError, match=says) as caught:
        read_landmarks(write_json(tmp_path / "a.json", content))
    assert "\n" not in str(caught.value)


def test_other_files_are_refused(tmp_path: Path) -> None:
    for name in ("none.csv", "none.json", "points.mat"):
        with pytest.raises(MienError, match=r"existing \.csv or \.json"):
            read_landmarks(tmp_path / name)
    (tmp_path / "wide.csv").write_bytes("frame".encode("utf-16"))
    with pytest.raises(MienError, match="UTF-8"):
        read_landmarks(tmp_path / "wide.csv")
