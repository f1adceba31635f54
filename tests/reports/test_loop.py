"""The loop of a moment: as slow as it says, as far as it says, and nothing moves that did not."""

from __future__ import annotations

import base64
from io import BytesIO

import cv2
import numpy as np
import pytest
from PIL import Image

from mien.core import MienError
from mien.reports._loop import MOST_FRAMES, draw_loop, magnify_motion

SIZE = 128
Y, X = np.mgrid[:SIZE, :SIZE].astype(np.float32)


def skin(seed: int = 0) -> np.ndarray:
    """Uneven grey with a red dot in the middle, (SIZE, SIZE, 3) float32."""
    noise = np.random.default_rng(seed).integers(0, 256, (SIZE, SIZE)).astype(np.float32)
    grey = cv2.GaussianBlur(noise, (0, 0), 3)
    grey = np.repeat(((grey - grey.mean()) * 4 + 120)[..., None], 3, axis=2)
    dot = np.exp(-((X - 64) ** 2 + (Y - 64) ** 2) / 18)[..., None]
    return np.clip(grey * (1 - dot) + dot * np.float32([220, 30, 30]), 0, 255)


def moved(right: float, down: float) -> np.ndarray:
    """The skin after its middle went some pixels, less and less towards the border."""
    x, y = X, Y
    for _ in range(20):
        weight = np.exp(-((x - 64) ** 2 + (y - 64) ** 2) / (2 * 14**2))
        x, y = X - right * weight, Y - down * weight
    return cv2.remap(skin(), np.float32(x), np.float32(y), cv2.INTER_CUBIC).clip(0, 255).astype(np.uint8)


def dot_at(face: np.ndarray) -> np.ndarray:
    red = np.clip(face[..., 0].astype(float) - face[..., 1] - 60, 0, None)
    return np.array([(red * X).sum(), (red * Y).sum()]) / red.sum()


def moment(count: int) -> np.ndarray:
    """A movement of 1.5 px there and back at a steady pace: the encoder joins frames that look alike."""
    return np.stack([moved(0, -1.5 * (1 - abs(2 * k / (count - 1) - 1))) for k in range(count)])


def decoded(address: str) -> Image.Image:
    assert address.startswith("data:image/webp;base64,")
    return Image.open(BytesIO(base64.b64decode(address.split(",")[1])))


def durations_ms(address: str) -> list[int]:
    image = decoded(address)
    steps = []
    for k in range(image.n_frames):
        image.seek(k)
        image.load()
        steps.append(image.info["duration"])
    return steps


@pytest.mark.parametrize("factor", [2.0, 4.0, 6.0])
@pytest.mark.parametrize("way", [(0.5, 0.0), (1.0, -1.0), (0.0, 1.5), (-2.0, 0.5)])
def test_what_moved_moves_that_many_times_as_far(way: tuple[float, float], factor: float) -> None:
    frames = np.stack([moved(0, 0), moved(*way)])
    shown, _ = magnify_motion(frames, factor)
    true, large = dot_at(frames[1]) - dot_at(frames[0]), dot_at(shown[1]) - dot_at(frames[0])
    assert large == pytest.approx(factor * true, rel=0.1, abs=0.1 * factor * np.hypot(*true))
    assert np.hypot(*large) == pytest.approx(factor * np.hypot(*true), rel=0.1)


def test_the_head_as_a_whole_stays_where_it_was() -> None:
    face = skin().astype(np.uint8)
    shifted = np.roll(face, (2, -3), axis=(0, 1))
    shown, distances = magnify_motion(np.stack([face, shifted]), 4.0)
    assert np.abs(shown[1].astype(int) - face)[16:-16, 16:-16].mean() < 1
    assert np.abs(shifted.astype(int) - face)[16:-16, 16:-16].mean() > 8
    assert distances[0] == 0


def test_a_change_of_light_is_neither_undone_nor_taken_for_motion() -> None:
    face = skin().astype(np.uint8)
    brighter = np.clip(face.astype(int) + 12, 0, 255).astype(np.uint8)
    shown, _ = magnify_motion(np.stack([face, brighter]), 4.0)
    assert np.abs(shown[1].astype(int) - brighter).mean() < 1


def test_a_moment_takes_two_seconds_and_says_how_many_times_slower_that_is() -> None:
    made = draw_loop(moment(11), np.arange(11) / 40)
    assert (made.true_s, made.slowed, made.shown_s, made.frames) == (0.25, 8, 2.0, 11)
    *steps, rest = durations_ms(made.animation)
    assert (len(steps) + 1, sum(steps), rest) == (11, 2000, 500)
    assert set(steps) == {200}


def test_uneven_times_stay_uneven() -> None:
    times = np.array([0.0, 0.04, 0.06, 0.1, 0.2]) + 7
    *steps, _ = durations_ms(draw_loop(moment(5), times).animation)
    assert steps == [400, 200, 400, 1000]


def test_many_frames_are_thinned_out_without_changing_the_pace() -> None:
    rising = np.stack([moved(0, -0.1 * k) for k in range(41)])
    made = draw_loop(rising, np.arange(41) / 100)
    *steps, _ = durations_ms(made.animation)
    assert made.frames == MOST_FRAMES >= len(steps) + 1  # what looks alike is one picture in the file
    assert sum(steps) == pytest.approx(1000 * made.shown_s, abs=1)
    assert made.shown_s == pytest.approx(made.slowed * 40 / 100)


def test_a_large_movement_is_magnified_less_so_that_skin_does_not_tear() -> None:
    small, large = (np.stack([moved(0, -px * k / 10) for k in range(11)]) for px in (1, 6))
    assert draw_loop(small, np.arange(11) / 40).magnified == 4
    assert 1 <= draw_loop(large, np.arange(11) / 40).magnified < 3


def test_the_still_is_the_frame_that_moved_farthest() -> None:
    made = draw_loop(moment(9), np.arange(9) / 30)
    still = cv2.resize(np.asarray(decoded(made.still).convert("RGB")), (SIZE, SIZE), interpolation=cv2.INTER_AREA)
    assert (dot_at(still) - dot_at(moved(0, 0)))[1] == pytest.approx(-6, rel=0.15)
    assert getattr(decoded(made.still), "n_frames", 1) == 1


def test_the_worst_picture_stays_small() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (12, SIZE, SIZE, 3), dtype=np.uint8)
    made = draw_loop(noise, np.arange(12) / 200)
    assert len(made.animation) < 110_000
    assert len(draw_loop(moment(20), np.arange(20) / 100).animation) < 110_000


def test_without_a_second_frame_there_is_nothing_to_show() -> None:
    assert draw_loop(np.empty((0, 1, 1, 3), np.uint8), []) is None
    assert draw_loop(moment(2)[:1], [1.0]) is None


@pytest.mark.parametrize("times", [[0.0], [0.0, 0.0], [0.1, 0.0], [0.0, float("nan")]])
def test_times_that_do_not_fit_are_refused(times: list[float]) -> None:
    with pytest.raises(MienError, match="expected one time per frame, in order"):
        draw_loop(moment(2), times)
