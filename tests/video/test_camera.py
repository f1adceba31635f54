"""A camera gives frames with the moment each was taken; a recording keeps these moments."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

from mien.core import MienError
from mien.video import Frame, camera_number, open_camera, open_video, record_video


class FakeCapture:
    """Plays pictures as ``cv2.VideoCapture`` would: BGR, then nothing."""

    def __init__(self, images: Iterable[np.ndarray], opened: bool = True) -> None:
        self.images = iter(images)
        self.opened = opened
        self.asked: dict[int, float] = {}

    def isOpened(self) -> bool:
        return self.opened

    def grab(self) -> bool:
        self.image = next(self.images, None)
        return self.image is not None

    def retrieve(self) -> tuple[bool, np.ndarray | None]:
        return self.image is not None, self.image

    def set(self, what: int, value: float) -> bool:
        self.asked[what] = value
        return True

    def release(self) -> None:
        self.opened = False


def red(count: int) -> list[np.ndarray]:
    """Pictures of the colour red as OpenCV stores it."""
    return [np.full((48, 64, 3), (0, 0, 255), np.uint8)] * count


def ticking(*times: float):
    moments = iter(times)
    return lambda: next(moments)


def test_frames_carry_the_moment_they_were_grabbed_and_rgb_colours() -> None:
    capture = FakeCapture(red(4))
    with open_camera(0, opener=lambda _: capture, clock=ticking(99.0, 100.0, 100.5, 100.52)) as camera:
        assert camera.size == (64, 48)
        reading = iter(camera)
        frames = [next(reading) for _ in range(3)]
        with pytest.raises(MienError, match="no further picture from camera 0 after 3 frames"):
            next(reading)
    assert [frame.index for frame in frames] == [0, 1, 2]
    assert [frame.time_s for frame in frames] == pytest.approx([0, 0.5, 0.52])
    assert frames[0].image[0, 0].tolist() == [255, 0, 0]
    assert not capture.opened


def test_what_is_asked_for_reaches_the_camera() -> None:
    import cv2

    capture = FakeCapture(red(1))
    open_camera(3, fps=60, size=(1280, 720), opener=lambda _: capture)
    assert capture.asked[cv2.CAP_PROP_FPS] == 60
    assert capture.asked[cv2.CAP_PROP_FRAME_WIDTH] == 1280
    assert capture.asked[cv2.CAP_PROP_FRAME_HEIGHT] == 720


def test_no_camera_and_a_dark_one_are_one_line() -> None:
    for opener, said in (
        (lambda _: FakeCapture([], opened=False), "got no camera 7"),
        (lambda _: FakeCapture([]), "no picture from camera 7"),
    ):
        with pytest.raises(MienError, match=said) as caught:
            open_camera(7, opener=opener)
        assert "\n" not in str(caught.value)
    for fps in (float("nan"), 0.0):
        with pytest.raises(MienError, match="frames per second"):
            open_camera(0, fps=fps)


def test_a_computer_without_cameras_says_so(capfd: pytest.CaptureFixture[str]) -> None:
    if Path("/dev/video99").exists():
        pytest.skip("this computer has a hundred cameras")
    with pytest.raises(MienError, match="got no camera 99"):
        open_camera(99)
    assert capfd.readouterr().err == ""


def test_names_of_cameras() -> None:
    assert [camera_number(name) for name in ("camera:0", "camera:12", "camera:", "camera:x", "a/camera:0")] == [
        0, 12, None, None, None,
    ]  # fmt: skip


def test_a_recording_keeps_uneven_times_and_the_picture(tmp_path: Path) -> None:
    times = [0.0, 0.011, 0.05, 0.051, 0.4, 0.433, 1.25]
    with record_video(tmp_path / "a.mp4", (64, 48)) as record:
        for index, time_s in enumerate(times):
            record(Frame(index, time_s, np.full((48, 64, 3), (30 * index, 100, 60), np.uint8)))
    read = list(open_video(tmp_path / "a.mp4"))
    assert [frame.time_s for frame in read] == pytest.approx(times, abs=1.2e-5)
    for index, frame in enumerate(read):
        assert np.abs(frame.image.mean(axis=(0, 1)) - (30 * index, 100, 60)).max() < 6


def test_a_recording_that_fails_leaves_nothing(tmp_path: Path) -> None:
    picture = np.zeros((48, 64, 3), np.uint8)
    first = Frame(0, 1.0, picture)
    wrong = {
        "increasing times": [first, Frame(1, 1.0, picture)],
        "32x48; expected 64x48": [first, Frame(1, 2.0, picture[:, :32])],
        "no frame": [],
    }
    for said, frames in wrong.items():
        with pytest.raises(MienError, match=said):
            recorded(tmp_path / "a.mp4", frames)
    with pytest.raises(MienError, match="expected mp4, mov or mkv"):
        recorded(tmp_path / "a.gif", [first])
    assert list(tmp_path.iterdir()) == []


def recorded(path: Path, frames: Iterable[Frame]) -> None:
    with record_video(path, (64, 48)) as record:
        for frame in frames:
            record(frame)


def test_odd_sizes_lose_a_row_rather_than_fail(tmp_path: Path) -> None:
    with record_video(tmp_path / "a.mkv", (65, 49)) as record:
        for index in range(3):
            record(Frame(index, index / 30, np.zeros((49, 65), np.uint8)))
    assert open_video(tmp_path / "a.mkv").size == (64, 48)
