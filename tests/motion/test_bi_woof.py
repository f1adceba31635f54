"""Facts of Bi-WOOF."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.core import MienError
from mien.motion.descriptors.bi_woof import bi_woof


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape)


def test_two_blocks_weigh_as_their_strain() -> None:
    x, _ = np.meshgrid(np.arange(40.0), np.arange(20.0))
    left = x < 20
    # Left: a stretch u = 0.1 x to the right, strain 0.1. Right: a shear v = 0.3 x down, strain 0.3 / sqrt 2.
    u = np.where(left, 0.1 * (x + 1), 0.0)
    v = np.where(left, 0.0, 0.3 * (x + 1))
    found = bi_woof(np.stack([u, v]), blocks=(1, 4)).reshape(4, 8)  # the outer blocks lie clear of the seam
    assert np.flatnonzero(found[0]).tolist() == [4]
    assert np.flatnonzero(found[3]).tolist() == [6]
    assert found[3, 6] / found[0, 4] == pytest.approx(3 / np.sqrt(2), rel=1e-5)


def test_within_a_block_directions_weigh_as_their_length() -> None:
    flow = np.zeros((2, 20, 20))
    flow[:, :10] = np.array([3.0, 0.3])[:, None, None]
    flow[:, 10:] = np.array([-0.1, -1.0])[:, None, None]
    found = bi_woof(flow, blocks=(1, 1))
    assert np.flatnonzero(found).tolist() == [1, 4]
    assert found[4] / found[1] == pytest.approx(3.0, rel=1e-5)


@given(st.integers(0, 1000), st.floats(1e-3, 1e3))
def test_the_vector_has_length_one_at_any_scale_of_the_motion(seed: int, scale: float) -> None:
    flow = noise(2, 32, 32, seed=seed)
    found = bi_woof(flow)
    assert found.shape == (200,)
    assert np.linalg.norm(found) == pytest.approx(1, rel=1e-5)
    np.testing.assert_allclose(bi_woof(scale * flow), found, atol=1e-6)


def test_a_face_that_does_not_move_or_moves_as_one_has_no_vector() -> None:
    still = bi_woof(np.zeros((2, 28, 28)))
    assert still.shape == (200,)
    assert not still.any()  # and no NaN
    assert not bi_woof(np.ones((2, 28, 28))).any()


def test_mean_and_sum_of_the_strain_agree_where_blocks_are_equal() -> None:
    flow = noise(2, 30, 30)
    np.testing.assert_allclose(bi_woof(flow, globally="sum"), bi_woof(flow), rtol=1e-4, atol=1e-7)
    uneven = noise(2, 28, 28)
    assert np.abs(bi_woof(uneven, globally="sum") - bi_woof(uneven)).max() > 1e-3


def test_a_turn_by_90_degrees_in_a_block_shifts_its_bins_by_two() -> None:
    flow = noise(2, 25, 25)
    before, after = bi_woof(flow, blocks=(1, 1)), bi_woof(np.stack([-flow[1], flow[0]]), blocks=(1, 1))
    np.testing.assert_allclose(after, np.roll(before, 2), rtol=1e-5)


def test_mirroring_the_face_swaps_left_and_right_bins_and_blocks() -> None:
    flow = noise(2, 40, 40)
    mirrored = flow[..., ::-1] * np.array([-1, 1])[:, None, None]
    straight, turned = (bi_woof(field).reshape(5, 5, 8) for field in (flow, mirrored))
    np.testing.assert_allclose(turned, straight[:, ::-1, [3, 2, 1, 0, 7, 6, 5, 4]], rtol=1e-4)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: bi_woof(noise(3, 2, 20, 20)), "give one field"),
        (lambda: bi_woof(noise(20, 20, 2)), r"expected \(2, H, W\)"),
        (lambda: bi_woof(noise(2, 20, 20), globally="max"), "mean or sum"),
        (lambda: bi_woof(np.full((2, 20, 20), np.inf)), "infinity"),
        (lambda: bi_woof(noise(2, 4, 4)), "use fewer blocks"),
    ],
)
def test_bad_input_gets_one_clear_line(call, says: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(MienError, match=says) as caught:
        call()
    assert "\n" not in str(caught.value)
