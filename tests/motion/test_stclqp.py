"""Facts of completed local patterns and of the codebooks that stand for them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.core import MienError
from mien.motion.descriptors import completed_counts, lbp_top, learn_codebook, nearest_entries, plane_codes

RADII = (1, 1, 2)
AXES = {"xy": (1, 2), "xt": (0, 2), "yt": (0, 1)}


def noise(*shape: int, seed: int = 0, low: int = 0, high: int = 256) -> np.ndarray:
    return np.random.default_rng(seed).integers(low, high, shape, np.uint8)


def counted(frames: np.ndarray, blocks: tuple[int, int, int] = (1, 1, 1), **options: object) -> np.ndarray:
    """Counts by block, component, plane and pattern."""
    return completed_counts(frames, blocks=blocks, **options).reshape(-1, 3, 3, 256)  # type: ignore[arg-type]


def around(plane: str, number: int) -> tuple[float, float, float]:
    """(t, y, x) of a neighbour at radius 1 in space and 2 in time, by the formulas of Zhao & Pietikainen."""
    sine, cosine = np.sin(number * np.pi / 4), np.cos(number * np.pi / 4)
    return {"xy": (0, cosine, -sine), "xt": (-2 * cosine, 0, -sine), "yt": (-2 * sine, -cosine, 0)}[plane]


def grey_at(volume: np.ndarray, t: float, y: float, x: float) -> float:
    from scipy.ndimage import map_coordinates

    return float(map_coordinates(volume.astype(float), [[t], [y], [x]], order=1)[0])


def test_every_centre_has_a_pattern_of_each_kind_in_one_block() -> None:
    counts = counted(noise(10, 32, 30), (4, 3, 2))
    assert counts.shape == (24, 3, 3, 256)
    assert (counts.sum(axis=(0, 3)) == 6 * 30 * 28).all()
    assert (counts.sum(axis=3) == counts.sum(axis=3)[:, :1, :1]).all()


@pytest.mark.parametrize("kind", ["uint8", "float32"])
def test_the_sign_is_lbp_top(kind: str) -> None:
    frames = noise(9, 20, 22).astype(kind)
    counts = counted(frames, (2, 2, 1))
    for number, plane in enumerate(AXES):
        codes = plane_codes(frames, plane, radii=RADII)
        np.testing.assert_array_equal(counts[:, 0, number].sum(axis=0), np.bincount(codes.ravel(), minlength=256))
    shares = counts[:, 0] / counts[:, 0].sum(axis=-1, keepdims=True)
    expected = lbp_top(frames, radii=RADII, blocks=(2, 2, 1), uniform=False)
    np.testing.assert_array_equal(shares.astype(np.float32).ravel(), expected)


def test_magnitude_and_orientation_as_a_slow_reference_finds_them() -> None:
    frames = np.random.default_rng(3).uniform(0, 255, (7, 6, 5)).astype(np.float32)
    rounded = np.rint(frames.astype(float) * 4096) / 4096
    places = [(t, y, x) for t in (2, 3, 4) for y in range(1, 5) for x in range(1, 4)]
    counts = counted(frames)[0]
    for number, (plane, axes) in enumerate(AXES.items()):
        steps = [around(plane, p) for p in range(8)]
        sizes = np.array([[abs(grey_at(rounded, *np.add(at, step)) - rounded[at]) for step in steps] for at in places])
        first, second = np.gradient(rounded, axis=axes)
        angle = np.arctan2(first, second)
        turns = np.array(
            [[angle[tuple(np.add(at, np.rint(step).astype(int)))] - angle[at] for step in steps] for at in places]
        )
        turns = np.abs((turns + np.pi) % (2 * np.pi) - np.pi)
        for component, bits in ((1, sizes >= sizes.mean()), (2, turns <= np.pi / 4)):
            codes = (bits * 2 ** np.arange(8)).sum(axis=1)
            np.testing.assert_array_equal(counts[component, number], np.bincount(codes, minlength=256))


def test_a_bright_pixel_by_hand() -> None:
    """One of nine centres differs from all eight neighbours, each other one at most from the one in the middle."""
    frames = np.zeros((5, 5, 5), np.uint8)
    frames[2, 2, 2] = 64
    sign, magnitude, _ = counted(frames)[0]
    assert sign[0].nonzero()[0].tolist() == [0, 255]  # the bright one is above all; for the others none is below
    assert sign[0, 0] == 1
    assert magnitude[0, 255] == 1
    assert magnitude[0, 0] == 0, "each of the others has the bright one next to it"
    assert magnitude[0].sum() == 9


def test_beside_a_valley_the_gradient_turns_on_the_far_side() -> None:
    valley = 20 * np.abs(np.arange(12) - 5.5).astype(np.float32)  # darkest at columns 5 and 6
    codes = counted(np.tile(valley, (5, 6, 1)))[0, 2, 0]
    left, right = 0b00001110, 0b11100000  # neighbours 1 to 3 lie at x - sin a, 5 to 7 beyond
    assert codes[[255 - right, 255 - left]].tolist() == [4, 4]  # column 5, column 6, four rows each
    assert codes[255] == codes.sum() - 8


@settings(max_examples=20)
@given(seed=st.integers(0, 1000), offset=st.integers(1, 100), gain=st.sampled_from([2, 3, 5]))
def test_light_and_contrast_change_nothing(seed: int, offset: int, gain: int) -> None:
    frames = noise(6, 8, 8, seed=seed, high=30)
    expected = completed_counts(frames, blocks=(1, 1, 1))
    np.testing.assert_array_equal(completed_counts(frames + np.uint8(offset), blocks=(1, 1, 1)), expected)
    np.testing.assert_array_equal(completed_counts(frames * np.uint8(gain), blocks=(1, 1, 1)), expected)


def test_constant_grey_has_one_pattern() -> None:
    counts = counted(np.full((6, 9, 9), 70, np.uint8), (2, 2, 1))
    assert (counts[..., 255] == counts.sum(axis=-1)).all()


def test_a_change_in_one_block_is_seen_in_that_block_by_sign_and_orientation() -> None:
    still = np.repeat(noise(1, 30, 30), 8, axis=0)
    moving = still.copy()
    moving[3:5, 14:17, 14:17] = 255 - moving[3:5, 14:17, 14:17]
    changed = (counted(still, (3, 3, 1)) != counted(moving, (3, 3, 1))).any(axis=(2, 3)).reshape(3, 3, 3)
    assert np.argwhere(changed[..., 0]).tolist() == np.argwhere(changed[..., 2]).tolist() == [[1, 1]]


def test_radii_and_blocks_are_used() -> None:
    frames = noise(10, 20, 20)
    assert (counted(frames, radii=(1, 1, 1)) != counted(frames, radii=(2, 1, 1))).any()
    assert len(counted(frames, (2, 3, 1))) == 6


def test_a_codebook_of_all_patterns_is_all_patterns() -> None:
    counts = noise(256, high=9)
    np.testing.assert_array_equal(learn_codebook(counts, 256), np.arange(256))
    np.testing.assert_array_equal(nearest_entries(np.arange(256)), np.arange(256))


def test_one_entry_is_the_majority_of_each_bit() -> None:
    counts = np.zeros(8)
    counts[[0b110, 0b011, 0b101]] = 4, 3, 2  # no pattern that occurs is the median of all
    assert learn_codebook(counts, 1).tolist() == [0b111]


@settings(max_examples=30)
@given(seed=st.integers(0, 10_000), size=st.integers(1, 20))
def test_a_codebook_is_where_k_medians_comes_to_rest(seed: int, size: int) -> None:
    rng = np.random.default_rng(seed)
    counts = rng.integers(0, 50, 64) * (rng.random(64) < 0.5)
    counts[0] += 1
    codebook = learn_codebook(counts, size).astype(int)
    nearest = nearest_entries(codebook, 64)
    bits = np.arange(64)[:, None] >> np.arange(6) & 1
    distance = (bits[:, None] != (codebook[:, None] >> np.arange(6) & 1)).sum(axis=-1)
    assert (distance[np.arange(64), nearest] == distance.min(axis=1)).all()
    for entry, pattern in enumerate(codebook):
        mine = nearest == entry
        share = (counts[mine, None] * bits[mine]).sum(axis=0)
        held = pattern >> np.arange(6) & 1
        assert (np.where(held, share, counts[mine].sum() - share) * 2 >= counts[mine].sum()).all()
    np.testing.assert_array_equal(learn_codebook(counts * 3, size), codebook)


def test_more_entries_stand_for_the_patterns_more_closely() -> None:
    counts = noise(256, high=50).astype(np.int64)
    costs = []
    for size in (1, 8, 64, 256):
        codebook = learn_codebook(counts, size).astype(np.int64)
        costs.append(int(counts @ np.bitwise_count(np.arange(256) ^ codebook[nearest_entries(codebook)])))
    assert costs == sorted(costs, reverse=True)
    assert costs[-1] == 0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: completed_counts(noise(4, 20, 20)), "interpolate to more frames"),
        (lambda: completed_counts(noise(9, 20, 20).astype(int)), "convert them"),
        (lambda: completed_counts(np.full((9, 20, 20), np.nan, np.float32)), "NaN"),
        (lambda: completed_counts(noise(9, 20, 20), blocks=(30, 1, 1)), "fewer blocks"),
        (lambda: learn_codebook(np.ones(6), 2), "2 to the power"),
        (lambda: learn_codebook(-np.ones(8), 2), "not negative"),
        (lambda: learn_codebook(np.ones(8), 9), "from 1 to 8"),
        (lambda: learn_codebook(np.ones(8), 0), "from 1 to 8"),
    ],
)
def test_bad_use_is_refused(call, message: str) -> None:
    with pytest.raises(MienError, match=message):
        call()
