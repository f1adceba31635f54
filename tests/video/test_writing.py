"""What is written is what is read, and a failure leaves nothing behind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mien.core import MienError
from mien.video import open_video, read_clip, read_image, write_image, write_video

KINDS = ("mp4", "mov", "mkv", "webm", "avi", "gif")


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kind=st.sampled_from(KINDS),
    count=st.integers(1, 12),
    width=st.integers(16, 40),
    height=st.integers(16, 40),
    grey=st.booleans(),
    fps=st.sampled_from([1.0, 12.5, 23.976, 25.0, 29.97, 50.0]),
)
def test_count_and_size_survive(
    tmp_path: Path, kind: str, count: int, width: int, height: int, grey: bool, fps: float
) -> None:
    shape = (count, height, width) if grey else (count, height, width, 3)
    video = open_video(write_video(tmp_path / f"a.{kind}", np.full(shape, 90, np.uint8), fps))
    frames = list(video)
    assert len(frames) == count
    assert video.size == (width, height)
    assert all(frame.image.shape == (height, width, 3) for frame in frames)
    assert abs(float(np.mean([frame.image for frame in frames])) - 90) < 4


@pytest.mark.parametrize("kind", KINDS)
def test_pictures_look_the_same(kind: str, tmp_path: Path, pictures: Callable) -> None:
    frames = np.stack(pictures(10))
    for clip, truth in (
        (read_clip(write_video(tmp_path / f"c.{kind}", frames, 25)), frames),
        (read_clip(write_video(tmp_path / f"g.{kind}", frames[..., 0], 25), grey=True), frames[..., 0]),
    ):
        assert np.abs(clip.frames.astype(int) - truth).mean() < 3


def test_colours_keep_their_order(tmp_path: Path) -> None:
    red = np.zeros((32, 32, 3), np.uint8)
    red[..., 0] = 200
    for kind in KINDS:
        frame = read_clip(write_video(tmp_path / f"a.{kind}", [red], 25)).frames[0].reshape(-1, 3).mean(axis=0)
        assert frame == pytest.approx([200, 0, 0], abs=12), kind


@pytest.mark.parametrize(("fps", "exact"), [(29.97, Fraction(30000, 1001)), (59.94, Fraction(60000, 1001)), (200, 200)])
def test_rates_are_exact(fps: float, exact: Fraction, tmp_path: Path, pictures: Callable) -> None:
    video = open_video(write_video(tmp_path / "a.mp4", pictures(20), fps))
    assert video.fps == float(exact)
    assert [frame.time_s for frame in video] == pytest.approx([float(i / exact) for i in range(20)], abs=1e-4)


def test_a_failure_leaves_nothing(tmp_path: Path, pictures: Callable) -> None:
    def breaks() -> Iterator[np.ndarray]:
        yield from pictures(3)
        raise RuntimeError("the camera fell")

    path = tmp_path / "a.mp4"
    with pytest.raises(RuntimeError, match="camera"):
        write_video(path, breaks(), 25)
    for frames, message in (
        ([], "no frame"),
        ([*pictures(1), *pictures(1, width=32)], "got frame 1 of shape"),
        ([np.zeros((8, 8), np.float32)], "expected uint8"),
        ([np.zeros((8, 8, 4), np.uint8)], "expected uint8"),
    ):
        with pytest.raises(MienError, match=message):
            write_video(path, frames, 25)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "arguments", [("a.txt", 25, 18), ("a.mp4", 0, 18), ("a.mp4", float("nan"), 18), ("a.mp4", 25, 99)]
)
def test_impossible_requests(arguments: tuple[str, float, int], tmp_path: Path, pictures: Callable) -> None:
    name, fps, quality = arguments
    with pytest.raises(MienError, match="expected"):
        write_video(tmp_path / name, pictures(1), fps, quality=quality)
    with pytest.raises(MienError, match="at most 50"):
        write_video(tmp_path / "a.gif", pictures(1), 200)


def test_an_older_file_survives_a_failure(tmp_path: Path, pictures: Callable) -> None:
    path = write_video(tmp_path / "a.mp4", pictures(3), 25)
    before = path.read_bytes()
    with pytest.raises(MienError):
        write_video(path, [], 25)
    assert path.read_bytes() == before


def test_pictures_survive(tmp_path: Path, pictures: Callable) -> None:
    image = pictures(1)[0]
    assert np.array_equal(read_image(write_image(tmp_path / "a.png", image)), image)
    assert np.array_equal(read_image(write_image(tmp_path / "g.png", image[..., 0]), grey=True), image[..., 0])
    with pytest.raises(MienError, match="expected one of"):
        write_image(tmp_path / "a.xyz", image)
    with pytest.raises(MienError, match="expected uint8"):
        write_image(tmp_path / "a.png", image.astype(float))
