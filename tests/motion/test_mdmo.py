"""Facts of MDMO: its regions, its directions, its mean over time."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.core import MienError
from mien.faces import MIRRORED, apply_affine, canonical_points, eye_crop_matrix
from mien.motion.descriptors._fields import region_labels
from mien.motion.descriptors.mdmo import MDMO_MIRRORED, mdmo, mdmo_kernel_features, mdmo_regions

SIZE = 128
FACE = canonical_points(SIZE)
LABELS = region_labels(mdmo_regions(FACE), SIZE, SIZE)


def by_region(vectors: np.ndarray, labels: np.ndarray = LABELS) -> np.ndarray:
    """A field that has one vector (36, 2) in each region, and none elsewhere."""
    return np.where(labels >= 0, vectors[labels].transpose(2, 0, 1), 0)


def mirrored_points(points: np.ndarray, size: int = SIZE) -> np.ndarray:
    return (points * np.array([-1, 1]) + np.array([size - 1, 0]))[MIRRORED]


def mirrored_flow(flow: np.ndarray) -> np.ndarray:
    return flow[..., ::-1] * np.array([-1, 1])[:, None, None]


def test_a_face_has_36_regions_that_share_no_pixel() -> None:
    regions = mdmo_regions(FACE)
    assert len(regions) == 36
    sizes = [np.count_nonzero(region_labels([region], SIZE, SIZE) == 0) for region in regions]
    assert min(sizes) > 90
    assert sum(sizes) == np.count_nonzero(LABELS >= 0)  # what lies in two regions counts in neither


def test_the_regions_lie_in_the_face_between_forehead_and_chin() -> None:
    regions = np.array(mdmo_regions(FACE))
    assert (regions[..., 0] >= FACE[:, 0].min()).all()
    assert (regions[..., 0] <= FACE[:, 0].max()).all()
    assert (regions[..., 1] <= FACE[8, 1]).all()
    assert (regions[..., 1] >= 0).all()


@pytest.mark.parametrize(
    ("where", "region"),
    [
        (FACE[[17, 19]].mean(axis=0) - [0, 4], 0),  # above the outer brow on the image's left
        (FACE[[38, 19, 21, 39]].mean(axis=0), 8),  # inner lid
        (FACE[[2, 3]].mean(axis=0) - [-8, 0], 14),  # cheek
        (FACE[31], 20),  # wing of the nose
        (FACE[48], 22),  # corner of the mouth
        (FACE[[10, 8]].mean(axis=0) - [0, 6], 34),  # chin on the image's right
    ],
)
def test_a_region_lies_where_its_name_says(where: np.ndarray, region: int) -> None:
    x, y = np.rint(where).astype(int)
    assert LABELS[y, x] == region


def test_a_mirrored_face_has_the_mirrored_regions() -> None:
    rng = np.random.default_rng(0)
    crooked = FACE + rng.normal(scale=1.5, size=FACE.shape)
    mirrored = region_labels(mdmo_regions(mirrored_points(crooked)), SIZE, SIZE)
    straight = region_labels(mdmo_regions(crooked), SIZE, SIZE)
    assert np.array_equal(mirrored[:, ::-1], np.append(MDMO_MIRRORED, -1)[straight])
    assert np.array_equal(MDMO_MIRRORED[MDMO_MIRRORED], np.arange(36))


def test_the_regions_grow_and_turn_with_the_face() -> None:
    turn = np.array([[1.2, -0.9, 30], [0.9, 1.2, -10]])
    moved = mdmo_regions(apply_affine(turn, FACE))
    for region, before in zip(moved, mdmo_regions(FACE), strict=True):
        np.testing.assert_allclose(region, apply_affine(turn, before), atol=1e-3)


def test_real_faces_have_pixels_in_all_regions(shared_data) -> None:  # type: ignore[no-untyped-def]
    faces = np.load(shared_data / "landmarks" / "apex_landmarks_68.npz")["points"]
    full = []
    for face in faces:
        points = apply_affine(eye_crop_matrix(face, SIZE), face)
        labels = region_labels(mdmo_regions(points), SIZE, SIZE)
        full.append(len(np.unique(labels[labels >= 0])) == 36)
    assert np.mean(full) >= 0.99


@given(st.integers(0, 1000))
@settings(max_examples=20)
def test_a_field_that_is_constant_in_each_region_gives_exactly_its_vectors(seed: int) -> None:
    vectors = np.random.default_rng(seed).normal(size=(36, 2)).astype(np.float32)
    rho, theta = mdmo(by_region(vectors)[None], FACE).reshape(2, 36)
    u, v = vectors.astype(np.float64).T
    np.testing.assert_array_equal(rho, np.hypot(u, v).astype(np.float32))
    np.testing.assert_array_equal(theta, np.arctan2(v, u).astype(np.float32))


def test_three_in_ten_pixels_that_go_elsewhere_change_nothing() -> None:
    rng = np.random.default_rng(1)
    flow = by_region(np.tile([0.4, 0.1], (36, 1)))
    clean = mdmo(flow[None], FACE)
    for region in range(36):
        rows, columns = np.nonzero(region == LABELS)
        astray = rng.permutation(len(rows))[: int(0.3 * len(rows))]
        flow[:, rows[astray], columns[astray]] = np.array([-8.0, -3.0])[:, None]
    np.testing.assert_allclose(mdmo(flow[None], FACE), clean, rtol=1e-6)


@pytest.mark.parametrize("degrees", [0, 90, 180, -90])
def test_vectors_that_scatter_about_an_axis_lie_in_one_bin_and_average_as_vectors(degrees: float) -> None:
    rng = np.random.default_rng(2)
    angles = np.deg2rad(degrees + rng.uniform(-20, 20, (SIZE, SIZE)))
    rho, theta = mdmo(np.stack([np.cos(angles), np.sin(angles)])[None], FACE).reshape(2, 36)
    away = np.angle(np.exp(1j * (theta - np.deg2rad(degrees))))
    assert np.abs(away).max() < np.deg2rad(4)
    assert (rho > 0.96).all()


def test_the_mean_over_time_is_cartesian() -> None:
    up_left, down_left = (by_region(np.tile([-1.0, v], (36, 1))) for v in (-0.1, 0.1))
    rho, theta = mdmo(np.stack([up_left, down_left]), FACE).reshape(2, 36)
    np.testing.assert_allclose(rho, 1.0, rtol=1e-6)
    np.testing.assert_allclose(np.abs(theta), np.pi, rtol=1e-6)  # the mean of the angles would be 0: right


def test_to_and_fro_cancels() -> None:
    there = by_region(np.tile([0.3, -0.7], (36, 1)))
    rho, _ = mdmo(np.stack([there, -there]), FACE).reshape(2, 36)
    assert not rho.any()


def test_pixels_at_rest_do_not_vote() -> None:
    flow = np.zeros((1, 2, SIZE, SIZE))
    rows, columns = np.nonzero(LABELS == 20)
    flow[0, :, rows[:5], columns[:5]] = [0.0, 2.0]
    rho, theta = mdmo(flow, FACE).reshape(2, 36)
    assert np.flatnonzero(rho).tolist() == [20]
    assert (rho[20], theta[20]) == pytest.approx((2.0, np.pi / 2))


def test_no_motion_is_a_zero_vector() -> None:
    found = mdmo(np.zeros((4, 2, SIZE, SIZE)), FACE)
    assert found.shape == (72,)
    assert found.dtype == np.float32
    assert not found.any()


def test_a_region_outside_the_picture_is_zero() -> None:
    rho, _ = mdmo(np.ones((1, 2, SIZE, SIZE)), FACE + np.float32([0, 30])).reshape(2, 36)
    assert np.flatnonzero(rho == 0).tolist() == [33, 34]


def test_mirroring_the_face_swaps_regions_and_mirrors_angles() -> None:
    rng = np.random.default_rng(3)
    flows = rng.normal(size=(3, 2, SIZE, SIZE)) + 3 * np.stack([by_region(rng.normal(size=(36, 2))) for _ in range(3)])
    rho, theta = mdmo(flows, FACE).reshape(2, 36).astype(np.float64)
    turned_rho, turned_theta = mdmo(mirrored_flow(flows), mirrored_points(FACE)).reshape(2, 36)
    np.testing.assert_allclose(turned_rho[MDMO_MIRRORED], rho, rtol=1e-4)
    np.testing.assert_allclose(np.cos(turned_theta[MDMO_MIRRORED]), -np.cos(theta), atol=1e-5)
    np.testing.assert_allclose(np.sin(turned_theta[MDMO_MIRRORED]), np.sin(theta), atol=1e-5)


@given(st.floats(0, 1), st.floats(0.1, 10))
def test_kernel_features_weigh_lengths_against_angles_at_any_scale_of_the_motion(alpha: float, scale: float) -> None:
    rng = np.random.default_rng(4)
    features = np.concatenate([rng.uniform(0, 3, 36), rng.uniform(-np.pi, np.pi, 36)])
    found = mdmo_kernel_features(features, alpha)
    np.testing.assert_allclose(found[:36], alpha * features[:36] / features[:36].max(), atol=1e-6)
    np.testing.assert_allclose(found[36:], (1 - alpha) * features[36:] / np.pi, atol=1e-6)
    faster = np.concatenate([scale * features[:36], features[36:]])
    np.testing.assert_allclose(mdmo_kernel_features(faster, alpha), found, atol=1e-6)


def test_each_clip_has_its_own_farthest_region_and_none_is_no_nan() -> None:
    features = np.zeros((3, 72))
    features[1, 5], features[2, 6] = 2.0, 4.0
    found = mdmo_kernel_features(features, 1.0)
    assert found.shape == (3, 72)
    assert found.sum(axis=1).tolist() == [0, 1, 1]


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: mdmo_regions(FACE[:51]), "expected \\(68, 2\\)"),
        (lambda: mdmo(np.zeros((3, 32, 32)), FACE), r"expected \(2, H, W\)"),
        (lambda: mdmo(np.zeros((3, 2, 32, 32)), np.full((68, 2), np.nan)), "detect the face again"),
        (lambda: mdmo_kernel_features(np.zeros(71)), "make them with mdmo"),
        (lambda: mdmo_kernel_features(np.zeros(72), 1.5), "change alpha"),
    ],
)
def test_bad_input_gets_one_clear_line(call, says: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(MienError, match=says) as caught:
        call()
    assert "\n" not in str(caught.value)
