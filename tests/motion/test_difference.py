"""Facts of differences: what cancels, what stays, what changes sign."""

from __future__ import annotations

import numpy as np
import pytest

from mien.core import MienError
from mien.motion.difference import depth_difference, frame_difference, idsf, rgbd_difference

IMAGENET_MEAN, IMAGENET_STD = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])


def picture(seed: int, low: int = 0, high: int = 256) -> np.ndarray:
    return np.random.default_rng(seed).integers(low, high, (12, 10, 3), np.uint8)


def clip(count: int = 11) -> np.ndarray:
    return np.random.default_rng(0).integers(40, 200, (count, 12, 10), np.uint8)


def depths(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(400, 2000, (12, 10)).astype(np.uint16)


def test_the_difference_is_that_of_imagenet_normalised_frames() -> None:
    onset, apex = picture(0), picture(1)
    normalised = [(frame / 255 - IMAGENET_MEAN) / IMAGENET_STD for frame in (onset, apex)]
    made = frame_difference(onset, apex)
    np.testing.assert_allclose(made, normalised[1] - normalised[0], atol=1e-5)
    assert made.dtype == np.float32


def test_what_is_added_to_both_frames_changes_no_difference() -> None:
    onset, apex, extra = picture(0, high=200), picture(1, high=200), picture(2, high=56)
    np.testing.assert_array_equal(frame_difference(onset + extra, apex + extra), frame_difference(onset, apex))


def test_exchanging_onset_and_apex_negates_the_difference() -> None:
    onset, apex = picture(0), picture(1)
    np.testing.assert_array_equal(frame_difference(apex, onset), -frame_difference(onset, apex))
    assert not frame_difference(onset, onset).any()


def test_floats_on_the_scale_of_uint8_give_the_same_difference() -> None:
    onset, apex = picture(0), picture(1)
    made = frame_difference(onset.astype(np.float32), apex.astype(np.float32))
    np.testing.assert_array_equal(made, frame_difference(onset, apex))


def test_eleven_frames_give_ten_differences_from_the_onset() -> None:
    frames = clip()
    made = idsf(frames)
    assert made.shape == (10, 12, 10)
    assert made.dtype == np.float32
    np.testing.assert_allclose(made, (frames[1:].astype(float) - frames[0]) / 255, atol=1e-6)


def test_identical_frames_have_no_difference() -> None:
    frames = np.repeat(clip(1), 11, axis=0)
    assert not idsf(frames).any()


def test_light_that_all_frames_share_changes_no_difference() -> None:
    np.testing.assert_array_equal(idsf(clip() + np.uint8(30)), idsf(clip()))


@pytest.mark.parametrize("centre", ["mean", "median"])
def test_light_in_one_frame_changes_that_difference_alone_and_remove_dc_undoes_it(centre: str) -> None:
    frames, lit = clip(), clip()
    lit[4] += 25
    changed = idsf(lit) - idsf(frames)
    np.testing.assert_allclose(changed[3], 25 / 255, atol=1e-6)
    assert not np.delete(changed, 3, axis=0).any()
    np.testing.assert_allclose(idsf(lit, centre), idsf(frames, centre), atol=1e-6)


def test_remove_dc_centres_each_difference() -> None:
    np.testing.assert_allclose(idsf(clip(), "mean").mean(axis=(1, 2)), 0, atol=1e-6)
    np.testing.assert_allclose(np.median(idsf(clip(), "median"), axis=(1, 2)), 0, atol=1e-6)


def test_the_literal_variant_starts_with_the_onsets_difference_from_itself() -> None:
    made = idsf(clip(10), with_onset=True)
    assert made.shape == (10, 12, 10)
    assert not made[0].any()
    np.testing.assert_array_equal(made[1:], idsf(clip(10)))


def test_1500_units_of_depth_are_one() -> None:
    onset = depths(0)
    np.testing.assert_allclose(depth_difference(onset, onset + np.uint16(1500)), 1.0)
    np.testing.assert_allclose(depth_difference(onset + np.uint16(1500), onset), -1.0)
    np.testing.assert_allclose(depth_difference(onset, onset + np.uint16(1500), scale=3000), 0.5)


def test_depth_that_either_camera_frame_misses_is_no_difference() -> None:
    onset, apex = depths(0), depths(1)
    onset[2, 3], apex[5, 6] = 0, 0
    made = depth_difference(onset, apex)
    assert made[2, 3] == made[5, 6] == 0
    assert (made != 0).sum() > 100


def test_rgbd_is_the_colour_difference_and_then_the_depth() -> None:
    onset, apex = picture(0), picture(1)
    made = rgbd_difference(onset, apex, depths(0), depths(1))
    assert made.shape == (12, 10, 4)
    assert made.dtype == np.float32
    np.testing.assert_array_equal(made[..., :3], frame_difference(onset, apex))
    np.testing.assert_array_equal(made[..., 3], depth_difference(depths(0), depths(1)))


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: frame_difference(picture(0), picture(1)[:5]), "crop both alike"),
        (lambda: frame_difference(picture(0)[..., 0], picture(1)[..., 0]), r"expected \(H, W, 3\)"),
        (lambda: frame_difference(picture(0) / 255, picture(1) / 255), "uint8 or float32"),
        (lambda: frame_difference(np.full((4, 4, 3), np.nan, np.float32), picture(1)), "without NaN"),
        (lambda: idsf(clip(1)), "at least 2"),
        (lambda: idsf(clip(), "mode"), "mean or median"),
        (lambda: idsf(np.zeros((4, 8, 8, 3), np.uint8)), r"grey \(T, H, W\)"),
        (lambda: depth_difference(depths(0), depths(1).astype(np.uint8)), "expected uint16"),
        (lambda: depth_difference(depths(0), depths(1)[:3]), "expected uint16"),
        (lambda: depth_difference(depths(0), depths(1), scale=0), "above 0"),
        (lambda: rgbd_difference(picture(0), picture(1), depths(0)[:3], depths(1)[:3]), "one size"),
    ],
)
def test_bad_input_gets_one_clear_line(call, says: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(MienError, match=says) as caught:
        call()
    assert "\n" not in str(caught.value)
