"""Five points: taken out of the 68, aligned, framed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.core import MienError
from mien.faces import apply_affine, box_around, canonical_points, eye_crop_matrix, face_backend
from mien.faces.five_points import align_five, box_around_five, five_from_68


def test_the_five_are_eye_centres_nose_tip_and_mouth_corners() -> None:
    points = np.stack([np.arange(68.0), 100 + np.arange(68.0)], axis=1)
    np.testing.assert_allclose(five_from_68(points)[:, 0], [38.5, 44.5, 30, 48, 54])
    np.testing.assert_allclose(five_from_68(points)[:, 1], [138.5, 144.5, 130, 148, 154])


@given(
    st.floats(-180, 180), st.floats(0.2, 5), st.floats(-500, 500), st.floats(-500, 500), st.sampled_from([64, 112, 128])
)
def test_a_turned_scaled_and_shifted_face_comes_back_upright(
    degrees: float, scale: float, x: float, y: float, size: int
) -> None:
    turn = np.radians(degrees)
    linear = scale * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    template = five_from_68(canonical_points(size))
    seen = template @ linear.T + [x, y]
    np.testing.assert_allclose(apply_affine(align_five(seen, size), seen), template, atol=1e-4 * size)


def test_eyes_come_to_three_and_seven_tenths_of_the_width() -> None:
    eyes = apply_affine(align_five(five_from_68(canonical_points(200))), five_from_68(canonical_points(200)))[:2]
    np.testing.assert_allclose((eyes + 0.5) / 128, [[0.3, 0.24], [0.7, 0.24]], atol=1e-6)


def test_a_neutral_frontal_face_is_cropped_as_by_its_eyes() -> None:
    points = 3.0 * canonical_points(100) + 17
    np.testing.assert_allclose(align_five(five_from_68(points), 96), eye_crop_matrix(points, 96), atol=1e-4)


def test_a_face_is_never_mirrored() -> None:
    mirrored = five_from_68(canonical_points(128)) * [-1, 1]
    assert np.linalg.det(align_five(mirrored)[:, :2]) > 0


def test_an_open_mouth_shrinks_the_face_but_does_not_turn_it() -> None:
    points = five_from_68(canonical_points(128))
    points[3:, 1] += 12
    matrix = align_five(points)
    assert matrix[1, 0] == pytest.approx(0, abs=1e-6)
    assert 0.85 < matrix[0, 0] < 1


@pytest.mark.parametrize(
    ("points", "message"),
    [
        (np.zeros((68, 2)), r"shape \(68, 2\)"),
        (np.full((5, 2), np.nan), "nan"),
        (np.ones((5, 2)), "coincide"),
    ],
)
def test_what_are_no_five_points_is_one_line(points: np.ndarray, message: str) -> None:
    with pytest.raises(MienError, match=message):
        align_five(points)


def test_a_crop_needs_a_size() -> None:
    with pytest.raises(MienError, match="positive"):
        align_five(five_from_68(canonical_points(100)), 0)


class TestFrame:
    """The box of five points is the box in which dlib frames the 68."""

    def test_the_canonical_face(self) -> None:
        points = canonical_points(100)
        np.testing.assert_allclose(box_around_five(five_from_68(points)), box_around(points), atol=2)

    def test_infinite_points_are_refused(self) -> None:
        with pytest.raises(MienError, match="nan"):
            box_around_five(np.full((5, 2), np.inf))

    def test_real_faces_of_the_corpora(self, shared_data: Path) -> None:
        """578 landmark sets: no bias, and 95 % of all edges within a tenth of the box."""
        faces = np.load(shared_data / "landmarks" / "apex_landmarks_68.npz")["points"]
        off = np.array([np.subtract(box_around_five(five_from_68(p)), box_around(p)) / box_around(p).w for p in faces])
        assert (np.abs(np.median(off, axis=0)) < 0.02).all()
        assert np.quantile(np.abs(off), 0.95) < 0.1

    def test_dlib_finds_the_same_68_points_in_it(self) -> None:
        from skimage.data import astronaut

        picture = astronaut()
        dlib = face_backend("dlib")
        points = dlib.landmarks(picture, dlib.detect(picture)[0])
        again = dlib.landmarks(picture, box_around_five(five_from_68(points)))
        apart = np.linalg.norm(again - points, axis=1) / np.linalg.norm(np.subtract(*five_from_68(points)[:2]))
        assert apart.mean() < 0.03  # eye distances; dlib's own jitter between two of its boxes is 0.01
