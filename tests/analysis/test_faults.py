"""Whatever is wrong with a recording, the disk or the patience of the person: a result that says so, or one line."""

from __future__ import annotations

import errno
import io
import json
import os
import signal
from collections.abc import Callable, Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

import mien
from mien.cli import main
from mien.core import MienError, MienWarning
from mien.synthesis import Event
from mien.video import Frame, open_video, read_clip, record_video, write_video

EVENT = Event(0.5, 0.7, 0.9, (1, 2), intensity_px=2.0)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds at 60 fps in which the brows go up once."""
    folder = tmp_path_factory.mktemp("faults")
    return mien.render(folder / "a.mp4", fps=60, seconds=2, size=(240, 180), events=[EVENT], distractors="noise")


@pytest.fixture(scope="module")
def images(clip: Path) -> np.ndarray:
    return read_clip(clip).frames


def encoded(path: Path, images: Iterable[np.ndarray], *, codec: str = "libx264", pix_fmt: str = "yuv420p", **more: Any):
    """Write what `write_video` never makes."""
    import av

    rotation, container_options = more.pop("rotation", None), more.pop("container_options", {})
    with av.open(str(path), "w", options=container_options) as container:
        stream: Any = container.add_stream(codec, rate=60, options={"preset": "veryfast", **more})
        stream.pix_fmt = pix_fmt
        for index, image in enumerate(images):
            if not index:
                stream.height, stream.width = image.shape[:2]
                if rotation is not None:
                    stream.set_display_rotation(rotation)
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), "rgb24")
            frame.pts, frame.time_base = index, Fraction(1, 60)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def assert_the_event(found: mien.analysis.Analysis, off_s: float = 0.06) -> None:
    """One interval, at its time."""
    assert [one.apex_s for one in found.intervals] == pytest.approx([EVENT.apex_s], abs=off_s)


# --- recordings -----------------------------------------------------------------------------------------------------


def test_a_file_cut_in_the_middle_is_analysed_as_far_as_it_goes_and_marked_partial(
    images: np.ndarray, tmp_path: Path
) -> None:
    whole = encoded(tmp_path / "a.mp4", images, container_options={"movflags": "faststart"}, g="10").read_bytes()
    path = tmp_path / "cut.mp4"
    path.write_bytes(whole[: len(whole) * 4 // 5])
    with pytest.warns(MienWarning, match="truncated"):
        found = mien.analyze(path, out=tmp_path / "out")
    assert 60 < len(found.frames) < 120
    assert_the_event(found)
    assert f"read {len(found.frames)} of 120 declared frames: the file is truncated" in found.partial
    assert sum("truncated" in note for note in found.warnings) == 1
    document = json.loads((tmp_path / "out/cut/analysis.json").read_text())
    assert document["partial"] == found.partial
    assert "truncated" in (tmp_path / "out/cut/report.html").read_text()


def test_a_face_that_is_mostly_absent_is_said_and_what_it_did_is_found(images: np.ndarray, tmp_path: Path) -> None:
    empty = np.full_like(images[0], 90)
    frames = [*[empty] * 120, *images[:80], *[empty] * 160]
    found = mien.analyze(write_video(tmp_path / "a.mp4", frames, 60))
    assert [one.apex_s for one in found.intervals] == pytest.approx([2 + EVENT.apex_s], abs=0.06)
    # a face may be taken to be there for half a second after it left: the detector looks no more often
    assert 60 <= found.found.sum() <= 80 + 30
    assert not found.found[:120].any()
    assert any(note.startswith("no face in") and "of 360 frames" in note for note in found.warnings)


def test_the_times_of_a_variable_frame_rate_are_those_of_its_intervals(images: np.ndarray, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    kept = np.flatnonzero(rng.random(len(images)) < 0.75)
    with record_video(tmp_path / "a.mp4", (240, 180)) as record:
        for number, index in enumerate(kept):
            record(Frame(number, index / 60 + 0.01 + rng.uniform(-2e-3, 2e-3), images[index]))
    found = mien.analyze(tmp_path / "a.mp4")
    assert_the_event(found)
    assert any("variable frame rate" in note for note in found.warnings)
    assert found.intervals[0].apex_frame == pytest.approx(np.searchsorted(kept, 42), abs=3)


@pytest.mark.parametrize(
    ("codec", "pix_fmt"), [("libx265", "yuv420p10le"), ("libx264", "yuv420p10le"), ("libx264", "gray")]
)
def test_ten_bits_and_grey_are_read_as_eight_bits_and_colour_are(
    images: np.ndarray, tmp_path: Path, codec: str, pix_fmt: str
) -> None:
    quiet = {"x265-params": "log-level=none"} if codec == "libx265" else {}
    path = encoded(tmp_path / "a.mkv", images[:75], codec=codec, pix_fmt=pix_fmt, **quiet)
    assert_the_event(mien.analyze(path))


@pytest.mark.parametrize(("degrees", "turns"), [(90, -1), (-90, 1)])
def test_a_phone_held_upright_gives_an_upright_face(
    images: np.ndarray, tmp_path: Path, degrees: int, turns: int
) -> None:
    path = encoded(tmp_path / "a.mp4", (np.rot90(image, turns) for image in images[:75]), rotation=degrees)
    found = mien.analyze(path)
    assert found.size == (240, 180)
    assert_the_event(found)
    assert found.intervals[0].movements == () or "brow" in found.intervals[0].movements[0].region


@pytest.mark.slow
def test_4k_is_read(images: np.ndarray, tmp_path: Path) -> None:
    large = (cv2.resize(image, (2880, 2160), interpolation=cv2.INTER_CUBIC) for image in images[:120:4])
    wide = (cv2.copyMakeBorder(image, 0, 0, 480, 480, cv2.BORDER_REPLICATE) for image in large)
    found = mien.analyze(write_video(tmp_path / "a.mp4", wide, 15))
    assert found.size == (3840, 2160)
    assert found.found.all()
    assert np.median(found.tracks[0].quality[:, 0]) > 800


def test_sixteen_pixels_are_one_line_or_a_warning(images: np.ndarray, tmp_path: Path) -> None:
    tiny = [cv2.resize(image[:, 30:210], (16, 16), interpolation=cv2.INTER_AREA) for image in images[:40]]
    path = write_video(tmp_path / "a.mp4", tiny, 60)
    with pytest.raises(MienError, match="without a face in any of its 40 frames"):
        mien.analyze(path, out=tmp_path / "out")
    found = mien.analyze(path, faces="precropped")
    assert any("px wide" in note for note in found.warnings)
    assert found.size == (16, 16)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("zeros.mp4", bytes(100_000), "holds only zeros"),
        ("empty.mp4", b"", "zero bytes"),
        ("folder", None, "no picture in it"),
        ("missing.mp4", None, "does not exist"),
    ],
)
def test_what_is_no_recording_is_one_line_and_status_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, content: bytes | None, said: str
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    elif name == "folder":
        path.mkdir()
        (path / "notes.txt").touch()
    assert main(["analyze", str(path), "--out", str(tmp_path / "out")], standalone=False) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    assert said in lines[0]
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("fps", ["nan", "inf", "0", "-25"])
def test_impossible_frame_rates_are_refused(
    clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], fps: str
) -> None:
    assert main(["analyze", str(clip), "--fps", fps, "--out", str(tmp_path / "out")], standalone=False) == 2
    assert "expected a positive number" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


# --- the disk -------------------------------------------------------------------------------------------------------


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, BaseException | None], None]:
    """Make the writing of one file of the results fail: on a device that is full, or by what is given."""

    def arm(name: str, error: BaseException | None) -> None:
        real = io.open

        def opened(file: Any, mode: str = "r", *more: Any, **options: Any) -> Any:
            if str(file).endswith(name) and "w" in mode:
                if error is not None:
                    raise error
                return real("/dev/full", mode, *more, **options)  # every write: no space left on device
            return real(file, mode, *more, **options)

        monkeypatch.setattr(io, "open", opened)

    return arm


needs_dev_full = pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")


@needs_dev_full
@pytest.mark.parametrize("name", ["intervals.csv", "frames.csv", "analysis.json"])
def test_a_full_disk_is_one_line_and_leaves_the_earlier_results(
    clip: Path, tmp_path: Path, failing: Callable, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["analyze", str(clip), "--out", str(tmp_path)]
    if name == "intervals.csv":
        assert main(command, standalone=False) == 0
    before = contents(tmp_path)
    capsys.readouterr()
    failing(name, None)
    assert main(command, standalone=False) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    assert "No space left on device" in lines[0]
    assert contents(tmp_path) == before


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_disk_that_is_full_at_the_last_step_leaves_nothing(
    clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(MienError, match="No space left on device"):
        mien.analyze(clip, out=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_while_a_camera_is_recorded_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mien.video import recording

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(recording._Writer, "__call__", full)
    with (
        pytest.raises(MienError, match="No space left on device"),
        record_video(tmp_path / "a.mp4", (64, 48)) as record,
    ):
        record(Frame(0, 0.0, np.zeros((48, 64), np.uint8)))
    assert list(tmp_path.iterdir()) == []


def test_a_place_where_nothing_can_be_written_is_one_line(
    clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    assert main(["analyze", str(clip), "--out", str(tmp_path / "file/out")], standalone=False) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    assert "expected a writable folder" in lines[0]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission_is_one_line(clip: Path, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(MienError, match="Permission denied"):
            mien.analyze(clip, out=tmp_path)
    finally:
        tmp_path.chmod(0o700)


# --- Ctrl-C ---------------------------------------------------------------------------------------------------------


def test_ctrl_c_while_reading_keeps_what_was_read(clip: Path, tmp_path: Path) -> None:
    def impatient(done: int, total: int | None) -> None:
        if done == 80:
            os.kill(os.getpid(), signal.SIGINT)

    found = mien.analyze(clip, out=tmp_path, progress=impatient)
    assert 80 <= len(found.frames) <= 82
    assert_the_event(found)
    assert found.partial.startswith("stopped by Ctrl-C at 1.3")
    assert json.loads((tmp_path / "a/analysis.json").read_text())["partial"] == found.partial
    for track in found.tracks:
        assert track.frames.tolist() == list(range(len(track.frames)))


def test_ctrl_c_before_the_first_frame_is_an_interruption(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mien.analysis._follow.Following.push", interrupted)
    with pytest.raises(KeyboardInterrupt):
        mien.analyze(clip)


def interrupted(*_: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("name", ["frames.csv", "analysis.json"])
def test_ctrl_c_while_writing_leaves_nothing_half_written(
    clip: Path, tmp_path: Path, failing: Callable, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    failing(name, KeyboardInterrupt())
    assert main(["analyze", str(clip), "--out", str(tmp_path / "out")], standalone=False) not in (0, 2)
    assert "interrupted" in capsys.readouterr().err
    assert list(tmp_path.rglob("*")) in ([], [tmp_path / "out"])


def test_the_frames_of_a_damaged_file_are_those_that_can_be_read(images: np.ndarray, tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.avi", images[:75], 60)
    data = bytearray(path.read_bytes())
    rng = np.random.default_rng(1)
    for place in rng.integers(len(data) // 2, len(data) * 3 // 4, 40):
        data[place] ^= 0xFF
    path.write_bytes(bytes(data))
    assert len(mien.analyze(path).frames) == sum(1 for _ in open_video(path)) > 37
