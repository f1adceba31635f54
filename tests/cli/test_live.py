"""``mien analyze camera:N``: a fake camera plays a rendered clip; what is shown, recorded and said."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import fields, replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

import mien
from mien.cli import _live, main
from mien.cli._intervals import interval_line
from mien.cli._live import sparkline, watch_camera
from mien.core import Interval, MienError
from mien.synthesis import Event
from mien.video import open_camera, open_video

FPS = 30
EVENT = Event(1.0, 1.25, 1.5, (1, 2), intensity_px=2.2)


@pytest.fixture(scope="module")
def frames(tmp_path_factory: pytest.TempPathFactory) -> list[np.ndarray]:
    """Four seconds, as a camera gives them: BGR."""
    path = tmp_path_factory.mktemp("live") / "a.mp4"
    mien.render(path, fps=FPS, seconds=4, size=(240, 180), events=[EVENT], distractors="noise")
    return [frame.image[..., ::-1] for frame in open_video(path)]


class FakeCapture:
    """Plays pictures, each at its time; may raise Ctrl-C at one of them."""

    def __init__(self, images: list[np.ndarray], interrupt_at: int | None = None) -> None:
        self.images = images
        self.index = -1
        self.interrupt_at = interrupt_at

    def isOpened(self) -> bool:
        return True

    def set(self, *_: object) -> bool:
        return True

    def grab(self) -> bool:
        self.index += 1
        if self.index == self.interrupt_at:
            before = signal.getsignal(signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)
            while signal.getsignal(signal.SIGINT) is before:  # the main thread has not got it yet
                time.sleep(0.01)
        return self.index < len(self.images)

    def retrieve(self) -> tuple[bool, np.ndarray]:
        return True, self.images[self.index]

    def release(self) -> None:
        pass

    def now(self) -> float:
        return self.index / FPS


def plug_in(monkeypatch: pytest.MonkeyPatch, capture: FakeCapture, waiting: int = 1000) -> None:
    opened = partial(open_camera, opener=lambda _: capture, clock=capture.now)
    monkeypatch.setattr("mien.video.open_camera", opened)
    monkeypatch.setattr(_live, "_WAITING", waiting)


def watched(tmp_path: Path, **options: object) -> tuple[Path, str]:
    console = Console(record=True, width=110, file=open(os.devnull, "w"), force_terminal=True)  # noqa: SIM115
    path = watch_camera(0, out=tmp_path, console=console, **options)  # type: ignore[arg-type]
    return path, console.export_text()


def test_a_camera_is_shown_and_recorded(
    frames: list[np.ndarray], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plug_in(monkeypatch, FakeCapture(frames))
    path, text = watched(tmp_path, seconds=3.9)
    assert path.parent.parent == tmp_path
    assert path.parent.name.startswith("camera-20")
    times = [frame.time_s for frame in open_video(path)]
    assert times == pytest.approx([index / FPS for index in range(117)], abs=1.2e-5)
    last = text[text.rindex("camera:0") :]
    assert "240x180  3.9 s  30.0 fps  face found  0 frames dropped" in last
    assert "█" in last
    line = next(line for line in last.splitlines() if "apex" in line)
    assert abs(float(line.split("apex")[1].split()[0]) - EVENT.apex_s) < 0.1
    assert "Ctrl-C ends the recording" in last


def test_ctrl_c_ends_the_recording_and_keeps_it(
    frames: list[np.ndarray], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = signal.getsignal(signal.SIGINT)
    plug_in(monkeypatch, FakeCapture(frames, interrupt_at=60))
    path, _ = watched(tmp_path)
    assert len(list(open_video(path))) == 59  # the first told the size, the last was not wanted any more
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize(("when", "kept"), [("take", 24), ("close", 59)])
def test_a_second_ctrl_c_keeps_the_recording_too(
    frames: list[np.ndarray], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: str, kept: int
) -> None:
    """It comes while the frames that wait are gone through, or while the last intervals are read."""
    plug_in(monkeypatch, FakeCapture(frames, interrupt_at=60))
    usual, calls = getattr(_live._View, when), []

    def impatient(*arguments: object) -> None:
        calls.append(when)
        if when == "close" or len(calls) == kept:
            raise KeyboardInterrupt
        usual(*arguments)

    monkeypatch.setattr(_live._View, when, impatient)
    with pytest.raises(KeyboardInterrupt):
        watched(tmp_path)
    (path,) = tmp_path.rglob("recording.mp4")
    assert len(list(open_video(path))) == kept


def test_a_camera_that_stops_keeps_what_it_gave_and_says_so(
    frames: list[np.ndarray], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plug_in(monkeypatch, FakeCapture(frames[:20]))
    path, text = watched(tmp_path)
    assert len(list(open_video(path))) == 19  # the first one told the size
    assert "the recording ended early: got no further picture from camera 0 after 19 frames" in " ".join(text.split())


def test_a_camera_whose_pictures_change_their_size_keeps_what_it_gave(
    frames: list[np.ndarray], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    turned = [np.ascontiguousarray(np.rot90(image)) for image in frames[20:30]]  # a telephone as a camera, turned
    plug_in(monkeypatch, FakeCapture([*frames[:20], *turned]))
    path, text = watched(tmp_path)
    assert len(list(open_video(path))) == 19
    assert "the recording ended early: got a frame 180x240; expected 240x180" in " ".join(text.split())


def test_frames_that_nobody_has_time_for_are_counted(
    frames: list[np.ndarray], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plug_in(monkeypatch, FakeCapture(frames), waiting=3)
    path, text = watched(tmp_path)
    recorded = len(list(open_video(path)))
    dropped = len(frames) - 1 - recorded
    assert dropped > 0
    assert f"{dropped} frames were dropped, as this computer is too slow" in " ".join(text.split())


def test_impossible_wishes_are_refused(tmp_path: Path) -> None:
    for seconds in (0.0, -1.0, float("nan")):
        with pytest.raises(MienError, match="--seconds"):
            watch_camera(0, out=tmp_path, seconds=seconds)
    assert list(tmp_path.iterdir()) == []


def test_the_command_records_and_reports(
    frames: list[np.ndarray], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    plug_in(monkeypatch, FakeCapture(frames))
    command = ["analyze", "camera:0", "--seconds", "2", "--fps", "30", "--out", str(tmp_path)]
    assert main(command, standalone=False) == 0
    said = capsys.readouterr()
    assert "recording: 1 possible micro-expression in 2.0 s at 30 fps" in said.out
    (folder,) = tmp_path.iterdir()
    assert (folder / "recording.mp4").is_file()
    assert (folder / "recording" / "report.html").is_file()


@pytest.mark.parametrize(
    ("sources", "said"),
    [
        (["camera:0", "a.mp4"], "a camera and 1 more sources"),
        (["a.mp4", "--seconds", "3"], "expected a camera, such as camera:0"),
    ],
)
def test_a_camera_stands_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], sources: list[str], said: str
) -> None:
    assert main(["analyze", *sources, "--out", str(tmp_path / "out")], standalone=False) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_the_line_of_bars_has_dots_where_nothing_is_known() -> None:
    times = np.arange(0, 10, 1 / 6) + 1 / 12
    curve = np.where(times < 5, np.nan, 0.0)
    curve[-1] = 0.5
    bars, highest = sparkline(times, curve, 10.0)
    assert bars == "·" * 30 + "▁" * 29 + "▅"
    assert highest == 0.5
    assert sparkline(np.empty(0), np.empty(0), 3.0) == ("·" * 60, 0.0)


def test_an_interval_is_said_in_one_line_and_never_as_certain() -> None:
    found = Interval(10, 12, 15, 1.0, 1.2, 1.5, 4.0, "positive", 1.0, region="lower lip", notes="few frames")
    said = "     1.000 - 1.500 s  apex 1.200 s  positive  >.99  lower lip  (few frames)"
    assert interval_line(found) == said
    row = {field.name: getattr(found, field.name) for field in fields(found)}  # as analysis.json has it
    assert interval_line(row) == said
    unread = replace(found, emotion="", confidence=float("nan"))
    assert interval_line(unread) == interval_line(row | {"emotion": "", "confidence": None})
    assert interval_line(unread).split("apex")[1].split() == ["1.200", "s", "lower", "lip", "(few", "frames)"]
