"""The eye crop is 2.5 eye distances wide, upright, and follows the face; warping is exact and does not alias."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.core import MienError
from mien.faces import MIRRORED, apply_affine, canonical_points, eye_centres, eye_crop_matrix, invert, warp


@given(st.floats(0.3, 4), st.floats(-1.5, 1.5), st.floats(-300, 300), st.floats(-300, 300), st.integers(28, 256))
def test_any_upright_or_tilted_face_comes_to_the_same_place(
    scale: float, angle: float, x: float, y: float, size: int
) -> None:
    cos, sin = scale * np.cos(angle), scale * np.sin(angle)
    placed = apply_affine(np.array([[cos, -sin, x], [sin, cos, y]]), canonical_points(100))
    cropped = apply_affine(eye_crop_matrix(placed, size), placed)
    assert cropped == pytest.approx(canonical_points(size), abs=1e-3)


def test_the_box_of_the_specification() -> None:
    points = canonical_points(200) + 30
    left, right = eye_centres(points)
    distance, middle = right[0] - left[0], (left + right) / 2
    corners = apply_affine(invert(eye_crop_matrix(points, 100)), [[-0.5, -0.5], [99.5, 99.5]])
    assert corners[0] == pytest.approx(middle + distance * np.array([-1.25, -0.6]))
    assert corners[1] == pytest.approx(middle + distance * np.array([1.25, 1.9]))


def test_a_wide_box_grows_in_height() -> None:
    points = canonical_points(200)
    middle = eye_centres(points).mean(axis=0)
    crop = eye_crop_matrix(points, 90, side=1.5, above=0.5, below=0.5)
    assert apply_affine(crop, middle[None])[0] == pytest.approx([44.5, 44.5])


def test_the_canonical_face_is_symmetric_and_in_the_square() -> None:
    points = canonical_points(1) + 0.5
    assert points[MIRRORED] == pytest.approx(points * [-1, 1] + [1, 0], abs=1e-6)
    assert ((points > 0) & (points < 1)).all()
    assert sorted(MIRRORED) == list(range(68))
    assert points[36:42].mean(axis=0) == pytest.approx([0.3, 0.24])


def test_the_canonical_face_is_an_average_one(shared_data) -> None:  # type: ignore[no-untyped-def]
    faces = np.load(shared_data / "landmarks" / "apex_landmarks_68.npz")["points"]
    cropped = [apply_affine(eye_crop_matrix(points, 1), points) for points in faces]
    assert np.abs(np.median(cropped, axis=0) - canonical_points(1)).max() < 0.05


def test_warp_moves_by_whole_pixels_exactly_and_repeats_edges() -> None:
    rng = np.random.default_rng(0)
    for shape in ((20, 30), (20, 30, 3)):
        image = rng.integers(0, 255, shape, np.uint8)
        assert np.array_equal(warp(image, np.array([[1.0, 0, -4], [0, 1, -3]]), 10), image[3:13, 4:14])
        assert (warp(image, np.array([[1.0, 0, 50], [0, 1, 50]]), 10) == image[0, 0]).all()


@pytest.mark.parametrize("factor", [1.0, 1.5, 2.0, 3.3, 4.0, 6.5])
def test_shrinking_keeps_places(factor: float) -> None:
    y, x = np.mgrid[0:400, 0:400]
    image = np.rint(0.3 * x + 0.25 * y).astype(np.uint8)
    matrix = np.array([[1 / factor, 0, -20 / factor], [0, 1 / factor, -31 / factor]])
    v, u = np.mgrid[0:40, 0:40]
    truth = 0.3 * (u * factor + 20) + 0.25 * (v * factor + 31)
    assert np.abs(warp(image, matrix, 40) - truth).max() < 1


def test_fine_texture_does_not_alias_when_shrunk() -> None:
    y, x = np.mgrid[0:600, 0:600]
    checks = ((x + y) % 2 * 255).astype(np.uint8)
    shrunk = warp(checks, np.array([[0.2, 0, -1.3], [0, 0.2, -2.7]]), 100)
    assert np.abs(shrunk.astype(int) - 127).max() < 20


def test_bad_input() -> None:
    points = canonical_points(100)
    broken = points.copy()
    broken[3] = np.nan
    for bad in (broken, points[:5], np.zeros((68, 2))):
        with pytest.raises(MienError, match="landmarks"):
            eye_crop_matrix(bad, 64)
    with pytest.raises(MienError):
        eye_crop_matrix(points, 0)
    with pytest.raises(MienError, match="map"):
        warp(np.zeros((4, 4), np.uint8), np.full((2, 3), np.nan), 4)
    with pytest.raises(MienError, match="uint8"):
        warp(np.zeros((4, 4)), np.eye(2, 3), 4)
    with pytest.raises(MienError, match="positive"):
        canonical_points(0)
