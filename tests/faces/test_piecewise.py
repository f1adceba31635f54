"""The piecewise affine map passes through every landmark and goes over into the affine map without a tear."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.core import MienError
from mien.faces import apply_affine, canonical_points
from mien.faces.mapping import fit_affine, jacobian, pixel_centres
from mien.faces.piecewise import fit_piecewise_affine

FACE = canonical_points(128).astype(np.float64)
RNG = np.random.default_rng(0)
JITTERED = FACE * 2.5 + [40, 60] + RNG.normal(0, 4, (68, 2))
small = st.floats(-0.2, 0.2)


def test_it_passes_through_every_landmark() -> None:
    assert fit_piecewise_affine(FACE, JITTERED)(FACE) == pytest.approx(JITTERED, abs=1e-6)


def test_inside_a_triangle_places_are_weighed_by_its_corners() -> None:
    template = np.array([[0.0, 0], [12, 0], [0, 12]])
    image = np.array([[10.0, 10], [50, 20], [0, 70]])
    face_map = fit_piecewise_affine(template, image)
    assert face_map([6, 3]) == pytest.approx(image.T @ [0.25, 0.5, 0.25])
    assert face_map([[4, 4]]) == pytest.approx(image.mean(axis=0)[None])


def test_equal_point_sets_give_the_identity() -> None:
    everywhere = pixel_centres(128)
    assert np.abs(fit_piecewise_affine(FACE, FACE)(everywhere) - everywhere).max() < 1e-6


@given(st.floats(0.2, 5), small, small, st.floats(0.2, 5), st.floats(-900, 900), st.floats(-900, 900))
def test_any_affine_deformation_is_exact_everywhere(a: float, b: float, c: float, d: float, x: float, y: float) -> None:
    linear, shift = np.array([[a, b], [c, d]]), np.array([x, y])
    wide = pixel_centres(20) * 30 - 230  # beyond the ring too
    found = fit_piecewise_affine(FACE, FACE @ linear + shift)(wide)
    assert np.abs(found - (wide @ linear + shift)).max() < 1e-6


def test_a_shifted_image_shifts_the_map() -> None:
    shift, everywhere = np.array([31.7, -212.3]), pixel_centres(128)
    shifted = fit_piecewise_affine(FACE, JITTERED + shift)(everywhere)
    assert np.abs(shifted - (fit_piecewise_affine(FACE, JITTERED)(everywhere) + shift)).max() < 1e-6


def test_far_outside_the_affine_map_of_all_points_holds() -> None:
    far = np.array([[-500.0, 20], [900, 900], [60, -400]])
    assert fit_piecewise_affine(FACE, JITTERED)(far) == pytest.approx(apply_affine(fit_affine(FACE, JITTERED), far))


def test_there_is_no_tear_anywhere() -> None:
    face_map = fit_piecewise_affine(FACE, JITTERED)
    fine = pixel_centres(800) - 336  # the crop, the ring and beyond, pixel by pixel
    grid = face_map(fine)
    steps = max(np.abs(np.diff(grid, axis=axis)).max() for axis in (0, 1))
    steepest = np.abs(face_map.matrices[..., :2]).sum(axis=2).max()
    assert steps <= steepest + 1e-6
    edge = np.linspace(-500, 600, 20_000)  # a line from outside through the face: no jump, however small the step
    jumps = np.abs(np.diff(face_map(np.column_stack([edge, 0.3 * edge + 50])), axis=0)).max()
    assert jumps <= 1.3 * steepest * (edge[1] - edge[0])


def test_the_grid_is_the_map_at_every_pixel() -> None:
    face_map = fit_piecewise_affine(FACE, JITTERED)
    grid = face_map.grid(128)
    assert (grid.shape, grid.dtype) == ((128, 128, 2), np.float32)
    assert grid[90, 30] == pytest.approx(face_map([30, 90]), abs=1e-3)  # row is y, column is x


def test_maps_of_real_faces_hardly_fold(shared_data: Path) -> None:
    faces = np.load(shared_data / "landmarks" / "apex_landmarks_68.npz")["points"]
    template = canonical_points(128)
    unfolded = []
    for points in faces[::4]:
        grid = fit_piecewise_affine(template, points).grid(128)
        assert np.isfinite(grid).all()
        unfolded.append((jacobian(grid) > 0).mean())
    assert np.mean(np.array(unfolded) >= 0.99) >= 0.99


@pytest.mark.parametrize(
    ("template", "image", "says"),
    [
        (FACE, FACE[:60], r"\(N, 2\) twice"),
        (FACE, FACE * np.nan, "nan"),
        (FACE * [1, 0], FACE, "one line"),
        (np.concatenate([FACE, FACE[:1]]), np.zeros((69, 2)), "coincide"),
    ],
)
def test_bad_input_gets_one_clear_line(template: np.ndarray, image: np.ndarray, says: str) -> None:
    with pytest.raises(MienError, match=says) as caught:
        fit_piecewise_affine(template, image)
    assert "\n" not in str(caught.value)
