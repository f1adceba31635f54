"""Facts of LBP-SIP."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mien.core import MienError
from mien.motion.descriptors.lbp_sip import lbp_sip
from mien.motion.descriptors.lbp_top import lbp_top


def noise(*shape: int, seed: int = 0, high: int = 256) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, high, shape, np.uint8)


def reference(volume, radii, blocks) -> np.ndarray:
    frames, height, width = volume.shape
    rows, columns, times = blocks
    x_r, y_r, t_r = radii
    counts = np.zeros((times, rows, columns, 64))
    for t, y, x in product(range(t_r, frames - t_r), range(y_r, height - y_r), range(x_r, width - x_r)):
        points = [(t, y, x + x_r), (t, y + y_r, x), (t, y, x - x_r), (t, y - y_r, x), (t - t_r, y, x), (t + t_r, y, x)]
        code = sum(2**bit for bit, point in enumerate(points) if volume[point] >= volume[t, y, x])
        counts[t * times // frames, y * rows // height, x * columns // width, code] += 1
    return (counts / counts.sum(axis=-1, keepdims=True)).astype(np.float32).ravel()


@settings(max_examples=25, deadline=None)
@given(
    arrays(np.uint8, st.tuples(st.integers(5, 8), st.integers(5, 8), st.integers(5, 8)), elements=st.integers(0, 3)),
    st.sampled_from([(1, 1, 1), (2, 1, 1), (1, 2, 2)]),
)
def test_any_small_volume_has_exactly_the_counts_of_a_slow_reference(volume, radii) -> None:
    found = lbp_sip(volume, radii=radii, blocks=(1, 1, 1), compressed=False)
    np.testing.assert_array_equal(found, reference(volume, radii, (1, 1, 1)))


def test_blocks_count_exactly_as_a_slow_reference_does() -> None:
    volume = noise(11, 13, 17)
    found = lbp_sip(volume, radii=(1, 2, 1), blocks=(3, 2, 2), compressed=False)
    np.testing.assert_array_equal(found, reference(volume, (1, 2, 1), (3, 2, 2)))


@pytest.mark.parametrize(("compressed", "bins"), [(True, 20), (False, 64)])
def test_a_block_has_20_bins_or_all_64(compressed, bins) -> None:
    assert lbp_sip(noise(10, 64, 64), compressed=compressed).shape == (64 * bins,)


def test_every_histogram_sums_to_one() -> None:
    found = lbp_sip(noise(10, 40, 40), blocks=(4, 5, 1)).reshape(20, 20)
    np.testing.assert_allclose(found[:, :16].sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(found[:, 16:].sum(axis=1), 1, rtol=1e-5)
    whole = lbp_sip(noise(10, 40, 40), blocks=(4, 5, 1), compressed=False).reshape(20, 64)
    np.testing.assert_allclose(whole.sum(axis=1), 1, rtol=1e-5)


def test_the_compressed_form_holds_the_margins_of_the_whole() -> None:
    frames = noise(10, 24, 24)
    table = lbp_sip(frames, blocks=(1, 1, 1), compressed=False).reshape(4, 16)  # time, space
    short = lbp_sip(frames, blocks=(1, 1, 1))
    np.testing.assert_allclose(short[:16], table.sum(axis=0), rtol=1e-5)
    np.testing.assert_allclose(short[16:], table.sum(axis=1), rtol=1e-5)


def test_a_constant_volume_has_one_bin() -> None:
    found = lbp_sip(np.full((10, 16, 16), 9, np.uint8), blocks=(1, 1, 1))
    assert np.flatnonzero(found).tolist() == [15, 19]


@given(st.integers(0, 1000))
@settings(max_examples=15, deadline=None)
def test_any_rising_change_of_grey_changes_nothing(seed) -> None:
    frames = noise(9, 12, 12, seed=seed, high=40)
    rising = np.sort(np.random.default_rng(seed).choice(256, 40, replace=False)).astype(np.uint8)
    np.testing.assert_array_equal(lbp_sip(rising[frames], blocks=(2, 2, 1)), lbp_sip(frames, blocks=(2, 2, 1)))


def test_reversing_time_swaps_before_and_after_and_nothing_else() -> None:
    frames = noise(10, 20, 20)
    forward, back = (lbp_sip(clip, blocks=(1, 1, 1)) for clip in (frames, frames[::-1]))
    np.testing.assert_array_equal(back, forward[[*range(16), 16, 18, 17, 19]])


def test_a_clip_that_brightens_has_a_darker_frame_before_and_a_brighter_after() -> None:
    frames = noise(1, 16, 16, high=100) + np.arange(9, dtype=np.uint8)[:, None, None]
    assert lbp_sip(frames, blocks=(1, 1, 1))[16:].tolist() == [0, 0, 1, 0]


def test_the_points_in_space_are_those_of_lbp_top_with_four_neighbours() -> None:
    frames = noise(10, 20, 20)
    theirs = lbp_top(frames, neighbours=(4, 4, 4), blocks=(1, 1, 1), uniform=False)[:16]
    codes = np.arange(16)  # LBP-TOP starts below and goes on left, above, right
    ours = sum((codes >> p & 1) << q for p, q in enumerate((1, 2, 3, 0)))
    np.testing.assert_array_equal(lbp_sip(frames, blocks=(1, 1, 1))[:16][ours], theirs)


def test_a_moving_texture_in_one_block_changes_that_block_only() -> None:
    still = np.repeat(noise(1, 48, 48), 10, axis=0)
    moving = still.copy()
    for t in range(10):
        moving[t, 18:30, 34:46] = np.roll(still[0, 18:30, 34:46], t, axis=0)
    before, after = (lbp_sip(clip, blocks=(3, 3, 1)).reshape(3, 3, 20) for clip in (still, moving))
    assert np.argwhere((before != after).any(axis=-1)).tolist() == [[1, 2]]


@pytest.mark.parametrize(
    ("frames", "options"),
    [(noise(8, 32, 32), {}), (noise(10, 32, 32), {"radii": (1, 1)}), (noise(32, 32), {})],
)
def test_what_cannot_be_described_is_refused(frames, options) -> None:
    with pytest.raises(MienError):
        lbp_sip(frames, **options)
