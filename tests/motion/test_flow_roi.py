"""Facts of the flow's statistics in regions."""

from __future__ import annotations

import numpy as np
import pytest

from mien.core import MienError
from mien.faces import MIRRORED, canonical_points
from mien.motion.descriptors.flow_roi import FLOW_STATISTICS, flow_roi
from mien.motion.descriptors.mdmo import MDMO_MIRRORED, mdmo_regions

SIZE = 96
FACE = canonical_points(SIZE)


def square(left: float, top: float, side: float) -> np.ndarray:
    return np.array([[left, top], [left + side, top], [left + side, top + side], [left, top + side]])


def table(flow: np.ndarray, regions: list[np.ndarray]) -> dict[str, np.ndarray]:
    return dict(zip(FLOW_STATISTICS, flow_roi(flow, regions).reshape(-1, 5).T, strict=True))


def test_a_region_of_four_pixels_has_the_numbers_one_computes_by_hand() -> None:
    flow = np.zeros((2, 10, 10))
    flow[0, 3:5, 3:5] = [[3, -3], [0, 0]]
    flow[1, 3:5, 3:5] = [[4, 4], [0, 1]]
    found = table(flow, [square(2.5, 2.5, 2)])
    assert found["u"] == pytest.approx(0)
    assert found["v"] == pytest.approx(9 / 4)
    assert found["magnitude"] == pytest.approx(11 / 4)  # 5, 5, 0, 1
    assert found["magnitude_sd"] == pytest.approx(np.std([5, 5, 0, 1]))


def test_a_shear_strains_every_region_by_its_slope_over_root_two() -> None:
    _, y = np.meshgrid(np.arange(SIZE), np.arange(SIZE))
    found = table(np.stack([0.2 * y, 0 * y]), mdmo_regions(FACE))
    np.testing.assert_allclose(found["strain"], 0.2 / np.sqrt(2), rtol=1e-5)


def test_a_shift_of_the_face_has_no_spread_and_no_strain() -> None:
    flow = np.empty((2, SIZE, SIZE))
    flow[0], flow[1] = 0.6, -0.8
    found = flow_roi(flow, mdmo_regions(FACE)).reshape(36, 5)
    np.testing.assert_allclose(found, np.tile([0.6, -0.8, 1, 0, 0], (36, 1)), atol=1e-6)


def test_a_motion_in_one_region_shows_in_that_region_only() -> None:
    flow = np.zeros((2, 40, 40))
    flow[1, 21:25, 21:25] = 1.0
    found = flow_roi(flow, [square(5, 5, 8), square(20, 20, 8), square(20, 5, 8)]).reshape(3, 5)
    assert np.flatnonzero(found.any(axis=1)).tolist() == [1]
    assert found[1, 1] == pytest.approx(16 / 81)  # the square holds 9 x 9 pixels, edges included


def test_mirroring_swaps_left_and_right_regions_and_negates_mean_u() -> None:
    flow = np.random.default_rng(0).normal(size=(2, SIZE, SIZE))
    points = FACE + np.random.default_rng(1).normal(size=FACE.shape)
    mirrored_points = (points * np.array([-1, 1]) + np.array([SIZE - 1, 0]))[MIRRORED]
    mirrored_flow = flow[..., ::-1] * np.array([-1, 1])[:, None, None]
    straight = flow_roi(flow, mdmo_regions(points)).reshape(36, 5)
    turned = flow_roi(mirrored_flow, mdmo_regions(mirrored_points)).reshape(36, 5)
    np.testing.assert_allclose(turned[MDMO_MIRRORED], straight * [-1, 1, 1, 1, 1], atol=1e-5)


def test_the_whole_picture_as_a_region_has_the_means_of_the_whole() -> None:
    flow = np.random.default_rng(2).normal(size=(2, 30, 50))
    whole = np.array([[-1, -1], [50, -1], [50, 30], [-1, 30]])
    found = table(flow, [whole])
    length = np.hypot(*flow)
    for name, value in zip(("u", "v", "magnitude", "magnitude_sd"), (*flow, length, length), strict=True):
        expected = value.std() if name == "magnitude_sd" else value.mean()
        np.testing.assert_allclose(found[name], expected, rtol=1e-4)


def test_what_lies_in_two_regions_counts_in_neither() -> None:
    flow = np.zeros((2, 20, 20))
    flow[0, :, 10] = 7.0  # the column in which the two meet
    found = table(flow, [square(2, 2, 8), square(10, 2, 8)])
    assert not found["u"].any()
    assert not found["magnitude"].any()


def test_a_region_outside_the_picture_and_a_still_face_are_zero() -> None:
    assert not flow_roi(np.ones((2, 20, 20)), [square(30, 30, 5)]).any()
    still = flow_roi(np.zeros((2, SIZE, SIZE)), mdmo_regions(FACE))
    assert still.shape == (180,)
    assert still.dtype == np.float32
    assert not still.any()


def test_several_fields_have_the_mean_of_their_statistics() -> None:
    flows = np.random.default_rng(3).normal(size=(3, 2, SIZE, SIZE))
    regions = mdmo_regions(FACE)
    expected = np.mean([flow_roi(flow, regions) for flow in flows], axis=0)
    np.testing.assert_allclose(flow_roi(flows, regions), expected, atol=1e-6)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: flow_roi(np.zeros((2, 20, 20)), []), "at least one polygon"),
        (lambda: flow_roi(np.zeros((2, 20, 20)), [np.zeros((2, 2))]), "3 or more finite corners"),
        (lambda: flow_roi(np.zeros((2, 20, 20)), [square(0, 0, np.nan)]), "3 or more finite corners"),
        (lambda: flow_roi(np.zeros((20, 20, 2)), [square(0, 0, 5)]), r"expected \(2, H, W\)"),
    ],
)
def test_bad_input_gets_one_clear_line(call, says: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(MienError, match=says) as caught:
        call()
    assert "\n" not in str(caught.value)
