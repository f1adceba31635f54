"""Key frames gather where the face moves."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.core import MienError
from mien.motion.sampling import tim
from mien.motion.slices import key_clip, key_frames, slice_motion, slice_stack


def moving(places: list[float], size: int = 48) -> np.ndarray:
    """A smooth texture, in each frame shifted to the right by so many pixels."""
    noise = np.random.default_rng(3).normal(size=(size, 2 * size))
    wide = cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 2), None, 0, 255, cv2.NORM_MINMAX).astype(np.float32)
    y, x = np.mgrid[:size, :size].astype(np.float32)
    frames = [cv2.remap(wide, x + size / 2 - np.float32(place), y, cv2.INTER_LINEAR) for place in places]
    return np.rint(np.stack(frames)).astype(np.uint8)


def burst(still: int = 30, motion: int = 30) -> np.ndarray:
    return moving([0.0] * still + [0.7 * step for step in range(1, motion + 1)] + [0.7 * motion] * still)


def cost_by_hand(one: np.ndarray, two: np.ndarray, reach: int) -> float:
    """The definition, pixel by pixel."""
    costs = []
    for x, grey in enumerate(one.astype(float)):
        matches = [(abs(grey - two[x + d]), abs(d)) for d in range(-reach, reach + 1) if 0 <= x + d < len(two)]
        difference, distance = min(matches)
        costs.append(distance + 0.1 * difference)
    return float(np.mean(costs))


def test_a_slice_is_a_row_over_time() -> None:
    frames = np.random.default_rng(0).integers(0, 256, (5, 32, 20), np.uint8)
    slices = slice_stack(frames, rows=16)
    assert slices.shape == (16, 5, 20)
    np.testing.assert_array_equal(slices[3], frames[:, 7])
    np.testing.assert_array_equal(slice_stack(frames, rows=32), frames.swapaxes(0, 1))


def test_a_slice_of_colour_is_its_luma() -> None:
    grey = moving([0, 1, 2])
    np.testing.assert_array_equal(slice_stack(np.repeat(grey[..., None], 3, axis=3)), slice_stack(grey))
    red = np.zeros((2, 16, 8, 3), np.float32)
    red[..., 0] = 100
    np.testing.assert_allclose(slice_stack(red), 29.9, atol=1e-3)


@pytest.mark.parametrize("shift", [0, 1, 2, 3])
def test_a_whole_shift_costs_its_pixels(shift: int) -> None:
    rows = np.random.default_rng(1).permuted(np.tile(np.arange(200, dtype=np.uint8), (16, 1)), axis=1)  # all different
    wide = np.stack([rows[:, 10:-10], rows[:, 10 - shift : 190 - shift]])
    assert slice_motion(wide)[0] == pytest.approx(shift, abs=0.15)  # the last pixels have left the frame


@given(st.integers(0, 4), st.integers(0, 10_000))
def test_the_cost_is_that_of_its_definition(reach: int, seed: int) -> None:
    frames = np.random.default_rng(seed).integers(0, 12, (2, 3, 9), np.uint8) * 20  # many equal greys: ties
    by_hand = np.mean([cost_by_hand(frames[0, row], frames[1, row], reach) for row in range(3)])
    assert slice_motion(frames, rows=3, reach=reach)[0] == pytest.approx(by_hand, abs=1e-5)


def test_identical_frames_have_no_motion() -> None:
    motion = slice_motion(burst(4, 3))
    assert motion.shape == (10,)
    assert (motion[[0, 1, 2, 6, 7, 8, 9]] == 0).all()
    assert (motion[3:6] > 0.3).all()


def test_mirroring_does_not_change_the_motion() -> None:
    frames = burst(2, 4)
    np.testing.assert_allclose(slice_motion(frames[:, :, ::-1]), slice_motion(frames), rtol=1e-6)


def test_key_frames_gather_in_the_motion() -> None:
    frames = burst()
    chosen = key_frames(frames)
    assert len(chosen) == 17
    assert (chosen[0], chosen[-1]) == (0, 89)
    assert (np.diff(chosen) > 0).all()
    assert ((chosen >= 29) & (chosen <= 60)).sum() >= 15
    np.testing.assert_array_equal(key_frames(frames), chosen)


def test_what_rests_is_skipped_up_to_the_motion() -> None:
    greys = np.array([0, 0, 0, 0, 30, 60, 90, 90, 90], np.uint8)  # accumulated motion 0 0 0 0 3 6 9 9 9
    frames = np.broadcast_to(greys[:, None, None], (9, 16, 16))
    np.testing.assert_array_equal(key_frames(frames, 4), [0, 4, 5, 8])
    np.testing.assert_array_equal(key_frames(frames, 6), [0, 4, 5, 6, 7, 8])
    np.testing.assert_array_equal(key_frames(frames, 7), [0, 3, 4, 5, 6, 7, 8])


def test_an_even_motion_is_sampled_evenly() -> None:
    steps = np.diff(key_frames(moving([float(step) for step in range(33)])))
    assert steps.min() >= 1
    assert steps.max() <= 3


def test_a_clip_at_rest_is_sampled_evenly() -> None:
    np.testing.assert_array_equal(key_frames(moving([0.0] * 33)), np.arange(0, 33, 2))


@pytest.mark.parametrize("apex", range(0, 90, 7))
def test_the_apex_is_always_among_them(apex: int) -> None:
    chosen = key_frames(burst(), apex=apex)
    assert {0, apex, 89} <= set(chosen.tolist())
    assert (np.diff(chosen) > 0).all()


@given(st.data())
def test_any_clip_gives_rising_indices_with_its_ends_and_apex(data: st.DataObject) -> None:
    total = data.draw(st.integers(3, 24))
    count, apex = data.draw(st.integers(3, total)), data.draw(st.integers(0, total - 1))
    greys = data.draw(st.lists(st.integers(0, 255), min_size=total, max_size=total))
    chosen = key_frames(np.broadcast_to(np.array(greys, np.uint8)[:, None, None], (total, 16, 4)), count, apex)
    assert len(chosen) == count
    assert (np.diff(chosen) > 0).all()
    assert {0, apex, total - 1} <= set(chosen.tolist())


def test_as_many_key_frames_as_frames_are_all_of_them() -> None:
    np.testing.assert_array_equal(key_frames(burst(6, 5), apex=9), np.arange(17))


def test_a_clip_that_is_long_enough_keeps_its_own_frames() -> None:
    frames = burst()
    made, indices = key_clip(frames, apex=45)
    np.testing.assert_array_equal(indices, key_frames(frames, apex=45))
    np.testing.assert_array_equal(made, frames[indices])
    assert made.dtype == np.uint8


def test_a_clip_that_is_too_short_is_interpolated() -> None:
    frames = burst(4, 3)
    made, indices = key_clip(frames, apex=5)
    assert indices is None
    np.testing.assert_array_equal(made, tim(frames, 17))


def test_a_magnified_clip_may_stay_float() -> None:
    frames = burst()
    np.testing.assert_array_equal(key_frames(frames.astype(np.float32)), key_frames(frames))


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: slice_stack(np.zeros((3, 32))), r"expected \(T, H, W\)"),
        (lambda: slice_stack(np.zeros((3, 32, 32, 4), np.uint8)), r"expected \(T, H, W\)"),
        (lambda: slice_stack(np.zeros((3, 8, 32), np.uint8)), "expected 1 to 8"),
        (lambda: slice_stack(np.full((3, 32, 32), np.nan)), "NaN"),
        (lambda: slice_motion(np.zeros((3, 32, 3), np.uint8)), "expected 0 to 2"),
        (lambda: slice_motion(np.zeros((3, 32, 32), np.uint8), reach=-1), "expected 0 to 31"),
        (lambda: key_frames(np.zeros((16, 32, 32), np.uint8)), "interpolate with key_clip"),
        (lambda: key_frames(np.zeros((16, 32, 32), np.uint8), 1), "expected 2 to 16"),
        (lambda: key_frames(np.zeros((16, 32, 32), np.uint8), 2, apex=5), "at least 3"),
        (lambda: key_frames(np.zeros((16, 32, 32), np.uint8), 5, apex=16), "expected 0 to 15"),
        (lambda: key_clip(np.zeros((1, 32, 32), np.uint8)), "got 1 frames"),
        (lambda: key_clip(np.zeros((5, 32, 32), np.uint8), apex=7), "expected 0 to 4"),
    ],
)
def test_bad_use_gets_one_clear_line(call, says: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(MienError, match=says) as caught:
        call()
    assert "\n" not in str(caught.value)
