"""Intervals come while the source is being read: the same as in the batch, each once, in bounded memory."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import mien
from mien.analysis._follow import Following
from mien.analysis.stream import Streaming
from mien.core import MienError
from mien.faces import FaceTracks, face_backend
from mien.synthesis import Event
from mien.video import Frame, open_video, write_image

EVENTS = [Event(1.0, 1.2, 1.4, (1, 2), intensity_px=1.8), Event(3.0, 3.15, 3.4, (6, 12), intensity_px=1.8)]


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six and a half seconds at 60 fps: raised brows, a smile, and then nothing."""
    folder = tmp_path_factory.mktemp("stream")
    return mien.render(
        folder / "a.mp4", fps=60, seconds=6.5, size=(240, 180), seed=2, events=EVENTS, distractors="noise"
    )


@pytest.fixture(scope="module")
def batch(clip: Path) -> tuple[mien.Interval, ...]:
    return mien.analyze(clip).intervals


def overlap(a: mien.Interval, b: mien.Interval | Event) -> float:
    shared = min(a.offset_s, b.offset_s) - max(a.onset_s, b.onset_s)
    return max(0.0, shared) / (max(a.offset_s, b.offset_s) - min(a.onset_s, b.onset_s))


class Watched:
    """Frames of a file as a plain iterable, RGB, that knows how far it was read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.now_s = 0.0

    def __iter__(self) -> Iterator[Frame]:
        with open_video(self.path) as video:
            for frame in video:
                self.now_s = frame.time_s
                yield frame


def test_the_stream_finds_what_the_batch_finds(clip: Path, batch: tuple[mien.Interval, ...]) -> None:
    found = list(mien.stream(clip))
    assert len(found) == len(batch) == 2
    for one, other, event in zip(found, batch, EVENTS, strict=True):
        assert overlap(one, other) >= 0.5
        assert overlap(one, event) >= 0.5
        assert one.emotion == other.emotion
        assert one.confidence == pytest.approx(other.confidence, abs=0.1)


def test_intervals_of_plain_frames_come_soon_after_they_close_and_once(clip: Path) -> None:
    frames = Watched(clip)
    told = [(interval, frames.now_s) for interval in mien.stream(frames)]
    assert len(told) == 2
    for (interval, now_s), event in zip(told, EVENTS, strict=True):
        assert overlap(interval, event) >= 0.5
        assert interval.offset_s + 1.0 <= now_s <= interval.offset_s + 4.0
        assert interval.emotion
        assert sum(interval.probabilities.values()) == pytest.approx(1)


def test_a_folder_of_images_streams_too(clip: Path, tmp_path: Path) -> None:
    with open_video(clip) as video:
        for frame in video:
            if frame.index < 110:
                write_image(tmp_path / f"{frame.index}.png", frame.image)
    found = list(mien.stream(tmp_path, fps=60))
    assert [overlap(one, EVENTS[0]) >= 0.5 for one in found] == [True]


def test_a_face_that_leaves_does_not_hold_back_its_last_interval(clip: Path) -> None:
    def frames() -> Iterator[Frame]:
        for frame in Watched(clip):
            gone = frame.time_s > 2.0
            yield Frame(frame.index, frame.time_s, np.full_like(frame.image, 90) if gone else frame.image)

    source = frames()
    first = next(mien.stream(source), None)
    assert first is not None
    assert overlap(first, EVENTS[0]) >= 0.5
    assert next(source).time_s < 6


def test_what_cannot_be_streamed_is_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(MienError, match="does not exist"):
        mien.stream(tmp_path / "none.mp4")
    with pytest.raises(MienError, match="latency"):
        mien.stream([], latency_s=float("nan"))
    with pytest.raises(MienError, match="spotting method"):
        mien.stream([], spotter="none")
    assert list(mien.stream([], faces="precropped")) == []


def test_frames_out_of_order_and_other_things_are_refused() -> None:
    still = np.zeros((128, 128), np.uint8)
    frames = [Frame(0, 0.0, still), Frame(1, 0.1, still), Frame(2, 0.1, still)]
    with pytest.raises(MienError, match=r"frame 2 at 0\.100 s after frame 1 at 0\.100 s"):
        list(mien.stream(frames, faces="precropped"))
    with pytest.raises(MienError, match="got a ndarray to stream"):
        list(mien.stream([still], faces="precropped"))  # type: ignore[list-item]


def test_memory_is_that_of_the_last_seconds() -> None:
    still = np.zeros((128, 128), np.uint8)
    with Streaming(faces="precropped") as streaming:
        for index in range(600):
            streaming.push(Frame(index, index / 5, still))
        rows = len(streaming._following.times_s)
        pictures = len(streaming._recent._faces[1])
    assert rows <= 5 * 32  # of 120 s the last 30, and what came since they were counted
    assert pictures <= 5 * 6


def test_what_is_forgotten_leaves_the_rest_as_it_was(clip: Path) -> None:
    with (
        Following(FaceTracks(face_backend("dlib"))) as whole,
        Following(FaceTracks(face_backend("dlib"))) as short,
        open_video(clip, grey=True) as video,
    ):
        for frame in video:
            if frame.index == 150:
                break
            whole.push(frame)
            short.push(frame)
            if frame.index in (70, 140):
                short.forget(frame.time_s - 1.005)
    everything, rest = whole.known()[0], short.known()[0]
    assert short.frames[0] == 80
    start = int(rest.frames[0])
    assert 11 <= start <= 80  # what is not measured yet stays
    assert rest.curves.regions == pytest.approx(everything.curves.regions[start:], nan_ok=True)
    assert rest.boxes == pytest.approx(everything.boxes[start:])
    assert json.dumps(rest.events) == "[]"


def test_a_score_on_another_scale_is_not_taken_for_a_weak_movement(clip: Path) -> None:
    """The contrast of mdmd is some tenths of a pixel: far below 4.5, which is a weak score of mien's own method."""
    frames = (frame for frame in Watched(clip) if frame.time_s < 2.6)
    found = list(mien.stream(frames, spotter="mdmd"))
    assert [overlap(one, EVENTS[0]) >= 0.5 for one in found] == [True]
    assert found[0].score < 1.5
    assert "weak movement" not in found[0].notes
