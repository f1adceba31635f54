"""Facts of long-term flow: which frames it sees, how motion adds up, what its colours mean."""

from __future__ import annotations

import colorsys

import cv2
import numpy as np
import pytest

from mien.core import MienError
from mien.motion import optical_flow
from mien.motion.long_term import flow_image, long_term_flow


def texture(size: int = 64) -> np.ndarray:
    noise = cv2.GaussianBlur(np.random.default_rng(0).normal(size=(size, size)), (0, 0), 2.0)
    return cv2.normalize(noise, None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)


def moving_clip(count: int, px_per_frame: float = 0.2) -> np.ndarray:
    """A texture that drifts to the right, float32."""
    rows, columns = np.indices((64, 64), np.float32)
    first = texture().astype(np.float32)
    shifted = [cv2.remap(first, columns - px_per_frame * t, rows, cv2.INTER_LINEAR) for t in range(count)]
    return np.stack(shifted)


def mean_u(fields: np.ndarray) -> np.ndarray:
    return fields[:, 0, 16:-16, 16:-16].mean(axis=(1, 2))


def test_eleven_fields_lead_from_the_onset_to_the_frames_around_the_apex() -> None:
    frames = moving_clip(20)
    fields = long_term_flow(frames, apex=9)
    assert fields.shape == (11, 2, 64, 64)
    assert fields.dtype == np.float32
    for index, frame in [(0, 4), (5, 9), (10, 14)]:
        np.testing.assert_array_equal(fields[index], optical_flow(frames[0], frames[frame], "farneback"))


def test_motion_from_the_onset_grows_as_the_face_moves_on() -> None:
    np.testing.assert_allclose(mean_u(long_term_flow(moving_clip(20), apex=9)), 0.2 * np.arange(4, 15), atol=0.05)


def test_the_window_never_begins_with_the_onset_itself() -> None:
    frames = moving_clip(20)
    fields = long_term_flow(frames, apex=2)
    np.testing.assert_array_equal(fields[0], optical_flow(frames[0], frames[1], "farneback"))
    np.testing.assert_array_equal(fields[10], optical_flow(frames[0], frames[11], "farneback"))


def test_a_clip_that_ends_early_is_interpolated_between_its_fields() -> None:
    fields = long_term_flow(moving_clip(10), apex=9)  # frames 4 to 9 are there
    np.testing.assert_allclose(mean_u(fields), 0.2 * np.linspace(4, 9, 11), atol=0.05)
    np.testing.assert_allclose(fields[1], (fields[0] + fields[2]) / 2, atol=1e-5)


def test_a_still_clip_has_no_long_term_motion() -> None:
    assert np.abs(long_term_flow(np.repeat(texture()[None], 12, axis=0), apex=6)).max() < 1e-3


def test_another_estimator_may_be_asked_for() -> None:
    frames = moving_clip(8)
    fields = long_term_flow(frames, apex=4, count=3, algorithm="dis")
    np.testing.assert_array_equal(fields[1], optical_flow(frames[0], frames[4], "dis"))


@pytest.mark.parametrize("degrees", range(0, 360, 30))
def test_hue_is_the_direction_clockwise_from_the_right(degrees: int) -> None:
    angle = np.radians(degrees)
    image = flow_image(np.stack([np.full((4, 4), np.cos(angle)), np.full((4, 4), np.sin(angle))]), max_px=1.0)
    expected = 255 * np.array(colorsys.hsv_to_rgb(degrees / 360, 1, 1))
    assert image.shape == (4, 4, 3)
    assert np.abs(image[0, 0] - expected).max() <= 1


def test_value_is_the_length_against_a_fixed_scale() -> None:
    lengths = np.array([[0.0, 1.0, 2.0, 9.0]])
    image = flow_image(np.stack([lengths, 0 * lengths]), max_px=5.0)
    np.testing.assert_array_equal(image[0], [[0, 0, 0], [51, 0, 0], [102, 0, 0], [255, 0, 0]])


def test_without_a_scale_the_shortest_is_black_and_the_longest_brightest() -> None:
    lengths = np.array([[1.0, 2.0, 6.0]])
    image = flow_image(np.stack([lengths, 0 * lengths]))
    np.testing.assert_array_equal(image[0], [[0, 0, 0], [51, 0, 0], [255, 0, 0]])
    np.testing.assert_array_equal(flow_image(np.stack([7 * lengths, 0 * lengths])), image)


def test_the_image_is_slstts_but_for_its_steps_of_two_degrees() -> None:
    flow = cv2.GaussianBlur(np.random.default_rng(1).normal(size=(32, 32, 2)), (0, 0), 4).transpose(2, 0, 1)
    length, angle = cv2.cartToPolar(flow[0], flow[1], angleInDegrees=True)
    value = cv2.normalize(length, None, 0, 255, cv2.NORM_MINMAX)
    hsv = np.stack([angle / 2, np.full_like(angle, 255), value], axis=-1).astype(np.uint8)
    theirs = cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB).astype(int)
    assert np.abs(flow_image(flow) - theirs).max() <= 12


@pytest.mark.parametrize("max_px", [None, 2.0])
def test_no_motion_is_black(max_px: float | None) -> None:
    assert not flow_image(np.zeros((2, 8, 8)), max_px).any()


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: long_term_flow(moving_clip(12), apex=0), "apex from 1"),
        (lambda: long_term_flow(moving_clip(12), apex=12), "apex from 1"),
        (lambda: long_term_flow(moving_clip(2), apex=1), "at least 3 frames"),
        (lambda: long_term_flow(moving_clip(12), apex=5, count=1), "at least 2"),
        (lambda: flow_image(np.zeros((8, 8, 2))), r"expected \(2, H, W\)"),
        (lambda: flow_image(np.full((2, 8, 8), np.nan)), "without NaN"),
        (lambda: flow_image(np.zeros((2, 8, 8)), max_px=0.0), "above 0"),
    ],
)
def test_bad_input_gets_one_clear_line(call, says: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(MienError, match=says) as caught:
        call()
    assert "\n" not in str(caught.value)
