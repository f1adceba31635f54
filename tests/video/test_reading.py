"""Frames come with their true times, upright, one at a time."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mien.core import MienError
from mien.video import is_video, open_video, read_clip, read_frames, write_image, write_video

EVERY_KIND = ("mp4", "mov", "mkv", "webm", "avi", "gif")


def test_variable_frame_rate_keeps_every_time(encode: Callable[..., Path]) -> None:
    times = [0, 40, 80, 200, 240, 500, 510, 600]
    video = open_video(encode("a.mp4", times))
    assert [frame.time_s for frame in video] == pytest.approx([t / 1000 for t in times], abs=1e-6)
    assert any("variable frame rate" in note for note in video.warnings)


def test_a_late_start_stays_late(encode: Callable[..., Path]) -> None:
    assert read_clip(encode("a.mkv", [500, 540, 580])).times_s == pytest.approx([0.5, 0.54, 0.58])


@pytest.mark.parametrize("kind", EVERY_KIND)
def test_constant_rate_is_not_called_variable(kind: str, tmp_path: Path, pictures: Callable) -> None:
    video = open_video(write_video(tmp_path / f"a.{kind}", pictures(40), fps=29.97))
    times = np.array([frame.time_s for frame in video])
    assert video.warnings == ()
    assert times == pytest.approx(np.arange(40) * 1001 / 30000, abs=0.0051)


def test_b_frames_in_an_avi_come_in_order(encode: Callable[..., Path]) -> None:
    from fractions import Fraction

    clip = read_clip(encode("a.avi", range(25), time_base=Fraction(1, 30)), grey=True)
    assert (np.diff(clip.frames.mean(axis=(1, 2))) > 0).all()
    assert clip.times_s == pytest.approx(np.arange(25) / 30)


@pytest.mark.parametrize(("degrees", "turns"), [(90, 1), (-90, -1), (180, 2)])
def test_rotation_metadata_are_applied(encode: Callable[..., Path], degrees: int, turns: int) -> None:
    plain = read_clip(encode("plain.mp4", [0, 40]))
    video = open_video(encode("turned.mp4", [0, 40], rotation=degrees))
    turned = next(iter(video)).image
    assert np.array_equal(turned, np.rot90(plain.frames[0], turns))
    assert video.size == (turned.shape[1], turned.shape[0])
    grey = next(iter(open_video(video.path, grey=True))).image
    assert grey.shape == turned.shape[:2]


@pytest.mark.parametrize(
    ("pix_fmt", "codec"),
    [
        ("yuv420p", "libx264"),
        ("yuvj420p", "libx264"),
        ("yuv444p", "libx264"),
        ("yuv420p10le", "libx265"),
        ("yuvj422p", "mjpeg"),
    ],
)
def test_grey_is_the_luma_of_the_colours(encode: Callable[..., Path], pix_fmt: str, codec: str) -> None:
    import cv2

    quiet = {"x265-params": "log-level=none"} if codec == "libx265" else {}
    path = encode("a.mkv", [0, 40, 80], pix_fmt=pix_fmt, codec=codec, **quiet)
    colour, grey = read_clip(path).frames[1], read_clip(path, grey=True).frames[1]
    difference = cv2.cvtColor(colour, cv2.COLOR_RGB2GRAY).astype(int) - grey
    assert np.abs(difference).mean() < 2
    assert np.abs(grey.astype(int) - picture_grey(1)).mean() < 3


def picture_grey(index: int) -> np.ndarray:
    y, x = np.mgrid[0:48, 0:64]
    return (40 + 60 * x / 64 + 40 * y / 48 + 3.0 * index).astype(int)


def test_memory_does_not_grow_with_length(tmp_path: Path) -> None:
    tile = np.random.default_rng(0).integers(0, 255, (48, 64), np.uint8)

    def peak(count: int) -> int:
        video = open_video(write_video(tmp_path / f"{count}.avi", (tile for _ in range(count)), fps=100), grey=True)
        tracemalloc.start()
        assert sum(1 for _ in video) == count
        top = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return top

    peak(10)  # imports
    assert peak(2000) < peak(100) + 100 * tile.nbytes


def test_every_pass_starts_from_the_beginning(tmp_path: Path, pictures: Callable) -> None:
    with open_video(write_video(tmp_path / "a.mp4", pictures(5), fps=25)) as video:
        assert [f.index for f in video] == [f.index for f in video] == [0, 1, 2, 3, 4]
        assert next(iter(video)).index == 0


def test_given_rate_replaces_the_times_and_says_so(tmp_path: Path, pictures: Callable) -> None:
    video = open_video(write_video(tmp_path / "a.mp4", pictures(5), fps=25), fps=200)
    assert [f.time_s for f in video] == pytest.approx(np.arange(5) / 200)
    assert "200 frames per second" in video.warnings[0]


@pytest.mark.parametrize("kind", EVERY_KIND)
def test_frames_by_index_are_the_frames_of_a_full_pass(kind: str, tmp_path: Path, pictures: Callable) -> None:
    path = write_video(tmp_path / f"a.{kind}", pictures(150, width=32, height=32), fps=50)
    every = list(open_video(path))
    wanted = [149, 3, 75, 3, 74, 0]
    for times in (None, [frame.time_s for frame in every], [9.0 + i for i in range(150)]):
        for frame, index in zip(read_frames(path, wanted, times_s=times), wanted, strict=True):
            assert frame.index == index
            assert frame.time_s == every[index].time_s
            assert np.array_equal(frame.image, every[index].image)


def test_frames_by_index_of_real_files(shared_data: Path) -> None:
    from mien.video.container import FileVideo

    for name in ("face_noface.mov", "no_face.mp4", "yes.mkv", "head-pose-face-detection-female.gif"):
        every = list(open_video(shared_data / "media" / name, grey=True))
        times = [frame.time_s for frame in every]
        indices = list(range(3, len(every), 31))
        video = FileVideo(shared_data / "media" / name, fps=None, grey=True)
        for index in indices:  # one by one: each a seek
            (found,) = video._seek([index], times)
            assert found.index == index, (name, index)
            assert np.array_equal(found.image, every[index].image), (name, index)


@pytest.mark.parametrize("indices", [[5], [-1], [2, 99]])
def test_a_frame_that_is_not_there(tmp_path: Path, pictures: Callable, indices: list[int]) -> None:
    path = write_video(tmp_path / "a.mp4", pictures(5), fps=25)
    with pytest.raises(MienError, match=r"got frame .* expected one of the 5 frames"):
        read_frames(path, indices)
    assert read_frames(path, []) == []


def test_a_part_of_a_clip(tmp_path: Path, pictures: Callable) -> None:
    path = write_video(tmp_path / "a.mp4", pictures(10), fps=25)
    clip = read_clip(path, 3, 6, grey=True)
    assert clip.frames.shape == (3, 48, 64)
    assert clip.times_s == pytest.approx([0.12, 0.16, 0.2])
    assert clip.name == "a"
    assert len(read_clip(path, 8)) == 2
    for start, stop in ((3, 3), (-1, 2), (8, 11), (10, None)):
        with pytest.raises(MienError, match="got the frames"):
            read_clip(path, start, stop)


def test_folders_are_read_in_numeric_order(tmp_path: Path, pictures: Callable) -> None:
    for index, image in enumerate(pictures(12)):
        write_image(tmp_path / f"img{index + 1}.png", image if index % 2 else image[..., 0])
    (tmp_path / "Thumbs.db").touch()
    video = open_video(tmp_path, fps=200, grey=True)
    frames = list(video)
    assert (np.diff([frame.image.mean() for frame in frames]) > 0).all()
    assert [frame.time_s for frame in frames] == pytest.approx(np.arange(12) / 200)
    assert (video.frame_count, video.fps, video.size, video.name) == (12, 200, (64, 48), tmp_path.name)
    assert read_clip(tmp_path, fps=200).frames.shape == (12, 48, 64, 3)
    assert [f.index for f in read_frames(tmp_path, [7, 2], fps=200)] == [7, 2]


def test_sixteen_bit_pictures_keep_their_high_byte(tmp_path: Path) -> None:
    import cv2

    deep = (np.arange(12, dtype=np.uint16) * 5000).reshape(3, 4)
    for ending in ("png", "tiff"):
        folder = tmp_path / ending
        folder.mkdir()
        cv2.imwrite(str(folder / f"1.{ending}"), deep)
        assert np.array_equal(read_clip(folder, fps=1, grey=True).frames[0], deep >> 8)


def test_videos_are_known_by_their_ending() -> None:
    assert all(is_video(f"a.{kind}") for kind in EVERY_KIND)
    assert not is_video("a.csv")
