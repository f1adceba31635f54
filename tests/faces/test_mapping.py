"""A map's picture is the plain crop where the map is plain; its Jacobian counts area and shows folds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.core import MienError
from mien.faces import apply_affine, invert, warp
from mien.faces.mapping import check_pairs, fit_affine, jacobian, pixel_centres, warp_by_map


def similarity(scale: float, angle: float, x: float, y: float) -> np.ndarray:
    cos, sin = scale * np.cos(angle), scale * np.sin(angle)
    return np.array([[cos, -sin, x], [sin, cos, y]])


def test_the_identity_returns_the_image() -> None:
    rng = np.random.default_rng(0)
    for shape in ((20, 20), (20, 20, 3)):
        image = rng.integers(0, 256, shape, np.uint8)
        assert np.array_equal(warp_by_map(image, pixel_centres(20)), image)


def test_half_a_pixel_is_the_mean_of_two() -> None:
    image = np.array([[0, 100, 200], [40, 60, 80]], np.uint8)
    grid = np.array([[[0.5, 0], [1.5, 0]], [[0.5, 1], [1, 0.5]]])
    assert warp_by_map(image, grid).tolist() == [[50, 150], [50, 80]]


def test_edges_are_repeated_however_far() -> None:
    image = np.random.default_rng(1).integers(0, 256, (9, 12), np.uint8)
    for far in (50, 1e5, 1e12):
        assert (warp_by_map(image, pixel_centres(4) + far) == image[-1, -1]).all()
        assert (warp_by_map(image, pixel_centres(4) - far) == image[0, 0]).all()
    beside = warp_by_map(image, pixel_centres(9) - [30, 0])
    assert np.array_equal(beside, np.repeat(image[:9, :1], 9, axis=1))


@given(st.floats(0.3, 5), st.floats(-3, 3))
def test_an_affine_map_gives_the_plain_crop(shrink: float, angle: float) -> None:
    y, x = np.mgrid[0:300, 0:300]
    image = np.stack([0.4 * x + 0.3 * y, 0.8 * x, 255 - 0.8 * y], axis=-1).astype(np.uint8)
    to_crop = similarity(1 / shrink, angle, 0, 0)
    to_crop[:, 2] = 19.5 - to_crop[:, :2] @ [150, 150]
    grid = apply_affine(invert(to_crop), pixel_centres(40))
    both = [picture.astype(int) for picture in (warp(image, to_crop, 40), warp_by_map(image, grid))]
    assert np.abs(both[0] - both[1]).max() <= 2


@pytest.mark.parametrize("factor", [1.0, 1.9, 2.0, 3.3, 6.5])
def test_shrinking_keeps_places(factor: float) -> None:
    y, x = np.mgrid[0:403, 0:401]
    image = np.rint(0.3 * x + 0.25 * y).astype(np.uint8)
    grid = pixel_centres(40) * factor + [20, 31]
    truth = grid @ [0.3, 0.25]
    assert np.abs(warp_by_map(image, grid) - truth).max() < 1


def test_fine_texture_does_not_alias_when_shrunk() -> None:
    y, x = np.mgrid[0:600, 0:600]
    checks = ((x + y) % 2 * 255).astype(np.uint8)
    curved = pixel_centres(100)
    curved = curved * 5 + 0.005 * curved**2
    assert np.abs(warp_by_map(checks, curved).astype(int) - 127).max() < 20


def test_all_frames_of_a_clip_are_cut_alike() -> None:
    image = np.random.default_rng(2).integers(0, 246, (90, 90), np.uint8)
    grid = pixel_centres(30) * 2.6 + 3.3
    change = warp_by_map(image + np.uint8(10), grid).astype(int) - warp_by_map(image, grid)
    assert np.abs(change - 10).max() <= 1


@given(st.floats(-3, 3), st.floats(-3, 3), st.floats(-3, 3), st.floats(-3, 3))
def test_the_jacobian_of_a_matrix_is_its_determinant(a: float, b: float, c: float, d: float) -> None:
    grid = pixel_centres(5) @ np.array([[a, c], [b, d]]) + [7, -2]
    assert jacobian(grid) == pytest.approx(np.full((5, 5), a * d - b * c), abs=1e-9)


def test_a_fold_is_negative_where_the_map_turns_back() -> None:
    grid = pixel_centres(21)
    grid[..., 0] = (grid[..., 0] - 8) ** 2
    found = jacobian(grid)
    assert (found[:, 9:] > 0).all()
    assert (found[:, :8] < 0).all()
    assert found[:, 1:-1] == pytest.approx(np.broadcast_to(2 * (np.arange(1, 20) - 8.0), (21, 19)))


def test_an_affine_map_is_found_and_is_the_best_one() -> None:
    rng = np.random.default_rng(3)
    truth, points = rng.normal(size=(2, 3)), rng.normal(size=(9, 2)) * 40 + 900
    assert fit_affine(points, apply_affine(truth, points)) == pytest.approx(truth, abs=1e-9)
    target = rng.normal(size=(9, 2))
    found = fit_affine(points, target)
    rest = target - apply_affine(found, points)
    assert rest.sum(axis=0) == pytest.approx([0, 0], abs=1e-9)  # normal equations
    assert (points - points.mean(axis=0)).T @ rest == pytest.approx(np.zeros((2, 2)), abs=1e-7)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: warp_by_map(np.zeros((4, 4)), pixel_centres(4)), "uint8"),
        (lambda: warp_by_map(np.zeros((4, 4, 4), np.uint8), pixel_centres(4)), "uint8"),
        (lambda: warp_by_map(np.zeros((0, 4), np.uint8), pixel_centres(4)), "uint8"),
        (lambda: warp_by_map(np.zeros((4, 4), np.uint8), pixel_centres(4) * np.nan), "finite"),
        (lambda: warp_by_map(np.zeros((4, 4), np.uint8), pixel_centres(1)), "2 x 2"),
        (lambda: jacobian(np.zeros((4, 4, 3))), "map"),
        (lambda: pixel_centres(0), "positive"),
        (lambda: fit_affine([[0, 0], [1, 1], [2, 2]], np.eye(3)[:, :2]), "one line"),
        (lambda: fit_affine([[1, 1]] * 3, [[1, 1]] * 3), "one line"),
        (lambda: check_pairs(np.zeros((5, 2)), np.zeros((4, 2))), r"\(N, 2\) twice"),
        (lambda: check_pairs(np.zeros((2, 2)), np.zeros((2, 2))), "at least 3"),
        (lambda: check_pairs(np.zeros((5, 2)), np.full((5, 2), np.inf)), "nan"),
    ],
)
def test_bad_input_gets_one_clear_line(call, says: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(MienError, match=says) as caught:
        call()
    assert "\n" not in str(caught.value)
