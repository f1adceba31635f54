"""Facts of histograms of oriented optical flow, sharp and fuzzy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.core import MienError
from mien.motion.descriptors.hoof import fhoof, hoof

ONE = {"blocks": (1, 1)}
SEEDS = st.integers(0, 1000)


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape)


def constant(u: float, v: float, size: int = 10) -> np.ndarray:
    return np.stack([np.full((size, size), u), np.full((size, size), v)])


def towards(degrees: float, length: float = 1.0) -> np.ndarray:
    return constant(length * np.cos(np.deg2rad(degrees)), length * np.sin(np.deg2rad(degrees)))


def quarter_turn(flow: np.ndarray) -> np.ndarray:
    """Right to down."""
    return np.stack([-flow[1], flow[0]])


def mirrored(flow: np.ndarray) -> np.ndarray:
    return flow[..., ::-1] * np.array([-1, 1])[:, None, None]


def test_every_pixel_adds_its_length_to_the_bin_of_its_direction() -> None:
    u = np.array([[3.0, -2.0], [0.5, 0.0]])
    v = np.array([[1.0, -1.0], [2.0, 0.0]])
    expected = np.zeros(8)
    expected[4] = np.hypot(3, 1)  # right, a little down: 18 degrees, in [0, 45)
    expected[0] = np.hypot(2, 1)  # left, a little up: -153 degrees, in [-180, -135)
    expected[5] = np.hypot(0.5, 2)  # down, a little right: 76 degrees, in [45, 90)
    flow = np.stack([u, v])
    np.testing.assert_allclose(hoof(flow, normalise="none", **ONE), expected, rtol=1e-6)
    np.testing.assert_allclose(hoof(flow, **ONE), expected / expected.sum(), rtol=1e-6)
    np.testing.assert_allclose(hoof(flow, normalise="l2", **ONE), expected / np.linalg.norm(expected), rtol=1e-6)


def test_a_bin_holds_its_lower_edge_and_pi_is_minus_pi() -> None:
    edges = [(-1, -0.0), (-1, -1), (0, -1), (1, -1), (1, 0), (1, 1), (0, 1), (-1, 1)]
    assert [int(hoof(constant(u, v), **ONE).argmax()) for u, v in edges] == list(range(8))
    assert hoof(constant(-1, 0.0), **ONE)[0] == 1


@given(SEEDS)
def test_a_turn_by_90_degrees_shifts_the_histogram_by_two_bins(seed: int) -> None:
    flow = np.random.default_rng(seed).integers(-3, 4, (2, 12, 12)).astype(np.float32)  # many on the edges of bins
    before, after = (hoof(field, blocks=(2, 2)).reshape(4, 8) for field in (flow, quarter_turn(flow)))
    np.testing.assert_allclose(after, np.roll(before, 2, axis=1), rtol=1e-6)


@given(st.floats(1e-3, 1e3))
def test_the_scale_of_the_motion_is_lost(scale: float) -> None:
    flow = noise(2, 15, 15)
    np.testing.assert_allclose(hoof(scale * flow), hoof(flow), rtol=1e-5)
    np.testing.assert_allclose(fhoof(scale * flow), fhoof(flow), rtol=1e-5)


@given(SEEDS)
def test_mirroring_the_face_swaps_left_and_right_bins_and_blocks(seed: int) -> None:
    flow = noise(2, 20, 20, seed=seed)
    straight, turned = (hoof(field, blocks=(2, 4)).reshape(2, 4, 8) for field in (flow, mirrored(flow)))
    np.testing.assert_allclose(turned, straight[:, ::-1, [3, 2, 1, 0, 7, 6, 5, 4]], rtol=1e-5)


@given(SEEDS)
def test_symmetric_bins_do_not_tell_left_from_right(seed: int) -> None:
    flow = noise(2, 10, 10, seed=seed)
    np.testing.assert_allclose(
        hoof(mirrored(flow), symmetric=True, **ONE), hoof(flow, symmetric=True, **ONE), rtol=1e-5
    )


@pytest.mark.parametrize(
    ("degrees", "expected"), [(-90, 0), (-91, 0), (-30, 1), (-150, 1), (1, 2), (179, 2), (80, 3), (100, 3), (90, 3)]
)
def test_symmetric_bins_divide_the_angle_to_the_horizontal(degrees: float, expected: int) -> None:
    assert hoof(towards(degrees), bins=4, symmetric=True, **ONE).argmax() == expected


def test_symmetric_bins_are_the_folded_sharp_ones() -> None:
    flow = noise(2, 30, 30)
    sharp = hoof(flow, bins=8, normalise="none", **ONE)
    folded = sharp[[2, 3, 4, 5]] + sharp[[1, 0, 7, 6]]
    np.testing.assert_allclose(hoof(flow, bins=4, symmetric=True, normalise="none", **ONE), folded, rtol=1e-5)


def test_a_motion_in_one_block_shows_in_that_block_only() -> None:
    flow = np.zeros((2, 50, 50))
    flow[0, 12:18, 32:38] = 1.0
    for found in (hoof(flow).reshape(5, 5, 8), fhoof(flow, bins=8).reshape(5, 5, 8)):
        assert np.argwhere(found.any(axis=-1)).tolist() == [[1, 3]]
        assert found.sum() == pytest.approx(1)


def test_no_motion_is_a_zero_vector() -> None:
    still = np.zeros((2, 30, 30))
    for found in (hoof(still), hoof(still, symmetric=True), hoof(still, normalise="l2"), fhoof(still)):
        assert not found.any()
        assert found.dtype == np.float32


def test_several_fields_have_the_mean_of_their_histograms() -> None:
    flows = noise(3, 2, 12, 12) * np.array([1, 10, 100])[:, None, None, None]
    np.testing.assert_allclose(hoof(flows), np.mean([hoof(flow) for flow in flows], axis=0), rtol=1e-5)
    np.testing.assert_allclose(fhoof(flows), np.mean([fhoof(flow) for flow in flows], axis=0), rtol=1e-5)


@pytest.mark.parametrize("blocks", [(1, 1), (5, 5)])
def test_the_length_is_blocks_times_bins(blocks: tuple[int, int]) -> None:
    assert hoof(noise(2, 28, 28), blocks=blocks).shape == (blocks[0] * blocks[1] * 8,)
    assert fhoof(noise(2, 28, 28), blocks=blocks).shape == (blocks[0] * blocks[1] * 18,)


def test_a_fuzzy_vote_falls_off_as_a_gaussian_of_the_angle() -> None:
    found = fhoof(towards(22.5), bins=8, spread=0.6, **ONE)  # the centre of bin 4
    angles = np.deg2rad([180, 135, 90, 45, 0, 45, 90, 135])
    expected = np.exp(-(angles**2) / (2 * 0.6**2))
    np.testing.assert_allclose(found, expected / expected.sum(), rtol=1e-5)


def test_a_fuzzy_vote_between_two_bins_is_shared_equally_also_where_the_circle_closes() -> None:
    for degrees, pair in ((0, [3, 4]), (180, [7, 0]), (-135, [0, 1])):
        found = fhoof(towards(degrees), bins=8, spread=0.2, **ONE)
        np.testing.assert_allclose(found[pair], 0.5, atol=1e-3)


def test_a_narrow_fuzzy_histogram_is_the_sharp_one() -> None:
    flow = np.concatenate([towards(angle) for angle in (22.5, 22.5, -67.5)], axis=1)
    np.testing.assert_allclose(fhoof(flow, bins=8, spread=0.05, **ONE), hoof(flow, **ONE), atol=1e-6)


def test_a_fuzzy_histogram_turns_with_the_flow() -> None:
    flow = noise(2, 16, 16)
    np.testing.assert_allclose(
        fhoof(quarter_turn(flow), bins=8, **ONE), np.roll(fhoof(flow, bins=8, **ONE), 2), rtol=1e-5
    )


def test_direction_only_ignores_how_far_pixels_move() -> None:
    flow = np.concatenate([towards(22.5, 1.0), towards(-67.5, 9.0)], axis=1)
    np.testing.assert_allclose(fhoof(flow, bins=8, spread=0.05, **ONE)[[2, 4]], 0.5, atol=1e-6)
    found = fhoof(flow, bins=8, spread=0.05, direction_only=False, **ONE)
    np.testing.assert_allclose(found[[2, 4]], [0.9, 0.1], atol=1e-6)


def test_motion_up_to_the_threshold_does_not_vote() -> None:
    flow = np.concatenate([towards(22.5, 0.2), towards(-67.5, 2.0)], axis=1)
    found = fhoof(flow, bins=8, spread=0.05, threshold=0.3, **ONE)
    np.testing.assert_allclose(found[[2, 4]], [1, 0], atol=1e-6)
    assert not fhoof(flow, threshold=2.5).any()


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: hoof(np.zeros((20, 20, 2))), r"expected \(2, H, W\)"),
        (lambda: hoof(np.full((2, 20, 20), np.nan)), "NaN"),
        (lambda: hoof(noise(2, 20, 20), bins=1), "at least 2"),
        (lambda: hoof(noise(2, 20, 20), normalise="max"), "expected one of l1, l2, none"),
        (lambda: hoof(noise(2, 4, 4)), "use fewer blocks"),
        (lambda: hoof(noise(2, 4, 4), blocks=(2,)), "rows and columns"),
        (lambda: fhoof(noise(2, 20, 20), bins=0), "at least 2"),
        (lambda: fhoof(noise(2, 20, 20), spread=0), "a positive one"),
        (lambda: fhoof(noise(2, 20, 20), threshold=float("nan")), "at least 0"),
    ],
)
def test_bad_input_gets_one_clear_line(call, says: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(MienError, match=says) as caught:
        call()
    assert "\n" not in str(caught.value)
