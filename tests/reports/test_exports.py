"""Tables for other programs: the columns mean there what they mean here."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mien.core import Interval, MienError
from mien.protocols import read_intervals
from mien.reports.exports import openface_pose, write_megc, write_openface

MOMENT = Interval(240, 264, 304, 1.2, 1.32, 1.52, 0.618, "negative", 0.7)
SIZE = (640, 480)


def test_a_submission_reads_back_with_frames_from_one(tmp_path: Path) -> None:
    longer = replace(MOMENT, onset_frame=10, apex_frame=100, offset_frame=200, kind="macro")
    path = write_megc(tmp_path / "a.csv", [MOMENT, longer], "006_1")
    assert path.read_text() == "vid,pred_onset,pred_offset,type\n006_1,11,201,mae\n006_1,241,305,me\n"
    [spans] = read_intervals(path).values()
    assert [(span.onset_frame, span.offset_frame, span.kind) for span in spans] == [
        (11, 201, "macro"), (241, 305, "micro"),
    ]  # fmt: skip


def test_a_video_named_with_a_comma_keeps_its_name(tmp_path: Path) -> None:
    assert set(read_intervals(write_megc(tmp_path / "a.csv", [MOMENT], 'a, "b"'))) == {'a, "b"'}


def test_nothing_spotted_is_a_submission_too(tmp_path: Path) -> None:
    assert read_intervals(write_megc(tmp_path / "a.csv", [], "006_1")) == {}


def rotation(x: float, y: float, z: float) -> np.ndarray:
    """R = Rx Ry Rz about x right, y down, z away: OpenFace's, written from its documentation."""
    (sx, sy, sz), (cx, cy, cz) = np.sin([x, y, z]), np.cos([x, y, z])
    about_x = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_z = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    return about_x @ about_y @ about_z


def photographed(angles: tuple[float, float, float], place: tuple[float, float, float]) -> np.ndarray:
    """A head of 68 points, in eye distances, seen by a pinhole camera of OpenFace's focal length."""
    from mien.faces.quality import _HEAD, _POSE_POINTS

    head = np.zeros((68, 3))
    head[_POSE_POINTS] = _HEAD
    seen = head @ rotation(*angles).T + place
    return 500 * seen[:, :2] / seen[:, 2:] + (SIZE[0] / 2, SIZE[1] / 2)


@pytest.mark.parametrize("place", [(0.0, 0.0, 40.0), (12.0, 0.0, 40.0), (-10.0, 6.0, 40.0)])
@pytest.mark.parametrize(
    "degrees", [(0, 0, 0), (15, 0, 0), (-15, 0, 0), (0, 20, 0), (0, -20, 0), (0, 0, 12), (10, -15, 8), (-8, 12, -20)]
)
def test_the_pose_is_the_rotation_that_openface_means(
    degrees: tuple[int, int, int], place: tuple[float, float, float]
) -> None:
    from mien.faces.quality import head_pose

    points = photographed(tuple(np.radians(degrees)), place)
    middle = 500 * np.array(place[:2]) / place[2] + (SIZE[0] / 2, SIZE[1] / 2)
    found = np.degrees(openface_pose([head_pose(points)], [middle], SIZE))[0]
    assert found == pytest.approx(degrees, abs=2.5)


def test_a_head_that_looks_down_to_the_left_has_the_signs_of_openface() -> None:
    looks_left_and_down = [[-20.0, -10.0, 0.0]]  # mien: yaw to the image's right, pitch up
    x, y, _ = openface_pose(looks_left_and_down, [[320, 240]], SIZE)[0]
    assert x > 0.1
    assert y > 0.3


def test_a_face_beside_the_middle_that_seems_turned_outwards_is_not_turned() -> None:
    seen_under = np.degrees(np.arctan(200 / 500))
    angles = openface_pose([[seen_under, 0.0, 0.0]], [[520.0, 240.0]], SIZE)
    assert angles == pytest.approx(np.zeros((1, 3)), abs=1e-9)


def test_each_face_has_its_rows_and_a_frame_without_a_face_has_one(tmp_path: Path) -> None:
    gone = [np.nan] * 5
    faces = {1: [[0, 0, 0, 320, 240], gone, gone], 2: [[5, 0, 0, 320, 240], [5, 0, 0, 320, 240], gone]}
    path = write_openface(tmp_path / "a.csv", [0.5, 0.54, 0.58], faces, SIZE)
    with path.open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["frame"], row["face_id"], row["timestamp"], row["success"]) for row in rows] == [
        ("1", "0", "0.500000", "1"),
        ("1", "1", "0.500000", "1"),
        ("2", "1", "0.540000", "1"),
        ("3", "0", "0.580000", "0"),
    ]
    assert float(rows[1]["pose_Ry"]) == pytest.approx(np.radians(-5), abs=1e-4)
    assert rows[3]["pose_Rx"] == ""


def test_only_columns_that_mean_the_same_are_written(tmp_path: Path) -> None:
    path = write_openface(tmp_path / "a.csv", [0.0], {1: [[0, 0, 0, 320, 240]]}, SIZE)
    assert path.read_text().splitlines()[0] == "frame,face_id,timestamp,success,pose_Rx,pose_Ry,pose_Rz"


def test_a_row_too_few_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MienError, match="a row for each frame"):
        write_openface(tmp_path / "a.csv", [0.0, 0.1], {1: [[0, 0, 0, 320, 240]]}, SIZE)
    assert not list(tmp_path.iterdir())
