"""The local weighted mean is exact for affine and quadratic deformations, local, equivariant, and does not fold."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.core import MienError
from mien.faces import MIRRORED, canonical_points
from mien.faces.lwm import fit_lwm
from mien.faces.mapping import fit_affine, jacobian, pixel_centres

FACE = canonical_points(128).astype(np.float64)
RNG = np.random.default_rng(0)
JITTERED = FACE * 2.5 + [40, 60] + RNG.normal(0, 4, (68, 2))  # some face that no low polynomial describes
INSIDE = RNG.uniform(20, 105, (200, 2))
small = st.floats(-0.2, 0.2)


def literal(points: np.ndarray, template: np.ndarray, image: np.ndarray, neighbours: int) -> np.ndarray:
    """The definition, in loops, in pixels; no ties, no fallbacks."""
    mapped = []
    for p in points:
        above, below = np.zeros(2), 0.0
        for node in template:
            near = np.argsort(np.hypot(*(template - node).T))[:neighbours]
            radius = np.hypot(*(template[near[-1]] - node))
            rho = np.hypot(*(p - node)) / radius
            if rho >= 1:
                continue
            (x, y), (u, v) = (template[near] - node).T, p - node
            design = np.column_stack([np.ones_like(x), x, y, x * y, x**2, y**2])
            fitted = np.array([1, u, v, u * v, u**2, v**2]) @ np.linalg.lstsq(design, image[near], rcond=None)[0]
            weight = 1 - 3 * rho**2 + 2 * rho**3
            above, below = above + weight * fitted, below + weight
        mapped.append(above / below)
    return np.array(mapped)


@pytest.mark.parametrize("neighbours", [8, 12, 20])
def test_it_is_goshtasbys_definition(neighbours: int) -> None:
    template = FACE + RNG.normal(0, 1, FACE.shape)  # no two distances are equal
    found = fit_lwm(template, JITTERED, neighbours)(INSIDE[:40])
    assert found == pytest.approx(literal(INSIDE[:40], template, JITTERED, neighbours), abs=1e-6)


def test_equal_point_sets_give_the_identity() -> None:
    face_map = fit_lwm(FACE, FACE)
    everywhere = pixel_centres(128)
    assert np.abs(face_map(everywhere) - everywhere).max() < 1e-6
    assert np.abs(face_map.grid(128) - everywhere).max() < 1e-4  # float32


@given(st.floats(0.2, 5), small, small, st.floats(0.2, 5), st.floats(-900, 900), st.floats(-900, 900))
def test_any_affine_deformation_is_exact_everywhere(a: float, b: float, c: float, d: float, x: float, y: float) -> None:
    linear, shift = np.array([[a, b], [c, d]]), np.array([x, y])
    wide = pixel_centres(20) * 20 - 130  # far out of all reach too
    assert np.abs(fit_lwm(FACE, FACE @ linear + shift)(wide) - (wide @ linear + shift)).max() < 1e-6


@pytest.mark.parametrize("neighbours", [8, 12, 30, 68])
def test_any_global_quadratic_deformation_is_exact_within_reach(neighbours: int) -> None:
    def bend(points: np.ndarray) -> np.ndarray:
        x, y = points[..., 0] - 60, points[..., 1] - 50
        return np.stack([2 * x + 0.004 * x * y - 0.003 * y**2, 2 * y + 0.005 * x**2 + 0.002 * x * y], -1) + 300

    assert np.abs(fit_lwm(FACE, bend(FACE), neighbours)(INSIDE) - bend(INSIDE)).max() < 1e-6


def test_a_shifted_image_shifts_the_map_and_a_shifted_template_shifts_its_domain() -> None:
    plain, shift = fit_lwm(FACE, JITTERED), np.array([31.7, -212.3])
    assert np.abs(fit_lwm(FACE, JITTERED + shift)(INSIDE) - (plain(INSIDE) + shift)).max() < 1e-6
    assert np.abs(fit_lwm(FACE + shift, JITTERED)(INSIDE + shift) - plain(INSIDE)).max() < 1e-6


def test_a_larger_template_gives_the_same_map_sampled_finer() -> None:
    fine = fit_lwm((FACE + 0.5) * 3 - 0.5, JITTERED)
    assert fine((INSIDE + 0.5) * 3 - 0.5) == pytest.approx(fit_lwm(FACE, JITTERED)(INSIDE), abs=1e-6)


def test_a_mirrored_face_gets_the_mirrored_map() -> None:
    mirrored = (JITTERED * [-1, 1])[MIRRORED]
    found = fit_lwm(FACE, mirrored)(INSIDE * [-1, 1] + [127, 0])
    assert found == pytest.approx(fit_lwm(FACE, JITTERED)(INSIDE) * [-1, 1], abs=1e-2)  # the template is float32


def test_a_landmark_counts_only_nearby() -> None:
    moved = JITTERED.copy()
    moved[36] += 20  # the outer corner of an eye
    change = np.hypot(*(fit_lwm(FACE, moved)(FACE) - fit_lwm(FACE, JITTERED)(FACE)).T)
    assert change[36] > 3
    assert change[[42, 45, 54, 8, 16]] == pytest.approx(np.zeros(5), abs=1e-9)


def test_out_of_all_reach_the_affine_map_of_all_points_holds() -> None:
    far = np.array([[-300.0, 20], [500, 500], [60, -400]])
    found = fit_lwm(FACE, JITTERED)(far)
    affine = fit_affine(FACE, JITTERED)
    assert found == pytest.approx(far @ affine[:, :2].T + affine[:, 2], abs=1e-6)


def test_points_on_a_conic_get_an_affine_map() -> None:
    angles = np.arange(12) * np.pi / 6
    circle = 50 * np.stack([np.cos(angles), np.sin(angles)], -1)
    image = circle @ [[2, 0.5], [0, 1]] + RNG.normal(0, 1, circle.shape)
    affine = fit_affine(circle, image)
    inside = INSIDE / 4
    assert fit_lwm(circle, image)(inside) == pytest.approx(inside @ affine[:, :2].T + affine[:, 2], abs=1e-9)


def test_neighbours_on_a_line_get_the_affine_map_of_all() -> None:
    line = np.column_stack([np.arange(20) * 10.0, np.zeros(20)])
    template = np.concatenate([line, line[:6] * 3 + [0, 1000]])
    image = template * 2 + RNG.normal(0, 3, template.shape)
    affine = fit_affine(template, image)
    beside = np.array([[55.0, 4], [120, -7]])
    assert fit_lwm(template, image, 6)(beside) == pytest.approx(beside @ affine[:, :2].T + affine[:, 2], abs=1e-6)


def test_the_grid_is_the_map_at_every_pixel() -> None:
    face_map = fit_lwm(FACE, JITTERED)
    grid = face_map.grid(128)
    assert (grid.shape, grid.dtype) == ((128, 128, 2), np.float32)
    assert grid[90, 30] == pytest.approx(face_map([30, 90]), abs=1e-3)  # row is y, column is x
    assert face_map(INSIDE.reshape(4, 50, 2)) == pytest.approx(face_map(INSIDE).reshape(4, 50, 2))
    assert face_map(np.empty((0, 2))).shape == (0, 2)


def test_landmarks_that_coincide_in_the_image_are_no_harm() -> None:
    closed = FACE * 2
    closed[[65, 66, 67]] = closed[[63, 62, 61]]  # inner lips of a shut mouth
    grid = fit_lwm(FACE, closed).grid(128)
    assert np.isfinite(grid).all()
    assert (jacobian(grid) > 0).all()


def face_area(size: int) -> np.ndarray:
    """Pixels in the convex hull of the template's points."""
    import cv2

    hull = cv2.convexHull(canonical_points(size))
    return cv2.fillConvexPoly(np.zeros((size, size), np.uint8), np.rint(hull).astype(np.int32), 1) > 0


def test_maps_of_real_faces_do_not_fold(shared_data: Path) -> None:
    faces = np.load(shared_data / "landmarks" / "apex_landmarks_68.npz")["points"]
    template, area = canonical_points(64), face_area(64)
    unfolded = []
    for points in faces:
        grid = fit_lwm(template, points).grid(64)
        assert np.isfinite(grid).all()
        unfolded.append((jacobian(grid)[area] > 0).mean())
    assert np.mean(np.array(unfolded) >= 0.99) >= 0.99


def test_maps_of_real_faces_pass_near_the_landmarks(shared_data: Path) -> None:
    faces = np.load(shared_data / "landmarks" / "apex_landmarks_68.npz")["points"][::10]
    template = canonical_points(64)
    off = [np.sqrt(np.square(fit_lwm(template, points)(template) - points).sum(axis=1).mean()) for points in faces]
    eyes = [np.hypot(*(points[36:42].mean(axis=0) - points[42:48].mean(axis=0))) for points in faces]
    assert np.median(np.divide(off, eyes)) < 0.02  # a landmark's own error is some 0.05 eye distances


@pytest.mark.parametrize(
    ("template", "image", "neighbours", "says"),
    [
        (FACE, FACE[:60], 12, r"\(N, 2\) twice"),
        (FACE, FACE * np.nan, 12, "nan"),
        (FACE * np.inf, FACE, 12, "nan"),
        (FACE, FACE, 5, "from 6 to the 68"),
        (FACE, FACE, 69, "from 6 to the 68"),
        (FACE[:5], FACE[:5], 6, "at least 6"),
        (FACE * [1, 0], FACE, 12, "one line"),
        (np.concatenate([FACE, FACE[:1].repeat(12, axis=0)]), np.zeros((80, 2)), 12, "at one place"),
    ],
)
def test_bad_input_gets_one_clear_line(template: np.ndarray, image: np.ndarray, neighbours: int, says: str) -> None:
    with np.errstate(invalid="ignore"), pytest.raises(MienError, match=says) as caught:
        fit_lwm(template, image, neighbours)
    assert "\n" not in str(caught.value)


def test_a_grid_without_pixels() -> None:
    with pytest.raises(MienError, match="positive"):
        fit_lwm(FACE, FACE).grid(0)
