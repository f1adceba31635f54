"""Pose signs are as documented; blur lowers sharpness, contrast does not change it."""

from __future__ import annotations

import numpy as np
import pytest

from mien.core import MienError
from mien.faces import MIRRORED, apply_affine, canonical_points, head_pose, measure_quality, sharpness
from mien.faces.quality import _HEAD, _POSE_POINTS


def seen(yaw: float, pitch: float, roll: float) -> np.ndarray:
    """Landmarks of the generic head after turning right, looking up and tilting clockwise by so many degrees."""
    a, b, c = np.radians([yaw, pitch, roll])
    turn = np.array([[np.cos(a), 0, -np.sin(a)], [0, 1, 0], [np.sin(a), 0, np.cos(a)]])
    nod = np.array([[1, 0, 0], [0, np.cos(b), np.sin(b)], [0, -np.sin(b), np.cos(b)]])
    tilt = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    points = canonical_points(200).astype(float)
    points[_POSE_POINTS] = (_HEAD @ (tilt @ turn @ nod).T)[:, :2] * 80 + 100
    return points


@pytest.mark.parametrize(
    "angles", [(0, 0, 0), (20, 0, 0), (-20, 0, 0), (0, 15, 0), (0, -15, 0), (0, 0, 25), (15, 10, -8)]
)
def test_pose_of_the_generic_head(angles: tuple[float, float, float]) -> None:
    assert head_pose(seen(*angles)) == pytest.approx(angles, abs=3)


def test_the_nose_moves_where_the_face_turns() -> None:
    right, up = seen(20, 0, 0), seen(0, 15, 0)
    frontal = seen(0, 0, 0)
    assert right[30, 0] - right[27, 0] > frontal[30, 0] - frontal[27, 0]
    assert up[30, 1] - up[27, 1] < frontal[30, 1] - frontal[27, 1]


def test_a_mirrored_face_has_the_opposite_yaw_and_roll() -> None:
    points = seen(15, 5, 10)
    yaw, pitch, roll = head_pose(points)
    mirrored = (points * [-1, 1])[MIRRORED]
    assert head_pose(mirrored) == pytest.approx((-yaw, pitch, -roll), abs=1e-6)


def test_people_who_look_at_the_camera_have_small_angles(shared_data) -> None:  # type: ignore[no-untyped-def]
    faces = np.load(shared_data / "landmarks" / "apex_landmarks_68.npz")["points"]
    angles = np.array([head_pose(points) for points in faces])
    assert np.abs(np.median(angles, axis=0)).max() < 5


def test_blur_lowers_sharpness_and_contrast_does_not() -> None:
    import cv2

    face = np.random.default_rng(0).integers(60, 180, (64, 64), np.uint8)
    assert sharpness(cv2.GaussianBlur(face, (0, 0), 2)) < 0.1 * sharpness(face)
    assert sharpness((face // 2 + 40).astype(np.uint8)) == pytest.approx(sharpness(face), rel=0.05)
    assert sharpness(np.zeros((64, 64), np.uint8)) == 0


def test_size_is_that_of_the_eye_crop() -> None:
    points = apply_affine(np.array([[2.0, 0, 5], [0, 2, 7]]), canonical_points(80))
    assert measure_quality(points, np.zeros((64, 64), np.uint8)).size_px == pytest.approx(160, rel=1e-4)
    with pytest.raises(MienError):
        measure_quality(points * np.nan, np.zeros((64, 64), np.uint8))
