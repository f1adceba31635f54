"""Facts of dynamic images: stillness, order, and the sum over pairs that the weights stand for."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from mien.core import MienError
from mien.motion.dynamic_image import dynamic_image, rank_pooling_weights, to_uint8

RANKS = ["means", "frames"]


def clip(count: int = 9) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, 7, 6, 3), np.uint8)


@pytest.mark.parametrize("rank", RANKS)
def test_a_clip_in_which_nothing_moves_pools_to_zero(rank: str) -> None:
    assert not dynamic_image(np.repeat(clip(1), 40, axis=0), rank).any()


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("count", [2, 3, 11, 200])
def test_the_weights_sum_to_zero(count: int, rank: str) -> None:
    weights = rank_pooling_weights(count, rank)
    assert len(weights) == count
    assert abs(weights.sum()) < 1e-9 * np.abs(weights).sum()


def test_four_frames_have_the_weights_of_the_formula() -> None:
    # H_4 = 25/12; 8 - 5 H_4, 6 - 5 (H_4 - 1), 4 - 5 (H_4 - 3/2), 2 - 5 (H_4 - 11/6)
    np.testing.assert_allclose(rank_pooling_weights(4), [-29 / 12, 7 / 12, 13 / 12, 3 / 4])
    np.testing.assert_array_equal(rank_pooling_weights(4, "frames"), [-3, -1, 1, 3])


def test_a_clip_by_hand() -> None:
    frames = np.array([0, 12, 24], np.uint8).reshape(3, 1, 1)
    assert dynamic_image(frames, "frames").item() == pytest.approx(48)  # -2 * 0 + 0 * 12 + 2 * 24
    assert dynamic_image(frames).item() == pytest.approx(24)  # -4/3 * 0 + 2/3 * 12 + 2/3 * 24


@pytest.mark.parametrize("rank", RANKS)
def test_pooling_is_the_sum_of_later_minus_earlier_over_all_pairs(rank: str) -> None:
    frames = clip().astype(np.float64)
    ranked = frames if rank == "frames" else np.cumsum(frames, axis=0) / np.arange(1, 10).reshape(-1, 1, 1, 1)
    pairs = sum(ranked[q] - ranked[t] for t, q in itertools.combinations(range(9), 2))
    np.testing.assert_allclose(dynamic_image(clip(), rank), pairs, atol=1e-2)


def test_time_reversed_frames_negate_the_image_where_frames_are_ranked() -> None:
    np.testing.assert_allclose(dynamic_image(clip()[::-1], "frames"), -dynamic_image(clip(), "frames"), atol=1e-2)


@pytest.mark.parametrize("rank", RANKS)
def test_light_that_all_frames_share_is_not_in_the_image(rank: str) -> None:
    frames = clip().astype(np.float32)
    np.testing.assert_allclose(dynamic_image(frames + 40, rank), dynamic_image(frames, rank), atol=1e-2)


@pytest.mark.parametrize("rank", RANKS)
def test_a_pixel_that_brightens_is_positive_and_one_that_darkens_negative(rank: str) -> None:
    ramp = np.arange(8, dtype=np.uint8) * 20
    image = dynamic_image(np.stack([ramp, 200 - ramp, 0 * ramp], axis=1)[:, None], rank)
    assert image[0, 0] > 0 > image[0, 1]
    assert image[0, 2] == 0


def test_grey_clips_give_grey_images() -> None:
    image = dynamic_image(clip()[..., 0])
    assert image.shape == (7, 6)
    assert image.dtype == np.float32


def test_the_stretch_fills_the_range_over_all_channels_together() -> None:
    image = dynamic_image(clip())
    made = to_uint8(image)
    assert made.dtype == np.uint8
    assert (made.min(), made.max()) == (0, 255)
    assert made.ravel()[np.argmax(image)] == 255
    assert made.ravel()[np.argmin(image)] == 0
    order = np.argsort(image, axis=None)
    assert (np.diff(made.ravel()[order].astype(int)) >= 0).all()
    assert not to_uint8(np.full((4, 4), 3.0)).any()


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: dynamic_image(clip(1)), "at least 2"),
        (lambda: dynamic_image(clip()[0, ..., 0]), r"expected \(T, H, W\)"),
        (lambda: dynamic_image(np.full((3, 4, 4), np.nan, np.float32)), "without NaN"),
        (lambda: dynamic_image(clip(), "svm"), "means or frames"),
        (lambda: to_uint8(np.array([[0.0, np.inf]])), "finite"),
    ],
)
def test_bad_input_gets_one_clear_line(call, says: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(MienError, match=says) as caught:
        call()
    assert "\n" not in str(caught.value)
