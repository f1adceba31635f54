"""Above 70 frames a second landmarks are found in some frames; what lies between moves evenly."""

from __future__ import annotations

import numpy as np
import pytest

from mien.analysis._follow import Following, Track
from mien.core import FloatArray, UInt8Array
from mien.faces import Box, FaceTracks, canonical_points
from mien.faces.tracking import box_around
from mien.video import Frame

SIZE, SPEED = 192, 40.0  # px; px a second
TEXTURE = np.random.default_rng(0).integers(60, 200, (64, 96), np.uint8).repeat(4, 0).repeat(4, 1)


class Sliding:
    """A face that slides to the right; its first pixel says how far, so that landmarks are exact."""

    name = "sliding"

    def __init__(self) -> None:
        self.asked = 0

    def detect(self, image: UInt8Array) -> list[Box]:
        return [box_around(self._points(image))]

    def landmarks(self, image: UInt8Array, box: Box) -> FloatArray:
        self.asked += 1
        return self._points(image)

    def _points(self, image: UInt8Array) -> FloatArray:
        scale = len(image) / SIZE
        return np.float32(scale) * (canonical_points(128) + np.float32([16 + image[0, 0] / 4, 32]))


def follow(fps: float, seconds: float = 1.5) -> tuple[Track, int]:
    backend = Sliding()
    with Following(FaceTracks(backend, look_s=100)) as following:
        for index in range(round(fps * seconds)):
            shift = round(4 * SPEED * index / fps)
            image = TEXTURE[:SIZE, 128 - shift // 4 : 128 - shift // 4 + SIZE].copy()
            image[0, 0] = shift
            following.push(Frame(index, index / fps, image))
    (track,) = following.known()
    return track, backend.asked


@pytest.mark.parametrize(("fps", "every"), [(25, 1), (60, 1), (70, 1), (100, 2), (200, 3), (500, 7)])
def test_landmarks_are_found_at_least_48_times_a_second(fps: float, every: int) -> None:
    track, asked = follow(fps)
    assert len(track.frames) == round(1.5 * fps)
    assert track.found.all()
    assert asked == pytest.approx(1.5 * fps / every, abs=12)  # and when the detector checks
    assert fps / every >= min(fps, 48)


@pytest.mark.parametrize("fps", [60, 200])
def test_between_two_looks_the_face_moves_evenly(fps: float) -> None:
    track, _ = follow(fps)
    assert np.isfinite(track.boxes).all()
    assert np.isfinite(track.quality[:, 0]).all()
    middle = slice(len(track.frames) // 4, -len(track.frames) // 4)
    steps = np.diff(track.boxes[middle, 0]) * fps  # a box that was held between two looks would stand still, then jump
    assert steps.min() > 0.5 * SPEED
    assert steps.max() < 1.5 * SPEED
    head = track.curves.head[:, 0]
    line = np.polyval(np.polyfit(track.times_s[middle], head[middle], 1), track.times_s[middle])
    assert np.abs(head[middle] - line).max() < 0.3
    assert np.polyfit(track.times_s[middle], head[middle], 1)[0] == pytest.approx(SPEED, rel=0.05)


def test_the_head_is_where_it_is_when_every_frame_is_looked_at() -> None:
    """Were landmarks held between two looks, the head would lag by 5 ms, here 0.2 px."""
    (every, _), (some, _) = follow(60), follow(200)
    middle = slice(len(some.frames) // 4, -len(some.frames) // 4)
    expected = np.interp(some.times_s[middle], every.times_s, every.curves.head[:, 0])
    assert abs(float((some.curves.head[middle, 0] - expected).mean())) < 0.05
